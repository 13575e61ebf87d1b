using DbAccess.Domain.Scopes;
using DbAccess.TestKit.Postgres;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>The owner whom a scope acts as, and the administrator's membership in owners: both are the whole server's, so that each test has one of its own.</summary>
public sealed class OwnerTests(PostgresFixture postgres) : IAsyncLifetime
{
    private PostgresServer _server = null!;
    private RoleHouse _house = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await PostgresServer.StartAsync(new() { Major = postgres.Server.Major });
        _house = new RoleHouse(await _server.CreateSampleOrdersAsync());
    }

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
        if (_server is not null) await _server.DisposeAsync();
    }

    [Fact]
    [Core]
    public async Task An_owner_that_can_log_in_is_nobody_to_act_as_until_the_statement_was_run()
    {
        await _house.AskAsync($"ALTER ROLE \"{_house.Database.Owner}\" LOGIN; SELECT 1");
        try
        {
            var why = await _house.ImpossibleAsync(_house.Order(RoleHouse.Scope([], runAs: _house.Database.Owner)));

            Assert.Equal("postgres.run_as_can_log_in", why.Code);
            await _house.MendAsync(why.Message);
            await _house.MakeAsync(_house.Order(RoleHouse.Scope([], runAs: _house.Database.Owner)));
        }
        finally
        {
            await _house.AskAsync($"ALTER ROLE \"{_house.Database.Owner}\" NOLOGIN; SELECT 1");
        }
    }

    [Fact]
    [Core]
    public async Task What_changed_of_an_owner_while_somebody_acted_as_it_is_on_the_receipt_and_nothing_else()
    {
        var friend = $"friend_{Guid.NewGuid():N}"[..20];
        await _house.AskAsync($"CREATE ROLE {friend}; GRANT SELECT ON public.customers TO {friend}; ALTER ROLE \"{_house.Database.Owner}\" SET work_mem = '5MB'; SELECT 1");
        var quiet = _house.Order(RoleHouse.Scope([], runAs: _house.Database.Owner));
        var order = _house.Order(quiet.Scope);
        await _house.MakeAsync(quiet);
        await _house.MakeAsync(order);
        // Others act as it too, and what we do for other scopes is not the holder's doing.
        Assert.DoesNotContain((await RemoveAsync(quiet)).Remarks, remark => remark.Contains("changed", StringComparison.Ordinal));
        await _house.MakeAsync(_house.Order());

        Assert.Equal("ok", await _house.AsHolderAsync(order, $"""
            ALTER ROLE "{_house.Database.Owner}" SET search_path = internal;
            ALTER DEFAULT PRIVILEGES IN SCHEMA internal GRANT SELECT ON TABLES TO PUBLIC;
            GRANT SELECT ON public.orders TO {friend}; GRANT SELECT (token) ON internal.payment_tokens TO {friend};
            CREATE FUNCTION public.back_door() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'
            """));

        var remarks = string.Join('\n', (await RemoveAsync(order)).Remarks);

        foreach (var said in (string[])["the settings of", "the default privileges of", "on tables in schema internal", "privileges of others", "public.orders", "internal.payment_tokens (token)", "(SECURITY DEFINER)", "public.back_door()"])
            Assert.Contains(said, remarks, StringComparison.Ordinal);
        foreach (var not in (string[])["the memberships of", "the extensions of"]) Assert.DoesNotContain(not, remarks, StringComparison.Ordinal);
        await _house.AskAsync($"ALTER ROLE \"{_house.Database.Owner}\" RESET ALL; SELECT 1");

        async Task<Domain.Grants.RemovalReceipt> RemoveAsync(Application.Ports.RoleOrder which) => Assert.IsType<Application.Ports.RoleRemoval.Gone>(
            await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(which) with { RunAs = _house.Database.Owner }, RoleHouse.Cancellation)).Receipt;
    }

    [Theory]
    [InlineData("the triggers, rules and row security of", "trigger tr on public.orders", "CREATE FUNCTION public.tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tr BEFORE INSERT ON public.orders FOR EACH ROW EXECUTE FUNCTION public.tr()")]
    [InlineData("the triggers, rules and row security of", "function public.before(), for triggers", "CREATE OR REPLACE FUNCTION public.before() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0); RETURN NEW; END'")]
    [InlineData("the triggers, rules and row security of", "rule r on public.orders", "CREATE RULE r AS ON INSERT TO public.orders DO ALSO NOTHING")]
    [InlineData("the triggers, rules and row security of", "policy p on public.orders", "CREATE POLICY p ON public.orders USING (true)")]
    [InlineData("the triggers, rules and row security of", "something was taken away", "ALTER TABLE public.customers DISABLE ROW LEVEL SECURITY")]
    [InlineData("the privileges of others on its things of", "type public.mood", "CREATE TYPE public.mood AS ENUM ('glad'); REVOKE USAGE ON TYPE public.mood FROM PUBLIC; GRANT USAGE ON TYPE public.mood TO pg_monitor")]
    [InlineData("the privileges of others on its things of", "large object 4717", "SELECT lo_create(4717); GRANT SELECT ON LARGE OBJECT 4717 TO PUBLIC")]
    public async Task What_was_made_to_run_for_others_or_given_to_them_in_an_owners_name_is_on_the_receipt(string kind, string named, string doing)
    {
        await _house.AskAsync($"""
            CREATE FUNCTION public.before() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; ALTER FUNCTION public.before() OWNER TO "{_house.Database.Owner}";
            ALTER TABLE public.customers ENABLE ROW LEVEL SECURITY; SELECT 1
            """);
        var order = _house.Order(RoleHouse.Scope([], runAs: _house.Database.Owner));
        await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, doing));

        var receipt = Assert.IsType<Application.Ports.RoleRemoval.Gone>(
            await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order) with { RunAs = _house.Database.Owner }, RoleHouse.Cancellation)).Receipt;

        Assert.Contains(named, Assert.Single(receipt.Remarks, remark => remark.Contains(kind, StringComparison.Ordinal)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_changed_of_an_owner_in_a_further_database_is_on_the_receipt_with_its_place()
    {
        var side = $"side_{Guid.NewGuid():N}"[..20];
        await _house.AskAsync($"CREATE DATABASE {side} OWNER \"{_house.Database.Owner}\"");
        var order = _house.Order(RoleHouse.Scope([], runAs: _house.Database.Owner));
        order = order with { Target = order.Target with { Also = [side] } };
        await _house.MakeAsync(order);

        await _house.AskAsync($"""
            CREATE SCHEMA mine; CREATE FUNCTION mine.back_door() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; ALTER ROLE "{_house.Database.Owner}" SET work_mem = '6MB'; SELECT 1
            """, _server.ConnectionString(order.Role.Value, RoleHouse.Password.Reveal(), side));
        var receipt = Assert.IsType<Application.Ports.RoleRemoval.Gone>(
            await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order) with { RunAs = _house.Database.Owner }, RoleHouse.Cancellation)).Receipt;

        Assert.Contains("mine.back_door()", Assert.Single(receipt.Remarks, remark => remark.Contains($"(SECURITY DEFINER) in database {side} of ", StringComparison.Ordinal)), StringComparison.Ordinal);
        Assert.Single(receipt.Remarks, remark => remark.Contains("the settings of", StringComparison.Ordinal));
        Assert.Equal(2, receipt.Remarks.Count(remark => remark.Contains("changed", StringComparison.Ordinal)));
    }

    [Theory]
    [InlineData("the administrator inherits nothing", "ALTER ROLE {a} NOINHERIT", "ALTER ROLE {a} INHERIT")]
    [InlineData("a membership without inheriting", "GRANT {o} TO {a} WITH INHERIT FALSE", "")]
    public async Task The_statement_for_an_owners_table_mends_it_whatever_the_membership_is_like(string what, string before, string after)
    {
        Assert.NotEmpty(what);
        var is16 = _house.Database.Server.Major >= 16;
        Assert.SkipUnless(is16 == (after.Length == 0), "Until 15 inheriting is the role's, from 16 on the membership's.");
        var owner = $"team_{Guid.NewGuid():N}"[..20];
        string Filled(string sql) => sql.Replace("{a}", PostgresServer.AdministratorName, StringComparison.Ordinal).Replace("{o}", owner, StringComparison.Ordinal);
        await _house.AskAsync($"CREATE ROLE {owner}; CREATE TABLE public.teams (i int); ALTER TABLE public.teams OWNER TO {owner}; {Filled(before)}; SELECT 1");
        try
        {
            var why = await _house.ImpossibleAsync(_house.Order());

            Assert.Equal("postgres.cannot_grant", why.Code);
            await _house.MendAsync(why.Message);
            // Until 15 it is told of one owner after the other, where nothing at all was inherited.
            await _house.MakeAsync(_house.Order());
        }
        finally
        {
            if (after.Length > 0) await _house.AskAsync($"{Filled(after)}; SELECT 1");
        }
    }
}
