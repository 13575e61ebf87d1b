using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Roles;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>The role of a grant as the server knows it, whatever the record says: by its tag, and by a name as it would have had.</summary>
internal static class OwnRole
{
    /// <summary>Parameters: 1 how its tag begins, 2 how its name begins, 3 what its name holds.</summary>
    private const string Statement = """
        SELECT r.rolname::text, r.oid
          FROM pg_roles r JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
         WHERE starts_with(d.description, $1) AND starts_with(r.rolname::text, $2) AND strpos(r.rolname, $3) > 0
         ORDER BY r.oid
        """;

    /// <summary>Null when there is none.</summary>
    public static async Task<RoleToRemove?> FindAsync(
        ClusterConnections connections, RoleToRemove role, CancellationToken cancellationToken)
    {
        await using var cluster = await connections.OpenAsync(role.Target.Cluster, role.Target.Database, cancellationToken);
        var found = await cluster.RowsAsync(
            Statement, [RoleTag.LoginPrefix(role.Installation, role.Grant), RoleName.Prefix(role.Installation), $"_{role.Grant.Compact}_"],
            row => RoleName.Parse(row.GetString(0)) is { } name ? role with { Role = name, Oid = row.GetFieldValue<uint>(1) } : null,
            cancellationToken);
        return found.OfType<RoleToRemove>().FirstOrDefault();
    }
}
