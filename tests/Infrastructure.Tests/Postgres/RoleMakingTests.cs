using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Roles;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>What a role gets, on a real server.</summary>
public sealed class RoleMakingTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;

    private int Major => _house.Database.Server.Major;

    public async ValueTask InitializeAsync() => _house = new RoleHouse(await postgres.CreateSampleOrdersAsync());

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Fact]
    [Core]
    public async Task Reading_works_and_writing_creating_and_other_tables_are_refused()
    {
        var order = _house.Order();
        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM open_orders"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "INSERT INTO orders (customer_id, total) VALUES (1, 0)"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "CREATE TABLE public.mine ()"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT token FROM internal.payment_tokens"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SET default_transaction_read_only = off; DELETE FROM order_items"));
    }

    [Fact]
    [Core]
    public async Task The_role_is_as_ordered()
    {
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Select)], new() { ["statement_timeout"] = "60s", ["search_path"] = "public, internal" }, connections: 2));

        var made = await _house.MakeAsync(order);

        Assert.Equal($"{made.Oid} t f f f f f 2 t", await _house.AskAsync($"""
            SELECT concat_ws(' ', oid, rolcanlogin, rolsuper, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls, rolconnlimit,
                             abs(extract(epoch FROM rolvaliduntil) - {order.Expiry.ToUnixTimeSeconds()}) < 1)
              FROM pg_roles WHERE rolname = '{order.Role}'
            """));
        Assert.Equal(RoleTag.Login(order.Installation, order.Grant, _house.Database.Name, order.Expiry), await _house.AskAsync($"SELECT shobj_description({made.Oid}, 'pg_authid')"));
        Assert.Equal(order.Grant.ToString(), await _house.AskAsync($"SELECT shobj_description({made.Oid}, 'pg_authid')::json ->> 'g'"));
        Assert.StartsWith("SCRAM-SHA-256$4096:", await _house.AskAsync($"SELECT rolpassword FROM pg_authid WHERE oid = {made.Oid}"), StringComparison.Ordinal);
        Assert.Equal("statement_timeout=60s;search_path=public, internal", await _house.AskAsync($"SELECT array_to_string(setconfig, ';') FROM pg_db_role_setting WHERE setrole = {made.Oid}"));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        Assert.Equal("127.0.0.1 disable", $"{made.Host} {made.SslMode}");
        if (Major >= 16) Assert.Equal("t f f", await _house.AskAsync($"SELECT concat_ws(' ', inherit_option, set_option, admin_option) FROM pg_auth_members WHERE member = {made.Oid}"));
    }

    [Fact]
    public async Task The_verifier_lets_in_and_two_with_one_password_differ()
    {
        var (one, two) = (_house.Order(), _house.Order());
        var (first, second) = (await _house.MakeAsync(one), await _house.MakeAsync(two));

        Assert.NotEqual(
            await _house.AskAsync($"SELECT rolpassword FROM pg_authid WHERE oid = {first.Oid}"),
            await _house.AskAsync($"SELECT rolpassword FROM pg_authid WHERE oid = {second.Oid}"));
        Assert.Equal("ok", await _house.AsHolderAsync(one, "SELECT 1"));
        Assert.Equal("28P01", await _house.AsHolderAsync(one, "SELECT 1", "a-Password_of-24-letterz"));
    }

    [Fact]
    public async Task A_third_session_of_a_scope_with_two_is_refused()
    {
        var order = _house.Order(RoleHouse.ReadScope with { Connections = 2 });
        await _house.MakeAsync(order);

        await using var first = await _house.LogInAsync(order);
        await using var second = await _house.LogInAsync(order);

        Assert.Equal("53300", await _house.AsHolderAsync(order, "SELECT 1"));
    }

    [Fact]
    [Core]
    public async Task Columns_are_given_one_by_one()
    {
        var order = _house.Order(RoleHouse.Scope(
        [
            new(new(ObjectKind.Table, "public", "customers"), ["id", "name"], [Privilege.Select]),
            RoleHouse.On(ObjectKind.Table, "public", "orders", Privilege.Select),
            new(new(ObjectKind.Table, "public", "orders"), ["status", "updated_at"], [Privilege.Update]),
        ]));
        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT id, name FROM customers"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT email FROM customers"));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "UPDATE orders SET status = 'paid' WHERE id = 10001"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "UPDATE orders SET total = 0 WHERE id = 10001"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT count(*) FROM order_items"));
    }

    [Fact]
    [Core]
    public async Task Sequences_functions_and_schemas_are_given_as_named()
    {
        await _house.Database.RunAsOwnerAsync("CREATE SCHEMA s; CREATE TABLE s.t (i int); CREATE FUNCTION s.f(a int, b text) RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION s.f FROM PUBLIC; CREATE FUNCTION s.g() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION s.g FROM PUBLIC");
        var order = _house.Order(RoleHouse.Scope(
        [
            RoleHouse.On(ObjectKind.Sequence, "public", "order_number_seq", Privilege.Usage),
            RoleHouse.On(ObjectKind.Function, "s", "f", Privilege.Execute),
        ]));
        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT nextval('public.order_number_seq')"));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT s.f(1, '')"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT s.g()"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT * FROM s.t"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT setval('public.order_number_seq', 1)"));
    }

    [Fact]
    public async Task Connecting_comes_with_the_scope_where_everybody_has_lost_it()
    {
        await _house.Database.RunAsOwnerAsync($"REVOKE CONNECT, TEMPORARY ON DATABASE \"{_house.Database.Name}\" FROM PUBLIC");
        var order = _house.Order();

        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "CREATE TEMP TABLE t ()"));
    }

    [Fact]
    [Core]
    public async Task A_table_made_later_by_its_owner_is_readable_at_once()
    {
        var order = _house.Order();
        await _house.MakeAsync(order);

        await _house.Database.RunAsOwnerAsync("CREATE TABLE public.later (i int)");

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT * FROM later"));
    }

    [Fact]
    public async Task What_default_privileges_missed_is_caught_up_by_the_next_making()
    {
        var first = _house.Order();
        await _house.MakeAsync(first);
        await _house.Database.RunAsOwnerAsync("CREATE TABLE public.later (i int); REVOKE ALL ON public.later FROM " + ScopeRoles.NamesFor(first)[0]);
        Assert.Equal("42501", await _house.AsHolderAsync(first, "SELECT * FROM later"));

        var second = _house.Order();
        await _house.MakeAsync(second);

        Assert.Equal("ok", await _house.AsHolderAsync(second, "SELECT * FROM later"));
        Assert.Equal("ok", await _house.AsHolderAsync(first, "SELECT * FROM later"));
    }

    [Fact]
    [Core]
    public async Task When_nothing_differs_nothing_of_the_scope_is_written()
    {
        var order = _house.Order();
        await _house.MakeAsync(order);
        const string Versions = "SELECT md5(string_agg(xmin::text || ctid::text, ',' ORDER BY oid)) FROM pg_class WHERE relnamespace = 'public'::regnamespace";
        var before = await _house.AskAsync(Versions);

        await _house.MakeAsync(_house.Order());

        Assert.Equal(before, await _house.AskAsync(Versions));
    }

    [Fact]
    [Core]
    public async Task A_privilege_that_somebody_added_to_the_scope_role_is_taken_back()
    {
        var order = _house.Order();
        await _house.MakeAsync(order);
        var scope = ScopeRoles.NamesFor(order)[0];
        await _house.Database.RunAsOwnerAsync($"""
            GRANT INSERT, DELETE ON public.orders TO {scope}; GRANT UPDATE (email) ON public.customers TO {scope}; GRANT USAGE ON SCHEMA internal TO {scope};
            GRANT SELECT ON internal.payment_tokens TO {scope}; GRANT SELECT ON public.orders TO {scope} WITH GRANT OPTION; GRANT TEMPORARY ON DATABASE "{_house.Database.Name}" TO {scope};
            ALTER DEFAULT PRIVILEGES FOR ROLE {_house.Database.Owner} IN SCHEMA internal GRANT INSERT ON TABLES TO {scope}
            """);
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM internal.payment_tokens"));

        await _house.MakeAsync(_house.Order());

        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT count(*) FROM internal.payment_tokens"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "DELETE FROM orders"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "UPDATE customers SET email = ''"));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_class c, aclexplode(c.relacl) e WHERE e.grantee = '{scope}'::regrole AND (e.is_grantable OR e.privilege_type <> 'SELECT')"));
        Assert.Equal("0", await _house.AskAsync("SELECT count(*) FROM pg_default_acl WHERE defaclnamespace = 'internal'::regnamespace"));
    }

    [Fact]
    [Core]
    public async Task What_the_administrator_cannot_give_is_named_with_its_owner_and_nothing_is_made()
    {
        await _house.AskAsync("CREATE TABLE public.theirs (i int); GRANT SELECT ON public.theirs TO dbaccess_admin; SELECT 1");
        var order = _house.Order();

        var why = await _house.ImpossibleAsync(order);

        Assert.Equal("postgres.cannot_grant", why.Code);
        Assert.Contains("public.theirs", why.Message, StringComparison.Ordinal);
        Assert.Contains("owner postgres", why.Message, StringComparison.Ordinal);
        Assert.Contains("GRANT SELECT ON TABLE public.theirs TO \"dbaccess_admin\" WITH GRANT OPTION;", why.Message, StringComparison.Ordinal);
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname IN ('{order.Role}', '{ScopeRoles.NamesFor(order)[0]}')"));

        // The statement that it names does mend it.
        await _house.AskAsync("GRANT SELECT ON TABLE public.theirs TO \"dbaccess_admin\" WITH GRANT OPTION; SELECT 1");
        await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT * FROM theirs"));
    }

    [Theory]
    [InlineData("or\0ders", "orders", "public")]
    [InlineData("orders", "or\0ders", "public")]
    [InlineData("orders", "orders", "pub\0lic")]
    public async Task A_name_with_a_NUL_is_refused_before_anything_is_sent(string database, string table, string schema)
    {
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, schema, table, Privilege.Select)]));
        order = order with { Target = order.Target with { Database = database == "orders" ? order.Target.Database : database } };

        Assert.Equal("postgres.bad_name", (await _house.ImpossibleAsync(order)).Code);
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{order.Role}'"));
    }

    [Fact]
    public async Task What_everybody_may_do_anyway_need_not_be_given()
    {
        await _house.AskAsync("CREATE TABLE public.everybodys (i int); GRANT SELECT ON public.everybodys TO PUBLIC; SELECT 1");
        var order = _house.Order();

        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT * FROM everybodys"));
    }

    [Fact]
    public async Task Objects_that_the_scope_names_and_nobody_made_are_named()
    {
        foreach (var (scope, named) in new (PrivilegeScope, string)[]
        {
            (RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "nowhere", null, Privilege.Select)]), "schema nowhere"),
            (RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", "invoices", Privilege.Select)]), "table public.invoices"),
            (RoleHouse.Scope([new(new(ObjectKind.Table, "public", "orders"), ["id", "colour"], [Privilege.Select])]), "column colour of table public.orders"),
            (RoleHouse.Scope([RoleHouse.On(ObjectKind.Sequence, "public", "orders", Privilege.Usage)]), "sequence public.orders"),
        })
        {
            var why = await _house.ImpossibleAsync(_house.Order(scope));

            Assert.Equal("postgres.missing_object", why.Code);
            Assert.Contains(named, why.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_PostgreSQL_does_not_have_is_refused_by_name()
    {
        Assert.Contains("execute", (await _house.ImpossibleAsync(_house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Execute)])))).Message, StringComparison.Ordinal);
        var maintain = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Maintain)]));
        if (Major >= 17) await _house.MakeAsync(maintain);
        else Assert.Contains("version 17", (await _house.ImpossibleAsync(maintain)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("log_statement", "all", "log_statement")]
    [InlineData("no_such_setting", "1", "no_such_setting")]
    [InlineData("statement_timeout", "many", "statement_timeout")]
    [InlineData("statement_timeout = '1'; DROP TABLE orders; --", "1", "not the name of a setting")]
    [InlineData("role", "postgres", "role")]
    public async Task A_setting_that_cannot_be_set_is_named_and_nothing_is_made(string name, string value, string named)
    {
        var order = _house.Order(RoleHouse.Scope(RoleHouse.ReadScope.Privileges.ToList(), new() { ["lock_timeout"] = "5s", [name] = value }));

        var why = await _house.ImpossibleAsync(order);

        Assert.Contains(named, why.Message, StringComparison.Ordinal);
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{order.Role}'"));
    }

    [Fact]
    [Core]
    public async Task Hostile_names_are_names()
    {
        var names = new[] { "t\"; DROP TABLE public.orders; --", "we ird", "$$", "%I%L", "a'b\\", "tëst\U0001F980", new string('n', 63), "CamelCase", "select", "a.b" };
        foreach (var name in names)
        {
            var quoted = $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
            await _house.Database.RunAsOwnerAsync($"CREATE SCHEMA {quoted}; CREATE TABLE {quoted}.{quoted} ({quoted} int, other int); CREATE SEQUENCE {quoted}.\"s{name[..Math.Min(name.Length, 10)].Replace("\"", "\"\"", StringComparison.Ordinal)}\"");
        }
        var order = _house.Order(RoleHouse.Scope(
        [
            .. names.Select(name => new PrivilegeRule(new(ObjectKind.Table, name, name), [name], [Privilege.Select])),
            .. names.Select(name => RoleHouse.On(ObjectKind.Sequence, name, null, Privilege.Usage)),
        ]));

        await _house.MakeAsync(order);

        foreach (var name in names)
        {
            var quoted = $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
            Assert.Equal("ok", await _house.AsHolderAsync(order, $"SELECT {quoted} FROM {quoted}.{quoted}"));
            Assert.Equal("42501", await _house.AsHolderAsync(order, $"SELECT other FROM {quoted}.{quoted}"));
        }
        Assert.Equal("200", await _house.AskAsync("SELECT count(*) FROM orders"));
        Assert.False((await _house.RemoveAsync(order)).ProvedAt is null);
    }

    [Theory]
    [InlineData("Db-1\"; DROP DATABASE postgres; --")]
    [InlineData("d'; \\ %s é")]
    [InlineData("host=evil;password=x")]
    public async Task Hostile_databases_are_databases(string prefix)
    {
        var database = await postgres.CreateDatabaseAsync(prefix);
        await using var house = new RoleHouse(database);
        await database.RunAsOwnerAsync("CREATE TABLE public.t (i int)");
        var order = house.Order();

        var made = await house.MakeAsync(order);

        Assert.Equal("ok", await house.AsHolderAsync(order, "SELECT * FROM t"));
        await house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task Functions_that_look_like_the_servers_own_fool_nobody()
    {
        await _house.AskAsync($"""
            CREATE TABLE public.theirs (i int);
            CREATE FUNCTION public.has_table_privilege(oid, text) RETURNS bool LANGUAGE sql AS 'SELECT true';
            CREATE FUNCTION public.has_table_privilege(name, oid, text) RETURNS bool LANGUAGE sql AS 'SELECT true';
            CREATE FUNCTION public.pg_has_role(oid, text) RETURNS bool LANGUAGE sql AS 'SELECT true';
            CREATE FUNCTION public.format(text, VARIADIC "any") RETURNS text LANGUAGE internal AS 'text_format';
            CREATE FUNCTION public.quote_ident(text) RETURNS text LANGUAGE sql AS 'SELECT ''postgres''';
            CREATE VIEW public.pg_roles AS SELECT 1 AS oid;
            ALTER DATABASE "{_house.Database.Name}" SET search_path = public, pg_catalog;
            ALTER DATABASE "{_house.Database.Name}" SET standard_conforming_strings = off;
            ALTER DATABASE "{_house.Database.Name}" SET default_transaction_read_only = on;
            SELECT 1
            """);

        Assert.Contains("public.theirs", (await _house.ImpossibleAsync(_house.Order())).Message, StringComparison.Ordinal);
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", "orders", Privilege.Select)], new() { ["application_name"] = "\\'; CREATE ROLE pwned; --" }));
        var made = await _house.MakeAsync(order);

        Assert.Equal("0", await _house.AskAsync("SELECT count(*) FROM pg_catalog.pg_roles WHERE rolname = 'pwned'"));
        await _house.RemoveAsync(order, made.Oid);
    }

    [Fact]
    public async Task A_scope_role_that_is_not_ours_or_more_than_a_scope_is_not_handed_out_and_keeps_nobody_out()
    {
        var scope = ScopeRoles.NamesFor(_house.Order())[0];
        await _house.MakeAsync(_house.Order());

        await _house.AskAsync($"GRANT pg_read_all_data TO {scope}; SELECT 1");
        var member = await InsteadAsync();
        await _house.AskAsync($"REVOKE pg_read_all_data FROM {scope}; ALTER ROLE {scope} LOGIN; SELECT 1");
        var login = await InsteadAsync();
        await _house.AskAsync($"ALTER ROLE {scope} NOLOGIN; COMMENT ON ROLE {scope} IS 'mine'; SELECT 1");
        var foreign = await InsteadAsync();

        Assert.NotEqual(scope.Value, member);
        Assert.Equal(member, login);
        Assert.Equal(member, foreign);

        async Task<string> InsteadAsync()
        {
            var order = _house.Order();
            await _house.MakeAsync(order);
            Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
            Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT token FROM internal.payment_tokens"));
            return await _house.AskAsync($"SELECT string_agg(roleid::regrole::text, ',') FROM pg_auth_members WHERE member = '{order.Role}'::regrole");
        }
    }

    [Fact]
    public async Task A_role_that_has_more_than_its_scope_is_not_given_out_again()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"CREATE TABLE internal.extra (i int); GRANT SELECT ON internal.extra TO {order.Role}; SELECT 1");

        var why = await _house.ImpossibleAsync(order);

        Assert.Equal("postgres.not_as_ordered", why.Code);
        Assert.Contains("internal.extra", why.Message, StringComparison.Ordinal);
        // The superuser's grant keeps it from being dropped, but not from being shut.
        Assert.Equal("f", await _house.AskAsync($"SELECT rolcanlogin::text::char(1) FROM pg_roles WHERE oid = {made.Oid}"));
        Assert.NotEqual("ok", await _house.AsHolderAsync(order, "SELECT 1"));
    }

    [Fact]
    [Core]
    public async Task Making_again_takes_away_what_was_added_to_the_role_meanwhile()
    {
        var order = _house.Order(RoleHouse.Scope(RoleHouse.ReadScope.Privileges.ToList(), new() { ["statement_timeout"] = "60s" }));
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"GRANT {_house.Database.Owner} TO {order.Role}; ALTER ROLE {order.Role} SET work_mem = '1MB'; SELECT 1");

        var making = await _house.Administrator.MakeAsync(order, RoleHouse.Password, RoleHouse.Cancellation);

        // From 16 on a membership that another made cannot be taken back by us: then the role goes.
        if (making is RoleMaking.Made)
        {
            Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_auth_members WHERE member = {made.Oid} AND roleid = '{_house.Database.Owner}'::regrole"));
            Assert.Equal("statement_timeout=60s", await _house.AskAsync($"SELECT array_to_string(setconfig, ';') FROM pg_db_role_setting WHERE setrole = {made.Oid}"));
        }
        else
        {
            Assert.Equal("postgres.not_as_ordered", Assert.IsType<RoleMaking.Impossible>(making).Why.Code);
            Assert.Equal("0", await _house.TracesAsync(made.Oid));
        }
    }

    [Fact]
    [Core]
    public async Task A_migration_runs_as_the_owner_and_leaves_nothing_of_its_own()
    {
        var order = _house.Order(RoleHouse.Scope([], runAs: _house.Database.Owner));
        var made = await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "ALTER TABLE orders ADD note text; CREATE TABLE public.made (i int)"));
        Assert.Equal(_house.Database.Owner, await _house.AskAsync("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'made'"));
        // Giving it back is of no use: from 16 on the role itself may nothing.
        if (Major >= 16) Assert.Equal("42501", await _house.AsHolderAsync(order, "RESET ROLE; SET ROLE none; CREATE TABLE public.mine (i int)"));
        await using var session = await _house.LogInAsync(order);

        await _house.RemoveAsync(order, made.Oid);

        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT 1"));
    }

    [Theory]
    [InlineData("nobody_there", "has no role")]
    [InlineData("postgres", "No scope may lend that")]
    [InlineData("dbaccess_admin", "No scope may lend that")]
    [InlineData("rds_superuser", "No scope may lend that")]
    [InlineData("pg_read_all_data", "No scope may lend that")]
    public async Task An_owner_that_is_not_there_or_too_strong_is_nobody_to_act_as(string owner, string words)
    {
        var order = _house.Order(RoleHouse.Scope([], runAs: owner));

        Assert.Contains(words, (await _house.ImpossibleAsync(order)).Message, StringComparison.Ordinal);
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{order.Role}'"));
    }

    [Fact]
    public async Task An_administrator_that_may_not_make_roles_is_told_what_it_lacks()
    {
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor });
        var database = await server.CreateSampleOrdersAsync();
        await using var house = new RoleHouse(database);
        await house.MakeAsync(house.Order());
        await house.AskAsync("ALTER ROLE dbaccess_admin NOCREATEROLE; SELECT 1");

        var why = await house.ImpossibleAsync(house.Order());

        Assert.Contains("ALTER ROLE dbaccess_admin CREATEROLE;", why.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Neither_password_nor_a_readable_error_reaches_the_servers_log()
    {
        await using var server = await PostgresServer.StartAsync(new() { Major = PostgresFixture.WantedMajor, Settings = new Dictionary<string, string> { ["log_statement"] = "all", ["log_min_duration_statement"] = "0" } });
        await using var house = new RoleHouse(await server.CreateSampleOrdersAsync());
        var order = house.Order();
        var made = await house.MakeAsync(order);
        await house.MakeAsync(order, new Secret("another-Password-of-24-l"));
        await house.RemoveAsync(order, made.Oid);

        var log = await File.ReadAllTextAsync(server.LogPath, RoleHouse.Cancellation);

        Assert.Contains("CREATE ROLE " + order.Role, log, StringComparison.Ordinal);
        Assert.DoesNotContain(RoleHouse.Password.Reveal(), log, StringComparison.Ordinal);
        Assert.DoesNotContain("another-Password-of-24-l", log, StringComparison.Ordinal);
        Assert.DoesNotContain(server.AdministratorPassword, log, StringComparison.Ordinal);
    }
}
