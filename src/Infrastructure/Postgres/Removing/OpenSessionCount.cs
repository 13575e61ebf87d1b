using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>What roles have open on their writer. A question: nothing is changed, and nothing is tried twice.</summary>
internal static class OpenSessionCount
{
    /// <summary>
    /// One row for each role that is there: its place in the question, sessions, those in a transaction, seconds since one of them last did
    /// something in its transaction, seconds since the newest statement began. Whether a session is in a transaction says its lock on the
    /// number of its own transaction, which everybody may see; since when it does nothing in it, and when it ran something, is told to
    /// those only who may read others' activity. Parameters: 1 roles, 2 their OIDs, or 0 where that is not known.
    /// </summary>
    private const string Statement = """
        WITH open AS MATERIALIZED (
            SELECT l.pid FROM pg_locks l WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted)
        SELECT w.place::int, count(s.pid)::int, (count(*) FILTER (WHERE s.open))::int,
               (extract(epoch FROM clock_timestamp() - min(s.state_change)
                 FILTER (WHERE s.open AND starts_with(s.state, 'idle in'))))::float8,
               (extract(epoch FROM clock_timestamp() - max(s.query_start)))::float8
          FROM unnest($1::text[], $2::bigint[]) WITH ORDINALITY AS w(name, oid, place)
          JOIN pg_roles r ON r.rolname = w.name AND (w.oid = 0 OR r.oid::bigint = w.oid)
          LEFT JOIN (SELECT a.pid, a.usesysid, a.state, a.state_change, a.query_start, a.pid IN (SELECT o.pid FROM open o) AS open
                       FROM pg_stat_activity a) s ON s.usesysid = r.oid
         GROUP BY w.place
        """;

    /// <param name="database">Where to ask; null where it does not matter, since sessions are the cluster's.</param>
    public static async Task<IReadOnlyDictionary<GrantId, OpenSessions>> RunAsync(
        ClusterConnections connections, ClusterName name, string? database, IReadOnlyList<RoleToRemove> roles,
        CancellationToken cancellationToken)
    {
        await using var cluster = await connections.OpenAsync(name, database, cancellationToken);
        string[] names = [.. roles.Select(role => role.Role.Value)];
        long[] oids = [.. roles.Select(role => (long)(role.Oid ?? 0))];
        var rows = await cluster.RowsAsync(
            Statement, [names, oids],
            row => (roles[row.GetInt32(0) - 1].Grant, new OpenSessions(
                row.GetInt32(1), row.GetInt32(2), Seconds(row.IsDBNull(3) ? null : row.GetDouble(3)))
            {
                LastStatement = Seconds(row.IsDBNull(4) ? null : row.GetDouble(4)),
            }),
            cancellationToken);
        return rows.ToDictionary();
    }

    private static TimeSpan? Seconds(double? seconds) => seconds is { } some ? TimeSpan.FromSeconds(some) : null;
}
