using System.Text.Json;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.TestKit.Postgres;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>What a role ran, on a server that counts statements. Its extension is in a database of its own, in a schema with a name of its own.</summary>
public sealed class ActivityTests(PostgresFixture postgres) : IAsyncLifetime
{
    private PostgresServer _server = null!;
    private RoleHouse _house = null!;

    public async ValueTask InitializeAsync()
    {
        _ = postgres.Server;
        _server = await PostgresServer.StartAsync(new()
        {
            Major = PostgresFixture.WantedMajor,
            Settings = new Dictionary<string, string> { ["shared_preload_libraries"] = "pg_stat_statements", ["pg_stat_statements.track_utility"] = "on" },
        });
        _house = new RoleHouse(await _server.CreateSampleOrdersAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
    }

    [Fact]
    public async Task What_it_ran_is_on_the_receipt_without_a_value_of_it()
    {
        await CountAsync();
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var session = await _house.LogInAsync(order);
        for (var i = 1; i <= 3; i++) await RoleHouse.ExecuteAsync(session, $"SELECT id, status FROM orders WHERE status <> 'hush{i}' LIMIT {i}");
        foreach (var statement in (string[])
        [
            $"ALTER ROLE {order.Role} PASSWORD 'hush'", "CREATE TEMP TABLE t (a text DEFAULT 'hush', b int DEFAULT 4711)", "COMMENT ON TABLE t IS E'it\\'s hush'", "DO $x$ BEGIN PERFORM 'hush'; END $x$", "SET hush.token TO hush",
            "/* hush */ SELECT 1", "EXPLAIN SELECT 'hush'", "DECLARE c CURSOR WITH HOLD FOR SELECT 'hush', 4711", "PREPARE p AS SELECT 'hush'", "EXECUTE p",
        ]) await RoleHouse.ExecuteAsync(session, statement);

        var activity = (await _house.RemoveAsync(order, made.Oid)).Activity;

        Assert.NotNull(activity);
        Assert.True(activity.Statements >= 9, $"{activity.Statements} statements");
        var select = Assert.Single(activity.Most, line => line.Statement.StartsWith("SELECT id, status", StringComparison.Ordinal));
        Assert.Equal((3L, 6L), (select.Calls, select.Rows));
        Assert.Equal(select, activity.Most[0]);
        Assert.Contains(activity.Most, line => line.Statement.EndsWith("PASSWORD ?", StringComparison.Ordinal));
        var text = JsonSerializer.Serialize(activity).Replace("SET hush.token TO ?", "", StringComparison.Ordinal);
        Assert.DoesNotContain("hush", text, StringComparison.Ordinal);
        Assert.DoesNotContain("4711", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_it_last_ran_something_is_told_where_it_may_be_seen_and_nothing_is_guessed_where_not()
    {
        var (order, idle) = (_house.Order(), _house.Order());
        var made = await _house.MakeAsync(order);
        await _house.MakeAsync(idle);
        await using var session = await _house.LogInAsync(order);
        await RoleHouse.ExecuteAsync(session, "SELECT 1");

        await _house.AskAsync($"REVOKE pg_read_all_stats FROM {PostgresServer.AdministratorName}; SELECT 1");
        var unseen = await OpenAsync();
        await _house.AskAsync($"GRANT pg_read_all_stats TO {PostgresServer.AdministratorName}; SELECT 1");
        var seen = await OpenAsync();

        Assert.Equal((1, 1), (unseen[order.Grant].Sessions, seen[order.Grant].Sessions));
        Assert.NotNull(seen[order.Grant].LastStatement);
        Assert.Null(seen[idle.Grant].LastStatement);

        async Task<IReadOnlyDictionary<GrantId, OpenSessions>> OpenAsync() => await _house.Administrator.ListOpenAsync(
            order.Target.Cluster, [RoleHouse.ToRemove(order, made.Oid), RoleHouse.ToRemove(idle)], RoleHouse.Cancellation);
    }

    [Fact]
    public async Task It_is_bounded_and_counts_the_rest()
    {
        await CountAsync();
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using (var session = await _house.LogInAsync(order))
        {
            for (var i = 0; i < 60; i++) await RoleHouse.ExecuteAsync(session, $"SELECT id AS number_{i}, {string.Join(", ", Enumerable.Range(0, 1 + i).Select(n => $"id AS a_rather_long_name_{n}"))} FROM orders LIMIT 1");
        }

        var activity = (await _house.RemoveAsync(order, made.Oid)).Activity!;

        Assert.True(activity.Statements >= 60);
        Assert.True(activity.Calls >= 60);
        Assert.Equal(20, activity.Most.Count);
        Assert.All(activity.Most, line => Assert.InRange(line.Statement.Length, 1, 500));
    }

    [Fact]
    public async Task A_role_that_is_only_locked_out_has_it_too()
    {
        await CountAsync();
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        await _house.AskAsync($"CREATE SCHEMA fs; CREATE TABLE fs.t (i int); GRANT SELECT ON fs.t TO {order.Role}; SELECT 1");

        var locked = await _house.LockedOutAsync(order, made.Oid);

        Assert.Contains(locked.Receipt.Activity!.Most, line => line.Statement == "SELECT count(*) FROM orders");
    }

    [Theory]
    [InlineData("the extension is nowhere", "SELECT 1")]
    [InlineData("we may not read others' statements", "CREATE EXTENSION pg_stat_statements; REVOKE rds_superuser FROM dbaccess_admin; GRANT pg_signal_backend TO dbaccess_admin; SELECT 1")]
    [InlineData("what has its name is something else", "CREATE EXTENSION pg_stat_statements; ALTER EXTENSION pg_stat_statements DROP FUNCTION pg_stat_statements(boolean); ALTER FUNCTION pg_stat_statements(boolean) RENAME TO elsewhere; SELECT 1")]
    public async Task Where_it_cannot_be_read_the_role_goes_all_the_same(string why, string doing)
    {
        await _house.AskAsync(doing, _server.SuperuserConnectionString);
        for (var i = 0; i < 2; i++)
        {
            var order = _house.Order();
            var made = await _house.MakeAsync(order);
            Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT 1"));

            var receipt = await _house.RemoveAsync(order, made.Oid);

            Assert.True(receipt.Activity is null, why);
            Assert.Equal("0", await _house.TracesAsync(made.Oid));
        }
    }

    private Task CountAsync() => _house.AskAsync("CREATE SCHEMA \"odd ';\"; CREATE EXTENSION pg_stat_statements SCHEMA \"odd ';\"; SELECT 1", _server.SuperuserConnectionString);
}
