using DbAccess.Application.Databases;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using Xunit;

namespace DbAccess.Application.Tests;

public sealed class GetPlanTests
{
    private readonly Stage _stage = new();

    [Theory]
    [InlineData("nowhere", "read", "policy.unknown_database")]
    [InlineData("orders", "nothing", "policy.unknown_scope")]
    public async Task What_the_policy_does_not_know_is_refused_with_what_it_has(string database, string scope, string code)
    {
        var refusal = (await _stage.First.SendAsync(new GetPlan(DatabaseName.Parse(database)!, ScopeName.Parse(scope)!, []))).Refusal!;

        Assert.Equal(code, refusal.Code);
        Assert.Contains(database == "orders" ? "read" : "orders", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_scope_is_planned_as_narrowed()
    {
        var (database, scope) = (DatabaseName.Parse("orders")!, ScopeName.Parse("read")!);

        Assert.Equal("read", (await _stage.First.SendAsync(new GetPlan(database, scope, []))).Value.Scope.Value);
        Assert.Equal("scope.not_in_scope", (await _stage.First.SendAsync(new GetPlan(database, scope, [new TableMention("secret", "t")]))).Refusal!.Code);
    }
}
