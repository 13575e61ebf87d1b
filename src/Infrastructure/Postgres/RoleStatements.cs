namespace DbAccess.Infrastructure.Postgres;

/// <summary>
/// Every SQL text. Values go in as parameters; where a statement takes none (all statements about roles), the server itself quotes the names
/// and literals (<c>%I</c>, <c>%L</c>), on connections whose first settings make that safe (see <see cref="ClusterConnections"/>).
/// </summary>
internal static class RoleStatements
{
    // ---- making -------------------------------------------------------------------------------------------------------------------------

    /// <summary>
    /// What is there, and the statements that make the role, quoted by the server. Parameters: 1 scope role, 2 temporary role, 3 its tag,
    /// 4 its end, 5 connection limit, 6 names and 7 values of its settings, 8 name of this session.
    /// </summary>
    public const string Prepare = """
        SELECT current_setting('transaction_read_only') = 'on',
               s.oid,
               s.rolcanlogin OR s.rolsuper OR s.rolcreaterole OR s.rolcreatedb OR s.rolreplication OR s.rolbypassrls,
               shobj_description(s.oid, 'pg_authid'),
               ARRAY(SELECT pg_get_userbyid(m.roleid)::text FROM pg_auth_members m WHERE m.member = s.oid),
               quote_ident($1), quote_ident($2),
               format('CREATE ROLE %I LOGIN INHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT %s VALID UNTIL %L PASSWORD ', $2, $5, $4),
               format('ALTER ROLE %I LOGIN INHERIT CONNECTION LIMIT %s VALID UNTIL %L PASSWORD ', $2, $5, $4),
               format('COMMENT ON ROLE %I IS %L', $2, $3),
               ARRAY(SELECT format('ALTER ROLE %I SET %s = %s', $2,
                                   (SELECT string_agg(quote_ident(part), '.') FROM string_to_table(u.name, '.') part),
                                   -- Lists of names would otherwise become one name with commas in it.
                                   CASE WHEN u.name IN ('search_path', 'temp_tablespaces')
                                        THEN (SELECT string_agg(quote_literal(btrim(item, ' "')), ', ') FROM string_to_table(u.value, ',') item)
                                        ELSE quote_literal(u.value) END)
                       FROM unnest($6, $7) WITH ORDINALITY AS u(name, value, n) ORDER BY n),
               set_config('application_name', $8, false)
          FROM (SELECT) AS one
          LEFT JOIN pg_roles s ON s.rolname = $1
        """;

    /// <summary>
    /// A mark of everything that <see cref="Differences"/> looks at, far cheaper than that: while it stays the same, nothing was granted, revoked, made,
    /// dropped, renamed or given another owner in the schemas of the scope, and the scope role got nothing elsewhere. Every such act writes a new
    /// version of a row (<c>xmin</c>) or of the role's dependencies. Parameters: 1 scope role, 2 schemas, 3 whether functions matter.
    /// </summary>
    public const string Mark = """
        WITH n AS MATERIALIZED (SELECT oid, xmin FROM pg_namespace WHERE nspname = ANY ($2)),
        s AS MATERIALIZED (SELECT oid FROM pg_roles WHERE rolname = $1)
        SELECT concat_ws('/',
            (SELECT oid FROM s),
            (SELECT count(*) || ':' || bit_xor(hash_record_extended(ROW(n.oid, n.xmin), 0)) FROM n),
            (SELECT count(*) || ':' || bit_xor(hash_record_extended(ROW(c.oid, c.xmin), 0)) FROM pg_class c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relnamespace IN (SELECT oid FROM n)),
            (SELECT count(*) || ':' || bit_xor(hash_record_extended(ROW(p.oid, p.xmin), 0)) FROM pg_proc p WHERE $3 AND p.pronamespace IN (SELECT oid FROM n)),
            (SELECT xmin FROM pg_database WHERE datname = current_database()),
            (SELECT count(*) || ':' || bit_xor(hash_record_extended(ROW(a.oid, a.xmin), 0)) FROM pg_default_acl a),
            (SELECT count(*) || ':' || bit_xor(hash_record_extended(ROW(d.dbid, d.classid, d.objid, d.objsubid, d.deptype), 0)) FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = (SELECT oid FROM s)),
            (SELECT count(*) || ':' || bit_xor(hash_record_extended(ROW(a.attrelid, a.attnum, a.xmin), 0))
               FROM pg_shdepend d JOIN pg_attribute a ON a.attrelid = d.objid AND a.attnum = d.objsubid
              WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = (SELECT oid FROM s) AND d.classid = 'pg_class'::regclass AND d.objsubid <> 0
                AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())))
        """;

    /// <summary>
    /// Wanted against actual privileges of a scope role on this database: one row for each difference, none when there is nothing to do.
    /// Parameters: 1 scope role (which need not exist), 2 rules as JSON. Names are quoted already. Members of extensions do not belong to
    /// "everything in the schema": they are not the application's, and mostly not ours to give.
    /// </summary>
    /// <remarks>
    /// What the scope role has is found through <c>pg_shdepend</c>, so that a privilege is seen wherever somebody put it. What PUBLIC has is no
    /// difference when we could not give it ourselves.
    /// </remarks>
    public const string Differences = """
        WITH scope AS MATERIALIZED (SELECT oid FROM pg_roles WHERE rolname = $1),
        here AS MATERIALIZED (SELECT oid, datname, datdba FROM pg_database WHERE datname = current_database()),
        rule AS MATERIALIZED (
            SELECT r.*, n.oid AS nspoid
              FROM jsonb_to_recordset($2::jsonb) AS r(n int, kind text, nsp text, name text, cols text[], privs text[])
              LEFT JOIN pg_namespace n ON n.nspname = r.nsp),
        extension AS MATERIALIZED (SELECT classid, objid FROM pg_depend WHERE refclassid = 'pg_extension'::regclass AND deptype = 'e'),
        obj AS MATERIALIZED (
            SELECT r.n, r.kind, 'pg_class'::regclass::oid AS classid, c.oid, c.relowner AS owner, r.cols, r.privs
              FROM rule r JOIN pg_class c ON c.relnamespace = r.nspoid
             WHERE (r.kind = 'table' AND c.relkind IN ('r', 'p', 'v', 'm', 'f') OR r.kind = 'sequence' AND c.relkind = 'S')
               AND (c.relname = r.name
                    OR r.name IS NULL AND c.oid NOT IN (SELECT e.objid FROM extension e WHERE e.classid = 'pg_class'::regclass))
            UNION ALL
            SELECT r.n, r.kind, 'pg_proc'::regclass::oid, p.oid, p.proowner, NULL, r.privs
              FROM rule r JOIN pg_proc p ON p.pronamespace = r.nspoid
             WHERE r.kind = 'function'
               AND (p.proname = r.name
                    OR r.name IS NULL AND p.oid NOT IN (SELECT e.objid FROM extension e WHERE e.classid = 'pg_proc'::regclass))),
        want AS MATERIALIZED (
            SELECT 'database' AS kind, 'pg_database'::regclass::oid AS classid, oid AS objid, 0 AS sub, 'CONNECT' AS priv, datdba AS owner FROM here
            UNION
            SELECT 'schema', 'pg_namespace'::regclass::oid, n.oid, 0, 'USAGE', n.nspowner FROM rule r JOIN pg_namespace n ON n.oid = r.nspoid
            UNION
            SELECT o.kind, o.classid, o.oid, 0, p, o.owner FROM obj o, unnest(o.privs) p WHERE o.cols IS NULL
            UNION
            SELECT 'column', o.classid, o.oid, a.attnum::int, p, o.owner
              FROM obj o, unnest(o.privs) p, pg_attribute a
             WHERE o.cols IS NOT NULL AND a.attrelid = o.oid AND a.attname = ANY (o.cols) AND a.attnum > 0 AND NOT a.attisdropped),
        dep AS MATERIALIZED (
            SELECT d.classid, d.objid, d.objsubid, d.dbid FROM pg_shdepend d, scope
             WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = scope.oid AND d.deptype = 'a'
               AND d.dbid IN (0, (SELECT oid FROM here))),
        have AS MATERIALIZED (
            SELECT CASE c.relkind WHEN 'S' THEN 'sequence' ELSE 'table' END AS kind, d.classid, d.objid, 0 AS sub, e.privilege_type AS priv, e.is_grantable, e.grantor, c.relowner AS owner
              FROM dep d JOIN pg_class c ON c.oid = d.objid, scope, aclexplode(c.relacl) e
             WHERE d.classid = 'pg_class'::regclass AND d.objsubid = 0 AND e.grantee = scope.oid
            UNION ALL
            SELECT 'column', d.classid, d.objid, d.objsubid, e.privilege_type, e.is_grantable, e.grantor, c.relowner
              FROM dep d JOIN pg_class c ON c.oid = d.objid JOIN pg_attribute a ON a.attrelid = d.objid AND a.attnum = d.objsubid, scope, aclexplode(a.attacl) e
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
            SELECT CASE WHEN w.objid IS NULL THEN 'spurious' ELSE 'grantable' END, h.kind, h.classid, h.objid, h.sub, h.priv, h.owner, h.grantor
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
                SELECT quote_ident(n.nspname), NULL, true, has_schema_privilege(n.oid, d.priv || ' WITH GRANT OPTION'), has_schema_privilege('public', n.oid, d.priv)
                  FROM pg_namespace n WHERE d.classid = 'pg_namespace'::regclass AND n.oid = d.objid
                UNION ALL
                SELECT quote_ident(b.datname), NULL, true, has_database_privilege(b.oid, d.priv || ' WITH GRANT OPTION'), has_database_privilege('public', b.oid, d.priv)
                  FROM pg_database b WHERE d.classid = 'pg_database'::regclass AND b.oid = d.objid
                UNION ALL
                SELECT format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)), NULL, has_schema_privilege(n.oid, 'USAGE'),
                       has_function_privilege(p.oid, d.priv || ' WITH GRANT OPTION'), has_function_privilege('public', p.oid, d.priv)
                  FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE d.classid = 'pg_proc'::regclass AND p.oid = d.objid) i),
        future AS MATERIALIZED (
            SELECT DISTINCT r.nspoid, r.nsp, CASE r.kind WHEN 'table' THEN 'r' WHEN 'sequence' THEN 'S' ELSE 'f' END AS objtype, p AS priv
              FROM rule r, unnest(r.privs) p WHERE r.name IS NULL AND r.cols IS NULL AND r.nspoid IS NOT NULL AND r.kind <> 'schema'),
        maker AS MATERIALIZED (
            -- Whoever made something there will make more; so will the schema's owner. Predefined roles (PostgreSQL's own) never do.
            SELECT DISTINCT nspoid, owner FROM (
                SELECT r.nspoid, o.owner FROM obj o JOIN rule r ON r.n = o.n WHERE r.name IS NULL
                UNION ALL SELECT n.oid, n.nspowner FROM rule r JOIN pg_namespace n ON n.oid = r.nspoid WHERE r.name IS NULL) m
             WHERE owner >= 16384 AND pg_has_role(owner, 'USAGE')),
        default_have AS MATERIALIZED (
            SELECT a.defaclrole AS owner, a.defaclnamespace AS nspoid, a.defaclobjtype::text AS objtype, e.privilege_type AS priv, e.is_grantable
              FROM pg_shdepend d JOIN pg_default_acl a ON a.oid = d.objid, scope, aclexplode(a.defaclacl) e
             WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = scope.oid AND d.deptype = 'a' AND d.classid = 'pg_default_acl'::regclass
               AND d.dbid = (SELECT oid FROM here) AND e.grantee = scope.oid)
        SELECT what, kind, ident, quote_ident(colname), priv, pg_get_userbyid(owner)::text, can, pg_get_userbyid(grantor)::text
          FROM able WHERE NOT (what = 'missing' AND public_has AND NOT can)
        UNION ALL
        SELECT 'absent', r.kind, CASE WHEN r.nspoid IS NULL THEN format('schema %I', r.nsp) ELSE format('%s %I.%I', r.kind, r.nsp, r.name) END, NULL, NULL, NULL, NULL, NULL
          FROM rule r
         WHERE r.nspoid IS NULL OR r.name IS NOT NULL AND r.kind <> 'schema' AND NOT EXISTS (SELECT FROM obj o WHERE o.n = r.n)
        UNION ALL
        SELECT 'absent', 'column', format('column %I of table %I.%I', col, r.nsp, r.name), NULL, NULL, NULL, NULL, NULL
          FROM rule r JOIN obj o ON o.n = r.n, unnest(r.cols) col
         WHERE r.name IS NOT NULL AND NOT EXISTS (
               SELECT FROM pg_attribute a WHERE a.attrelid = o.oid AND a.attname = col AND a.attnum > 0 AND NOT a.attisdropped)
        UNION ALL
        SELECT 'default-missing', f.objtype, quote_ident(f.nsp), NULL, f.priv, quote_ident(pg_get_userbyid(m.owner)), true, NULL
          FROM future f JOIN maker m USING (nspoid)
         WHERE NOT EXISTS (SELECT FROM default_have h WHERE (h.owner, h.nspoid, h.objtype, h.priv) = (m.owner, f.nspoid, f.objtype, f.priv))
        UNION ALL
        SELECT 'default-spurious', h.objtype, (SELECT quote_ident(n.nspname) FROM pg_namespace n WHERE n.oid = h.nspoid), NULL, h.priv,
               quote_ident(pg_get_userbyid(h.owner)), pg_has_role(h.owner, 'USAGE'), NULL
          FROM default_have h
         WHERE h.is_grantable OR NOT EXISTS (SELECT FROM future f WHERE (f.nspoid, f.objtype, f.priv) = (h.nspoid, h.objtype, h.priv))
        UNION ALL
        SELECT 'foreign', 'other', pg_describe_object(d.classid, d.objid, d.objsubid), NULL, NULL, NULL, NULL, NULL
          FROM dep d
         WHERE d.classid NOT IN ('pg_class'::regclass, 'pg_namespace'::regclass, 'pg_database'::regclass, 'pg_proc'::regclass, 'pg_default_acl'::regclass)
        UNION ALL
        SELECT 'foreign', 'other', format('something in database %I', b.datname), NULL, NULL, NULL, NULL, NULL
          FROM (SELECT DISTINCT d.dbid FROM pg_shdepend d, scope
                 WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = scope.oid AND d.deptype = 'a'
                   AND d.dbid NOT IN (0, (SELECT oid FROM here))) x
          JOIN pg_database b ON b.oid = x.dbid
        """;

    /// <summary>One at a time keeps the scope role. Others may hold this lock too, even strangers on purpose, so that it is only tried: being right does not depend on it.</summary>
    public const string TryScopeLock = "SELECT pg_try_advisory_xact_lock(hashtextextended('dbaccess:' || $1, 0))";

    public const string CreateScopeRole = "SELECT format('CREATE ROLE %I NOLOGIN NOINHERIT NOCREATEDB NOCREATEROLE', $1), format('COMMENT ON ROLE %I IS %L', $1, $2)";

    /// <summary>Fails (22012) when the caller's lease is over by the server's clock, and with it everything sent in the same go.</summary>
    public const string Fence = "SELECT 1 / (clock_timestamp() <= $1)::int";

    public static string GrantMembership(int major, string scopeIdent, string roleIdent) =>
        // SET FALSE: a session that had become the scope role would keep its privileges after the temporary role is gone.
        major >= 16 ? $"GRANT {scopeIdent} TO {roleIdent} WITH INHERIT TRUE, SET FALSE" : $"GRANT {scopeIdent} TO {roleIdent}";

    /// <summary>
    /// For a scope whose sessions act as an owner (migrations). Parameters: 1 the owner, 2 the temporary role. Answers whether there is such a role,
    /// whether it has a power that no scope may lend, whether we may hand it on, and the statements. From 16 on nothing is inherited: the session
    /// is the owner or nothing, so that what it makes is never the temporary role's.
    /// </summary>
    public static string RunAs(int major) => $"""
        SELECT o.oid IS NOT NULL,
               EXISTS (SELECT FROM pg_roles r WHERE (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls OR r.rolname = 'rds_superuser' OR left(r.rolname, 3) = 'pg_' AND r.rolname <> 'pg_database_owner')
                          AND pg_has_role(o.oid, r.oid, 'MEMBER')),
               {(major >= 16 ? "coalesce(pg_has_role(o.oid, 'MEMBER WITH ADMIN OPTION'), false)" : "true")},
               format('GRANT %I TO %I{(major >= 16 ? " WITH INHERIT FALSE, SET TRUE" : "")}', $1, $2),
               format('ALTER ROLE %I SET role = %L', $2, $1),
               quote_ident($1), quote_ident(current_user)
          FROM (SELECT) AS one LEFT JOIN pg_roles o ON o.rolname = $1
        """;

    /// <summary>What a role turned out to be. Parameter: its name.</summary>
    public static string ReadBack(int major) => $"""
        SELECT r.oid,
               r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls,
               r.rolcanlogin AND r.rolinherit,
               has_database_privilege(r.oid, current_database(), 'CONNECT'),
               ARRAY(SELECT pg_get_userbyid(m.roleid)::text || CASE WHEN m.admin_option THEN ' with admin' ELSE '' END{(major >= 16 ? " || CASE WHEN m.set_option THEN ' with set' ELSE '' END || CASE WHEN m.inherit_option THEN ' with inherit' ELSE '' END" : "")}
                       FROM pg_auth_members m WHERE m.member = r.oid ORDER BY 1),
               ARRAY(SELECT CASE WHEN d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                                 THEN pg_describe_object(d.classid, d.objid, d.objsubid)
                                 ELSE format('something in database %I', (SELECT datname FROM pg_database WHERE oid = d.dbid)) END
                       FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = r.oid AND d.deptype = 'a' LIMIT 10)
          FROM pg_roles r WHERE r.rolname = $1
        """;

    /// <summary>Whose a name is. Parameters: 1 role, 2 how its tag must begin. The third answer is the memberships to be taken back before it is used again.</summary>
    public const string Identify = """
        SELECT r.oid, coalesce(left(d.description, length($2)) = $2, false),
               ARRAY(SELECT format('REVOKE %I FROM %I', pg_get_userbyid(m.roleid), r.rolname) FROM pg_auth_members m WHERE m.member = r.oid),
               format('ALTER ROLE %I RESET ALL', r.rolname)
          FROM pg_roles r LEFT JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
         WHERE r.rolname = $1
        """;

    /// <summary>Why CREATE ROLE was refused: may the administrator make roles, are passwords reserved to members of rds_password, is it one.</summary>
    public const string AdministratorRights = """
        SELECT rolcreaterole, coalesce(current_setting('rds.restrict_password_commands', true) IN ('on', '1'), false),
               EXISTS (SELECT FROM pg_roles p WHERE p.rolname = 'rds_password' AND pg_has_role(p.oid, 'USAGE')), quote_ident(rolname)
          FROM pg_roles WHERE rolname = current_user
        """;

    // Sessions are read from the function under pg_stat_activity: the view joins names to it that nobody here wants, four times for each removal.

    // ---- removing -----------------------------------------------------------------------------------------------------------------------

    /// <summary>
    /// Hands values to a DO block, which takes no parameters: 1 OID or empty, 2 name, 3 how the tag must begin. Both go in one transaction.
    /// </summary>
    public const string Name = "SELECT set_config('dbaccess.oid', $1, true), set_config('dbaccess.role', $2, true), set_config('dbaccess.tag', $3, true)";

    /// <summary>
    /// Locks the role out and takes its memberships. Does nothing when it is not there or not ours. A right that we lack does not undo the rest:
    /// what is left of it is found by the inventory.
    /// </summary>
    public const string Contain = $"""
        DO $do$
        DECLARE
            x record;
            m record;
        BEGIN
            {FindIntoX}
            IF NOT FOUND THEN RETURN; END IF;
            BEGIN
                EXECUTE format('ALTER ROLE %I NOLOGIN CONNECTION LIMIT 0 PASSWORD NULL VALID UNTIL ''1970-01-01''', x.rolname);
            EXCEPTION WHEN insufficient_privilege THEN NULL;
            END;
            FOR m IN SELECT pg_get_userbyid(a.roleid) AS granted FROM pg_auth_members a WHERE a.member = x.oid LOOP
                BEGIN
                    EXECUTE format('REVOKE %I FROM %I', m.granted, x.rolname);
                EXCEPTION WHEN insufficient_privilege THEN NULL;
                END;
            END LOOP;
        END
        $do$
        """;

    /// <summary>Ends every session of the role. Parameters: as <see cref="Name"/>. All at once and not one after the other with a wait: fifty take 50 ms, not 5 s.</summary>
    public const string EndSessions = $"""
        SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid))
          FROM ({Found}) x JOIN pg_stat_get_activity(NULL) a ON a.usesysid = x.oid
        """;

    /// <summary>Ends every session of an OID, whether or not the role still exists. Parameter: the OID.</summary>
    public const string EndSessionsOf = "SELECT count(*) FILTER (WHERE pg_terminate_backend(pid)) FROM pg_stat_get_activity(NULL) WHERE usesysid = $1::text::oid";

    public const string CountSessionsOf = "SELECT count(*) FROM pg_stat_get_activity(NULL) WHERE usesysid = $1::text::oid";

    /// <summary>What there is of the role now. Parameters: as <see cref="Name"/>. No row: it is not there, or not ours.</summary>
    public const string Inventory = $"""
        SELECT x.oid, x.rolname::text, x.rolcanlogin,
               (SELECT count(*) FROM pg_stat_get_activity(NULL) a WHERE a.usesysid = x.oid),
               (SELECT count(*) FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = x.oid)
               + (SELECT count(*) FROM pg_prepared_xacts p WHERE p.owner = x.rolname),
               current_setting('transaction_read_only') = 'on'
          FROM ({Found}) x
        """;

    /// <summary>As <see cref="Contain"/>, for the last step.</summary>
    public const string Drop = $"""
        DO $do$
        DECLARE
            x record;
        BEGIN
            {FindIntoX}
            IF FOUND THEN EXECUTE format('DROP ROLE %I', x.rolname); END IF;
        END
        $do$
        """;

    /// <summary>
    /// Ends sessions whose role no longer exists: a client can hide from <c>pg_stat_activity</c> while it logs in and come out after the drop.
    /// No filter on the kind of backend, which not everybody may read.
    /// </summary>
    public const string EndGhosts = """
        SELECT count(*) FILTER (WHERE pg_terminate_backend(a.pid))
          FROM pg_stat_get_activity(NULL) a
         WHERE a.usesysid IS NOT NULL AND a.usesysid <> 0 AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = a.usesysid)
        """;

    /// <summary>
    /// What is left anywhere. Parameters: 1 OID or empty, 2 name, 3 how the tag must begin. Everything false and zero is the proof. Without an OID
    /// there is nothing that could be left but the role itself.
    /// </summary>
    public const string Proof = $"""
        SELECT EXISTS ({Found}),
               (SELECT count(*) FROM pg_stat_get_activity(NULL) a WHERE a.usesysid = nullif($1, '')::oid),
               (SELECT count(*) FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = nullif($1, '')::oid AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = d.refobjid))
               + (SELECT count(*) FROM pg_auth_members m WHERE nullif($1, '')::oid IN (m.roleid, m.member) AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = nullif($1, '')::oid))
               + (SELECT count(*) FROM pg_db_role_setting s WHERE s.setrole = nullif($1, '')::oid AND NOT EXISTS (SELECT FROM pg_roles r WHERE r.oid = s.setrole)),
               current_setting('transaction_read_only') = 'on'
        """;

    /// <summary>The databases in which the role owns or holds something, and whether one can go there. Parameter: its OID.</summary>
    public const string Whereabouts = """
        SELECT coalesce(b.datname, current_database())::text, bool_and(coalesce(b.datallowconn AND b.datconnlimit <> 0 AND b.datconnlimit <> -2, true)),
               bool_or(coalesce(b.datconnlimit, -1) = -2), max(quote_ident(pg_get_userbyid(b.datdba))), max(quote_ident(b.datname))
          FROM pg_shdepend d LEFT JOIN pg_database b ON b.oid = d.dbid
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid
         GROUP BY 1 ORDER BY 1
        """;

    public const string Prepared = """
        SELECT p.database::text, format('SET ROLE %I', p.owner), format('ROLLBACK PREPARED %L', p.gid), p.gid
          FROM pg_prepared_xacts p JOIN pg_roles r ON r.rolname = p.owner WHERE r.oid = $1::text::oid ORDER BY p.database
        """;

    /// <summary>Statements for the mending, quoted. Parameters: 1 the role's OID, 2 the escrow role, 3 its tag.</summary>
    public static string MendStatements(int major)
    {
        var options = major >= 16 ? " WITH INHERIT TRUE, SET TRUE" : "";
        return $"""
            SELECT format('GRANT %I TO CURRENT_USER{options}', r.rolname),
                   format('GRANT %I TO %I{options}', r.rolname, $2),
                   format('REVOKE %I FROM %I', r.rolname, $2),
                   format('REASSIGN OWNED BY %I TO %I', r.rolname, $2),
                   format('REASSIGN OWNED BY %I TO CURRENT_USER', r.rolname),
                   format('DROP OWNED BY %I', r.rolname),
                   format('CREATE ROLE %I NOLOGIN NOCREATEDB NOCREATEROLE', $2),
                   format('COMMENT ON ROLE %I IS %L', $2, $3),
                   format('GRANT %I TO CURRENT_USER{options}', $2),
                   (SELECT e.oid FROM pg_roles e WHERE e.rolname = $2),
                   (SELECT coalesce(shobj_description(e.oid, 'pg_authid') = $3 AND NOT e.rolcanlogin AND NOT e.rolsuper, false) FROM pg_roles e WHERE e.rolname = $2),
                   (SELECT pg_has_role(e.oid, 'USAGE') FROM pg_roles e WHERE e.rolname = $2),
                   r.rolname::text
              FROM pg_roles r WHERE r.oid = $1::text::oid
            """;
    }

    /// <summary>What the role owns here and in common, in words, and policies that name nobody else, which go with it. Parameter: its OID.</summary>
    public const string Owned = """
        SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_shdepend d
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.deptype = 'o'
           AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
           AND d.classid NOT IN ('pg_default_acl'::regclass, 'pg_auth_members'::regclass, 'pg_user_mapping'::regclass)
        UNION ALL
        SELECT 'dropped, as it was for this role only: policy ' || p.polname || ' on ' || p.polrelid::regclass::text
          FROM pg_policy p WHERE p.polroles = ARRAY[$1::text::oid]
        """;

    /// <summary>
    /// What the role made that runs with its owner's rights must not run with the next owner's: functions become SECURITY INVOKER, views too
    /// where there is such a thing, and nobody else may use either. Before the hand-over, in its transaction.
    /// </summary>
    public const string Disarm = """
        DO $do$
        DECLARE
            x oid := current_setting('dbaccess.oid')::oid;
            f record;
            g record;
        BEGIN
            FOR f IN SELECT p.oid, p.oid::regprocedure::text AS name, p.prosecdef, p.prokind, coalesce(p.proacl, acldefault('f', p.proowner)) AS acl FROM pg_proc p WHERE p.proowner = x LOOP
                IF f.prosecdef AND f.prokind <> 'a' THEN EXECUTE format('ALTER ROUTINE %s SECURITY INVOKER', f.name); END IF;
                FOR g IN SELECT DISTINCT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS who FROM aclexplode(f.acl) e WHERE e.grantee <> x LOOP
                    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM %s CASCADE', f.name, g.who);
                END LOOP;
            END LOOP;
            FOR f IN SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.relacl AS acl FROM pg_class c WHERE c.relowner = x AND c.relkind IN ('v', 'm') AND c.relpersistence <> 't' LOOP
                IF f.relkind = 'v' AND current_setting('server_version_num')::int >= 150000 THEN EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', f.name); END IF;
                FOR g IN SELECT DISTINCT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS who FROM aclexplode(f.acl) e WHERE e.grantee <> x LOOP
                    EXECUTE format('REVOKE ALL ON TABLE %s FROM %s CASCADE', f.name, g.who);
                END LOOP;
            END LOOP;
        END
        $do$
        """;

    /// <summary>What still keeps the role, here and in common, with who can change it. Parameter: its OID.</summary>
    public const string Blockers = """
        WITH x AS (SELECT oid, quote_ident(rolname) AS ident FROM pg_roles WHERE oid = $1::text::oid),
        acl AS (
            SELECT 'pg_class'::regclass::oid AS classid, c.oid AS objid, 0 AS sub, e.grantor, e.privilege_type, format('ON TABLE %s', c.oid::regclass) AS target
              FROM pg_class c, x, aclexplode(c.relacl) e WHERE e.grantee = x.oid
            UNION ALL
            SELECT 'pg_namespace'::regclass, n.oid, 0, e.grantor, e.privilege_type, format('ON SCHEMA %I', n.nspname)
              FROM pg_namespace n, x, aclexplode(n.nspacl) e WHERE e.grantee = x.oid
            UNION ALL
            SELECT 'pg_database'::regclass, b.oid, 0, e.grantor, e.privilege_type, format('ON DATABASE %I', b.datname)
              FROM pg_database b, x, aclexplode(b.datacl) e WHERE e.grantee = x.oid
            UNION ALL
            SELECT 'pg_proc'::regclass, p.oid, 0, e.grantor, e.privilege_type, format('ON ROUTINE %s', p.oid::regprocedure)
              FROM pg_proc p, x, aclexplode(p.proacl) e WHERE e.grantee = x.oid
            UNION ALL
            SELECT 'pg_tablespace'::regclass, t.oid, 0, e.grantor, e.privilege_type, format('ON TABLESPACE %I', t.spcname)
              FROM pg_tablespace t, x, aclexplode(t.spcacl) e WHERE e.grantee = x.oid
            UNION ALL
            SELECT 'pg_language'::regclass, l.oid, 0, e.grantor, e.privilege_type, format('ON LANGUAGE %I', l.lanname)
              FROM pg_language l, x, aclexplode(l.lanacl) e WHERE e.grantee = x.oid)
        SELECT pg_describe_object(d.classid, d.objid, d.objsubid), d.deptype::text,
               (SELECT string_agg(DISTINCT a.privilege_type, ', ') FROM acl a WHERE a.classid = d.classid AND a.objid = d.objid),
               (SELECT string_agg(DISTINCT quote_ident(pg_get_userbyid(a.grantor)), ', ') FROM acl a WHERE a.classid = d.classid AND a.objid = d.objid),
               (SELECT format('REVOKE ALL %s FROM %s', min(a.target), x.ident) FROM acl a WHERE a.classid = d.classid AND a.objid = d.objid)
          FROM pg_shdepend d, x
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = x.oid
           AND d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
         ORDER BY 1
        """;

    /// <summary>As <see cref="Found"/>, inside a DO block after <see cref="Name"/>.</summary>
    private const string FindIntoX = """
        SELECT r.oid, r.rolname INTO x
          FROM pg_roles r LEFT JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
         WHERE (r.oid = nullif(current_setting('dbaccess.oid'), '')::oid OR r.rolname = current_setting('dbaccess.role'))
           AND coalesce(r.oid = nullif(current_setting('dbaccess.oid'), '')::oid, false)::int + (r.rolname = current_setting('dbaccess.role'))::int
               + coalesce(left(d.description, length(current_setting('dbaccess.tag'))) = current_setting('dbaccess.tag'), false)::int >= 2
         ORDER BY coalesce(r.oid = nullif(current_setting('dbaccess.oid'), '')::oid, false) DESC LIMIT 1;
        """;

    /// <summary>
    /// The role that a removal is about: one on which two of our three marks agree, the OID, the name (whose end is random) and the tag. One mark alone
    /// is not enough: a name can be taken by somebody else, an OID means another role after a dump is restored, a tag can be copied. And two
    /// are: a role that was renamed, or lost its comment, or came back under another OID, is still ours to remove.
    /// </summary>
    private const string Found = """
        SELECT r.oid, r.rolname, r.rolcanlogin
          FROM pg_roles r LEFT JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
         WHERE (r.oid = nullif($1, '')::oid OR r.rolname = $2)
           AND coalesce(r.oid = nullif($1, '')::oid, false)::int + (r.rolname = $2)::int + coalesce(left(d.description, length($3)) = $3, false)::int >= 2
         ORDER BY coalesce(r.oid = nullif($1, '')::oid, false) DESC LIMIT 1
        """;
}
