using System.Collections.Concurrent;
using DbAccess.Application;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// What a role ran, from <c>pg_stat_statements</c>, where that can be read. It is counted by the role's OID and kept when the role is
/// dropped, so that it is read when access is over and delays nothing. What a session did as another role (SET ROLE, <c>run_as</c>) counts
/// under that one and is not in it.
/// </summary>
internal sealed class ActivityLog(ClusterConnections connections, TimeProvider clock, ILogger logger)
{
    private const int MostLines = 20;

    /// <summary>So many databases are asked for the extension. It counts for all of them in whichever it is.</summary>
    private const int MostDatabases = 20;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Remembered = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<ClusterName, (Place? Where, long At)> _known = new();
    private readonly ConcurrentDictionary<ClusterName, SemaphoreSlim> _searching = new();

    /// <summary>Null when it cannot be read. Never fails and never takes long: nothing depends on it.</summary>
    public async Task<ActivityDigest?> ReadAsync(ClusterName cluster, string database, string oid, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(Limit, clock, cancellationToken);
        try
        {
            if (await FindAsync(cluster, database, deadline.Token) is not { } place) return null;

            await using var connection = await connections.OpenAsync(cluster, place.Database, deadline.Token);
            var (statements, calls, rows) = await connection.FirstAsync(
                "SELECT count(*), coalesce(sum(s.calls), 0)::bigint, coalesce(sum(s.rows), 0)::bigint FROM " +
                $"{place.Schema}.pg_stat_statements(false) s WHERE s.userid = $1::text::oid", [oid],
                row => (row.GetInt64(0), row.GetInt64(1), row.GetInt64(2)), deadline.Token);
            if (statements == 0) return new ActivityDigest(0, 0, 0, []);

            // Texts are read from a file, all of them: only for a role that ran something.
            var lines = await connection.RowsAsync(
                $"SELECT left(s.query, 4000), s.calls, s.rows FROM {place.Schema}.pg_stat_statements(true) s WHERE s.userid " +
                    $"= $1::text::oid AND s.query IS NOT NULL ORDER BY s.calls DESC, s.query LIMIT {MostLines * 2}", [oid],
                row => new ActivityLine(StatementScrubber.Scrub(row.GetString(0)), row.GetInt64(1), row.GetInt64(2)), deadline.Token);
            return new ActivityDigest(statements, calls, rows,
            [
                .. lines.GroupBy(line => line.Statement, StringComparer.Ordinal)
                    .Select(same => new ActivityLine(same.Key, same.Sum(line => line.Calls), same.Sum(line => line.Rows)))
                    .OrderByDescending(line => line.Calls).ThenBy(line => line.Statement, StringComparer.Ordinal).Take(MostLines),
            ]);
        }
        catch (Exception failure)
            when (failure is ClusterFault or NpgsqlException or OperationCanceledException && !cancellationToken.IsCancellationRequested)
        {
            _known[cluster] = (null, clock.GetTimestamp());
            logger.LogInformation("What roles ran on {Cluster} cannot be read ({Failure})", cluster.Value,
                (failure as PostgresException)?.SqlState ?? failure.GetType().Name);
            return null;
        }
    }

    private async Task<Place?> FindAsync(ClusterName cluster, string database, CancellationToken cancellationToken)
    {
        if (Known() is { } known) return known.Where;

        // Many removals at once need one search.
        var gate = _searching.GetOrAdd(cluster, _ => new SemaphoreSlim(1));
        await gate.WaitAsync(cancellationToken);
        try
        {
            if (Known() is { } meanwhile) return meanwhile.Where;

            var place = await SearchAsync(cluster, database, cancellationToken);
            _known[cluster] = (place, clock.GetTimestamp());
            return place;
        }
        finally
        {
            gate.Release();
        }

        (Place? Where, long At)? Known() => _known.TryGetValue(cluster, out var found) && clock.GetElapsedTime(found.At) < Remembered
            ? found : null;
    }

    private async Task<Place?> SearchAsync(ClusterName cluster, string database, CancellationToken cancellationToken)
    {
        List<string> databases;
        await using (var connection = await connections.OpenAsync(cluster, null, cancellationToken))
        {
            // Without this right other people's statements are there without their texts.
            databases = await connection.RowsAsync(
                "SELECT datname::text FROM pg_database WHERE datallowconn AND NOT datistemplate AND has_database_privilege(oid, " +
                    "'CONNECT') AND pg_has_role('pg_read_all_stats', 'USAGE') ORDER BY datname = $1 DESC, datname = current_database() " +
                    $"DESC, datname LIMIT {MostDatabases}",
                [database], row => row.GetString(0), cancellationToken);
        }
        foreach (var name in databases)
        {
            try
            {
                await using var connection = await connections.OpenAsync(cluster, name, cancellationToken, pooled: false);
                if (await connection.RowAsync(
                    "SELECT quote_ident(n.nspname) FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE e.extname = " +
                        "'pg_stat_statements' AND has_schema_privilege(n.oid, 'USAGE')",
                    [], row => row.GetString(0), cancellationToken) is { } schema) return new Place(name, schema);
            }
            catch (ClusterFault fault) when (fault.SqlState is not null)
            {
                // Closed, or full: the next one.
            }
        }
        return null;
    }

    /// <param name="Schema">Quoted by the server.</param>
    private sealed record Place(string Database, string Schema);
}
