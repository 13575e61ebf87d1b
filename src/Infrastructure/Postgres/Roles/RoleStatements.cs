namespace DbAccess.Infrastructure.Postgres.Roles;

/// <summary>SQL that whoever changes a role needs.</summary>
internal static class RoleStatements
{
    /// <summary>
    /// A statement that changes nothing about <c>r</c>, and keeps it from being dropped until the end of the transaction; it fails (42704)
    /// when it is gone already. A <c>GRANT</c> looks a role up before it waits for its turn, and if the role was dropped meanwhile, leaves
    /// a membership in nothing, which no statement takes away (seen on 14 and 17).
    /// </summary>
    public const string Hold = "format('COMMENT ON ROLE %I IS %L', r.rolname, shobj_description(r.oid, 'pg_authid'))";
}
