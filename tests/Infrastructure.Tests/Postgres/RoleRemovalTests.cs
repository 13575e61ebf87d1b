using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>What a role leaves behind and how its access ends, on a real server.</summary>
public sealed class RoleRemovalTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;

    private int Major => _house.Database.Server.Major;

    public async ValueTask InitializeAsync() => _house = new RoleHouse(await postgres.CreateSampleOrdersAsync());

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Theory]
    [Core]
    [InlineData("SELECT 1")]
    [InlineData("BEGIN; LOCK TABLE public.orders IN ACCESS SHARE MODE")]
    [InlineData("BEGIN; CREATE TEMP TABLE mine (i int); DECLARE c CURSOR WITH HOLD FOR SELECT * FROM public.orders")]
    [InlineData("LISTEN x; CREATE TEMP TABLE mine AS SELECT * FROM public.orders")]
    public async Task An_open_session_is_cut(string doing)
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var session = await _house.LogInAsync(order);
        await RoleHouse.ExecuteAsync(session, doing);

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal(1, receipt.SessionsEnded);
        Assert.True(receipt.LastSessionGoneAt >= receipt.LockedOutAt);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT 1"));
        Assert.NotEqual("ok", await _house.AsHolderAsync(order, "SELECT 1"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_running_query_is_cut()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var session = await _house.LogInAsync(order);
        var running = RoleHouse.ExecuteAsync(session, "SELECT count(*) FROM generate_series(1, 1000000000)");
        await UntilAsync($"SELECT count(*) FROM pg_stat_activity WHERE usesysid = {made.Oid} AND state = 'active'", "1");

        await _house.RemoveAsync(order, made.Oid);

        // By itself it would have gone on for minutes.
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => running);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    [Core]
    public async Task A_session_that_became_the_scope_role_is_cut_or_cannot_be()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var session = await _house.LogInAsync(order);
        var become = () => RoleHouse.ExecuteAsync(session, $"SET ROLE {ScopeRoles.NamesFor(order)[0]}");
        if (Major >= 16) await Assert.ThrowsAsync<PostgresException>(become);
        else await become();

        await _house.RemoveAsync(order, made.Oid);

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT count(*) FROM public.orders"));
    }

    [Fact]
    public async Task Thirty_sessions_are_cut_at_once()
    {
        var order = _house.Order(RoleHouse.ReadScope with { Connections = 30 });
        var made = await _house.MakeAsync(order);
        var sessions = await Task.WhenAll(Enumerable.Range(0, 30).Select(_ => _house.LogInAsync(order)));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal(30, receipt.SessionsEnded);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        foreach (var session in sessions) await session.DisposeAsync();
    }

    [Fact]
    public async Task A_session_that_waits_for_somebody_else_on_its_way_out_is_counted_once_and_whom_it_waits_for_is_named()
    {
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", "orders", Privilege.Select, Privilege.Trigger)]));
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"GRANT TEMP ON DATABASE \"{_house.Database.Name}\" TO PUBLIC; SELECT 1");
        await using var session = await _house.LogInAsync(order);
        await RoleHouse.ExecuteAsync(session, "CREATE FUNCTION pg_temp.tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER ttt BEFORE INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION pg_temp.tf()");
        await using var owner = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await owner.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(owner, "BEGIN; SELECT count(*) FROM public.orders");

        var first = Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));
        var second = Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));

        Assert.Equal("postgres.not_locked_out", first.Why.Code);
        Assert.StartsWith($"session {session.ProcessID} of {order.Role} was told to end, and to do so waits for AccessExclusiveLock on table public.orders in database {_house.Database.Name}, which pid {owner.ProcessID} of postgres holds", first.Why.Message, StringComparison.Ordinal);
        Assert.Contains($": SELECT pg_terminate_backend({owner.ProcessID});", first.Why.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("WHERE usesysid", first.Why.Message, StringComparison.Ordinal);
        Assert.Equal(1, first.SoFar!.SessionsEnded);
        Assert.Equal(0, second.SoFar!.SessionsEnded);
        Assert.NotEqual("ok", await _house.AsHolderAsync(order, "SELECT 1"));
        await _house.AskAsync($"SELECT pg_terminate_backend({owner.ProcessID})");
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.AskAsync("SELECT count(*) FROM pg_trigger WHERE tgname = 'ttt'"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_role_that_somebody_made_a_superuser_is_named_with_what_unmakes_it()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var session = await _house.LogInAsync(order);
        await RoleHouse.ExecuteAsync(session, "SELECT lo_create(0)");
        await _house.AskAsync($"ALTER ROLE {order.Role} SUPERUSER; SELECT 1");

        var open = Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));
        await _house.AskAsync($"ALTER ROLE {order.Role} NOLOGIN; SELECT pg_terminate_backend({session.ProcessID}, 5000)");
        var shut = Assert.IsType<RoleRemoval.LockedOut>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));

        Assert.Contains("made the role", open.Why.Message, StringComparison.Ordinal);
        Assert.EndsWith($"ALTER ROLE \"{order.Role}\" NOSUPERUSER;", open.Why.Message, StringComparison.Ordinal);
        Assert.Equal(open.Why.Message, Assert.Single(shut.Blockers));
        await _house.MendAsync(shut.Blockers[0]);
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_client_that_reconnects_in_a_loop_does_not_stay()
    {
        var order = _house.Order(RoleHouse.ReadScope with { Connections = 20 });
        var made = await _house.MakeAsync(order);
        using var stop = new CancellationTokenSource();
        var storm = Enumerable.Range(0, 3).Select(_ => ReconnectAsync()).ToList();
        await UntilAsync($"SELECT least(1, count(*)) FROM pg_stat_activity WHERE usesysid = {made.Oid}", "1");

        try
        {
            await _house.RemoveAsync(order, made.Oid);
        }
        finally
        {
            await stop.CancelAsync();
            await Task.WhenAll(storm);
        }

        Assert.Equal("0", await _house.TracesAsync(made.Oid));

        async Task ReconnectAsync()
        {
            while (!stop.IsCancellationRequested)
            {
                // Cut or refused: straight back to the door.
                try
                {
                    await _house.AsHolderAsync(order, "SELECT pg_sleep(0.01)");
                }
                catch (NpgsqlException)
                {
                    continue;
                }
            }
        }
    }

    [Fact]
    [Core]
    public async Task A_client_that_hides_while_it_logs_in_is_found_once_it_comes_out()
    {
        NpgsqlConnection hidden;
        RoleMaking.Made made;
        for (var patience = 1; ; patience++)
        {
            var order = _house.Order();
            made = await _house.MakeAsync(order);
            hidden = new NpgsqlConnection(_house.Database.ConnectionStringFor(order.Role.Value, RoleHouse.Password.Reveal()) + $";Pooling=false;Timeout=60;Options=-c post_auth_delay={2 * patience}");
            var login = hidden.OpenAsync(RoleHouse.Cancellation);
            await Task.Delay(700 * patience, RoleHouse.Cancellation);
            await _house.RemoveAsync(order, made.Oid);
            if (await Record.ExceptionAsync(() => login) is not { } refused) break;

            // The machine was too slow, and the role gone before the client had come to where it hides.
            Assert.True(patience < 6, $"It never came in: {refused.Message}");
            await hidden.DisposeAsync();
        }

        // What happens every minute. It may have been another test's removal already that found it.
        await _house.Ghosts.RunAsync(RoleHouse.Cancellation);

        // Whoever is told to end does so a moment later, and on a busy machine a longer one.
        await Patience.UntilAsync(
            async () => await _house.AskAsync($"SELECT count(*) FROM pg_stat_activity WHERE usesysid = {made.Oid}") == "0", "its session is gone");
        await Assert.ThrowsAnyAsync<Exception>(() => RoleHouse.ExecuteAsync(hidden, "SELECT 1"));
        await hidden.DisposeAsync();
    }

    [Fact]
    [Core]
    public async Task Whoever_logs_in_with_a_role_that_was_made_while_ghosts_are_looked_for_is_none()
    {
        await using var hunter = new NpgsqlConnection(_house.Database.AdministratorConnectionString + ";Pooling=false");
        await hunter.OpenAsync(RoleHouse.Cancellation);
        // As a statement that began before the role was made and looks at the sessions when its holder is in already.
        await RoleHouse.ExecuteAsync(hunter, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM pg_roles");
        var order = _house.Order();
        await _house.MakeAsync(order);
        await using var session = await _house.LogInAsync(order);

        await RoleHouse.ExecuteAsync(hunter, SessionStatements.EndGhosts);

        await RoleHouse.ExecuteAsync(session, "SELECT count(*) FROM orders");
    }

    [Fact]
    [Core]
    public async Task A_table_it_owns_goes_to_the_escrow_role_with_its_data()
    {
        var order = await OrderThatMayCreateAsync();
        var made = await _house.MakeAsync(order);
        await AsHolderAsync(order, "CREATE TABLE workshop.fix AS SELECT 42 AS answer; CREATE SEQUENCE workshop.seq; CREATE VIEW workshop.v AS SELECT * FROM workshop.fix; CREATE TYPE workshop.mood AS ENUM ('ok'); CREATE SCHEMA own; CREATE TABLE own.t (i int)");

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("42", await _house.AskAsync($"SELECT answer FROM {await KeptAsync(order)}.fix"));
        Assert.Equal(_house.EscrowName, await _house.AskAsync("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'fix'"));
        Assert.Contains(receipt.HandedOver, thing => thing.Contains("workshop.fix", StringComparison.Ordinal) && thing.Contains(_house.Database.Name, StringComparison.Ordinal));
        Assert.Equal("f f f", await _house.AskAsync($"SELECT concat_ws(' ', rolcanlogin, rolsuper, rolcreaterole) FROM pg_roles WHERE rolname = '{_house.EscrowName}'"));
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_auth_members WHERE member = '{_house.EscrowName}'::regrole"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Theory]
    [Core]
    [InlineData("the escrow role")]
    [InlineData("the role of another grant")]
    [InlineData("a role that its grant might have had")]
    public async Task A_record_that_names_another_role_of_ours_takes_nothing_from_it(string whose)
    {
        var kept = await OrderThatMayCreateAsync();
        await _house.MakeAsync(kept);
        await AsHolderAsync(kept, "CREATE TABLE workshop.fix AS SELECT 42 AS answer");
        await _house.RemoveAsync(kept);
        var other = _house.Order();
        await _house.MakeAsync(other);
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var named = whose switch
        {
            "the escrow role" => _house.EscrowName,
            "the role of another grant" => other.Role.Value,
            _ => RoleName.ForGrant(order.Installation, order.Grant, "erin").Value,
        };
        var record = Some.Active().State with
        {
            Id = order.Grant, Installation = order.Installation, Target = order.Target, Scope = order.Scope, Role = RoleName.Parse(named),
            RoleOid = await _house.AskAsync($"SELECT coalesce(max(oid::bigint), 0) FROM pg_roles WHERE rolname = '{named}'") is var oid && oid is not "0"
                ? uint.Parse(oid, CultureInfo.InvariantCulture) : null,
        };

        var removal = await _house.Administrator.RemoveAsync(RoleToRemove.Of(record, record.Role!), RoleHouse.Cancellation);

        // What it made itself is gone all the same, and proved to be.
        Assert.True(Assert.IsType<RoleRemoval.Gone>(removal).Receipt.Existed);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        Assert.Equal("42", await _house.AskAsync($"SELECT answer FROM {await KeptAsync(kept)}.fix"));
        Assert.Equal("ok", await _house.AsHolderAsync(other, "SELECT count(*) FROM orders"));
    }

    [Fact]
    [Core]
    public async Task What_runs_with_its_owners_rights_is_disarmed()
    {
        // Something that the escrow role has already, and that the next holder's function must not be able to read.
        var earlier = await OrderThatMayCreateAsync();
        await _house.MakeAsync(earlier);
        await AsHolderAsync(earlier, "CREATE TABLE workshop.private AS SELECT 'secret' AS s");
        await _house.RemoveAsync(earlier);
        var order = await OrderThatMayCreateAsync();
        var made = await _house.MakeAsync(order);
        await AsHolderAsync(order, $"""
            CREATE FUNCTION workshop.peek() RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN (SELECT s FROM {await KeptAsync(earlier)}.private); END';
            CREATE PROCEDURE workshop.act() LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN NULL; END';
            CREATE VIEW workshop.names AS SELECT name FROM public.customers; GRANT SELECT ON workshop.names TO PUBLIC
            """);

        await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_proc WHERE pronamespace = '{await KeptAsync(order)}'::regnamespace AND (prosecdef OR has_function_privilege('public', oid, 'EXECUTE'))"));
        Assert.Equal("f", await _house.AskAsync($"SELECT has_table_privilege('public', '{await KeptAsync(order)}.names', 'SELECT')::text::char(1)"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    [Core]
    public async Task Large_objects_default_privileges_and_objects_in_other_databases_are_cleaned_up()
    {
        var other = await postgres.CreateDatabaseAsync("other");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        foreach (var database in (TestDatabase[])[_house.Database, other])
        {
            await _house.AskAsync(
                "SELECT lo_create(0); ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; SELECT 1", database.ConnectionStringFor(order.Role.Value, RoleHouse.Password.Reveal()));
        }

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal(2, receipt.HandedOver.Count(thing => thing.Contains("large object", StringComparison.Ordinal)));
        Assert.Equal("1", await _house.AskAsync($"SELECT count(*) FROM pg_largeobject_metadata WHERE lomowner = '{_house.EscrowName}'::regrole"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    [Core]
    public async Task A_prepared_transaction_is_rolled_back()
    {
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Select, Privilege.Update)]));
        var made = await _house.MakeAsync(order);
        await using (var session = await _house.LogInAsync(order)) await RoleHouse.ExecuteAsync(session, "BEGIN; UPDATE orders SET status = 'cancelled'; PREPARE TRANSACTION 'it''s mine'");

        await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("0", await _house.AskAsync("SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()"));
        Assert.NotEqual("200", await _house.AskAsync("SELECT count(*) FROM orders WHERE status = 'cancelled'"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    [Core]
    public async Task A_policy_for_several_keeps_the_others()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.Database.RunAsOwnerAsync($"CREATE POLICY alone ON orders TO {order.Role} USING (true); CREATE POLICY shared ON orders TO {order.Role}, pg_monitor USING (true)");

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("shared", await _house.AskAsync("SELECT string_agg(polname, ',') FROM pg_policy"));
        Assert.Contains(receipt.Dropped, line => line.Contains("policy alone", StringComparison.Ordinal) && line.Contains("for it only", StringComparison.Ordinal));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    [Core]
    public async Task A_privilege_from_somebody_out_of_reach_keeps_it_locked_out_until_they_take_it_back()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"CREATE SCHEMA fs; CREATE TABLE fs.t (i int); GRANT SELECT ON fs.t TO {order.Role}; SELECT 1");
        await using var session = await _house.LogInAsync(order);

        var locked = Assert.IsType<RoleRemoval.LockedOut>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));

        Assert.Equal(1, locked.Receipt.SessionsEnded);
        Assert.Null(locked.Receipt.ProvedAt);
        var blocker = Assert.Single(locked.Blockers);
        Assert.Contains("table fs.t", blocker, StringComparison.Ordinal);
        Assert.Contains($"REVOKE ALL ON TABLE fs.t FROM {order.Role};", blocker, StringComparison.Ordinal);
        Assert.Contains("postgres", blocker, StringComparison.Ordinal);
        Assert.NotEqual("ok", await _house.AsHolderAsync(order, "SELECT 1"));

        await _house.AskAsync($"REVOKE ALL ON TABLE fs.t FROM {order.Role}; SELECT 1");
        Assert.True((await _house.RemoveAsync(order, made.Oid)).Existed);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_table_of_its_own_that_somebody_else_holds_keeps_it_locked_out_and_their_session_alive()
    {
        var order = await OrderThatMayCreateAsync();
        var made = await _house.MakeAsync(order);
        await AsHolderAsync(order, "CREATE TABLE workshop.busy (i int)");
        await using var reader = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await reader.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(reader, "BEGIN; LOCK TABLE workshop.busy IN ACCESS EXCLUSIVE MODE");

        var locked = Assert.IsType<RoleRemoval.LockedOut>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));

        Assert.Contains("another session", string.Join("", locked.Blockers), StringComparison.Ordinal);
        await RoleHouse.ExecuteAsync(reader, "COMMIT");
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task Something_in_a_database_that_takes_no_connections_is_named()
    {
        var closed = await postgres.CreateDatabaseAsync("closed");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync("SELECT lo_create(0)", closed.ConnectionStringFor(order.Role.Value, RoleHouse.Password.Reveal()));
        await _house.AskAsync($"ALTER DATABASE {closed.Name} ALLOW_CONNECTIONS false; SELECT 1");

        var locked = Assert.IsType<RoleRemoval.LockedOut>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));

        Assert.Contains($"ALTER DATABASE {closed.Name} ALLOW_CONNECTIONS true", Assert.Single(locked.Blockers), StringComparison.Ordinal);
        await _house.AskAsync($"ALTER DATABASE {closed.Name} ALLOW_CONNECTIONS true; SELECT 1");
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task The_password_that_the_holder_chose_lets_nobody_in_afterwards()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await AsHolderAsync(order, $"ALTER ROLE {order.Role} PASSWORD 'mine'; ALTER ROLE {order.Role} SET search_path = internal");

        await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("28P01", await _house.AsHolderAsync(order, "SELECT 1", "mine"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_renamed_role_is_found_by_its_OID()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"ALTER ROLE {order.Role} RENAME TO \"renamed {order.Role}\"; SELECT 1");

        Assert.True((await _house.RemoveAsync(order, made.Oid)).Existed);

        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_role_that_lost_its_tag_is_known_by_its_name_and_OID()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"COMMENT ON ROLE {order.Role} IS NULL; SELECT 1");

        Assert.True((await _house.RemoveAsync(order, made.Oid)).Existed);

        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_role_that_came_back_under_another_OID_is_known_by_its_name_and_tag()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);

        Assert.True((await _house.RemoveAsync(order, made.Oid + 100_000)).Existed);

        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("not json")]
    [InlineData("{\"dbaccess\":1,\"i\":\"another\",\"kind\":\"login\",\"g\":\"ACDE-FG\",\"db\":\"x\",\"e\":\"\"}")]
    public async Task A_role_without_our_tag_is_not_touched(string? comment)
    {
        var order = _house.Order();
        await _house.AskAsync($"CREATE ROLE {order.Role} LOGIN PASSWORD '{RoleHouse.Password.Reveal()}'; COMMENT ON ROLE {order.Role} IS {(comment is null ? "NULL" : $"'{comment}'")}; SELECT 1");

        Assert.False((await _house.RemoveAsync(order)).Existed);
        Assert.IsType<RoleMaking.NameTaken>(await _house.Administrator.MakeAsync(order, new Secret("another-Password-of-24-l"), RoleHouse.Cancellation));

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT 1"));
        await _house.AskAsync($"DROP ROLE {order.Role}; SELECT 1");
    }

    [Fact]
    public async Task A_role_whose_database_was_dropped_is_removed()
    {
        var database = await postgres.CreateSampleOrdersAsync("dropped");
        await using var house = new RoleHouse(database);
        var order = house.Order();
        var made = await house.MakeAsync(order);
        await database.Server.DropDatabaseAsync(database);

        Assert.True((await house.RemoveAsync(order, made.Oid)).Existed);

        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task Readers_are_asked_too_and_one_that_does_not_answer_is_not_taken_for_empty()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var session = await _house.LogInAsync(order);
        var credentials = _house.Credentials.Current;

        _house.Credentials.Current = credentials with { Readers = [$"127.0.0.1:{credentials.Port}", "127.0.0.1:1"] };
        var unsure = Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));
        _house.Credentials.Current = credentials with { Readers = [$"127.0.0.1:{credentials.Port}"] };
        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Contains("127.0.0.1:1", unsure.Why.Message, StringComparison.Ordinal);
        // Nobody waits for the reader with shutting the door on the writer, and what was found then is not lost.
        Assert.True(unsure.SoFar is { Existed: true, SessionsEnded: 1, ProvedAt: null });
        Assert.Equal(0, receipt.SessionsEnded);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task An_administrator_without_pg_signal_backend_ends_sessions_as_a_member()
    {
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor });
        await using var house = new RoleHouse(await server.CreateSampleOrdersAsync());
        var order = house.Order();
        var made = await house.MakeAsync(order);
        await using var session = await house.LogInAsync(order);
        await house.AskAsync("REVOKE rds_superuser FROM dbaccess_admin; SELECT 1");

        var receipt = await house.RemoveAsync(order, made.Oid);

        Assert.Equal(1, receipt.SessionsEnded);
        Assert.Equal("0", await house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task An_administrator_without_pg_signal_backend_who_cannot_end_the_sessions_of_members_says_what_does()
    {
        Assert.SkipUnless(_house.Database.Server.Major < 16, "From PostgreSQL 16 on whoever is given the role does not get its scope role with it.");
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor });
        await using var house = new RoleHouse(await server.CreateSampleOrdersAsync());
        var order = house.Order();
        var made = await house.MakeAsync(order);
        await house.AskAsync($"CREATE ROLE friend LOGIN PASSWORD '{RoleHouse.Password.Reveal()}'; GRANT {order.Role} TO friend; CREATE ROLE friends_friend LOGIN PASSWORD '{RoleHouse.Password.Reveal()}'; GRANT friend TO friends_friend; REVOKE rds_superuser FROM dbaccess_admin; SELECT 1");
        await using var session = new NpgsqlConnection(house.Database.ConnectionStringFor("friend", RoleHouse.Password.Reveal()) + ";Pooling=false");
        await session.OpenAsync(RoleHouse.Cancellation);
        await using var further = new NpgsqlConnection(house.Database.ConnectionStringFor("friends_friend", RoleHouse.Password.Reveal()) + ";Pooling=false");
        await further.OpenAsync(RoleHouse.Cancellation);

        var why = Assert.IsType<RoleRemoval.NotNow>(await house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation)).Why;

        Assert.Equal("postgres.not_locked_out", why.Code);
        await house.AskAsync($"{System.Text.RegularExpressions.Regex.Match(why.Message, "superuser: (SELECT .*?);", System.Text.RegularExpressions.RegexOptions.None, TimeSpan.FromSeconds(1)).Groups[1].Value}");
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT 1"));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(further, "SELECT 1"));
        await house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_grant_to_it_that_is_not_committed_keeps_it_locked_out()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var stranger = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await stranger.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(stranger, $"BEGIN; GRANT SELECT ON internal.payment_tokens TO {order.Role}");

        var locked = Assert.IsType<RoleRemoval.LockedOut>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));

        Assert.Contains("open transaction", Assert.Single(locked.Blockers), StringComparison.Ordinal);
        await RoleHouse.ExecuteAsync(stranger, "ROLLBACK");
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task An_administrator_who_lost_the_right_to_change_roles_ends_the_sessions_and_names_what_mends_it()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var session = await _house.LogInAsync(order);
        var weak = $"weak_{Guid.NewGuid():N}"[..20];
        await _house.AskAsync($"CREATE ROLE {weak} LOGIN PASSWORD '{RoleHouse.Password.Reveal()}'; GRANT pg_signal_backend TO {weak}; SELECT 1");
        var strong = _house.Credentials.Current;
        _house.Credentials.Current = strong with { Username = weak, Password = RoleHouse.Password };

        var why = Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation)).Why;

        Assert.Equal("postgres.not_locked_out", why.Code);
        Assert.Contains($"ALTER ROLE \"{order.Role}\" NOLOGIN;", why.Message, StringComparison.Ordinal);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT 1"));
        // The door is shut by a person; the role itself is still not ours to drop.
        await _house.AskAsync($"ALTER ROLE \"{order.Role}\" NOLOGIN; SELECT 1");
        var locked = Assert.IsType<RoleRemoval.LockedOut>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));
        Assert.Contains(locked.Blockers, blocker => blocker.Contains($"DROP ROLE \"{order.Role}\";", StringComparison.Ordinal));
        _house.Credentials.Current = strong;
        await _house.RemoveAsync(order, made.Oid);
    }

    /// <summary>A scope of its own and, given by hand, the right to create: what a scope never gives, and what holders have all the same.</summary>
    /// <summary>Where what a role left in a schema of others is kept.</summary>
    private async Task<string> KeptAsync(RoleOrder order) => $"{order.Role}_{await _house.AskAsync("SELECT 'workshop'::regnamespace::oid")}";

    private async Task<RoleOrder> OrderThatMayCreateAsync()
    {
        await _house.AskAsync($"CREATE SCHEMA IF NOT EXISTS workshop; GRANT CREATE, USAGE ON SCHEMA workshop TO PUBLIC; GRANT CREATE ON DATABASE \"{_house.Database.Name}\" TO PUBLIC; SELECT 1");
        return _house.Order();
    }

    private async Task AsHolderAsync(RoleOrder order, string sql) => Assert.Equal("ok", await _house.AsHolderAsync(order, sql));

    private Task UntilAsync(string sql, string expected) => Patience.UntilAsync(async () => await _house.AskAsync(sql) == expected, $"{sql} is {expected}");
}
