using System.Diagnostics;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>Making and removing beside the bare SQL on the same server in the same run. Only on request (<c>--explicit only</c>): figures, not facts.</summary>
public sealed class RoleFigures(ITestOutputHelper output)
{
    [Theory(Explicit = true)]
    [InlineData(3)]
    [InlineData(200)]
    [InlineData(10_000)]
    public async Task Medians_warm(int tables)
    {
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor, UnsafeFast = false });
        var database = await server.CreateDatabaseAsync("figures");
        for (var i = 0; i < tables; i += 500)
            await database.RunAsOwnerAsync($"DO $$ BEGIN FOR i IN {i}..{Math.Min(i + 500, tables) - 1} LOOP EXECUTE format('CREATE TABLE public.t%s (i int)', i); END LOOP; END $$");
        await using var house = new RoleHouse(database);
        await house.AskAsync("VACUUM ANALYZE");
        var order = house.Order();
        var started = Stopwatch.StartNew();
        await house.MakeAsync(order);
        output.WriteLine($"PostgreSQL {server.Major}, {tables} tables; first making (scope role and its privileges): {started.Elapsed.TotalMilliseconds:0} ms");

        await using var bare = new NpgsqlConnection(database.AdministratorConnectionString);
        await bare.OpenAsync(RoleHouse.Cancellation);
        List<double> bareMake = [], bareRemove = [], make = [], remove = [];
        for (var i = 0; i < 140; i++)
        {
            var name = $"bare_{i}";
            var scope = ScopeRoles.NameFor(order);
            var verifier = ScramVerifier.For(RoleHouse.Password);
            var next = house.Order();
            uint oid = 0;
            await Timed(bareMake, i, async () =>
            {
                await using var batch = new NpgsqlBatch(bare);
                foreach (var sql in (string[])
                [
                    "BEGIN", $"CREATE ROLE {name} LOGIN INHERIT NOCREATEDB NOCREATEROLE CONNECTION LIMIT 5 PASSWORD '{verifier}' VALID UNTIL '2099-01-01T00:00:00Z'",
                    $"COMMENT ON ROLE {name} IS 'x'", $"GRANT {scope} TO {name}{(server.Major >= 16 ? " WITH INHERIT TRUE, SET FALSE" : "")}", "COMMIT",
                ]) batch.BatchCommands.Add(new NpgsqlBatchCommand(sql));
                await batch.ExecuteNonQueryAsync(RoleHouse.Cancellation);
            });
            await Timed(make, i, async () => oid = (await house.MakeAsync(next)).Oid);
            await Timed(bareRemove, i, async () =>
            {
                foreach (var sql in (string[])
                [
                    $"ALTER ROLE {name} NOLOGIN CONNECTION LIMIT 0 PASSWORD NULL VALID UNTIL '1970-01-01'; REVOKE {scope} FROM {name}",
                    $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{name}'", $"DROP ROLE {name}",
                ])
                {
                    await RoleHouse.ExecuteAsync(bare, sql);
                }
            });
            await Timed(remove, i, () => house.RemoveAsync(next, oid));
        }
        output.WriteLine($"make: bare {At(bareMake, 0.5):0.00}, ours {At(make, 0.5):0.00} ms ({At(make, 0.5) / At(bareMake, 0.5):0.00} x), p99 {At(make, 0.99):0.0} ms");
        output.WriteLine($"remove: bare {At(bareRemove, 0.5):0.00}, ours {At(remove, 0.5):0.00} ms ({At(remove, 0.5) / At(bareRemove, 0.5):0.00} x), p99 {At(remove, 0.99):0.0} ms");

        static double At(List<double> values, double part) => values.Order().ElementAt((int)(values.Count * part));
    }

    [Theory(Explicit = true)]
    [InlineData(1)]
    [InlineData(4)]
    [InlineData(8)]
    public async Task Throughput(int connections)
    {
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor, UnsafeFast = false });
        await using var house = new RoleHouse(await server.CreateSampleOrdersAsync(), options: new PostgresOptions(connections, TimeSpan.FromSeconds(5)));
        await house.MakeAsync(house.Order());
        await Task.WhenAll(Enumerable.Range(0, 100).Select(_ => house.MakeAsync(house.Order())));

        var orders = Enumerable.Range(0, 600).Select(_ => house.Order()).ToList();
        var started = Stopwatch.StartNew();
        await Task.WhenAll(orders.Select(order => house.MakeAsync(order)));
        var making = started.Elapsed;
        started.Restart();
        await Task.WhenAll(orders.Select(order => house.RemoveAsync(order)));
        output.WriteLine($"PostgreSQL {server.Major}, {connections} connections: {orders.Count / making.TotalSeconds:0} makings/s, {orders.Count / started.Elapsed.TotalSeconds:0} removals/s");
    }

    private static async Task Timed(List<double> into, int round, Func<Task> action)
    {
        var started = Stopwatch.GetTimestamp();
        await action();
        if (round >= 40) into.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
    }
}
