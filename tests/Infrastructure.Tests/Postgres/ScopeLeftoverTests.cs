using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>
/// Until PostgreSQL 15 whoever is a member of the scope role can become it and leave things behind in its name. From 16 on they cannot, since memberships are given with SET FALSE.
/// </summary>
public sealed class ScopeLeftoverTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;

    private bool CanBecome => _house.Database.Server.Major < 16;

    public async ValueTask InitializeAsync() => _house = new RoleHouse(await postgres.CreateSampleOrdersAsync());

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Theory]
    [InlineData("a large object", "SELECT lo_create(0)")]
    [InlineData("a prepared transaction with its locks", "BEGIN; LOCK TABLE public.orders IN ACCESS SHARE MODE; PREPARE TRANSACTION 'it''s left'")]
    [InlineData("default privileges", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC")]
    [InlineData("default privileges in a schema", "ALTER DEFAULT PRIVILEGES IN SCHEMA workshop GRANT USAGE ON SEQUENCES TO PUBLIC; ALTER DEFAULT PRIVILEGES REVOKE USAGE ON TYPES FROM PUBLIC")]
    [InlineData("settings", "ALTER ROLE {scope} SET search_path = internal; ALTER ROLE {scope} IN DATABASE {database} SET work_mem = '1GB'")]
    [InlineData("a password", "ALTER ROLE {scope} PASSWORD 'mine'")]
    [InlineData("a table, a function with its rights and a view", "CREATE TABLE workshop.mine AS SELECT 1 AS i; CREATE FUNCTION workshop.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; CREATE VIEW workshop.v AS SELECT * FROM public.customers")]
    [InlineData("a schema", "CREATE SCHEMA mine; CREATE TABLE mine.t (i int); GRANT ALL ON SCHEMA mine TO PUBLIC")]
    [InlineData("a temporary table", "CREATE TEMP TABLE t AS SELECT * FROM public.orders")]
    public async Task What_was_left_as_the_scope_role_goes_with_the_grant_and_live_grants_keep_theirs(string what, string doing)
    {
        await _house.AskAsync($"CREATE SCHEMA workshop; GRANT CREATE, USAGE ON SCHEMA workshop TO PUBLIC; GRANT CREATE ON DATABASE \"{_house.Database.Name}\" TO PUBLIC; SELECT 1");
        var (order, live) = (_house.Order(), _house.Order());
        var made = await _house.MakeAsync(order);
        await _house.MakeAsync(live);
        var scope = ScopeRoles.NamesFor(order)[0].Value;
        var before = await _house.AskAsync(PrivilegesOf(scope));
        doing = doing.Replace("{scope}", scope, StringComparison.Ordinal).Replace("{database}", _house.Database.Name, StringComparison.Ordinal);

        // One at a time: a script in one go would be one transaction, which cannot be prepared.
        var became = await BecomeAsync(order, [$"SET ROLE {scope}", .. doing.Split("; ")]);

        Assert.Equal(CanBecome, became);
        if (became && !what.StartsWith("a temporary", StringComparison.Ordinal)) Assert.NotEqual("0", await _house.AskAsync(LeftBy(scope)));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("0", await _house.AskAsync(LeftBy(scope)));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        Assert.Equal((0, 0, 0), (receipt.Left!.Owned, receipt.Left.Settings, receipt.Left.Privileges));
        // Nothing that live grants rest on was taken, and nobody stayed a member who was not one.
        Assert.Equal(before, await _house.AskAsync(PrivilegesOf(scope)));
        Assert.Equal("ok", await _house.AsHolderAsync(live, "SELECT count(*) FROM orders"));
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_auth_members WHERE roleid = '{scope}'::regrole AND member IN ('{PostgresServer.AdministratorName}'::regrole, coalesce(to_regrole('{_house.EscrowName}'), 'postgres')) AND NOT {(CanBecome ? "false" : "admin_option")}"));
        if (became && what.StartsWith("a table", StringComparison.Ordinal))
        {
            Assert.Contains(receipt.HandedOver, thing => thing.Contains("workshop.mine", StringComparison.Ordinal) && thing.Contains(scope, StringComparison.Ordinal));
            var kept = $"{order.Role}_{await _house.AskAsync("SELECT 'workshop'::regnamespace::oid")}";
            Assert.Equal("1", await _house.AskAsync($"SELECT i FROM {kept}.mine"));
            Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_proc WHERE proname = 'f' AND pronamespace IN ('workshop'::regnamespace, '{kept}'::regnamespace) AND (prosecdef OR has_function_privilege('public', oid, 'EXECUTE'))"));
        }
    }

    // By inheritance alone, which no version can do without: whoever has a role's privileges may say what everybody is given on what it makes.
    private const string Given = "ALTER DEFAULT PRIVILEGES FOR ROLE {scope} GRANT ALL ON TABLES TO PUBLIC; ALTER DEFAULT PRIVILEGES FOR ROLE {scope} REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; ALTER DEFAULT PRIVILEGES FOR ROLE {scope} IN SCHEMA public GRANT USAGE ON SEQUENCES TO pg_monitor";

    [Fact]
    [Core]
    public async Task What_a_holder_gives_in_the_name_of_the_scope_role_by_inheritance_goes_with_the_grant_wherever_it_is()
    {
        var other = await postgres.CreateDatabaseAsync("other");
        var (order, live) = (_house.Order(), _house.Order());
        var made = await _house.MakeAsync(order);
        await _house.MakeAsync(live);
        var scope = ScopeRoles.NamesFor(order)[0].Value;
        var before = await _house.AskAsync(PrivilegesOf(scope));
        Assert.Equal("ok", await _house.AsHolderAsync(order, Given.Replace("{scope}", scope, StringComparison.Ordinal)));
        await _house.AskAsync(Given.Replace("{scope}", scope, StringComparison.Ordinal), other.ConnectionStringFor(order.Role.Value, RoleHouse.Password.Reveal()));
        Assert.NotEqual("0", await _house.AskAsync(LeftBy(scope)));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("0", await _house.AskAsync(LeftBy(scope)));
        Assert.Equal(0, receipt.Left!.Owned);
        Assert.Contains(receipt.Dropped, line => line.Contains(scope, StringComparison.Ordinal) && line.Contains("PUBLIC", StringComparison.Ordinal) && line.Contains("TABLES", StringComparison.Ordinal));
        Assert.Contains(receipt.Dropped, line => line.Contains(other.Name, StringComparison.Ordinal));
        Assert.Equal(before, await _house.AskAsync(PrivilegesOf(scope)));
        Assert.Equal("ok", await _house.AsHolderAsync(live, "SELECT count(*) FROM orders"));
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_auth_members WHERE roleid = '{scope}'::regrole AND member = '{PostgresServer.AdministratorName}'::regrole{(CanBecome ? "" : " AND (inherit_option OR set_option)")}"));
        await _house.MakeAsync(_house.Order());
    }

    [Fact]
    public async Task What_a_live_holder_gives_in_the_name_of_the_scope_role_shuts_nobody_out()
    {
        var (order, other) = (_house.Order(), _house.Order());
        await _house.MakeAsync(order);
        var scope = ScopeRoles.NamesFor(order)[0].Value;
        Assert.Equal("ok", await _house.AsHolderAsync(order, Given.Replace("{scope}", scope, StringComparison.Ordinal)));

        await _house.MakeAsync(other);

        Assert.Equal("ok", await _house.AsHolderAsync(other, "SELECT count(*) FROM orders"));
        // Until 15 nobody looks before the next removal or comparison: nothing rests on it.
        if (!CanBecome) Assert.Equal("0", await _house.AskAsync(LeftBy(scope)));
    }

    [Fact]
    public async Task What_the_administrator_cannot_take_back_in_the_name_of_the_scope_role_is_named_with_the_statements_that_do()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var scope = ScopeRoles.NamesFor(order)[0].Value;
        Assert.Equal("ok", await _house.AsHolderAsync(order, Given.Replace("{scope}", scope, StringComparison.Ordinal)));
        await _house.AskAsync("CREATE FUNCTION public.no() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN IF session_user <> 'postgres' THEN RAISE 'no DDL' USING ERRCODE = '42501'; END IF; END $$; CREATE EVENT TRIGGER no_ddl ON ddl_command_start EXECUTE FUNCTION public.no(); SELECT 1");

        var locked = await _house.LockedOutAsync(order, made.Oid);

        var blocker = Assert.Single(locked.Blockers);
        Assert.DoesNotContain(";;", blocker, StringComparison.Ordinal);
        await _house.MendAsync(blocker);
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.AskAsync(LeftBy(scope)));
    }

    [Fact]
    public async Task It_is_found_in_other_databases_too()
    {
        Assert.SkipUnless(CanBecome, "From PostgreSQL 16 on nobody can become the scope role.");
        var other = await postgres.CreateDatabaseAsync("other");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var scope = ScopeRoles.NamesFor(order)[0].Value;
        await _house.AskAsync($"SET ROLE {scope}; SELECT lo_create(0)", other.ConnectionStringFor(order.Role.Value, RoleHouse.Password.Reveal()));

        await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("0", await _house.AskAsync(LeftBy(scope)));
    }

    [Fact]
    public async Task A_grant_whose_scope_role_cannot_be_cleaned_yet_is_not_called_gone()
    {
        Assert.SkipUnless(CanBecome, "From PostgreSQL 16 on nobody can become the scope role.");
        await _house.AskAsync("CREATE SCHEMA workshop; GRANT CREATE, USAGE ON SCHEMA workshop TO PUBLIC; SELECT 1");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        Assert.True(await BecomeAsync(order, [$"SET ROLE {ScopeRoles.NamesFor(order)[0]}", "CREATE TABLE workshop.held (i int)"]));
        await using var stranger = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await stranger.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(stranger, "BEGIN; LOCK TABLE workshop.held IN ACCESS EXCLUSIVE MODE");

        var locked = await _house.LockedOutAsync(order, made.Oid);

        Assert.Contains("workshop.held", Assert.Single(locked.Blockers), StringComparison.Ordinal);
        Assert.Equal(1, locked.Receipt.Left!.Owned);
        // By now it is a member of nothing: the second try knows of the scope role from the record alone.
        await _house.MendAsync(locked.Blockers[0]);
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.AskAsync(LeftBy(ScopeRoles.NamesFor(order)[0].Value)));
    }

    [Fact]
    public async Task A_removal_without_a_record_finds_the_scope_role_by_membership()
    {
        Assert.SkipUnless(CanBecome, "From PostgreSQL 16 on nobody can become the scope role.");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var scope = ScopeRoles.NamesFor(order)[0].Value;
        Assert.True(await BecomeAsync(order, [$"SET ROLE {scope}", "SELECT lo_create(0)"]));

        var removal = await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid) with { ScopeRoles = [] }, RoleHouse.Cancellation);

        Assert.IsType<RoleRemoval.Gone>(removal);
        Assert.Equal("0", await _house.AskAsync(LeftBy(scope)));
    }

    [Fact]
    public async Task Whoever_acts_as_the_scope_role_through_the_temporary_role_is_cut_off_too()
    {
        Assert.SkipUnless(CanBecome, "From PostgreSQL 16 on nobody can become the scope role.");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var friend = $"friend_{made.Oid}";
        await _house.AskAsync($"CREATE ROLE {friend} LOGIN PASSWORD 'friend'; SELECT 1");
        // On 14 its holder can give it away; on 15 only somebody with CREATEROLE can.
        if (_house.Database.Server.Major == 14) Assert.Equal("ok", await _house.AsHolderAsync(order, $"GRANT {order.Role} TO {friend}"));
        else await _house.AskAsync($"GRANT {order.Role} TO {friend}; SELECT 1");
        await using var session = new NpgsqlConnection(_house.Database.ConnectionStringFor(friend, "friend") + ";Pooling=false");
        await session.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(session, $"SET ROLE {ScopeRoles.NamesFor(order)[0]}");

        var receipt = await _house.RemoveAsync(order, made.Oid);

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT count(*) FROM public.orders"));
        Assert.Contains(friend, Assert.Single(receipt.Remarks), StringComparison.Ordinal);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        await _house.AskAsync($"DROP ROLE {friend}; SELECT 1");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Who_may_do_by_themselves_all_that_the_scope_gives_loses_the_role_and_keeps_their_sessions(bool hasItAll)
    {
        Assert.SkipUnless(CanBecome, "From PostgreSQL 16 on nobody can become the scope role.");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var application = $"orders_app_{made.Oid}";
        await _house.AskAsync($"CREATE ROLE {application} LOGIN PASSWORD 'app'; GRANT USAGE ON SCHEMA public TO {application}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {application}; SELECT 1");
        if (!hasItAll) await _house.AskAsync($"REVOKE ALL ON customers FROM {application}; SELECT 1");
        await using var session = new NpgsqlConnection(_house.Database.ConnectionStringFor(application, "app") + ";Pooling=false");
        await session.OpenAsync(RoleHouse.Cancellation);
        // On 14 its holder can give it away; on 15 only somebody with CREATEROLE can.
        if (_house.Database.Server.Major == 14) Assert.Equal("ok", await _house.AsHolderAsync(order, $"GRANT {order.Role} TO {application}"));
        else await _house.AskAsync($"GRANT {order.Role} TO {application}; SELECT 1");
        await RoleHouse.ExecuteAsync(session, "SELECT count(*) FROM public.orders");

        var receipt = await _house.RemoveAsync(order, made.Oid);

        if (hasItAll) await RoleHouse.ExecuteAsync(session, "SELECT count(*) FROM public.orders");
        else await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT 1"));
        Assert.Contains($"had been given on to {application}, which was taken back", Assert.Single(receipt.Remarks), StringComparison.Ordinal);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task What_a_stranger_gives_the_scope_role_does_not_cut_off_who_has_all_that_the_scope_gives()
    {
        Assert.SkipUnless(CanBecome, "From PostgreSQL 16 on nobody can become the scope role.");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var (application, mallory) = ($"orders_app_{made.Oid}", $"mallory_{made.Oid}");
        await _house.AskAsync($"CREATE ROLE {application} LOGIN PASSWORD 'app'; GRANT USAGE ON SCHEMA public TO {application}; GRANT ALL ON ALL TABLES IN SCHEMA public TO {application}; SELECT 1");
        var scope = ScopeRoles.NamesFor(order)[0];
        await _house.AskAsync($"CREATE ROLE {mallory}; CREATE SCHEMA hers AUTHORIZATION {mallory}; SET ROLE {mallory}; CREATE TABLE hers.t (i int); GRANT ALL ON hers.t TO {scope}; SELECT lo_create({made.Oid}); GRANT SELECT ON LARGE OBJECT {made.Oid} TO {scope}; RESET ROLE; SELECT 1");
        await using var session = new NpgsqlConnection(_house.Database.ConnectionStringFor(application, "app") + ";Pooling=false");
        await session.OpenAsync(RoleHouse.Cancellation);
        await _house.AskAsync($"GRANT {order.Role} TO {application}; SELECT 1");

        await _house.RemoveAsync(order, made.Oid);

        await RoleHouse.ExecuteAsync(session, "SELECT 1");
    }

    [Fact]
    public async Task Who_was_given_the_role_and_has_run_nothing_since_keeps_their_session()
    {
        Assert.SkipUnless(CanBecome, "From PostgreSQL 16 on nobody can become the scope role.");
        var friend = $"friend_{_house.Database.Name}";
        await _house.AskAsync($"CREATE ROLE {friend} LOGIN PASSWORD 'friend'; SELECT 1");
        await using var session = new NpgsqlConnection(_house.Database.ConnectionStringFor(friend, "friend") + ";Pooling=false");
        await session.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(session, "SELECT 1");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"GRANT {order.Role} TO {friend}; SELECT 1");

        // As if the role had been made a little after that: nobody's clock is set here.
        var removal = await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid) with { MadeAt = DateTimeOffset.UtcNow.AddMinutes(2) }, RoleHouse.Cancellation);

        var receipt = Assert.IsType<RoleRemoval.Gone>(removal).Receipt;
        await RoleHouse.ExecuteAsync(session, "SELECT 1");
        Assert.Contains("have run nothing since", Assert.Single(receipt.Remarks), StringComparison.Ordinal);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_superuser_who_was_given_the_role_is_left_alone_and_holds_up_nothing()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var boss = $"boss_{made.Oid}";
        await _house.AskAsync($"CREATE ROLE {boss} SUPERUSER LOGIN PASSWORD 'boss'; GRANT {order.Role} TO {boss}; SELECT 1");
        await using (var session = new NpgsqlConnection(_house.Database.ConnectionStringFor(boss, "boss") + ";Pooling=false"))
        {
            await session.OpenAsync(RoleHouse.Cancellation);

            await _house.RemoveAsync(order, made.Oid);

            await RoleHouse.ExecuteAsync(session, "SELECT 1");
        }
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        await _house.AskAsync($"DROP ROLE {boss}; SELECT 1");
    }

    [Fact]
    public async Task Somebody_who_was_given_a_role_that_cannot_go_yet_is_cut_off_once_and_not_with_every_try()
    {
        Assert.SkipUnless(CanBecome, "From PostgreSQL 16 on nobody can become the scope role.");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var friend = $"friend_{made.Oid}";
        await _house.AskAsync($"CREATE ROLE {friend} LOGIN PASSWORD 'friend'; GRANT {order.Role} TO {friend}; CREATE SCHEMA fs; CREATE TABLE fs.t (i int); GRANT SELECT ON fs.t TO {order.Role}; SELECT 1");
        await _house.LockedOutAsync(order, made.Oid);
        await using var session = new NpgsqlConnection(_house.Database.ConnectionStringFor(friend, "friend") + ";Pooling=false");
        await session.OpenAsync(RoleHouse.Cancellation);

        var locked = await _house.LockedOutAsync(order, made.Oid);

        await RoleHouse.ExecuteAsync(session, "SELECT 1");
        await _house.MendAsync(locked.Blockers[0]);
        await _house.RemoveAsync(order, made.Oid);
        await _house.AskAsync($"DROP ROLE {friend}; SELECT 1");
    }

    [Fact]
    public async Task A_clean_role_is_gone_after_one_round_trip()
    {
        var order = _house.Order();
        await _house.RemoveAsync(_house.Order());
        var made = await _house.MakeAsync(order);
        await using var proxy = new LoopbackProxy(_house.Database.Server.Port);
        _house.Credentials.Current = _house.Credentials.Current with { Port = proxy.Port };
        // Connects, and plans what recurs.
        for (var i = 0; i < 3; i++) await _house.RemoveAsync(_house.Order());
        List<string> asked = [];
        proxy.BeforePassing = piece =>
        {
            asked.Add(System.Text.Encoding.ASCII.GetString(piece.Span));
            return Task.CompletedTask;
        };

        await _house.RemoveAsync(order, made.Oid);

        Assert.True(asked.Count == 1, string.Join("\n----\n", asked));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    private async Task<bool> BecomeAsync(RoleOrder order, string[] statements)
    {
        await using var session = await _house.LogInAsync(order);
        try
        {
            foreach (var statement in statements) await RoleHouse.ExecuteAsync(session, statement);
            return true;
        }
        catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege && !CanBecome)
        {
            return false;
        }
    }

    /// <summary>Everything that a scope role must not have.</summary>
    private static string LeftBy(string scope) => $"""
        SELECT (SELECT count(*) FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = '{scope}'::regrole AND deptype = 'o')
             + (SELECT count(*) FROM pg_prepared_xacts WHERE owner = '{scope}') + (SELECT count(*) FROM pg_db_role_setting WHERE setrole = '{scope}'::regrole)
             + (SELECT count(*) FROM pg_authid WHERE rolname = '{scope}' AND rolpassword IS NOT NULL)
        """;

    private static string PrivilegesOf(string scope) => $"""
        SELECT string_agg(pg_describe_object(classid, objid, objsubid), ', ' ORDER BY pg_describe_object(classid, objid, objsubid)) FROM (
            SELECT DISTINCT classid, objid, objsubid FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass AND refobjid = '{scope}'::regrole AND deptype = 'a'
               AND dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))) d
        """;
}
