using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres;

/// <summary>
/// What a locked-out role left: prepared transactions, objects in any database, privileges. Objects go to the powerless escrow role; nothing is
/// dropped that holds data, and no <c>DROP OWNED</c> runs where the hand-over did not.
/// </summary>
internal sealed class RoleLeftovers(ClusterConnections connections, ILogger logger, RoleToRemove role, string oid, List<string> handedOver)
{
    private sealed record Statements(
        string BeMember, string LendToEscrow, string TakeFromEscrow, string ReassignToEscrow, string ReassignToSelf, string DropOwned,
        string CreateEscrow, string TagEscrow, string BeEscrow, bool EscrowExists, bool EscrowIsOurs, bool IsEscrow);

    /// <summary>Answers what is left after all, in words, each with what mends it. Empty when the role can be dropped.</summary>
    public async Task<List<string>> MendAsync(CancellationToken cancellationToken)
    {
        List<string> blockers = [];
        List<(string Database, string SetRole, string Rollback, string Gid)> prepared;
        List<(string Database, bool Open, bool Invalid, string? Owner, string? Ident)> places;
        Statements statements;
        await using (var cluster = await connections.OpenAsync(role.Target.Cluster, null, cancellationToken))
        {
            if (await StatementsAsync(cluster, cancellationToken) is not { } first) return blockers;
            await RunAsync(cluster, first.BeMember, cancellationToken);
            statements = await EscrowAsync(cluster, first, cancellationToken);
            prepared = await ListAsync(cluster, RoleStatements.Prepared, r => (r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3)), cancellationToken);
            places = await ListAsync(cluster, RoleStatements.Whereabouts, r => (r.GetString(0), r.GetBoolean(1), r.GetBoolean(2), r.IsDBNull(3) ? null : r.GetString(3), r.IsDBNull(4) ? null : r.GetString(4)), cancellationToken);
        }

        // First of all, since DROP ROLE and DROP OWNED would wait for their locks.
        foreach (var transaction in prepared)
        {
            try
            {
                await using var cluster = await connections.OpenAsync(role.Target.Cluster, transaction.Database, cancellationToken, pooled: false);
                await RunAsync(cluster, transaction.SetRole, cancellationToken);
                await RunAsync(cluster, transaction.Rollback, cancellationToken);
            }
            catch (Exception failure) when (Reason(failure) is { } reason)
            {
                blockers.Add($"prepared transaction '{transaction.Gid}' in database {transaction.Database} could not be rolled back ({reason}). Run there: {transaction.Rollback};");
            }
        }
        foreach (var place in places)
        {
            if (await MendPlaceAsync(place.Database, statements, cancellationToken) is not { } reason) continue;

            blockers.AddRange(place switch
            {
                { Invalid: true } => [$"it owns something in database {place.Database}, which is invalid. Run: DROP DATABASE {place.Ident};"],
                { Open: false } => [$"it owns or holds something in database {place.Database}, which takes no connections. Let its owner {place.Owner} run: ALTER DATABASE {place.Ident} ALLOW_CONNECTIONS true CONNECTION LIMIT -1;"],
                _ => await BlockersAsync(place.Database, reason, cancellationToken),
            });
        }
        return blockers;
    }

    /// <summary>Makes the administrator a member of the role, which lets it act for the role and end its sessions.</summary>
    public async Task BecomeMemberAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        if (await StatementsAsync(cluster, cancellationToken) is { } statements) await RunAsync(cluster, statements.BeMember, cancellationToken);
    }

    private async Task<string?> MendPlaceAsync(string database, Statements statements, CancellationToken cancellationToken)
    {
        try
        {
            await using var cluster = await connections.OpenAsync(role.Target.Cluster, database, cancellationToken, pooled: false);
            var owned = await ListAsync(cluster, RoleStatements.Owned, r => r.GetString(0), cancellationToken);

            // A role of another owner lacks CREATE where these objects are; for the length of this transaction it has the role's own.
            var reason = await TryAsync(cluster, [statements.LendToEscrow], statements.ReassignToEscrow, [statements.DropOwned, statements.TakeFromEscrow], cancellationToken)
                is { } first && first.Length > 0
                ? await TryAsync(cluster, [], statements.ReassignToSelf, [statements.DropOwned], cancellationToken) is { Length: > 0 } ? first : ""
                : "";
            if (reason.Length > 0) return reason;

            handedOver.AddRange(owned.Select(thing => $"{thing} (database {database})"));
            var kept = await ListAsync(cluster, RoleStatements.Blockers, r => r.GetString(0), cancellationToken);
            return kept.Count == 0 ? null : "not ours to change";
        }
        catch (Exception failure) when (Reason(failure) is { } reason)
        {
            logger.LogWarning("Role {Role}: {Database} could not be mended ({Reason})", role.Role, database, reason);
            return reason;
        }
    }

    /// <summary>One transaction: all of it or nothing. Answers why not, or an empty text.</summary>
    private async Task<string> TryAsync(ClusterConnection cluster, string[] before, string reassign, string[] after, CancellationToken cancellationToken)
    {
        try
        {
            await using var transaction = await cluster.Connection.BeginTransactionAsync(cancellationToken);
            await using (var batch = new NpgsqlBatch(cluster.Connection, transaction))
            {
                var name = new NpgsqlBatchCommand("SELECT set_config('dbaccess.oid', $1, true)");
                name.Parameters.Add(new NpgsqlParameter<string> { TypedValue = oid });
                batch.BatchCommands.Add(name);
                batch.BatchCommands.Add(new NpgsqlBatchCommand(RoleStatements.Disarm));
                foreach (var statement in (string[])[.. before, reassign, .. after]) batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
                await batch.ExecuteNonQueryAsync(cancellationToken);
            }
            await transaction.CommitAsync(cancellationToken);
            return "";
        }
        catch (PostgresException failure) when (!ClusterFault.IsLostConnection(failure) && failure.SqlState is not ("XX000" or "40P01" or "40001" or "23505"))
        {
            // No secret in these statements. 55P03: somebody else's session has a lock on something of the role's; it is left alone, and we come back.
            return failure.SqlState == PostgresErrorCodes.LockNotAvailable ? "another session holds a lock on something of the role's" : $"{failure.MessageText} (SQLSTATE {failure.SqlState})";
        }
    }

    private async Task<List<string>> BlockersAsync(string database, string reason, CancellationToken cancellationToken)
    {
        try
        {
            await using var cluster = await connections.OpenAsync(role.Target.Cluster, database, cancellationToken, pooled: false);
            var found = await ListAsync(cluster, RoleStatements.Blockers, r =>
            {
                var (thing, kind) = (r.GetString(0), r.GetString(1));
                if (kind == "o" || r.IsDBNull(3)) return $"{thing} in database {database}: {reason}";
                return $"{thing} in database {database}: {r.GetString(2)} given to it by {r.GetString(3)}. Let {r.GetString(3)} or a superuser run there: {r.GetString(4)};";
            }, cancellationToken);
            return found.Count > 0 ? found : [$"database {database}: {reason}"];
        }
        catch (Exception failure) when (Reason(failure) is not null)
        {
            return [$"database {database}: {reason}"];
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
            await RunAsync(cluster, statements.BeEscrow, cancellationToken);
        }
        if (!statements.EscrowIsOurs)
            logger.LogWarning("The role {Escrow} has the name of our escrow role but is not it; what {Role} owns goes to the administrator, disarmed", RoleName.ForEscrow(role.Installation), role.Role);
        return statements.EscrowIsOurs ? statements : statements with { ReassignToEscrow = statements.ReassignToSelf, LendToEscrow = "SELECT 1", TakeFromEscrow = "SELECT 1" };
    }

    private async Task<Statements?> StatementsAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(RoleStatements.MendStatements(cluster.Major), cluster.Connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = oid });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = RoleName.ForEscrow(role.Installation).Value });
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = RoleTag.Escrow(role.Installation) });
        await using var r = await command.ExecuteReaderAsync(cancellationToken);
        if (!await r.ReadAsync(cancellationToken)) return null;

        return new Statements(
            r.GetString(0), r.GetString(1), r.GetString(2), r.GetString(3), r.GetString(4), r.GetString(5), r.GetString(6), r.GetString(7), r.GetString(8),
            !r.IsDBNull(9), !r.IsDBNull(10) && r.GetBoolean(10), !r.IsDBNull(11) && r.GetBoolean(11));
    }

    private async Task<List<T>> ListAsync<T>(ClusterConnection cluster, string sql, Func<NpgsqlDataReader, T> read, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, cluster.Connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = oid });
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        List<T> rows = [];
        while (await reader.ReadAsync(cancellationToken)) rows.Add(read(reader));
        return rows;
    }

    private static async Task RunAsync(ClusterConnection cluster, string statement, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(statement, cluster.Connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Why one database could not be mended. Null for what concerns the whole walk: it starts again.</summary>
    private static string? Reason(Exception failure) => failure switch
    {
        ClusterFault fault => fault.SqlState is null ? null : fault.Error.Message,
        PostgresException postgres when !ClusterFault.IsLostConnection(postgres) && !ClusterFault.IsContention(postgres) && postgres.SqlState != "42704" => $"{postgres.MessageText} (SQLSTATE {postgres.SqlState})",
        _ => null,
    };
}
