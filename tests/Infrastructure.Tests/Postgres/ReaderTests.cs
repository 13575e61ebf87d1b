using System.Net;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>A writer and a reader that follows it, a pooler, and what a failover makes of them. On servers of their own.</summary>
public sealed class ReaderTests(PostgresFixture postgres) : IAsyncLifetime
{
    private PostgresServer _writer = null!;
    private PostgresServer _reader = null!;
    private LoopbackProxy _proxy = null!;
    private RoleHouse _house = null!;

    public async ValueTask InitializeAsync()
    {
        _ = postgres.Server;
        _writer = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor });
        _house = new RoleHouse(await _writer.CreateSampleOrdersAsync(), options: new(8, TimeSpan.FromSeconds(2)));
        _reader = await _writer.StartStandbyAsync();
        _proxy = new LoopbackProxy(_writer.Port);
        _house.Credentials.Current = _house.Credentials.Current with { Port = _proxy.Port, Readers = [$"127.0.0.1:{_reader.Port}"] };
    }

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
        if (_proxy is not null) await _proxy.DisposeAsync();
        if (_reader is not null) await _reader.DisposeAsync();
        if (_writer is not null) await _writer.DisposeAsync();
    }

    [Theory]
    [InlineData("SELECT 1")]
    [InlineData("BEGIN; SELECT count(*) FROM public.orders")]
    [InlineData("SET ROLE {scope}")]
    public async Task A_session_on_a_reader_is_found_and_ended(string doing)
    {
        var (order, made) = await MadeAsync();
        if (doing.StartsWith("SET ROLE", StringComparison.Ordinal)) Assert.SkipUnless(_writer.Major < 16, "From PostgreSQL 16 on nobody can become the scope role.");
        await using var onReader = await LogInAsync(_reader, order);
        await using var onWriter = await LogInAsync(_writer, order);
        await RoleHouse.ExecuteAsync(onReader, doing.Replace("{scope}", ScopeRoles.NamesFor(order)[0].Value, StringComparison.Ordinal));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(onReader, "SELECT 1"));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(onWriter, "SELECT 1"));
        Assert.Equal(2, receipt.SessionsEnded);
        Assert.Equal(
            [($"127.0.0.1:{_proxy.Port}", true, 1, 1), ($"127.0.0.1:{_reader.Port}", false, 1, 1)],
            receipt.Instances.Select(check => (check.Instance, check.IsWriter, check.SessionsFound, check.SessionsEnded)));
        Assert.All(receipt.Instances, check => Assert.True(check.CheckedAt <= receipt.ProvedAt));
        await _reader.CaughtUpAsync(_writer);
        Assert.Equal("0", await OnReaderAsync($"SELECT count(*) FROM pg_roles WHERE oid = {made.Oid}"));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => LogInAsync(_reader, order));
    }

    [Fact]
    public async Task A_reader_that_has_not_heard_of_the_end_is_waited_for_and_whoever_it_let_in_is_ended()
    {
        var (order, made) = await MadeAsync();
        await OnReaderAsync("SELECT pg_wal_replay_pause()::text");

        // The reader answers and knows nothing yet: whoever comes now is let in there, so it is not called over.
        var unsure = Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));
        Assert.Contains($"127.0.0.1:{_reader.Port} lags behind", unsure.Why.Message, StringComparison.Ordinal);
        Assert.NotEqual("ok", await _house.AsHolderAsync(order, "SELECT 1"));
        await using var late = await LogInAsync(_reader, order);
        await OnReaderAsync("SELECT pg_wal_replay_resume()::text");

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal(1, receipt.SessionsEnded);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(late, "SELECT 1"));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => LogInAsync(_reader, order));
    }

    [Fact]
    public async Task A_reader_that_has_not_even_heard_of_the_making_is_waited_for()
    {
        await OnReaderAsync("SELECT pg_wal_replay_pause()::text");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);

        // It knows of no such role, twice; on its way to knowing that it is gone it would let it in.
        for (var i = 0; i < 2; i++)
        {
            var unsure = Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));
            Assert.Contains($"127.0.0.1:{_reader.Port} lags behind", unsure.Why.Message, StringComparison.Ordinal);
        }
        await OnReaderAsync("SELECT pg_wal_replay_resume()::text");

        Assert.NotNull((await _house.RemoveAsync(order, made.Oid)).ProvedAt);
    }

    [Fact]
    public async Task Who_was_given_the_role_is_cut_off_on_readers_too()
    {
        Assert.SkipUnless(_writer.Major < 16, "From PostgreSQL 16 on whoever is given the role does not get its scope role with it.");
        var (order, made) = await MadeAsync();
        var friend = $"friend_{order.Grant.Compact}";
        await _house.AskAsync($"CREATE ROLE {friend} LOGIN PASSWORD '{RoleHouse.Password.Reveal()}'");
        await _house.AskAsync($"GRANT {order.Role} TO {friend}");
        await _reader.CaughtUpAsync(_writer);
        await using var session = new NpgsqlConnection(_reader.ConnectionString(friend, RoleHouse.Password.Reveal(), _house.Database.Name) + ";Pooling=false");
        await session.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(session, $"SET ROLE {order.Role}");

        await _house.RemoveAsync(order, made.Oid);

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT 1"));
    }

    [Fact]
    public async Task A_reader_that_is_not_listed_is_told_of_where_it_cannot_be_reached()
    {
        _house.Credentials.Current = _house.Credentials.Current with { Readers = [] };
        var (order, made) = await MadeAsync();

        // The writer knows its address and not its port; at the writer's own, here, is the writer.
        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Contains("not among the readers of the administrator credentials", Assert.Single(receipt.Remarks), StringComparison.Ordinal);
        Assert.Equal([true], receipt.Instances.Select(check => check.IsWriter));
    }

    [Fact]
    public async Task A_reader_that_is_not_listed_is_swept_where_it_answers()
    {
        // It is looked for at the address that the writer sends its log to, and the writer's port: so the writer gets an address of its own here.
        await using var writer = new LoopbackProxy(_writer.Port, new IPEndPoint(IPAddress.Parse("127.0.0.2"), _reader.Port));
        _house.Credentials.Current = _house.Credentials.Current with { Host = "127.0.0.2", Port = writer.Port, Readers = [] };
        var (order, made) = await MadeAsync();
        await using var onReader = await LogInAsync(_reader, order);

        var receipt = await _house.RemoveAsync(order, made.Oid);

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(onReader, "SELECT 1"));
        Assert.Equal(
            [($"127.0.0.2:{_reader.Port}", true, 0), ($"127.0.0.1:{_reader.Port}", false, 1)],
            receipt.Instances.Select(check => (check.Instance, check.IsWriter, check.SessionsEnded)));
        Assert.Empty(receipt.Remarks);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => LogInAsync(_reader, order));
    }

    [Fact]
    public async Task Readers_that_Aurora_knows_of_are_looked_for_as_well()
    {
        await _house.AskAsync("SET allow_system_table_mods = on; CREATE FUNCTION pg_catalog.aurora_replica_status() RETURNS TABLE (server_id text, session_id text) LANGUAGE sql AS $$VALUES ('orders-1', 'MASTER_SESSION_ID'), ('orders-2', 'a'), ('application-autoscaling-3', 'b')$$; SELECT 1");
        var (order, made) = await MadeAsync();

        var receipt = await _house.RemoveAsync(order, made.Oid);

        // One is listed, under a name of its own.
        Assert.Single(receipt.Remarks, remark => remark.Contains("the instance ", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("orders.cluster-c1a2.eu-west-1.rds.amazonaws.com", "orders-2", "orders-2.c1a2.eu-west-1.rds.amazonaws.com")]
    [InlineData("orders-1.c1a2.eu-west-1.rds.amazonaws.com", "orders-2", "orders-2.c1a2.eu-west-1.rds.amazonaws.com")]
    [InlineData("orders.cluster-c1a2.cn-north-1.rds.amazonaws.com.cn", "orders-2", "orders-2.c1a2.cn-north-1.rds.amazonaws.com.cn")]
    [InlineData("db.example.org", "orders-2", null)]
    [InlineData("127.0.0.1", "orders-2", null)]
    public void An_instance_of_Aurora_is_found_by_the_name_of_its_cluster(string writer, string server, string? endpoint) =>
        Assert.Equal(endpoint, Followers.AuroraEndpoint(writer, server));

    [Fact]
    public async Task A_reader_that_does_not_answer_is_not_taken_for_empty_and_holds_up_nothing_on_the_writer()
    {
        var (order, made) = await MadeAsync();
        await using var session = await LogInAsync(_writer, order);
        await _reader.StopAsync(immediate: true);

        var unsure = Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));
        Assert.Contains($"127.0.0.1:{_reader.Port}", unsure.Why.Message, StringComparison.Ordinal);
        Assert.NotEqual("ok", await _house.AsHolderAsync(order, "SELECT 1"));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT 1"));
        await _reader.StartAgainAsync();

        Assert.Equal(2, (await _house.RemoveAsync(order, made.Oid)).Instances.Count);
    }

    [Fact]
    public async Task A_reader_under_the_writers_name_is_noticed_and_the_new_writer_is_found()
    {
        var (order, made) = await MadeAsync();
        await using var session = await LogInAsync(_writer, order);
        _house.Credentials.Current = _house.Credentials.Current with { Readers = [] };
        await _reader.CaughtUpAsync(_writer);

        // The name leads to what only reads still, as it does to a client with old addresses; then the writer dies and the reader takes its place.
        _proxy.LeadTo(_reader.Port);
        _proxy.Cut();
        Assert.Equal("postgres.read_only", Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation)).Why.Code);
        Assert.Equal("postgres.read_only", Assert.IsType<RoleMaking.NotNow>(await _house.Administrator.MakeAsync(_house.Order(), RoleHouse.Password, RoleHouse.Cancellation)).Why.Code);
        await using var onReader = await LogInAsync(_reader, order);
        await _writer.KillAsync();
        await _reader.PromoteAsync();

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.True(receipt.Existed);
        Assert.Equal(1, receipt.SessionsEnded);
        Assert.Equal("0", await OnReaderAsync($"SELECT count(*) FROM pg_roles WHERE oid = {made.Oid}"));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => LogInAsync(_reader, order));
    }

    [Fact]
    public async Task A_reader_that_has_not_heard_of_the_role_is_not_asked_whether_it_is_gone()
    {
        await OnReaderAsync("SELECT pg_wal_replay_pause()::text");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        _house.Credentials.Current = _house.Credentials.Current with { Port = _reader.Port, Readers = [] };

        Assert.Equal("postgres.read_only", Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation)).Why.Code);

        _house.Credentials.Current = _house.Credentials.Current with { Port = _writer.Port };
        Assert.True((await _house.RemoveAsync(order, made.Oid)).Existed);
        await OnReaderAsync("SELECT pg_wal_replay_resume()::text");
    }

    [Fact]
    public async Task Pooled_connections_to_a_writer_that_became_a_reader_are_given_up()
    {
        var (order, made) = await MadeAsync();
        // Warm, and then behind the same name: a switch-over without a broken connection.
        await _reader.CaughtUpAsync(_writer);
        _house.Credentials.Current = _house.Credentials.Current with { Port = _reader.Port, Readers = [] };
        Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));
        await _writer.StopAsync();
        await _reader.PromoteAsync();

        Assert.True((await _house.RemoveAsync(order, made.Oid)).Existed);
    }

    [Fact]
    public async Task Nobody_comes_in_through_a_pooler_afterwards()
    {
        var (order, made) = await MadeAsync();
        await using var pooler = await PgBouncer.StartAsync(_writer, order.Role.Value, RoleHouse.Password.Reveal());
        var through = new NpgsqlConnectionStringBuilder(_house.Database.ConnectionStringFor(order.Role.Value, RoleHouse.Password.Reveal())) { Port = pooler.Port, Pooling = false }.ConnectionString;
        await using var session = new NpgsqlConnection(through);
        await session.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(session, "SELECT 1");
        // Its session on the server stays when the client is gone: that is what a pooler is for.
        await session.CloseAsync();
        Assert.Equal("1", await _house.AskAsync($"SELECT count(*) FROM pg_stat_activity WHERE usesysid = {made.Oid}"));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal(1, receipt.SessionsEnded);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        await pooler.LoseItsPatienceAsync();
        // The pooler knows the password still and lets the client in; there is nothing behind it.
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => _house.AskAsync("SELECT 1", through));
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_stat_activity WHERE usesysid = {made.Oid}"));
    }

    private async Task<(RoleOrder Order, RoleMaking.Made Made)> MadeAsync()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _reader.CaughtUpAsync(_writer);
        return (order, made);
    }

    private Task<string> OnReaderAsync(string sql) => _house.AskAsync(sql, _reader.SuperuserConnectionString);

    private async Task<NpgsqlConnection> LogInAsync(PostgresServer server, RoleOrder order)
    {
        var connection = new NpgsqlConnection(server.ConnectionString(order.Role.Value, RoleHouse.Password.Reveal(), _house.Database.Name) + ";Pooling=false");
        await connection.OpenAsync(RoleHouse.Cancellation);
        return connection;
    }
}
