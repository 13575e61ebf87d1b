using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres;

/// <summary>
/// One removal, from whatever an earlier one left: lock out, end sessions on every instance, roll back what was prepared, hand over what is
/// owned, drop, hunt sessions that came out late, prove. Each step may be repeated, and two workers may do it at once. A role that left nothing
/// behind is gone after two round trips.
/// </summary>
internal sealed class RoleRemovalWalk(ClusterConnections connections, TimeProvider clock, ILogger logger, RoleToRemove role)
{
    private const int Attempts = 10;
    private const int LostConnections = 2;

    /// <summary>After the first, for clients that were just logging in when the door was shut.</summary>
    private const int RoundsOfEnding = 3;

    private static readonly TimeSpan RoundLimit = TimeSpan.FromSeconds(2);

    private readonly string _tag = RoleTag.LoginPrefix(role.Installation, role.Grant);
    private readonly List<string> _handedOver = [];
    private readonly List<string> _unreached = [];
    private string _oid = role.Oid?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "";
    private string? _database = role.Target.Database;
    private bool _existed;
    private bool _member;
    private long _ended;
    private DateTimeOffset? _lockedOutAt;
    private DateTimeOffset? _lastGoneAt;

    public async Task<RoleRemoval> RunAsync(CancellationToken cancellationToken)
    {
        var lost = 0;
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await WalkAsync(cancellationToken);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                // The database may be closed or gone; the role is the whole cluster's, and another door leads to it as well.
                if (_database is not null && failure is ClusterFault { SqlState: "3D000" or "42501" or "55000" or "53300" })
                {
                    _database = null;
                    continue;
                }
                // Without pg_signal_backend only a member may end the role's sessions; the administrator can make itself one.
                if (failure is PostgresException { SqlState: "42501" } && !_member && _oid.Length > 0)
                {
                    _member = true;
                    if (await BecomeMemberAsync(cancellationToken)) continue;
                }
                var again = ClusterFault.IsContention(failure) || failure is PostgresException { SqlState: "42704" or "2BP01" }
                    ? attempt < Attempts
                    : ClusterFault.IsLostConnection(failure) && ++lost <= LostConnections;
                if (again)
                {
                    await PostgresRoleAdministrator.PauseAsync(attempt, clock, cancellationToken);
                    continue;
                }
                if (failure is not (ClusterFault or NpgsqlException)) throw;

                return new RoleRemoval.NotNow(ClusterFault.From(failure, role.Target.Cluster, role.Target.Database).Error);
            }
        }
    }

    private async Task<bool> BecomeMemberAsync(CancellationToken cancellationToken)
    {
        try
        {
            await using var cluster = await OpenAsync(cancellationToken);
            await new RoleLeftovers(connections, logger, role, _oid, _handedOver).BecomeMemberAsync(cluster, cancellationToken);
            return true;
        }
        catch (Exception failure) when (failure is ClusterFault or NpgsqlException)
        {
            return false;
        }
    }

    private async Task<RoleRemoval> WalkAsync(CancellationToken cancellationToken)
    {
        _unreached.Clear();
        Inventory? left;
        await using (var cluster = await OpenAsync(cancellationToken))
        {
            left = await ContainAsync(cluster, cancellationToken);
            if (left is not null && left.Sessions > 0) left = await EndSessionsAsync(cluster, left, cancellationToken);
        }

        // Sessions on a reader are invisible to the writer. A reader that does not answer keeps nobody from being locked out.
        if (left is not null || _oid.Length > 0) await OnReadersAsync(cancellationToken);
        List<string> blockers = [];
        if (left is not null)
        {
            _lastGoneAt ??= Now();
            if (left.CanLogIn) blockers.Add($"the role {left.Name} can still log in: the administrator may not change it. Run as a superuser: ALTER ROLE {left.Name} NOLOGIN;");
            if (left.Sessions > 0) blockers.Add($"{left.Sessions} sessions of {left.Name} did not end: let a superuser end them with pg_terminate_backend.");
            if (left.Leftovers > 0) blockers.AddRange(await new RoleLeftovers(connections, logger, role, _oid, _handedOver).MendAsync(cancellationToken));
            if (left.Sessions > 0 || left.CanLogIn) return LockedOutOrNotNow(left, blockers);
        }
        return await DropAsync(left, blockers, cancellationToken);
    }

    /// <summary>Lock out, end sessions, look what is left: one round trip, each step a transaction of its own.</summary>
    private async Task<Inventory?> ContainAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(cluster.Connection);
        batch.BatchCommands.Add(Command(RoleStatements.Name));
        batch.BatchCommands.Add(new NpgsqlBatchCommand(RoleStatements.Contain) { AppendErrorBarrier = true });
        var end = Command(RoleStatements.EndSessions);
        end.AppendErrorBarrier = true;
        batch.BatchCommands.Add(end);
        batch.BatchCommands.Add(Command(RoleStatements.Inventory));
        // Planned once per connection.
        await batch.PrepareAsync(cancellationToken);

        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        if (reader.FieldCount == 1 && await reader.ReadAsync(cancellationToken)) _ended += reader.GetInt64(0);
        while (reader.FieldCount != 6 && await reader.NextResultAsync(cancellationToken))
        {
        }
        return await ReadInventoryAsync(cluster, reader, cancellationToken);
    }

    private async Task<Inventory?> ReadInventoryAsync(ClusterConnection cluster, NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        if (!await reader.ReadAsync(cancellationToken)) return null;
        if (reader.GetBoolean(5)) throw Demoted(cluster);

        var found = new Inventory(reader.GetFieldValue<uint>(0), reader.GetString(1), reader.GetBoolean(2), reader.GetInt64(3), reader.GetInt64(4));
        _existed = true;
        _oid = found.Oid.ToString(System.Globalization.CultureInfo.InvariantCulture);
        if (!found.CanLogIn) _lockedOutAt ??= Now();
        return found;
    }

    private async Task<Inventory> EndSessionsAsync(ClusterConnection cluster, Inventory left, CancellationToken cancellationToken)
    {
        for (var round = 1; round <= RoundsOfEnding; round++)
        {
            var started = clock.GetTimestamp();
            for (var pause = 2; clock.GetElapsedTime(started) < RoundLimit; pause = Math.Min(pause * 2, 50))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(pause), clock, cancellationToken);
                await using var look = new NpgsqlCommand(RoleStatements.Inventory, cluster.Connection);
                foreach (var parameter in Command("").Parameters) look.Parameters.Add(((NpgsqlParameter)parameter).Clone());
                await using var reader = await look.ExecuteReaderAsync(cancellationToken);
                if (await ReadInventoryAsync(cluster, reader, cancellationToken) is not { } now) return left with { Sessions = 0, Leftovers = 0 };

                left = now;
                if (left.Sessions == 0) return left;
            }
            _ended += await CountAsync(cluster, RoleStatements.EndSessionsOf, cancellationToken);
        }
        return left;
    }

    private async Task OnReadersAsync(CancellationToken cancellationToken)
    {
        var credential = await connections.CredentialAsync(role.Target.Cluster, cancellationToken);
        foreach (var instance in credential.Readers)
        {
            try
            {
                await using var cluster = await connections.OpenAsync(role.Target.Cluster, null, cancellationToken, instance);
                var started = clock.GetTimestamp();
                while (true)
                {
                    var ended = await CountAsync(cluster, RoleStatements.EndSessionsOf, cancellationToken);
                    await CountAsync(cluster, RoleStatements.EndGhosts, cancellationToken, withOid: false);
                    if (await CountAsync(cluster, RoleStatements.CountSessionsOf, cancellationToken) == 0)
                    {
                        _ended += ended;
                        break;
                    }
                    if (clock.GetElapsedTime(started) > RoundLimit)
                    {
                        _unreached.Add($"reader {instance} keeps a session");
                        break;
                    }
                    await Task.Delay(TimeSpan.FromMilliseconds(20), clock, cancellationToken);
                }
            }
            catch (Exception failure) when (failure is ClusterFault or NpgsqlException)
            {
                _unreached.Add($"reader {instance} does not answer");
            }
        }
    }

    private async Task<RoleRemoval> DropAsync(Inventory? left, List<string> blockers, CancellationToken cancellationToken)
    {
        await using var cluster = await OpenAsync(cancellationToken);
        var started = clock.GetTimestamp();
        while (true)
        {
            await using var batch = new NpgsqlBatch(cluster.Connection);
            if (left is not null)
            {
                batch.BatchCommands.Add(Command(RoleStatements.Name));
                batch.BatchCommands.Add(new NpgsqlBatchCommand(RoleStatements.Drop) { AppendErrorBarrier = true });
            }
            batch.BatchCommands.Add(new NpgsqlBatchCommand(RoleStatements.EndGhosts) { AppendErrorBarrier = true });
            batch.BatchCommands.Add(Command(RoleStatements.Proof));
            await batch.PrepareAsync(cancellationToken);

            bool exists, demoted;
            long sessions, rows;
            try
            {
                await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
                while (reader.FieldCount != 4 && await reader.NextResultAsync(cancellationToken))
                {
                }
                await reader.ReadAsync(cancellationToken);
                (exists, sessions, rows, demoted) = (reader.GetBoolean(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetBoolean(3));
            }
            catch (PostgresException kept) when (kept.SqlState == PostgresErrorCodes.DependentObjectsStillExist && blockers.Count > 0)
            {
                return LockedOutOrNotNow(left!, blockers);
            }
            catch (PostgresException held) when (held.SqlState == PostgresErrorCodes.LockNotAvailable && left is not null)
            {
                return LockedOutOrNotNow(left, [.. blockers, $"another session's open transaction holds {left.Name} (a GRANT to it that was not committed, or the like); it is tried again."]);
            }
            if (demoted) throw Demoted(cluster);

            if (!exists && sessions == 0 && rows == 0)
            {
                if (_unreached.Count > 0) return new RoleRemoval.NotNow(Unreached());

                var now = Now();
                return new RoleRemoval.Gone(new RemovalReceipt(_lockedOutAt ?? now, (int)_ended, _lastGoneAt ?? _lockedOutAt ?? now, now, _existed, [.. _handedOver]));
            }
            if (exists && left is null && role.Oid is null) throw new PostgresException("", "ERROR", "ERROR", "XX000");
            if (clock.GetElapsedTime(started) > RoundLimit)
            {
                if (left is null) return new RoleRemoval.NotNow(new Error("postgres.not_proved", $"Sessions of the dropped role {role.Role} are still there on cluster {role.Target.Cluster}."));
                return LockedOutOrNotNow(left, blockers.Count > 0 ? blockers : [$"something of {left.Name} is still there after its drop"]);
            }
            await Task.Delay(TimeSpan.FromMilliseconds(10), clock, cancellationToken);
        }
    }

    private RoleRemoval LockedOutOrNotNow(Inventory left, List<string> blockers)
    {
        if (left.CanLogIn || left.Sessions > 0) return new RoleRemoval.NotNow(new Error("postgres.not_locked_out", string.Join(" ", blockers)));
        if (_unreached.Count > 0) return new RoleRemoval.NotNow(Unreached());

        var now = Now();
        return new RoleRemoval.LockedOut(new RemovalReceipt(_lockedOutAt ?? now, (int)_ended, _lastGoneAt ?? now, null, Existed: true, [.. _handedOver]), blockers);
    }

    private Error Unreached() => new("postgres.reader", $"On cluster {role.Target.Cluster}, {string.Join(" and ", _unreached)}: whether {role.Role} has a session there is not known. Mend it, or take it out of the administrator credentials.");

    private PostgresException Demoted(ClusterConnection cluster)
    {
        cluster.DropPool();
        return new PostgresException($"cluster {role.Target.Cluster} led to a reader", "ERROR", "ERROR", PostgresErrorCodes.ReadOnlySqlTransaction);
    }

    private Task<ClusterConnection> OpenAsync(CancellationToken cancellationToken) => connections.OpenAsync(role.Target.Cluster, _database, cancellationToken);

    private async Task<long> CountAsync(ClusterConnection cluster, string sql, CancellationToken cancellationToken, bool withOid = true)
    {
        await using var command = new NpgsqlCommand(sql, cluster.Connection);
        if (withOid) command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _oid });
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    }

    private NpgsqlBatchCommand Command(string sql)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _oid });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = role.Role.Value });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = _tag });
        return command;
    }

    private DateTimeOffset Now() => clock.GetUtcNow();

    private sealed record Inventory(uint Oid, string Name, bool CanLogIn, long Sessions, long Leftovers);
}
