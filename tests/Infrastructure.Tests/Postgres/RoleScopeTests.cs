using DbAccess.Application.Ports;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;
using Microsoft.Extensions.Logging.Abstractions;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>Everything that a scope can name, and that a role can do exactly that: asked of the server object by object, not of our own statements.</summary>
public sealed class RoleScopeTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;
    private IRoleInventory _inventory = null!;

    private int Major => _house.Database.Server.Major;

    public async ValueTask InitializeAsync()
    {
        _house = new RoleHouse(await postgres.CreateSampleOrdersAsync());
        _inventory = new RoleInventory(_house.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), _house.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Fact]
    public async Task A_pattern_means_the_objects_whose_names_match_case_and_underscores_and_all()
    {
        await _house.Database.RunAsOwnerAsync("""CREATE TABLE orders_2025 (i int); CREATE TABLE "ordersX2026" (i int); CREATE TABLE "Orders_2027" (i int); CREATE TABLE "100%" (i int); CREATE TABLE "1000" (i int)""");
        var order = _house.Order(RoleHouse.Scope([Matching(ObjectKind.Table, "orders_*"), Matching(ObjectKind.Table, "100%")]));
        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT * FROM orders_2025"));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT * FROM \"100%\""));
        foreach (var other in (string[])["orders", "\"ordersX2026\"", "\"Orders_2027\"", "order_items", "\"1000\""])
            Assert.Equal("42501", await _house.AsHolderAsync(order, $"SELECT * FROM {other}"));

        await _house.Database.RunAsOwnerAsync("CREATE TABLE orders_2028 (i int); CREATE TABLE other_2028 (i int)");
        var next = _house.Order(order.Scope);
        await _house.MakeAsync(next);

        Assert.Equal("ok", await _house.AsHolderAsync(next, "SELECT * FROM orders_2028"));
        Assert.Equal("42501", await _house.AsHolderAsync(next, "SELECT * FROM other_2028"));
    }

    [Fact]
    public async Task Views_alone_are_views_alone()
    {
        await _house.Database.RunAsOwnerAsync("CREATE MATERIALIZED VIEW totals AS SELECT sum(total) FROM orders");
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.View, "public", null, Privilege.Select)]));
        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM open_orders"));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT * FROM totals"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task The_sequences_of_a_table_come_with_it_and_no_others()
    {
        await _house.Database.RunAsOwnerAsync("CREATE SEQUENCE alone; CREATE TABLE notes (id serial, text text)");
        var order = _house.Order(RoleHouse.Scope(
        [
            RoleHouse.On(ObjectKind.Table, "public", "notes", Privilege.Insert),
            new(new ObjectSelector(ObjectKind.Sequence, "public", null) { OfTable = "notes" }, [], [Privilege.Usage]),
            // A table without any is no fault.
            new(new ObjectSelector(ObjectKind.Sequence, "public", null) { OfTable = "order_items" }, [], [Privilege.Usage]),
        ]));
        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "INSERT INTO notes (text) VALUES ('x')"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT nextval('alone')"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT nextval('order_number_seq')"));

        // Owned by another table from now on: nothing of it shows in the tables, and the next making sees it all the same.
        await _house.Database.RunAsOwnerAsync("ALTER SEQUENCE alone OWNED BY notes.text");
        var next = _house.Order(order.Scope);
        await _house.MakeAsync(next);
        Assert.Equal("ok", await _house.AsHolderAsync(next, "SELECT nextval('alone')"));
    }

    [Fact]
    public async Task A_narrowed_scope_gives_the_tables_asked_for_and_takes_nothing_from_the_others()
    {
        var whole = RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Select, Privilege.Insert), RoleHouse.On(ObjectKind.Sequence, "public", null, Privilege.Usage)]);
        var first = _house.Order(whole);
        await _house.MakeAsync(first);
        var narrowed = _house.Order(whole.NarrowTo([new TableName("public", "orders")]).Value);
        await _house.MakeAsync(narrowed);

        Assert.Equal("ok", await _house.AsHolderAsync(narrowed, "INSERT INTO orders (customer_id, total) VALUES (1, 0)"));
        Assert.Equal("42501", await _house.AsHolderAsync(narrowed, "SELECT count(*) FROM customers"));
        Assert.Equal("ok", await _house.AsHolderAsync(first, "SELECT count(*) FROM customers"));
        Assert.NotEqual(ScopeRoles.NamesFor(first), ScopeRoles.NamesFor(narrowed));
        Assert.Equal("scope.not_in_scope", whole.NarrowTo([new TableName("internal", "payment_tokens")]).Refusal!.Code);
    }

    [Fact]
    public async Task A_scope_role_of_ones_own_is_dropped_with_the_last_role_that_rests_on_it()
    {
        var scope = RoleHouse.ReadScope.NarrowTo([new TableName("public", "orders")]).Value;
        var (one, two) = (_house.Order(scope), _house.Order(scope));
        await _house.MakeAsync(one);
        await _house.MakeAsync(two);
        var scopeRole = ScopeRoles.NamesFor(one)[0];

        await _house.RemoveAsync(one);
        Assert.Equal("postgres.in_use", (await _inventory.DropUnusedAsync(one.Installation, one.Target, scope, RoleHouse.Cancellation)).Refusal!.Code);
        Assert.Equal("ok", await _house.AsHolderAsync(two, "SELECT count(*) FROM orders"));

        await _house.RemoveAsync(two);
        Assert.Null((await _inventory.DropUnusedAsync(two.Installation, two.Target, scope, RoleHouse.Cancellation)).Refusal);
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{scopeRole}'"));
        Assert.Null((await _inventory.DropUnusedAsync(two.Installation, two.Target, scope, RoleHouse.Cancellation)).Refusal);
    }

    [Fact]
    public async Task What_others_gave_a_scope_role_and_keep_there_is_named_and_not_tried_for_ever()
    {
        var order = _house.Order();
        await _house.MakeAsync(order);
        await _house.RemoveAsync(order);
        var scopeRole = ScopeRoles.NamesFor(order)[0];
        // Where PUBLIC may do something, a REVOKE that is not ours to say is only warned about.
        await _house.AskAsync($"CREATE SCHEMA theirs; GRANT USAGE ON SCHEMA theirs TO PUBLIC; GRANT CREATE ON SCHEMA theirs TO {scopeRole}; SELECT 1");

        var kept = await _inventory.DropUnusedAsync(order.Installation, order.Target, order.Scope, RoleHouse.Cancellation).WaitAsync(Patience.Limit, RoleHouse.Cancellation);

        Assert.Equal("postgres.not_dropped", kept.Refusal!.Code);
        Assert.Contains("create on schema theirs is too much (given by postgres)", kept.Refusal.Message, StringComparison.Ordinal);
        await _house.AskAsync($"REVOKE CREATE ON SCHEMA theirs FROM {scopeRole}; SELECT 1");
        Assert.Null((await _inventory.DropUnusedAsync(order.Installation, order.Target, order.Scope, RoleHouse.Cancellation)).Refusal);
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{scopeRole}'"));
    }

    [Fact]
    public async Task One_role_for_two_databases_has_in_each_what_the_rules_say_for_it()
    {
        var other = await postgres.CreateSampleOrdersAsync();
        var order = _house.Order(RoleHouse.Scope(
        [
            RoleHouse.On(ObjectKind.Table, "public", "orders", Privilege.Select),
            RoleHouse.On(ObjectKind.Table, "public", "customers", Privilege.Select) with { Database = other.Name },
        ]));
        order = order with { Target = order.Target with { Also = [other.Name] } };
        var made = await _house.MakeAsync(order);
        var there = other.ConnectionStringFor(order.Role.Value, RoleHouse.Password.Reveal());

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT count(*) FROM customers"));
        Assert.Equal("40", await _house.AskAsync("SELECT count(*) FROM customers", there));
        Assert.Equal("200", await _house.AskAsync("SELECT count(*) FROM orders", there));
        Assert.Equal(2, ScopeRoles.NamesFor(order).Distinct().Count());
        Assert.Contains(other.Name, made.Plan.Summary, StringComparison.Ordinal);

        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task When_one_of_two_databases_cannot_be_given_nothing_is_made_in_the_other()
    {
        var other = await postgres.CreateSampleOrdersAsync();
        await _house.AskAsync("CREATE TABLE foreign_table (i int); SELECT 1", other.SuperuserConnectionString);
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Select)]));
        order = order with { Target = order.Target with { Also = [other.Name] } };

        var why = await _house.ImpossibleAsync(order);

        Assert.Contains("foreign_table", why.Message, StringComparison.Ordinal);
        Assert.Contains("postgres", why.Message, StringComparison.Ordinal);
        var roles = string.Join(", ", ScopeRoles.NamesFor(order).Append(order.Role).Select(role => $"'{role}'"));
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname IN ({roles})"));
    }

    [Fact]
    public async Task A_database_that_the_scope_says_nothing_of_is_not_opened()
    {
        var other = await postgres.CreateSampleOrdersAsync();
        await _house.AskAsync($"REVOKE CONNECT ON DATABASE \"{other.Name}\" FROM PUBLIC; SELECT 1");
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", "orders", Privilege.Select) with { Database = _house.Database.Name }]));
        order = order with { Target = order.Target with { Also = [other.Name] } };
        await _house.MakeAsync(order);

        Assert.Equal("false", await _house.AskAsync($"SELECT has_database_privilege('{order.Role}', '{other.Name}', 'CONNECT')::text"));
        Assert.Single(ScopeRoles.NamesFor(order));
    }

    public static TheoryData<string> Scopes() => ["all tables", "columns", "by pattern", "sequences and functions", "several kinds", "nothing"];

    [Theory]
    [MemberData(nameof(Scopes))]
    public async Task What_a_role_can_do_is_its_plan_and_what_everybody_can_do(string which)
    {
        await _house.Database.RunAsOwnerAsync("""
            CREATE SCHEMA "s p"; CREATE TABLE "s p"."T.1" ("c 1" int, d int); CREATE TABLE "s p".two (i serial); CREATE VIEW "s p".v AS SELECT 1 AS one;
            CREATE FUNCTION "s p".f(a int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION "s p".f(a text) RETURNS int LANGUAGE sql AS 'SELECT 1';
            CREATE PROCEDURE "s p".p() LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON ALL ROUTINES IN SCHEMA "s p" FROM PUBLIC; GRANT SELECT ON "s p".v TO PUBLIC
            """);
        var scope = RoleHouse.Scope(which switch
        {
            "all tables" => [RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Select, Privilege.Insert, Privilege.Truncate), RoleHouse.On(ObjectKind.Table, "s p", null, Privilege.Select, Privilege.References, Privilege.Trigger)],
            "columns" => [new(new(ObjectKind.Table, "s p", "T.1"), ["c 1"], [Privilege.Select, Privilege.Update]), new(new(ObjectKind.Table, "public", "orders"), ["status", "total"], [Privilege.Insert])],
            "by pattern" => [Matching(ObjectKind.Table, "order*"), new(new ObjectSelector(ObjectKind.Function, "s p", null) { Pattern = "?" }, [], [Privilege.Execute])],
            "sequences and functions" => [RoleHouse.On(ObjectKind.Sequence, "s p", null, Privilege.Usage, Privilege.Select), RoleHouse.On(ObjectKind.Sequence, "public", "order_number_seq", Privilege.Update), RoleHouse.On(ObjectKind.Function, "s p", "f", Privilege.Execute)],
            "several kinds" => [RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Select, Privilege.Delete), RoleHouse.On(ObjectKind.View, "s p", null, Privilege.Select), RoleHouse.On(ObjectKind.Function, "s p", null, Privilege.Execute), RoleHouse.On(ObjectKind.Schema, "s p", null, Privilege.Usage)],
            _ => (IReadOnlyList<PrivilegeRule>)[],
        });
        var order = _house.Order(scope);
        var plan = (await _inventory.PlanAsync(order.Installation, order.Target, scope, RoleHouse.Cancellation)).Value;
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{ScopeRoles.NamesFor(order)[0]}'"));

        var made = await _house.MakeAsync(order);

        var everybody = await EffectiveAsync("public");
        var effective = (await EffectiveAsync(order.Role.Value)).Except(everybody, StringComparer.Ordinal).Order(StringComparer.Ordinal);
        var planned = Lines(plan).Except(everybody, StringComparer.Ordinal).Order(StringComparer.Ordinal);
        Assert.Equal(planned, effective);
        Assert.Equal(plan.Hash, made.Plan.Hash);
        // Nothing is there that would be missing from what it names.
        Assert.All(scope.Privileges, rule => Assert.Contains(plan.Objects, thing => thing.Name.Contains(rule.On.Name ?? rule.On.Schema, StringComparison.Ordinal)));
    }

    [Fact]
    public async Task A_plan_names_owners_sizes_what_comes_later_and_what_everybody_has()
    {
        await _house.Database.RunAsOwnerAsync("CREATE FUNCTION public.secret() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT token FROM internal.payment_tokens LIMIT 1'; GRANT SELECT ON customers TO PUBLIC");
        await _house.AskAsync("ANALYZE; SELECT 1");
        var order = _house.Order();

        var plan = (await _inventory.PlanAsync(order.Installation, order.Target, order.Scope, RoleHouse.Cancellation)).Value;

        var orders = Assert.Single(plan.Objects, thing => thing.Name == "public.orders");
        Assert.Equal((_house.Database.Owner, 200L, "select"), (orders.Owner, orders.Rows, string.Join(",", orders.Privileges)));
        Assert.InRange(orders.Bytes!.Value, 8192, 1_000_000);
        Assert.Equal("view", Assert.Single(plan.Objects, thing => thing.Name == "public.open_orders").Kind);
        Assert.Contains(plan.Later, later => later is { Schema: "public", Kind: "tables" } && later.Owner == _house.Database.Owner);
        Assert.Contains(plan.Public, leak => leak is { Kind: "table", Name: "public.customers", Privilege: "select" });
        Assert.Contains(plan.Public, leak => leak.Kind == "function with its owner's rights" && leak.Name == "public.secret()");
        var text = string.Join('\n', plan.Print());
        Assert.Contains($"select on table public.orders (owner {_house.Database.Owner}, about 200 rows", text, StringComparison.Ordinal);
        Assert.Contains("Everybody has already", text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plan_names_what_everybody_may_do_once_the_scope_lets_them_into_a_schema_and_with_the_systems_own()
    {
        await _house.Database.RunAsOwnerAsync("CREATE SCHEMA kept; CREATE TABLE kept.t (i int, hidden text); CREATE FUNCTION kept.peek() RETURNS text LANGUAGE sql SECURITY DEFINER AS 'SELECT hidden FROM kept.t LIMIT 1'");
        await _house.AskAsync("GRANT EXECUTE ON FUNCTION pg_read_file(text) TO PUBLIC; GRANT SELECT ON pg_authid TO PUBLIC");
        async Task<IReadOnlyList<PublicPrivilege>> PublicAsync(string schema)
        {
            var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, schema, null, Privilege.Select)]));
            return (await _inventory.PlanAsync(order.Installation, order.Target, order.Scope, RoleHouse.Cancellation)).Value.Public;
        }

        var (opened, closed) = (await PublicAsync("kept"), await PublicAsync("public"));

        Assert.Contains(opened, leak => leak is { Kind: "function with its owner's rights", Name: "kept.peek()", Privilege: "execute" });
        Assert.DoesNotContain(closed, leak => leak.Name == "kept.peek()");
        Assert.Equal(["pg_catalog.pg_authid", "pg_catalog.pg_read_file(text)"], closed.Select(leak => leak.Name).Where(name => name.StartsWith("pg_", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Tables_are_found_by_their_names_and_where_one_is_not_there_others_that_look_like_it_are()
    {
        await _house.Database.RunAsOwnerAsync("""CREATE SCHEMA "S 1"; CREATE TABLE "S 1"."a.B" (i int); CREATE TABLE "S 1"."a.C" (i int); CREATE INDEX ordrs ON orders (id)""");
        async Task<IReadOnlyList<string>> FindAsync(params TableName[] wanted) =>
            [.. (await _inventory.FindTablesAsync(_house.Order().Target.Cluster, [_house.Database.Name], wanted, RoleHouse.Cancellation)).Value.Select(table => table.ToString()).Order(StringComparer.Ordinal)];

        Assert.Equal(["\"S 1\".\"a.B\"", "public.open_orders", "public.orders"], await FindAsync(new("public", "orders"), new("public", "open_orders"), new("S 1", "a.B")));
        var near = await FindAsync(new("public", "ordrs"), new("S 1", "a.B"), new("nowhere", "orders"));
        Assert.Contains("public.orders", near);
        Assert.DoesNotContain("public.ordrs", near);
        Assert.DoesNotContain("public.order_items", near);
        Assert.DoesNotContain("\"S 1\".\"a.C\"", near);
        Assert.Equal("postgres.no_database", (await _inventory.FindTablesAsync(_house.Order().Target.Cluster, ["nowhere"], [new("public", "orders")], RoleHouse.Cancellation)).Refusal?.Code);
    }

    [Fact]
    public async Task The_hash_of_a_plan_changes_with_what_it_gives_and_with_nothing_else()
    {
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Select)]));
        async Task<string> HashAsync() => (await _inventory.PlanAsync(order.Installation, order.Target, order.Scope, RoleHouse.Cancellation)).Value.Hash;
        var before = await HashAsync();

        await _house.Database.RunAsOwnerAsync("INSERT INTO customers (name, email) SELECT i::text, i::text FROM generate_series(1, 500) i; ANALYZE customers; CREATE SCHEMA elsewhere; CREATE TABLE elsewhere.t (i int); GRANT SELECT ON customers TO PUBLIC");
        Assert.Equal(before, await HashAsync());

        await _house.Database.RunAsOwnerAsync("CREATE TABLE another (i int)");
        var after = await HashAsync();
        Assert.NotEqual(before, after);

        await _house.Database.RunAsOwnerAsync("ALTER TABLE another RENAME TO other");
        Assert.NotEqual(after, await HashAsync());
        await _house.Database.RunAsOwnerAsync("DROP TABLE other");
        Assert.Equal(before, await HashAsync());
    }

    [Fact]
    public async Task Upkeep_lets_new_tables_in_takes_back_what_was_added_and_names_what_it_cannot_give()
    {
        var order = _house.Order(RoleHouse.Scope([Matching(ObjectKind.Table, "order*")]));
        await _house.MakeAsync(order);
        var scopeRole = ScopeRoles.NamesFor(order)[0];
        Assert.Empty((await UpkeepAsync(dryRun: false)).Differences);

        await _house.Database.RunAsOwnerAsync($"CREATE TABLE order_new (i int); GRANT DELETE ON customers TO {scopeRole}; REVOKE SELECT ON order_items FROM {scopeRole}");
        var seen = await UpkeepAsync(dryRun: true);
        Assert.Null(seen.Refusal);
        Assert.Equal(3, seen.Differences.Count);
        Assert.Contains("delete on table public.customers is too much", string.Join('\n', seen.Differences), StringComparison.Ordinal);
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT * FROM order_new"));

        Assert.Null((await UpkeepAsync(dryRun: false)).Refusal);
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT * FROM order_new"));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT * FROM order_items"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "DELETE FROM customers"));
        Assert.Empty((await UpkeepAsync(dryRun: false)).Differences);

        await _house.AskAsync("CREATE TABLE order_foreign (i int); SELECT 1");
        var cannot = await UpkeepAsync(dryRun: false);
        Assert.Contains("order_foreign", cannot.Refusal!.Message, StringComparison.Ordinal);
        Assert.Contains("owner postgres", cannot.Refusal.Message, StringComparison.Ordinal);

        Task<ScopeUpkeep> UpkeepAsync(bool dryRun) => _inventory.KeepInLineAsync(order.Installation, order.Target, order.Scope, dryRun, RoleHouse.Cancellation);
    }

    [Fact]
    public async Task Who_acts_as_an_owner_has_nothing_and_can_make_nothing_by_themselves()
    {
        await _house.AskAsync($"REVOKE CONNECT ON DATABASE \"{_house.Database.Name}\" FROM PUBLIC; GRANT CONNECT ON DATABASE \"{_house.Database.Name}\" TO \"{_house.Database.Owner}\" WITH GRANT OPTION; SELECT 1");
        var order = _house.Order(RoleHouse.Scope([], runAs: _house.Database.Owner));
        var made = await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "CREATE TABLE public.made (i int)"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "RESET ROLE; SET ROLE none; CREATE TABLE public.mine (i int)"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SET ROLE none; SELECT * FROM orders"));
        Assert.Contains($"acting as {_house.Database.Owner}", made.Plan.Summary, StringComparison.Ordinal);

        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        Assert.Equal(_house.Database.Owner, await _house.AskAsync("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'made'"));
    }

    [Fact]
    [Core]
    public async Task A_pattern_of_schemas_is_those_that_there_are_and_later_ones_with_the_next_grant()
    {
        var mallory = $"mallory_{Guid.NewGuid():N}"[..20];
        await _house.Database.RunAsOwnerAsync("""
            CREATE SCHEMA tenant_a; CREATE TABLE tenant_a.orders (i int); CREATE SCHEMA "tenant_B"; CREATE TABLE "tenant_B".orders (i int);
            CREATE SCHEMA tenants; CREATE TABLE tenants.orders (i int); CREATE SCHEMA tenant_; CREATE TABLE tenant_.orders (i int)
            """);
        // Whoever may make schemas cannot shut the scope with one of theirs, or be given for.
        await _house.AskAsync($"CREATE ROLE {mallory}; CREATE SCHEMA tenant_evil AUTHORIZATION {mallory}; SET ROLE {mallory}; CREATE TABLE tenant_evil.t (i int); GRANT USAGE ON SCHEMA tenant_evil TO {PostgresServer.AdministratorName} WITH GRANT OPTION; RESET ROLE; SELECT 1", _house.Database.SuperuserConnectionString);
        var scope = RoleHouse.Scope([new(new ObjectSelector(ObjectKind.Table, "tenant_?*", null) { SchemaIsPattern = true }, [], [Privilege.Select])]);
        var first = _house.Order(scope);
        var plan = (await _inventory.PlanAsync(first.Installation, first.Target, scope, RoleHouse.Cancellation)).Value;
        Assert.Equal(["\"tenant_B\".orders", "tenant_a.orders"], plan.Objects.Where(thing => thing.Kind == "table").Select(thing => thing.Name).Order(StringComparer.Ordinal));

        await _house.MakeAsync(first);
        Assert.Equal("ok", await _house.AsHolderAsync(first, "SELECT * FROM tenant_a.orders, \"tenant_B\".orders"));
        Assert.Equal("42501", await _house.AsHolderAsync(first, "SELECT * FROM tenants.orders"));
        Assert.Equal("42501", await _house.AsHolderAsync(first, "SELECT * FROM tenant_.orders"));
        Assert.Equal("42501", await _house.AsHolderAsync(first, "SELECT * FROM tenant_evil.t"));
        // A table that is made in one of them later is there at once, a schema with the next grant.
        await _house.Database.RunAsOwnerAsync("CREATE TABLE tenant_a.later (i int); CREATE SCHEMA tenant_c; CREATE TABLE tenant_c.orders (i int)");
        Assert.Equal("ok", await _house.AsHolderAsync(first, "SELECT * FROM tenant_a.later"));
        Assert.Equal("42501", await _house.AsHolderAsync(first, "SELECT * FROM tenant_c.orders"));
        var second = _house.Order(scope);
        await _house.MakeAsync(second);
        Assert.Equal("ok", await _house.AsHolderAsync(second, "SELECT * FROM tenant_c.orders"));

        // Narrowed to one table, by its own name.
        var narrowed = _house.Order(scope.NarrowTo([new TableName("tenant_a", "orders")]).Value);
        await _house.MakeAsync(narrowed);
        Assert.Equal("ok", await _house.AsHolderAsync(narrowed, "SELECT * FROM tenant_a.orders"));
        Assert.Equal("42501", await _house.AsHolderAsync(narrowed, "SELECT * FROM tenant_a.later"));
        Assert.Equal("scope.not_in_scope", scope.NarrowTo([new TableName("tenants", "orders")]).Refusal!.Code);
        var listed = await _inventory.ListTablesAsync(first.Target.Cluster, [_house.Database.Name], [.. scope.Privileges.Select(rule => rule.On)], 100, RoleHouse.Cancellation);
        Assert.Equal(4, listed.Value.Count(table => table.Schema != "tenant_evil"));
        foreach (var order in (RoleOrder[])[first, second, narrowed]) await _house.RemoveAsync(order);
    }

    [Fact]
    public async Task A_pattern_that_is_for_no_schema_or_for_too_many_is_refused_with_what_to_do()
    {
        var scope = RoleHouse.Scope([new(new ObjectSelector(ObjectKind.Table, "tenant_*", null) { SchemaIsPattern = true }, [], [Privilege.Select])]);
        var order = _house.Order(scope);
        var none = Assert.IsType<RoleMaking.Impossible>(await _house.Administrator.MakeAsync(order, RoleHouse.Password, RoleHouse.Cancellation));
        Assert.Contains("no schema tenant_* that the administrator may let in", none.Why.Message, StringComparison.Ordinal);
        await _house.Database.RunAsOwnerAsync("DO $$ BEGIN FOR i IN 1..501 LOOP EXECUTE format('CREATE SCHEMA tenant_%s', i); END LOOP; END $$");

        var many = Assert.IsType<RoleMaking.Impossible>(await _house.Administrator.MakeAsync(order, RoleHouse.Password, RoleHouse.Cancellation));

        Assert.Equal("postgres.too_many_schemas", many.Why.Code);
        Assert.Contains("501 schemas", many.Why.Message, StringComparison.Ordinal);
    }

    private static PrivilegeRule Matching(ObjectKind kind, string pattern) => new(new ObjectSelector(kind, "public", null) { Pattern = pattern }, [], [Privilege.Select]);

    private static IEnumerable<string> Lines(PrivilegePlan plan) => plan.Objects.SelectMany(thing => thing.Privileges
        .Select(privilege => $"{Kind(thing.Kind)} {thing.Name} {privilege}")
        .Concat(thing.Columns.SelectMany(entry => entry.Value.Select(column => $"column {thing.Name}.{column} {entry.Key}"))));

    private static string Kind(string kind) => kind is "view" or "materialized view" or "foreign table" ? "table" : kind;

    /// <summary>Whatever the server says that the role can do, whichever way it came to it.</summary>
    private async Task<IReadOnlyList<string>> EffectiveAsync(string role)
    {
        var maintain = Major >= 17 ? ", 'MAINTAIN'" : "";
        return (await _house.AskAsync($"""
            SELECT string_agg(line, E'\n') FROM (
                SELECT format('table %I.%I %s', n.nspname, c.relname, lower(p)) AS line
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER'{maintain}]) p
                 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') AND has_table_privilege('{role}', c.oid, p)
                UNION ALL
                SELECT format('column %I.%I.%I %s', n.nspname, c.relname, a.attname, lower(p))
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'REFERENCES']) p
                 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
                   AND has_column_privilege('{role}', c.oid, a.attnum, p) AND NOT has_table_privilege('{role}', c.oid, p)
                UNION ALL
                SELECT format('sequence %I.%I %s', n.nspname, c.relname, lower(p))
                  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace, unnest(ARRAY['USAGE', 'SELECT', 'UPDATE']) p WHERE c.relkind = 'S' AND has_sequence_privilege('{role}', c.oid, p)
                UNION ALL
                SELECT format('function %I.%I(%s) execute', n.nspname, f.proname, pg_get_function_identity_arguments(f.oid))
                  FROM pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace WHERE n.nspname NOT IN ('pg_catalog', 'information_schema') AND has_function_privilege('{role}', f.oid, 'EXECUTE')
                UNION ALL
                SELECT format('schema %I %s', n.nspname, lower(p)) FROM pg_namespace n, unnest(ARRAY['USAGE', 'CREATE']) p WHERE left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema' AND has_schema_privilege('{role}', n.oid, p)
                UNION ALL
                SELECT format('database %I %s', d.datname, lower(p)) FROM pg_database d, unnest(ARRAY['CONNECT', 'CREATE', 'TEMPORARY']) p WHERE d.datname = current_database() AND has_database_privilege('{role}', d.oid, p)) x
            """)).Split('\n');
    }
}
