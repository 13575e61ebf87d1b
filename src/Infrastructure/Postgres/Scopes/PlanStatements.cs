using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>The SQL of showing what a scope gives.</summary>
internal static class PlanStatements
{
    /// <summary>
    /// The rules expanded on this database, one row for each privilege: kind, name, column, privilege, owner, row estimate, bytes, whether
    /// it has row security. Then what default privileges add (kind <c>later …</c>; the name is the schema; no privilege where we are no
    /// member of who makes things there). Parameters: 1 not used, 2 rules as JSON, 3 whether sizes are wanted. Sizes are the planner's
    /// figures: to measure would wait for everybody who holds a table.
    /// </summary>
    public const string Plan = $"""
        WITH {ScopeStatements.Wanted}
        thing AS (
            SELECT w.sub, w.priv, w.owner, w.classid, w.objid, coalesce(c.relrowsecurity, false) AS by_row,
                   CASE c.relkind WHEN 'S' THEN 'sequence' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'f'
                       THEN 'foreign table' ELSE CASE WHEN c.oid IS NULL THEN w.kind ELSE 'table' END END AS kind,
                   CASE w.kind WHEN 'database' THEN (SELECT quote_ident(datname) FROM here)
                               WHEN 'schema' THEN (SELECT quote_ident(nspname) FROM pg_namespace n WHERE n.oid = w.objid)
                               WHEN 'function'
                                   THEN (SELECT {ScopeStatements.Routine}
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
               quote_ident(pg_get_userbyid(t.owner)), t.tuples, t.bytes, t.by_row
          FROM thing t
        UNION ALL
        SELECT 'later ' || CASE f.objtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' ELSE 'functions'
            END, quote_ident(f.nsp), NULL, lower(f.priv), quote_ident(pg_get_userbyid(m.owner)), NULL, NULL, false
          FROM future f JOIN maker m USING (nspoid)
        UNION ALL
        SELECT DISTINCT 'later ' || CASE f.objtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' ELSE 'functions'
            END, quote_ident(f.nsp), NULL, NULL, quote_ident(pg_get_userbyid(u.owner)), NULL::bigint, NULL::bigint,
            false
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
            END, {ScopeStatements.Routine}, lower(e.privilege_type)
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) e
         WHERE e.grantee = 0 AND n.nspname NOT IN ('pg_catalog', 'information_schema')
             AND (has_schema_privilege('public', n.oid, 'USAGE') OR quote_ident(n.nspname) = ANY ($1))
           AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid
               AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND NOT p.prosecdef)
        UNION ALL
        SELECT 'function', {ScopeStatements.Routine}, lower(e.privilege_type)
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace, aclexplode(p.proacl) e
         WHERE e.grantee = 0 AND n.nspname = 'pg_catalog' AND NOT {PublicPrivileges.IsFromTheStart("pg_proc", "p.oid", orByDefault: true)}
        UNION ALL
        SELECT 'table', format('%I.%I', n.nspname, c.relname), lower(e.privilege_type)
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, aclexplode(c.relacl) e
         WHERE e.grantee = 0 AND n.nspname = 'pg_catalog' AND NOT {PublicPrivileges.IsFromTheStart("pg_class", "c.oid", orByDefault: false)}
         ORDER BY 1, 2, 3
        """;
}

/// <summary>A row of <see cref="PlanStatements.Plan"/>; its columns stand in this order.</summary>
internal sealed record PlanRow(
    string Kind, string Name, string? Column, string? Privilege, string Owner, long? Rows, long? Bytes, bool ByRow)
{
    /// <summary>More is to be said of it than what is given; see <see cref="PlanRemarks"/>.</summary>
    public bool IsRemarkable => ByRow || Kind == "view";

    public static PlanRow Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.IsDBNull(2) ? null : row.GetString(2), row.IsDBNull(3) ? null : row.GetString(3),
        row.GetString(4), row.IsDBNull(5) ? null : row.GetInt64(5), row.IsDBNull(6) ? null : row.GetInt64(6),
        row.GetBoolean(7));
}
