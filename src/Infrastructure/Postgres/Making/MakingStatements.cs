using System.Globalization;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Doctor;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>
/// The SQL of making a role and of keeping its scope role. Values go in as parameters; where a statement takes none (all statements about
/// roles), the server itself quotes the names and literals (<c>%I</c>, <c>%L</c>), on connections whose first settings make that safe (see
/// <see cref="ClusterConnections"/>).
/// </summary>
internal static class MakingStatements
{
    /// <summary>
    /// What is there, and the statements that make the role, quoted by the server. Parameters: 1 scope role, 2 temporary role, 3 its tag,
    /// 4 its end, 5 connection limit, 6 names and 7 values of its settings, 8 name of this session, 9 INHERIT or NOINHERIT.
    /// </summary>
    public const string Prepare = """
        SELECT current_setting('transaction_read_only') = 'on',
               s.oid,
               s.rolcanlogin OR s.rolsuper OR s.rolcreaterole OR s.rolcreatedb OR s.rolreplication OR s.rolbypassrls,
               shobj_description(s.oid, 'pg_authid'),
               ARRAY(SELECT pg_get_userbyid(m.roleid)::text FROM pg_auth_members m WHERE m.member = s.oid ORDER BY m.roleid, m.grantor),
               quote_ident($1), quote_ident($2),
               format('CREATE ROLE %I LOGIN %s NOCREATEDB NOCREATEROLE CONNECTION LIMIT %s VALID UNTIL %L PASSWORD ', $2, $9, $5, $4),
               format('ALTER ROLE %I LOGIN %s CONNECTION LIMIT %s VALID UNTIL %L PASSWORD ', $2, $9, $5, $4),
               format('COMMENT ON ROLE %I IS %L', $2, $3),
               ARRAY(SELECT format('ALTER ROLE %I SET %s = %s', $2,
                                   (SELECT string_agg(quote_ident(part), '.') FROM string_to_table(u.name, '.') part),
                                   -- Lists of names would otherwise become one name with commas in it.
                                   CASE WHEN u.name IN ('search_path', 'temp_tablespaces')
                                        THEN (SELECT string_agg(quote_literal(btrim(item, ' "')), ', ')
                                            FROM string_to_table(u.value, ',') item)
                                        ELSE quote_literal(u.value) END)
                       FROM unnest($6, $7) WITH ORDINALITY AS u(name, value, n) ORDER BY n),
               set_config('application_name', $8, false),
               ARRAY(SELECT pg_get_userbyid(m.grantor)::text FROM pg_auth_members m WHERE m.member = s.oid ORDER BY m.roleid, m.grantor)
          FROM (SELECT) AS one
          LEFT JOIN pg_roles s ON s.rolname = $1
        """;

    /// <summary>
    /// A mark of everything that <see cref="Differences"/> looks at, far cheaper than that: while it stays the same, nothing was granted,
    /// revoked, made, dropped, renamed or given another owner in the schemas of the scope, and the scope role got nothing elsewhere.
    /// Parameters: 1 scope role, 2 schemas, 3 whether functions matter, 4 whether columns do.
    /// </summary>
    /// <remarks>
    /// Every such act writes a new version of a row, under the number of its transaction (<c>xmin</c>), or makes or drops one. So with as
    /// many rows as before the sum of those numbers only grows; that transactions which began earlier and ended later balance it out
    /// exactly, and the sum of the OIDs with it, does not happen by accident. Summing is a third of the cost of hashing; leaving indexes
    /// out would cost more than counting them. Of what the scope role has elsewhere (<c>pg_shdepend</c>), the number is enough: at the time
    /// of the mark there was nothing but what the scope says, and none of that goes without a row above changing. Its rows are asked for by
    /// range: with an equals sign the planner, which does not know whose they are, expects half of the table and reads all of it.
    /// </remarks>
    public static readonly string Mark = $"""
        WITH n AS MATERIALIZED (SELECT oid, xmin FROM pg_namespace WHERE nspname = ANY ($2)),
        s AS MATERIALIZED (SELECT oid FROM pg_roles WHERE rolname = $1)
        SELECT concat_ws('/',
            (SELECT {Sums("c")} FROM pg_class c WHERE c.relnamespace = ANY (ARRAY(SELECT oid FROM n))),
            (SELECT oid FROM s),
            (SELECT {Sums("n")} FROM n),
            (SELECT {Sums("p")} FROM pg_proc p WHERE $3 AND p.pronamespace = ANY (ARRAY(SELECT oid FROM n))),
            (SELECT xmin FROM pg_database WHERE datname = current_database()),
            (SELECT {Sums("a")} FROM pg_default_acl a),
            (SELECT count(*) FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid BETWEEN (SELECT oid FROM s)
                AND (SELECT oid FROM s)),
            (SELECT {Sums("a", "attrelid")}
               FROM pg_shdepend d JOIN pg_attribute a ON a.attrelid = d.objid AND a.attnum = d.objsubid
              WHERE $4 AND d.refclassid = 'pg_authid'::regclass AND d.refobjid BETWEEN (SELECT oid FROM s) AND (SELECT oid FROM s)
                  AND d.classid = 'pg_class'::regclass AND d.objsubid <> 0
                AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())))
        """;

    /// <summary>How many rows of <c>pg_class</c> a mark stands for.</summary>
    public static long RowsIn(string mark) =>
        long.Parse(mark.AsSpan(0, mark.IndexOf(':', StringComparison.Ordinal)), CultureInfo.InvariantCulture);

    /// <summary>
    /// Number, OIDs and transactions of some rows. <c>xmin</c> has no arithmetic, but an age; that of transaction 3, the first there is,
    /// makes it a number which does not grow by itself. What has the same age for ever (PostgreSQL's own first rows) is left out of the
    /// reckoning.
    /// </summary>
    private static string Sums(string rows, string oid = "oid") =>
        $"concat_ws(':', count(*), sum({rows}.{oid}::int), count(*) FILTER (WHERE age({rows}.xmin) <> 2147483647) * " +
            $"age('3'::xid)::bigint - sum(age({rows}.xmin)))";

    /// <summary>
    /// Wanted against actual privileges of a scope role on this database: one row for each difference, none when there is nothing to do.
    /// Parameters: 1 scope role (which need not exist), 2 rules as JSON. Names are quoted already. Members of extensions do not belong to
    /// "everything in the schema": they are not the application's, and mostly not ours to give.
    /// </summary>
    /// <remarks>
    /// What the scope role has is found through <c>pg_shdepend</c>, so that a privilege is seen wherever somebody put it. What PUBLIC has
    /// is no difference when we could not give it ourselves. What it owns counts from 16 on, where only somebody stronger can have made it
    /// so; until 15 a holder can, as the scope role, and it goes with their grant.
    /// </remarks>
    public const string Differences = $"""
        WITH scope AS MATERIALIZED (SELECT oid FROM pg_roles WHERE rolname = $1),
        {Wanted}
        dep AS MATERIALIZED (
            SELECT d.classid, d.objid, d.objsubid, d.dbid FROM pg_shdepend d, scope
             WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = scope.oid AND d.deptype = 'a'
               AND d.dbid IN (0, (SELECT oid FROM here))),
        have AS MATERIALIZED (
            SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind, d.classid, d.objid, 0 AS sub, e.privilege_type AS priv,
                e.is_grantable, e.grantor, c.relowner AS owner
              FROM dep d JOIN pg_class c ON c.oid = d.objid, scope, aclexplode(c.relacl) e
             WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND e.grantee = scope.oid
            UNION ALL
            SELECT 'column', d.classid, d.objid, d.objsubid, e.privilege_type, e.is_grantable, e.grantor, c.relowner
              FROM dep d JOIN pg_class c ON c.oid = d.objid JOIN pg_attribute a ON a.attrelid = d.objid
                  AND a.attnum = d.objsubid, scope, aclexplode(a.attacl) e
             WHERE d.classid = 'pg_class'::regclass AND d.objsubid <> 0 AND e.grantee = scope.oid
            UNION ALL
            SELECT 'schema', d.classid, d.objid, 0, e.privilege_type, e.is_grantable, e.grantor, n.nspowner
              FROM dep d JOIN pg_namespace n ON n.oid = d.objid, scope, aclexplode(n.nspacl) e
             WHERE d.classid = 'pg_namespace'::regclass AND e.grantee = scope.oid
            UNION ALL
            SELECT 'database', d.classid, d.objid, 0, e.privilege_type, e.is_grantable, e.grantor, b.datdba
              FROM dep d JOIN pg_database b ON b.oid = d.objid, scope, aclexplode(b.datacl) e
             WHERE d.classid = 'pg_database'::regclass AND e.grantee = scope.oid
            UNION ALL
            SELECT 'function', d.classid, d.objid, 0, e.privilege_type, e.is_grantable, e.grantor, p.proowner
              FROM dep d JOIN pg_proc p ON p.oid = d.objid, scope, aclexplode(p.proacl) e
             WHERE d.classid = 'pg_proc'::regclass AND e.grantee = scope.oid),
        diff AS MATERIALIZED (
            SELECT 'missing' AS what, w.kind, w.classid, w.objid, w.sub, w.priv, w.owner, NULL::oid AS grantor
              FROM want w LEFT JOIN have h USING (classid, objid, sub, priv) WHERE h.objid IS NULL
            UNION ALL
            SELECT CASE WHEN w.objid IS NULL THEN 'spurious' ELSE 'grantable'
                END, h.kind, h.classid, h.objid, h.sub, h.priv, h.owner, h.grantor
              FROM have h LEFT JOIN want w USING (classid, objid, sub, priv) WHERE w.objid IS NULL OR h.is_grantable),
        able AS MATERIALIZED (
            SELECT d.*, i.ident, i.colname,
                   pg_has_role(d.owner, 'USAGE') AND i.enter OR coalesce(i.with_option, false) AS can,
                   coalesce(i.public_has, false) AS public_has
              FROM diff d
              CROSS JOIN LATERAL (
                SELECT format('%I.%I', n.nspname, c.relname) AS ident, a.attname AS colname,
                       has_schema_privilege(n.oid, 'USAGE') AS enter,
                       CASE d.kind WHEN 'column' THEN has_column_privilege(c.oid, a.attnum, d.priv || ' WITH GRANT OPTION')
                                   WHEN 'sequence' THEN has_sequence_privilege(c.oid, d.priv || ' WITH GRANT OPTION')
                                   ELSE has_table_privilege(c.oid, d.priv || ' WITH GRANT OPTION') END AS with_option,
                       CASE d.kind WHEN 'column' THEN has_column_privilege('public', c.oid, a.attnum, d.priv)
                                   WHEN 'sequence' THEN has_sequence_privilege('public', c.oid, d.priv)
                                   ELSE has_table_privilege('public', c.oid, d.priv) END AS public_has
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  LEFT JOIN pg_attribute a ON d.sub <> 0 AND a.attrelid = c.oid AND a.attnum = d.sub
                 WHERE d.classid = 'pg_class'::regclass AND c.oid = d.objid
                UNION ALL
                SELECT quote_ident(n.nspname), NULL, true, has_schema_privilege(n.oid, d.priv || ' WITH GRANT OPTION'),
                    has_schema_privilege('public', n.oid, d.priv)
                  FROM pg_namespace n WHERE d.classid = 'pg_namespace'::regclass AND n.oid = d.objid
                UNION ALL
                SELECT quote_ident(b.datname), NULL, true, has_database_privilege(b.oid, d.priv || ' WITH GRANT OPTION'),
                    has_database_privilege('public', b.oid, d.priv)
                  FROM pg_database b WHERE d.classid = 'pg_database'::regclass AND b.oid = d.objid
                UNION ALL
                SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), NULL,
                    has_schema_privilege(n.oid, 'USAGE'),
                       has_function_privilege(p.oid, d.priv || ' WITH GRANT OPTION'), has_function_privilege('public', p.oid, d.priv)
                  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE d.classid = 'pg_proc'::regclass
                      AND p.oid = d.objid) i),
        default_have AS MATERIALIZED (
            SELECT a.defaclrole AS owner, a.defaclnamespace AS nspoid, a.defaclobjtype::text AS objtype, e.privilege_type AS priv,
                e.is_grantable
              FROM pg_shdepend d JOIN pg_default_acl a ON a.oid = d.objid, scope, aclexplode(a.defaclacl) e
             WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = scope.oid AND d.deptype = 'a'
                 AND d.classid = 'pg_default_acl'::regclass
               AND d.dbid = (SELECT oid FROM here) AND e.grantee = scope.oid)
        SELECT what, kind, ident, quote_ident(colname), priv, pg_get_userbyid(owner)::text, can, pg_get_userbyid(grantor)::text,
               -- Nobody becomes a member of these for the sake of one table.
               (SELECT r.rolsuper OR r.oid < 16384 OR left(r.rolname, 3) = 'rds' FROM pg_roles r WHERE r.oid = owner), NULL
          FROM able WHERE NOT (what = 'missing' AND public_has AND NOT can)
        UNION ALL
        SELECT 'absent', r.kind, CASE WHEN r.nspoid IS NULL THEN format('schema %I', r.nsp) ELSE format('%s %I.%I', r.kind, r.nsp, r.name)
            END, NULL, NULL, NULL, NULL, NULL, false, NULL
          FROM rule r
         WHERE r.nspoid IS NULL OR r.name IS NOT NULL AND r.oftable IS NULL AND r.kind <> 'schema'
             AND NOT EXISTS (SELECT FROM obj o WHERE o.n = r.n)
               -- Narrowed by names, which do not tell a table from a view: what the scope says of views is then nothing for a table that it gives.
               AND NOT (r.narrowed AND r.kind = 'view'
                   AND EXISTS (SELECT FROM rule t JOIN obj o ON o.n = t.n WHERE (t.kind, t.nsp, t.name) = ('table', r.nsp, r.name)))
        UNION ALL
        SELECT 'absent', 'column', format('column %I of table %I.%I', col, r.nsp, r.name), NULL, NULL, NULL, NULL, NULL, false, NULL
          FROM rule r JOIN obj o ON o.n = r.n, unnest(r.cols) col
         WHERE r.name IS NOT NULL AND NOT EXISTS (
               SELECT FROM pg_attribute a WHERE a.attrelid = o.oid AND a.attname = col AND a.attnum > 0 AND NOT a.attisdropped)
        UNION ALL
        SELECT 'default-missing', f.objtype, quote_ident(f.nsp), NULL, f.priv, quote_ident(pg_get_userbyid(m.owner)), true, NULL, false,
            NULL
          FROM future f JOIN maker m USING (nspoid)
         WHERE NOT EXISTS (SELECT FROM default_have h WHERE (h.owner, h.nspoid, h.objtype, h.priv) = (m.owner, f.nspoid, f.objtype, f.priv))
        UNION ALL
        SELECT 'default-spurious', h.objtype, (SELECT quote_ident(n.nspname) FROM pg_namespace n WHERE n.oid = h.nspoid), NULL, h.priv,
               quote_ident(pg_get_userbyid(h.owner)), pg_has_role(h.owner, 'USAGE'), NULL, false, NULL
          FROM default_have h
         WHERE h.is_grantable OR NOT EXISTS (SELECT FROM future f WHERE (f.nspoid, f.objtype, f.priv) = (h.nspoid, h.objtype, h.priv))
        UNION ALL
        SELECT 'foreign', 'other', pg_describe_object(d.classid, d.objid, d.objsubid), NULL, NULL, NULL, NULL, NULL, false,
               'REVOKE ALL ON ' || CASE d.classid WHEN 'pg_type'::regclass THEN format('TYPE %s', d.objid::regtype)
                                                  WHEN 'pg_language'::regclass
                                                      THEN (SELECT format('LANGUAGE %I', l.lanname) FROM pg_language l
                                                          WHERE l.oid = d.objid)
                                                  WHEN 'pg_tablespace'::regclass THEN (SELECT format('TABLESPACE %I', t.spcname)
                                                      FROM pg_tablespace t WHERE t.oid = d.objid)
                                                  WHEN 'pg_foreign_data_wrapper'::regclass
                                                      THEN (SELECT format('FOREIGN DATA WRAPPER %I', f.fdwname)
                                                          FROM pg_foreign_data_wrapper f WHERE f.oid = d.objid)
                                                  WHEN 'pg_foreign_server'::regclass THEN (SELECT format('FOREIGN SERVER %I', f.srvname)
                                                      FROM pg_foreign_server f WHERE f.oid = d.objid)
                                                  WHEN 'pg_largeobject'::regclass THEN format('LARGE OBJECT %s', d.objid) END
          FROM dep d
         WHERE d.classid NOT IN ('pg_class'::regclass, 'pg_namespace'::regclass, 'pg_database'::regclass, 'pg_proc'::regclass,
             'pg_default_acl'::regclass)
        UNION ALL
        SELECT 'foreign', 'other', format('something in database %I', b.datname), NULL, NULL, NULL, NULL, NULL, false, 'DROP OWNED BY'
          FROM (SELECT DISTINCT d.dbid FROM pg_shdepend d, scope
                 WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = scope.oid AND d.deptype = 'a'
                   AND d.dbid NOT IN (0, (SELECT oid FROM here))) x
          JOIN pg_database b ON b.oid = x.dbid
        UNION ALL
        SELECT DISTINCT 'owned', 'other', CASE WHEN d.dbid IN (0, (SELECT oid FROM here))
            THEN pg_describe_object(d.classid, d.objid, d.objsubid) ELSE format('something in database %I', b.datname) END,
               NULL, NULL, NULL, NULL::boolean, NULL, false, NULL
          FROM scope JOIN pg_shdepend d ON d.refclassid = 'pg_authid'::regclass AND d.refobjid = scope.oid LEFT JOIN pg_database b
              ON b.oid = d.dbid
         WHERE d.deptype = 'o' AND d.classid <> 'pg_auth_members'::regclass AND current_setting('server_version_num')::int >= 160000
        """;

    /// <summary>
    /// One at a time keeps the scope role. Others may hold this lock too, even strangers on purpose, so that it is only tried: being right
    /// does not depend on it.
    /// </summary>
    public const string TryScopeLock = "SELECT pg_try_advisory_xact_lock(hashtextextended('dbaccess:' || $1, 0))";

    /// <summary>
    /// Hands the locks of some tables to <see cref="TakeLocks"/>, in the order of their names. So that other changes of a table wait takes
    /// a right to change rows; with the right to read, only those wait that want it to themselves. Views, sequences and foreign tables
    /// cannot be locked by themselves. A name that is gone is named too: it may come back before we grant, and would not be locked then.
    /// Parameters: 1 names, quoted, 2 whether the weak lock is to do.
    /// </summary>
    public const string NameLocks = """
        SELECT set_config('dbaccess.tables', ARRAY(
            SELECT i.ident || ' IN ' || CASE WHEN $2 OR NOT coalesce(has_table_privilege(c.oid, 'UPDATE, DELETE, TRUNCATE'), false)
                THEN 'ACCESS SHARE' ELSE 'SHARE UPDATE EXCLUSIVE' END || ' MODE NOWAIT'
              FROM unnest($1) AS i(ident) LEFT JOIN pg_class c ON c.oid = to_regclass(i.ident)
             WHERE c.oid IS NULL OR c.relkind IN ('r', 'p') AND has_table_privilege(c.oid, 'SELECT, UPDATE, DELETE, TRUNCATE')
             ORDER BY i.ident COLLATE "C")::text, true)
        """;

    /// <summary>Takes each lock that is free at once, and leaves the names of the others.</summary>
    public const string TakeLocks = """
        DO $do$
        DECLARE
            t text;
            taken text[] := '{}';
        BEGIN
            FOREACH t IN ARRAY current_setting('dbaccess.tables')::text[] LOOP
                BEGIN
                    EXECUTE 'LOCK TABLE ONLY ' || t;
                EXCEPTION WHEN lock_not_available OR undefined_table OR wrong_object_type OR invalid_schema_name THEN
                    taken := array_append(taken, regexp_replace(t, ' IN (ACCESS SHARE|SHARE UPDATE EXCLUSIVE) MODE NOWAIT$', ''));
                END;
            END LOOP;
            PERFORM set_config('dbaccess.tables', taken::text, true);
        END
        $do$
        """;

    public const string LocksNotTaken = "SELECT current_setting('dbaccess.tables')::text[]";

    public const string CreateScopeRole =
        "SELECT format('CREATE ROLE %I NOLOGIN NOINHERIT NOCREATEDB NOCREATEROLE', $1), format('COMMENT ON ROLE %I IS %L', $1, $2)";

    /// <summary>Fails (22012) when the caller's lease is over by the server's clock, and with it everything sent in the same go.</summary>
    public const string Fence = "SELECT 1 / (clock_timestamp() <= $1)::int";

    public static string GrantMembership(int major, string scopeIdent, string roleIdent) =>
        // SET FALSE: a session that had become the scope role would keep its privileges after the temporary role is gone.
        major >= 16 ? $"GRANT {scopeIdent} TO {roleIdent} WITH INHERIT TRUE, SET FALSE" : $"GRANT {scopeIdent} TO {roleIdent}";

    /// <summary>
    /// Fails (42704), and with it everything sent in the same go, when the scope role was renamed or dropped while its new member was made.
    /// Parameter: its name.
    /// </summary>
    public const string IsThere = "SELECT $1::text::regrole";

    /// <summary>
    /// For a scope whose sessions act as an owner (migrations). Parameters: 1 the owner, 2 the temporary role, 3 the databases. Answers
    /// whether there is such a role, whether it has a power that no scope may lend, whether we may hand it on, the statements, and, where
    /// nobody inherits anything, the databases that not everybody may connect to, with the statements that let the role in. From 16 on the
    /// owner is not inherited, before that nothing is: the session is the owner or nothing, so that what it makes is never the temporary
    /// role's.
    /// </summary>
    public static string RunAs(int major) => $"""
        SELECT o.oid IS NOT NULL,
               EXISTS (SELECT FROM pg_roles r WHERE (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
                   OR r.rolname = 'rds_superuser' OR left(r.rolname, 3) = 'pg_' AND r.rolname <> 'pg_database_owner')
                          AND pg_has_role(o.oid, r.oid, 'MEMBER')),
               {(major >= 16 ? "coalesce(pg_has_role(o.oid, 'MEMBER WITH ADMIN OPTION'), false)" : "true")},
               format('GRANT %I TO %I{(major >= 16 ? " WITH INHERIT FALSE, SET TRUE" : "")}', $1, $2),
               format('ALTER ROLE %I SET role = %L', $2, $1),
               quote_ident($1), quote_ident(current_user),
               ARRAY(SELECT format('GRANT CONNECT ON DATABASE %I TO %I', b.datname, $2) FROM pg_database b WHERE {(major >= 16 ? "false" : "b.datname = ANY ($3) AND NOT has_database_privilege('public', b.oid, 'CONNECT')")} ORDER BY b.datname),
               ARRAY(SELECT pg_describe_object('pg_database'::regclass, b.oid, 0) FROM pg_database b WHERE {(major >= 16 ? "$3 IS NULL" : "b.datname = ANY ($3) AND NOT has_database_privilege('public', b.oid, 'CONNECT')")} ORDER BY b.datname)
          FROM (SELECT) AS one LEFT JOIN pg_roles o ON o.rolname = $1
        """;

    /// <summary>What a role turned out to be. Parameter: its name.</summary>
    public static string ReadBack(int major) => $"""
        SELECT r.oid,
               r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls,
               r.rolcanlogin, r.rolinherit,
               has_database_privilege(r.oid, current_database(), 'CONNECT'),
               ARRAY(SELECT g.rolname::text || CASE WHEN m.admin_option THEN ' with admin' ELSE '' END{(major >= 16 ? " || CASE WHEN m.set_option THEN ' with set' ELSE '' END || CASE WHEN m.inherit_option THEN ' with inherit' ELSE '' END" : "")}
                       FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid WHERE m.member = r.oid ORDER BY 1),
               ARRAY(SELECT CASE WHEN d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                                 THEN pg_describe_object(d.classid, d.objid, d.objsubid)
                                 ELSE format('something in database %I', (SELECT datname FROM pg_database WHERE oid = d.dbid)) END
                       FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid AND d.deptype = 'a' LIMIT 10)
          FROM pg_roles r WHERE r.rolname = $1
        """;

    /// <summary>
    /// Whose a name is. Parameters: 1 role, 2 how its tag must begin. The third answer is the memberships to be taken back before it is
    /// used again.
    /// </summary>
    public const string Identify = """
        SELECT r.oid, coalesce(starts_with(d.description, $2), false),
               ARRAY(SELECT format('REVOKE %I FROM %I', g.rolname, r.rolname) FROM pg_auth_members m JOIN pg_roles g ON g.oid = m.roleid
                   WHERE m.member = r.oid),
               format('ALTER ROLE %I RESET ALL', r.rolname)
          FROM pg_roles r LEFT JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
         WHERE r.rolname = $1
        """;

    /// <summary>
    /// Why CREATE ROLE was refused: may the administrator make roles, are passwords reserved to members of rds_password, is it one.
    /// </summary>
    public const string AdministratorRights = """
        SELECT rolcreaterole, coalesce(current_setting('rds.restrict_password_commands', true) IN ('on', '1'), false),
               EXISTS (SELECT FROM pg_roles p WHERE p.rolname = 'rds_password' AND pg_has_role(p.oid, 'USAGE')), quote_ident(rolname)
          FROM pg_roles WHERE rolname = current_user
        """;

    /// <summary>
    /// From rules (parameter 2, as JSON) to what they mean on this database: <c>obj</c> (objects), <c>want</c> (privileges), <c>future</c>
    /// and <c>maker</c> (what is given on things made later, and by whom those can be made). Two questions begin with it, so that what is
    /// given and what is shown cannot differ.
    /// </summary>
    private const string Wanted = """
        here AS MATERIALIZED (SELECT oid, datname, datdba FROM pg_database WHERE datname = current_database()),
        rule AS MATERIALIZED (
            SELECT r.*, n.oid AS nspoid, r.name IS NULL AND r.pat IS NULL AND r.oftable IS NULL AND r.cols IS NULL
                AND r.kind IN ('table', 'sequence', 'function') AS lasting
              FROM jsonb_to_recordset($2::jsonb) AS r(n int, kind text, nsp text, name text, pat text, oftable text, cols text[],
                  privs text[], narrowed boolean)
              LEFT JOIN pg_namespace n ON n.nspname = r.nsp),
        extension AS MATERIALIZED (SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'),
        -- What is named is looked up by name, through an index; only a rule for many reads its schema. The second comparison of names is for those of more
        -- than 63 bytes, which the cast would cut, to another object's name.
        rel AS MATERIALIZED (
            SELECT r.n, c.oid FROM rule r JOIN pg_class c ON c.relname = r.name::name AND c.relnamespace = r.nspoid
             WHERE r.name IS NOT NULL AND c.relname = r.name
            UNION ALL
            SELECT r.n, c.oid FROM rule r JOIN pg_class c ON c.relnamespace = r.nspoid
             WHERE r.name IS NULL AND r.kind IN ('table', 'view', 'sequence') AND (r.pat IS NULL OR c.relname LIKE r.pat)
               AND c.oid NOT IN (SELECT e.objid FROM extension e WHERE e.classid = 'pg_class'::regclass)),
        obj AS MATERIALIZED (
            SELECT r.n, CASE r.kind WHEN 'sequence' THEN 'sequence' ELSE 'table'
                END AS kind, 'pg_class'::regclass::oid AS classid, c.oid, c.relowner AS owner, r.cols, r.privs
              FROM rel JOIN rule r ON r.n = rel.n JOIN pg_class c ON c.oid = rel.oid
             WHERE (r.kind = 'table' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') OR r.kind = 'view' AND c.relkind IN ('v', 'm')
                 OR r.kind = 'sequence' AND c.relkind = 'S')
               AND (r.oftable IS NULL
                    OR EXISTS (SELECT FROM pg_depend d JOIN pg_class t ON t.oid = d.refobjid
                                WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_class'::regclass
                                    AND d.deptype IN ('a', 'i')
                                  AND t.relname = r.oftable AND t.relnamespace = r.nspoid))
            UNION ALL
            SELECT r.n, r.kind, 'pg_proc'::regclass::oid, p.oid, p.proowner, NULL, r.privs
              FROM rule r JOIN pg_proc p ON p.pronamespace = r.nspoid
             WHERE r.kind = 'function'
               AND (p.proname = r.name
                    OR r.name IS NULL AND (r.pat IS NULL OR p.proname LIKE r.pat)
                        AND p.oid NOT IN (SELECT e.objid FROM extension e WHERE e.classid = 'pg_proc'::regclass))),
        want AS MATERIALIZED (
            SELECT 'database' AS kind, 'pg_database'::regclass::oid AS classid, oid AS objid, 0 AS sub, 'CONNECT' AS priv, datdba AS owner
                FROM here
            UNION
            SELECT 'schema', 'pg_namespace'::regclass::oid, n.oid, 0, 'USAGE', n.nspowner FROM rule r JOIN pg_namespace n
                ON n.oid = r.nspoid
            UNION
            SELECT o.kind, o.classid, o.oid, 0, p, o.owner FROM obj o, unnest(o.privs) p WHERE o.cols IS NULL
            UNION
            SELECT 'column', o.classid, o.oid, a.attnum::int, p, o.owner
              FROM obj o, unnest(o.privs) p, pg_attribute a
             WHERE o.cols IS NOT NULL AND a.attrelid = o.oid AND a.attname = ANY (o.cols) AND a.attnum > 0 AND NOT a.attisdropped),
        future AS MATERIALIZED (
            SELECT DISTINCT r.nspoid, r.nsp, CASE r.kind WHEN 'table' THEN 'r' WHEN 'sequence' THEN 'S' ELSE 'f' END AS objtype, p AS priv
              FROM rule r, unnest(r.privs) p WHERE r.lasting AND r.nspoid IS NOT NULL),
        -- Whoever made something there will make more; so will the schema's owner. Predefined roles (PostgreSQL's own) never do: where such a one owns it (public, as a
        -- database begins), the database's owner does.
        keeper AS MATERIALIZED (
            SELECT n.oid AS nspoid, CASE WHEN n.nspowner >= 16384 THEN n.nspowner ELSE here.datdba END AS owner
              FROM here, pg_namespace n
             WHERE n.oid IN (SELECT r.nspoid FROM rule r)
                 AND (n.nspowner >= 16384 OR here.datdba >= 16384 AND has_schema_privilege(here.datdba, n.oid, 'CREATE'))),
        maker AS MATERIALIZED (
            SELECT DISTINCT nspoid, owner FROM (
                SELECT r.nspoid, o.owner FROM obj o JOIN rule r ON r.n = o.n WHERE r.lasting
                UNION ALL SELECT r.nspoid, k.owner FROM rule r JOIN keeper k USING (nspoid) WHERE r.lasting) m
             WHERE owner >= 16384 AND pg_has_role(owner, 'USAGE')),
        """;

    /// <summary>
    /// The rules expanded on this database, one row for each privilege: kind, name, column, privilege, owner, row estimate, bytes. Then
    /// what default privileges add (kind <c>later …</c>; the name is the schema; no privilege where we are no member of who makes things
    /// there). Parameters: 1 not used, 2 rules as JSON, 3 whether sizes are wanted. Sizes are the planner's figures: to measure would wait
    /// for everybody who holds a table.
    /// </summary>
    public const string Plan = $"""
        WITH {Wanted}
        thing AS (
            SELECT w.sub, w.priv, w.owner, w.classid, w.objid,
                   CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f'
                       THEN 'foreign table' ELSE CASE WHEN c.oid IS NULL THEN w.kind ELSE 'table' END END AS kind,
                   CASE w.kind WHEN 'database' THEN (SELECT quote_ident(datname) FROM here)
                               WHEN 'schema' THEN (SELECT quote_ident(nspname) FROM pg_namespace n WHERE n.oid = w.objid)
                               WHEN 'function'
                                   THEN (SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid))
                                       FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE p.oid = w.objid)
                               ELSE (SELECT format('%I.%I', n.nspname, c.relname) FROM pg_namespace n WHERE n.oid = c.relnamespace)
                                   END AS ident,
                   CASE WHEN $3 AND c.relkind IN ('r', 'p', 'm', 'f') AND c.reltuples >= 0 THEN c.reltuples::bigint END AS tuples,
                   CASE WHEN $3 AND c.relkind IN ('r', 'm') THEN
                       (c.relpages::bigint + coalesce((SELECT t.relpages FROM pg_class t WHERE t.oid = c.reltoastrelid), 0)
                        + coalesce((SELECT sum(x.relpages) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
                            WHERE i.indrelid = c.oid), 0)) * current_setting('block_size')::bigint END AS bytes
              FROM want w LEFT JOIN pg_class c ON w.classid = 'pg_class'::regclass AND c.oid = w.objid)
        SELECT t.kind, t.ident, (SELECT quote_ident(a.attname) FROM pg_attribute a WHERE t.sub <> 0 AND a.attrelid = t.objid
            AND a.attnum = t.sub), lower(t.priv),
               quote_ident(pg_get_userbyid(t.owner)), t.tuples, t.bytes
          FROM thing t
        UNION ALL
        SELECT 'later ' || CASE f.objtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' ELSE 'functions'
            END, quote_ident(f.nsp), NULL, lower(f.priv), quote_ident(pg_get_userbyid(m.owner)), NULL, NULL
          FROM future f JOIN maker m USING (nspoid)
        UNION ALL
        SELECT DISTINCT 'later ' || CASE f.objtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' ELSE 'functions'
            END, quote_ident(f.nsp), NULL, NULL, quote_ident(pg_get_userbyid(u.owner)), NULL::bigint, NULL::bigint
          FROM future f
          JOIN (SELECT r.nspoid, o.owner FROM obj o JOIN rule r ON r.n = o.n WHERE r.lasting
                UNION SELECT r.nspoid, k.owner FROM rule r JOIN keeper k USING (nspoid) WHERE r.lasting) u USING (nspoid)
         WHERE NOT EXISTS (SELECT FROM maker m WHERE (m.nspoid, m.owner) = (u.nspoid, u.owner))
        """;

    /// <summary>
    /// What everybody may do in this database beyond what the system gives when it is set up: kind, name, privilege. Functions only where
    /// everybody may enter the schema or the scope lets its holder in; harmless ones of extensions are left out. Parameter: the schemas
    /// that the scope opens, quoted.
    /// </summary>
    public static readonly string PublicHas = $"""
        SELECT 'database', quote_ident(b.datname), lower(e.privilege_type)
          FROM pg_database b, aclexplode(coalesce(b.datacl, acldefault('d', b.datdba))) e WHERE b.datname = current_database()
              AND e.grantee = 0
        UNION ALL
        SELECT 'schema', quote_ident(n.nspname), lower(e.privilege_type)
          FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) e
         WHERE e.grantee = 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND left(n.nspname, 3) <> 'pg_'
        UNION ALL
        SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END, format('%I.%I', n.nspname, c.relname), lower(e.privilege_type)
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) e
         WHERE e.grantee = 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        UNION ALL
        SELECT 'column', format('%I.%I.%I', n.nspname, c.relname, a.attname), lower(e.privilege_type)
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(a.attacl) e
         WHERE e.grantee = 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
        UNION ALL
        SELECT CASE WHEN p.prosecdef THEN 'function with its owner''s rights' ELSE 'function'
            END, format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), lower(e.privilege_type)
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e
         WHERE e.grantee = 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
             AND (has_schema_privilege('public', n.oid, 'USAGE') OR quote_ident(n.nspname) = ANY ($1))
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
               AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND NOT p.prosecdef)
        UNION ALL
        SELECT 'function', format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), lower(e.privilege_type)
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) e
         WHERE e.grantee = 0 AND n.nspname = 'pg_catalog' AND NOT {DoctorStatements.IsFromTheStart("pg_proc", "p.oid", orByDefault: true)}
        UNION ALL
        SELECT 'table', format('%I.%I', n.nspname, c.relname), lower(e.privilege_type)
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) e
         WHERE e.grantee = 0 AND n.nspname = 'pg_catalog' AND NOT {DoctorStatements.IsFromTheStart("pg_class", "c.oid", orByDefault: false)}
         ORDER BY 1, 2, 3
        """;
}
