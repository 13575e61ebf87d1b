using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres.Connections;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// Until PostgreSQL 15 every role may be given away, and whoever is a member of the temporary role may have become its scope role through
/// it (<c>SET ROLE</c>), which no catalog shows, and would stay so when the membership is gone. So it is taken back, and sessions that
/// could have used it are ended: not those of somebody who may do by themselves all that the scope gives, the application's login above
/// all, which a holder could otherwise have us cut off; and not those that have run nothing since.
/// </summary>
internal sealed class RoleMembers(RoleToRemove role, string oid, IReadOnlyCollection<string> scopeRoles, RemovalFindings findings)
{
    /// <summary>Two clocks, ours and the server's.</summary>
    private static readonly TimeSpan AtMostOff = TimeSpan.FromMinutes(1);

    /// <summary>
    /// All of it or nothing: whoever's sessions we may not end stays a member, so that it is known next time.
    /// </summary>
    /// <returns>The OIDs of those whose sessions were ended, for the readers.</returns>
    /// <exception cref="PostgresException">42501: we may not end the sessions of one of them.</exception>
    public async Task<IReadOnlyList<long>> CutOffAsync(ClusterConnection cluster, CancellationToken cancellationToken)
    {
        // What the scope gives lies in the target database, and only there it can be compared.
        var comparable = cluster.Connection.Database == role.Target.Database;
        List<Member> members;
        DateTimeOffset began;
        await using (var transaction = await cluster.BeginAsync(cancellationToken))
        {
            began = await cluster.FirstAsync("SELECT now()", [], row => row.GetFieldValue<DateTimeOffset>(0), cancellationToken);
            members = await cluster.RowsAsync(Members, [oid], Member.Read, cancellationToken);
            foreach (var statement in members.SelectMany(member => member.Statements))
                await cluster.RunAsync(statement, cancellationToken);
            var theirOwn = comparable
                ? await cluster.RowsAsync(HaveItThemselves, [(string[])[.. scopeRoles], (long[])[.. members.Select(member => member.Oid)]],
                    row => row.GetInt64(0), cancellationToken)
                : [];
            members = [.. members.Select(member => member with { HasItAnyway = member.IsSuperuser || theirOwn.Contains(member.Oid) })];
            var ended = await EndAsync(cluster, members, DateTimeOffset.UnixEpoch, cancellationToken);
            Tell(members, ended);
            Name(cluster, members, ended);
            await transaction.CommitAsync(cancellationToken);
        }
        // Who came in before that was in force.
        Name(cluster, members, await EndAsync(cluster, members, began, cancellationToken));
        return [.. members.Where(member => !member.HasItAnyway).Select(member => member.Oid)];
    }

    private Task<List<Sessions>> EndAsync(
        ClusterConnection cluster, List<Member> members, DateTimeOffset beganAfter, CancellationToken cancellationToken) =>
        cluster.DoingRowsAsync(EndSessions,
            [(long[])[.. members.Where(member => !member.HasItAnyway).Select(member => member.Oid)],
                (role.MadeAt ?? DateTimeOffset.UnixEpoch + AtMostOff) - AtMostOff, beganAfter],
            Sessions.Read, cancellationToken);

    private void Name(ClusterConnection cluster, List<Member> members, List<Sessions> ended)
    {
        foreach (var sessions in ended)
        {
            var user = members.Find(member => member.Oid == sessions.Oid)?.Name ?? "";
            foreach (var who in sessions.OfWhom) findings.EndedOfOther(RemovalCase.Instance(cluster), user, who);
        }
    }

    private void Tell(List<Member> members, List<Sessions> ended)
    {
        foreach (var member in members.Where(member => !member.IsSuperuser))
        {
            var sessions = ended.Find(one => one.Oid == member.Oid);
            findings.Remark($"the role had been given on to {member.Name}, which was taken back; " + (member.HasItAnyway
                ? "their sessions were left alone, since they may do by themselves all that the scope gives"
                : $"{sessions?.Ended ?? 0} of their sessions were ended too, since they may have acted through it" +
                    (sessions?.Idle > 0 ? $", and {sessions.Idle} left alone, which have run nothing since the role was made" : "")));
        }
    }

    /// <param name="Statements">Take back the membership in the role itself; empty for a member of a member.</param>
    /// <param name="HasItAnyway">Without the role they may do all that the scope gives.</param>
    private sealed record Member(long Oid, string Name, IReadOnlyList<string> Statements, bool IsSuperuser, bool HasItAnyway = false)
    {
        public static Member Read(NpgsqlDataReader row) =>
            new(row.GetInt64(0), row.GetString(1), row.GetFieldValue<string[]>(2), row.GetBoolean(3));
    }

    private sealed record Sessions(long Oid, long Ended, long Idle, IReadOnlyList<string> OfWhom)
    {
        public static Sessions Read(NpgsqlDataReader row) =>
            new(row.GetInt64(0), row.GetInt64(1), row.GetInt64(2), row.GetFieldValue<string[]>(3));
    }

    /// <summary>
    /// Everybody who is a member of the role, ourselves excepted; a superuser needs no membership. Parameter: the role's OID.
    /// </summary>
    private const string Members = """
        WITH RECURSIVE m(oid) AS (
            SELECT a.member FROM pg_auth_members a WHERE a.roleid = $1::text::oid
            UNION SELECT a.member FROM pg_auth_members a JOIN m ON a.roleid = m.oid)
        SELECT r.oid::bigint, r.rolname::text,
               ARRAY(SELECT format('REVOKE %I FROM %I', g.rolname, r.rolname) FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid
                      WHERE g.oid = $1::text::oid AND a.member = r.oid), r.rolsuper
          FROM m JOIN pg_roles r ON r.oid = m.oid
         WHERE r.rolname <> current_user ORDER BY 2
        """;

    /// <summary>
    /// Which of some roles may do by themselves everything that the scope roles were given, here; nobody, when they were given something
    /// elsewhere. What is made later is not asked for, nor what strangers gave the scope role of their own: a holder could have them do so,
    /// and the application be cut off. Parameters: 1 names of the scope roles, 2 OIDs.
    /// </summary>
    private const string HaveItThemselves = """
        SELECT u.oid FROM unnest($2) u(oid)
         WHERE EXISTS (SELECT FROM pg_roles s WHERE s.rolname = ANY ($1)) AND NOT EXISTS (
            SELECT FROM pg_roles s JOIN pg_shdepend d ON d.refclassid = 'pg_authid'::regclass AND d.refobjid = s.oid AND d.deptype = 'a'
                  AND d.classid <> 'pg_default_acl'::regclass
              LEFT JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
              LEFT JOIN pg_attribute a ON d.classid = 'pg_class'::regclass AND d.objsubid <> 0 AND a.attrelid = d.objid
                  AND a.attnum = d.objsubid
              LEFT JOIN pg_proc p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
              LEFT JOIN pg_namespace n ON d.classid = 'pg_namespace'::regclass AND n.oid = d.objid
              LEFT JOIN pg_database b ON d.classid = 'pg_database'::regclass AND b.oid = d.objid
              LEFT JOIN LATERAL aclexplode(CASE WHEN a.attnum IS NOT NULL THEN a.attacl
                  ELSE coalesce(c.relacl, p.proacl, n.nspacl, b.datacl) END) e ON e.grantee = s.oid AND pg_has_role(e.grantor, 'USAGE')
             WHERE s.rolname = ANY ($1)
               AND (e.grantee IS NOT NULL OR d.dbid NOT IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())))
               AND NOT coalesce(
                CASE WHEN d.dbid NOT IN (0, (SELECT oid FROM pg_database WHERE datname = current_database())) THEN false
                     WHEN a.attnum IS NOT NULL THEN has_column_privilege(u.oid::oid, c.oid, a.attnum, e.privilege_type)
                     WHEN c.relkind = 'S' THEN has_sequence_privilege(u.oid::oid, c.oid, e.privilege_type)
                     WHEN c.oid IS NOT NULL THEN has_table_privilege(u.oid::oid, c.oid, e.privilege_type)
                     WHEN p.oid IS NOT NULL THEN has_function_privilege(u.oid::oid, p.oid, e.privilege_type)
                     WHEN n.oid IS NOT NULL THEN has_schema_privilege(u.oid::oid, n.oid, e.privilege_type)
                     WHEN b.oid IS NOT NULL THEN has_database_privilege(u.oid::oid, b.oid, e.privilege_type) END, false))
        """;

    /// <summary>
    /// Ends the sessions of some roles but those that have run nothing since an instant. Parameters: 1 OIDs, 2 the instant, 3 only
    /// those that began after another. Answers for each how many were ended, and how many not, and of whom they were.
    /// </summary>
    private const string EndSessions = $"""
        SELECT t.usesysid::bigint, count(*) FILTER (WHERE t.ended), count(*) FILTER (WHERE t.idle),
               coalesce(array_agg(t.who) FILTER (WHERE t.ended), '{"{}"}')
          FROM (SELECT a.usesysid, i.idle, CASE WHEN i.idle THEN false ELSE pg_terminate_backend(a.pid) END AS ended,
                       {SessionStatements.SessionOfWhom} AS who
                  FROM pg_stat_get_activity(NULL) a
                 CROSS JOIN LATERAL (SELECT coalesce(a.state = 'idle' AND a.state_change < $2, false)) i(idle)
                 WHERE a.usesysid::bigint = ANY ($1) AND coalesce(a.backend_start > $3, true) OFFSET 0) t
         GROUP BY 1
        """;
}
