using System.Text.RegularExpressions;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Doctor;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Roles;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit.Postgres;
using Microsoft.Extensions.Logging.Abstractions;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>No more than was planned and no less: whatever else somebody gave, the making finds it, and names what it cannot put right with a statement that does.</summary>
public sealed class RoleExactnessTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;

    private int Major => _house.Database.Server.Major;

    public async ValueTask InitializeAsync() => _house = new RoleHouse(await postgres.CreateSampleOrdersAsync(), $"exact-{Guid.NewGuid():N}");

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Theory]
    [InlineData("GRANT USAGE ON LANGUAGE plpgsql TO {s}", "language plpgsql")]
    [InlineData("CREATE TYPE public.mood AS ENUM ('glad'); GRANT USAGE ON TYPE public.mood TO {s}", "type public.mood")]
    [InlineData("GRANT CREATE ON TABLESPACE pg_default TO {s}", "tablespace pg_default")]
    [InlineData("GRANT CONNECT ON DATABASE postgres TO {s}", "connect on database postgres (given by postgres)")]
    [InlineData("CREATE TABLE internal.theirs (i int); GRANT INSERT (i) ON internal.theirs TO {s}", "insert on column i of table internal.theirs (given by postgres)")]
    [InlineData("CREATE SCHEMA theirs; GRANT CREATE ON SCHEMA theirs TO {s}", "create on schema theirs (given by postgres)")]
    [InlineData("ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT SELECT ON TABLES TO {s}", "select on everything made later in any schema (given by postgres)")]
    [InlineData("ALTER DEFAULT PRIVILEGES FOR ROLE postgres IN SCHEMA internal GRANT USAGE ON SEQUENCES TO {s}", "usage on everything made later in internal (given by postgres)")]
    [InlineData("ALTER DEFAULT PRIVILEGES FOR ROLE postgres GRANT USAGE ON SCHEMAS TO {s}", "usage on everything made later in any schema (given by postgres)")]
    [InlineData("CREATE ROLE {s}_t; CREATE SCHEMA theirs AUTHORIZATION {s}_t; GRANT CREATE ON SCHEMA theirs TO {s}; CREATE SCHEMA ours; GRANT CREATE ON SCHEMA ours TO {s}", "create on schema ours (given by postgres)")]
    public async Task What_somebody_stronger_gave_the_scope_role_keeps_nobody_out_and_reaches_nobody_and_the_statement_takes_it_back(string given, string named)
    {
        var before = _house.Order();
        await _house.MakeAsync(before);
        var scope = ScopeRoles.NamesFor(_house.Order())[0].Value;
        await _house.AskAsync($"{given.Replace("{s}", scope, StringComparison.Ordinal)}; SELECT 1");

        var order = _house.Order();
        await _house.MakeAsync(order);

        // Another scope role takes its place, which has what the scope says; who is a member of the first stays so.
        var instead = await ScopeRoleOfAsync(order);
        Assert.True(instead != scope && RoleName.IsOrAnother(instead, scope), instead);
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        Assert.Equal(scope, await ScopeRoleOfAsync(before));
        // Not one for each request.
        var next = _house.Order();
        await _house.MakeAsync(next);
        Assert.Equal(instead, await ScopeRoleOfAsync(next));

        var why = await OddAsync();
        Assert.Contains(named, why, StringComparison.Ordinal);
        var statement = Regex.Match(why, "run: (.+;)$", RegexOptions.None, TimeSpan.FromSeconds(1));
        Assert.True(statement.Success, why);
        await _house.AskAsync($"{statement.Groups[1].Value} SELECT 1");
        Assert.DoesNotContain(named, await OddAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_scope_role_was_given_in_another_database_reaches_nobody_else_and_the_statement_takes_it_back()
    {
        await _house.MakeAsync(_house.Order());
        var scope = ScopeRoles.NamesFor(_house.Order())[0].Value;
        var other = await postgres.CreateSampleOrdersAsync();
        await _house.AskAsync($"CREATE TABLE theirs (i int); GRANT SELECT ON theirs TO {scope}; SELECT 1", other.SuperuserConnectionString);

        var order = _house.Order();
        await _house.MakeAsync(order);

        // What nobody owns but the server is not somebody's to give.
        Assert.NotEqual(scope, await ScopeRoleOfAsync(order));
        var why = await OddAsync();
        Assert.Contains($"something in database {other.Name}", why, StringComparison.Ordinal);
        var statement = Regex.Match(why, "There, a superuser runs: ([^;]+;)", RegexOptions.None, TimeSpan.FromSeconds(1)).Groups[1].Value;
        await _house.AskAsync($"{statement} SELECT 1", other.SuperuserConnectionString);
        Assert.Equal("", await OddAsync());
    }

    [Fact]
    public async Task A_privilege_that_somebody_with_the_right_to_hand_it_on_gave_is_named_with_who_gave_it()
    {
        await _house.MakeAsync(_house.Order());
        var scope = ScopeRoles.NamesFor(_house.Order())[0].Value;
        var third = $"third_{Guid.NewGuid():N}"[..20];
        // We act as the table's owner here, whose REVOKE does not touch what others gave, and says nothing.
        await _house.AskAsync($"CREATE ROLE {third}; GRANT USAGE ON SCHEMA internal TO {third}; GRANT SELECT ON internal.payment_tokens TO {third} WITH GRANT OPTION; SET ROLE {third}; GRANT SELECT ON internal.payment_tokens TO {scope}; RESET ROLE; SELECT 1");

        var order = _house.Order();
        await _house.MakeAsync(order);

        Assert.NotEqual(scope, await ScopeRoleOfAsync(order));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT token FROM internal.payment_tokens"));
        var inventory = new RoleInventory(_house.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), _house.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance);
        var upkeep = await inventory.KeepInLineAsync(order.Installation, order.Target, order.Scope, dryRun: false, RoleHouse.Cancellation);
        Assert.Equal("postgres.spurious_privilege", upkeep.Refusal!.Code);
        Assert.True(upkeep.Refusal.Message.Contains($"select on table internal.payment_tokens (given by {third}). Let {third} run: REVOKE SELECT ON TABLE internal.payment_tokens FROM {scope} CASCADE;", StringComparison.Ordinal), upkeep.Refusal.Message);
        await _house.AskAsync($"SET ROLE {third}; REVOKE SELECT ON TABLE internal.payment_tokens FROM {scope} CASCADE; RESET ROLE; SELECT 1");
        Assert.Empty((await inventory.KeepInLineAsync(order.Installation, order.Target, order.Scope, dryRun: false, RoleHouse.Cancellation)).Differences);
    }

    [Theory]
    [InlineData("INSERT ON public.orders", "has_table_privilege('{f}', 'public.orders', 'INSERT')")]
    [InlineData("UPDATE (total) ON public.orders", "has_column_privilege('{f}', 'public.orders', 'total', 'UPDATE')")]
    [InlineData("SELECT ON public.orders", "has_table_privilege('{f}', 'public.orders', 'SELECT')")]
    [InlineData("USAGE ON SCHEMA internal", "has_schema_privilege('{f}', 'internal', 'USAGE')")]
    public async Task What_was_handed_on_in_the_name_of_the_scope_role_is_taken_back_with_what_it_came_from(string privilege, string whether)
    {
        await _house.MakeAsync(_house.Order());
        var scope = ScopeRoles.NamesFor(_house.Order())[0].Value;
        var friend = $"friend_{Guid.NewGuid():N}"[..20];
        await _house.Database.RunAsOwnerAsync($"GRANT {privilege} TO {scope} WITH GRANT OPTION");
        await _house.AskAsync($"CREATE ROLE {friend}; SET ROLE {scope}; GRANT {privilege} TO {friend}; RESET ROLE; SELECT 1");

        var order = _house.Order();
        await _house.MakeAsync(order);

        Assert.Equal("f", await _house.AskAsync($"SELECT left({whether.Replace("{f}", friend, StringComparison.Ordinal)}::text, 1)"));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task Default_privileges_that_may_be_handed_on_are_not_left_so()
    {
        var order = _house.Order();
        await _house.MakeAsync(order);
        await _house.Database.RunAsOwnerAsync($"ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO {ScopeRoles.NamesFor(order)[0]} WITH GRANT OPTION");

        await _house.MakeAsync(_house.Order());

        Assert.Equal("1 0", await _house.AskAsync($"SELECT concat_ws(' ', count(*), count(*) FILTER (WHERE e.is_grantable)) FROM pg_default_acl d, aclexplode(d.defaclacl) e WHERE e.grantee = '{ScopeRoles.NamesFor(order)[0]}'::regrole"));
    }

    [Fact]
    public async Task A_scope_role_that_owns_something_gets_no_new_member_where_only_somebody_stronger_can_have_made_it_so()
    {
        var order = _house.Order();
        await _house.MakeAsync(order);
        await _house.AskAsync($"ALTER TABLE internal.payment_tokens OWNER TO {ScopeRoles.NamesFor(order)[0]}; SELECT 1");

        var next = _house.Order();
        await _house.MakeAsync(next);

        // Until 15 it may be a holder's own work, done as the scope role, which goes with their grant; it is nothing to put it aside for.
        if (Major < 16)
        {
            Assert.Equal(await ScopeRoleOfAsync(order), await ScopeRoleOfAsync(next));
            return;
        }
        Assert.NotEqual(await ScopeRoleOfAsync(order), await ScopeRoleOfAsync(next));
        Assert.Equal("42501", await _house.AsHolderAsync(next, "SELECT token FROM internal.payment_tokens"));
        Assert.Contains("owns table internal.payment_tokens", await OddAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Default_privileges_on_large_objects_are_taken_back_from_18_on()
    {
        Assert.SkipUnless(Major >= 18, "PostgreSQL has them from version 18 on.");
        var order = _house.Order();
        await _house.MakeAsync(order);
        await _house.Database.RunAsOwnerAsync($"ALTER DEFAULT PRIVILEGES GRANT SELECT ON LARGE OBJECTS TO {ScopeRoles.NamesFor(order)[0]}");

        await _house.MakeAsync(_house.Order());

        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_default_acl d, aclexplode(d.defaclacl) e WHERE d.defaclobjtype = 'L' AND e.grantee = '{ScopeRoles.NamesFor(order)[0]}'::regrole"));
    }

    [Theory]
    [InlineData("pg_write_server_files")]
    [InlineData("rdsadmin_")]
    public async Task Nobody_is_told_to_make_the_administrator_a_member_of_a_predefined_role_or_one_of_the_clouds(string owner)
    {
        if (owner.EndsWith('_'))
        {
            owner += Guid.NewGuid().ToString("N");
            await _house.AskAsync($"CREATE ROLE {owner}; SELECT 1");
        }
        await _house.AskAsync($"CREATE TABLE public.theirs (i int); ALTER TABLE public.theirs OWNER TO {owner}; SELECT 1");

        var why = await _house.ImpossibleAsync(_house.Order());

        Assert.Contains($"owner {owner}", why.Message, StringComparison.Ordinal);
        Assert.EndsWith($"run: GRANT SELECT ON TABLE public.theirs TO \"{PostgresServer.AdministratorName}\" WITH GRANT OPTION;", why.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_an_extension_brought_belongs_to_no_scope_for_everything_and_only_to_one_that_names_it()
    {
        await _house.AskAsync("""
            CREATE TABLE public.extensions_own (i int); ALTER EXTENSION plpgsql ADD TABLE public.extensions_own;
            CREATE FUNCTION public.extensions_f() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION public.extensions_f FROM PUBLIC; ALTER EXTENSION plpgsql ADD FUNCTION public.extensions_f();
            SELECT 1
            """);
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Select), RoleHouse.On(ObjectKind.Function, "public", null, Privilege.Execute)]));
        await _house.MakeAsync(order);

        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT * FROM extensions_own"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT extensions_f()"));
        Assert.Contains("public.extensions_own", (await _house.ImpossibleAsync(_house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", "extensions_own", Privilege.Select)])))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_PostgreSQL_would_cut_is_not_the_name_that_is_left()
    {
        var longest = new string('n', 63);
        await _house.Database.RunAsOwnerAsync($"CREATE TABLE public.{longest} (i int)");

        var why = await _house.ImpossibleAsync(_house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", longest + "n", Privilege.Select)])));

        Assert.Equal("postgres.missing_object", why.Code);
    }

    [Fact]
    public async Task The_sequence_of_an_identity_column_belongs_to_its_table()
    {
        await _house.Database.RunAsOwnerAsync("CREATE TABLE notes (id int GENERATED ALWAYS AS IDENTITY)");
        var order = _house.Order(RoleHouse.Scope([new(new ObjectSelector(ObjectKind.Sequence, "public", null) { OfTable = "notes" }, [], [Privilege.Select])]));

        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT last_value FROM notes_id_seq"));
    }

    [Fact]
    public async Task Some_columns_of_all_tables_are_not_all_columns_of_those_made_later()
    {
        var order = _house.Order(RoleHouse.Scope([new(new ObjectSelector(ObjectKind.Table, "public", null), ["id"], [Privilege.Select])]));
        await _house.MakeAsync(order);

        await _house.Database.RunAsOwnerAsync("CREATE TABLE later (id int, secret text)");
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT secret FROM later"));
        await _house.MakeAsync(_house.Order(order.Scope));

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT id FROM later"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT secret FROM later"));
        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT total FROM orders"));
    }

    [Theory]
    [InlineData("fresh")]
    [InlineData("public")]
    public async Task The_first_table_of_an_empty_schema_is_readable_at_once(string schema)
    {
        var empty = await postgres.CreateDatabaseAsync("empty");
        await using var house = new RoleHouse(empty, _house.Installation);
        if (schema == "fresh") await empty.RunAsOwnerAsync("CREATE SCHEMA fresh");
        var order = house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, schema, null, Privilege.Select)]));
        await house.MakeAsync(order);

        await empty.RunAsOwnerAsync($"CREATE TABLE {schema}.first (i int)");

        Assert.Equal("ok", await house.AsHolderAsync(order, $"SELECT * FROM {schema}.first"));
    }

    [Fact]
    public async Task Partitioned_and_foreign_tables_are_tables()
    {
        await _house.Database.RunAsOwnerAsync("CREATE TABLE parted (i int) PARTITION BY RANGE (i)");
        await _house.AskAsync($"CREATE FOREIGN DATA WRAPPER far; CREATE SERVER away FOREIGN DATA WRAPPER far; CREATE FOREIGN TABLE public.afar (i int) SERVER away; ALTER FOREIGN TABLE public.afar OWNER TO {_house.Database.Owner}; SELECT 1");
        var order = _house.Order();
        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT * FROM parted"));
        Assert.Equal("True", await _house.AskAsync($"SELECT has_table_privilege('{order.Role}', 'public.afar', 'SELECT')"));
    }

    [Theory]
    [InlineData("CREATEDB")]
    [InlineData("CREATEROLE")]
    [InlineData("REPLICATION")]
    [InlineData("BYPASSRLS")]
    public async Task A_scope_role_with_any_power_is_put_aside_and_the_statement_mends_it(string power)
    {
        await _house.MakeAsync(_house.Order());
        var scope = ScopeRoles.NamesFor(_house.Order())[0].Value;
        await _house.AskAsync($"ALTER ROLE {scope} {power}; SELECT 1");

        var order = _house.Order();
        await _house.MakeAsync(order);

        Assert.NotEqual(scope, await ScopeRoleOfAsync(order));
        var why = await OddAsync();
        await _house.AskAsync($"{why[(why.IndexOf("run: ", StringComparison.Ordinal) + 5)..]} SELECT 1");
        Assert.Equal("", await OddAsync());
    }

    [Fact]
    public async Task A_scope_role_that_somebody_made_a_member_is_put_aside_and_the_statement_of_whomever_mends_it()
    {
        await _house.MakeAsync(_house.Order());
        var scope = ScopeRoles.NamesFor(_house.Order())[0].Value;
        var (boss, carl) = ($"Boss {Guid.NewGuid():N}"[..20], $"Carl {Guid.NewGuid():N}"[..20]);
        await _house.AskAsync($"CREATE ROLE \"{boss}\"; CREATE ROLE \"{carl}\" CREATEROLE; GRANT \"{boss}\" TO \"{carl}\" WITH ADMIN OPTION; SET ROLE \"{carl}\"; GRANT \"{boss}\" TO {scope}; RESET ROLE; SELECT 1");

        var order = _house.Order();
        await _house.MakeAsync(order);

        Assert.NotEqual(scope, await ScopeRoleOfAsync(order));
        var why = await OddAsync();
        Assert.Contains($"a member of {boss}", why, StringComparison.Ordinal);
        await _house.AskAsync($"{why[(why.IndexOf("run: ", StringComparison.Ordinal) + 5)..]} SELECT 1");
        Assert.Equal("", await OddAsync());
    }

    /// <summary>The scope role that a temporary role is a member of.</summary>
    private Task<string> ScopeRoleOfAsync(RoleOrder order) =>
        _house.AskAsync($"SELECT roleid::regrole::text FROM pg_auth_members WHERE member = '{order.Role}'::regrole");

    /// <summary>What doctor says of the scope beyond that all is well, without its lead.</summary>
    private async Task<string> OddAsync()
    {
        var order = _house.Order();
        var check = Assert.Single(await new ClusterDoctor(_house.Connections, TimeProvider.System, NullLogger<ClusterDoctor>.Instance, DoctorLimits.Default).ExamineAsync(
            order.Target.Cluster, _house.Installation, [new DatabaseToExamine(order.Target, [order.Scope])], RoleHouse.Cancellation), check => check.Name == "scope");
        Assert.NotEqual(Health.Fail, check.Health);
        return check.Health is Health.Ok ? "" : check.What;
    }

    [Fact]
    public async Task A_table_of_an_ordinary_owner_can_be_given_once_the_administrator_is_its_member_as_told()
    {
        var owner = $"Team {Guid.NewGuid():N}"[..20];
        await _house.AskAsync($"CREATE ROLE \"{owner}\"; CREATE TABLE public.teams (i int); ALTER TABLE public.teams OWNER TO \"{owner}\"; CREATE TABLE public.theirs (i int); SELECT 1");
        var order = _house.Order();

        var why = await _house.ImpossibleAsync(order);

        Assert.Contains($"select on table public.teams (owner {owner})", why.Message, StringComparison.Ordinal);
        await _house.AskAsync($"{why.Message[(why.Message.IndexOf("run: ", StringComparison.Ordinal) + 5)..]} SELECT 1");
        await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT * FROM teams, theirs"));
    }

    [Fact]
    public async Task A_worker_whose_lease_is_over_does_not_take_over_what_an_earlier_try_made()
    {
        var order = _house.Order();
        await _house.MakeAsync(order);

        var making = await _house.Administrator.MakeAsync(order with { NotAfter = DateTimeOffset.UtcNow.AddSeconds(-1) }, new Secret("another-Password-of-24-l"), RoleHouse.Cancellation);

        Assert.Equal("postgres.lease_over", Assert.IsType<RoleMaking.NotNow>(making).Why.Code);
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
    }

    [Fact]
    public async Task A_role_that_got_a_power_between_two_tries_is_not_given_out()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"ALTER ROLE {order.Role} CREATEDB; SELECT 1");

        var why = await _house.ImpossibleAsync(order);

        Assert.Equal("postgres.not_as_ordered", why.Code);
        Assert.Contains("a power that we did not give", why.Message, StringComparison.Ordinal);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_role_that_was_given_something_in_another_database_between_two_tries_is_not_given_out()
    {
        var order = _house.Order();
        await _house.MakeAsync(order);
        var other = await postgres.CreateSampleOrdersAsync();
        await other.RunAsOwnerAsync($"GRANT SELECT ON internal.payment_tokens TO {order.Role}");

        var why = await _house.ImpossibleAsync(order);

        Assert.Equal("postgres.not_as_ordered", why.Code);
        Assert.Contains($"something in database {other.Name}", why.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_try_has_the_end_and_the_number_of_sessions_of_its_own_order()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);

        var later = order with { Expiry = order.Expiry.AddHours(1), Scope = order.Scope with { Connections = 3 } };
        await _house.MakeAsync(later);

        Assert.Equal("3 t", await _house.AskAsync($"SELECT concat_ws(' ', rolconnlimit, abs(extract(epoch FROM rolvaliduntil) - {later.Expiry.ToUnixTimeSeconds()}) < 1) FROM pg_roles WHERE oid = {made.Oid}"));
        Assert.Equal(RoleTag.Login(later.Installation, later.Grant, _house.Database.Name, later.Expiry), await _house.AskAsync($"SELECT shobj_description({made.Oid}, 'pg_authid')"));
    }

    [Theory]
    [InlineData("CREATEDB", "")]
    [InlineData("CREATEROLE", "")]
    [InlineData("REPLICATION", "")]
    [InlineData("BYPASSRLS", "")]
    [InlineData("NOLOGIN", "GRANT pg_read_all_data TO {o}")]
    [InlineData("NOLOGIN", "CREATE ROLE {o}_boss BYPASSRLS; GRANT {o}_boss TO {o}")]
    public async Task An_owner_with_a_power_of_its_own_or_anothers_is_nobody_to_act_as(string options, string also)
    {
        var owner = $"strong_{Guid.NewGuid():N}"[..20];
        await _house.AskAsync($"CREATE ROLE {owner} {options}; {also.Replace("{o}", owner, StringComparison.Ordinal)}; GRANT {owner} TO {PostgresServer.AdministratorName} WITH ADMIN OPTION; SELECT 1");

        var order = _house.Order(RoleHouse.Scope([], runAs: owner));
        Assert.Equal("postgres.run_as_too_strong", (await _house.ImpossibleAsync(order)).Code);
        // Nor is it shown as a plan that could be had.
        var plan = await new RoleInventory(_house.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), _house.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance).PlanAsync(order.Installation, order.Target, order.Scope, RoleHouse.Cancellation);
        Assert.Equal("postgres.run_as_too_strong", plan.Refusal?.Code);
    }

    [Fact]
    public async Task An_owner_that_the_administrator_may_not_hand_on_is_named_from_16_on_and_the_statement_mends_it()
    {
        var owner = $"Owner {Guid.NewGuid():N}"[..20];
        await _house.AskAsync($"CREATE ROLE \"{owner}\"; SELECT 1");
        var scope = RoleHouse.Scope([], runAs: owner);
        if (Major >= 16)
        {
            var why = await _house.ImpossibleAsync(_house.Order(scope));
            Assert.Equal("postgres.cannot_grant", why.Code);
            Assert.EndsWith($"run: GRANT \"{owner}\" TO {PostgresServer.AdministratorName} WITH ADMIN OPTION;", why.Message, StringComparison.Ordinal);
            await _house.AskAsync($"GRANT \"{owner}\" TO {PostgresServer.AdministratorName} WITH ADMIN OPTION; SELECT 1");
        }
        var order = _house.Order(scope);
        await _house.MakeAsync(order);

        Assert.Equal(owner, await _house.AskAsync("SELECT current_user::text", _house.Database.ConnectionStringFor(order.Role.Value, RoleHouse.Password.Reveal())));
    }

    [Fact]
    public async Task Columns_of_what_has_none_are_refused_by_name()
    {
        var why = await _house.ImpossibleAsync(_house.Order(RoleHouse.Scope([new(new(ObjectKind.Sequence, "public", "order_number_seq"), ["last_value"], [Privilege.Select])])));

        Assert.Equal("postgres.unsupported", why.Code);
        Assert.Contains("neither a table nor a view", why.Message, StringComparison.Ordinal);
        var delete = await _house.ImpossibleAsync(_house.Order(RoleHouse.Scope([new(new(ObjectKind.Table, "public", "orders"), ["id"], [Privilege.Delete])])));
        Assert.Contains("delete on table public.orders by column, which PostgreSQL does not have", delete.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_table_narrowed_to_is_given_where_the_scope_speaks_of_views_beside_tables()
    {
        var scope = RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Select), RoleHouse.On(ObjectKind.View, "public", null, Privilege.Insert)]);
        var order = _house.Order(scope.NarrowTo([new TableName("public", "orders"), new TableName("public", "open_orders")]).Value);
        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        Assert.Equal("t f", await _house.AskAsync($"SELECT left(has_table_privilege('{order.Role}', 'open_orders', 'INSERT')::text, 1) || ' ' || left(has_table_privilege('{order.Role}', 'orders', 'INSERT')::text, 1)"));
        // Where nothing but views is meant, a table is none.
        var views = RoleHouse.Scope([RoleHouse.On(ObjectKind.View, "public", null, Privilege.Select)]).NarrowTo([new TableName("public", "orders")]).Value;
        Assert.Contains("view public.orders", (await _house.ImpossibleAsync(_house.Order(views))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_plan_of_several_databases_has_one_hash_before_and_after()
    {
        var other = await postgres.CreateSampleOrdersAsync();
        var order = _house.Order();
        order = order with { Target = order.Target with { Also = [other.Name] } };
        var plan = (await new RoleInventory(_house.Connections, new ScopeRoles(TimeProvider.System, NullLogger<ScopeRoles>.Instance), _house.Warm, TimeProvider.System, NullLogger<RoleInventory>.Instance).PlanAsync(order.Installation, order.Target, order.Scope, RoleHouse.Cancellation)).Value;

        Assert.Equal(plan.Hash, (await _house.MakeAsync(order)).Plan.Hash);
    }
}
