using DbAccess.Application.Ports;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>A server with room for few locks, which all its sessions share: what a holder may fill, and what our own clean-up must leave to others.</summary>
public sealed class CrowdedServerTests(PostgresFixture postgres) : IAsyncLifetime
{
    /// <summary>Locks that are free again: enough for a login, not for a strike. Any number from 3 to 9 does (seen on 15 and 17).</summary>
    private const int Room = 6;

    private PostgresServer _server = null!;
    private RoleHouse _house = null!;

    public async ValueTask InitializeAsync()
    {
        _ = postgres.Server;
        _server = await PostgresServer.StartAsync(new()
        {
            Major = PostgresFixture.WantedMajor,
            Settings = new Dictionary<string, string> { ["max_locks_per_transaction"] = "16", ["max_connections"] = "30", ["max_prepared_transactions"] = "2" },
        });
        _house = new RoleHouse(await _server.CreateSampleOrdersAsync("orders"));
        await _house.AskAsync($"CREATE SCHEMA workshop; GRANT CREATE, USAGE ON SCHEMA workshop TO PUBLIC; ALTER SCHEMA workshop OWNER TO \"{_house.Database.Owner}\"; SELECT 1");
    }

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
    }

    [Theory]
    [InlineData("n{0} (i serial PRIMARY KEY, t text)", "TABLE", 400)]
    [InlineData("n{0} AS SELECT 1 AS i", "VIEW", 3000)]
    public async Task What_takes_more_locks_than_there_is_room_for_is_handed_over_in_portions_and_nobody_else_is_without(string thing, string kind, int many)
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var what = $"CREATE {kind} workshop.{thing}".Replace("{0}", "%s", StringComparison.Ordinal);
        for (var from = 1; from <= many; from += 40)
            Assert.Equal("ok", await _house.AsHolderAsync(order, $"DO $$ BEGIN FOR i IN {from}..{from + 39} LOOP EXECUTE format('{what}; GRANT SELECT ON workshop.n%s TO PUBLIC', i, i); END LOOP; END $$"));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "CREATE FUNCTION workshop.f() RETURNS int LANGUAGE sql AS 'SELECT 1'"));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(RoleHouse.Cancellation);
        var stranger = WorkAsync(stop.Token);

        var receipt = await _house.RemoveAsync(order, made.Oid);

        await stop.CancelAsync();
        Assert.True(await stranger > 0);
        Assert.Equal($"{many}", await _house.AskAsync($"SELECT count(*) FROM pg_class WHERE relowner = '{_house.EscrowName}'::regrole AND relkind IN ('r', 'v')"));
        Assert.Contains(receipt.HandedOver, line => line.Contains("workshop.n1, taken from PUBLIC, in schema", StringComparison.Ordinal));
        Assert.Contains($"and {many + 1 - 200} more", receipt.HandedOver);
        if (kind == "VIEW") Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_class WHERE relkind = 'v' AND relowner = '{_house.EscrowName}'::regrole AND has_table_privilege('public', oid, 'SELECT')"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));

        // A login and fifty locks, again and again.
        async Task<int> WorkAsync(CancellationToken stopped)
        {
            for (var done = 0; ; done++)
            {
                if (stopped.IsCancellationRequested) return done;
                await using var connection = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
                await connection.OpenAsync(RoleHouse.Cancellation);
                await RoleHouse.ExecuteAsync(connection, "SELECT pg_advisory_xact_lock(i) FROM generate_series(1, 50) i");
            }
        }
    }

    [Fact]
    public async Task A_holder_who_filled_the_room_for_locks_is_cut_off_as_soon_as_there_is_room_for_a_few()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var stranger = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await stranger.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(stranger, "SELECT pg_advisory_lock(-i) FROM generate_series(1, 40) i");
        await using var session = await _house.LogInAsync(order);
        // Caught on the server, since Npgsql leaves after this error, which would give everything back.
        await RoleHouse.ExecuteAsync(session, "DO $$ BEGIN PERFORM pg_advisory_lock(i) FROM generate_series(1, 100000) i; EXCEPTION WHEN OTHERS THEN NULL; END $$");

        var without = Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));
        await RoleHouse.ExecuteAsync(stranger, $"SELECT pg_advisory_unlock(-i) FROM generate_series(1, {Room}) i");
        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("postgres.full", without.Why.Code);
        Assert.Contains("no room left for locks", without.Why.Message, StringComparison.Ordinal);
        Assert.Contains("where no login succeeds any more", without.Why.Message, StringComparison.Ordinal);
        Assert.Equal(1, receipt.SessionsEnded);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_holder_who_filled_all_the_room_for_locks_is_cut_off_by_a_connection_that_knew_the_role_before()
    {
        await using var house = new RoleHouse(_house.Database, warm: true);
        var order = house.Order();
        var made = await house.MakeAsync(order);
        await house.Warm.SettleAsync();
        await using var session = await house.LogInAsync(order);
        await RoleHouse.ExecuteAsync(session, "DO $$ BEGIN PERFORM pg_advisory_lock(i) FROM generate_series(1, 100000) i; EXCEPTION WHEN OTHERS THEN NULL; END $$");
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => house.LogInAsync(order));

        var receipt = await house.RemoveAsync(order, made.Oid);

        Assert.Equal(1, receipt.SessionsEnded);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT 1"));
        Assert.Equal("0", await house.TracesAsync(made.Oid));
        // Where nothing is live any more there is none, so that a cluster can go to sleep.
        await house.Warm.SettleAsync();
        Assert.False(house.Warm.IsKept(order.Target.Cluster));
    }

    [Fact]
    public async Task What_cannot_be_handed_over_for_want_of_room_is_named_with_what_helps()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        // Not so many that they would go in portions.
        Assert.Equal("ok", await _house.AsHolderAsync(order, "DO $$ BEGIN FOR i IN 1..12 LOOP EXECUTE format('CREATE TABLE workshop.n%s (i serial PRIMARY KEY, t text)', i); END LOOP; END $$"));
        await using var stranger = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await stranger.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(stranger, "DO $$ BEGIN PERFORM pg_advisory_lock(i) FROM generate_series(1, 100000) i; EXCEPTION WHEN OTHERS THEN NULL; END $$; SELECT pg_advisory_unlock(i) FROM generate_series(1, 40) i");

        var locked = Assert.IsType<RoleRemoval.LockedOut>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));
        await RoleHouse.ExecuteAsync(stranger, "SELECT pg_advisory_unlock_all()");
        await _house.RemoveAsync(order, made.Oid);

        Assert.Contains("could not be handed over: the server has no room left for locks", Assert.Single(locked.Blockers), StringComparison.Ordinal);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }
}
