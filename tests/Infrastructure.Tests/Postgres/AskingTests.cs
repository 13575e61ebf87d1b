using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

public sealed class AskingTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly List<string> _seen = [];
    private RoleHouse _house = null!;
    private Func<string, Exception?> _before = _ => null;
    private Func<string, Exception?> _after = _ => null;

    private static ClusterName Cluster => ClusterName.Parse("orders-prod")!;

    public async ValueTask InitializeAsync()
    {
        var seam = new StatementSeam(
            (_, statements, _) =>
            {
                _seen.AddRange(statements.Select(statement => statement.Sql));
                return _before(statements[0].Sql) is { } fault ? throw fault : ValueTask.CompletedTask;
            },
            (_, statements, _) => _after(statements[0].Sql) is { } fault ? throw fault : ValueTask.CompletedTask);
        _house = new RoleHouse(await postgres.CreateDatabaseAsync("asking"), options: PostgresOptions.Default with { Seam = seam });
    }

    public ValueTask DisposeAsync() => _house.DisposeAsync();

    [Fact]
    public async Task Every_type_of_value_arrives_as_what_it_is()
    {
        await using var cluster = await OpenAsync();
        var at = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(2));

        var types = await cluster.FirstAsync(
            "SELECT array_to_string(ARRAY[pg_typeof($1), pg_typeof($2), pg_typeof($3), pg_typeof($4), pg_typeof($5), pg_typeof($6), pg_typeof($7), pg_typeof($8), pg_typeof($9), pg_typeof($10)]::text[], ' | ')",
            ["a", (string[])["a"], true, 1, 1L, 1U, (long[])[1], (uint[])[1], (int[])[1], at], row => row.GetString(0), RoleHouse.Cancellation);
        var back = await cluster.FirstAsync("SELECT $1, $2, $3", [(string?)null, uint.MaxValue, at],
            row => (row.IsDBNull(0), row.GetFieldValue<uint>(1), new DateTimeOffset(row.GetDateTime(2), TimeSpan.Zero)), RoleHouse.Cancellation);

        Assert.Equal("text | text[] | boolean | integer | bigint | oid | bigint[] | oid[] | integer[] | timestamp with time zone", types);
        Assert.Equal((true, uint.MaxValue, at), back);
    }

    [Fact]
    public async Task A_batch_is_one_transaction_and_knows_which_statement_failed()
    {
        await using var cluster = await OpenAsync();
        await cluster.RunAsync("CREATE TEMP TABLE t (n int)", RoleHouse.Cancellation);

        var refused = await Assert.ThrowsAsync<PostgresException>(() => cluster.BatchAsync(
            [new Asked("INSERT INTO t VALUES (1)"), new Asked("INSERT INTO t SELECT 1 / $1", 0), new Asked("INSERT INTO t VALUES (3)")],
            _ => Task.FromResult(0), RoleHouse.Cancellation));

        Assert.Equal(1, Asked.Culprit(refused));
        Assert.Empty(await cluster.RowsAsync("SELECT n FROM t", [], row => row.GetInt32(0), RoleHouse.Cancellation));
    }

    [Fact]
    public async Task What_stands_before_a_barrier_stays()
    {
        await using var cluster = await OpenAsync();
        await cluster.RunAsync("CREATE TEMP TABLE t (n int)", RoleHouse.Cancellation);

        await Assert.ThrowsAsync<PostgresException>(() => cluster.BatchAsync(
            [new Asked("INSERT INTO t VALUES (1)") { Barrier = true }, new Asked("INSERT INTO t SELECT 1 / $1", 0)],
            async reader => await reader.NextResultAsync(RoleHouse.Cancellation), RoleHouse.Cancellation));

        Assert.Equal([1], await cluster.RowsAsync("SELECT n FROM t", [], row => row.GetInt32(0), RoleHouse.Cancellation));
    }

    [Fact]
    public async Task Before_a_statement_a_fault_keeps_it_from_leaving_and_after_it_the_answer_is_lost()
    {
        await using var cluster = await OpenAsync();
        await cluster.RunAsync("CREATE TEMP TABLE t (n int)", RoleHouse.Cancellation);

        _before = _ => new IOException("cut");
        await Assert.ThrowsAsync<IOException>(() => cluster.RunAsync("INSERT INTO t VALUES (1)", RoleHouse.Cancellation));
        (_before, _after) = (_ => null, _ => new IOException("cut"));
        await Assert.ThrowsAsync<IOException>(() => cluster.RunAsync("INSERT INTO t VALUES (2)", RoleHouse.Cancellation));
        _after = _ => null;

        Assert.Equal([2], await cluster.RowsAsync("SELECT n FROM t", [], row => row.GetInt32(0), RoleHouse.Cancellation));
    }

    [Theory]
    [InlineData("40P01", nameof(Passing.Any), 10)]
    [InlineData("42704", nameof(Passing.Any), 10)]
    [InlineData("57P01", nameof(Passing.Any), 3)]
    [InlineData("25P03", nameof(Passing.Any), 3)]
    [InlineData("25P04", nameof(Passing.Any), 3)]
    [InlineData("57P05", nameof(Passing.Any), 3)]
    [InlineData("40P01", nameof(Passing.Lost), 1)]
    [InlineData("57P01", nameof(Passing.Contention), 1)]
    [InlineData("42501", nameof(Passing.Any), 1)]
    public async Task What_may_be_repeated_is_repeated_so_often_and_no_more(string code, string may, int tries)
    {
        _before = _ => new PostgresException("", "ERROR", "ERROR", code);

        await Assert.ThrowsAsync<PostgresException>(() => new Attempts(TimeProvider.System, Enum.Parse<Passing>(may)).RunOnAsync(_house.Connections, Cluster, null,
            cluster => cluster.RunAsync("SELECT 1", RoleHouse.Cancellation), RoleHouse.Cancellation));

        Assert.Equal(tries, _seen.Count);
    }

    [Fact]
    public async Task What_passes_is_done_at_the_next_try()
    {
        var left = 3;
        _before = _ => left-- > 0 ? new PostgresException("", "ERROR", "ERROR", "40001") : null;

        var answer = await new Attempts(TimeProvider.System).RunOnAsync(_house.Connections, Cluster, null,
            cluster => cluster.FirstAsync("SELECT 7", [], row => row.GetInt32(0), RoleHouse.Cancellation), RoleHouse.Cancellation);

        Assert.Equal((7, 4), (answer, _seen.Count));
    }

    [Theory]
    [InlineData("25P03", "made")]
    [InlineData("58030", "postgres.unreachable")]
    public async Task What_passes_while_a_scope_is_set_up_is_no_refusal(string code, string becomes)
    {
        var left = 1;
        _before = sql => sql.StartsWith("CREATE ROLE", StringComparison.Ordinal) && left-- > 0 ? new PostgresException("", "FATAL", "FATAL", code) : null;

        var making = await _house.Administrator.MakeAsync(_house.Order(), RoleHouse.Password, RoleHouse.Cancellation);

        Assert.Equal(becomes, making is RoleMaking.NotNow later ? later.Why.Code : making is RoleMaking.Made ? "made" : making.ToString());
    }

    private Task<ClusterConnection> OpenAsync() => _house.Connections.OpenAsync(Cluster, _house.Database.Name, RoleHouse.Cancellation);
}
