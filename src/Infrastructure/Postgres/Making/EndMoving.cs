using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Roles;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>
/// Gives a role that is there another end, in its VALID UNTIL and in its tag alike. Password, privileges and sessions stay as they are. A
/// role that was locked out is left so.
/// </summary>
internal sealed class EndMoving(ClusterConnections connections, TimeProvider clock, RoleToRemove role, DateTimeOffset expiry)
{
    /// <summary>
    /// The statements, quoted by the server; no row when no role has all three of name, number and tag. Parameters: 1 role, 2 its OID,
    /// or null when that is not known, 3 how its tag begins, 4 the end.
    /// </summary>
    private const string Statements = """
        SELECT format('ALTER ROLE %I VALID UNTIL %L', r.rolname, $4),
               format('COMMENT ON ROLE %I IS %L', r.rolname,
                      regexp_replace(d.description, '"e":"[^"]*"', format('"e":"%s"', $4)))
          FROM pg_roles r JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
         WHERE r.rolname = $1 AND ($2 = 0 OR r.oid = $2) AND r.rolcanlogin AND starts_with(d.description, $3)
           AND current_setting('transaction_read_only') = 'off'
        """;

    public async Task<Result> RunAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await new Attempts(clock).RunAsync(async () =>
            {
                await using var cluster = await connections.OpenAsync(role.Target.Cluster, role.Target.Database, cancellationToken);
                var statements = await cluster.RowAsync(
                    Statements, [role.Role.Value, role.Oid ?? 0, RoleTag.LoginPrefix(role.Installation, role.Grant), RoleTag.Utc(expiry)],
                    row => new[] { row.GetString(0), row.GetString(1) }, cancellationToken);
                if (statements is null)
                    return (Result)new Error("postgres.role_gone",
                        $"Role {role.Role} is not on {role.Target.Cluster} as it was made, so that its end cannot be moved.");

                await cluster.RunAllAsync(statements, cancellationToken);
                return Result.Done;
            }, cancellationToken);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            return ClusterFault.From(failure, role.Target.Cluster, role.Target.Database).Error;
        }
    }
}
