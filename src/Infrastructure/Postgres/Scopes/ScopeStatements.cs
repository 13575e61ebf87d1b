using System.Globalization;
using DbAccess.Infrastructure.Postgres.Making;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>The SQL of comparing a scope role with its scope; see <see cref="MakingStatements"/> for how values get in.</summary>
internal static class ScopeStatements
{
    /// <summary>
    /// A mark of everything that <see cref="Differences"/> looks at, far cheaper than that: while it stays the same, nothing was granted,
    /// revoked, made, dropped, renamed or given another owner in the schemas of the scope, and the scope role got nothing elsewhere.
    /// Parameters: 1 scope role, 2 schemas, 3 whether functions matter, 4 whether columns do, 5 what the names of further schemas are like.
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
        WITH n AS MATERIALIZED (SELECT oid, xmin FROM pg_namespace WHERE nspname = ANY ($2) OR nspname LIKE ANY ($5)),
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

    /// <summary>
    /// A routine by its name and types, as statements take it: those of an ordered-set aggregate are otherwise written with ORDER BY.
    /// </summary>
    internal const string Routine = """
        CASE WHEN p.prokind = 'a' AND (SELECT g.aggkind <> 'n' FROM pg_aggregate g WHERE g.aggfnoid = p.oid) THEN p.oid::regprocedure::text
             ELSE format('%I.%I(%s)', n.nspname, p.proname, pg_get_function_identity_arguments(p.oid)) END
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
    public static readonly string Differences = $"""
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
              FROM have h LEFT JOIN want w USING (classid, objid, sub, priv)
             WHERE h.is_grantable OR w.objid IS NULL
                   -- A partition may have what the scope gives on the whole; some see to it that it has.
                   AND NOT (h.sub = 0 AND h.classid = 'pg_class'::regclass AND EXISTS (
                       SELECT FROM pg_partition_ancestors(h.objid) a JOIN want p ON p.objid = a.relid
                        WHERE (p.classid, p.sub, p.priv) = (h.classid, 0, h.priv)))),
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
                SELECT {Routine}, NULL,
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
               (SELECT r.rolsuper OR r.oid < 16384 OR left(r.rolname, 3) = 'rds'
                    -- Who is a member of this one can log in by the cloud's own way only.
                    OR EXISTS (SELECT FROM pg_roles i WHERE i.rolname = 'rds_iam' AND pg_has_role(r.oid, i.oid, 'MEMBER'))
                  FROM pg_roles r WHERE r.oid = owner),
               CASE WHEN what = 'missing' THEN (
                   SELECT CASE WHEN current_setting('server_version_num')::int >= 160000
                               THEN format('GRANT %I TO %I WITH INHERIT TRUE', pg_get_userbyid(owner), me.rolname)
                               WHEN me.rolinherit THEN format('GRANT %I TO %I', pg_get_userbyid(owner), me.rolname)
                               ELSE format('GRANT %I TO %I; ALTER ROLE %I INHERIT', pg_get_userbyid(owner), me.rolname, me.rolname) END
                     FROM pg_roles me WHERE me.rolname = current_user) END,
               {Stranger("owner")}
          FROM able WHERE NOT (what = 'missing' AND public_has AND NOT can)
        UNION ALL
        SELECT 'absent', r.kind, CASE WHEN r.nspoid IS NULL AND r.nsppat IS NOT NULL
                    THEN format('schema %s that the administrator may let in', r.nsp)
                WHEN r.nspoid IS NULL THEN format('schema %I', r.nsp) ELSE format('%s %I.%I', r.kind, r.nsp, r.name)
            END, NULL, NULL, NULL, NULL, NULL, false, NULL, false
          FROM rule r
         WHERE r.nspoid IS NULL OR r.name IS NOT NULL AND r.oftable IS NULL AND r.kind <> 'schema'
             AND NOT EXISTS (SELECT FROM obj o WHERE o.n = r.n)
               -- Narrowed by names, which do not tell a table from a view: what the scope says of views is then nothing for a table that it gives.
               AND NOT (r.narrowed AND r.kind = 'view'
                   AND EXISTS (SELECT FROM rule t JOIN obj o ON o.n = t.n WHERE (t.kind, t.nsp, t.name) = ('table', r.nsp, r.name)))
        UNION ALL
        SELECT 'absent', 'column', format('column %I of table %I.%I', col, r.nsp, r.name), NULL, NULL, NULL, NULL, NULL, false, NULL, false
          FROM rule r JOIN obj o ON o.n = r.n, unnest(r.cols) col
         WHERE r.name IS NOT NULL AND NOT EXISTS (
               SELECT FROM pg_attribute a WHERE a.attrelid = o.oid AND a.attname = col AND a.attnum > 0 AND NOT a.attisdropped)
        UNION ALL
        SELECT 'default-missing', f.objtype, quote_ident(f.nsp), NULL, f.priv, quote_ident(pg_get_userbyid(m.owner)), true, NULL, false,
            NULL, false
          FROM future f JOIN maker m USING (nspoid)
         WHERE NOT EXISTS (SELECT FROM default_have h WHERE (h.owner, h.nspoid, h.objtype, h.priv) = (m.owner, f.nspoid, f.objtype, f.priv))
        UNION ALL
        SELECT 'default-spurious', h.objtype, (SELECT quote_ident(n.nspname) FROM pg_namespace n WHERE n.oid = h.nspoid), NULL, h.priv,
               quote_ident(pg_get_userbyid(h.owner)), pg_has_role(h.owner, 'USAGE'), NULL, false, NULL, {Stranger("h.owner")}
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
                                                  WHEN 'pg_largeobject'::regclass THEN format('LARGE OBJECT %s', d.objid) END,
               {StrangersOnly("d.dbid", "d.classid", "d.objid")}
          FROM dep d
         WHERE d.classid NOT IN ('pg_class'::regclass, 'pg_namespace'::regclass, 'pg_database'::regclass, 'pg_proc'::regclass,
             'pg_default_acl'::regclass)
        UNION ALL
        SELECT 'foreign', 'other', format('something in database %I', b.datname), NULL, NULL, NULL, NULL, NULL, false, 'DROP OWNED BY',
               x.strangers
          FROM (SELECT d.dbid, bool_and({StrangersOnly("d.dbid", "d.classid", "d.objid")}) AS strangers FROM pg_shdepend d, scope
                 WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = scope.oid AND d.deptype = 'a'
                   AND d.dbid NOT IN (0, (SELECT oid FROM here)) GROUP BY d.dbid) x
          JOIN pg_database b ON b.oid = x.dbid
        UNION ALL
        SELECT DISTINCT 'owned', 'other', CASE WHEN d.dbid IN (0, (SELECT oid FROM here))
            THEN pg_describe_object(d.classid, d.objid, d.objsubid) ELSE format('something in database %I', b.datname) END,
               NULL, NULL, NULL, NULL::boolean, NULL, false, NULL, false
          FROM scope JOIN pg_shdepend d ON d.refclassid = 'pg_authid'::regclass AND d.refobjid = scope.oid LEFT JOIN pg_database b
              ON b.oid = d.dbid
         WHERE d.deptype = 'o' AND d.classid NOT IN ('pg_auth_members'::regclass, {NobodysDoing})
           AND current_setting('server_version_num')::int >= 160000
        UNION ALL
        SELECT 'many', 'schema', format('%s schemas like %s', count(*), min(r.nsppat)), NULL, NULL, NULL, NULL::boolean, NULL, false, NULL,
               false
          FROM rule r WHERE r.nsppat IS NOT NULL GROUP BY r.of HAVING count(*) > {MostSchemas}
        UNION ALL
        -- Whose schema we may not let anybody into is left out: a stranger who may make schemas is to keep nobody from the others.
        SELECT DISTINCT 'beside', 'other', format('schema %I of %s', n.nspname, pg_get_userbyid(n.nspowner)), NULL, NULL, NULL, false, NULL,
               false, NULL, true
          FROM jsonb_to_recordset($2::jsonb) AS p(nsppat text) JOIN pg_namespace n ON n.nspname LIKE p.nsppat AND {IsForPatterns}
         WHERE NOT {IsOurs}
        UNION ALL
        SELECT 'beside', 'other', format('what %s made in schema %I', pg_get_userbyid(b.owner), n.nspname), NULL, NULL, NULL, false, NULL,
               false, NULL, true
          FROM beside b JOIN pg_namespace n ON n.oid = b.nspoid
        """;

    /// <summary>
    /// What counts as a role's own and is no doing of its: whoever has a server of foreign data makes accounts there for whom they like.
    /// </summary>
    public const string NobodysDoing = "'pg_user_mapping'::regclass";

    /// <summary>So many schemas a pattern may be for: each has its own default privileges, and all are read with each look.</summary>
    public const int MostSchemas = 500;

    /// <summary>
    /// Schemas <c>n</c> of those for whom we may act, or of the database's owner or a superuser and handed to us. A stranger's is theirs
    /// also when they let us in: what they make there is not ours to give.
    /// </summary>
    private const string IsOurs = """
        (pg_has_role(n.nspowner, 'USAGE') OR has_schema_privilege(n.oid, 'USAGE WITH GRANT OPTION')
                      AND (n.nspowner IN (SELECT datdba FROM here)
                           OR (SELECT w.rolsuper FROM pg_roles w WHERE w.oid = n.nspowner)))
        """;

    /// <summary>Schemas <c>n</c> that no pattern is for: the server's own, and those of temporary tables.</summary>
    public const string IsForPatterns = "NOT starts_with(n.nspname::text, 'pg_') AND n.nspname <> 'information_schema'";

    /// <summary>
    /// Whether a role has nothing to do with the scope: no superuser, nobody of PostgreSQL's or the cloud's own, not us, and owner neither
    /// of the database, nor of a schema of the scope, nor of anything that it gives.
    /// </summary>
    private static string Stranger(string role) => $"""
        coalesce((SELECT NOT (w.rolsuper OR w.oid < 16384 OR starts_with(w.rolname::text, 'rds') OR w.rolname = current_user)
                    FROM pg_roles w WHERE w.oid = {role}) AND {role} NOT IN (SELECT k.owner FROM known k), false)
        """;

    /// <summary>Whether an object is a stranger's. What the server itself owns has no entry.</summary>
    private static string StrangersOnly(string database, string catalog, string thing) => $"""
        EXISTS (SELECT FROM pg_shdepend o WHERE (o.dbid, o.classid, o.objid, o.objsubid) = ({database}, {catalog}, {thing}, 0)
                    AND o.deptype = 'o' AND o.refclassid = 'pg_authid'::regclass AND {Stranger("o.refobjid")})
        """;

    /// <summary>
    /// From rules (parameter 2, as JSON) to what they mean on this database: <c>obj</c> (objects), <c>want</c> (privileges), <c>future</c>
    /// and <c>maker</c> (what is given on things made later, and by whom those can be made). Two questions begin with it, so that what is
    /// given and what is shown cannot differ.
    /// </summary>
    internal const string Wanted = $$"""
        here AS MATERIALIZED (SELECT oid, datname, datdba FROM pg_database WHERE datname = current_database()),
        rule AS MATERIALIZED (
            -- One for each schema that a pattern is for.
            SELECT row_number() OVER () AS n, r.n AS of, r.kind, coalesce(n.nspname::text, r.nsp) AS nsp, r.nsppat, r.name, r.pat,
                r.oftable, r.cols, r.privs, r.narrowed, n.oid AS nspoid,
                r.name IS NULL AND r.pat IS NULL AND r.oftable IS NULL AND r.cols IS NULL
                AND r.kind IN ('table', 'sequence', 'function') AS lasting
              FROM jsonb_to_recordset($2::jsonb) AS r(n int, kind text, nsp text, nsppat text, name text, pat text, oftable text,
                  cols text[], privs text[], narrowed boolean)
              LEFT JOIN pg_namespace n ON CASE WHEN r.nsppat IS NULL THEN n.nspname = r.nsp
                  ELSE n.nspname LIKE r.nsppat AND {{IsForPatterns}} AND {{IsOurs}} END),
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
        seen AS MATERIALIZED (
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
        -- "Everything in a schema" is the application's. What others made there, because everybody may, or a holder, is not: we could not
        -- give it, and nobody is to be kept out for it.
        beside AS MATERIALIZED (
            SELECT n.oid AS nspoid, w.oid AS owner
              FROM (SELECT DISTINCT r.nspoid, o.owner FROM seen o JOIN rule r ON r.n = o.n WHERE r.name IS NULL) x
              JOIN pg_namespace n ON n.oid = x.nspoid JOIN pg_roles w ON w.oid = x.owner
             WHERE NOT w.rolsuper AND w.oid NOT IN (n.nspowner, (SELECT datdba FROM here))
               AND (has_schema_privilege('public', n.oid, 'CREATE')
                    OR EXISTS (SELECT FROM pg_shdescription d WHERE d.objoid = w.oid AND d.classoid = 'pg_authid'::regclass
                                AND starts_with(d.description, '{"dbaccess":')))
               AND NOT pg_has_role(w.oid, 'USAGE')),
        obj AS MATERIALIZED (
            SELECT o.* FROM seen o JOIN rule r ON r.n = o.n
             WHERE r.name IS NOT NULL OR NOT EXISTS (SELECT FROM beside b WHERE (b.nspoid, b.owner) = (r.nspoid, o.owner))),
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
        known AS MATERIALIZED (
            SELECT datdba AS owner FROM here
            UNION SELECT owner FROM keeper
            UNION SELECT n.nspowner FROM rule r JOIN pg_namespace n ON n.oid = r.nspoid
            UNION SELECT owner FROM obj),
        """;
}
