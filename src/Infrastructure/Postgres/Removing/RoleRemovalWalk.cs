using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// One removal, from whatever an earlier one left. A role that has nothing and nobody is dropped and proved gone in one round trip. Any
/// other is shut out first; then sessions are ended on every instance, what was prepared is rolled back, what is owned is handed over, and
/// it is dropped and proved. Each step may be repeated, and two workers may do it at once.
/// </summary>
internal sealed class RoleRemovalWalk(
        ClusterConnections connections, ActivityLog activity, TimeProvider clock, ILogger logger, RoleToRemove role,
        WarmConnections? warm = null)
{
    private const int Attempts = 10;
    private const int LostConnections = 2;

    /// <summary>How often sessions are ended by number when the server has no room for the locks of a strike.</summary>
    private const int RoundsWithoutRoom = 5;

    /// <summary>
    /// People mend one after the other, and the next try names those that come after. A grant's record has room for so many.
    /// </summary>
    private const int MostBlockers = 50;

    /// <summary>After the first, for clients that were just logging in when the door was shut.</summary>
    private const int RoundsOfEnding = 3;

    /// <summary>While the door is still open nobody is waited for.</summary>
    private const string Impatient = "150ms";
    private const string Patient = "2s";

    private static readonly TimeSpan RoundLimit = TimeSpan.FromSeconds(2);

    private readonly string _tag = RoleTag.LoginPrefix(role.Installation, role.Grant);
    private readonly string _scopeTag = RoleTag.ScopePrefix(role.Installation);
    private readonly HashSet<string> _scopeRoles = role.ScopeRoles.Select(scope => scope.Value).ToHashSet(StringComparer.Ordinal);
    private readonly RemovalFindings _findings = new();
    private readonly List<string> _unreached = [];
    private string _oid = role.Oid?.ToString(CultureInfo.InvariantCulture) ?? "";
    private string? _database = role.Target.Database;
    private bool _mayDropAtOnce = true;
    private Endings _endings = Endings.All;
    private bool _membersEnded;
    private long[] _members = [];
    private bool _counts;
    private bool? _wasShutOut;

    /// <summary>Shut out, with no session left on the writer or any reader.</summary>
    private bool IsLockedOut => _lockedOutAt is not null && _swept && _unreached.Count == 0;

    private bool _swept;
    private DateTimeOffset? _lockedOutAt;
    private DateTimeOffset? _lastGoneAt;

    public async Task<RoleRemoval> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            var removal = await TryAsync(cancellationToken);
            return removal is RoleRemoval.NotNow notNow ? notNow with { SoFar = SoFar() } : removal;
        }
        catch (OperationCanceledException) when (IsLockedOut && SoFar() is { } soFar)
        {
            // Nobody has access any more, and that is what matters to people; the rest takes longer than one worker has.
            return new RoleRemoval.LockedOut(soFar,
                ["what it left is being handed over, which takes longer than one try; it goes on by itself"]);
        }
        catch (OperationCanceledException) when (SoFar() is { } soFar)
        {
            return new RoleRemoval.NotNow(new Error("removal.cut_off", "it was given up half way"), soFar);
        }
    }

    /// <summary>What whoever comes next does not find any more; null when nothing was done that counts.</summary>
    private RemovalReceipt? SoFar() => _findings.Existed && (_lockedOutAt is not null || _findings.AnythingDone)
        ? _findings.Receipt(_lockedOutAt ?? RemovalReceipt.NotYet, _lastGoneAt ?? Now(), null, null) : null;

    private async Task<RoleRemoval> TryAsync(CancellationToken cancellationToken)
    {
        var lost = 0;
        var crowded = 0;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var removal = await WalkAsync(cancellationToken);
                // Access is over by now. The server's counters are kept by OID, so that they can be read after the drop and hold nothing
                // up.
                if (_counts && _oid.Length > 0 && role.RunAs is null)
                    _findings.Activity = await activity.ReadAsync(role.Target.Cluster, role.Target.Database, _oid, cancellationToken);
                return removal switch
                {
                    RoleRemoval.Gone gone => new RoleRemoval.Gone(gone.Receipt with { Activity = _findings.Activity }),
                    RoleRemoval.LockedOut locked =>
                        new RoleRemoval.LockedOut(locked.Receipt with { Activity = _findings.Activity }, locked.Blockers),
                    _ => removal,
                };
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                // A call that is given up can end as a broken connection just as well.
                cancellationToken.ThrowIfCancellationRequested();
                // Whatever was in the way of dropping it at once: from now on it is shut out first.
                var wasAtOnce = _mayDropAtOnce;
                _mayDropAtOnce = false;
                // A holder can fill the server's one table of locks and so keep everybody's statements out, ours and their own lock-out
                // among them. Now and then there is room for a few.
                if ((failure is PostgresException { SqlState: ClusterFault.OutOfMemory }
                    or ClusterFault { SqlState: ClusterFault.OutOfMemory }) && ++crowded <= RoundsWithoutRoom)
                {
                    _findings.Remark(
                        "the server had no room left for locks at first, so some sessions may have been ended that are not counted");
                    await EndByNumberAsync(cancellationToken);
                    await PostgresRoleAdministrator.PauseAsync(attempt, clock, cancellationToken);
                    continue;
                }
                // The database may be closed or gone, or a trigger of its own turn us away; the role is the whole cluster's, and another
                // door leads to it as well.
                if (_database is not null && failure is ClusterFault { SqlState: not (null or "28P01" or "28000" or "57P03") })
                {
                    _database = null;
                    continue;
                }
                // Without pg_signal_backend only a member may end the role's sessions, and no ghost; the administrator can make itself one.
                // If nothing helps, the rest is done all the same.
                if (failure is PostgresException { SqlState: "42501", BatchCommand: NpgsqlBatchCommand refused }
                    && refused.CommandText == Ending && _oid.Length > 0)
                {
                    if (_endings == Endings.All) await BecomeMemberAsync(cancellationToken);
                    _endings++;
                    continue;
                }
                if (failure is PostgresException { SqlState: "42501" } && wasAtOnce) continue;
                var again = ClusterFault.IsContention(failure) || failure is PostgresException { SqlState: "42704" or "2BP01" }
                    ? attempt < Attempts
                    : ClusterFault.IsLostConnection(failure) && ++lost <= LostConnections;
                if (again)
                {
                    if (failure is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable })
                        await ClearTheWayAsync(cancellationToken);
                    await PostgresRoleAdministrator.PauseAsync(attempt, clock, cancellationToken);
                    continue;
                }
                if (!ClusterFault.IsOfConnection(failure)) throw;
                if (failure is PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable })
                    return new RoleRemoval.NotNow(new Error("postgres.role_held", Held(role.Role.Value)));

                return new RoleRemoval.NotNow(ClusterFault.From(failure, role.Target.Cluster, role.Target.Database).Error);
            }
        }
    }

    private async Task<RoleRemoval> WalkAsync(CancellationToken cancellationToken)
    {
        _unreached.Clear();
        _swept = false;
        var readers = (await connections.CredentialAsync(role.Target.Cluster, cancellationToken)).Readers;
        RoleState left;
        await using (var cluster = await OpenAsync(cancellationToken))
        {
            // On readers sessions are ended before the drop: while the role is there, everybody can see whose they are.
            left = await StrikeAsync(cluster, _mayDropAtOnce && readers.Count == 0, Impatient, cancellationToken);
            if (left.Sessions > 0) left = await EndSessionsAsync(cluster, left, cancellationToken);
            try
            {
                if (left.Members > 0) await EndSessionsOfMembersAsync(cluster, cancellationToken);
            }
            catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                // They stay members, so that they are known next time.
                return new RoleRemoval.NotNow(new Error("postgres.not_locked_out",
                    $"{left.Name} was given on to others, who may act through it, and our administrator may not end their sessions. Run " +
                        "as a superuser: SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_roles r ON r.oid = " +
                        $"a.usesysid WHERE pg_has_role(r.oid, {_oid}, 'MEMBER') AND NOT r.rolsuper; and, so that we may: GRANT " +
                        $"pg_signal_backend TO {Show.Identifier(cluster.Credential.Username)};"));
            }
        }
        if (left.Exists && left.Sessions == 0) _lastGoneAt ??= Now();

        // Sessions on a reader are invisible to the writer. A reader that does not answer keeps nobody from being locked out.
        if (_oid.Length > 0) await OnReadersAsync(readers, left.Exists, left.CanLogIn, cancellationToken);
        _swept = left is { CanLogIn: false, Sessions: 0 };

        List<string> blockers = [];
        if (left is { CanLogIn: true, IsSuperuser: false })
            blockers.Add(
                $"the role {left.Name} can still log in: the administrator may not change it. Run as a superuser: ALTER ROLE " +
                $"{Show.Identifier(left.Name)} NOLOGIN;");
        // Nothing about it is ours to change, and everything ours would be in vain.
        if (left.IsSuperuser)
            return LockedOutOrNotNow(left,
                [$"somebody has made the role {left.Name} a superuser, so that only a superuser may change it, end its sessions or drop " +
                $"it. It is tried again. Run as a superuser: ALTER ROLE {Show.Identifier(left.Name)} NOSUPERUSER;"]);
        if (left.Sessions > 0) blockers.AddRange(await StayingAsync(left, cancellationToken));
        if (left.OfRole > 0)
            blockers.AddRange(await new RoleLeftovers(connections, clock, logger, role, _oid, isScope: false, _findings,
                sessionsLeft: left.Sessions > 0).MendAsync(cancellationToken));
        if (left.OfScopes > 0)
        {
            foreach (var scope in left.ScopeRoles)
            {
                var defaults = await new ScopeDefaults(connections, role.Target.Cluster).TakeBackAsync(scope, cancellationToken);
                _findings.Dropped(defaults.TakenBack);
                blockers.AddRange(defaults.Left);
                // From 16 on nobody can become it and leave anything else.
                if (left.CanBecomeScope)
                    blockers.AddRange(await new RoleLeftovers(connections, clock, logger, role, scope, isScope: true, _findings)
                        .MendAsync(cancellationToken));
            }
        }
        // Shut out it stays where it is, until every reader has heard of that: to a reader that has not even heard of its making, one that
        // is dropped looks the same.
        if (_unreached.Count > 0 && left.Exists) return LockedOutOrNotNow(left, blockers);

        return left is { Exists: false, Sessions: 0, OfScopes: 0 } && left.Rows == 0
            ? Gone(left) : await DropAsync(left, blockers, cancellationToken);
    }

    /// <summary>
    /// Drop it if it has nothing and nobody, else shut it out; end sessions; look what is left. One round trip, the first step a
    /// transaction of its own.
    /// </summary>
    private async Task<RoleState> StrikeAsync(ClusterConnection cluster, bool mayDrop, string patience, CancellationToken cancellationToken)
    {
        var statements = RemovalStatements.For(cluster.Major);
        await using var batch = new NpgsqlBatch(cluster.Connection);
        var look = Command(statements.Look);
        look.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = mayDrop });
        look.Parameters.Add(new NpgsqlParameter<string> { TypedValue = patience });
        look.Parameters.Add(new NpgsqlParameter<bool> { TypedValue = _membersEnded });
        batch.BatchCommands.Add(look);
        batch.BatchCommands.Add(new NpgsqlBatchCommand(statements.Strike) { AppendErrorBarrier = true });
        if (Ending is { } end) batch.BatchCommands.Add(Command(end));
        batch.BatchCommands.Add(Command(statements.State));
        // Planned once per connection.
        await batch.PrepareAsync(cancellationToken);

        var scopesBefore = _scopeRoles.Count;
        var oidBefore = _oid;
        RoleState left;
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
        {
            await reader.ReadAsync(cancellationToken);
            if (!await reader.IsDBNullAsync(0, cancellationToken))
            {
                _findings.Existed = true;
                if (role.RunAs is { } owner)
                    _findings.Remark(
                        $"what its sessions ran as {owner} is counted by the server as that owner's, so there is no digest of it");
                _oid = reader.GetFieldValue<uint>(0).ToString(CultureInfo.InvariantCulture);
                _scopeRoles.UnionWith(reader.GetFieldValue<string[]>(6));
                _wasShutOut ??= reader.GetBoolean(7);
            }
            await reader.NextResultAsync(cancellationToken);
            while (reader.FieldCount == 3)
            {
                await reader.ReadAsync(cancellationToken);
                Ended(cluster, reader);
                await reader.NextResultAsync(cancellationToken);
            }
            left = await ReadStateAsync(cluster, reader, cancellationToken);
        }
        // Its sessions are ended by now, and who could follow them is the next try's.
        if (left.Held) throw new PostgresException("", "ERROR", "ERROR", PostgresErrorCodes.LockNotAvailable);
        // It was under another OID than on record, or a member of a scope role that is not on record: what was looked at is not all there
        // is.
        return _scopeRoles.Count != scopesBefore || (_oid != oidBefore && oidBefore.Length > 0)
            ? await LookAsync(cluster, cancellationToken) : left;
    }

    /// <summary>Who did not go: those that are on their way out, with whom they wait for, and the rest.</summary>
    private async Task<List<string>> StayingAsync(RoleState left, CancellationToken cancellationToken)
    {
        List<(string Session, int Pid, string Mode, string What, string Holder, string End)> waiting = [];
        await using var cluster = await OpenAsync(cancellationToken);
        await using (var command = new NpgsqlCommand(
            RemovalStatements.Waiting, cluster.Connection) { Parameters = { new NpgsqlParameter<string> { TypedValue = _oid } } })
        {
            await using var r = await command.ExecuteReaderAsync(cancellationToken);
            while (await r.ReadAsync(cancellationToken))
                waiting.Add((r.GetString(0), r.GetInt32(1), r.GetString(2), r.GetString(3), r.GetString(4), r.GetString(5)));
        }
        var sessions = waiting.Select(one => one.Session).Distinct(StringComparer.Ordinal).ToList();
        if (_wasShutOut == true) sessions.ForEach(session => _findings.IsKnown(Instance(cluster), isWriter: true, session));

        List<string> lines = [.. waiting.Select(one =>
            $"session {one.Pid} of {left.Name} was told to end, and to do so waits for {one.Mode} on {one.What}, which {one.Holder} " +
                "holds; whoever wants that table meanwhile waits behind it. No statement but one that ends its holder helps. Run as the " +
                $"same user or a superuser: {one.End};")];
        if (left.Sessions > sessions.Count)
            lines.Add($"{left.Sessions - sessions.Count} sessions of {left.Name} did not end. Run as a superuser: SELECT " +
                $"pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = {_oid};");
        return lines;
    }

    /// <summary>
    /// Somebody's open transaction holds the role, so that it cannot even be shut out: its holder can change their own password and not
    /// commit, or prepare that. The strike has ended the holder's own sessions all the same; whoever else can act as the role, and what was
    /// prepared, goes here.
    /// </summary>
    private async Task ClearTheWayAsync(CancellationToken cancellationToken)
    {
        if (_oid.Length == 0) return;

        try
        {
            await using (var cluster = await OpenAsync(cancellationToken))
            {
                if (cluster.Major < 16) await EndSessionsOfMembersAsync(cluster, cancellationToken);
            }
            await new RoleLeftovers(connections, clock, logger, role, _oid, isScope: false, _findings)
                .RollBackPreparedAsync(cancellationToken);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            // What is really in the way the next strike will meet again.
            logger.LogWarning("What holds {Role} could not be ended ({Failure})", role.Role.Value, (failure as PostgresException)?.SqlState
                ?? failure.GetType().Name);
        }
    }

    /// <summary>On a connection of before, if there is one: to log in takes locks, too.</summary>
    private async Task EndByNumberAsync(CancellationToken cancellationToken)
    {
        if (_oid.Length == 0) return;

        if (warm is not null && await warm.EndAsync(role.Target.Cluster, uint.Parse(_oid, CultureInfo.InvariantCulture), role.Role,
            cancellationToken) is { Length: > 0 } byNumber)
        {
            _findings.Existed = true;
            var writer = await connections.CredentialAsync(role.Target.Cluster, cancellationToken);
            _findings.Ended($"{writer.Host}:{writer.Port.ToString(CultureInfo.InvariantCulture)}", isWriter: true, byNumber, byNumber);
            return;
        }

        try
        {
            await using var cluster = await OpenAsync(cancellationToken);
            await using var command = new NpgsqlCommand(RemovalStatements.EndByNumber, cluster.Connection)
            {
                Parameters = { new NpgsqlParameter<string> { TypedValue = _oid },
                    new NpgsqlParameter<string> { TypedValue = role.Role.Value } },
            };
            if (await command.ExecuteScalarAsync(cancellationToken) is not string[] { Length: > 0 } ended) return;

            _findings.Existed = true;
            _findings.Ended(Instance(cluster), isWriter: true, ended, ended);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            logger.LogWarning("The sessions of {Role} could not be ended by number ({Failure})", role.Role.Value,
                (failure as PostgresException)?.SqlState ?? (failure as ClusterFault)?.SqlState ?? failure.GetType().Name);
        }
    }

    private static string Held(string name) =>
        $"another session's open transaction, or a prepared one, holds {name} (a GRANT to it that was not committed, or the like). It is " +
            "tried again; to see whose: SELECT datname, usename, format('SELECT pg_terminate_backend(%s)', pid) AS statement FROM " +
            "pg_stat_activity WHERE state LIKE 'idle in transaction%' UNION ALL SELECT database, owner, format('ROLLBACK PREPARED %L', " +
            "gid) FROM pg_prepared_xacts;";

    private async Task<RoleState> LookAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        await using var batch =
            new NpgsqlBatch(cluster.Connection) { BatchCommands = { Command(RemovalStatements.For(cluster.Major).State) } };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        return await ReadStateAsync(cluster, reader, cancellationToken);
    }

    private async Task<RoleState> ReadStateAsync(ClusterConnection cluster, NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        await reader.ReadAsync(cancellationToken);
        if (reader.GetBoolean(12))
        {
            cluster.DropPool();
            throw new PostgresException(
                $"cluster {role.Target.Cluster} led to a reader", "ERROR", "ERROR", PostgresErrorCodes.ReadOnlySqlTransaction);
        }
        var left = new RoleState(
            reader.GetBoolean(0), await reader.IsDBNullAsync(2, cancellationToken)
                ? role.Role.Value : reader.GetString(2), reader.GetBoolean(3), reader.GetInt64(4), reader.GetInt64(5),
            reader.GetInt64(6), reader.GetInt64(7), reader.GetInt64(8), reader.GetInt64(9), reader.GetFieldValue<string[]>(10),
                reader.GetInt64(11),
            await reader.IsDBNullAsync(14, cancellationToken) ? null : reader.GetString(14), reader.GetBoolean(15), reader.GetBoolean(16),
                reader.GetBoolean(18)) { CanBecomeScope = cluster.Major < 16 };
        _counts = reader.GetBoolean(13);
        if (left.Exists) _findings.Existed = true;
        if (reader.GetString(17) is { Length: > 0 } given) _findings.Dropped(given.Split('\n'));
        if (!left.CanLogIn) _lockedOutAt ??= Now();
        if (left.Sessions == 0) _findings.Checked(Instance(cluster), isWriter: true, Now());
        return left;
    }

    private async Task<RoleState> EndSessionsAsync(ClusterConnection cluster, RoleState left, CancellationToken cancellationToken)
    {
        for (var round = 1; round <= RoundsOfEnding; round++)
        {
            var started = clock.GetTimestamp();
            for (var pause = 2; clock.GetElapsedTime(started) < RoundLimit; pause = Math.Min(pause * 2, 50))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(pause), clock, cancellationToken);
                left = await LookAsync(cluster, cancellationToken);
                if (left.Sessions == 0) return left;
            }
            if (_endings == Endings.None) return left;
            await EndOnceAsync(cluster, cancellationToken);
        }
        return left;
    }

    private async Task<(long Found, long Ended)> EndOnceAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        await using var batch =
            new NpgsqlBatch(cluster.Connection) { BatchCommands = { Command(Ending ?? RemovalStatements.EndOwnSessions) } };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        Ended(cluster, reader);
        return (reader.GetFieldValue<string[]>(0).Length, reader.GetFieldValue<string[]>(1).Length);
    }

    private void Ended(ClusterConnection cluster, NpgsqlDataReader reader)
    {
        _findings.Ended(Instance(cluster), cluster.Reader is null, reader.GetFieldValue<string[]>(0), reader.GetFieldValue<string[]>(1));
        if (reader.GetInt64(2) is > 0 and var ghosts)
            logger.LogWarning("{Ghosts} sessions of roles that no longer exist were ended on {Instance}", ghosts, Instance(cluster));
    }

    private async Task EndSessionsOfMembersAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        var ended = await new RoleMembers(role, _oid, _scopeRoles, _findings).CutOffAsync(cluster, cancellationToken);
        _members = [.. _members.Union(ended)];
        _membersEnded = true;
    }

    private async Task OnReadersAsync(IReadOnlyList<string> readers, bool exists, bool canLogIn, CancellationToken cancellationToken)
    {
        foreach (var instance in readers)
        {
            try
            {
                await using var cluster = await connections.OpenAsync(role.Target.Cluster, null, cancellationToken, instance);
                var started = clock.GetTimestamp();
                // A reader lets the role in until it has heard that it is shut out; only from then on nobody can follow those who are
                // ended.
                while (await EndOnReaderAsync(cluster, exists, cancellationToken) is var (found, knows)
                    && (found > 0 || (!knows && !canLogIn)))
                {
                    if (clock.GetElapsedTime(started) > RoundLimit)
                    {
                        _unreached.Add(found > 0 ? $"reader {instance} keeps a session"
                            : $"reader {instance} lags behind and has not heard yet that the role is shut out");
                        break;
                    }
                    await Task.Delay(TimeSpan.FromMilliseconds(20), clock, cancellationToken);
                    if (found > 0) _lastGoneAt = Now();
                }
                _findings.Checked(Instance(cluster), isWriter: false, Now());
            }
            catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
            {
                _unreached.Add($"reader {instance} does not answer");
            }
        }
    }

    /// <summary>Looks whether it has heard first, then ends: what came in before it had heard is seen.</summary>
    private async Task<(long Found, bool Knows)> EndOnReaderAsync(
            ClusterConnection cluster, bool exists, CancellationToken cancellationToken)
    {
        bool knows;
        await using (var ask = new NpgsqlCommand(RemovalStatements.IsShutOut, cluster.Connection) { Parameters =
            { new NpgsqlParameter<string> { TypedValue = _oid }, new NpgsqlParameter<bool> { TypedValue = exists } } })
            knows = (bool)(await ask.ExecuteScalarAsync(cancellationToken))!;
        if (_members.Length > 0)
        {
            await using var members = new NpgsqlCommand(RemovalStatements.EndSessionsOf, cluster.Connection) { Parameters =
                { new NpgsqlParameter<long[]> { TypedValue = _members } } };
            if (await members.ExecuteScalarAsync(cancellationToken) is > 0L and var ended)
                _findings.Remark($"{ended} sessions of those whom the role had been given on to were ended on {Instance(cluster)}, too");
        }
        return ((await EndOnceAsync(cluster, cancellationToken)).Found, knows);
    }

    private async Task<RoleRemoval> DropAsync(RoleState before, List<string> blockers, CancellationToken cancellationToken)
    {
        await using var cluster = await OpenAsync(cancellationToken);
        var started = clock.GetTimestamp();
        while (true)
        {
            RoleState left;
            try
            {
                left = await StrikeAsync(cluster, mayDrop: true, Patient, cancellationToken);
            }
            catch (PostgresException kept) when (kept.SqlState == PostgresErrorCodes.DependentObjectsStillExist && blockers.Count > 0)
            {
                return LockedOutOrNotNow(before, blockers);
            }
            catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege && before.Exists)
            {
                return LockedOutOrNotNow(before, blockers.Count > 0 ? blockers
                    : [$"{before.Name} may not be dropped by our administrator, which lacks CREATEROLE, or from PostgreSQL 16 on the " +
                        "admin option on it (another administrator has made it). Run as a stronger role: DROP ROLE " +
                        $"{Show.Identifier(before.Name)};"]);
            }
            catch (PostgresException held) when (held.SqlState == PostgresErrorCodes.LockNotAvailable && before.Exists)
            {
                return LockedOutOrNotNow(before, [.. blockers, Held(before.Name)]);
            }
            if (left is { Exists: false, Sessions: 0, OfScopes: 0, Rows: 0 }) return Gone(left);
            // Nobody is waited for: somebody has to do something first.
            if (blockers.Count > 0) return LockedOutOrNotNow(left, blockers);
            if (clock.GetElapsedTime(started) > RoundLimit)
            {
                return left.Exists
                    ? LockedOutOrNotNow(
                        left, [$"something of {left.Name} is still there after its clean-up, or comes back; it is tried again"])
                    : new RoleRemoval.NotNow(new Error("postgres.not_proved", NotProved(left)));
            }
            // Made between the look and the drop, or only seen now.
            if (left.Exists && left.OfRole + left.OfScopes > 0)
                throw new PostgresException("", "ERROR", "ERROR", PostgresErrorCodes.DependentObjectsStillExist);
            await Task.Delay(TimeSpan.FromMilliseconds(10), clock, cancellationToken);
        }
    }

    private string NotProved(RoleState left) => left.Sessions > 0
        ? $"Sessions of the dropped role {role.Role} are still there on cluster {role.Target.Cluster}. Run as a superuser: SELECT " +
            $"pg_terminate_backend(pid) FROM pg_stat_activity WHERE usesysid = {_oid};"
        : $"In the name of the dropped role {role.Role} or of its scope role, cluster {role.Target.Cluster} still has {left.InWords()}; " +
            $"see pg_shdepend, pg_auth_members and pg_prepared_xact() for OID {_oid}.";

    private RoleRemoval Gone(RoleState left)
    {
        if (_unreached.Count > 0) return new RoleRemoval.NotNow(Unreached());
        if (left is { HeirMayBeOurs: true, Heir: { } heir })
        {
            return new RoleRemoval.NotNow(new Error("postgres.renamed",
                $"On cluster {role.Target.Cluster} the number of role {role.Role} (OID {_oid}) belongs to {Show.Identifier(heir)}, which " +
                    $"has neither its name nor any comment, but an end, as our roles have. If it is the role of {role.Grant}, run: ALTER " +
                    $"ROLE {Show.Identifier(heir)} RENAME TO {Show.Identifier(role.Role.Value)}; and it is removed. If it is another, " +
                    $"run: COMMENT ON ROLE {Show.Identifier(heir)} IS 'what it is for'; and it is left alone."));
        }
        if (left.Memberships > 0)
        {
            _findings.Remark(
                $"somebody gave the role away or gave it another at the moment it was dropped, and PostgreSQL keeps {left.Memberships} " +
                "memberships in nothing on record, which give nobody anything; no statement takes them away but a superuser's DELETE " +
                $"FROM pg_auth_members WHERE {_oid} IN (roleid, member)");
        }
        if (left.Heir is { } other)
            _findings.Remark($"the number that the role had (OID {_oid}) belongs to another role now, {other}, which was left alone");

        var now = Now();
        return new RoleRemoval.Gone(_findings.Receipt(_lockedOutAt ?? now, _lastGoneAt ?? _lockedOutAt ?? now, now, left.AsProof()));
    }

    private RoleRemoval LockedOutOrNotNow(RoleState left, List<string> blockers)
    {
        if (left.CanLogIn || left.Sessions > 0)
            return new RoleRemoval.NotNow(new Error("postgres.not_locked_out", string.Join(" ", blockers)));
        if (_unreached.Count > 0) return new RoleRemoval.NotNow(Unreached());

        var now = Now();
        return new RoleRemoval.LockedOut(_findings.Receipt(_lockedOutAt ?? now, _lastGoneAt ?? now, null, left.AsProof()),
            RemovalFindings.Bounded(blockers, MostBlockers));
    }

    private Error Unreached() =>
        new("postgres.reader",
        $"On cluster {role.Target.Cluster}, {string.Join(" and ", _unreached)}: whether {role.Role} has a session there is not known. " +
        "Mend it, or take it out of the administrator credentials.");

    private string? Ending => _endings switch
    {
        Endings.None => null,
        Endings.Own => RemovalStatements.EndOwnSessions,
        _ => RemovalStatements.EndSessions,
    };

    private async Task BecomeMemberAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var cluster = await OpenAsync(cancellationToken);
            await using var ask = new NpgsqlCommand(RemovalStatements.BecomeMember(cluster.Major), cluster.Connection) { Parameters =
                { new NpgsqlParameter<string> { TypedValue = _oid } } };
            string[] statements;
            await using (var reader = await ask.ExecuteReaderAsync(cancellationToken))
            {
                if (!await reader.ReadAsync(cancellationToken)) return;
                statements = [reader.GetString(0), reader.GetString(1)];
            }
            await ScopeMending.ExecuteAsync(cluster.Connection, statements, cancellationToken);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            logger.LogWarning("The administrator of {Cluster} could not become a member of {Role} ({Failure})", role.Target.Cluster.Value,
                role.Role.Value, (failure as PostgresException)?.SqlState ?? failure.GetType().Name);
        }
    }

    private Task<ClusterConnection> OpenAsync(CancellationToken cancellationToken) =>
        connections.OpenAsync(role.Target.Cluster, _database, cancellationToken);

    private static string Instance(ClusterConnection cluster) =>
        $"{cluster.Connection.Host}:{cluster.Connection.Port.ToString(CultureInfo.InvariantCulture)}";

    private NpgsqlBatchCommand Command(string sql)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _oid });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = role.Role.Value });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _tag });
        command.Parameters.Add(new NpgsqlParameter<string[]> { TypedValue = [.. _scopeRoles] });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _scopeTag });
        return command;
    }

    private DateTimeOffset Now() => clock.GetUtcNow();

    /// <summary>Whose sessions the administrator may end, as far as it was refused.</summary>
    private enum Endings
    {
        All,
        AllAsMember,
        Own,
        None,
    }

    /// <summary>What the last look found.</summary>
    private sealed record RoleState(
        bool Exists, string Name, bool CanLogIn, long Sessions, long Owned, long Privileges, long Memberships, long Settings, long OfScopes,
            string[] ScopeRoles, long Members,
        string? Heir, bool HeirMayBeOurs, bool Held, bool IsSuperuser)
    {
        /// <summary>Until PostgreSQL 15 its sessions could act as its scope role.</summary>
        public bool CanBecomeScope { get; init; }

        /// <summary>What keeps it from being dropped; memberships and settings go with it.</summary>
        public long OfRole => Owned + Privileges;

        /// <summary>
        /// Everything that a dropped role must not have left. A membership that is left is one in nothing: see
        /// <see cref="RemovalStatements.Hold"/>.
        /// </summary>
        public long Rows => Owned + Privileges + Settings;

        public string InWords() => string.Join(
                ", ", new[] { (Owned + OfScopes, "owned"), (Privileges, "privileges"), (Memberships, "memberships"),
            (Settings, "settings") }
            .Where(found => found.Item1 > 0).Select(found => $"{found.Item2}: {found.Item1}"));

        public RemovalProof AsProof() =>
            new(Exists ? 1 : 0, (int)Sessions, (int)(Owned + OfScopes), (int)Privileges, (int)Memberships, (int)Settings);
    }
}
