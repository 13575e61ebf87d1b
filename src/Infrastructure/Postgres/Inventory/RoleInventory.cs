using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Making;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.Infrastructure.Postgres.Roles;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Inventory;

/// <summary>
/// Reads what roles there are, in two round trips, and mends scope roles. Everything is asked by OID and tag at the moment it is done.
/// </summary>
internal sealed class RoleInventory(
    ClusterConnections connections, ScopeRoles scopes, WarmConnections warm, TimeProvider clock, ILogger<RoleInventory> logger)
    : IRoleInventory
{
    private readonly ScopeRoleDropping _dropping = new(clock, logger);

    public async Task<Result<RoleListing>> ListAsync(
            ClusterName cluster, string installation, IReadOnlyCollection<uint> also, CancellationToken cancellationToken)
    {
        Result<RoleListing>? listing = null;
        var refusal = await TryAsync(
            cluster, null,
            async connection =>
            {
                listing = await RoleListingReader.ReadAsync(connection, cluster, installation, also, cancellationToken);
                return listing.Refusal;
            },
            cancellationToken);
        // What is live there by the record: the roles whose sessions may have to be ended when nobody can log in.
        await warm.KeepAsync(cluster, also, cancellationToken);
        return refusal is not null ? refusal : listing!;
    }

    public async Task<Result> LockAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken)
    {
        var refusal = await TryAsync(
            cluster, null,
            async connection =>
            {
                if (await connection.RowAsync(InventoryStatements.Lock, [Oid(role.Oid), RoleTag.Of(installation, role)], RoleLock.Read,
                    cancellationToken) is not { } statements) return NotOurs(role);

                await connection.RunAsync(statements.NoLogin, cancellationToken);
                // Whoever used the login is still in.
                await connection.DoingFirstAsync(
                    SessionStatements.EndSessionsOf, [(long[])[role.Oid]], row => row.GetFieldValue<string[]>(0), cancellationToken);
                await connection.RunAsync(statements.NoPassword, cancellationToken);

                return await CanLogInAsync(connection, installation, role, cancellationToken) is true
                    ? Error.MendedBy("postgres.not_mended", "It can still log in.", new Remedy("a superuser", "", statements.NoLogin))
                    : null;
            },
            cancellationToken,
            refused => Error.MendedBy("postgres.not_mended",
                $"The administrator may not change it (SQLSTATE {refused.SqlState}).",
                new Remedy("a superuser", "", $"ALTER ROLE {Show.Identifier(role.Name)} NOLOGIN PASSWORD NULL")));
        return refusal ?? Result.Done;
    }

    public async Task<Result> RevokeMembershipAsync(
            ClusterName cluster, string installation, FoundRole role, RoleLink member, CancellationToken cancellationToken)
    {
        var byHand = new Error("postgres.not_mended",
            $"The administrator cannot act for {member.Grantor}. " +
                new Remedy($"{member.Grantor} or a superuser", "", RoleLink.Revoke(role.Name, member.Role, member.Grantor)));
        var refusal = await TryAsync(
            cluster, null,
            async connection =>
            {
                if (await connection.RowAsync(InventoryStatements.Revoke(connection.Major),
                    [Oid(role.Oid), RoleTag.Of(installation, role), Oid(member.Oid), member.Grantor],
                    row => row.GetString(0), cancellationToken) is not { } statement) return NotOurs(role);

                await connection.RunAsync(statement, cancellationToken);
                // A REVOKE that found nothing only warns.
                return await connection.FirstAsync(InventoryStatements.IsMember, [Oid(role.Oid), Oid(member.Oid), member.Grantor],
                    row => row.GetBoolean(0), cancellationToken) ? byHand : null;
            },
            cancellationToken,
            _ => byHand);
        return refusal ?? Result.Done;
    }

    public async Task<Result> ForgetDefaultsAsync(
        ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken)
    {
        var refusal = await TryAsync(
            cluster, null,
            async connection =>
                await CanLogInAsync(connection, installation, role, cancellationToken) is null ? NotOurs(role) : null,
            cancellationToken);
        if (refusal is not null) return refusal;

        var left = await new Attempts(clock).RunAsync(
            async () => (await new ScopeDefaults(connections, cluster).RevokeAsync(Oid(role.Oid), cancellationToken)).Left,
            cancellationToken);
        return left.Count == 0 ? Result.Done : new Error("postgres.not_mended", string.Join(" ", left));
    }

    public Task<Result> DropScopeAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken) =>
        DropAsync(cluster, installation, role, strip: false, cancellationToken);

    public Task<Result> StripScopeAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken) =>
        DropAsync(cluster, installation, role, strip: true, cancellationToken);

    private async Task<Result> DropAsync(
        ClusterName cluster, string installation, FoundRole role, bool strip, CancellationToken cancellationToken)
    {
        if (role.Mark is not RoleMark.Scope scope) return NotOurs(role);

        Task<Error?> InAsync(string? database) => TryAsync(
            cluster, database,
            connection => _dropping.DropAsync(
                connection, installation, role.Name, role.Oid, RoleTag.Of(installation, role), cancellationToken, strip),
            cancellationToken,
            refused => ScopeRoleDropping.Refused(role.Name, refused));

        var refusal = await InAsync(scope.Database);
        // Its database is gone, and with it everything it was given there.
        if (refusal?.Code == "postgres.no_database") refusal = await InAsync(null);
        return refusal ?? Result.Done;
    }

    public async Task<Result<PrivilegePlan>> PlanAsync(
            string installation, DatabaseTarget target, PrivilegeScope scope, CancellationToken cancellationToken)
    {
        List<PrivilegePlan> plans = [];
        foreach (var part in ScopePart.Of(installation, target, scope))
        {
            var refusal = await TryAsync(
                target.Cluster, part.Database,
                async connection =>
                {
                    if (ScopeSupport.Lack(scope, connection.Major) is { } unsupported) return unsupported;

                    var look = RoleLook.WithoutRole(installation, part, clock.GetUtcNow());
                    var (state, mark) = await look.LookAsync(connection, cancellationToken);
                    if ((await scopes.EnsureAsync(connection, look, state, mark, cancellationToken, onlyLook: true)).Why is { } why)
                        return why;

                    if (scope.RunAs is { } owner
                        && (await OwnerToActAs.FindAsync(connection, target, scope, owner, "nobody", cancellationToken))
                        .Why is { } unfit) return unfit;

                    plans.Add(await PlanReader.ReadAsync(connection, part, sizes: true, cancellationToken));
                    return null;
                },
                cancellationToken);
            if (refusal is not null) return refusal;
        }
        return plans.Count == 1
            ? plans[0]
            : plans[0] with { Objects = [.. plans.SelectMany(plan => plan.Objects)], Later = [.. plans.SelectMany(plan => plan.Later)],
                Public = [.. plans.SelectMany(plan => plan.Public)], Remarks = [.. plans.SelectMany(plan => plan.Remarks)] };
    }

    public async Task<Result<IReadOnlyList<TableName>>> FindTablesAsync(
        ClusterName cluster, IReadOnlyList<string> databases, IReadOnlyList<TableName> wanted, CancellationToken cancellationToken)
    {
        string[] schemas = [.. wanted.Select(table => table.Schema)], names = [.. wanted.Select(table => table.Name)];
        return await TablesAsync(cluster, databases, InventoryStatements.Tables, () => [schemas, names], cancellationToken);
    }

    public Task<Result<IReadOnlyList<TableName>>> ListTablesAsync(
        ClusterName cluster, IReadOnlyList<string> databases, IReadOnlyList<ObjectSelector> schemas, int limit,
        CancellationToken cancellationToken) =>
        TablesAsync(cluster, databases, InventoryStatements.TablesOf,
            () => [ScopePart.SchemasOf(schemas), limit, ScopePart.SchemaPatternsOf(schemas)], cancellationToken);

    private async Task<Result<IReadOnlyList<TableName>>> TablesAsync(
        ClusterName cluster, IReadOnlyList<string> databases, string statement, Func<Given[]> values, CancellationToken cancellationToken)
    {
        HashSet<TableName> found = [];
        foreach (var database in databases)
        {
            var refusal = await TryAsync(
                cluster, database,
                async connection =>
                {
                    found.UnionWith(await connection.RowsAsync(
                        statement, values(), row => new TableName(row.GetString(0), row.GetString(1)), cancellationToken));
                    return null;
                },
                cancellationToken);
            if (refusal is not null) return refusal;
        }
        return Result<IReadOnlyList<TableName>>.Of([.. found]);
    }

    public async Task<ScopeUpkeep> KeepInLineAsync(
            string installation, DatabaseTarget target, PrivilegeScope scope, bool dryRun, CancellationToken cancellationToken)
    {
        List<string> differences = [];
        foreach (var part in ScopePart.Of(installation, target, scope))
        {
            var refusal = await TryAsync(
                target.Cluster, part.Database,
                async connection =>
                {
                    var look = RoleLook.WithoutRole(installation, part, clock.GetUtcNow());
                    var (state, _) = await look.LookAsync(connection, cancellationToken);
                    if (state.ReadOnly || state.ScopeOid is null) return null;

                    var (found, why) = await scopes.KeepInLineAsync(connection, look, state, dryRun, cancellationToken);
                    differences.AddRange(found);
                    return why;
                },
                cancellationToken,
                refused => new Error("postgres.not_mended", $"{refused.MessageText} (SQLSTATE {refused.SqlState})."));
            if (refusal is not null) return new ScopeUpkeep(differences, refusal);
        }
        return new ScopeUpkeep(differences, null);
    }

    public async Task<Result> DropUnusedAsync(
            string installation, DatabaseTarget target, PrivilegeScope scope, CancellationToken cancellationToken)
    {
        Error? first = null;
        foreach (var part in ScopePart.Of(installation, target, scope))
        {
            var refusal = await TryAsync(
                target.Cluster, part.Database,
                async connection =>
                {
                    if (await connection.RowAsync(InventoryStatements.Oid, [part.Role],
                        row => new { Oid = row.GetFieldValue<uint>(0) }, cancellationToken) is not { } found) return null;

                    var kept = await _dropping.DropAsync(
                        connection, installation, part.Role, found.Oid, part.Tag, cancellationToken);
                    if (kept?.Code != "postgres.in_use") return kept;

                    // Whoever came to need it meanwhile is to have all of it, what we had already taken from it included.
                    var look = RoleLook.WithoutRole(installation, part, clock.GetUtcNow());
                    var (state, _) = await look.LookAsync(connection, cancellationToken);
                    return (await scopes.KeepInLineAsync(connection, look, state, dryRun: false, cancellationToken)).Why ?? kept;
                },
                cancellationToken,
                refused => ScopeRoleDropping.Refused(part.Role, refused));
            first ??= refusal;
        }
        return first is null ? Result.Done : first;
    }

    /// <summary>
    /// Runs it on a connection of its own; again after a clash or a lost connection. Answers a refusal, or null when it was done.
    /// </summary>
    /// <param name="forbidden">What to say when the server refuses a statement for good.</param>
    private async Task<Error?> TryAsync(
        ClusterName cluster, string? database, Func<ClusterConnection, Task<Error?>> work, CancellationToken cancellationToken,
        Func<PostgresException, Error>? forbidden = null)
    {
        try
        {
            return await new Attempts(clock).RunOnAsync(connections, cluster, database, work, cancellationToken);
        }
        catch (PostgresException refused) when (forbidden is not null && Attempts.Classify(refused) != Passing.Lost)
        {
            return forbidden(refused);
        }
        catch (Exception failure) when (failure is ClusterFault or NpgsqlException)
        {
            var fault = ClusterFault.From(failure, cluster, database ?? "");
            logger.LogWarning("Cluster {Cluster} could not be looked at: {Code}", cluster.Value, fault.Error.Code);
            return fault.Error;
        }
    }

    /// <summary>Null when the role is not there any more, or its tag is not ours any more.</summary>
    private static async Task<bool?> CanLogInAsync(
        ClusterConnection connection, string installation, FoundRole role, CancellationToken cancellationToken) =>
        (await connection.RowsAsync(InventoryStatements.CanLogIn, [Oid(role.Oid), RoleTag.Of(installation, role)],
            row => (bool?)row.GetBoolean(0), cancellationToken)).FirstOrDefault();

    private static Error NotOurs(FoundRole role) => ScopeRoleDropping.NotOurs(role.Name);

    private static string Oid(uint oid) => oid.ToString(CultureInfo.InvariantCulture);
}
