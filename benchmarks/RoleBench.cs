using System.Diagnostics;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace DbAccess.Benchmarks;

/// <summary>
/// Making and removing a role: what an expert would send by hand, in one batch over a warm connection, against the product, which also looks
/// first, reads back what came out, and proves that it is gone. Same server, same run, in turn; the disk is waited for.
/// </summary>
internal static class RoleBench
{
    private const int WarmUp = 20;

    public static async Task RunAsync(Report report, bool quick)
    {
        var count = quick ? 40 : 200;
        await using var server = await PostgresServer.StartAsync(new PostgresServerOptions { UnsafeFast = false });
        var database = await server.CreateSampleOrdersAsync();
        await using var connections = new ClusterConnections(new Credentials(server), PostgresOptions.Default, TimeProvider.System);
        var product = new PostgresRoleAdministrator(connections, TimeProvider.System, NullLogger<PostgresRoleAdministrator>.Instance);
        await using var source = new NpgsqlDataSourceBuilder(database.AdministratorConnectionString).Build();
        var bare = new Bare(source, server.Major);
        report.Say($"Roles: PostgreSQL {server.Major}, {count} of each after {WarmUp} to warm up, fsync on.");

        List<double> bareMaking = [], making = [], bareRemoval = [], removal = [], hash = [];
        for (var i = -WarmUp; i < count; i++)
        {
            var (one, other) = (Order(database), Order(database));
            // The first call of the product also makes the scope role, which the bare SQL then finds.
            if (i == -WarmUp) await MakeAsync(product, other with { Grant = GrantId.New(), Role = RoleName.ForGrant(Some.Installation, GrantId.New(), "first") });
            // Who goes first changes each time, so that neither always finds what the other has just warmed.
            double first, second;
            if (i % 2 == 0) (first, second) = (await TimeAsync(() => bare.MakeAsync(one)), await TimeAsync(() => MakeAsync(product, other)));
            else (second, first) = (await TimeAsync(() => MakeAsync(product, other)), await TimeAsync(() => bare.MakeAsync(one)));
            if (i >= 0)
            {
                bareMaking.Add(first);
                making.Add(second);
            }

            if (i % 2 == 0) (first, second) = (await TimeAsync(() => bare.RemoveAsync(one)), await TimeAsync(() => RemoveAsync(product, other)));
            else (second, first) = (await TimeAsync(() => RemoveAsync(product, other)), await TimeAsync(() => bare.RemoveAsync(one)));
            if (i >= 0)
            {
                bareRemoval.Add(first);
                removal.Add(second);
            }

            if (i < 0) continue;
            var started = Stopwatch.GetTimestamp();
            ScramVerifier.For(Password());
            hash.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        report.Head();
        report.Add(Figure.Of("roles", "make a role: bare SQL", bareMaking));
        report.Add(Figure.Of("roles", "make a role: DbAccess", making, bare: bareMaking));
        report.Add(Figure.Of("roles", "  of both, hashing the password here (SCRAM)", hash));
        report.Add(Figure.Of("roles", "remove a role: bare SQL", bareRemoval));
        report.Add(Figure.Of("roles", "remove a role: DbAccess", removal, bare: bareRemoval));
    }

    private static Secret Password() => new("a-Password_of-24-letters");

    private static RoleOrder Order(TestDatabase database)
    {
        var grant = GrantId.New();
        var now = DateTimeOffset.UtcNow;
        return new RoleOrder(
            Some.Installation, grant, Some.Target(database.Name), RoleName.ForGrant(Some.Installation, grant, "erin"), Some.ReadScope(), now.AddHours(1), now.AddMinutes(5));
    }

    private static async Task MakeAsync(PostgresRoleAdministrator product, RoleOrder order)
    {
        var making = await product.MakeAsync(order, Password(), CancellationToken.None);
        if (making is not RoleMaking.Made) throw new InvalidOperationException($"The role was not made: {making}");
    }

    private static async Task RemoveAsync(PostgresRoleAdministrator product, RoleOrder order)
    {
        var removal = await product.RemoveAsync(new RoleToRemove(order.Installation, order.Grant, order.Target, order.Role, null), CancellationToken.None);
        if (removal is not RoleRemoval.Gone) throw new InvalidOperationException($"The role was not removed: {removal}");
    }

    private static async Task<double> TimeAsync(Func<Task> act)
    {
        var started = Stopwatch.GetTimestamp();
        await act();
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    /// <summary>What somebody who knows PostgreSQL well would send: one round trip each, names known to be harmless.</summary>
    private sealed class Bare(NpgsqlDataSource source, int major)
    {
        public async Task MakeAsync(RoleOrder order)
        {
            var verifier = ScramVerifier.For(Password());
            await using var connection = await source.OpenConnectionAsync();
            await using var batch = new NpgsqlBatch(connection);
            var role = $"\"{order.Role}\"";
            Add(batch, $"CREATE ROLE {role} LOGIN INHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT {order.Scope.Connections} VALID UNTIL '{RoleTag.Utc(order.Expiry)}' PASSWORD '{verifier}'");
            foreach (var (name, value) in order.Scope.Settings) Add(batch, $"ALTER ROLE {role} SET {name} = '{value}'");
            Add(batch, $"COMMENT ON ROLE {role} IS '{RoleTag.Login(order.Installation, order.Grant, order.Target.Database, order.Expiry)}'");
            Add(batch, RoleStatements.GrantMembership(major, $"\"{ScopeRoles.NameFor(order)}\"", role));
            await batch.ExecuteNonQueryAsync();
        }

        /// <summary>Shutting the role out has to be committed before its sessions are ended, or they come straight back: each statement is a transaction.</summary>
        public async Task RemoveAsync(RoleOrder order)
        {
            await using var connection = await source.OpenConnectionAsync();
            await using var batch = new NpgsqlBatch(connection) { EnableErrorBarriers = true };
            Add(batch, $"ALTER ROLE \"{order.Role}\" NOLOGIN");
            Add(batch, $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{order.Role}'");
            Add(batch, $"DROP ROLE \"{order.Role}\"");
            await batch.ExecuteNonQueryAsync();
        }

        private static void Add(NpgsqlBatch batch, string sql) => batch.BatchCommands.Add(new NpgsqlBatchCommand(sql));
    }

    private sealed class Credentials(PostgresServer server) : IAdminCredentials
    {
        private readonly AdminCredential _credential = new(
            PostgresServer.Host, server.Port, PostgresServer.AdministratorName, new Secret(server.AdministratorPassword), "disable", "postgres", []);

        public Task<Result<AdminCredential>> FindAsync(ClusterName cluster, bool fresh, CancellationToken cancellationToken) => Task.FromResult<Result<AdminCredential>>(_credential);
    }
}
