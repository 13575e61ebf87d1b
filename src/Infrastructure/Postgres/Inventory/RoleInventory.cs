using System.Globalization;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Roles;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Making;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Inventory;

/// <summary>
/// Reads what roles there are, in two round trips, and mends scope roles. Everything is asked by OID and tag at the moment it is done.
/// </summary>
internal sealed class RoleInventory(
    ClusterConnections connections, ScopeRoles scopes, TimeProvider clock, ILogger<RoleInventory> logger) : IRoleInventory
{
    private const int TriesToDrop = 5;

    /// <summary>Longer than a CREATE TABLE takes from reading default privileges to having written them.</summary>
    private static readonly TimeSpan TableMaking = TimeSpan.FromMilliseconds(300);

    /// <summary>How long is waited for others' transactions that give memberships; a making takes milliseconds.</summary>
    private static readonly TimeSpan GivingMembership = TimeSpan.FromSeconds(2);

    private const int Attempts = 5;

    public async Task<Result<RoleListing>> ListAsync(
            ClusterName cluster, string installation, IReadOnlyCollection<uint> also, CancellationToken cancellationToken)
    {
        Result<RoleListing>? listing = null;
        var refusal = await TryAsync(
            cluster, null,
            async connection =>
            {
                listing = await ListOnAsync(connection, cluster, installation, also, cancellationToken);
                return listing.Refusal;
            },
            cancellationToken);
        return refusal is not null ? refusal : listing!;
    }

    public async Task<Result> LockAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken)
    {
        var refusal = await TryAsync(
            cluster, null,
            async connection =>
            {
                await using var ask = Command(connection, InventoryStatements.Lock, Oid(role.Oid), TagOf(installation, role));
                if (await RowAsync(ask, row => (row.GetString(0), row.GetString(1)), cancellationToken) is not { } statements)
                    return NotOurs(role);

                await RunAsync(connection, statements.Item1, cancellationToken);
                // Whoever used the login is still in.
                await using (var end = Command(connection, RemovalStatements.EndSessionsOf))
                {
                    end.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [role.Oid] });
                    await end.ExecuteScalarAsync(cancellationToken);
                }
                await RunAsync(connection, statements.Item2, cancellationToken);

                await using var again = Command(connection, InventoryStatements.CanLogIn, Oid(role.Oid), TagOf(installation, role));
                return await RowAsync(again, row => row.GetBoolean(0) ? "yes" : "no", cancellationToken) is "yes"
                    ? new Error("postgres.not_mended", $"It can still log in. Let a superuser run: {statements.Item1};")
                    : null;
            },
            cancellationToken,
            refused => new Error("postgres.not_mended",
                $"The administrator may not change it (SQLSTATE {refused.SqlState}). Let a superuser run: ALTER ROLE " +
                $"{Show.Identifier(role.Name)} NOLOGIN PASSWORD NULL;"));
        return refusal ?? Result.Done;
    }

    public async Task<Result> TakeBackAsync(
            ClusterName cluster, string installation, FoundRole role, RoleLink member, CancellationToken cancellationToken)
    {
        var byHand = new Error("postgres.not_mended",
            $"The administrator cannot act for {member.Grantor}. Let {member.Grantor} or a superuser run: " +
                $"{RoleLink.TakeBack(role.Name, member.Role, member.Grantor)};");
        var refusal = await TryAsync(
            cluster, null,
            async connection =>
            {
                await using var ask = Command(connection, InventoryStatements.TakeBack(connection.Major), Oid(role.Oid),
                    TagOf(installation, role), Oid(member.Oid), member.Grantor);
                if (await RowAsync(ask, row => row.GetString(0), cancellationToken) is not { } statement) return NotOurs(role);

                await RunAsync(connection, statement, cancellationToken);
                // A REVOKE that found nothing only warns.
                await using var again = Command(connection, InventoryStatements.IsMember, Oid(role.Oid), Oid(member.Oid), member.Grantor);
                return (bool)(await again.ExecuteScalarAsync(cancellationToken))! ? byHand : null;
            },
            cancellationToken,
            _ => byHand);
        return refusal ?? Result.Done;
    }

    public async Task<Result> DropScopeAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken)
    {
        if (role.Mark is not RoleMark.Scope scope) return NotOurs(role);

        Task<Error?> InAsync(string? database) => TryAsync(
            cluster, database,
            connection => DropScopeOnAsync(connection, role.Name, role.Oid, TagOf(installation, role), cancellationToken),
            cancellationToken,
            refused => NotDropped(role.Name, refused));

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
                Public = [.. plans.SelectMany(plan => plan.Public)] };
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
                    await using var ask = Command(connection, InventoryStatements.Oid, part.Role);
                    if (await RowAsync(ask, row => new { Oid = row.GetFieldValue<uint>(0) }, cancellationToken) is not { } found)
                        return null;

                    var kept = await DropScopeOnAsync(connection, part.Role, found.Oid, part.Tag, cancellationToken);
                    if (kept?.Code != "postgres.in_use") return kept;

                    // Whoever came to need it meanwhile is to have all of it, what we had already taken from it included.
                    var look = RoleLook.WithoutRole(installation, part, clock.GetUtcNow());
                    var (state, _) = await look.LookAsync(connection, cancellationToken);
                    return (await scopes.KeepInLineAsync(connection, look, state, dryRun: false, cancellationToken)).Why ?? kept;
                },
                cancellationToken,
                refused => NotDropped(part.Role, refused));
            first ??= refusal;
        }
        return first is null ? Result.Done : first;
    }

    private static Error NotDropped(string role, PostgresException refused)
    {
        var error = NotDropped(role, $"{refused.MessageText} (SQLSTATE {refused.SqlState})", []);
        // It may have been refused behind the renaming.
        return RoleName.IsAside(role, out _) ? error : error
            with { Message = $"{error.Message} (or, if it is called that by now: DROP ROLE {Show.Identifier(RoleName.Aside(role))};)" };
    }

    private static Error NotDropped(string role, string why, List<string> kept) => new("postgres.not_dropped",
        $"It could not be dropped: {why}. Let an administrator take back what it was " +
            $"given{(kept.Count == 0 ? "" : $" ({string.Join("; ", kept)})")} and run: DROP ROLE {Show.Identifier(role)};");

    /// <summary>
    /// First everything is taken from it, with tables locked as for any change of their privileges (see <see cref="ScopeMending"/>).
    /// Whoever makes a table at this moment has read default privileges that name the role, and fails (42704) if it is gone before the
    /// table is there: so those are taken back and a while is waited. Then it is renamed, so that nobody becomes a member of it any more,
    /// and those who are just becoming one are waited for (DROP ROLE takes memberships away without a word, and a GRANT does not notice
    /// that the role is gone: see <see cref="RemovalStatements.Hold"/>); they get another role of its name. Then it is dropped.
    /// </summary>
    private async Task<Error?> DropScopeOnAsync(
            ClusterConnection cluster, string name, uint oid, string tag, CancellationToken cancellationToken)
    {
        var connection = cluster.Connection;
        Dictionary<ScopeDifference, int> tried = [];
        for (var vain = 0; ;)
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using (
                var tryLock = Command(cluster, ScopeLocks.TryScopeLock, RoleName.IsAside(name, out var locked) ? locked : name))
            {
                if (await tryLock.ExecuteScalarAsync(cancellationToken) is not true)
                {
                    // Somebody is bringing it in line for a new member.
                    if (++vain == ScopeMending.MostRounds) return InUse();

                    await transaction.RollbackAsync(cancellationToken);
                    await PostgresRoleAdministrator.PauseAsync(vain, clock, cancellationToken);
                    continue;
                }
            }

            await using var ask = Command(cluster, InventoryStatements.Drop, Oid(oid), tag);
            var found = await RowAsync(ask, row => new { Name = row.GetString(0), Ident = row.GetString(1), Drop = row.GetString(2),
                Database = row.GetString(3), Members = row.GetFieldValue<string[]>(4), Owns = row.GetInt64(5) }, cancellationToken);
            if (found is null) return NotOurs(name);
            var isAside = RoleName.IsAside(found.Name, out var given);
            if ((found.Members.Length > 0 && !isAside) || found.Owns > 0) return InUse();

            // Compared with a scope that says nothing, everything it has is too much. DROP OWNED would also destroy what it came to own in
            // between.
            var differences = (await cluster.RowsAsync(
                    ScopeStatements.Differences, [found.Name, "[]"], ScopeDifference.Read, cancellationToken))
                .Where(d => d.What is "spurious" or "default-spurious").ToList();
            if (differences.Any(d => d.What == "default-spurious" || d.Kind != "database"))
            {
                var portion = differences.Where(ScopeMending.IsOnTable).Select(d => d.Ident).Distinct(StringComparer.Ordinal)
                    .Order(StringComparer.Ordinal).Take(ScopeMending.TablesAtOnce).ToHashSet(StringComparer.Ordinal);
                portion.ExceptWith(await ScopeMending.LockAsync(cluster, portion, vain + 1, cancellationToken));
                var free = differences.Where(d => !ScopeMending.IsOnTable(d) || portion.Contains(d.Ident)).ToList();
                await cluster.RunAllAsync(ScopeChanges.For(free, found.Ident), cancellationToken);
                await transaction.CommitAsync(cancellationToken);
                if (free.Exists(d => d.What == "default-spurious")) await Task.Delay(TableMaking, clock, cancellationToken);
                // REVOKE takes back what its grantor gave us the right to, and of anything else says nothing.
                foreach (var one in free) tried[one] = tried.GetValueOrDefault(one) + 1;
                var stay = free.Where(d => tried[d] == TriesToDrop).ToList();
                if (stay.Count > 0) return NotDropped(name, "it keeps what others gave it", [.. stay.Select(ScopeWords.InWords)]);
                if (free.Count > 0) continue;
                if (++vain == ScopeMending.MostRounds) throw ScopeMending.InTheWay();

                await PostgresRoleAdministrator.PauseAsync(vain, clock, cancellationToken);
                continue;
            }

            if (!isAside)
            {
                await RunAsync(cluster, Rename(found.Name, RoleName.Aside(found.Name)), cancellationToken);
                await transaction.CommitAsync(cancellationToken);
                if (await NobodyBecomesMemberAsync(cluster, cancellationToken)) continue;

                await RenameBackAsync(cluster, RoleName.Aside(found.Name), found.Name, cancellationToken);
                return InUse();
            }

            await RunAsync(cluster, found.Database, cancellationToken);
            try
            {
                if (found.Members.Length > 0) await GiveAnotherAsync(cluster, given, tag, found.Members, cancellationToken);
                await RunAsync(cluster, found.Drop, cancellationToken);
            }
            catch (PostgresException kept) when (kept.SqlState == PostgresErrorCodes.DependentObjectsStillExist)
            {
                await transaction.RollbackAsync(cancellationToken);
                if (++vain < TriesToDrop)
                {
                    // A table was made in between, and has what the default privileges gave then.
                    await PostgresRoleAdministrator.PauseAsync(vain, clock, cancellationToken);
                    continue;
                }
                await RenameBackAsync(cluster, found.Name, given, cancellationToken);
                // The server's own list is not passed on by the driver, since it can quote values.
                await using var list = Command(cluster, InventoryStatements.KeptBy, Oid(oid));
                return NotDropped(name, $"{kept.MessageText} (SQLSTATE {kept.SqlState})",
                    await RowsAsync(list, row => row.GetString(0), cancellationToken));
            }
            await transaction.CommitAsync(cancellationToken);
            if (found.Members.Length == 0) return null;

            logger.LogWarning(
                "Scope role {Role} was made again: {Count} roles became members of it while it was dropped", given, found.Members.Length);
            return InUse();
        }
    }

    /// <summary>
    /// Waits for the transactions that give or take memberships at this moment. Ours take milliseconds; somebody else's may stay open, and
    /// then the answer is no.
    /// </summary>
    private async Task<bool> NobodyBecomesMemberAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        HashSet<string>? giving = null;
        for (var started = clock.GetTimestamp(); ; await Task.Delay(TimeSpan.FromMilliseconds(5), clock, cancellationToken))
        {
            await using var who = Command(cluster, InventoryStatements.GivingMemberships);
            var now = await RowsAsync(who, row => row.GetString(0), cancellationToken);
            giving ??= [.. now];
            giving.IntersectWith(now);
            if (giving.Count == 0) return true;
            if (clock.GetElapsedTime(started) > GivingMembership) return false;
        }
    }

    /// <summary>What another role of that name is to have it gets as ever: by the caller, or by upkeep.</summary>
    private static async Task GiveAnotherAsync(
            ClusterConnection cluster, string name, string tag, string[] members, CancellationToken cancellationToken)
    {
        await using (var ask = Command(cluster, InventoryStatements.Oid, name))
        {
            if (await ask.ExecuteScalarAsync(cancellationToken) is null)
                await ScopeMending.CreateAsync(cluster, name, tag, cancellationToken);
        }
        foreach (var member in members)
            await RunAsync(cluster, MakingStatements.GrantMembership(cluster.Major, name, member), cancellationToken);
    }

    private async Task RenameBackAsync(ClusterConnection cluster, string from, string to, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(cluster, Rename(from, to), cancellationToken);
        }
        catch (PostgresException there) when (there.SqlState == PostgresErrorCodes.DuplicateObject)
        {
            // Somebody's making has made another meanwhile. This one is nobody's, and reconciliation drops it.
            logger.LogInformation("Scope role {Role} stays as {Aside} for now", to, from);
        }
    }

    /// <summary>Names that we build need no quotes.</summary>
    private static string Rename(string from, string to) => $"ALTER ROLE {from} RENAME TO {to}";

    private static Error InUse() => new("postgres.in_use", "It has got a member or something of its own meanwhile and is kept.");

    private static async Task<Result<RoleListing>> ListOnAsync(ClusterConnection connection, ClusterName cluster, string installation,
        IReadOnlyCollection<uint> also, CancellationToken cancellationToken)
    {
        await using var where = Command(connection, InventoryStatements.Where);
        var (readOnly, administrator, now, seesPasswords) = await FirstAsync(where, row => (row.GetBoolean(0), row.GetString(1),
            new DateTimeOffset(row.GetDateTime(2), TimeSpan.Zero), row.GetBoolean(3)), cancellationToken);
        if (readOnly)
        {
            connection.DropPool();
            return new Error("postgres.read_only", $"Cluster {cluster} led us to an instance that only reads; what it says may be old.");
        }

        List<FoundRole> roles = [];
        await using (var ask = Command(connection, InventoryStatements.Roles, RoleName.Prefix(installation), RoleTagReader.Beginning))
        {
            ask.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. also.Select(oid => (long)oid)] });
            await using var row = await ask.ExecuteReaderAsync(cancellationToken);
            while (await row.ReadAsync(cancellationToken))
            {
                roles.Add(new FoundRole(
                    row.GetFieldValue<uint>(0), row.GetString(1),
                        RoleTagReader.Read(row.IsDBNull(3) ? null : row.GetString(3), installation), row.GetBoolean(2),
                    row.GetBoolean(4), row.GetBoolean(5), null, Links(row, 6), Links(row, 9), row.GetFieldValue<string[]>(12))
                {
                    GivenIn = row.GetFieldValue<string[]>(13),
                    Limits = new RoleLimits(
                        row.IsDBNull(14) ? null : new DateTimeOffset(row.GetDateTime(14), TimeSpan.Zero), row.GetInt32(15)),
                });
            }
        }

        if (!seesPasswords) return new RoleListing(administrator, now, roles);

        var powerless = roles.Where(role => role.Mark is RoleMark.Scope or RoleMark.Escrow).Select(role => (long)role.Oid).ToArray();
        HashSet<long> with = [];
        await using (var passwords = Command(connection, InventoryStatements.Passwords))
        {
            passwords.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = powerless });
            await using var row = await passwords.ExecuteReaderAsync(cancellationToken);
            while (await row.ReadAsync(cancellationToken)) with.Add(row.GetInt64(0));
        }
        return new RoleListing(administrator, now,
            [.. roles.Select(role => role.Mark is RoleMark.Scope or RoleMark.Escrow
            ? role with { HasPassword = with.Contains(role.Oid) } : role)]);
    }

    private static IReadOnlyList<RoleLink> Links(NpgsqlDataReader row, int from)
    {
        var (oids, names, grantors) =
            (row.GetFieldValue<long[]>(from), row.GetFieldValue<string[]>(from + 1), row.GetFieldValue<string[]>(from + 2));
        return [.. oids.Select((oid, i) => new RoleLink((uint)oid, names[i], grantors[i]))];
    }

    /// <summary>
    /// Runs it on a connection of its own; again after a clash or a lost connection. Answers a refusal, or null when it was done.
    /// </summary>
    /// <param name="forbidden">What to say when the server refuses a statement for good.</param>
    private async Task<Error?> TryAsync(
        ClusterName cluster, string? database, Func<ClusterConnection, Task<Error?>> work, CancellationToken cancellationToken,
            Func<PostgresException, Error>? forbidden = null)
    {
        for (var attempt = 1; ; attempt++)
        {
            ClusterConnection? connection = null;
            try
            {
                connection = await connections.OpenAsync(cluster, database, cancellationToken);
                return await work(connection);
            }
            catch (Exception failure) when (failure is ClusterFault or NpgsqlException)
            {
                var lost = ClusterFault.IsLostConnection(failure) && failure is not ClusterFault;
                if (lost) connection?.DropPool();
                if (attempt < Attempts && (lost || ClusterFault.IsContention(failure) || ClusterFault.IsOvertaken(failure)))
                {
                    if (connection is not null) await connection.DisposeAsync();
                    await PostgresRoleAdministrator.PauseAsync(attempt, clock, cancellationToken);
                    continue;
                }
                if (forbidden is not null && failure is PostgresException refused && !lost) return forbidden(refused);

                var fault = ClusterFault.From(failure, cluster, database ?? "");
                logger.LogWarning("Cluster {Cluster} could not be looked at: {Code}", cluster.Value, fault.Error.Code);
                return fault.Error;
            }
            finally
            {
                if (connection is not null) await connection.DisposeAsync();
            }
        }
    }

    private static string TagOf(string installation, FoundRole role) => role.Mark switch
    {
        RoleMark.Scope scope => RoleTag.Scope(installation, scope.Database, scope.Name, scope.Fingerprint),
        RoleMark.Escrow => RoleTag.Escrow(installation),
        _ => throw new ArgumentException("Only scope and escrow roles are mended.", nameof(role)),
    };

    private static Error NotOurs(FoundRole role) => NotOurs(role.Name);

    private static Error NotOurs(string role) =>
        new("postgres.gone", $"{role} is not there any more, or its tag is not ours any more; nothing was changed.");

    private static string Oid(uint oid) => oid.ToString(CultureInfo.InvariantCulture);

    private static NpgsqlCommand Command(ClusterConnection cluster, string sql, params string[] values)
    {
        var command = new NpgsqlCommand(sql, cluster.Connection);
        foreach (var value in values) command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = value });
        return command;
    }

    private static async Task<T?> RowAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
        where T : class
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? read(reader) : null;
    }

    private static async Task<List<T>> RowsAsync<T>(
            NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<T> rows = [];
        while (await reader.ReadAsync(cancellationToken)) rows.Add(read(reader));
        return rows;
    }

    private static async Task<(string, string)?> RowAsync(
            NpgsqlCommand command, Func<NpgsqlDataReader, (string, string)> read, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? read(reader) : null;
    }

    private static async Task<T> FirstAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return read(reader);
    }

    private static async Task RunAsync(ClusterConnection cluster, string statement, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(statement, cluster.Connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
