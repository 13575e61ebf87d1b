using System.Text.RegularExpressions;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>Somebody's open transaction holds the role, or its scope role, in the catalogs. The lock-out waits for nobody.</summary>
public sealed class HeldRoleTests(PostgresFixture postgres) : IAsyncLifetime
{
    private RoleHouse _house = null!;

    private string ScopeRole => ScopeRoles.NamesFor(_house.Order())[0].Value;

    public async ValueTask InitializeAsync() => _house = new RoleHouse(await postgres.CreateSampleOrdersAsync());

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Theory]
    [InlineData("BEGIN; ALTER ROLE {role} PASSWORD 'md50123456789abcdef0123456789abcdef'")]
    [InlineData("BEGIN; ALTER ROLE {role} SET work_mem = '1MB'")]
    public async Task A_holder_who_changes_their_own_role_and_does_not_commit_is_cut_off_all_the_same(string doing)
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var session = await _house.LogInAsync(order);
        await RoleHouse.ExecuteAsync(session, doing.Replace("{role}", order.Role.Value, StringComparison.Ordinal));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal(1, receipt.SessionsEnded);
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT 1"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task A_session_that_was_cut_before_the_role_could_be_shut_out_is_told_all_the_same()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var session = await _house.LogInAsync(order);
        await using var superuser = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await superuser.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(superuser, $"BEGIN; ALTER ROLE {order.Role} CONNECTION LIMIT 5");

        var held = Assert.IsType<RoleRemoval.NotNow>(await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation));
        await RoleHouse.ExecuteAsync(superuser, "ROLLBACK");
        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Equal(1, held.SoFar?.SessionsEnded);
        Assert.Equal(Domain.Grants.RemovalReceipt.NotYet, held.SoFar!.LockedOutAt);
        Assert.Equal(0, receipt.SessionsEnded);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task Holders_who_stand_in_a_line_to_hold_it_and_come_back_at_once_are_cut_off_all_the_same()
    {
        var order = _house.Order(RoleHouse.ReadScope with { Connections = 20 });
        var made = await _house.MakeAsync(order);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var line = Enumerable.Range(0, 6).Select(_ => HoldAsync()).ToList();
        await Patience.UntilAsync(
            async () => await _house.AskAsync($"SELECT least(3, count(*)) FROM pg_stat_activity WHERE usesysid = {made.Oid}") == "3", "there is a line");

        var receipt = await _house.RemoveAsync(order, made.Oid);
        await stop.CancelAsync();
        await Task.WhenAll(line);

        Assert.InRange(receipt.SessionsEnded, 1, int.MaxValue);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));

        async Task HoldAsync()
        {
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await using var session = await _house.LogInAsync(order);
                    await RoleHouse.ExecuteAsync(session, $"BEGIN; ALTER ROLE {order.Role} SET work_mem = '1MB'; SELECT pg_sleep(20)");
                }
                catch (NpgsqlException)
                {
                    // Cut, or out of time: straight back into the line.
                }
            }
        }
    }

    [Fact]
    [Core]
    public async Task A_change_of_their_own_role_that_a_holder_prepared_holds_up_no_lock_out()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        Assert.Equal("ok", await _house.AsHolderAsync(order, $"BEGIN; ALTER ROLE {order.Role} PASSWORD 'md50123456789abcdef0123456789abcdef'; PREPARE TRANSACTION 'own-{order.Role}'"));

        var receipt = await _house.RemoveAsync(order, made.Oid);

        Assert.Contains(receipt.Remarks, remark => remark.Contains($"own-{order.Role}", StringComparison.Ordinal));
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_prepared_xacts WHERE gid = 'own-{order.Role}'"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    public async Task Somebody_who_was_given_the_role_holds_it_no_longer_than_its_holder_could()
    {
        Assert.SkipUnless(_house.Database.Server.Major < 16, "From PostgreSQL 16 on whoever is given the role does not get its scope role with it.");
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var friend = $"friend_{order.Grant.Compact}";
        await _house.AskAsync($"CREATE ROLE {friend} LOGIN PASSWORD '{RoleHouse.Password.Reveal()}'");
        await _house.AskAsync($"GRANT {order.Role} TO {friend}");
        await using var session = new NpgsqlConnection(_house.Database.ConnectionStringFor(friend, RoleHouse.Password.Reveal()) + ";Pooling=false");
        await session.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(session, $"SET ROLE {order.Role}; BEGIN; ALTER ROLE {order.Role} PASSWORD 'md50123456789abcdef0123456789abcdef'");

        await _house.RemoveAsync(order, made.Oid);

        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT 1"));
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        await _house.AskAsync($"DROP ROLE {friend}");
    }

    [Fact]
    public async Task A_superuser_who_holds_the_role_is_named_as_the_reason_and_waited_for()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await using var superuser = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await superuser.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(superuser, $"BEGIN; ALTER ROLE {order.Role} CONNECTION LIMIT 3");

        var removal = await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation);

        var why = Assert.IsType<RoleRemoval.NotNow>(removal).Why;
        Assert.Equal("postgres.role_held", why.Code);
        Assert.Contains(order.Role.Value, why.Message, StringComparison.Ordinal);
        await RoleHouse.ExecuteAsync(superuser, "COMMIT");
        await _house.RemoveAsync(order, made.Oid);
    }

    [Theory]
    [InlineData("ALTER ROLE {role} CONNECTION LIMIT 3")]
    [InlineData("GRANT SELECT ON internal.payment_tokens TO {role}")]
    public async Task Somebody_elses_prepared_transaction_that_holds_the_role_is_shown_with_what_ends_it(string doing)
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        await _house.AskAsync($"BEGIN; {doing.Replace("{role}", order.Role.Value, StringComparison.Ordinal)}; PREPARE TRANSACTION 'theirs {made.Oid}'");

        var removal = await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation);

        var words = removal is RoleRemoval.NotNow notNow ? notNow.Why.Message : Assert.Single(Assert.IsType<RoleRemoval.LockedOut>(removal).Blockers);
        var question = Regex.Match(words, "to see whose: (SELECT .+);$", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)).Groups[1].Value;
        var ending = await _house.AskAsync($"SELECT statement FROM ({question}) t WHERE statement LIKE '%theirs {made.Oid}%'");
        Assert.Equal($"ROLLBACK PREPARED 'theirs {made.Oid}'", ending);
        await _house.AskAsync(ending);
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
    }

    [Fact]
    [Core]
    public async Task A_grant_of_the_scope_role_that_is_not_committed_holds_up_no_lock_out()
    {
        var order = _house.Order();
        var made = await _house.MakeAsync(order);
        var other = $"other_{order.Grant.Compact}";
        await _house.AskAsync($"CREATE ROLE {other}");
        await using var superuser = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await superuser.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(superuser, $"BEGIN; GRANT {ScopeRole} TO {other}");
        await using var session = await _house.LogInAsync(order);

        await _house.Administrator.RemoveAsync(RoleHouse.ToRemove(order, made.Oid), RoleHouse.Cancellation);

        Assert.NotEqual("ok", await _house.AsHolderAsync(order, "SELECT 1"));
        await Assert.ThrowsAnyAsync<NpgsqlException>(() => RoleHouse.ExecuteAsync(session, "SELECT 1"));
        await RoleHouse.ExecuteAsync(superuser, "ROLLBACK");
        await _house.RemoveAsync(order, made.Oid);
        Assert.Equal("0", await _house.TracesAsync(made.Oid));
        await _house.AskAsync($"DROP ROLE {other}");
    }

    [Fact]
    public async Task A_grant_of_the_scope_role_that_is_not_committed_is_named_to_whoever_asks_for_that_scope()
    {
        Assert.SkipUnless(_house.Database.Server.Major >= 16, "Until PostgreSQL 15 it is in nobody's way.");
        await _house.RemoveAsync(await OrderedAsync());
        var other = $"other_{_house.Order().Grant.Compact}";
        await _house.AskAsync($"CREATE ROLE {other}");
        await using var superuser = new NpgsqlConnection(_house.Database.SuperuserConnectionString + ";Pooling=false");
        await superuser.OpenAsync(RoleHouse.Cancellation);
        await RoleHouse.ExecuteAsync(superuser, $"BEGIN; GRANT {ScopeRole} TO {other}");
        var order = _house.Order();

        var why = Assert.IsType<RoleMaking.NotNow>(await _house.Administrator.MakeAsync(order, RoleHouse.Password, RoleHouse.Cancellation)).Why;

        Assert.Equal("postgres.scope_held", why.Code);
        Assert.Contains(ScopeRole, why.Message, StringComparison.Ordinal);
        Assert.Equal("0", await _house.AskAsync($"SELECT count(*) FROM pg_roles WHERE rolname = '{order.Role}'"));
        await RoleHouse.ExecuteAsync(superuser, "ROLLBACK");
        await _house.MakeAsync(order);
        await _house.AskAsync($"DROP ROLE {other}");
    }

    private async Task<RoleOrder> OrderedAsync()
    {
        var order = _house.Order();
        await _house.MakeAsync(order);
        return order;
    }
}
