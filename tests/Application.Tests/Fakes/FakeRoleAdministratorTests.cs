using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.TestKit;
using DbAccess.TestKit.Contracts;
using DbAccess.TestKit.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Application.Tests.Fakes;

public sealed class FakeRoleAdministratorTests : RoleAdministratorContract
{
    private readonly FakeTimeProvider _clock = new(Some.Now);
    private readonly FakeRoleAdministrator _fake;
    private readonly Dictionary<string, (int Sessions, int Transactions)> _open = new(StringComparer.Ordinal);

    public FakeRoleAdministratorTests() => _fake = new FakeRoleAdministrator(_clock);

    protected override IRoleAdministrator Administrator => _fake;

    protected override TimeProvider Clock => _clock;

    protected override Task<RoleOrder> OrderAsync()
    {
        var grant = GrantId.New();
        return Task.FromResult(new RoleOrder(
            Some.Installation, grant, Some.Target(), RoleName.ForGrant(Some.Installation, grant, "erin"), Some.ReadScope(),
            _clock.GetUtcNow().AddHours(1), _clock.GetUtcNow().AddMinutes(1)));
    }

    protected override Task<IAsyncDisposable> OpenAsync(RoleOrder order, string password, bool transaction)
    {
        var before = _open.GetValueOrDefault(order.Role.Value);
        _open[order.Role.Value] = (before.Sessions + 1, before.Transactions + (transaction ? 1 : 0));
        _fake.OpenTransactions(order.Role, _open[order.Role.Value].Sessions, _open[order.Role.Value].Transactions);
        return Task.FromResult<IAsyncDisposable>(new MemoryStream());
    }

    protected override Task<bool> CanAsync(RoleOrder order, string password, Attempt attempt) =>
        Task.FromResult(attempt is Attempt.LogIn or Attempt.Read && _fake.CanLogIn(order.Role, password));

    [Fact]
    public async Task A_role_that_cannot_be_dropped_yet_is_locked_out_all_the_same()
    {
        var order = await OrderAsync();
        await MakeAsync(order, new("password-of-24-letters-x"));
        _fake.RemovalFails = role => new RoleRemoval.LockedOut(
            new RemovalReceipt(Some.Now, 0, Some.Now, null, Existed: true, []), ["table public.orders, owner orders_owner"]);

        Assert.IsType<RoleRemoval.LockedOut>(await _fake.RemoveAsync(ToRemove(order), Cancellation));

        Assert.False(_fake.CanLogIn(order.Role, "password-of-24-letters-x"));
    }
}
