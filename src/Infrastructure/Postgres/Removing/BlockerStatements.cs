using DbAccess.Infrastructure.Postgres.Scopes;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// The SQL about what keeps a role from going, with what mends it: what we cannot take away, who holds it, a database without room. Where
/// nothing else is said, the one parameter is the role's OID.
/// </summary>
internal static class BlockerStatements
{
    private const string Here = "(0, (SELECT oid FROM pg_database WHERE datname = current_database()))";

    /// <summary>Of a database: how many sessions it allows and has, whose most are, what allows more, and who may say that.</summary>
    internal sealed record Room(int Limit, long Sessions, string? Whose, string Raise, string Owner)
    {
        public static Room Read(NpgsqlDataReader row) =>
            new(row.GetInt32(0), row.GetInt64(1), row.IsDBNull(2) ? null : row.GetString(2), row.GetString(3), row.GetString(4));
    }

    /// <summary>
    /// How many sessions a database allows, how many it has, whose most are, and the statement that allows more. Parameter: its name.
    /// </summary>
    public const string RoomIn = """
        SELECT b.datconnlimit, (SELECT count(*) FROM pg_stat_get_activity(NULL) a WHERE a.datid = b.oid),
               (SELECT string_agg(w.who, ', ') FROM (SELECT format('%s of %s', count(*), pg_get_userbyid(a.usesysid)) AS who
                   FROM pg_stat_get_activity(NULL) a WHERE a.datid = b.oid GROUP BY a.usesysid ORDER BY count(*) DESC LIMIT 3) w),
               format('ALTER DATABASE %I CONNECTION LIMIT %s', b.datname, b.datconnlimit + 5), quote_ident(pg_get_userbyid(b.datdba))
          FROM pg_database b WHERE b.datname = $1
        """;

    /// <summary>How many things keep the role here. As <see cref="Blockers"/>.</summary>
    public const string Left = $"""
        SELECT count(*) FROM pg_shdepend d
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.deptype::text = ANY ($2) AND d.dbid IN {Here}
           AND {NotDefaults}
        """;

    /// <summary>A scope role's default privileges are the matter of <see cref="Scopes.ScopeDefaults"/>.</summary>
    public const string NotDefaults =
        $"(d.classid NOT IN ('pg_default_acl'::regclass, {ScopeStatements.NobodysDoing}) OR 'a' = ANY ($2))";

    private const string OnParameters = """
        UNION ALL
            SELECT d.*, p.paracl, 10::oid, format('ON PARAMETER %s', p.parname), '' FROM d JOIN pg_parameter_acl p
                ON d.classid = 'pg_parameter_acl'::regclass AND p.oid = d.objid
        """;

    /// <summary>One thing that keeps the role; no grantors when it holds it as owner.</summary>
    internal sealed record Blocker(string Thing, string? Privileges, string? Grantors, string? Statement)
    {
        public static Blocker Read(NpgsqlDataReader row) =>
            new(row.GetString(0), Text(row, 1), Text(row, 2), Text(row, 3));

        private static string? Text(NpgsqlDataReader row, int column) => row.IsDBNull(column) ? null : row.GetString(column);
    }

    /// <summary>
    /// What still keeps the role, here and in common: the thing, which privileges, who gave them, and the statement that takes them back,
    /// run as whoever it must be. The first few hundred, large objects last, of which there can be a million. Further parameter: 2 which
    /// kinds of dependency count.
    /// </summary>
    public static string Blockers(int major) => $"""
        WITH x AS (SELECT oid, quote_ident(rolname) AS ident FROM pg_roles WHERE oid = $1::text::oid),
        d AS (
            SELECT d.classid, d.objid, d.objsubid, d.deptype::text AS deptype FROM pg_shdepend d, x
             WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = x.oid AND d.deptype::text = ANY ($2) AND d.dbid IN {Here}
               AND {NotDefaults}
             ORDER BY d.classid = 'pg_largeobject'::regclass LIMIT 300),
        acl AS (
            SELECT d.*, c.relacl AS acl, c.relowner AS owner, format('ON %s %s', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE'
                END, c.oid::regclass) AS target, '' AS cols
              FROM d JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid WHERE d.objsubid = 0
            UNION ALL
            SELECT d.*, a.attacl, c.relowner, format('ON TABLE %s', c.oid::regclass), format(' (%I)', a.attname)
              FROM d JOIN pg_class c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid JOIN pg_attribute a ON a.attrelid = c.oid
                  AND a.attnum = d.objsubid WHERE d.objsubid <> 0
            UNION ALL
            SELECT d.*, n.nspacl, n.nspowner, format('ON SCHEMA %I', n.nspname), '' FROM d JOIN pg_namespace n
                ON d.classid = 'pg_namespace'::regclass AND n.oid = d.objid
            UNION ALL
            SELECT d.*, b.datacl, b.datdba, format('ON DATABASE %I', b.datname), '' FROM d JOIN pg_database b
                ON d.classid = 'pg_database'::regclass AND b.oid = d.objid
            UNION ALL
            SELECT d.*, p.proacl, p.proowner, format('ON ROUTINE %s', p.oid::regprocedure), '' FROM d JOIN pg_proc p
                ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
            UNION ALL
            SELECT d.*, t.typacl, t.typowner, format('ON TYPE %s', t.oid::regtype), '' FROM d JOIN pg_type t
                ON d.classid = 'pg_type'::regclass AND t.oid = d.objid
            UNION ALL
            SELECT d.*, t.spcacl, t.spcowner, format('ON TABLESPACE %I', t.spcname), '' FROM d JOIN pg_tablespace t
                ON d.classid = 'pg_tablespace'::regclass AND t.oid = d.objid
            UNION ALL
            SELECT d.*, l.lanacl, l.lanowner, format('ON LANGUAGE %I', l.lanname), '' FROM d JOIN pg_language l
                ON d.classid = 'pg_language'::regclass AND l.oid = d.objid
            UNION ALL
            SELECT d.*, f.fdwacl, f.fdwowner, format('ON FOREIGN DATA WRAPPER %I', f.fdwname), '' FROM d JOIN pg_foreign_data_wrapper f
                ON d.classid = 'pg_foreign_data_wrapper'::regclass AND f.oid = d.objid
            UNION ALL
            SELECT d.*, s.srvacl, s.srvowner, format('ON FOREIGN SERVER %I', s.srvname), '' FROM d JOIN pg_foreign_server s
                ON d.classid = 'pg_foreign_server'::regclass AND s.oid = d.objid
            UNION ALL
            SELECT d.*, o.lomacl, o.lomowner, format('ON LARGE OBJECT %s', o.oid), '' FROM d JOIN pg_largeobject_metadata o
                ON d.classid = 'pg_largeobject'::regclass AND o.oid = d.objid
            {(major >= 15 ? OnParameters : "")})
        SELECT pg_describe_object(d.classid, d.objid, d.objsubid), g.privileges, g.grantors,
               -- What only a superuser may own cannot be handed to the escrow role by anybody. With a superuser's rights it must not run.
               coalesce(g.statement,
                        (SELECT format('ALTER SUBSCRIPTION %1$I DISABLE; ALTER SUBSCRIPTION %1$I OWNER TO CURRENT_USER', s.subname)
                            FROM pg_subscription s WHERE d.classid = 'pg_subscription'::regclass AND s.oid = d.objid),
                        (SELECT format('ALTER EVENT TRIGGER %1$I DISABLE; ALTER EVENT TRIGGER %1$I OWNER TO CURRENT_USER', t.evtname)
                            FROM pg_event_trigger t WHERE d.classid = 'pg_event_trigger'::regclass AND t.oid = d.objid),
                        (SELECT format('ALTER FOREIGN DATA WRAPPER %I OWNER TO CURRENT_USER', f.fdwname) FROM pg_foreign_data_wrapper f
                            WHERE d.classid = 'pg_foreign_data_wrapper'::regclass AND f.oid = d.objid AND d.deptype = 'o'))
          FROM d CROSS JOIN x LEFT JOIN LATERAL (
              SELECT string_agg(t.privileges, ', ') AS privileges, string_agg(t.grantor, ', ') AS grantors,
                  string_agg(t.statement, '; ') AS statement FROM (
                  SELECT string_agg(DISTINCT e.privilege_type, ', ') AS privileges, quote_ident(pg_get_userbyid(e.grantor)) AS grantor,
                         CASE WHEN e.grantor = a.owner THEN format('REVOKE ALL%s %s FROM %s', a.cols, a.target, x.ident)
                              ELSE format('SET ROLE %I; REVOKE ALL%s %s FROM %s; RESET ROLE', pg_get_userbyid(e.grantor), a.cols, a.target,
                                  x.ident) END AS statement
                    FROM acl a, aclexplode(a.acl) e
                   WHERE (a.classid, a.objid, a.objsubid, a.deptype) = (d.classid, d.objid, d.objsubid, d.deptype) AND e.grantee = x.oid
                   GROUP BY e.grantor, a.owner, a.cols, a.target) t) g ON true
         ORDER BY 1
        """;

    /// <summary>Who holds a lock; without a session it is a prepared transaction.</summary>
    internal sealed record Holder(int? Pid, string User, string Relation, string End)
    {
        public static Holder Read(NpgsqlDataReader row) =>
            new(row.IsDBNull(0) ? null : row.GetInt32(0), row.GetString(1), row.GetString(2), row.GetString(3));
    }

    /// <summary>
    /// Who holds locks on what the role owns here, or on tables with policies that name it: session (null for a prepared transaction),
    /// user, what, and the statement that ends it.
    /// </summary>
    public const string Holders = $"""
        SELECT DISTINCT l.pid, coalesce(pg_get_userbyid(a.usesysid)::text, pg_get_userbyid(p.ownerid)::text, 'nobody'),
            l.relation::regclass::text,
               CASE WHEN l.pid IS NULL THEN format('ROLLBACK PREPARED %L', p.gid) ELSE format('SELECT pg_terminate_backend(%s)', l.pid) END
          FROM pg_locks l LEFT JOIN pg_stat_get_activity(NULL) a ON a.pid = l.pid
          -- A prepared transaction has no session; its lock on its own number says which it is.
          LEFT JOIN (pg_locks t JOIN pg_prepared_xact() p ON p.transaction = t.transactionid) ON l.pid IS NULL AND t.pid IS NULL
              AND t.locktype = 'transactionid' AND t.virtualtransaction = l.virtualtransaction
         WHERE l.granted AND (l.pid IS NOT NULL OR p.gid IS NOT NULL) AND l.pid IS DISTINCT FROM pg_backend_pid()
             AND l.locktype = 'relation' AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND l.relation IN (
                SELECT CASE d.classid WHEN 'pg_class'::regclass THEN d.objid ELSE (SELECT y.polrelid FROM pg_policy y WHERE y.oid = d.objid)
                    END
                  FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.dbid IN {Here}
                      AND d.classid IN ('pg_class'::regclass, 'pg_policy'::regclass))
         ORDER BY 1, 3 LIMIT 5
        """;

    internal sealed record EventTrigger(string Ident, string Owner)
    {
        public static EventTrigger Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1));
    }

    /// <summary>Event triggers that may forbid what we have to do. No parameters.</summary>
    public const string EventTriggers = "SELECT quote_ident(evtname), quote_ident(pg_get_userbyid(evtowner)) FROM pg_event_trigger WHERE " +
        "evtenabled <> 'D' ORDER BY 1 LIMIT 5";
}
