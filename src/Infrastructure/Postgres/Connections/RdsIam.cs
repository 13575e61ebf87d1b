namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>
/// RDS and Aurora let a member of <c>rds_iam</c> in by IAM only, however it came to be one: no password works for it any more. A membership
/// in an owner that is one shuts the administrator out, and each role that acts as that owner.
/// </summary>
internal static class RdsIam
{
    /// <summary>
    /// The statements that take a role (an alias of <c>pg_roles</c>) out of it again, one for each membership that leads there. Superusers
    /// are members of nothing here.
    /// </summary>
    public static string Leave(string role) => $"""
        ARRAY(SELECT format('REVOKE %I FROM %I', g.rolname, {role}.rolname)
                         || CASE WHEN w.rolname IS NULL THEN '' ELSE format(' GRANTED BY %I', w.rolname) END || ' CASCADE'
                FROM pg_roles i JOIN pg_auth_members m ON m.member = {role}.oid
                JOIN pg_roles g ON g.oid = m.roleid LEFT JOIN pg_roles w ON w.oid = m.grantor
               WHERE i.rolname = 'rds_iam' AND NOT {role}.rolsuper AND NOT g.rolsuper AND pg_has_role(g.oid, i.oid, 'MEMBER') ORDER BY 1)
        """;
}
