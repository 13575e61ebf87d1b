using System.Diagnostics;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>Servers that go away, administrators that are rejected, and many workers at once.</summary>
public sealed class RoleFaultTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_server_that_is_down_is_not_now_and_works_again_when_it_is_back()
    {
        _ = postgres.Server;
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor });
        await using var house = new RoleHouse(await server.CreateSampleOrdersAsync());
        var order = house.Order();
        var made = await house.MakeAsync(order);

        await server.StopAsync(immediate: true);
        var making = await house.Administrator.MakeAsync(house.Order(), RoleHouse.Password, RoleHouse.Cancellation);
        var removal = await house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation);
        await server.StartAgainAsync();

        Assert.Equal("postgres.unreachable", Assert.IsType<RoleMaking.NotNow>(making).Why.Code);
        Assert.Equal("postgres.unreachable", Assert.IsType<RoleRemoval.NotNow>(removal).Why.Code);
        Assert.True((await house.RemoveAsync(order, made.Oid)).Existed);
        Assert.Equal("0", await house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task Connections_that_were_cut_behind_our_back_cost_nobody_anything()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        var first = house.Order();
        await house.MakeAsync(first);

        // What a failover does to every idle connection in the pool.
        await CutAsync(house);
        var second = house.Order();
        var made = await house.MakeAsync(second);
        await CutAsync(house);
        await house.RemoveAsync(second, made.Oid);

        await house.RemoveAsync(first);
        Assert.Equal("0", await house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_pool_full_of_dead_connections_is_given_up_after_the_first()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        await using var proxy = new LoopbackProxy(house.Database.Server.Port);
        house.Credentials.Current = house.Credentials.Current with { Port = proxy.Port };
        var order = house.Order();
        var made = await house.MakeAsync(order);
        var warm = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => house.Connections.OpenAsync(order.Target.Cluster, order.Target.Database, RoleHouse.Cancellation)));
        foreach (var connection in warm) await connection.DisposeAsync();
        // Reset without a word from the server, as by a machine that died.
        proxy.Cut();

        Assert.True((await house.RemoveAsync(order, made.Oid)).Existed);
    }

    [Fact]
    public async Task Connections_cut_in_the_middle_again_and_again_leave_each_role_either_made_or_gone()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        // How long one whole life takes here and now, logins and all: cuts come in any step of it, and now and then none comes.
        var quiet = Stopwatch.StartNew();
        var first = house.Order();
        await house.RemoveAsync(first, (await house.MakeAsync(first)).Oid);
        var life = (int)quiet.ElapsedMilliseconds;
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var cutter = CutAllTheTimeAsync();
        for (var i = 0; i < 15; i++)
        {
            var order = house.Order();
            RoleMaking making;
            var calm = 0;
            do making = await house.Administrator.MakeAsync(order, RoleHouse.Password, RoleHouse.Cancellation);
            while (making is RoleMaking.NotNow && Again());
            RoleRemoval removal;
            do removal = await house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, (making as RoleMaking.Made)?.Oid), RoleHouse.Cancellation);
            while (removal is RoleRemoval.NotNow && Again());

            Assert.IsType<RoleRemoval.Gone>(removal);
            Assert.Equal("0", await house.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{order.Role}'"));

            // Once nothing is cut any more, two tries have to do.
            bool Again() => !stop.IsCancellationRequested || ++calm < 3;
        }
        await stop.CancelAsync();
        await cutter;

        async Task CutAllTheTimeAsync()
        {
            while (!stop.IsCancellationRequested)
            {
                await CutAsync(house);
                await Task.Delay(Random.Shared.Next(1, life * 2), RoleHouse.Cancellation);
            }
        }
    }

    [Fact]
    public async Task A_rotated_password_is_read_again_once()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        var right = house.Credentials.Current;
        house.Credentials.Current = right with { Password = new Secret("yesterday's") };
        house.Credentials.Fresh = right;

        await house.MakeAsync(house.Order());

        Assert.Equal(1, house.Credentials.FreshReads);
    }

    [Fact]
    public async Task A_rejected_administrator_is_not_now_says_which_cluster_and_is_not_hammered()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        house.Credentials.Current = house.Credentials.Current with { Password = new Secret("wrong-Password") };

        for (var i = 0; i < 5; i++)
        {
            var why = Assert.IsType<RoleMaking.NotNow>(await house.Administrator.MakeAsync(house.Order(), RoleHouse.Password, RoleHouse.Cancellation)).Why;
            Assert.Equal("postgres.rejected", why.Code);
            Assert.Contains("orders-prod", why.Message, StringComparison.Ordinal);
            Assert.DoesNotContain("wrong-Password", why.Message, StringComparison.Ordinal);
        }
        Assert.Equal(1, house.Credentials.FreshReads);
    }

    [Fact]
    public async Task A_database_that_is_not_there_is_impossible()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        var order = house.Order();

        var why = await house.ImpossibleAsync(order with { Target = order.Target with { Database = "nowhere" } });

        Assert.Equal("postgres.no_database", why.Code);
    }

    [Fact]
    [Core]
    public async Task Twenty_makings_and_removals_at_once_leave_nothing_over()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());

        var oids = await Task.WhenAll(Enumerable.Range(0, 20).Select(async _ =>
        {
            var order = house.Order();
            var made = await house.MakeAsync(order);
            Assert.Equal("ok", await house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
            var receipt = await house.RemoveAsync(order, made.Oid);
            Assert.True(receipt.Existed);
            return made.Oid;
        }));

        foreach (var oid in oids) Assert.Equal("0", await house.TracesAsync(oid));
        Assert.Equal("0", await house.AskAsync($"SELECT count(*) FROM pg_roles WHERE shobj_description(oid, 'pg_authid') LIKE '%\"login\"%{house.Database.Name}%'"));
    }

    [Fact]
    public async Task Three_workers_on_one_role_all_end_well()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        for (var round = 0; round < 8; round++)
        {
            var order = house.Order();
            var made = await house.MakeAsync(order);
            Assert.Equal("ok", await house.AsHolderAsync(order, "SELECT lo_create(0)"));

            var receipts = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => house.RemoveAsync(order, made.Oid)));

            Assert.All(receipts, receipt => Assert.NotNull(receipt.ProvedAt));
            Assert.Equal("0", await house.TracesAsync(made.Oid));
        }
    }

    [Fact]
    public async Task Other_peoples_changes_to_the_tables_are_neither_broken_nor_waited_for()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        await house.MakeAsync(house.Order());
        await using var migration = new NpgsqlConnection(house.Database.SuperuserConnectionString + ";Pooling=false");
        await migration.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(migration, "BEGIN; ALTER TABLE public.orders ADD note text");

        var order = house.Order();
        var made = await house.MakeAsync(order);
        await house.RemoveAsync(order, made.Oid);

        await RoleHouse.ExecuteAsync(migration, "COMMIT");
    }

    [Fact]
    public async Task Strangers_who_hold_our_lock_stop_nobody()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        var order = house.Order();
        await using var stranger = new NpgsqlConnection(house.Database.SuperuserConnectionString + ";Pooling=false");
        await stranger.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(stranger, $"SELECT pg_advisory_lock(hashtextextended('dbaccess:{ScopeRoles.NamesFor(order)[0]}', 0))");

        await house.MakeAsync(order);
    }

    [Fact]
    public async Task Two_installations_on_one_cluster_do_not_see_each_other()
    {
        var database = await postgres.CreateSampleOrdersAsync();
        await using var one = new RoleHouse(database, "one");
        await using var two = new RoleHouse(database, "two");
        var (first, second) = (one.Order(), two.Order());
        await one.MakeAsync(first);
        await two.MakeAsync(second);

        await one.RemoveAsync(first);

        Assert.Equal("ok", await two.AsHolderAsync(second, "SELECT count(*) FROM orders"));
        Assert.False((await one.RemoveAsync(second with { Installation = "one" })).Existed);
        Assert.Equal("ok", await two.AsHolderAsync(second, "SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task No_more_connections_are_used_than_allowed_and_none_is_kept_for_long()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync(), options: new(2, TimeSpan.FromSeconds(5)));
        await Task.WhenAll(Enumerable.Range(0, 12).Select(async _ =>
        {
            var order = house.Order();
            var made = await house.MakeAsync(order);
            Assert.True(int.Parse(await house.AskAsync($"SELECT count(*) FROM pg_stat_activity WHERE datname = '{house.Database.Name}' AND application_name LIKE 'dbaccess%'"), System.Globalization.CultureInfo.InvariantCulture) <= 2);
            await house.RemoveAsync(order, made.Oid);
        }));
        await Patience.UntilAsync(async () => await CountAsync() == "0", "no connection is kept");

        Task<string> CountAsync() => house.AskAsync($"SELECT count(*) FROM pg_stat_activity WHERE datname = '{house.Database.Name}' AND application_name LIKE 'dbaccess%'");
    }

    private static Task CutAsync(RoleHouse house) =>
        house.AskAsync($"SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = 'dbaccess_admin' AND datname = '{house.Database.Name}'");
}
