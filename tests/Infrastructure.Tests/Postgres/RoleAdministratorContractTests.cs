using DbAccess.Application.Ports;
using DbAccess.TestKit.Contracts;
using DbAccess.TestKit.Postgres;

namespace DbAccess.Infrastructure.Tests.Postgres;

[Core]
public sealed class RoleAdministratorContractTests(PostgresFixture postgres) : RoleAdministratorContract, IAsyncLifetime
{
    private RoleHouse? _house;

    protected override IRoleAdministrator Administrator => _house!.Administrator;

    protected override TimeProvider Clock => TimeProvider.System;

    public async ValueTask InitializeAsync() => _house = new RoleHouse(await postgres.CreateSampleOrdersAsync());

    public async ValueTask DisposeAsync()
    {
        if (_house is not null) await _house.DisposeAsync();
    }

    [Fact]
    public async Task What_would_get_something_else_than_was_agreed_to_is_not_made()
    {
        var order = await OrderAsync();
        var plan = (await MakeAsync(order, new("first-Password_with-24-letters"))).Plan;
        Gone(await Administrator.RemoveAsync(ToRemove(order), Cancellation));

        Assert.IsType<RoleMaking.Differs>(await Administrator.MakeAsync(
            order with { AgreedPlan = new string('0', 64) }, new("first-Password_with-24-letters"), Cancellation));
        Assert.False(await CanAsync(order, "first-Password_with-24-letters", Attempt.LogIn));
        Assert.False(Gone(await Administrator.RemoveAsync(ToRemove(order), Cancellation)).Existed);

        await MakeAsync(order with { AgreedPlan = plan.Hash }, new("first-Password_with-24-letters"));
        Assert.True(await CanAsync(order, "first-Password_with-24-letters", Attempt.Read));
    }

    protected override Task<RoleOrder> OrderAsync() => Task.FromResult(_house!.Order());

    protected override async Task<IAsyncDisposable> OpenAsync(RoleOrder order, string password, bool transaction)
    {
        var connection = await _house!.LogInAsync(order, password);
        if (transaction) await RoleHouse.ExecuteAsync(connection, "BEGIN");
        return connection;
    }

    protected override async Task<bool> CanAsync(RoleOrder order, string password, Attempt attempt)
    {
        var sql = attempt switch
        {
            Attempt.LogIn => "SELECT 1",
            Attempt.Read => "SELECT count(*) FROM public.orders",
            Attempt.Write => "UPDATE public.orders SET status = 'paid' WHERE id = 10001",
            _ => "SELECT count(*) FROM internal.payment_tokens",
        };
        return await _house!.AsHolderAsync(order, sql, password) == "ok";
    }
}
