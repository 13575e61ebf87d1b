using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;

namespace DbAccess.Application.Ports;

/// <summary>What the comment on a role says about it.</summary>
public abstract record RoleMark
{
    private RoleMark()
    {
    }

    /// <summary>A temporary role of this installation. Never believed alone: a comment can be copied.</summary>
    /// <param name="End">Null when the tag does not say a time that can be read.</param>
    public sealed record Login(GrantId Grant, string Database, DateTimeOffset? End) : RoleMark;

    /// <summary>A scope role of this installation.</summary>
    public sealed record Scope(string Database, string Name, string Fingerprint) : RoleMark;

    /// <summary>The escrow role of this installation.</summary>
    public sealed record Escrow : RoleMark;

    /// <summary>A role of another installation.</summary>
    public sealed record Foreign(string Installation) : RoleMark;

    /// <summary>It begins like a tag of this product and is none.</summary>
    public sealed record Unreadable : RoleMark;

    /// <summary>No tag.</summary>
    public sealed record None : RoleMark;
}

/// <summary>One membership: the role at its other end, and who gave it.</summary>
public sealed record RoleLink(uint Oid, string Role, string Grantor)
{
    /// <summary>
    /// For people: the statement that takes it back, whoever of those who may runs it. From PostgreSQL 16 on a REVOKE that names nobody is
    /// about what the one who runs it gave, and of anything else only warns; CASCADE, for what was handed on from there. Names are quoted
    /// here for sentences only.
    /// </summary>
    public static string Revoke(string role, string member, string grantor)
    {
        // Until 15 the one who gave it may be gone, and is not asked for either.
        var by = grantor.StartsWith("unknown (OID=", StringComparison.Ordinal) ? "" : $" GRANTED BY {Show.Identifier(grantor)}";
        return $"REVOKE {Show.Identifier(role)} FROM {Show.Identifier(member)}{by} CASCADE";
    }
}

/// <summary>A role that carries our tag, our prefix, or an OID that was asked for.</summary>
/// <param name="HasPrefix">Its name begins like those of this installation.</param>
/// <param name="HasPowers">Superuser, createrole, createdb, replication or bypassrls.</param>
/// <param name="HasPassword">Null where it cannot be known: that takes a right that an administrator need not have.</param>
/// <param name="Members">Who is a member of it.</param>
/// <param name="MemberOf">What it is a member of.</param>
/// <param name="OwnsIn">The databases in which it owns something.</param>
public sealed record FoundRole(
    uint Oid,
    string Name,
    RoleMark Mark,
    bool HasPrefix,
    bool CanLogIn,
    bool HasPowers,
    bool? HasPassword,
    IReadOnlyList<RoleLink> Members,
    IReadOnlyList<RoleLink> MemberOf,
    IReadOnlyList<string> OwnsIn)
{
    /// <summary>Where it has privileges that hang on itself: <c>database orders</c>, or <c>the whole cluster</c>.</summary>
    public IReadOnlyList<string> GivenIn { get; init; } = [];

    /// <summary>
    /// The databases in which it has default privileges of its own. A scope role makes nothing, so that somebody has set them in its name.
    /// </summary>
    public IReadOnlyList<string> DefaultsIn { get; init; } = [];

    /// <summary>Whether it has any privilege that hangs on itself, default privileges that name it among them.</summary>
    public bool HasPrivileges { get; init; }

    /// <summary>Null where nobody looked.</summary>
    public RoleLimits? Limits { get; init; }
}

/// <summary>Until when, and how often at a time, the server itself lets a role in.</summary>
/// <param name="End">Null: for ever.</param>
/// <param name="Connections">-1: any number.</param>
public sealed record RoleLimits(DateTimeOffset? End, int Connections);

/// <summary>What is on a cluster, at one moment.</summary>
/// <param name="Administrator">Who asked: a member of scope roles that is no stray.</param>
/// <param name="ServerNow">The server's own clock, by which it lets roles in.</param>
public sealed record RoleListing(string Administrator, DateTimeOffset ServerNow, IReadOnlyList<FoundRole> Roles);

/// <summary>
/// The roles of this installation on a cluster, as the server knows them, and the few things that may be mended on scope roles. The methods
/// that change something look again first and change only a role with that OID that still carries our tag; each is safe to repeat.
/// </summary>
public interface IRoleInventory
{
    /// <summary>Refuses when the cluster cannot be asked, or leads to an instance that only reads: such an answer may be old.</summary>
    /// <param name="also">OIDs to be listed whatever their name and comment say.</param>
    Task<Result<RoleListing>> ListAsync(
        ClusterName cluster, string installation, IReadOnlyCollection<uint> also, CancellationToken cancellationToken);

    /// <summary>Takes login and password from a scope or escrow role, and ends its sessions.</summary>
    Task<Result> LockAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken);

    /// <summary>
    /// Takes a membership in a scope or escrow role back. Refuses, with the statement, when it was given by somebody whom the administrator
    /// cannot act for.
    /// </summary>
    Task<Result> RevokeMembershipAsync(
        ClusterName cluster, string installation, FoundRole role, RoleLink member, CancellationToken cancellationToken);

    /// <summary>
    /// Takes back the default privileges that somebody set in the name of a scope or escrow role. Refuses, with the statements, when the
    /// administrator cannot.
    /// </summary>
    Task<Result> ForgetDefaultsAsync(
        ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken);

    /// <summary>
    /// Drops a scope role without members, after what it was given was taken back. Drops nothing else: a role that owns something is
    /// refused.
    /// </summary>
    Task<Result> DropScopeAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken);

    /// <summary>
    /// Takes from a scope role that was put aside everything that it was given, whoever else is a member of it, and drops it when nobody
    /// is. Refuses while a temporary role of ours is, and when something stays that others gave.
    /// </summary>
    Task<Result> StripScopeAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken);

    /// <summary>
    /// Drops the scope roles of a scope that was somebody's own (narrowed), once nobody is a member of them any more. What is still in use
    /// or cannot be dropped now stays, and reconciliation comes back to it.
    /// </summary>
    Task<Result> DropUnusedAsync(string installation, DatabaseTarget target, PrivilegeScope scope, CancellationToken cancellationToken);

    /// <summary>
    /// What a role of this scope would be able to do on the target as it is now. Changes nothing and makes no role. Refuses what could not
    /// be made, with what mends it.
    /// </summary>
    Task<Result<PrivilegePlan>> PlanAsync(
        string installation, DatabaseTarget target, PrivilegeScope scope, CancellationToken cancellationToken);

    /// <summary>
    /// Which of these tables and views there are in any of the databases; where some are not, others of their schemas with them whose names
    /// are about as long, a few thousand at most. Reads only. Refuses when a database cannot be asked.
    /// </summary>
    Task<Result<IReadOnlyList<TableName>>> FindTablesAsync(
        ClusterName cluster, IReadOnlyList<string> databases, IReadOnlyList<TableName> wanted, CancellationToken cancellationToken);

    /// <summary>
    /// The tables and views of the schemas of these selectors in any of the databases, at most <paramref name="limit"/> of each database.
    /// Reads only. Refuses when a database cannot be asked.
    /// </summary>
    Task<Result<IReadOnlyList<TableName>>> ListTablesAsync(
        ClusterName cluster, IReadOnlyList<string> databases, IReadOnlyList<ObjectSelector> schemas, int limit,
        CancellationToken cancellationToken);

    /// <summary>
    /// Compares the scope roles of a live grant with what its scope means on the databases now (tables came, somebody granted or revoked by
    /// hand), and brings them in line. A scope role that is not there is left to the next grant.
    /// </summary>
    /// <param name="dryRun">Only say what differs.</param>
    Task<ScopeUpkeep> KeepInLineAsync(
        string installation, DatabaseTarget target, PrivilegeScope scope, bool dryRun, CancellationToken cancellationToken);
}

/// <summary>How a comparison of scope roles ended.</summary>
/// <param name="Differences">What differed, in words (<c>missing: select on table public.new</c>), at most a few dozen.</param>
/// <param name="Refusal">Why it could not be brought in line, with what mends it; null when it is in line now.</param>
public sealed record ScopeUpkeep(IReadOnlyList<string> Differences, Error? Refusal);
