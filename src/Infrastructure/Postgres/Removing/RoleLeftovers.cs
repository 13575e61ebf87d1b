using DbAccess.Application.Ports;
using DbAccess.Application.Reconciling;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Roles;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// What a locked-out role left: prepared transactions, objects in any database, privileges. Objects go to the powerless escrow role;
/// nothing is dropped that holds data, and no <c>DROP OWNED</c> runs where the hand-over did not.
/// </summary>
/// <param name="oid">Of the role; or of its scope role, as which its sessions could act until PostgreSQL 15. That one keeps the privileges
/// on which live grants rest.</param>
internal sealed class RoleLeftovers(ClusterConnections connections, TimeProvider clock, ILogger logger, RoleToRemove role, string oid,
    bool isScope, RemovalFindings findings, bool sessionsLeft = false)
{
    private const string Nothing = "SELECT 1";

    /// <summary>Which kinds of dependency are too much: a temporary role has nothing of its own, a scope role owns nothing.</summary>
    private readonly string[] _kinds = isScope ? ["o"] : ["o", "a", "r", "i", "t"];

    /// <summary>Why a database could not be mended.</summary>
    private sealed record Obstacle(string State, string Text)
    {
        public bool MayNotConnect { get; init; }

        public bool IsLock => State == PostgresErrorCodes.LockNotAvailable;

        /// <summary>Memory, locks, disk or connections. Npgsql takes the connection for broken after any of them.</summary>
        public bool IsFull => State.StartsWith("53", StringComparison.Ordinal);

        public bool MayHelpToBeAnother => !IsLock && !IsFull;
    }

    /// <summary>Answers what is left after all, in words, each with what mends it. Empty when nothing is.</summary>
    public async Task<List<string>> MendAsync(CancellationToken cancellationToken)
    {
        List<string> blockers = [];
        List<(string Database, string SetRole, string Rollback, string Gid)> prepared;
        List<(string Database, bool Open, bool Invalid, string? Owner, string? Ident)> places;
        Statements statements;
        await using (var cluster = await connections.OpenAsync(role.Target.Cluster, null, cancellationToken))
        {
            if (await StatementsAsync(cluster, cancellationToken) is not { } first)
                return isScope ? blockers : await MendWithoutRoleAsync(cluster, cancellationToken);
            // A scope role of which we stayed a member would let us read what it may: there it is taken back in the same go.
            if (!isScope) await ScopeMending.ExecuteAsync(cluster.Connection, [first.Hold, first.BeMember], cancellationToken);
            statements = await EscrowAsync(cluster, first, cancellationToken);
            if (!isScope) blockers.AddRange(await TakeBackMembershipsAsync(cluster, cancellationToken));
            if (isScope && await ForgetSettingsAsync(cluster, statements, cancellationToken) is { } stuck) blockers.Add(stuck);
            prepared = await ListPreparedAsync(cluster, cancellationToken);
            places = await ListAsync(cluster, LeftoverStatements.Whereabouts, r => (r.GetString(0), r.GetBoolean(1), r.GetBoolean(2),
                r.IsDBNull(3) ? null : r.GetString(3), r.IsDBNull(4) ? null : r.GetString(4)), cancellationToken, _kinds);
        }

        // First of all, since DROP ROLE and DROP OWNED would wait for their locks.
        await RollBackAsync(prepared, statements, blockers, cancellationToken);
        foreach (var place in places)
        {
            if (await MendPlaceAsync(place.Database, statements, blockers, cancellationToken) is not { } obstacle) continue;

            blockers.AddRange(place switch
            {
                { Invalid: true } =>
                    [$"{statements.Ident} owns something in database {place.Database}, which is invalid. Run: DROP DATABASE " +
                    $"{place.Ident};"],
                { Open: false } =>
                    [$"{statements.Ident} owns or holds something in database {place.Database}, which takes no connections. Let its " +
                    $"owner {place.Owner} run: ALTER DATABASE {place.Ident} ALLOW_CONNECTIONS true CONNECTION LIMIT -1;"],
                _ when obstacle.MayNotConnect =>
                    [$"{statements.Ident} owns or holds something in database {place.Database}, which our administrator may not connect " +
                    $"to. Let its owner {place.Owner} run: GRANT CONNECT ON DATABASE {place.Ident} TO {statements.Administrator};"],
                _ when obstacle.State == PostgresErrorCodes.TooManyConnections =>
                    await NoRoomAsync(place.Database, statements.Ident, obstacle, cancellationToken),
                _ => await BlockersAsync(place.Database, statements.Ident, obstacle, cancellationToken),
            });
        }
        return blockers;
    }

    /// <summary>
    /// Somebody has dropped the role by hand. What it had prepared and the memberships it had given (until 15) do not keep a role from
    /// being dropped, and outlive it.
    /// </summary>
    private async Task<List<string>> MendWithoutRoleAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        var blockers = await TakeBackMembershipsAsync(cluster, cancellationToken);
        foreach (var (database, gid, rollback) in await ListAsync(
            cluster, LeftoverStatements.PreparedByNobody, r => (r.GetString(0), r.GetString(1), r.GetString(2)), cancellationToken))
            blockers.Add(
                $"prepared transaction '{gid}' in database {database} was left by the role, which somebody has dropped by hand; its " +
                $"locks stay. Let a superuser run there: {rollback};");
        return blockers;
    }

    /// <summary>
    /// Only what it prepared: for a role that cannot be shut out because of it. What cannot be rolled back is met again later.
    /// </summary>
    public async Task RollBackPreparedAsync(CancellationToken cancellationToken)
    {
        List<(string, string, string, string)> prepared;
        Statements statements;
        await using (var cluster = await connections.OpenAsync(role.Target.Cluster, null, cancellationToken))
        {
            prepared = await ListPreparedAsync(cluster, cancellationToken);
            if (prepared.Count == 0 || await StatementsAsync(cluster, cancellationToken) is not { } found) return;

            statements = found;
            await ScopeMending.ExecuteAsync(cluster.Connection, [statements.Hold, statements.BeMember], cancellationToken);
        }
        await RollBackAsync(prepared, statements, [], cancellationToken);
    }

    private Task<List<(string Database, string SetRole, string Rollback, string Gid)>> ListPreparedAsync(
            ClusterConnection cluster, CancellationToken cancellationToken) =>
        ListAsync(cluster, LeftoverStatements.Prepared, r => (r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3)),
            cancellationToken);

    private async Task RollBackAsync(
        List<(string Database, string SetRole, string Rollback, string Gid)> prepared, Statements statements, List<string> blockers,
            CancellationToken cancellationToken)
    {
        foreach (var transaction in prepared)
        {
            try
            {
                await using var cluster = await EnterAsync(transaction.Database, cancellationToken);
                if (isScope) await RunAsync(cluster, cancellationToken, statements.BeMember);
                await RunAsync(cluster, cancellationToken, transaction.SetRole, transaction.Rollback, "RESET ROLE");
                if (isScope) await RunAsync(cluster, cancellationToken, statements.BeNoMember);
                findings.Remark($"prepared transaction '{transaction.Gid}' in database {transaction.Database} was rolled back");
            }
            catch (Exception failure) when (Reason(failure) is { } reason)
            {
                blockers.Add(
                    $"prepared transaction '{transaction.Gid}' in database {transaction.Database} could not be rolled back " +
                    $"({reason.Text}). Run there: {transaction.Rollback};");
            }
        }
    }

    /// <summary>The database may allow few sessions, and one of them may be an idle one of ours: that goes first.</summary>
    private async Task<ClusterConnection> EnterAsync(string database, CancellationToken cancellationToken)
    {
        try
        {
            return await connections.OpenAsync(role.Target.Cluster, database, cancellationToken, pooled: false);
        }
        catch (ClusterFault full) when (full.SqlState == PostgresErrorCodes.TooManyConnections)
        {
            await using (var elsewhere = await connections.OpenAsync(role.Target.Cluster, null, cancellationToken)) elsewhere.DropPool();
            // The server needs a moment to notice.
            await Task.Delay(TimeSpan.FromMilliseconds(200), clock, cancellationToken);
            return await connections.OpenAsync(role.Target.Cluster, database, cancellationToken, pooled: false);
        }
    }

    /// <summary>A database that has its own bound reached is not a server that is full.</summary>
    private async Task<List<string>> NoRoomAsync(string database, string ident, Obstacle obstacle, CancellationToken cancellationToken)
    {
        try
        {
            await using var cluster = await connections.OpenAsync(role.Target.Cluster, null, cancellationToken);
            await using var ask = new NpgsqlCommand(
                LeftoverStatements.RoomIn, cluster.Connection) { Parameters = { new NpgsqlParameter<string> { TypedValue = database } } };
            await using var r = await ask.ExecuteReaderAsync(cancellationToken);
            if (await r.ReadAsync(cancellationToken) && r.GetInt32(0) >= 0 && r.GetInt64(1) >= r.GetInt32(0))
                return [$"{ident} owns or holds something in database {database}, whose CONNECTION LIMIT of {r.GetInt32(0)} is " +
                    $"reached{(Text(r, 2) is { } whose ? $" (sessions: {whose})" : "")}, so that our administrator does not get in. It " +
                    $"is tried again; end one of them, or let its owner {r.GetString(4)} run: {r.GetString(3)};"];
        }
        catch (Exception failure) when (Reason(failure) is not null)
        {
            // What was told of first is all we know.
        }
        return [$"database {database}: {obstacle.Text}"];
    }

    private async Task<Obstacle?> MendPlaceAsync(
            string database, Statements statements, List<string> blockers, CancellationToken cancellationToken)
    {
        try
        {
            await using var cluster = await EnterAsync(database, cancellationToken);
            var running = await SwitchOffAsync(cluster, database, statements, cancellationToken);
            blockers.AddRange(running);
            if (running.Count > 0) return null;

            if (!isScope && !sessionsLeft) await DropOrphansAsync(cluster, database, cancellationToken);
            if (await HandOverPortionsAsync(cluster, database, statements, cancellationToken) is { } stuck) return stuck;

            var owned = await ListAsync(cluster, LeftoverStatements.Owned, r => r.GetString(0), cancellationToken);
            var dropped = isScope ? [] : await ListAsync(cluster, LeftoverStatements.Dropped, r => r.GetString(0), cancellationToken);

            var (before, after) = isScope
                ? ((string[])[statements.BeMember, statements.SetRole, LeftoverStatements.Forget, "RESET ROLE"],
                    (string[])[statements.BeNoMember])
                : ([], [statements.DropOwned]);
            // A role of another owner lacks CREATE where these objects are; for the length of this transaction it has the role's own.
            var obstacle = await TryAsync(cluster, null, [.. before, statements.LendToEscrow],
                [statements.ReassignToEscrow, statements.TakeFromEscrow, .. after], cancellationToken);
            if (obstacle is { MayHelpToBeAnother: true }
                && await TryAsync(cluster, null, before, [statements.ReassignToSelf, .. after], cancellationToken) is null)
            {
                TakenByUs(database, statements, obstacle);
                obstacle = null;
            }
            if (obstacle is not null) return obstacle;

            var kept = await ListAsync(cluster, LeftoverStatements.Blockers(cluster.Major), r => r.GetString(0), cancellationToken, _kinds);
            findings.HandedOver(owned.Except(kept, StringComparer.Ordinal).Select(thing => Where(thing, database, statements)));
            findings.Dropped(
                dropped.Where(thing => !kept.Exists(one => IsAbout(thing, one))).Select(thing => $"{thing} (database {database})"));
            return kept.Count == 0 ? null : new Obstacle("", "not ours to change");
        }
        catch (Exception failure) when (Reason(failure) is { } reason)
        {
            logger.LogWarning("Role {Role}: {Database} could not be mended ({State})", role.Role.Value, database, reason.State);
            return reason;
        }
    }

    /// <summary>
    /// What nobody can reach any more is not worth keeping. Where it may not be dropped it goes to the escrow role like the rest.
    /// </summary>
    private async Task DropOrphansAsync(ClusterConnection cluster, string database, CancellationToken cancellationToken)
    {
        foreach (var (statement, thing) in await ListAsync(
            cluster, LeftoverStatements.Orphans(cluster.Major), r => (r.GetString(0), r.GetString(1)), cancellationToken))
        {
            try
            {
                await RunAsync(cluster, cancellationToken, statement);
                findings.Dropped([$"temporary {thing} (database {database}), which a session left that the server had lost"]);
            }
            catch (PostgresException refused)
                when (refused.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.LockNotAvailable)
            {
                // Only who may use the schema, as members of pg_read_all_data may.
                findings.Remark(
                    $"temporary {thing} in database {database}, which a session left that the server had lost, could not be dropped by " +
                    $"us (SQLSTATE {refused.SqlState}) and is under the escrow role; autovacuum drops it, or a superuser: {statement};");
            }
        }
    }

    /// <summary>
    /// Very many tables, before the rest: each portion a transaction of its own, with so few locks that everybody else on the server keeps
    /// room for theirs. What is handed over stays so, whatever comes next, and is told.
    /// </summary>
    private async Task<Obstacle?> HandOverPortionsAsync(
            ClusterConnection cluster, string database, Statements statements, CancellationToken cancellationToken)
    {
        var all = await ListAsync(
            cluster, LeftoverStatements.Portions, r =>
                (Statement: r.GetString(0), Thing: r.GetString(1), Oid: r.GetString(2), Locks: r.GetInt64(3), AtOnce: r.GetInt64(4)),
                cancellationToken);
        if (all.Count == 0 || all.Sum(one => one.Locks) <= all[0].AtOnce) return null;

        string[] before = isScope ? [statements.BeMember] : [];
        string[] after = isScope ? [statements.BeNoMember] : [];
        for (var from = 0; from < all.Count;)
        {
            var (to, locks) = (from, 0L);
            do locks += all[to++].Locks;
            while (to < all.Count && locks + all[to].Locks <= all[0].AtOnce);
            var portion = all[from..to];
            from = to;

            IEnumerable<string> Alter(string owner) => portion.Select(one => one.Statement + owner);
            var oids = $"{{{string.Join(',', portion.Select(one => one.Oid))}}}";
            var obstacle = await TryAsync(cluster, oids, [.. before, statements.LendToEscrow],
                [.. Alter(statements.EscrowIsOurs ? statements.Escrow : "CURRENT_USER"), statements.TakeFromEscrow, .. after],
                cancellationToken);
            if (obstacle is { MayHelpToBeAnother: true }
                && await TryAsync(cluster, oids, before, [.. Alter("CURRENT_USER"), .. after], cancellationToken) is null)
            {
                TakenByUs(database, statements, obstacle);
                obstacle = null;
            }
            if (obstacle is not null) return obstacle;

            findings.HandedOver(portion.Select(one => Where(one.Thing, database, statements)));
        }
        return null;
    }

    private void TakenByUs(string database, Statements statements, Obstacle obstacle) =>
        findings.Remark(
            $"in database {database} the escrow role could not take over what {statements.Ident} owned ({obstacle.Text}): the " +
            "administrator has it now, and what can run was switched off");

    private string Where(string thing, string database, Statements statements) =>
        $"{thing} (database {database}{(isScope ? $", left as {statements.Ident}" : "")})";

    /// <summary>
    /// Triggers of the role's making, before anything is handed over: who would know of them later? Answers those that run still, each with
    /// what stops it.
    /// </summary>
    private async Task<List<string>> SwitchOffAsync(
            ClusterConnection cluster, string database, Statements statements, CancellationToken cancellationToken)
    {
        List<string> running = [];
        foreach (var (statement, trigger, owner, onView, drops, definition) in await ListAsync(
            cluster, LeftoverStatements.Triggers, r =>
                (r.GetString(0), r.GetString(1), r.GetString(2), r.GetBoolean(3), r.GetBoolean(4), r.GetString(5)), cancellationToken))
        {
            if (onView)
            {
                // Nothing is dropped that somebody else may need.
                running.Add($"{trigger} in database {database} runs a function that {statements.Ident} made, with the rights of whoever " +
                    $"writes to the view. Let {owner} or a superuser run there: {statement};");
                continue;
            }
            try
            {
                await using var transaction = await cluster.Connection.BeginTransactionAsync(cancellationToken);
                if (isScope) await RunAsync(cluster, cancellationToken, statements.BeMember);
                await RunAsync(cluster, cancellationToken, statement);
                if (isScope) await RunAsync(cluster, cancellationToken, statements.BeNoMember);
                await transaction.CommitAsync(cancellationToken);
                if (drops) findings.Dropped(
                    [$"{trigger} (database {database}), which ran a function that {statements.Ident} made and would have kept everybody " +
                    $"from adding partitions: {definition}"]);
                else findings.Remark($"{trigger} in database {database} was switched off: it runs a function that {statements.Ident} made");
            }
            catch (PostgresException failure)
                when (failure.SqlState is PostgresErrorCodes.InsufficientPrivilege or PostgresErrorCodes.LockNotAvailable)
            {
                running.Add($"{trigger} in database {database} runs a function that {statements.Ident} made, with the rights of whoever " +
                    $"writes to the table, and could not be {(drops ? "dropped" : "switched off")} ({Told(failure).Text}). Let {owner} " +
                    $"or a superuser run there: {statement};");
            }
        }
        return running;
    }

    /// <summary>One transaction: all of it or nothing. Answers why not, or null.</summary>
    private async Task<Obstacle?> TryAsync(
            ClusterConnection cluster, string? portion, string[] before, string[] after, CancellationToken cancellationToken)
    {
        try
        {
            await using var transaction = await cluster.Connection.BeginTransactionAsync(cancellationToken);
            await using (var batch = new NpgsqlBatch(cluster.Connection, transaction))
            {
                var name = new NpgsqlBatchCommand("SELECT set_config('dbaccess.oid', $1, true), set_config('dbaccess.portion', $2, true)");
                name.Parameters.Add(new NpgsqlParameter<string> { TypedValue = oid });
                name.Parameters.Add(new NpgsqlParameter<string> { TypedValue = portion ?? "" });
                batch.BatchCommands.Add(name);
                foreach (var statement in (string[])[.. before, LeftoverStatements.Disarm, .. after])
                    batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
                await batch.ExecuteNonQueryAsync(cancellationToken);
            }
            await transaction.CommitAsync(cancellationToken);
            return null;
        }
        catch (PostgresException failure)
            when (!ClusterFault.IsLostConnection(failure) && failure.SqlState is not ("XX000" or "40P01" or "40001" or "23505"))
        {
            // 55P03: somebody else's session has a lock on something of the role's; it is left alone, and we come back.
            return failure.SqlState == PostgresErrorCodes.LockNotAvailable
                ? new Obstacle(failure.SqlState, "another session holds a lock on something of the role's") : Told(failure);
        }
    }

    private async Task<List<string>> BlockersAsync(string database, string ident, Obstacle obstacle, CancellationToken cancellationToken)
    {
        try
        {
            await using var cluster = await connections.OpenAsync(role.Target.Cluster, database, cancellationToken, pooled: false);
            var found = await ListAsync(cluster, LeftoverStatements.Blockers(cluster.Major), r => (
                Thing: r.GetString(0), Kind: r.GetString(1), Privileges: Text(r, 2), Grantors: Text(r, 3), Statement: Text(r, 4)),
                    cancellationToken, _kinds);
            List<string> lines = [];
            if (obstacle.IsFull)
                return [$"what {ident} owns in database {database} ({found.Count} things are left) could not be handed over: " +
                    $"{obstacle.Text}"];
            if (obstacle.IsLock)
            {
                foreach (var (pid, user, relation, end) in await ListAsync(cluster, LeftoverStatements.Holders,
                    r => (r.IsDBNull(0) ? (int?)null : r.GetInt32(0), r.GetString(1), r.GetString(2), r.GetString(3)), cancellationToken))
                    lines.Add($"{relation} in database {database}, on which {ident} has something, is held by " +
                        $"{(pid is null ? $"a prepared transaction of {user}" : $"another session (pid {pid} of {user})")}. It is left " +
                        $"alone and waited for; to end it, run{(pid is null ? " there" : "")}: {end};");
            }
            else if (obstacle.State.Length > 0 && obstacle.State is not ("42501" or "42704" or "3F000"))
            {
                // Whatever an event trigger raises, with whatever code: its owner alone can silence it.
                foreach (var (trigger, owner) in await ListAsync(
                    cluster, LeftoverStatements.EventTriggers, r => (r.GetString(0), r.GetString(1)), cancellationToken, withOid: false))
                    lines.Add($"the event trigger {trigger} in database {database} may forbid the clean-up ({obstacle.Text}). Let its " +
                        $"owner {owner} or a superuser run there: ALTER EVENT TRIGGER {trigger} DISABLE; and, when {ident} is gone: " +
                        $"ALTER EVENT TRIGGER {trigger} ENABLE;");
            }
            if (lines.Count > 0) return lines;

            // Those that only a superuser may own keep all others from being handed over.
            if (found.Exists(one => one.Grantors is null && one.Statement is not null))
                found.RemoveAll(one => one.Grantors is null && one.Statement is null);
            return found.Count == 0
                ? [$"database {database}: {obstacle.Text}"]
                : [.. found.Select(one => one.Grantors is null
                    ? $"{one.Thing} in database {database}: {obstacle.Text}. Let a superuser run there: " +
                        $"{one.Statement ?? $"REASSIGN OWNED BY {ident} TO {RoleName.ForEscrow(role.Installation)}; DROP OWNED BY {ident}"};"
                    : $"{one.Thing} in database {database}: {one.Privileges} given to it by {one.Grantors}. Let {one.Grantors} or a " +
                        $"superuser run there: {one.Statement};")];
        }
        catch (Exception failure) when (Reason(failure) is not null)
        {
            return [$"database {database}: {obstacle.Text}"];
        }
    }

    private async Task<List<string>> TakeBackMembershipsAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        List<string> blockers = [];
        foreach (var (statement, words) in await ListAsync(
            cluster, LeftoverStatements.GivenMemberships, r => (r.GetString(0), r.GetString(1)), cancellationToken))
        {
            try
            {
                await RunAsync(cluster, cancellationToken, statement);
                findings.Dropped([words]);
            }
            catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                blockers.Add($"{words}, cannot be taken back by us (SQLSTATE {refused.SqlState}). Let a superuser run: {statement};");
            }
        }
        return blockers;
    }

    /// <summary>
    /// Settings and a password on the scope role, which every session that becomes it would have. Answers what could not be done.
    /// </summary>
    private async Task<string?> ForgetSettingsAsync(ClusterConnection cluster, Statements statements, CancellationToken cancellationToken)
    {
        try
        {
            await RunAsync(cluster, cancellationToken, [.. statements.ResetSettings, statements.NoPassword]);
            if (statements.ResetSettings.Length > 0) findings.Remark($"settings of the scope role {statements.Ident} were taken back");
            return null;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            return $"settings of the scope role {statements.Ident} could not be taken back (SQLSTATE {refused.SqlState}). Let a " +
                $"superuser run: {string.Join("; ", statements.ResetSettings)};";
        }
    }

    private async Task<Statements> EscrowAsync(ClusterConnection cluster, Statements statements, CancellationToken cancellationToken)
    {
        if (!statements.EscrowExists)
        {
            try
            {
                await using var batch = new NpgsqlBatch(cluster.Connection);
                batch.BatchCommands.Add(new NpgsqlBatchCommand(statements.CreateEscrow));
                batch.BatchCommands.Add(new NpgsqlBatchCommand(statements.TagEscrow));
                batch.BatchCommands.Add(new NpgsqlBatchCommand(statements.BeEscrow));
                await batch.ExecuteNonQueryAsync(cancellationToken);
            }
            catch (PostgresException there) when (there.SqlState == PostgresErrorCodes.DuplicateObject)
            {
                // Another worker was quicker.
            }
            statements = await StatementsAsync(cluster, cancellationToken) ?? statements;
        }
        else if (statements is { EscrowIsOurs: true, IsEscrow: false })
        {
            try
            {
                await RunAsync(cluster, cancellationToken, statements.BeEscrow);
            }
            catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                // From 16 on that of another administrator: not ours to use.
                statements = statements with { EscrowIsOurs = false };
            }
        }
        if (!statements.EscrowIsOurs)
            logger.LogWarning(
                "The role {Escrow} has the name of our escrow role but is not it, or is another administrator's; what {Role} owns goes " +
                "to the administrator, disarmed", RoleName.ForEscrow(role.Installation).Value, role.Role.Value);
        return statements.EscrowIsOurs ? statements : statements
            with { ReassignToEscrow = statements.ReassignToSelf, LendToEscrow = Nothing, TakeFromEscrow = Nothing };
    }

    private async Task<Statements?> StatementsAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(LeftoverStatements.Mending(cluster.Major), cluster.Connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = oid });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = RoleName.ForEscrow(role.Installation).Value });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = RoleTag.Escrow(role.Installation) });
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        if (!await r.ReadAsync(cancellationToken)) return null;

        return new Statements(
            r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3), r.GetString(4), r.GetString(5), r.GetString(6), r.GetString(7),
                r.GetFieldValue<string[]>(8), r.GetString(9),
            r.GetString(10), r.GetString(11), r.GetString(12), !r.IsDBNull(13), !r.IsDBNull(14) && r.GetBoolean(14), !r.IsDBNull(15)
                && r.GetBoolean(15), r.GetString(16), r.GetString(17), r.GetString(18), r.GetString(19));
    }

    private async Task<List<T>> ListAsync<T>(
        ClusterConnection cluster, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken, string[]? kinds = null,
            bool withOid = true)
    {
        await using var command = new NpgsqlCommand(sql, cluster.Connection);
        if (withOid) command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = oid });
        if (kinds is not null) command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = kinds });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<T> rows = [];
        while (await reader.ReadAsync(cancellationToken)) rows.Add(read(reader));
        return rows;
    }

    /// <summary>Whether a line of <see cref="LeftoverStatements.Dropped"/> is about that object.</summary>
    private static bool IsAbout(string line, string thing) =>
        line == thing || line == $"its part in {thing}" || line.StartsWith($"{thing},", StringComparison.Ordinal)
        || (line.StartsWith("what it ", StringComparison.Ordinal) && line.EndsWith($" on {thing}", StringComparison.Ordinal));

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    /// <summary>One after the other, each a transaction of its own.</summary>
    private static async Task RunAsync(ClusterConnection cluster, CancellationToken cancellationToken, params string[] statements)
    {
        foreach (var statement in statements)
        {
            await using var command = new NpgsqlCommand(statement, cluster.Connection);
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
    }

    /// <summary>No secret in these statements, so the server may speak for itself.</summary>
    private static Obstacle Told(PostgresException failure) => new(failure.SqlState, failure.SqlState == ClusterFault.OutOfMemory
        ? ClusterFault.NoRoomForLocks : $"{failure.MessageText} (SQLSTATE {failure.SqlState})");

    /// <summary>Why one database could not be mended. Null for what concerns the whole walk: it starts again.</summary>
    private static Obstacle? Reason(Exception failure) => failure switch
    {
        ClusterFault fault => fault.SqlState is null ? null : new Obstacle(
            fault.SqlState, fault.Error.Message) { MayNotConnect = fault.SqlState == PostgresErrorCodes.InsufficientPrivilege },
        PostgresException postgres when !ClusterFault.IsLostConnection(postgres) && !ClusterFault.IsContention(postgres)
            && postgres.SqlState != "42704" => Told(postgres),
        _ => null,
    };

    private sealed record Statements(
        string BeMember, string BeNoMember, string LendToEscrow, string TakeFromEscrow, string ReassignToEscrow, string ReassignToSelf,
            string DropOwned, string SetRole, string[] ResetSettings,
        string NoPassword, string CreateEscrow, string TagEscrow, string BeEscrow, bool EscrowExists, bool EscrowIsOurs, bool IsEscrow,
            string Ident, string Administrator, string Hold, string Escrow);
}
