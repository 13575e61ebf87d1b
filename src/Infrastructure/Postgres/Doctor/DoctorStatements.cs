using DbAccess.Infrastructure.Postgres.Scopes;

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
    /// What everybody may do in this database without us: kind, object, statement. Functions wherever they are: who may not enter their
    /// schema today may be let in by a scope.
    /// </summary>
    public static readonly string Public = $"""
        SELECT 'create', quote_ident(n.nspname), {PublicPrivileges.CloseSchema}
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
         WHERE e.grantee = 0 AND p.pronamespace = 'pg_catalog'::regnamespace
             AND NOT {PublicPrivileges.IsFromTheStart("pg_proc", "p.oid", orByDefault: true)}
        UNION ALL
        SELECT 'system', c.oid::regclass::text, format('REVOKE %s ON TABLE %s FROM PUBLIC', e.privilege_type, c.oid::regclass)
          FROM pg_class c, aclexplode(c.relacl) e
         WHERE e.grantee = 0 AND c.relnamespace = 'pg_catalog'::regnamespace
             AND NOT {PublicPrivileges.IsFromTheStart("pg_class", "c.oid", orByDefault: false)}
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
