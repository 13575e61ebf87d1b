using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Roles;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>One removal: what it is about, and what it has learnt so far.</summary>
internal sealed class RemovalCase(RoleToRemove role, TimeProvider clock)
{
    private readonly string _tag = RoleTag.LoginPrefix(role.Installation, role.Grant);
    private readonly string _scopeTag = RoleTag.ScopePrefix(role.Installation);

    public RoleToRemove Role { get; } = role;

    public RemovalFindings Findings { get; } = new();

    /// <summary>Empty while it is not known.</summary>
    public string Oid { get; set; } = role.Oid?.ToString(CultureInfo.InvariantCulture) ?? "";

    /// <summary>The names of its scope roles, from the record and as found.</summary>
    public HashSet<string> ScopeRoles { get; } = role.ScopeRoles.Select(scope => scope.Value).ToHashSet(StringComparer.Ordinal);

    /// <summary>Through which door; null for that of the credentials.</summary>
    public string? Database { get; set; } = role.Target.Database;

    /// <summary>Those whom the role had been given on to, and whose sessions had to be ended.</summary>
    public IReadOnlyList<long> Members { get; set; } = [];

    public bool MembersEnded { get; set; }

    /// <summary>An earlier removal had shut it out; null before the first look.</summary>
    public bool? WasShutOut { get; set; }

    /// <summary>The server counts statements.</summary>
    public bool Counts { get; set; }

    public DateTimeOffset? LockedOutAt { get; set; }

    public DateTimeOffset? LastGoneAt { get; set; }

    /// <summary>What the statements of <see cref="RemovalStatements"/> all take. New for each statement.</summary>
    public Given[] Values(params Given[] more) =>
        [Oid, Role.Role.Value, _tag, (string[])[.. ScopeRoles], _scopeTag, .. more];

    public DateTimeOffset Now() => clock.GetUtcNow();

    public static string Instance(ClusterConnection cluster) =>
        $"{cluster.Connection.Host}:{cluster.Connection.Port.ToString(CultureInfo.InvariantCulture)}";

    /// <summary>What whoever comes next does not find any more; null when nothing was done that counts.</summary>
    public RemovalReceipt? SoFar() => Findings.Existed && (LockedOutAt is not null || Findings.AnythingDone)
        ? Findings.Receipt(LockedOutAt ?? RemovalReceipt.NotYet, LastGoneAt ?? Now(), null, null) : null;
}
