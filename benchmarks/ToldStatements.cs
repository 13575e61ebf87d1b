using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Removing;

namespace DbAccess.Benchmarks;

/// <summary>Clusters in memory run nothing; this tells the record what the real ones would have run for a clean role, in the product's own words.</summary>
internal sealed class ToldStatements(IRoleAdministrator inner) : IRoleAdministrator
{
    private const string Place = "orders at orders-prod.cluster-c0ffee0decaf.eu-west-1.rds.amazonaws.com:5432";

    public async Task<RoleMaking> MakeAsync(RoleOrder order, Secret password, CancellationToken cancellationToken)
    {
        var made = await inner.MakeAsync(order, password, cancellationToken);
        RanStatements.Present?.Add(Place,
        [
            new Asked($"CREATE ROLE {order.Role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS INHERIT CONNECTION LIMIT 5 VALID UNTIL '2026-01-01T00:30:00Z' PASSWORD 'SCRAM-SHA-256$…'").ForRecord(),
            new Asked($"COMMENT ON ROLE {order.Role} IS '{{\"dbaccess\":1,\"installation\":\"test\",\"grant\":\"{order.Grant}\",\"database\":\"orders\",\"until\":\"2026-01-01T00:30:00Z\"}}'").ForRecord(),
            new Asked($"GRANT dba_s_test_orders_read_0123456789abcdef TO {order.Role} WITH INHERIT TRUE, SET FALSE").ForRecord(),
        ], 9);
        return made;
    }

    public Task<Result> MoveEndAsync(RoleToRemove role, DateTimeOffset expiry, CancellationToken cancellationToken) => inner.MoveEndAsync(role, expiry, cancellationToken);

    public Task<Result> SetPasswordAsync(RoleToRemove role, Secret password, CancellationToken cancellationToken) => inner.SetPasswordAsync(role, password, cancellationToken);

    public Task<OpenSessions> CountOpenAsync(RoleToRemove role, CancellationToken cancellationToken) => inner.CountOpenAsync(role, cancellationToken);

    public Task<IReadOnlyDictionary<Domain.Grants.GrantId, OpenSessions>> ListOpenAsync(Domain.Databases.ClusterName cluster, IReadOnlyList<RoleToRemove> those, CancellationToken cancellationToken) =>
        inner.ListOpenAsync(cluster, those, cancellationToken);

    public async Task<RoleRemoval> RemoveAsync(RoleToRemove role, CancellationToken cancellationToken)
    {
        RanStatements.Present?.Add(Place,
        [
            new Asked(RemovalStatements.For(17).Strike).ForRecord(),
            new Asked(SessionStatements.EndSessions, "16401", role.Role.Value, "{\"dbaccess\":1,\"installation\":\"test\",", "{dba_s_test_orders_read_0123456789abcdef}", "{\"dbaccess\":1,\"installation\":\"test\",").ForRecord(),
        ], 2);
        RanStatements.Present?.Remark(Place, $"dbaccess.strike = drop, dbaccess.found = 16401, dbaccess.ident = {role.Role.Value}");
        return await inner.RemoveAsync(role, cancellationToken);
    }
}
