using System.Diagnostics;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure.Postgres;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>Lines that break and servers that die at each step of a removal: it converges, and nobody can log in once the end was confirmed.</summary>
public sealed class FailoverTests(PostgresFixture postgres)
{
    /// <summary>More pieces than this no removal sends.</summary>
    private const int MostPieces = 60;

    [Fact]
    public async Task A_line_that_breaks_before_any_piece_leaves_a_role_that_the_same_or_the_next_try_removes()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        await using var proxy = new LoopbackProxy(house.Database.Server.Port);
        house.Credentials.Current = house.Credentials.Current with { Port = proxy.Port };

        var pieces = 0;
        for (var fatal = 1; fatal <= MostPieces && pieces >= fatal - 1; fatal++)
        {
            var (order, made) = await WithLeftoversAsync(house);
            await using var session = await house.LogInAsync(order);
            pieces = 0;
            proxy.BeforePassing = _ =>
            {
                if (Interlocked.Increment(ref pieces) == fatal) proxy.Cut();
                return Task.CompletedTask;
            };

            var removal = await house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation);
            proxy.BeforePassing = null;
            if (removal is not RoleRemoval.Gone) Assert.Equal("postgres.unreachable", Assert.IsType<RoleRemoval.NotNow>(removal).Why.Code);
            await house.RemoveAsync(order, made.Oid);

            Assert.Equal("0", await house.TracesAsync(made.Oid));
            Assert.NotEqual("ok", await house.AsHolderAsync(order, "SELECT 1"));
        }
        Assert.InRange(pieces, 8, MostPieces - 1);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_that_dies_at_any_step_lets_nobody_in_afterwards_and_the_next_try_removes_the_rest(bool killed)
    {
        _ = postgres.Server;
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor });
        await using var house = new RoleHouse(await server.CreateSampleOrdersAsync());
        await using var proxy = new LoopbackProxy(server.Port);
        house.Credentials.Current = house.Credentials.Current with { Port = proxy.Port };
        var pieces = 0;
        var (first, firstMade) = await WithLeftoversAsync(house);
        proxy.BeforePassing = _ => Task.FromResult(Interlocked.Increment(ref pieces));
        await house.RemoveAsync(first, firstMade.Oid);
        var all = pieces;

        // Every third, and the last two: a restart takes a second.
        foreach (var fatal in Enumerable.Range(1, all).Where(n => n % 3 == 1 || n >= all - 1))
        {
            proxy.BeforePassing = null;
            var (order, made) = await WithLeftoversAsync(house);
            pieces = 0;
            var died = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            proxy.BeforePassing = async _ =>
            {
                if (Interlocked.Increment(ref pieces) != fatal) return;

                if (killed) await server.KillAsync();
                else await server.StopAsync(immediate: true);
                died.TrySetResult();
            };
            var removing = house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation);
            var removal = await removing;
            proxy.BeforePassing = null;
            // Those that were cut see it before the server is quite gone.
            if (Volatile.Read(ref pieces) >= fatal) await died.Task;
            if (!server.IsRunning) await server.StartAgainAsync();

            // Acknowledged is what the server had confirmed: it does not forget that in a crash.
            if (removal is RoleRemoval.Gone or RoleRemoval.LockedOut) Assert.NotEqual("ok", await house.AsHolderAsync(order, "SELECT 1"));
            await house.RemoveAsync(order, made.Oid);
            Assert.Equal("0", await house.TracesAsync(made.Oid));
            Assert.NotEqual("ok", await house.AsHolderAsync(order, "SELECT 1"));
        }
    }

    [Fact]
    public async Task A_cluster_that_wakes_slowly_is_waited_for_and_one_that_does_not_wake_is_not_now()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync(), options: new(8, TimeSpan.FromSeconds(2)));
        await using var proxy = new LoopbackProxy(house.Database.Server.Port);
        house.Credentials.Current = house.Credentials.Current with { Port = proxy.Port };
        var order = house.Order();
        proxy.Stall();

        var started = Stopwatch.StartNew();
        var making = await house.Administrator.MakeAsync(order, RoleHouse.Password, RoleHouse.Cancellation);
        var removal = await house.Administrator.RemoveAsync(RoleHouse.ToRemove(order), RoleHouse.Cancellation);
        Assert.Equal("postgres.timeout", Assert.IsType<RoleMaking.NotNow>(making).Why.Code);
        Assert.Equal("postgres.timeout", Assert.IsType<RoleRemoval.NotNow>(removal).Why.Code);
        Assert.True(started.Elapsed < TimeSpan.FromSeconds(25), $"It took {started.Elapsed}.");

        // Awake a second after the next try has begun.
        var waking = Task.Run(async () =>
        {
            await Task.Delay(TimeSpan.FromSeconds(1), RoleHouse.Cancellation);
            proxy.Resume();
        }, RoleHouse.Cancellation);
        var made = await house.MakeAsync(order);
        await waking;
        await house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_line_that_goes_silent_in_the_middle_gives_the_lease_back_and_the_next_try_removes_the_rest()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        await using var proxy = new LoopbackProxy(house.Database.Server.Port);
        house.Credentials.Current = house.Credentials.Current with { Port = proxy.Port };
        var (order, made) = await WithLeftoversAsync(house);
        var pieces = 0;
        proxy.BeforePassing = _ =>
        {
            if (Interlocked.Increment(ref pieces) == 6) proxy.Stall();
            return Task.CompletedTask;
        };
        using var lease = CancellationTokenSource.CreateLinkedTokenSource(RoleHouse.Cancellation);
        lease.CancelAfter(TimeSpan.FromSeconds(3));
        var started = Stopwatch.StartNew();

        RoleRemoval? cut = null;
        var thrown = await Record.ExceptionAsync(async () => cut = await house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), lease.Token));

        // Where it had done something already, it says what; where it had begun to hand over, the role was locked out.
        Assert.True(thrown is OperationCanceledException || cut is RoleRemoval.LockedOut { Receipt.HandedOver.Count: > 0 } || cut is RoleRemoval.NotNow { Why.Code: "removal.cut_off", SoFar.Existed: true }, $"{thrown} {cut}");
        Assert.True(started.Elapsed < TimeSpan.FromSeconds(10), $"It took {started.Elapsed}.");
        proxy.BeforePassing = null;
        proxy.Cut();
        proxy.Resume();
        await house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_server_without_a_free_connection_is_not_now_and_works_again_when_there_is_one()
    {
        _ = postgres.Server;
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor, Settings = new Dictionary<string, string> { ["max_connections"] = "8", ["superuser_reserved_connections"] = "2" } });
        await using var house = new RoleHouse(await server.CreateSampleOrdersAsync());
        var order = house.Order(RoleHouse.ReadScope with { Connections = 20 });
        var made = await house.MakeAsync(order);
        await using (var one = await house.Connections.OpenAsync(order.Target.Cluster, order.Target.Database, RoleHouse.Cancellation)) one.DropPool();
        List<NpgsqlConnection> sessions = [];
        try
        {
            while (true) sessions.Add(await house.LogInAsync(order));
        }
        catch (PostgresException full)
        {
            Assert.Equal("53300", full.SqlState);
        }

        Assert.Equal("postgres.full", Assert.IsType<RoleRemoval.NotNow>(await house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation)).Why.Code);
        await sessions[0].DisposeAsync();
        var receipt = await UntilGoneAsync(house, order, made.Oid);

        Assert.Equal(sessions.Count - 1, receipt.SessionsEnded);
        Assert.Equal("0", await house.TracesAsync(made.Oid));
        foreach (var session in sessions.Skip(1)) await session.DisposeAsync();
    }

    [Fact]
    public async Task A_password_rotated_in_the_middle_is_picked_up_with_few_wrong_tries()
    {
        _ = postgres.Server;
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor });
        await using var house = new RoleHouse(await server.CreateSampleOrdersAsync());
        await using var proxy = new LoopbackProxy(server.Port);
        house.Credentials.Current = house.Credentials.Current with { Port = proxy.Port };
        var (order, made) = await WithLeftoversAsync(house);
        var pieces = 0;
        proxy.BeforePassing = async _ =>
        {
            if (Interlocked.Increment(ref pieces) != 4) return;

            await house.AskAsync($"ALTER ROLE {PostgresServer.AdministratorName} PASSWORD 'rotated-Password'; SELECT 1", server.SuperuserConnectionString);
            house.Credentials.Fresh = house.Credentials.Current with { Password = new Secret("rotated-Password") };
        };

        await house.RemoveAsync(order, made.Oid);

        Assert.Equal("0", await house.TracesAsync(made.Oid));
        Assert.InRange(await WrongTriesAsync(server), 1, 3);
        Assert.Equal(1, house.Credentials.FreshReads);
    }

    [Fact]
    public async Task A_rotated_password_that_nobody_told_us_of_is_tried_three_times_at_most()
    {
        _ = postgres.Server;
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor });
        await using var house = new RoleHouse(await server.CreateSampleOrdersAsync());
        var order = house.Order();
        var made = await house.MakeAsync(order);
        await using (var one = await house.Connections.OpenAsync(order.Target.Cluster, order.Target.Database, RoleHouse.Cancellation)) one.DropPool();
        await house.AskAsync($"ALTER ROLE {PostgresServer.AdministratorName} PASSWORD 'rotated-Password'; SELECT 1", server.SuperuserConnectionString);

        for (var i = 0; i < 5; i++)
            Assert.Equal("postgres.rejected", Assert.IsType<RoleRemoval.NotNow>(await house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation)).Why.Code);

        Assert.InRange(await WrongTriesAsync(server), 1, 3);
        house.Credentials.Current = house.Credentials.Current with { Password = new Secret("rotated-Password") };
        Assert.True((await house.RemoveAsync(order, made.Oid)).Existed);
    }

    [Fact]
    public async Task Other_databases_that_refuse_or_reset_are_not_the_end_of_it()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        await using var proxy = new LoopbackProxy(house.Database.Server.Port);
        house.Credentials.Current = house.Credentials.Current with { Port = proxy.Port };
        var order = house.Order();
        var made = await house.MakeAsync(order);
        proxy.Refuse();
        proxy.Cut();

        Assert.Equal("postgres.unreachable", Assert.IsType<RoleRemoval.NotNow>(await house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation)).Why.Code);
        Assert.InRange(proxy.Connections, 1, 12);
        proxy.Refuse(false);

        Assert.True((await house.RemoveAsync(order, made.Oid)).Existed);
    }

    [Theory]
    [InlineData("verify-full", true, null, null)]
    [InlineData("verify-full", false, null, "postgres.tls")]
    [InlineData("verify-ca", false, null, "postgres.tls")]
    [InlineData("require", false, null, null)]
    [InlineData("verify-full", true, "db.example.test", "postgres.tls")]
    [InlineData("verify-ca", true, "db.example.test", null)]
    [InlineData("disable", true, null, "postgres.rejected")]
    public async Task Tls_is_what_the_credentials_ask_for(string sslMode, bool authorityIsKnown, string? certificateFor, string? refusal)
    {
        _ = postgres.Server;
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor, Tls = true, CertificateFor = certificateFor });
        var database = await server.CreateSampleOrdersAsync();
        await using var house = new RoleHouse(database);
        house.Credentials.Current = house.Credentials.Current with { SslMode = sslMode };
        var order = house.Order();
        RoleMaking making;
        RoleRemoval removal;
        // The only way to name an authority; nobody else in this process verifies one by it at the same time.
        Environment.SetEnvironmentVariable("PGSSLROOTCERT", authorityIsKnown ? server.CaCertificatePath : null);
        try
        {
            making = await house.Administrator.MakeAsync(order, RoleHouse.Password, RoleHouse.Cancellation);
            removal = await house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, (making as RoleMaking.Made)?.Oid), RoleHouse.Cancellation);
        }
        finally
        {
            Environment.SetEnvironmentVariable("PGSSLROOTCERT", null);
        }

        Assert.Equal(refusal, (removal as RoleRemoval.NotNow)?.Why.Code);
        Assert.Equal(refusal, (making as RoleMaking.NotNow)?.Why.Code);
        Assert.Equal(refusal is null, removal is RoleRemoval.Gone { Receipt.Existed: true });
    }

    [Fact]
    public async Task A_server_without_tls_is_refused_where_the_credentials_ask_for_it()
    {
        await using var house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        house.Credentials.Current = house.Credentials.Current with { SslMode = "verify-full" };

        var why = Assert.IsType<RoleRemoval.NotNow>(await house.Administrator.RemoveAsync(RoleHouse.ToRemove(house.Order()), RoleHouse.Cancellation)).Why;

        Assert.Equal("postgres.tls", why.Code);
        Assert.Contains("does not offer TLS", why.Message, StringComparison.Ordinal);
    }

    /// <summary>A role whose removal has every step: a large object, default privileges, a prepared transaction.</summary>
    private static async Task<(RoleOrder Order, RoleMaking.Made Made)> WithLeftoversAsync(RoleHouse house)
    {
        var order = house.Order();
        var made = await house.MakeAsync(order);
        Assert.Equal("ok", await house.AsHolderAsync(order, "SELECT lo_create(0); ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC"));
        await using var session = await house.LogInAsync(order);
        await RoleHouse.ExecuteAsync(session, "BEGIN; SELECT lo_create(0); SELECT count(*) FROM orders");
        await RoleHouse.ExecuteAsync(session, $"PREPARE TRANSACTION 'left by {made.Oid}'");
        return (order, made);
    }

    /// <summary>A connection that has just been given back is free a moment later.</summary>
    private static async Task<Domain.Grants.RemovalReceipt> UntilGoneAsync(RoleHouse house, RoleOrder order, uint oid)
    {
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience.Limit;)
        {
            if (await house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, oid), RoleHouse.Cancellation) is RoleRemoval.Gone gone) return gone.Receipt;
            await Task.Delay(50, RoleHouse.Cancellation);
        }
        return await house.RemoveAsync(order, oid);
    }

    private static async Task<int> WrongTriesAsync(PostgresServer server)
    {
        await using var stream = new FileStream(server.LogPath, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var reader = new StreamReader(stream);
        return (await reader.ReadToEndAsync(RoleHouse.Cancellation)).Split('\n').Count(line => line.Contains($"user={PostgresServer.AdministratorName}", StringComparison.Ordinal) && line.Contains("state=28P01", StringComparison.Ordinal) && line.Contains("FATAL", StringComparison.Ordinal));
    }
}
