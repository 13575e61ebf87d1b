using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Roles;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>
/// Gives a role that is there another password, and nothing else: it is never made here, so that one whose removal is under way does not
/// come back, and one that was locked out is left so.
/// </summary>
internal sealed class PasswordSetting(ClusterConnections connections, TimeProvider clock, RoleToRemove role, Secret password)
{
    /// <summary>
    /// The statement but for the verifier, quoted by the server; no row when no role has all three of name, number and tag. Parameters: 1
    /// role, 2 its OID, or null when that is not known, 3 how its tag begins.
    /// </summary>
    private const string Statement = """
        SELECT format('ALTER ROLE %I PASSWORD ', r.rolname)
          FROM pg_roles r JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
         WHERE r.rolname = $1 AND ($2 = 0 OR r.oid = $2) AND r.rolcanlogin AND starts_with(d.description, $3)
           AND current_setting('transaction_read_only') = 'off'
        """;

    public async Task<Result> RunAsync(CancellationToken cancellationToken)
    {
        var verifier = ScramVerifier.For(password);
        try
        {
            return await new Attempts(clock).RunAsync(async () =>
            {
                await using var cluster = await connections.OpenAsync(role.Target.Cluster, role.Target.Database, cancellationToken);
                var statement = await cluster.RowAsync(
                    Statement, [role.Role.Value, role.Oid ?? 0, RoleTag.LoginPrefix(role.Installation, role.Grant)],
                    row => row.GetString(0), cancellationToken);
                if (statement is null)
                    return (Result)new Error("postgres.role_gone",
                        $"Role {role.Role} is not on {role.Target.Cluster} as it was made, so that it can have no new password.");

                // The verifier is well formed, so it holds nothing that could end the literal.
                await cluster.RunAsync(new Asked($"{statement}'{verifier}'") { Secret = verifier }, cancellationToken);
                return Result.Done;
            }, cancellationToken);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            return ClusterFault.From(failure, role.Target.Cluster, role.Target.Database).Error;
        }
    }
}
