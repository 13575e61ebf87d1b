namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>SQL about what PUBLIC has, which every role has with it.</summary>
internal static class PublicPrivileges
{
    /// <summary>
    /// Whether <c>e</c>, a privilege that PUBLIC has on the system's own object <c>o</c>, was there when the server was set up: for
    /// pg_catalog, pg_init_privs has what differs from the built-in defaults (functions may be run by everybody, nothing else).
    /// </summary>
    public static string IsFromTheStart(string catalog, string oid, bool orByDefault) => $"""
        (SELECT coalesce(bool_or(s.grantee = 0 AND s.privilege_type = e.privilege_type), {(orByDefault ? "true" : "false")})
           FROM pg_init_privs i, aclexplode(i.initprivs) s
          WHERE i.classoid = '{catalog}'::regclass AND i.objoid = {oid} AND i.objsubid = 0)
        """;

    /// <summary>
    /// How a superuser takes CREATE on schema <c>n</c> back from everybody, to whom <c>e</c> gave it: as whoever gave it, since a REVOKE
    /// touches nothing that another gave.
    /// </summary>
    public const string CloseSchema = """
        CASE WHEN e.grantor = n.nspowner THEN format('REVOKE CREATE ON SCHEMA %I FROM PUBLIC', n.nspname)
             ELSE format('SET ROLE %I; REVOKE CREATE ON SCHEMA %I FROM PUBLIC; RESET ROLE', pg_get_userbyid(e.grantor), n.nspname) END
        """;
}
