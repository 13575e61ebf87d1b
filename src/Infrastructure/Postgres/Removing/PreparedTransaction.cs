using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure.Postgres.Connections;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// What a role prepared: a transaction without a session, which keeps its locks through restarts. Rolled back before anything else, since
/// <c>DROP ROLE</c> and <c>DROP OWNED</c> would wait for them.
/// </summary>
internal sealed record PreparedTransaction(string Database, string SetRole, string Rollback, string Gid)
{
    /// <summary>In the order of the record. Parameter: the role's OID.</summary>
    private const string Sql = """
        SELECT b.datname::text, format('SET ROLE %I', r.rolname), format('ROLLBACK PREPARED %L', p.gid), p.gid
          FROM pg_prepared_xact() p JOIN pg_roles r ON r.oid = p.ownerid JOIN pg_database b ON b.oid = p.dbid WHERE r.oid = $1::text::oid
              ORDER BY 1
        """;

    /// <summary>As before, of a role that does not exist any more.</summary>
    private const string ByNobody = """
        SELECT b.datname::text, '', format('ROLLBACK PREPARED %L', p.gid), p.gid
          FROM pg_prepared_xact() p JOIN pg_database b ON b.oid = p.dbid WHERE p.ownerid = $1::text::oid ORDER BY 1, 2
        """;

    public static Task<List<PreparedTransaction>> ListAsync(ClusterConnection cluster, string oid, CancellationToken cancellationToken) =>
        cluster.RowsAsync(Sql, [oid], Read, cancellationToken);

    /// <summary>Answers, in words, what a role that somebody dropped by hand has left prepared.</summary>
    public static async Task<IEnumerable<string>> LeftByNobodyAsync(
        ClusterConnection cluster, string oid, CancellationToken cancellationToken) =>
        (await cluster.RowsAsync(ByNobody, [oid], Read, cancellationToken)).Select(one =>
            $"prepared transaction '{one.Gid}' in database {one.Database} was left by the role, which somebody has dropped by hand; its " +
            $"locks stay. {new Remedy("a superuser", "there", one.Rollback)}");

    /// <summary>Each in its own database, as only there it can be. Answers what could not be, with what ends it.</summary>
    public static async Task<List<string>> RollBackAsync(IReadOnlyList<PreparedTransaction> prepared, LeftoverRole subject,
        ClusterConnections connections, RoleToRemove role, RemovalFindings findings, TimeProvider clock,
        CancellationToken cancellationToken)
    {
        List<string> blockers = [];
        foreach (var one in prepared)
        {
            try
            {
                await using var cluster = await connections.OpenAloneAsync(role.Target.Cluster, one.Database, cancellationToken);
                foreach (var statement in (string[])[.. subject.IsScope ? [subject.BeMember] : (string[])[], one.SetRole, one.Rollback,
                    "RESET ROLE", .. subject.IsScope ? [subject.BeNoMember] : (string[])[]])
                    await cluster.RunAsync(statement, cancellationToken);
                findings.Remark($"prepared transaction '{one.Gid}' in database {one.Database} was rolled back");
            }
            catch (Exception failure) when (Obstacle.Of(failure) is { } reason)
            {
                blockers.Add(
                    $"prepared transaction '{one.Gid}' in database {one.Database} could not be rolled back ({reason.Text}). Run there: " +
                    $"{one.Rollback};");
            }
        }
        return blockers;
    }

    private static PreparedTransaction Read(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3));
}
