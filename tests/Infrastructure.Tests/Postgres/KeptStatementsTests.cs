using System.Globalization;
using System.Text;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit.Postgres;
using Microsoft.Extensions.Logging.Abstractions;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>What is run on a real server is kept as text, in order, with what came of it and without any secret.</summary>
public sealed class KeptStatementsTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;

    public async ValueTask InitializeAsync() => _house = new RoleHouse(await postgres.CreateSampleOrdersAsync());

    public ValueTask DisposeAsync() => _house.DisposeAsync();

    [Fact]
    [Core]
    public async Task Of_a_making_everything_is_kept_but_the_verifier()
    {
        var order = _house.Order();
        using var ran = RanStatements.Begin(TimeProvider.System);

        await _house.MakeAsync(order);

        var scope = ScopeRoles.NamesFor(order)[0].Value;
        InOrder(ran.Text,
            $"-- on {_house.Database.Name} at ", "BEGIN;", $"CREATE ROLE {scope} NOLOGIN", $"COMMENT ON ROLE {scope} IS ", "GRANT SELECT ON TABLE ", $" TO {scope};", "COMMIT;",
            "together:", $"CREATE ROLE {order.Role} LOGIN ", "PASSWORD '…';", $"COMMENT ON ROLE {order.Role} IS ", $"GRANT {scope} TO {order.Role}");
        Assert.DoesNotContain("ROLLBACK", ran.Text, StringComparison.Ordinal);
        WithoutSecrets(ran.Text);
    }

    [Fact]
    [Core]
    public async Task A_making_whose_scope_is_there_keeps_only_what_makes_the_role()
    {
        await _house.MakeAsync(_house.Order());
        var order = _house.Order();
        using var ran = RanStatements.Begin(TimeProvider.System);

        await _house.MakeAsync(order);

        Assert.Equal(3, ran.Count);
        InOrder(ran.Text, $"CREATE ROLE {order.Role} LOGIN ", $"COMMENT ON ROLE {order.Role} IS ", $" TO {order.Role}");
    }

    [Fact]
    [Core]
    public async Task Of_a_clean_removal_the_drop_is_kept_with_what_it_was_about()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        using var ran = RanStatements.Begin(TimeProvider.System);

        var receipt = await _house.RemoveAsync(order, made.Oid);

        InOrder(ran.Text, "DO $do$", "EXECUTE 'DROP ROLE ' || current_setting('dbaccess.ident')", "pg_terminate_backend(a.pid)",
            $"$1 = '{made.Oid}', $2 = '{order.Role}'", $"dbaccess.strike = drop, dbaccess.found = {made.Oid}, dbaccess.ident = {order.Role}");
        Assert.Empty(receipt.Sessions);
        WithoutSecrets(ran.Text);
    }

    [Fact]
    [Core]
    public async Task A_session_that_is_ended_is_named_and_so_is_what_ended_it()
    {
        await _house.AskAsync($"GRANT pg_read_all_stats TO {PostgresServer.AdministratorName}; SELECT 1");
        try
        {
            var order = _house.Order();
            var made = await _house.MakeAsync(order);
            await using var session = await _house.LogInAsync(order);
            await RoleHouse.ExecuteAsync(session, "SET application_name = 'psql\ton a laptop'");
            var since = DateTimeOffset.Parse(
                await _house.AskAsync($"SELECT to_char(backend_start AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"') FROM pg_stat_activity WHERE pid = {session.ProcessID}"),
                CultureInfo.InvariantCulture);
            using var ran = RanStatements.Begin(TimeProvider.System);

            var receipt = await _house.RemoveAsync(order, made.Oid);

            InOrder(ran.Text, "DO $do$", "NOLOGIN CONNECTION LIMIT 0", "pg_terminate_backend(a.pid)", "dbaccess.strike = contain", "again, as above: DO $do$", "dbaccess.strike = drop");
            var ended = Assert.Single(receipt.Sessions);
            Assert.Equal((1, session.ProcessID, since, "127.0.0.1", order.Role.Value), (receipt.SessionsEnded, ended.Pid, ended.Since, ended.Client, ended.User));
            Assert.StartsWith("psql", ended.Application, StringComparison.Ordinal);
            Assert.EndsWith($":{_house.Database.Server.Port}", ended.Instance, StringComparison.Ordinal);
        }
        finally
        {
            await _house.AskAsync($"REVOKE pg_read_all_stats FROM {PostgresServer.AdministratorName}; SELECT 1");
        }
    }

    [Fact]
    public async Task Of_many_sessions_fifty_are_named_and_all_are_counted()
    {
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Select)], connections: 60));
        var made = await _house.MakeAsync(order);
        var sessions = await Task.WhenAll(Enumerable.Range(0, 53).Select(_ => _house.LogInAsync(order)));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        foreach (var session in sessions) await session.DisposeAsync();
        Assert.Equal((53, RemovalReceipt.MostSessions), (receipt.SessionsEnded, receipt.Sessions.Count));
        Assert.Equal(RemovalReceipt.MostSessions, receipt.Sessions.Select(one => one.Pid).Distinct().Count());
    }

    [Fact]
    [Core]
    public async Task Of_an_end_that_is_moved_and_of_a_new_password_the_statements_are_kept()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        using var ran = RanStatements.Begin(TimeProvider.System);

        Assert.Null((await _house.Administrator.MoveEndAsync(RoleHouse.ToRemove(order, made.Oid), new DateTimeOffset(2027, 1, 2, 3, 4, 5, TimeSpan.Zero), RoleHouse.Cancellation)).Refusal);
        Assert.Null((await _house.Administrator.SetPasswordAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Password, RoleHouse.Cancellation)).Refusal);

        InOrder(ran.Text, "2 together:", $"ALTER ROLE {order.Role} VALID UNTIL '2027-01-02T03:04:05Z';", $"COMMENT ON ROLE {order.Role} IS ", $"ALTER ROLE {order.Role} PASSWORD '…';");
        Assert.Equal(3, ran.Count);
        WithoutSecrets(ran.Text);
    }

    [Fact]
    [Core]
    public async Task What_the_server_refuses_is_kept_with_that()
    {
        var order = _house.Order();
        await _house.AskAsync($"CREATE ROLE {order.Role}; SELECT 1");
        try
        {
            using var ran = RanStatements.Begin(TimeProvider.System);

            Assert.IsType<RoleMaking.NameTaken>(await _house.Administrator.MakeAsync(order, RoleHouse.Password, RoleHouse.Cancellation));

            InOrder(ran.Text, $"CREATE ROLE {order.Role} LOGIN ", $"-- failed (SQLSTATE 42710) at: CREATE ROLE {order.Role} LOGIN", "none of those sent together with it stands");
            WithoutSecrets(ran.Text);
        }
        finally
        {
            await _house.AskAsync($"DROP ROLE {order.Role}; SELECT 1");
        }
    }

    [Fact]
    public async Task Where_the_server_is_not_reached_nothing_was_run()
    {
        _house.Credentials.Current = _house.Credentials.Current with { Port = 1 };
        using var ran = RanStatements.Begin(TimeProvider.System);

        Assert.IsType<RoleMaking.NotNow>(await _house.Administrator.MakeAsync(_house.Order(), RoleHouse.Password, RoleHouse.Cancellation));

        Assert.Equal((0, ""), (ran.Count, ran.Text));
    }

    [Fact]
    public async Task A_statement_without_an_answer_is_kept_as_that()
    {
        var database = _house.Database;
        await using var cluster = await _house.Connections.OpenAsync(_house.Order().Target.Cluster, database.Name, RoleHouse.Cancellation);
        using var ran = RanStatements.Begin(TimeProvider.System);

        await Assert.ThrowsAnyAsync<Exception>(() => cluster.RunAsync("DO $do$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(60); END $do$", RoleHouse.Cancellation));

        InOrder(ran.Text, "DO $do$", "-- no answer (", "whether that was carried out is not known");
    }

    [Fact]
    public async Task A_scope_of_very_many_tables_does_not_blow_the_text_up()
    {
        await _house.AskAsync("DO $$ BEGIN CREATE SCHEMA many; FOR i IN 1..1200 LOOP EXECUTE format('CREATE TABLE many.a_table_with_a_name_%s (i int, j int)', i); END LOOP; END $$; SELECT 1");
        await _house.AskAsync($"GRANT ALL ON SCHEMA many TO {PostgresServer.AdministratorName} WITH GRANT OPTION; GRANT ALL ON ALL TABLES IN SCHEMA many TO {PostgresServer.AdministratorName} WITH GRANT OPTION; SELECT 1");
        var order = _house.Order(RoleHouse.Scope([new PrivilegeRule(new ObjectSelector(ObjectKind.Table, "many", null), ["i"], [Privilege.Update])]));
        using var ran = RanStatements.Begin(TimeProvider.System);

        await _house.MakeAsync(order);

        Assert.True(ran.Count > 1_200, $"{ran.Count} statements");
        Assert.InRange(Encoding.UTF8.GetByteCount(ran.Text), RanStatements.Longest / 2, RanStatements.Longest);
        InOrder(ran.Text, $"CREATE ROLE {ScopeRoles.NamesFor(order)[0].Value} NOLOGIN", "GRANT UPDATE (i) ON TABLE many.a_table_with_a_name_", " more statements (", $"CREATE ROLE {order.Role} LOGIN ");
    }

    [Fact]
    [Core]
    public async Task A_scope_role_that_is_dropped_is_kept_with_its_transactions()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.RemoveAsync(order, made.Oid);
        var inventory = new RoleInventory(_house.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), _house.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance);
        using var ran = RanStatements.Begin(TimeProvider.System);

        Assert.Null((await inventory.DropUnusedAsync(order.Installation, order.Target, order.Scope, RoleHouse.Cancellation)).Refusal);

        var scope = ScopeRoles.NamesFor(order)[0].Value;
        InOrder(ran.Text, "BEGIN;", "REVOKE SELECT ON TABLE", "COMMIT;", "BEGIN;", $"ALTER ROLE {scope} RENAME TO ", "COMMIT;", "BEGIN;", "DROP ROLE ", "COMMIT;");
        Assert.Equal(Times(ran.Text, "BEGIN;"), Times(ran.Text, "COMMIT;") + Times(ran.Text, "ROLLBACK;"));
    }

    [Fact]
    public async Task A_transaction_in_which_nothing_is_changed_leaves_no_trace_and_one_that_is_given_up_says_so()
    {
        await using var cluster = await _house.Connections.OpenAsync(_house.Order().Target.Cluster, _house.Database.Name, RoleHouse.Cancellation);
        using var ran = RanStatements.Begin(TimeProvider.System);

        await using (await cluster.BeginAsync(RoleHouse.Cancellation))
            await cluster.FirstAsync("SELECT 1", [], row => row.GetInt32(0), RoleHouse.Cancellation);
        var nothing = ran.Count;
        await using (await cluster.BeginAsync(RoleHouse.Cancellation)) await cluster.RunAsync("CREATE TEMP TABLE t (i int)", RoleHouse.Cancellation);

        Assert.Equal(0, nothing);
        InOrder(ran.Text, "-- 3 statements", "BEGIN;", "CREATE TEMP TABLE t (i int);", "ROLLBACK;");
    }

    [Fact]
    public void What_the_sender_knows_to_be_secret_is_cut_out_whatever_it_looks_like()
    {
        var asked = new Asked("ALTER ROLE a PASSWORD 'abc' -- abc", "abc") { Secret = "abc" };

        Assert.StartsWith("ALTER ROLE a PASSWORD '…' -- …;", asked.ForRecord(), StringComparison.Ordinal);
    }

    [Fact]
    public void Values_are_kept_below_the_statement_and_have_an_end()
    {
        var asked = new Asked("SELECT $1, $2, $3, $4, $5", "a\nb", (string?)null, 7L, (uint[])[.. Enumerable.Range(0, 30).Select(n => (uint)n)], new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(2)));

        Assert.Equal(
            "SELECT $1, $2, $3, $4, $5;\n-- $1 = 'a b', $2 = NULL, $3 = 7, $4 = {0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,… (30)}, $5 = 2026-01-02T01:04:05.000Z",
            asked.ForRecord());
        Assert.True(new Asked("SELECT $1", new string('x', 100_000)).ForRecord().Length < 1_000);
    }

    [Theory]
    [InlineData("SELECT pg_terminate_backend(1)", "pg_terminate_backend")]
    [InlineData("WITH gone AS (DELETE FROM t RETURNING 1) SELECT * FROM gone", "DELETE")]
    [InlineData("DROP ROLE x", "DROP")]
    [InlineData("SELECT 1 INTO t", "INTO")]
    [InlineData("SELECT * FROM t FOR NO KEY UPDATE", "FOR NO KEY UPDATE")]
    [InlineData("SELECT format('DROP ROLE %I', $1), has_table_privilege(1, 'UPDATE') -- DROP", null)]
    [InlineData("SELECT \"update\" FROM t", null)]
    public void What_could_be_more_than_a_question_is_found_out(string sql, string? what) =>
        Assert.Equal(what, QuestionsOnly.Changes(sql, ["pg_terminate_backend", "set_config"]));

    private static void InOrder(string text, params string[] parts)
    {
        var at = 0;
        foreach (var part in parts)
        {
            var found = text.IndexOf(part, at, StringComparison.Ordinal);
            Assert.True(found >= 0, $"After letter {at} there is no '{part}' in:\n{text}");
            at = found + part.Length;
        }
    }

    private static void WithoutSecrets(string text)
    {
        Assert.DoesNotContain("SCRAM", text, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain(RoleHouse.Password.Reveal(), text, StringComparison.Ordinal);
        Assert.DoesNotMatch(@"PASSWORD\s+'[^…]", text);
    }

    private static int Times(string text, string what) => text.Split(what).Length - 1;
}
