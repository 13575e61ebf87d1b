using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using Xunit;

namespace DbAccess.TestKit.Contracts;

/// <summary>What somebody with a role name and a password may try.</summary>
public enum Attempt
{
    LogIn,

    /// <summary>Read a table that the scope names.</summary>
    Read,

    /// <summary>Write to a table that the scope lets them read.</summary>
    Write,

    /// <summary>Read a table that the scope does not name.</summary>
    ReadOutside,
}

/// <summary>The contract of <see cref="IRoleAdministrator"/>, in its own terms: whoever implements it passes these.</summary>
public abstract class RoleAdministratorContract
{
    private static readonly Secret First = new("first-Password_with-24-letters");
    private static readonly Secret Second = new("second-Password-with-24-letters");

    protected abstract IRoleAdministrator Administrator { get; }

    protected abstract TimeProvider Clock { get; }

    protected static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>An order for a new role that may read, on a database that exists.</summary>
    protected abstract Task<RoleOrder> OrderAsync();

    /// <summary>Whether this role and password can do it, now.</summary>
    protected abstract Task<bool> CanAsync(RoleOrder order, string password, Attempt attempt);

    /// <summary>Opens a session, and a transaction in it if asked; both stay open until what is answered is disposed.</summary>
    protected abstract Task<IAsyncDisposable> OpenAsync(RoleOrder order, string password, bool transaction);

    protected static RoleToRemove ToRemove(RoleOrder order, uint? oid = null) => new(order.Installation, order.Grant, order.Target, order.Role, oid);

    [Fact]
    public async Task A_made_role_can_do_what_its_scope_says_and_nothing_else()
    {
        var order = await OrderAsync();

        var made = await MakeAsync(order, First);

        Assert.NotEqual(0u, made.Oid);
        Assert.True(await CanAsync(order, First.Reveal(), Attempt.Read));
        Assert.False(await CanAsync(order, First.Reveal(), Attempt.Write));
        Assert.False(await CanAsync(order, First.Reveal(), Attempt.ReadOutside));
        Assert.False(await CanAsync(order, Second.Reveal(), Attempt.LogIn));
    }

    [Fact]
    public async Task Making_it_again_changes_the_password_and_nothing_else()
    {
        var order = await OrderAsync();
        var made = await MakeAsync(order, First);

        var again = await MakeAsync(order, Second);

        Assert.Equal(made.Oid, again.Oid);
        Assert.False(await CanAsync(order, First.Reveal(), Attempt.LogIn));
        Assert.True(await CanAsync(order, Second.Reveal(), Attempt.Read));
        Assert.False(await CanAsync(order, Second.Reveal(), Attempt.Write));
    }

    [Fact]
    public async Task A_new_password_is_the_only_one_that_works_and_changes_nothing_else()
    {
        var order = await OrderAsync();
        var made = await MakeAsync(order, First);

        Assert.Null((await Administrator.SetPasswordAsync(ToRemove(order, made.Oid), Second, Cancellation)).Refusal);

        Assert.False(await CanAsync(order, First.Reveal(), Attempt.LogIn));
        Assert.True(await CanAsync(order, Second.Reveal(), Attempt.Read));
        Assert.False(await CanAsync(order, Second.Reveal(), Attempt.Write));
    }

    [Fact]
    public async Task What_a_role_has_open_is_counted_and_nobody_elses()
    {
        var (order, others) = (await OrderAsync(), await OrderAsync());
        var made = await MakeAsync(order, First);
        await MakeAsync(others, Second);
        Assert.Equal(new OpenSessions(0, 0, null), await Administrator.CountOpenAsync(ToRemove(order, made.Oid), Cancellation));

        await using var quiet = await OpenAsync(order, First.Reveal(), transaction: false);
        await using var busy = await OpenAsync(order, First.Reveal(), transaction: true);
        await using var other = await OpenAsync(others, Second.Reveal(), transaction: true);

        var open = await Administrator.CountOpenAsync(ToRemove(order), Cancellation);
        Assert.Equal((2, 1), (open.Sessions, open.Transactions));

        var several = await Administrator.ListOpenAsync(order.Target.Cluster, [ToRemove(others), ToRemove(order, made.Oid), ToRemove(await OrderAsync())], Cancellation);
        Assert.Equal([(order.Grant, 2, 1), (others.Grant, 1, 1)],
            several.OrderByDescending(pair => pair.Value.Sessions).Select(pair => (pair.Key, pair.Value.Sessions, pair.Value.Transactions)));
    }

    [Fact]
    public async Task A_role_that_is_gone_or_another_grants_gets_no_password_and_is_not_made()
    {
        var order = await OrderAsync();
        await MakeAsync(order, First);

        Assert.NotNull((await Administrator.SetPasswordAsync(ToRemove(order) with { Grant = GrantId.New() }, Second, Cancellation)).Refusal);
        Assert.True(await CanAsync(order, First.Reveal(), Attempt.LogIn));

        await Administrator.RemoveAsync(ToRemove(order), Cancellation);
        Assert.NotNull((await Administrator.SetPasswordAsync(ToRemove(order), Second, Cancellation)).Refusal);
        Assert.False(await CanAsync(order, Second.Reveal(), Attempt.LogIn));
        Assert.False(Gone(await Administrator.RemoveAsync(ToRemove(order), Cancellation)).Existed);
    }

    [Fact]
    public async Task A_name_that_another_grant_has_is_taken_and_its_role_is_left_alone()
    {
        var others = await OrderAsync();
        await MakeAsync(others, First);

        var making = await Administrator.MakeAsync(others with { Grant = GrantId.New() }, Second, Cancellation);

        Assert.IsType<RoleMaking.NameTaken>(making);
        Assert.True(await CanAsync(others, First.Reveal(), Attempt.Read));
    }

    [Fact]
    public async Task A_name_that_another_installation_has_is_taken_even_for_the_same_grant()
    {
        var others = await OrderAsync();
        await MakeAsync(others, First);

        var making = await Administrator.MakeAsync(others with { Installation = "another-installation" }, Second, Cancellation);

        Assert.IsType<RoleMaking.NameTaken>(making);
        Assert.True(await CanAsync(others, First.Reveal(), Attempt.Read));
    }

    [Fact]
    public async Task Nothing_is_made_once_the_callers_lease_is_over()
    {
        var order = await OrderAsync();

        var making = await Administrator.MakeAsync(order with { NotAfter = Clock.GetUtcNow().AddSeconds(-1) }, First, Cancellation);

        Assert.IsType<RoleMaking.NotNow>(making);
        Assert.False(await CanAsync(order, First.Reveal(), Attempt.LogIn));
        Assert.False(Gone(await Administrator.RemoveAsync(ToRemove(order), Cancellation)).Existed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_removed_role_is_proved_gone_and_cannot_log_in(bool oidIsKnown)
    {
        var order = await OrderAsync();
        var made = await MakeAsync(order, First);

        var receipt = Gone(await Administrator.RemoveAsync(ToRemove(order, oidIsKnown ? made.Oid : null), Cancellation));

        Assert.True(receipt.Existed);
        Assert.NotNull(receipt.ProvedAt);
        Assert.True(receipt.LockedOutAt <= receipt.LastSessionGoneAt && receipt.LastSessionGoneAt <= receipt.ProvedAt);
        Assert.Empty(receipt.HandedOver);
        Assert.False(await CanAsync(order, First.Reveal(), Attempt.LogIn));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Removing_what_is_gone_is_a_success_that_says_so(bool oidIsKnown)
    {
        var order = await OrderAsync();
        var made = await MakeAsync(order, First);
        var role = ToRemove(order, oidIsKnown ? made.Oid : null);
        Gone(await Administrator.RemoveAsync(role, Cancellation));

        var receipt = Gone(await Administrator.RemoveAsync(role, Cancellation));

        Assert.False(receipt.Existed);
        Assert.NotNull(receipt.ProvedAt);
    }

    [Fact]
    public async Task Removing_what_was_never_made_is_a_success()
    {
        var order = await OrderAsync();

        Assert.False(Gone(await Administrator.RemoveAsync(ToRemove(order), Cancellation)).Existed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_role_of_the_same_name_that_is_not_this_grants_is_never_removed(bool oidIsKnown)
    {
        var others = await OrderAsync();
        await MakeAsync(others, First);

        // An OID that is gone: ours was dropped, and somebody took the name.
        var receipt = Gone(await Administrator.RemoveAsync(ToRemove(others, oidIsKnown ? 4_000_000_000 : null) with { Grant = GrantId.New() }, Cancellation));

        Assert.False(receipt.Existed);
        Assert.True(await CanAsync(others, First.Reveal(), Attempt.Read));
    }

    [Fact]
    public async Task A_role_can_be_made_anew_after_its_removal()
    {
        var order = await OrderAsync();
        var first = await MakeAsync(order, First);
        Gone(await Administrator.RemoveAsync(ToRemove(order, first.Oid), Cancellation));

        var second = await MakeAsync(order, Second);

        Assert.NotEqual(first.Oid, second.Oid);
        Assert.True(await CanAsync(order, Second.Reveal(), Attempt.Read));
    }

    [Fact]
    public async Task Its_end_is_moved_and_nothing_else_of_it()
    {
        var order = (await OrderAsync()) with { Expiry = Clock.GetUtcNow().AddSeconds(-5) };
        var made = await MakeAsync(order, First);
        Assert.False(await CanAsync(order, First.Reveal(), Attempt.LogIn));

        Assert.Null((await Administrator.MoveEndAsync(ToRemove(order, made.Oid), Clock.GetUtcNow().AddHours(1), Cancellation)).Refusal);

        Assert.True(await CanAsync(order, First.Reveal(), Attempt.Read));
        Assert.False(await CanAsync(order, First.Reveal(), Attempt.Write));
        Assert.False(Gone(await Administrator.RemoveAsync(ToRemove(order, made.Oid), Cancellation)) is { Existed: false });
    }

    [Fact]
    public async Task The_end_of_what_is_not_this_grants_is_not_moved()
    {
        var order = (await OrderAsync()) with { Expiry = Clock.GetUtcNow().AddSeconds(-5) };
        var never = await Administrator.MoveEndAsync(ToRemove(order), Clock.GetUtcNow().AddHours(1), Cancellation);
        var made = await MakeAsync(order, First);

        var others = await Administrator.MoveEndAsync(
            ToRemove(order, made.Oid) with { Grant = GrantId.New() }, Clock.GetUtcNow().AddHours(1), Cancellation);

        Assert.Equal(("postgres.role_gone", "postgres.role_gone"), (never.Refusal?.Code, others.Refusal?.Code));
        Assert.False(await CanAsync(order, First.Reveal(), Attempt.LogIn));
    }

    protected async Task<RoleMaking.Made> MakeAsync(RoleOrder order, Secret password)
    {
        var making = await Administrator.MakeAsync(order, password, Cancellation);
        Assert.True(making is RoleMaking.Made, $"The role was not made: {making}");
        return (RoleMaking.Made)making;
    }

    protected static RemovalReceipt Gone(RoleRemoval removal)
    {
        Assert.True(removal is RoleRemoval.Gone, $"The role is not gone: {removal}{(removal is RoleRemoval.LockedOut { Blockers: var b } ? string.Join(" | ", b) : "")}");
        return ((RoleRemoval.Gone)removal).Receipt;
    }
}
