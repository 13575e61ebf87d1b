using System.Diagnostics;
using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Roles;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Scopes;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>What the first look at a server found, and the statements it quoted for us.</summary>
internal sealed record RolePreparation(
    bool ReadOnly,
    uint? ScopeOid,
    bool ScopeIsMore,
    string? ScopeTag,
    IReadOnlyList<RoleLink> ScopeMemberships,
    string ScopeIdent,
    string RoleIdent,
    string Create,
    string Alter,
    string Comment,
    string[] Settings)
{
    /// <summary>Further grants that the role takes: for a scope that runs as an owner, the membership in it.</summary>
    public string[] Grants { get; init; } = [];

    /// <summary>What the role may have got directly and not through a scope role, as the server describes it.</summary>
    public string[] Direct { get; init; } = [];

    /// <summary>Why the scope role, as it is, must not be handed to anybody.</summary>
    public Error? ScopeFault(ScopePart part)
    {
        if (ScopeOid is null) return null;
        if (ScopeTag != part.Tag)
        {
            return new Error("postgres.scope_role_taken",
                $"The role {ScopeIdent} has the name of our scope role for {part.Scope.Name}, but not our comment: somebody else made or " +
                    "changed it. Let an administrator look at it, and drop it if nobody needs it.");
        }
        if (ScopeIsMore)
        {
            return new Error("postgres.scope_role_changed",
                $"Somebody gave the scope role {ScopeIdent} more than a scope may have: run ALTER ROLE {ScopeIdent} NOLOGIN NOSUPERUSER " +
                    "NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS.");
        }
        return ScopeMemberships.Count == 0
            ? null
            : new Error("postgres.scope_role_changed",
                $"Somebody made the scope role {ScopeIdent} a member of " +
                    $"{string.Join(", ", ScopeMemberships.Select(link => link.Role).Distinct(StringComparer.Ordinal))}: run " +
                    $"{string.Join("; ", ScopeMemberships.Select(link => RoleLink.TakeBack(link.Role, part.Role, link.Grantor)))}.");
    }
}

/// <summary>The first look: everything it takes, bound once per order and database, to be sent as often as need be.</summary>
internal sealed class RoleLook(RoleOrder order, ScopePart part)
{
    private readonly string _tag = RoleTag.Login(order.Installation, order.Grant, order.Target.Database, order.Expiry);

    public ScopePart Part { get; } = part;

    /// <summary>
    /// For looking at a scope without a role: an order that is never placed, so that the questions are the same, in the same words.
    /// </summary>
    public static RoleLook WithoutRole(string installation, ScopePart part, DateTimeOffset now)
    {
        var grant = GrantId.New();
        return new RoleLook(
            new RoleOrder(installation, grant, part.Target, RoleName.ForGrant(installation, grant, "nobody"), part.Scope, now, now), part);
    }

    /// <summary>One round trip: the state of things, and the mark of the scope's objects.</summary>
    /// <param name="inherits">False for a role that is to have nothing but by becoming somebody else.</param>
    /// <param name="mark">False when the mark is read elsewhere; the answer's is then empty.</param>
    public async Task<(RolePreparation State, string Mark)> LookAsync(
            NpgsqlConnection connection, CancellationToken cancellationToken, bool inherits = true, bool mark = true)
    {
        await using var batch = new NpgsqlBatch(connection);
        var prepare = new NpgsqlBatchCommand(MakingStatements.Prepare);
        prepare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Part.Role });
        prepare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = order.Role.Value });
        prepare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _tag });
        prepare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = RoleTag.Utc(order.Expiry) });
        prepare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = order.Scope.Connections.ToString(CultureInfo.InvariantCulture) });
        prepare.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. order.Scope.Settings.Keys] });
        prepare.Parameters.Add(
            new NpgsqlParameter<string[]> { TypedValue = [.. order.Scope.Settings.Keys.Select(key => order.Scope.Settings[key])] });
        prepare.Parameters.Add(
            new NpgsqlParameter<string> { TypedValue = Activity.Current is { } activity ? $"dbaccess/{activity.TraceId}" : "dbaccess" });
        prepare.Parameters.Add(new NpgsqlParameter<string> { TypedValue = inherits ? "INHERIT" : "NOINHERIT" });
        batch.BatchCommands.Add(prepare);
        if (mark) batch.BatchCommands.Add(MarkCommand());
        // Planned once per connection; later calls find it there.
        await batch.PrepareAsync(cancellationToken);

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var state = new RolePreparation(
            reader.GetBoolean(0),
            reader.IsDBNull(1) ? null : reader.GetFieldValue<uint>(1),
            !reader.IsDBNull(2) && reader.GetBoolean(2),
            reader.IsDBNull(3) ? null : reader.GetString(3),
            [.. reader.GetFieldValue<string[]>(4)
                .Zip(reader.GetFieldValue<string[]>(12), (role, grantor) => new RoleLink(0, role, grantor))],
            reader.GetString(5),
            reader.GetString(6),
            reader.GetString(7),
            reader.GetString(8),
            reader.GetString(9),
            reader.GetFieldValue<string[]>(10));
        if (!mark) return (state, "");

        await reader.NextResultAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return (state, reader.GetString(0));
    }

    /// <summary>The mark alone.</summary>
    public async Task<string> MarkAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { MarkCommand() } };
        await batch.PrepareAsync(cancellationToken);
        return (string)(await batch.ExecuteScalarAsync(cancellationToken))!;
    }

    private NpgsqlBatchCommand MarkCommand()
    {
        var mark = new NpgsqlBatchCommand(MakingStatements.Mark);
        mark.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Part.Role });
        mark.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = Part.Schemas });
        mark.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = Part.HasFunctions });
        mark.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = Part.HasColumns });
        return mark;
    }

    /// <summary>Wanted against actual, in full.</summary>
    public async Task<List<ScopeDifference>> CompareAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var differences = new NpgsqlCommand(MakingStatements.Differences, connection);
        differences.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Part.Role });
        differences.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Part.Rules });
        await using var reader = await differences.ExecuteReaderAsync(cancellationToken);
        return await ScopeRoles.ReadAsync(reader, cancellationToken);
    }
}
