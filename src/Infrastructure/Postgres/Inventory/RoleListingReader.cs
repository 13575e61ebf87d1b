using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Roles;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Inventory;

/// <summary>Reads what roles of ours there are on a cluster, in two round trips, or three for who may see passwords.</summary>
internal static class RoleListingReader
{
    public static async Task<Result<RoleListing>> ReadAsync(ClusterConnection connection, ClusterName cluster, string installation,
        IReadOnlyCollection<uint> also, CancellationToken cancellationToken)
    {
        var here = await connection.FirstAsync(InventoryStatements.Where, [], Where.Read, cancellationToken);
        if (here.ReadOnly)
        {
            connection.DropPool();
            return new Error("postgres.read_only", $"Cluster {cluster} led us to an instance that only reads; what it says may be old.");
        }

        var roles = await connection.RowsAsync(InventoryStatements.Roles,
            [RoleName.Prefix(installation), RoleTagReader.Beginning, (long[])[.. also.Select(oid => (long)oid)]],
            row => Read(row, installation), cancellationToken);
        if (!here.SeesPasswords) return new RoleListing(here.Administrator, here.Now, roles);

        long[] powerless = [.. roles.Where(IsPowerless).Select(role => (long)role.Oid)];
        var with = (await connection.RowsAsync(InventoryStatements.Passwords, [powerless], row => row.GetInt64(0), cancellationToken))
            .ToHashSet();
        return new RoleListing(here.Administrator, here.Now,
            [.. roles.Select(role => IsPowerless(role) ? role with { HasPassword = with.Contains(role.Oid) } : role)]);
    }

    private static bool IsPowerless(FoundRole role) => role.Mark is RoleMark.Scope or RoleMark.Escrow;

    private static FoundRole Read(NpgsqlDataReader row, string installation) => new(
        row.GetFieldValue<uint>(0), row.GetString(1), RoleTagReader.Read(row.IsDBNull(3) ? null : row.GetString(3), installation),
        row.GetBoolean(2), row.GetBoolean(4), row.GetBoolean(5), null, Links(row, 6), Links(row, 9), row.GetFieldValue<string[]>(12))
    {
        GivenIn = row.GetFieldValue<string[]>(13),
        Limits = new RoleLimits(row.IsDBNull(14) ? null : new DateTimeOffset(row.GetDateTime(14), TimeSpan.Zero), row.GetInt32(15)),
        DefaultsIn = row.GetFieldValue<string[]>(16),
        HasPrivileges = row.GetBoolean(17),
    };

    /// <summary>Three columns, an array each: OIDs, names, who gave it.</summary>
    private static IReadOnlyList<RoleLink> Links(NpgsqlDataReader row, int from)
    {
        var (oids, names, grantors) =
            (row.GetFieldValue<long[]>(from), row.GetFieldValue<string[]>(from + 1), row.GetFieldValue<string[]>(from + 2));
        return [.. oids.Select((oid, i) => new RoleLink((uint)oid, names[i], grantors[i]))];
    }

    private sealed record Where(bool ReadOnly, string Administrator, DateTimeOffset Now, bool SeesPasswords)
    {
        public static Where Read(NpgsqlDataReader row) => new(
            row.GetBoolean(0), row.GetString(1), new DateTimeOffset(row.GetDateTime(2), TimeSpan.Zero), row.GetBoolean(3));
    }
}
