using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>What reading the catalogs back does not tell.</summary>
public sealed class LoginProofTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;

    public async ValueTask InitializeAsync() => _house = new RoleHouse(await postgres.CreateSampleOrdersAsync(), $"login-{Guid.NewGuid():N}");

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_role_that_the_server_turns_away_is_not_handed_out_and_nothing_is_left_of_it(bool asOwner)
    {
        Assert.SkipUnless(_house.Database.Server.Major >= 17, "PostgreSQL has login event triggers from version 17 on.");
        var order = _house.Order(asOwner ? RoleHouse.Scope([], runAs: _house.Database.Owner) : null);
        await _house.AskAsync($"""
            CREATE FUNCTION public.guard() RETURNS event_trigger LANGUAGE plpgsql AS $f$
            BEGIN IF session_user = '{order.Role}' THEN RAISE EXCEPTION 'only from the bastion'; END IF; END $f$;
            CREATE EVENT TRIGGER guard ON login EXECUTE FUNCTION public.guard(); ALTER EVENT TRIGGER guard ENABLE ALWAYS; SELECT 1
            """);

        var why = await _house.ImpossibleAsync(order);

        Assert.Equal("postgres.not_as_ordered", why.Code);
        Assert.Contains("the server does not let it in: only from the bastion (SQLSTATE P0001)", why.Message, StringComparison.Ordinal);
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{order.Role}'"));
    }

    [Fact]
    public async Task A_role_whose_time_is_over_before_it_could_log_in_is_no_other_than_was_ordered()
    {
        Assert.SkipUnless(_house.Database.Server.Major >= 17, "PostgreSQL has login event triggers from version 17 on.");
        var order = _house.Order() with { Expiry = DateTimeOffset.UtcNow.AddSeconds(1.5) };
        await _house.AskAsync($"""
            CREATE FUNCTION public.guard() RETURNS event_trigger LANGUAGE plpgsql AS $f$
            BEGIN IF session_user = '{order.Role}' THEN PERFORM pg_sleep(2); RAISE EXCEPTION 'too late'; END IF; END $f$;
            CREATE EVENT TRIGGER guard ON login EXECUTE FUNCTION public.guard(); ALTER EVENT TRIGGER guard ENABLE ALWAYS; SELECT 1
            """);

        var made = await _house.MakeAsync(order);

        await _house.RemoveAsync(order, made.Oid);
    }

    [Fact]
    public async Task The_proofs_own_session_is_nobodys_to_end()
    {
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", null, Privilege.Select)], connections: 1));
        var made = await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT 1"));
        await using var other = new RoleHouse(_house.Database, _house.Installation);
        var second = other.Order();
        var receipt = await other.RemoveAsync(second, (await other.MakeAsync(second)).Oid);
        Assert.Equal(0, receipt.SessionsEnded);
        await _house.RemoveAsync(order, made.Oid);
    }

    [Fact]
    public async Task A_stuck_query_of_ones_own_can_be_cancelled_while_acting_as_an_owner()
    {
        var order = _house.Order(RoleHouse.Scope([], runAs: _house.Database.Owner));
        await _house.MakeAsync(order);
        await using var stuck = await _house.LogInAsync(order);
        var query = RoleHouse.ExecuteAsync(stuck, "SELECT pg_sleep(600)");
        // A session that is not at work yet hears nothing of it.
        await Patience.UntilAsync(async () => await _house.AskAsync($"SELECT count(*) FROM pg_stat_activity WHERE pid = {stuck.ProcessID} AND wait_event = 'PgSleep'") == "1", "it sleeps");

        // As docs/policy.md says: as the owner one is somebody else.
        Assert.Equal("ok", await _house.AsHolderAsync(order, $"SET ROLE none; SELECT pg_cancel_backend({stuck.ProcessID})"));

        Assert.Equal("57014", (await Assert.ThrowsAsync<Npgsql.PostgresException>(() => query)).SqlState);
    }

    [Fact]
    public async Task An_ordered_set_aggregate_is_named_by_the_types_that_statements_take()
    {
        await _house.Database.RunAsOwnerAsync("""
            CREATE SCHEMA api;
            CREATE FUNCTION api.fin(float8[], float8) RETURNS float8 LANGUAGE sql AS 'SELECT $2';
            CREATE AGGREGATE api.p(float8 ORDER BY float8) (SFUNC = pg_catalog.array_append, STYPE = float8[], FINALFUNC = api.fin);
            """);
        await _house.Database.RunAsOwnerAsync("REVOKE EXECUTE ON FUNCTION api.p(float8, float8) FROM PUBLIC");
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Function, "api", null, Privilege.Execute)]));

        await _house.MakeAsync(order);

        Assert.Equal("True", await _house.AskAsync($"SELECT has_function_privilege('{order.Role}', 'api.p(float8,float8)', 'EXECUTE')"));
    }

    [Fact]
    public async Task A_partition_may_have_what_the_scope_gives_on_the_whole()
    {
        await _house.Database.RunAsOwnerAsync("CREATE TABLE public.parted (i int) PARTITION BY RANGE (i); CREATE SCHEMA parts; CREATE TABLE parts.one PARTITION OF public.parted FOR VALUES FROM (0) TO (9)");
        var order = _house.Order(RoleHouse.Scope([RoleHouse.On(ObjectKind.Table, "public", "parted", Privilege.Select)]));
        await _house.MakeAsync(order);
        var scope = Infrastructure.Postgres.Scopes.ScopeRoles.NamesFor(order)[0];
        await _house.Database.RunAsOwnerAsync($"GRANT SELECT, INSERT ON parts.one TO {scope}");

        await _house.MakeAsync(_house.Order(order.Scope));

        // What comes from the whole stays; anything beyond goes.
        Assert.Equal("True False", await _house.AskAsync($"SELECT concat_ws(' ', CASE WHEN has_table_privilege('{scope}', 'parts.one', 'SELECT') THEN 'True' ELSE 'False' END, CASE WHEN has_table_privilege('{scope}', 'parts.one', 'INSERT') THEN 'True' ELSE 'False' END)"));
    }
}
