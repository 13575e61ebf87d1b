namespace DbAccess.Infrastructure.Postgres.Doctor;

/// <summary>The SQL of the examination. It reads only.</summary>
internal static class DoctorStatements
{
    public const string Clock = "SELECT clock_timestamp()";

    /// <summary>
    /// 16 and later: our scope roles, and the escrow role, that this administrator may not hand on. Parameters: 1 how the tags of scope
    /// roles begin, 2 the escrow role's tag.
    /// </summary>
    public const string WithoutAdmin = """
        SELECT quote_ident(r.rolname), quote_ident(current_user), d.description = $2
          FROM pg_roles r JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
         WHERE (starts_with(d.description, $1) OR d.description = $2) AND NOT pg_has_role(r.oid, 'MEMBER WITH ADMIN OPTION')
         ORDER BY 1
        """;

    /// <summary>
    /// Whether <c>e</c>, a privilege that PUBLIC has on the system's own object <c>o</c>, was there when the server was set up: for
    /// pg_catalog, pg_init_privs has what differs from the built-in defaults (functions may be run by everybody, nothing else).
    /// </summary>
    internal static string IsFromTheStart(string catalog, string oid, bool orByDefault) => $"""
        (SELECT coalesce(bool_or(s.grantee = 0 AND s.privilege_type = e.privilege_type), {(orByDefault ? "true" : "false")}) FROM pg_init_privs i, aclexplode(i.initprivs) s
          WHERE i.classoid = '{catalog}'::regclass AND i.objoid = {oid} AND i.objsubid = 0)
        """;

    /// <summary>
    /// How a superuser takes CREATE on schema <c>n</c> back from everybody, to whom <c>e</c> gave it: as whoever gave it, since a REVOKE
    /// touches nothing that another gave.
    /// </summary>
    internal const string CloseSchema = """
        CASE WHEN e.grantor = n.nspowner THEN format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', n.nspname)
             ELSE format('SET ROLE %I; REVOKE CREATE ON SCHEMA %I FROM PUBLIC; RESET ROLE', pg_get_userbyid(e.grantor), n.nspname) END
        """;

    /// <summary>
    /// What everybody may do in this database without us: kind, object, statement. Functions wherever they are: who may not enter their
    /// schema today may be let in by a scope.
    /// </summary>
    public static readonly string Public = $"""
        SELECT 'create', quote_ident(n.nspname), {CloseSchema}
          FROM pg_namespace n, aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) e
         WHERE e.grantee = 0 AND e.privilege_type = 'CREATE' AND left(n.nspname, 3) <> 'pg_'
        UNION ALL
        SELECT CASE e.privilege_type WHEN 'TEMPORARY' THEN 'temp' ELSE 'connect'
            END, quote_ident(b.datname), format('REVOKE %s ON DATABASE %I FROM PUBLIC', e.privilege_type, b.datname)
          FROM pg_database b, aclexplode(coalesce(b.datacl, acldefault('d', b.datdba))) e
         WHERE b.datname = current_database() AND e.grantee = 0 AND e.privilege_type IN ('TEMPORARY', 'CONNECT')
        UNION ALL
        SELECT 'definer', p.oid::regprocedure::text, format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', p.oid::regprocedure)
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
         WHERE p.prosecdef AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND has_function_privilege('public', p.oid, 'EXECUTE')
        UNION ALL
        SELECT 'system', p.oid::regprocedure::text, format('REVOKE EXECUTE ON ROUTINE %s FROM PUBLIC', p.oid::regprocedure)
          FROM pg_proc p, aclexplode(p.proacl) e
         WHERE e.grantee = 0 AND p.pronamespace = 'pg_catalog'::regnamespace AND NOT {IsFromTheStart("pg_proc", "p.oid", orByDefault: true)}
        UNION ALL
        SELECT 'system', c.oid::regclass::text, format('REVOKE %s ON TABLE %s FROM PUBLIC', e.privilege_type, c.oid::regclass)
          FROM pg_class c, aclexplode(c.relacl) e
         WHERE e.grantee = 0 AND c.relnamespace = 'pg_catalog'::regnamespace
             AND NOT {IsFromTheStart("pg_class", "c.oid", orByDefault: false)}
         ORDER BY 1, 2
        """;

    /// <summary>The longest list of privileges on one table of this database.</summary>
    public const string LongestAcl = """
        SELECT c.oid::regclass::text, cardinality(c.relacl)::bigint FROM pg_class c WHERE c.relacl IS NOT NULL
            ORDER BY cardinality(c.relacl) DESC LIMIT 1
        """;

    public const string Recovery = "SELECT pg_is_in_recovery(), quote_ident(current_user)::text, EXISTS (SELECT FROM pg_roles s WHERE " +
        "s.rolname = 'pg_signal_backend' AND pg_has_role(s.oid, 'USAGE'))";
}
