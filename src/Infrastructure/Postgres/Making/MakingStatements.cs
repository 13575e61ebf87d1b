using DbAccess.Infrastructure.Postgres.Connections;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>
/// The SQL of making a role and of keeping its scope role. Values go in as parameters; where a statement takes none (all statements about
/// roles), the server itself quotes the names and literals (<c>%I</c>, <c>%L</c>), on connections whose first settings make that safe (see
/// <see cref="ClusterConnections"/>).
/// </summary>
internal static class MakingStatements
{
    /// <summary>Fails (22012) when the caller's lease is over by the server's clock, and with it everything sent in the same go.</summary>
    public const string Fence = "SELECT 1 / (clock_timestamp() <= $1)::int";

    public static string GrantMembership(int major, string scopeIdent, string roleIdent) =>
        // SET FALSE: a session that had become the scope role would keep its privileges after the temporary role is gone.
        major >= 16 ? $"GRANT {scopeIdent} TO {roleIdent} WITH INHERIT TRUE, SET FALSE" : $"GRANT {scopeIdent} TO {roleIdent}";

    /// <summary>
    /// Fails (42704), and with it everything sent in the same go, when the scope role was renamed or dropped while its new member was
    /// made; also when another has its name since, which may have nothing yet. Parameters: 1 its name, 2 its OID.
    /// </summary>
    public const string IsThere =
        """SELECT (CASE WHEN $1::text::regrole = $2 THEN $1::text ELSE '"not the same ' || $1 || '"' END)::regrole""";

    /// <summary>
    /// Whose a name is. Parameters: 1 role, 2 how its tag must begin. It answers the memberships to be taken back before it is used
    /// again as well.
    /// </summary>
    public const string Identify = """
        SELECT coalesce(starts_with(d.description, $2), false),
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
}

/// <summary>A row of <see cref="MakingStatements.Identify"/>; its columns stand in this order.</summary>
internal sealed record RoleIdentity(bool IsOurs, string[] Revokes, string Reset)
{
    public static RoleIdentity Read(NpgsqlDataReader row) => new(row.GetBoolean(0), row.GetFieldValue<string[]>(1), row.GetString(2));
}

/// <summary>A row of <see cref="MakingStatements.AdministratorRights"/>; its columns stand in this order.</summary>
internal sealed record AdministratorRights(bool MakesRoles, bool PasswordsAreReserved, bool SetsPasswords, string Ident)
{
    public static AdministratorRights Read(NpgsqlDataReader row) =>
        new(row.GetBoolean(0), row.GetBoolean(1), row.GetBoolean(2), row.GetString(3));
}
