using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres.Connections;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>What a role has open on its writer. A question: nothing is changed, and nothing is tried twice.</summary>
internal sealed class OpenSessionCount(ClusterConnections connections, RoleToRemove role)
{
    /// <summary>
    /// Whether a session is in a transaction says its lock on the number of its own transaction, which everybody may see; since when it
    /// does nothing in it is told to those only who may read others' activity. Parameters: 1 role, 2 its OID, or 0 when that is not known.
    /// </summary>
    private const string Statement = """
        SELECT count(*)::int, (count(*) FILTER (WHERE open))::int,
               (extract(epoch FROM clock_timestamp() - min(a.state_change) FILTER (WHERE open AND starts_with(a.state, 'idle in'))))::float8
          FROM (SELECT s.state, s.state_change, s.pid IN (
                    SELECT l.pid FROM pg_locks l WHERE l.locktype = 'virtualxid' AND l.mode = 'ExclusiveLock' AND l.granted) AS open
                  FROM pg_stat_activity s
                 WHERE s.usesysid = (SELECT r.oid FROM pg_roles r WHERE r.rolname = $1 AND ($2 = 0 OR r.oid = $2))) a
        """;

    public async Task<OpenSessions> RunAsync(CancellationToken cancellationToken)
    {
        await using var cluster = await connections.OpenAsync(role.Target.Cluster, role.Target.Database, cancellationToken);
        return await cluster.FirstAsync(
            Statement, [role.Role.Value, role.Oid ?? 0],
            row => new OpenSessions(row.GetInt32(0), row.GetInt32(1), row.IsDBNull(2) ? null : TimeSpan.FromSeconds(row.GetDouble(2))),
            cancellationToken);
    }
}
