using System.Collections.Concurrent;
using System.Globalization;
using DbAccess.Application;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using DbAccess.TestKit.Postgres;
using MediatR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>Many at once, several processes, and other people at work: nobody meets an error of anybody's making, and nothing is left over.</summary>
public sealed class RoleConcurrencyTests(RoleConcurrencyTests.Own own) : IClassFixture<RoleConcurrencyTests.Own>
{
    private const int Tables = 200;

    [Fact]
    [Core]
    public async Task Fifty_grants_at_once_on_two_hundred_tables_all_succeed_and_leave_nothing()
    {
        await using var house = new RoleHouse(await WithTablesAsync(Tables));
        using var watched = new CancellationTokenSource();
        var most = MostSessionsAsync(house, watched.Token);

        // The first round also makes the scope role, all fifty of them at the same moment.
        await RoundAsync();
        var before = await CatalogsAsync(house);
        await RoundAsync();

        Assert.Equal(before, await CatalogsAsync(house));
        await watched.CancelAsync();
        Assert.InRange(await most, 1, PostgresOptions.Default.MaxConnectionsPerCluster);

        async Task RoundAsync()
        {
            var orders = Enumerable.Range(0, 50).Select(_ => house.Order()).ToList();
            var made = await Task.WhenAll(orders.Select(order => house.MakeAsync(order)));
            foreach (var order in orders.Take(3)) Assert.Equal("ok", await house.AsHolderAsync(order, "SELECT * FROM t1, t200"));
            await Task.WhenAll(orders.Zip(made, (order, role) => house.RemoveAsync(order, role.Oid)));
        }
    }

    [Fact]
    [Core]
    public async Task Makings_and_removals_of_two_processes_cross_without_harm()
    {
        var database = await WithTablesAsync(20);
        await using var one = new RoleHouse(database);
        await using var other = new RoleHouse(database);
        await one.RemoveAsync(await MadeAsync(one));
        var before = await CatalogsAsync(one);

        // Each process makes while it removes what the other has made.
        await Task.WhenAll(Enumerable.Range(0, 12).Select(async n =>
        {
            var (maker, remover) = n % 2 == 0 ? (one, other) : (other, one);
            for (var i = 0; i < 4; i++) await remover.RemoveAsync(await MadeAsync(maker));
        }));

        Assert.Equal(before, await CatalogsAsync(one));

        static async Task<RoleOrder> MadeAsync(RoleHouse house)
        {
            var order = house.Order();
            await house.MakeAsync(order);
            return order;
        }
    }

    [Fact]
    [Core]
    public async Task Two_processes_that_sweep_one_store_at_once_end_each_grant_once()
    {
        var database = await WithTablesAsync(20);
        await using var one = new RoleHouse(database);
        await using var other = new RoleHouse(database);
        var directory = Directory.CreateTempSubdirectory("dbaccess-sweep-").FullName;
        try
        {
            await using var first = Process(directory, one);
            await using var second = Process(directory, other);
            await one.RemoveAsync(await OrderedAsync(one));
            var before = await CatalogsAsync(one);
            for (var i = 0; i < 30; i++) await DueAsync(first, one, database);

            var reports = await Task.WhenAll(((ServiceProvider[])[first, second, first, second]).Select(process => Task.Run(() => process.GetRequiredService<IMediator>().Send(new SweepGrants()))));

            Assert.All(reports, report => Assert.Empty(report.Value.Failed));
            Assert.Equal(30, reports.Sum(report => report.Value.Count(StepOutcome.Ended)));
            Assert.Equal(0, reports.Sum(report => report.Value.Count(StepOutcome.Postponed) + report.Value.Count(StepOutcome.Quarantined)));
            Assert.Equal(before, await CatalogsAsync(one));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }

        static async Task<RoleOrder> OrderedAsync(RoleHouse house)
        {
            var order = house.Order(Some.ReadScope());
            await house.MakeAsync(order);
            return order;
        }
    }

    [Fact]
    [Core]
    public async Task Other_peoples_changes_of_the_schema_fail_no_grant_and_no_grant_fails_them()
    {
        var database = await WithTablesAsync(24);
        await using var house = new RoleHouse(database);
        var second = $"second_{database.Owner}";
        await house.AskAsync($"CREATE ROLE \"{second}\"; GRANT \"{second}\" TO {PostgresServer.AdministratorName}; GRANT CREATE, USAGE ON SCHEMA public TO \"{second}\"; SELECT 1");
        // So long, and for two rounds, however little a busy machine gets done.
        using var least = new CancellationTokenSource(TimeSpan.FromSeconds(6));
        using var enough = new CancellationTokenSource();
        ConcurrentQueue<string> broken = [];
        string[][] works =
        [
            ["ALTER TABLE t1 ADD c int", "ALTER TABLE t1 DROP c"],
            ["ALTER TABLE t2 ALTER a SET NOT NULL", "ALTER TABLE t2 ALTER a DROP NOT NULL"],
            ["ALTER TABLE t3 SET (fillfactor = 90)", "ALTER TABLE t3 RESET (fillfactor)"],
            ["CREATE INDEX i4 ON t4 (a)", "DROP INDEX i4"],
            ["CREATE TABLE made (i int)", "DROP TABLE made"],
            ["CREATE TABLE more (i int PRIMARY KEY)", "ALTER TABLE more RENAME TO less", "DROP TABLE less"],
            [$"ALTER TABLE t5 OWNER TO \"{second}\"", $"ALTER TABLE t5 OWNER TO \"{database.Owner}\""],
            ["COMMENT ON TABLE t6 IS 'x'", "COMMENT ON TABLE t6 IS NULL"],
            ["ALTER TABLE t7 ADD CONSTRAINT f7 FOREIGN KEY (i) REFERENCES t8 (i)", "ALTER TABLE t7 DROP CONSTRAINT f7"],
            ["CREATE TRIGGER w9 BEFORE UPDATE ON t9 FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()", "DROP TRIGGER w9 ON t9"],
            ["ALTER TABLE t10 RENAME TO t10b", "ALTER TABLE t10b RENAME TO t10"],
            ["BEGIN; ALTER TABLE t11 ADD c int; ALTER TABLE t12 ADD c int; COMMIT", "BEGIN; ALTER TABLE t12 DROP c; ALTER TABLE t11 DROP c; COMMIT"],
            ["VACUUM t13", "ANALYZE t14", "TRUNCATE t15", "INSERT INTO t16 (i) SELECT coalesce(max(i), 0) + 1 FROM t16", "CLUSTER t17 USING t17_pkey"],
        ];
        var others = works.Select(work => Task.Run(() => WorkAsync(work)));
        var done = Task.WhenAll(others);

        // Each time another scope, so that each time everything has to be granted.
        List<RoleMaking> makings = [];
        List<string> drops = [];
        var inventory = new RoleInventory(house.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), house.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance);
        for (var n = 0; !done.IsCompleted; n++)
        {
            if (n >= 2 && least.IsCancellationRequested) await enough.CancelAsync();
            var scope = RoleHouse.ReadScope with { Name = ScopeName.Parse(string.Create(CultureInfo.InvariantCulture, $"read-{n}"))! };
            var orders = Enumerable.Range(0, 2).Select(_ => house.Order(scope)).ToList();
            makings.AddRange(await Task.WhenAll(orders.Select(order => house.Administrator.MakeAsync(order, RoleHouse.Password, RoleHouse.Cancellation))));
            // And everything taken back.
            foreach (var order in orders) await house.RemoveAsync(order);
            if (await inventory.DropUnusedAsync(house.Installation, orders[0].Target, scope, RoleHouse.Cancellation) is { Refusal: { } kept }) drops.Add(kept.Message);
        }
        await done;

        Assert.Empty(broken);
        Assert.Empty(drops);
        Assert.Empty(makings.Where(making => making is not RoleMaking.Made).Select(making => making.ToString()));
        Assert.InRange(makings.Count, 4, int.MaxValue);

        async Task WorkAsync(string[] work)
        {
            await using var connection = new NpgsqlConnection(database.SuperuserConnectionString + ";Pooling=false");
            await connection.OpenAsync(RoleHouse.Cancellation);
            // What is made here has to be the owner's, or we could not give it. Only a superuser changes owners.
            if (!work[0].Contains("OWNER", StringComparison.Ordinal)) await RoleHouse.ExecuteAsync(connection, $"SET ROLE \"{database.Owner}\"");
            while (!enough.IsCancellationRequested)
            {
                foreach (var statement in work)
                {
                    try
                    {
                        await RoleHouse.ExecuteAsync(connection, statement);
                    }
                    catch (PostgresException failure)
                    {
                        broken.Enqueue($"{statement}: {failure.SqlState} {failure.MessageText}");
                        return;
                    }
                    await Task.Delay(Random.Shared.Next(0, 4), RoleHouse.Cancellation);
                }
            }
        }
    }

    [Fact]
    public async Task More_tables_than_are_locked_at_a_time_are_granted_in_portions()
    {
        await using var house = new RoleHouse(await WithTablesAsync((2 * ScopeMending.TablesAtOnce) + 30));
        var order = house.Order();

        await house.MakeAsync(order);

        Assert.Equal("0", await house.AskAsync($"SELECT count(*) FROM pg_class WHERE relname LIKE 't%' AND relnamespace = 'public'::regnamespace AND relkind = 'r' AND NOT has_table_privilege('{order.Role}', oid, 'SELECT')"));
        Assert.Equal("ok", await house.AsHolderAsync(order, "SELECT * FROM t1, t430"));
    }

    [Fact]
    public async Task The_mark_of_a_large_scope_is_read_beside_the_making_and_is_heeded()
    {
        // Enough rows for the second connection to be worth it: a table, its key and two more for its long values.
        await using var house = new RoleHouse(await WithTablesAsync(2100));
        await house.MakeAsync(house.Order());
        await house.MakeAsync(house.Order());
        var scope = ScopeRoles.NamesFor(house.Order())[0].Value;

        foreach (var change in (string[])[$"SET ROLE \"{house.Database.Owner}\"; CREATE TABLE public.later (i int)", $"GRANT UPDATE ON t1 TO {scope}", $"REVOKE SELECT ON t2 FROM {scope}", "DROP TABLE public.later"])
        {
            await house.MakeAsync(house.Order());
            await house.AskAsync($"{change}; SELECT 1");
            var order = house.Order();
            var made = await house.MakeAsync(order);

            Assert.Equal("0", await house.AskAsync($"SELECT count(*) FROM pg_class WHERE relname LIKE 't%' AND relnamespace = 'public'::regnamespace AND relkind = 'r' AND NOT has_table_privilege('{order.Role}', oid, 'SELECT')"));
            Assert.Equal("False", await house.AskAsync($"SELECT has_table_privilege('{order.Role}', 't1', 'UPDATE')"));
            await house.RemoveAsync(order, made.Oid);
        }
        // What the mark does not see is looked at all the same, and whose time is over makes nothing.
        await house.MakeAsync(house.Order());
        foreach (var (change, back) in ((string, string)[])[($"ALTER ROLE {scope} CREATEDB", $"ALTER ROLE {scope} NOCREATEDB"), ($"GRANT pg_read_all_data TO {scope}", $"REVOKE pg_read_all_data FROM {scope}"), ($"ALTER ROLE {scope} LOGIN", $"ALTER ROLE {scope} NOLOGIN")])
        {
            await house.AskAsync($"{change}; SELECT 1");
            var other = house.Order();
            await house.MakeAsync(other);
            Assert.NotEqual(scope, await house.AskAsync($"SELECT roleid::regrole::text FROM pg_auth_members WHERE member = '{other.Role}'::regrole"));
            await house.AskAsync($"{back}; SELECT 1");
        }
        var late = house.Order() with { NotAfter = DateTimeOffset.UtcNow.AddSeconds(-1) };
        Assert.Equal("postgres.lease_over", Assert.IsType<RoleMaking.NotNow>(await house.Administrator.MakeAsync(late, RoleHouse.Password, RoleHouse.Cancellation)).Why.Code);
        Assert.Equal("0", await house.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{late.Role}'"));
        // All of them at once, more than there are connections: some read the mark on their own.
        var orders = Enumerable.Range(0, 24).Select(_ => house.Order()).ToList();
        await Task.WhenAll(orders.Select(order => house.MakeAsync(order)));
        // A name that is taken is found out as ever, and nothing is left open.
        Assert.IsType<RoleMaking.NameTaken>(await house.Administrator.MakeAsync(house.Order() with { Role = orders[0].Role }, RoleHouse.Password, RoleHouse.Cancellation));
        Assert.Equal("0", await house.AskAsync($"SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'dbaccess%' AND state LIKE 'idle in%' AND datname = '{house.Database.Name}'"));
    }

    [Fact]
    public async Task Connections_are_bounded_over_all_databases_of_a_cluster_idle_ones_included()
    {
        await using var house = new RoleHouse(await own.Postgres.CreateDatabaseAsync("first"), options: new PostgresOptions(4, TimeSpan.FromSeconds(5)));
        string[] databases = [house.Database.Name, (await own.Postgres.CreateDatabaseAsync("second")).Name, (await own.Postgres.CreateDatabaseAsync("third")).Name];
        var cluster = house.Order().Target.Cluster;
        HashSet<int> seen = [];
        foreach (var database in (string[])[.. databases, .. databases])
        {
            var open = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => house.Connections.OpenAsync(cluster, database, RoleHouse.Cancellation)));
            seen.UnionWith(open.Select(connection => connection.Connection.ProcessID));
            foreach (var connection in open) await connection.DisposeAsync();
        }

        // What was closed by us may take the server a moment.
        var left = "";
        await Patience.UntilAsync(
            async () => (left = await house.AskAsync($"SELECT count(*) FROM pg_stat_activity WHERE pid IN ({string.Join(", ", seen)})")) is "0" or "1" or "2" or "3" or "4",
            "the server has let go of what was closed");
        Assert.Equal("4", left);
        Assert.Equal(24, seen.Count);
    }

    /// <summary>Everything that a role could leave in the catalogs, in one text.</summary>
    private static Task<string> CatalogsAsync(RoleHouse house) => house.AskAsync(string.Join(" || ' ' || ", ((string[])
        ["pg_authid", "pg_auth_members", "pg_shdepend", "pg_db_role_setting", "pg_shdescription", "pg_default_acl", "pg_prepared_xacts"])
        .Select(catalog => $"(SELECT '{catalog}: ' || count(*) || coalesce(md5(string_agg(x::text, ' ' ORDER BY x::text)), '') FROM {catalog} x)")
        .Prepend("SELECT (SELECT 'pg_class: ' || md5(string_agg(c.oid || coalesce(relacl::text, ''), ' ' ORDER BY c.oid)) FROM pg_class c)")));

    private static async Task<int> MostSessionsAsync(RoleHouse house, CancellationToken stop)
    {
        await using var connection = new NpgsqlConnection(house.Database.SuperuserConnectionString + ";Pooling=false");
        await connection.OpenAsync(CancellationToken.None);
        var most = 0;
        // One that was closed is still counted until the server's process is gone, which on a busy machine takes it a moment: what counts is seen ten times in a row.
        Queue<HashSet<int>> looks = [];
        while (!stop.IsCancellationRequested)
        {
            await using var list = new NpgsqlCommand($"SELECT coalesce(array_agg(pid), '{{}}') FROM pg_stat_activity WHERE usename = '{PostgresServer.AdministratorName}' AND datname = '{house.Database.Name}'", connection);
            looks.Enqueue([.. (int[])(await list.ExecuteScalarAsync(CancellationToken.None))!]);
            if (looks.Count > 10) looks.Dequeue();
            if (looks.Count == 10) most = Math.Max(most, looks.Aggregate((all, one) => [.. all.Intersect(one)]).Count);
            await Task.Delay(5, CancellationToken.None);
        }
        return most;
    }

    private async Task<TestDatabase> WithTablesAsync(int count)
    {
        var database = await own.Postgres.CreateDatabaseAsync("many");
        await database.RunAsOwnerAsync($"DO $$ BEGIN FOR i IN 1..{count} LOOP EXECUTE format('CREATE TABLE public.t%s (i int PRIMARY KEY, a text)', i); IF i % 100 = 0 THEN COMMIT; END IF; END LOOP; END $$");
        return database;
    }

    /// <summary>A server of its own: the roles of other classes come and go on the common one, and here the catalogs have to be as before.</summary>
    public sealed class Own : IAsyncLifetime
    {
        public PostgresFixture Postgres { get; } = new();

        public ValueTask InitializeAsync() => Postgres.InitializeAsync();

        public ValueTask DisposeAsync() => Postgres.DisposeAsync();
    }

    private static ServiceProvider Process(string directory, RoleHouse house)
    {
        var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Grants:Sqlite:Path"] = Path.Combine(directory, "dbaccess.db") }).Build());
        var services = new ServiceCollection();
        services.AddLogging().AddSingleton(TimeProvider.System).AddApplication(new Installation(Some.Installation)).AddWarrants().AddStores(settings)
            .AddSingleton(house.Administrator).AddFakeSlack().AddSingleton<ICredentialDelivery>(new FakeCredentialDelivery()).AddSingleton<IRoleInventory>(new FakeRoleInventory());
        return services.BuildServiceProvider();
    }

    /// <summary>A grant whose end has come, with its role on the server.</summary>
    private static async Task DueAsync(ServiceProvider process, RoleHouse house, TestDatabase database)
    {
        var created = DateTimeOffset.UtcNow.AddHours(-2);
        var grant = Grant.RequestAllowed(GrantId.New(), Some.Installation, Some.Request(TimeSpan.FromHours(1), target: Some.Target(database.Name)), created);
        var role = RoleName.ForGrant(Some.Installation, grant.Id, "erin");
        var made = await house.MakeAsync(house.Order(Some.ReadScope()) with { Grant = grant.Id, Role = role });
        foreach (var result in (Result[])
        [
            grant.BeginProvisioning(role, created, TimeSpan.FromMinutes(1)), grant.RoleMade(made.Oid, Some.Plan, created), grant.Activate(new MessageRef("D0ENGDM01", "1767225601.000200"), created),
        ])
            Assert.Null(result.Refusal);
        await process.GetRequiredService<IGrantStore>().AddAsync(grant, RoleHouse.Cancellation);
    }
}
