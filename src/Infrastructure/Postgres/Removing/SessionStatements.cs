namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// The SQL of sessions: whose there are, and their end. Read from the function under pg_stat_activity: the view joins names to it that
/// nobody here wants.
/// </summary>
/// <remarks>
/// <see cref="EndSessions"/> and <see cref="EndOwnSessions"/> take the parameters that the statements of <see cref="RemovalStatements"/>
/// take.
/// </remarks>
internal static class SessionStatements
{
    /// <summary>
    /// Ends every session of the role, and ghosts: sessions whose role no longer exists. A client can hide from <c>pg_stat_activity</c>
    /// while it logs in and come out after the drop. All at once and not one after the other with a wait: fifty take 50 ms, not 5 s.
    /// Answers which were found, which ended, which ghosts: a session that hangs is found again and again, and is one. No filter on the
    /// kind of backend, which not everybody may read.
    /// </summary>
    public const string EndSessions = $"{EndWhere} a.usesysid = o.oid OR {Ghost} OFFSET 0) t";

    /// <summary>What every removal runs as it stands; a store may keep it once.</summary>
    public static IReadOnlyList<string> Recurring { get; } = [EndSessions, EndOwnSessions];

    /// <summary>
    /// As <see cref="EndSessions"/> without ghosts: for an administrator who may end sessions only as a member of the role.
    /// </summary>
    public const string EndOwnSessions = $"{EndWhere} a.usesysid = o.oid OFFSET 0) t";

    /// <summary>Ends only ghosts. No parameters. Answers whose they were, as <see cref="SessionWords.Ghost"/> reads it.</summary>
    public const string EndGhosts = $"""
        SELECT coalesce(array_agg(t.who) FILTER (WHERE t.ended), '{"{}"}')
          FROM (SELECT concat_ws(chr(9), {SessionOfWhom}, a.usesysid) AS who, pg_terminate_backend(a.pid) AS ended
              FROM pg_stat_get_activity(NULL) a WHERE {Ghost} OFFSET 0) t
        """;

    /// <summary>
    /// Ends the role's sessions with as few locks as can be, for a server that has no room for more: none of its own, and one at a time for
    /// a moment where the server has to look somebody up. Tables that all databases share are never locked in the quick way that needs no
    /// room, so that the look and the strike need some twenty. Parameters: the role's OID and its name, since a number alone may be
    /// somebody else's. Answers which were ended.
    /// </summary>
    public const string EndByNumber = $"""
        SELECT coalesce(array_agg(t.session) FILTER (WHERE t.ended), '{"{}"}')
          FROM (SELECT pg_terminate_backend(a.pid) AS ended, {SessionKey} AS session
              FROM pg_stat_get_activity(NULL) a WHERE a.usesysid = $1::text::oid AND pg_get_userbyid(a.usesysid) = $2 OFFSET 0) t
        """;

    /// <summary>
    /// Ends every session of some roles, whether or not they still exist. Parameter: their OIDs. Answers of whom they were, and the users.
    /// </summary>
    public const string EndSessionsOf = $"""
        SELECT coalesce(array_agg(t.who) FILTER (WHERE t.ended), '{"{}"}'), coalesce(array_agg(t.name) FILTER (WHERE t.ended), '{"{}"}')
          FROM (SELECT pg_terminate_backend(a.pid) AS ended, {SessionOfWhom} AS who, pg_get_userbyid(a.usesysid)::text AS name
                  FROM pg_stat_get_activity(NULL) a WHERE a.usesysid::bigint = ANY ($1) OFFSET 0) t
        """;

    /// <summary>
    /// Sessions that were ended and cannot go: they drop their temporary objects on the way out, which may want a lock on somebody else's
    /// table (a trigger of theirs there runs a temporary function), and no timeout and no signal reaches them any more. Parameter: the
    /// role's OID. Answers the session, what it waits for, who holds that, and the statement that ends them.
    /// </summary>
    public const string Waiting = """
        SELECT DISTINCT concat_ws(' ', a.pid, a.backend_start), a.pid, l.mode,
               CASE WHEN l.locktype = 'relation' AND l.database IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                   THEN 'table ' || l.relation::regclass::text
                    WHEN l.locktype = 'relation' THEN 'table number ' || l.relation ELSE l.locktype
                        END || coalesce(' in database ' || d.datname, ''),
               CASE WHEN b.pid = 0 THEN coalesce('a prepared transaction of ' || pg_get_userbyid(p.ownerid), 'a prepared transaction')
                   ELSE format('pid %s of %s', b.pid, coalesce(pg_get_userbyid(s.usesysid)::text, 'nobody')) END,
               CASE WHEN b.pid = 0 THEN format('ROLLBACK PREPARED %L', coalesce(p.gid, 'its name, see pg_prepared_xacts'))
                   ELSE format('SELECT pg_terminate_backend(%s)', b.pid) END
          FROM pg_stat_get_activity(NULL) a JOIN pg_locks l ON l.pid = a.pid AND NOT l.granted LEFT JOIN pg_database d ON d.oid = l.database
         CROSS JOIN unnest(pg_blocking_pids(a.pid)) b(pid) LEFT JOIN pg_stat_get_activity(NULL) s ON s.pid = b.pid
          LEFT JOIN (pg_locks g JOIN pg_locks t ON t.locktype = 'transactionid' AND t.pid IS NULL
              AND t.virtualtransaction = g.virtualtransaction JOIN pg_prepared_xact() p ON p.transaction = t.transactionid)
            ON b.pid = 0 AND g.pid IS NULL AND g.granted AND (g.locktype, g.database, g.relation) = (l.locktype, l.database, l.relation)
         WHERE a.usesysid = $1::text::oid ORDER BY 2, 5
        """;

    /// <summary>
    /// For a reader: whether it has heard that the role is gone or shut out. A reader that does not know the role may not have heard of its
    /// making yet, so while the writer has it, it has to be there. Parameters: its OID, whether the writer has it.
    /// </summary>
    public const string IsShutOut = "SELECT EXISTS (SELECT FROM pg_roles WHERE oid = $1::text::oid AND rolcanlogin <> $2) = $2";

    /// <summary>Tells a session from every other of its server.</summary>
    public const string SessionKey = "concat_ws(' ', a.pid, a.backend_start)";

    /// <summary>
    /// Whose it was, for the receipt; see <see cref="SessionWords"/>. Not in the key: a client changes its name as it likes.
    /// </summary>
    public const string SessionOfWhom = """
        concat_ws(chr(9), a.pid, coalesce(to_char(a.backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), ''),
                  coalesce(host(a.client_addr), ''), coalesce(left(a.application_name, 64), ''))
        """;

    private const string EndWhere = $"""
        WITH x AS MATERIALIZED ({RemovalStatements.Found}), o AS MATERIALIZED ({RemovalStatements.Subject})
        SELECT coalesce(array_agg(t.session) FILTER (WHERE t.mine), '{"{}"}'),
            coalesce(array_agg(t.session) FILTER (WHERE t.mine AND t.ended), '{"{}"}'),
            coalesce(array_agg(concat_ws(chr(9), t.who, t.usesysid)) FILTER (WHERE NOT t.mine AND t.ended), '{"{}"}'),
            coalesce(array_agg(t.who) FILTER (WHERE t.mine AND t.ended), '{"{}"}')
          FROM (SELECT coalesce(a.usesysid = o.oid, false) AS mine, pg_terminate_backend(a.pid) AS ended,
              {SessionKey} AS session, {SessionOfWhom} AS who, a.usesysid FROM o, pg_stat_get_activity(NULL) a WHERE
        """;

    /// <summary>
    /// One look-up by index for each session; a NOT EXISTS would read all roles there are. Sessions are as they are now and roles as they
    /// were when the statement began, so whoever logs in with a role that was made in between looks like a ghost: <c>pg_get_userbyid</c>
    /// looks now, and is asked too.
    /// </summary>
    private const string Ghost = "a.usesysid <> 0 AND CASE WHEN (SELECT r.oid FROM pg_roles r WHERE r.oid = a.usesysid) IS NULL THEN " +
        "pg_get_userbyid(a.usesysid) = ('unknown (OID=' || a.usesysid || ')')::name ELSE false END";
}
