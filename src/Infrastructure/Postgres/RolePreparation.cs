using System.Diagnostics;
using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Scopes;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres;

/// <summary>What the first look at a server found, and the statements it quoted for us.</summary>
internal sealed record RolePreparation(
    bool ReadOnly,
    uint? ScopeOid,
    bool ScopeIsMore,
    string? ScopeTag,
    string[] ScopeMemberships,
    string ScopeIdent,
    string RoleIdent,
    string Create,
    string Alter,
    string Comment,
    string[] Settings)
{
    /// <summary>For a scope that runs as an owner: the membership in it.</summary>
    public string[] Memberships { get; init; } = [];

    /// <summary>Why the scope role, as it is, must not be handed to anybody.</summary>
    public Error? ScopeFault(RoleOrder order)
    {
        if (ScopeOid is null) return null;
        if (ScopeTag != ScopeRoles.TagFor(order))
        {
            return new Error("postgres.scope_role_taken",
                $"The role {ScopeIdent} has the name of our scope role for {order.Scope.Name}, but not our comment: somebody else made or changed it. Let an administrator look at it, and drop it if nobody needs it.");
        }
        if (ScopeIsMore)
        {
            return new Error("postgres.scope_role_changed",
                $"Somebody gave the scope role {ScopeIdent} more than a scope may have: run ALTER ROLE {ScopeIdent} NOLOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS.");
        }
        return ScopeMemberships.Length == 0
            ? null
            : new Error("postgres.scope_role_changed",
                $"Somebody made the scope role {ScopeIdent} a member of {string.Join(", ", ScopeMemberships)}: run REVOKE \"{ScopeMemberships[0]}\" FROM {ScopeIdent}.");
    }
}

/// <summary>The first look: everything it takes, bound once per order, to be sent as often as need be.</summary>
internal sealed class RoleLook(RoleOrder order)
{
    private readonly string _scopeRole = ScopeRoles.NameFor(order).Value;
    private readonly string _tag = RoleTag.Login(order.Installation, order.Grant, order.Target.Database, order.Expiry);
    private readonly string _rules = ScopeRoles.RulesAsJson(order.Scope);
    private readonly string[] _schemas = [.. order.Scope.Privileges.Select(rule => rule.On.Schema).Distinct(StringComparer.Ordinal)];
    private readonly bool _functions = order.Scope.Privileges.Any(rule => rule.On.Kind == ObjectKind.Function);

    /// <summary>One round trip: the state of things, and the mark of the scope's objects.</summary>
    public async Task<(RolePreparation State, string Mark)> LookAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection);
        var prepare = new NpgsqlBatchCommand(RoleStatements.Prepare);
        prepare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _scopeRole });
        prepare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = order.Role.Value });
        prepare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _tag });
        prepare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = RoleTag.Utc(order.Expiry) });
        prepare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = order.Scope.Connections.ToString(CultureInfo.InvariantCulture) });
        prepare.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. order.Scope.Settings.Keys] });
        prepare.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. order.Scope.Settings.Keys.Select(key => order.Scope.Settings[key])] });
        prepare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Activity.Current is { } activity ? $"dbaccess/{activity.TraceId}" : "dbaccess" });
        batch.BatchCommands.Add(prepare);
        var mark = new NpgsqlBatchCommand(RoleStatements.Mark);
        mark.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _scopeRole });
        mark.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = _schemas });
        mark.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = _functions });
        batch.BatchCommands.Add(mark);
        // Planned once per connection; later calls find it there.
        await batch.PrepareAsync(cancellationToken);

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var state = new RolePreparation(
            reader.GetBoolean(0),
            reader.IsDBNull(1) ? null : reader.GetFieldValue<uint>(1),
            !reader.IsDBNull(2) && reader.GetBoolean(2),
            reader.IsDBNull(3) ? null : reader.GetString(3),
            reader.GetFieldValue<string[]>(4),
            reader.GetString(5),
            reader.GetString(6),
            reader.GetString(7),
            reader.GetString(8),
            reader.GetString(9),
            reader.GetFieldValue<string[]>(10));
        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (state, reader.GetString(0));
    }

    /// <summary>Wanted against actual, in full.</summary>
    public async Task<List<ScopeDifference>> CompareAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var differences = new NpgsqlCommand(RoleStatements.Differences, connection);
        differences.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _scopeRole });
        differences.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _rules });
        await using var reader = await differences.ExecuteReaderAsync(cancellationToken);
        return await ScopeRoles.ReadAsync(reader, cancellationToken);
    }
}
