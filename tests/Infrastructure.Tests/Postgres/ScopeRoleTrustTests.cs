using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Roles;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit.Postgres;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>A scope role is not believed for its name: not in whose hands it is, and not in what others gave it.</summary>
public sealed class ScopeRoleTrustTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly string _mallory = $"mallory_{Guid.NewGuid():N}"[..20];
    private RoleHouse _house = null!;

    private int Major => _house.Database.Server.Major;

    private string First => ScopeRoles.NamesFor(_house.Order())[0].Value;

    public async ValueTask InitializeAsync()
    {
        _house = new RoleHouse(await postgres.CreateSampleOrdersAsync(), $"trust-{Guid.NewGuid():N}");
        await _house.AskAsync($"CREATE ROLE {_mallory} LOGIN PASSWORD 'mallory' CREATEROLE; SELECT 1");
    }

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Fact]
    public async Task Who_made_our_scope_role_first_with_our_comment_gets_nothing_and_keeps_nobody_out()
    {
        Assert.SkipUnless(Major >= 16, "Until 15 whoever makes roles may hand on any.");
        await MalloryMakesItFirstAsync($"GRANT {First} TO {PostgresServer.AdministratorName} WITH ADMIN OPTION; GRANT {First} TO {_mallory} WITH INHERIT TRUE");

        var order = _house.Order();
        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        Assert.Equal("42501", await AsMalloryAsync("SELECT count(*) FROM public.orders"));
        Assert.True(RoleName.IsOrAnother(await ScopeRoleOfAsync(order), First) && await ScopeRoleOfAsync(order) != First);
        // What she can make herself a member of, or of what we make later, is not ours.
        Assert.Equal("42501", await AsMalloryAsync($"GRANT {await ScopeRoleOfAsync(order)} TO {_mallory}"));
    }

    [Theory]
    [InlineData("without our comment", "")]
    [InlineData("without letting us hand it on", "comment")]
    public async Task A_name_that_is_taken_shuts_nobody_out(string how, string comment)
    {
        Assert.NotEmpty(how);
        Assert.SkipUnless(Major >= 16 || comment.Length == 0, "Until 15 whoever makes roles may hand on any.");
        await MalloryMakesItFirstAsync(comment.Length == 0 ? $"COMMENT ON ROLE {First} IS 'hers'" : "SELECT 1");

        var order = _house.Order();
        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        Assert.NotEqual(First, await ScopeRoleOfAsync(order));
    }

    [Theory]
    [InlineData("GRANT {s} TO {m}")]
    [InlineData("GRANT {s} TO {m} WITH ADMIN OPTION")]
    public async Task Who_is_made_a_member_later_gets_nothing_that_is_given_from_then_on(string grant)
    {
        Assert.SkipUnless(Major >= 16, "Until 15 whoever makes roles may hand on any.");
        var before = _house.Order();
        await _house.MakeAsync(before);
        await _house.AskAsync($"{grant.Replace("{s}", First, StringComparison.Ordinal).Replace("{m}", _mallory, StringComparison.Ordinal)}; SELECT 1");
        await _house.Database.RunAsOwnerAsync("ALTER DEFAULT PRIVILEGES IN SCHEMA public REVOKE ALL ON TABLES FROM PUBLIC; CREATE TABLE public.fresh (i int)");

        var order = _house.Order();
        await _house.MakeAsync(order);

        Assert.NotEqual(First, await ScopeRoleOfAsync(order));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM fresh"));
        // Whoever was there before keeps what they have, and another process finds the same role.
        Assert.Equal("ok", await _house.AsHolderAsync(before, "SELECT count(*) FROM orders"));
        await using var another = new RoleHouse(_house.Database, _house.Installation);
        var third = another.Order();
        await another.MakeAsync(third);
        Assert.Equal(await ScopeRoleOfAsync(order), await ScopeRoleOfAsync(third));
        await _house.RemoveAsync(order);
        await _house.RemoveAsync(before);
        await another.RemoveAsync(third);
    }

    [Fact]
    public async Task A_member_that_was_seen_is_looked_at_again_when_it_is_given_more()
    {
        Assert.SkipUnless(Major >= 16, "Until 15 whoever makes roles may hand on any.");
        var before = _house.Order();
        await _house.MakeAsync(before);
        await _house.MakeAsync(_house.Order());
        await _house.AskAsync($"GRANT {First} TO {before.Role} WITH ADMIN OPTION; SELECT 1");

        var order = _house.Order();
        await _house.MakeAsync(order);

        Assert.NotEqual(First, await ScopeRoleOfAsync(order));
    }

    [Fact]
    public async Task A_member_that_is_no_longer_ours_is_seen_within_a_minute()
    {
        Assert.SkipUnless(Major >= 16, "Until 15 whoever makes roles may hand on any.");
        var clock = new LeapingClock();
        await using var house = new RoleHouse(_house.Database, _house.Installation, clock: clock);
        var before = house.Order();
        await house.MakeAsync(before);
        await house.MakeAsync(house.Order());
        await house.AskAsync($"COMMENT ON ROLE {before.Role} IS NULL; SELECT 1");
        clock.Leap = TimeSpan.FromSeconds(61);

        var order = house.Order();
        await house.MakeAsync(order);

        Assert.NotEqual(First, await ScopeRoleOfAsync(order));
    }

    [Fact]
    public async Task Roles_of_an_administrator_that_was_replaced_are_put_aside()
    {
        Assert.SkipUnless(Major >= 16, "Until 15 whoever makes roles may hand on any.");
        await _house.MakeAsync(_house.Order());
        await _house.AskAsync($"ALTER ROLE {_mallory} PASSWORD 'mallory'; GRANT \"{_house.Database.Owner}\" TO {_mallory}; SELECT 1");
        _house.Credentials.Current = _house.Credentials.Current with { Username = _mallory, Password = new("mallory") };

        var order = _house.Order();
        await _house.MakeAsync(order);

        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
    }

    [Theory]
    [InlineData("a large object", "SELECT lo_create({n}); GRANT SELECT ON LARGE OBJECT {n} TO {s}")]
    [InlineData("a table of theirs", "CREATE TABLE hers.t (i int); GRANT ALL ON hers.t TO {s}")]
    [InlineData("a column", "CREATE TABLE hers.t (i int); GRANT SELECT (i) ON hers.t TO {s}")]
    [InlineData("a type", "CREATE TYPE hers.mood AS ENUM ('glad'); GRANT USAGE ON TYPE hers.mood TO {s}")]
    [InlineData("their schema", "GRANT ALL ON SCHEMA hers TO {s}")]
    [InlineData("a function", "CREATE FUNCTION hers.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION hers.f() TO {s}")]
    [InlineData("default privileges", "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {s}")]
    [InlineData("with the right to hand it on", "CREATE TABLE hers.t (i int); GRANT ALL ON hers.t TO {s} WITH GRANT OPTION")]
    public async Task What_a_stranger_gives_of_their_own_keeps_nobody_out_and_is_told(string what, string given)
    {
        Assert.NotEmpty(what);
        await _house.MakeAsync(_house.Order());
        var number = Random.Shared.Next(1_000_000, 2_000_000_000);
        await _house.AskAsync($"CREATE SCHEMA hers AUTHORIZATION {_mallory}; SET ROLE {_mallory}; {given.Replace("{n}", $"{number}", StringComparison.Ordinal).Replace("{s}", First, StringComparison.Ordinal)}; RESET ROLE; SELECT 1");

        var order = _house.Order();
        await _house.MakeAsync(order);

        // It stays the same role: a stranger is not to fill the server with them.
        Assert.Equal(First, await ScopeRoleOfAsync(order));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        var upkeep = await new RoleInventory(_house.Connections, new ScopeRoles(TimeProvider.System, Log), _house.Warm, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<RoleInventory>.Instance)
            .KeepInLineAsync(order.Installation, order.Target, order.Scope, dryRun: false, RoleHouse.Cancellation);
        Assert.Equal("postgres.given_by_others", upkeep.Refusal!.Code);
        Assert.NotEmpty(upkeep.Differences);
    }

    [Theory]
    [InlineData("a policy that names it", "CREATE TABLE hers.t (i int); CREATE POLICY p ON hers.t TO {s} USING (true)")]
    [InlineData("a sequence", "CREATE SEQUENCE hers.q; GRANT ALL ON SEQUENCE hers.q TO {s}")]
    [InlineData("a domain", "CREATE DOMAIN hers.d AS int; GRANT USAGE ON DOMAIN hers.d TO {s}")]
    [InlineData("an ordered-set aggregate", "CREATE FUNCTION hers.fin(float8[], float8) RETURNS float8 LANGUAGE sql AS 'SELECT 1.0::float8'; CREATE AGGREGATE hers.p(float8 ORDER BY float8) (SFUNC = pg_catalog.array_append, STYPE = float8[], FINALFUNC = hers.fin); GRANT EXECUTE ON FUNCTION hers.p(float8, float8) TO {s}")]
    [InlineData("an account at a server of foreign data that it may not use", "RESET ROLE; CREATE FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN DATA WRAPPER w TO {m}; SET ROLE {m}; CREATE SERVER sv FOREIGN DATA WRAPPER w; CREATE USER MAPPING FOR {s} SERVER sv")]
    [InlineData("default privileges in her schema", "ALTER DEFAULT PRIVILEGES IN SCHEMA hers GRANT ALL ON FUNCTIONS TO {s}")]
    [InlineData("default privileges on types and schemas", "ALTER DEFAULT PRIVILEGES GRANT ALL ON TYPES TO {s}; ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO {s} WITH GRANT OPTION")]
    [InlineData("a server of foreign data with an account there", "RESET ROLE; CREATE FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN DATA WRAPPER w TO {m}; SET ROLE {m}; CREATE SERVER sv FOREIGN DATA WRAPPER w; GRANT USAGE ON FOREIGN SERVER sv TO {s}; CREATE USER MAPPING FOR {s} SERVER sv")]
    [InlineData("names that bite", "CREATE TABLE hers.\"t\"\"; DROP TABLE public.orders; --\" (\"i'\" int); GRANT SELECT (\"i'\") ON hers.\"t\"\"; DROP TABLE public.orders; --\" TO {s}")]
    public async Task Whatever_of_hers_a_stranger_ties_to_the_scope_role_keeps_nobody_out(string what, string doing)
    {
        Assert.NotEmpty(what);
        await _house.MakeAsync(_house.Order());
        var done = doing.Replace("{m}", _mallory, StringComparison.Ordinal).Replace("{s}", First, StringComparison.Ordinal);
        await _house.AskAsync($"CREATE SCHEMA hers AUTHORIZATION {_mallory}; SET ROLE {_mallory}; {done}; RESET ROLE; SELECT 1");

        var order = _house.Order();
        var made = await _house.MakeAsync(order);

        Assert.Equal(First, await ScopeRoleOfAsync(order));
        Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
        await _house.RemoveAsync(order, made.Oid);
    }

    [Fact]
    public async Task What_a_stranger_gives_in_a_database_of_hers_that_nobody_may_enter_keeps_nobody_out()
    {
        await _house.MakeAsync(_house.Order());
        var hers = $"\"{_mallory} ßäö \"\" ; --\"";
        await _house.AskAsync($"CREATE DATABASE {hers} OWNER {_mallory}");
        await _house.AskAsync($"SET ROLE {_mallory}; GRANT ALL ON DATABASE {hers} TO {First}; RESET ROLE; ALTER DATABASE {hers} ALLOW_CONNECTIONS false; SELECT 1");
        try
        {
            var order = _house.Order();
            var made = await _house.MakeAsync(order);

            Assert.Equal("ok", await _house.AsHolderAsync(order, "SELECT count(*) FROM orders"));
            await _house.RemoveAsync(order, made.Oid);
        }
        finally
        {
            await _house.AskAsync($"DROP DATABASE {hers}");
        }
    }

    [Fact]
    public async Task An_escrow_role_that_somebody_made_first_gets_nothing_that_a_holder_leaves()
    {
        Assert.SkipUnless(Major >= 16, "Until 15 whoever makes roles may hand on any.");
        var escrow = _house.EscrowName;
        await _house.AskAsync($"""
            SET ROLE {_mallory}; CREATE ROLE {escrow} NOLOGIN; COMMENT ON ROLE {escrow} IS '{RoleTag.Escrow(_house.Installation)}';
            GRANT {escrow} TO {PostgresServer.AdministratorName} WITH ADMIN TRUE, INHERIT TRUE, SET TRUE; GRANT {escrow} TO {_mallory} WITH INHERIT TRUE; RESET ROLE;
            CREATE SCHEMA workshop; GRANT CREATE, USAGE ON SCHEMA workshop TO PUBLIC; GRANT CREATE ON DATABASE "{_house.Database.Name}" TO PUBLIC; SELECT 1
            """);
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, "CREATE TABLE workshop.copied AS SELECT * FROM orders"));

        await _house.RemoveAsync(order, made.Oid);

        Assert.Equal(PostgresServer.AdministratorName, await _house.AskAsync("SELECT relowner::regrole::text FROM pg_class WHERE relname = 'copied'"));
        var copied = await _house.AskAsync("SELECT oid::regclass::text FROM pg_class WHERE relname = 'copied'");
        Assert.Equal("42501", await AsMalloryAsync($"SELECT count(*) FROM {copied}"));
    }

    [Fact]
    public async Task What_a_stranger_gives_in_another_database_keeps_nobody_out()
    {
        await _house.MakeAsync(_house.Order());
        var other = await postgres.CreateSampleOrdersAsync();
        await _house.AskAsync($"CREATE SCHEMA hers AUTHORIZATION {_mallory}; SET ROLE {_mallory}; CREATE TABLE hers.t (i int); GRANT ALL ON hers.t TO {First}; RESET ROLE; SELECT 1", other.SuperuserConnectionString);

        var order = _house.Order();
        await _house.MakeAsync(order);

        Assert.Equal(First, await ScopeRoleOfAsync(order));
    }

    [Fact]
    public async Task A_table_that_a_live_holder_made_in_a_schema_of_the_scope_is_no_part_of_it_and_keeps_nobody_out()
    {
        var maker = _house.Order();
        var made = await _house.MakeAsync(maker);
        await _house.Database.RunAsOwnerAsync($"GRANT CREATE ON SCHEMA public TO {maker.Role}");
        Assert.Equal("ok", await _house.AsHolderAsync(maker, "CREATE TABLE public.scratch (i int)"));

        var order = _house.Order();
        var plan = (await _house.MakeAsync(order)).Plan;

        Assert.Equal("42501", await _house.AsHolderAsync(order, "SELECT * FROM public.scratch"));
        Assert.Equal((made.Plan.Hash, made.Plan.Summary), (plan.Hash, plan.Summary));
        Assert.Equal(made.Plan.Gives, plan.Gives);
        await _house.Database.RunAsOwnerAsync($"REVOKE CREATE ON SCHEMA public FROM {maker.Role}");
        await _house.RemoveAsync(maker, made.Oid);
        await _house.MakeAsync(_house.Order());
    }

    private static Microsoft.Extensions.Logging.Abstractions.NullLogger<ScopeRoles> Log => Microsoft.Extensions.Logging.Abstractions.NullLogger<ScopeRoles>.Instance;

    private Task MalloryMakesItFirstAsync(string also) => _house.AskAsync(
        $"SET ROLE {_mallory}; CREATE ROLE {First} NOLOGIN NOINHERIT; COMMENT ON ROLE {First} IS '{RoleTag.Scope(_house.Installation, _house.Database.Name, "read", RoleHouse.ReadScope.Fingerprint(_house.Database.Name))}'; {also}; RESET ROLE; SELECT 1");

    private async Task<string> AsMalloryAsync(string sql)
    {
        try
        {
            await _house.AskAsync(sql, _house.Database.ConnectionStringFor(_mallory, "mallory"));
            return "ok";
        }
        catch (Npgsql.PostgresException refused)
        {
            return refused.SqlState;
        }
    }

    private Task<string> ScopeRoleOfAsync(RoleOrder order) =>
        _house.AskAsync($"SELECT string_agg(roleid::regrole::text, ',') FROM pg_auth_members WHERE member = '{order.Role}'::regrole");

    private sealed class LeapingClock : TimeProvider
    {
        public TimeSpan Leap { get; set; }

        public override long GetTimestamp() => base.GetTimestamp() + (long)(Leap.TotalSeconds * TimestampFrequency);
    }
}
