using DbAccess.Application.Reconciling;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// The SQL about what a role left: where it is, who gets it, what goes with the role, and what we cannot take away. See
/// <see cref="RemovalStatements"/> for how values and names get into statements. Where nothing else is said, the one parameter is the
/// role's OID.
/// </summary>
internal static class LeftoverStatements
{
    private const string Here = "(0, (SELECT oid FROM pg_database WHERE datname = current_database()))";

    /// <summary>
    /// The databases in which the role owns or holds something, and whether one can go there. Further parameter: 2 which kinds of
    /// dependency count.
    /// </summary>
    public const string Whereabouts = """
        SELECT coalesce(b.datname, current_database())::text,
            bool_and(coalesce(b.datallowconn AND b.datconnlimit <> 0 AND b.datconnlimit <> -2, true)),
               bool_or(coalesce(b.datconnlimit, -1) = -2), max(quote_ident(pg_get_userbyid(b.datdba))), max(quote_ident(b.datname))
          FROM pg_shdepend d
          -- The whole cluster's, and still it can be handed over only in its own database.
          LEFT JOIN pg_subscription s ON d.classid = 'pg_subscription'::regclass AND s.oid = d.objid
          LEFT JOIN pg_database b ON b.oid = coalesce(s.subdbid, d.dbid)
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.deptype::text = ANY ($2)
         GROUP BY 1 ORDER BY 1
        """;

    public const string Prepared = """
        SELECT b.datname::text, format('SET ROLE %I', r.rolname), format('ROLLBACK PREPARED %L', p.gid), p.gid
          FROM pg_prepared_xact() p JOIN pg_roles r ON r.oid = p.ownerid JOIN pg_database b ON b.oid = p.dbid WHERE r.oid = $1::text::oid
              ORDER BY 1
        """;

    /// <summary>As <see cref="Prepared"/>, of a role that does not exist any more.</summary>
    public const string PreparedByNobody = """
        SELECT b.datname::text, p.gid, format('ROLLBACK PREPARED %L', p.gid) FROM pg_prepared_xact() p JOIN pg_database b ON b.oid = p.dbid
            WHERE p.ownerid = $1::text::oid ORDER BY 1, 2
        """;

    /// <summary>Memberships that it gave others, until 15; from 16 on they fall with it.</summary>
    public const string GivenMemberships = """
        SELECT format('REVOKE %I FROM %I', r.rolname, h.rolname),
            format('the membership of %s in %s, which it had given', h.rolname, r.rolname)
          FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.roleid JOIN pg_roles h ON h.oid = m.member WHERE m.grantor = $1::text::oid
              AND m.roleid <> m.grantor AND current_setting('server_version_num')::int < 160000 ORDER BY 1
        """;

    /// <summary>Statements for the mending, quoted. Parameters: 1 the role's OID, 2 the escrow role, 3 its tag.</summary>
    public static string Mending(int major)
    {
        var options = major >= 16 ? " WITH INHERIT TRUE, SET TRUE" : "";
        return $"""
            SELECT format('GRANT %I TO CURRENT_USER{options}', r.rolname),
                   CASE WHEN pg_has_role(r.oid, 'MEMBER') THEN 'SELECT 1' ELSE format('REVOKE %I FROM CURRENT_USER', r.rolname) END,
                   format('GRANT %I TO %I{options}', r.rolname, $2),
                   format('REVOKE %I FROM %I', r.rolname, $2),
                   format('REASSIGN OWNED BY %I TO %I', r.rolname, $2),
                   format('REASSIGN OWNED BY %I TO CURRENT_USER', r.rolname),
                   format('DROP OWNED BY %I', r.rolname),
                   format('SET LOCAL ROLE %I', r.rolname),
                   ARRAY(SELECT CASE WHEN c.setdatabase = 0 THEN format('ALTER ROLE %I RESET ALL', r.rolname)
                       ELSE format('ALTER ROLE %I IN DATABASE %I RESET ALL', r.rolname, b.datname) END
                           FROM pg_db_role_setting c LEFT JOIN pg_database b ON b.oid = c.setdatabase WHERE c.setrole = r.oid),
                   format('ALTER ROLE %I PASSWORD NULL', r.rolname),
                   format('CREATE ROLE %I NOLOGIN NOCREATEDB NOCREATEROLE', $2),
                   format('COMMENT ON ROLE %I IS %L', $2, $3),
                   format('GRANT %I TO CURRENT_USER{options}', $2),
                   (SELECT e.oid FROM pg_roles e WHERE e.rolname = $2),
                   (SELECT coalesce(shobj_description(e.oid, 'pg_authid') = $3 AND NOT e.rolcanlogin AND NOT e.rolsuper, false)
                       FROM pg_roles e WHERE e.rolname = $2),
                   (SELECT pg_has_role(e.oid, 'USAGE') FROM pg_roles e WHERE e.rolname = $2),
                   quote_ident(r.rolname), quote_ident(current_user),
                   {RemovalStatements.Hold},
                   format('%I', $2)
              FROM pg_roles r WHERE r.oid = $1::text::oid
            """;
    }

    /// <summary>What the role owns here and in common, and can be handed over, in words.</summary>
    public const string Owned = $"""
        SELECT pg_describe_object(d.classid, d.objid, d.objsubid) FROM pg_shdepend d
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.deptype = 'o' AND d.dbid IN {Here}
           AND d.classid NOT IN ('pg_default_acl'::regclass, 'pg_auth_members'::regclass, 'pg_user_mapping'::regclass)
         ORDER BY 1
        """;

    /// <summary>
    /// The tables and their like that it owns here, for handing them over in portions: each with its indexes, TOAST and sequences is as
    /// many locks at once, and all sessions of the server share the room for some thousands of them. The statement up to the new owner,
    /// what it is in words, its OID, how many locks, and how many we allow ourselves at a time. Nothing else takes one when it changes
    /// hands (seen on 15 and 17).
    /// </summary>
    public const string Portions = """
        SELECT format('ALTER TABLE %s OWNER TO ', c.oid::regclass), pg_describe_object('pg_class'::regclass, c.oid, 0), c.oid::text,
               1 + (SELECT count(*) FROM pg_index i WHERE i.indrelid = c.oid) + CASE c.reltoastrelid WHEN 0 THEN 0 ELSE 2 END
                 + (SELECT count(*) FROM pg_depend d WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid <> 0
                     AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')),
               greatest(20,
                   least(1000, current_setting('max_locks_per_transaction')::bigint *
                       (current_setting('max_connections')::bigint + current_setting('max_prepared_transactions')::bigint) / 8))
          FROM pg_class c
         WHERE c.relowner = $1::text::oid AND c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S') AND c.relpersistence <> 't'
           AND NOT (c.relkind = 'S' AND EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
               AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid <> 0 AND d.deptype IN ('a', 'i')))
         ORDER BY c.oid
        """;

    /// <summary>What goes with the role, in words: what was for it alone, what others gave it, what it gave others.</summary>
    public const string Dropped = $"""
        SELECT CASE WHEN d.classid = 'pg_policy'::regclass
            AND (SELECT p.polroles FROM pg_policy p WHERE p.oid = d.objid) <> ARRAY[$1::text::oid] THEN 'its part in ' || w.what
                    WHEN d.classid = 'pg_policy'::regclass THEN w.what || ', which was for it only'
                    WHEN d.deptype = 'o' THEN w.what
                    WHEN d.classid = 'pg_default_acl'::regclass THEN 'its part in ' || w.what
                    ELSE 'what it was given on ' || w.what END
          FROM pg_shdepend d, LATERAL (SELECT coalesce(pg_describe_object(d.classid, d.objid, d.objsubid), 'something') AS what) w
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.dbid IN {Here}
           AND (d.deptype <> 'o' OR d.classid IN ('pg_default_acl'::regclass, 'pg_auth_members'::regclass, 'pg_user_mapping'::regclass))
        UNION
        SELECT format('what it had given %s on %s', string_agg(DISTINCT CASE e.grantee WHEN 0 THEN 'everybody'
            ELSE pg_get_userbyid(e.grantee)::text END, ', '), pg_describe_object(a.classid, a.objid, a.objsubid))
          FROM (-- A role that can give something on holds it, so it is among its dependencies.
                SELECT d.classid, d.objid, d.objsubid, CASE d.classid
                           WHEN 'pg_class'::regclass THEN CASE d.objsubid WHEN 0
                               THEN (SELECT c.relacl FROM pg_class c WHERE c.oid = d.objid)
                                                                         ELSE (SELECT t.attacl FROM pg_attribute t
                                                                             WHERE t.attrelid = d.objid AND t.attnum = d.objsubid) END
                           WHEN 'pg_namespace'::regclass THEN (SELECT n.nspacl FROM pg_namespace n WHERE n.oid = d.objid)
                           WHEN 'pg_proc'::regclass THEN (SELECT p.proacl FROM pg_proc p WHERE p.oid = d.objid)
                           WHEN 'pg_type'::regclass THEN (SELECT t.typacl FROM pg_type t WHERE t.oid = d.objid)
                           WHEN 'pg_database'::regclass THEN (SELECT b.datacl FROM pg_database b WHERE b.oid = d.objid)
                           WHEN 'pg_largeobject'::regclass THEN (SELECT o.lomacl FROM pg_largeobject_metadata o WHERE o.oid = d.objid)
                               END AS acl
                  FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.deptype = 'a'
                      AND d.dbid IN {Here}) a, aclexplode(a.acl) e
         WHERE e.grantor = $1::text::oid AND e.grantee <> $1::text::oid GROUP BY a.classid, a.objid, a.objsubid
         ORDER BY 1
        """;

    /// <summary>
    /// Triggers that run a function of the role's: nobody's leave is asked when they do, and it is with the rights of whoever writes to the
    /// table, which may be more than the role ever had. The statement that switches each off, which one it is, and the table's owner. Those
    /// on views cannot be switched off, only dropped: on views of its own they go out of use with the views, see <see cref="Disarm"/>.
    /// Those on partitioned tables must not be: a partition that is made later gets a copy, also of one that is off, and its maker would
    /// have to be allowed to use the function. They are dropped, and their definition kept on the receipt. Last, whether it is to be
    /// dropped, and that definition.
    /// </summary>
    public const string Triggers = """
        SELECT CASE WHEN c.relkind = 'v' OR k.cloned THEN format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)
            ELSE format('ALTER TABLE %s DISABLE TRIGGER %I', t.tgrelid::regclass, t.tgname) END,
               format('trigger %I on %s %s', t.tgname, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END, t.tgrelid::regclass),
                   quote_ident(pg_get_userbyid(c.relowner)), c.relkind = 'v', k.cloned, pg_get_triggerdef(t.oid)
          FROM pg_proc p JOIN pg_trigger t ON t.tgfoid = p.oid JOIN pg_class c ON c.oid = t.tgrelid CROSS JOIN
              LATERAL (SELECT c.relkind = 'p' AND t.tgtype & 1 = 1 AS cloned) k
         -- A copy on a partition goes with what it is a copy of.
         WHERE p.proowner = $1::text::oid AND NOT t.tgisinternal AND t.tgparentid = 0 AND (t.tgenabled <> 'D' OR k.cloned)
             AND c.relpersistence <> 't' AND NOT (c.relkind = 'v' AND c.relowner = p.proowner)
         ORDER BY 2
        """;

    /// <summary>
    /// Temporary objects of sessions that a crash of the server cut off, with the statement that drops each. One whose session lives is the
    /// session's own to drop: it can be somebody else's that runs a SECURITY DEFINER function of the role's, and until 15 nobody can tell
    /// which sessions have which temporary schema. From 16 on a schema whose number no session has is nobody's in any case. Only while the
    /// role has no session.
    /// </summary>
    public static string Orphans(int major) => $"""
        SELECT format('DROP %s IF EXISTS %s CASCADE', i.type, i.identity), format('%s %s', i.type, i.identity)
          FROM pg_shdepend d CROSS JOIN LATERAL pg_identify_object(d.classid, d.objid, 0) i
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.deptype = 'o'
             AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
           AND i.schema ~ '^pg_temp_[0-9]+$' AND i.type IN ('table', 'view', 'sequence', 'function', 'procedure', 'aggregate', 'type')
           AND (NOT EXISTS (SELECT FROM pg_proc p WHERE p.proowner = d.refobjid AND p.prosecdef)
                {(major >= 16 ? "OR NOT EXISTS (SELECT FROM pg_stat_get_backend_idset() b(id) WHERE i.schema = 'pg_temp_' || b.id)" : "")})
         ORDER BY i.type = 'table' DESC, 1
        """;

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

    /// <summary>
    /// What the role made that runs must not run with more rights, or at all, under the next owner. Functions become SECURITY INVOKER,
    /// views too where there is such a thing, and nobody else may use either; subscriptions are switched off. Before the hand-over, in its
    /// transaction; the OID comes in the setting <c>dbaccess.oid</c>, and the OIDs of a portion, if it is about one, in
    /// <c>dbaccess.portion</c>.
    /// </summary>
    public const string Disarm = """
        DO $do$
        DECLARE
            x oid := current_setting('dbaccess.oid')::oid;
            portion oid[] := nullif(current_setting('dbaccess.portion'), '')::oid[];
            f record;
            g record;
        BEGIN
            FOR f IN SELECT p.oid, p.oid::regprocedure::text AS name, p.prosecdef, p.prokind,
                coalesce(p.proacl, acldefault('f', p.proowner)) AS acl FROM pg_proc p WHERE p.proowner = x AND portion IS NULL LOOP
                IF f.prosecdef AND f.prokind <> 'a' THEN EXECUTE format('ALTER ROUTINE %s SECURITY INVOKER', f.name); END IF;
                FOR g IN SELECT DISTINCT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS who
                    FROM aclexplode(f.acl) e WHERE e.grantee <> x LOOP
                    EXECUTE format('REVOKE ALL ON ROUTINE %s FROM %s CASCADE', f.name, g.who);
                END LOOP;
            END LOOP;
            FOR f IN SELECT c.oid, c.oid::regclass::text AS name, c.relkind, c.relacl AS acl FROM pg_class c WHERE c.relowner = x
                AND c.relkind IN ('v', 'm') AND c.relpersistence <> 't' AND (portion IS NULL OR c.oid = ANY (portion)) LOOP
                IF f.relkind = 'v' AND current_setting('server_version_num')::int >= 150000
                    THEN EXECUTE format('ALTER VIEW %s SET (security_invoker = true)', f.name); END IF;
                -- To take all of it takes the privileges on its columns, too; somebody may have no others.
                FOR g IN SELECT DISTINCT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS who
                           FROM (SELECT f.acl UNION ALL SELECT a.attacl FROM pg_attribute a WHERE a.attrelid = f.oid) p(acl),
                               aclexplode(p.acl) e WHERE e.grantee <> x LOOP
                    EXECUTE format('REVOKE ALL ON TABLE %s FROM %s CASCADE', f.name, g.who);
                END LOOP;
            END LOOP;
            IF portion IS NULL AND EXISTS (SELECT FROM pg_shdepend d WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = x
                AND d.classid = 'pg_subscription'::regclass) THEN
                FOR f IN SELECT s.subname FROM pg_subscription s WHERE s.subowner = x
                    AND s.subdbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.subenabled LOOP
                    EXECUTE format('ALTER SUBSCRIPTION %I DISABLE', f.subname);
                END LOOP;
            END IF;
        END
        $do$
        """;

    /// <summary>
    /// For a scope role, which keeps its privileges: live grants rest on them, so that DROP OWNED is out of the question. Run as the scope
    /// role: takes back the default privileges it set, back to what there is without any, and its user mappings. The OID comes in the
    /// setting <c>dbaccess.oid</c>.
    /// </summary>
    public const string Forget = """
        DO $do$
        DECLARE
            x oid := current_setting('dbaccess.oid')::oid;
            f record;
            g record;
        BEGIN
            FOR f IN SELECT d.oid, d.defaclobjtype::text AS type, d.defaclnamespace AS nsp,
                            CASE WHEN d.defaclnamespace = 0 THEN ''
                                ELSE format(' IN SCHEMA %I', (SELECT n.nspname FROM pg_namespace n WHERE n.oid = d.defaclnamespace))
                                    END AS place,
                            CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES' WHEN 'T'
                                THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS kind,
                            d.defaclacl AS acl
                       FROM pg_default_acl d WHERE d.defaclrole = x LOOP
                FOR g IN SELECT DISTINCT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END AS who
                    FROM aclexplode(f.acl) e LOOP
                    EXECUTE format('ALTER DEFAULT PRIVILEGES%s REVOKE ALL ON %s FROM %s CASCADE', f.place, f.kind, g.who);
                END LOOP;
                IF f.nsp = 0 THEN
                    EXECUTE format('ALTER DEFAULT PRIVILEGES GRANT ALL ON %s TO %I', f.kind, current_user);
                    IF f.type = 'f' THEN EXECUTE 'ALTER DEFAULT PRIVILEGES GRANT EXECUTE ON ROUTINES TO PUBLIC'; END IF;
                    IF f.type = 'T' THEN EXECUTE 'ALTER DEFAULT PRIVILEGES GRANT USAGE ON TYPES TO PUBLIC'; END IF;
                END IF;
            END LOOP;
            FOR f IN SELECT m.srvname FROM pg_user_mappings m WHERE m.umuser = x LOOP
                EXECUTE format('DROP USER MAPPING FOR CURRENT_USER SERVER %I', f.srvname);
            END LOOP;
        END
        $do$
        """;

    /// <summary>
    /// What still keeps the role, here and in common: the thing, how it holds it (o: as owner), which privileges, who gave them, and the
    /// statement that takes them back, run as whoever it must be. Further parameter: 2 which kinds of dependency count.
    /// </summary>
    public static string Blockers(int major) => $"""
        WITH x AS (SELECT oid, quote_ident(rolname) AS ident FROM pg_roles WHERE oid = $1::text::oid),
        d AS (
            SELECT d.classid, d.objid, d.objsubid, d.deptype::text AS deptype FROM pg_shdepend d, x
             WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = x.oid AND d.deptype::text = ANY ($2) AND d.dbid IN {Here}),
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
            {(major >= 15 ? "UNION ALL SELECT d.*, p.paracl, 10::oid, format('ON PARAMETER %s', p.parname), '' FROM d JOIN pg_parameter_acl p ON d.classid = 'pg_parameter_acl'::regclass AND p.oid = d.objid" : "")})
        SELECT pg_describe_object(d.classid, d.objid, d.objsubid), d.deptype, g.privileges, g.grantors,
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

    /// <summary>Event triggers that may forbid what we have to do. No parameters.</summary>
    public const string EventTriggers = "SELECT quote_ident(evtname), quote_ident(pg_get_userbyid(evtowner)) FROM pg_event_trigger WHERE " +
        "evtenabled <> 'D' ORDER BY 1 LIMIT 5";
}
