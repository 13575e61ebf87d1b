using DbAccess.Application.Grants;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;

namespace DbAccess.Application.Tests.Grants;

public sealed class TableCheckTests
{
    private readonly Stage _stage = new();

    [Fact]
    public async Task A_mistyped_table_is_refused_before_filing_with_the_nearest_there_is()
    {
        _stage.Inventory.Tables = [Table("orders"), Table("order_items"), Table("Odd One")];

        var ask = Ask("ordrs", "order_items", "odd one");
        var answer = await _stage.First.SendAsync(ask);

        Assert.Equal("scope.no_such_table", answer.Refusal?.Code);
        Assert.Equal("orders has no tables `public.\"odd one\"`, `public.ordrs`. Did you mean `public.\"Odd One\"`, `public.orders`? Nothing was filed.", answer.Refusal?.Message);
        Assert.Equal("public.\"Odd One\", public.order_items, public.orders", answer.Refusal?.Meant);
        Assert.Equal(answer.Refusal, (await _stage.First.SendAsync(new CheckRequest(ask.Requester, ask.Wish))).Refusal);
        Assert.Empty(_stage.Store.Stored);
        Assert.Empty(_stage.Dispatched);
    }

    [Fact]
    public async Task Where_nothing_is_near_nothing_else_is_offered()
    {
        _stage.Inventory.Tables = [Table("orders"), Table("shipments")];

        var refusal = (await _stage.First.SendAsync(Ask("ordrs", "invoices"))).Refusal;

        Assert.Equal("scope.no_such_table", refusal?.Code);
        Assert.Null(refusal?.Meant);
        Assert.Contains("`public.invoices`, `public.ordrs`", refusal?.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_is_told_of_a_table_that_the_scope_gives_nothing_on()
    {
        var read = ScopeName.Parse("read")!;
        _stage.Current = _stage.Current with
        {
            Scopes = new Dictionary<ScopeName, PrivilegeScope>(_stage.Current.Scopes)
            {
                [read] = Some.ReadScope() with { Privileges = [new(new(ObjectKind.Table, "public", null) { Pattern = "o*" }, [], [Privilege.Select])] },
            },
        };
        _stage.Inventory.Tables = [Table("salaries"), Table("prdrs")];

        Assert.Null((await _stage.First.SendAsync(Ask("ordrs"))).Refusal?.Meant);
    }

    [Fact]
    public async Task What_is_there_is_filed()
    {
        _stage.Inventory.Tables = [Table("orders")];

        Assert.Null((await _stage.First.SendAsync(Ask("orders"))).Refusal);
        Assert.Single(_stage.Store.Stored);
    }

    [Fact]
    public async Task A_database_that_cannot_be_reached_keeps_nobody_from_filing()
    {
        _stage.Inventory.Tables = [];
        _stage.Inventory.Unlisted = ClusterName.Parse("orders-prod");
        Assert.Null((await _stage.First.SendAsync(Ask("ordrs"))).Refusal);

        _stage.Inventory.Unlisted = null;
        _stage.Inventory.BeforeTables = _ => throw new InvalidOperationException("A fault of the program.");
        Assert.Null((await _stage.First.SendAsync(Ask("ordrs"))).Refusal);
        Assert.Equal(2, _stage.Store.Stored.Count);
    }

    [Fact]
    public async Task A_database_that_is_silent_is_waited_for_no_longer_than_a_moment()
    {
        _stage.Inventory.Tables = [];
        var asked = new TaskCompletionSource();
        _stage.Inventory.BeforeTables = async cancelled =>
        {
            asked.SetResult();
            await Task.Delay(Timeout.Infinite, cancelled);
        };

        var filing = _stage.First.SendAsync(Ask("ordrs"));
        await Task.WhenAny(asked.Task, filing);
        Assert.True(asked.Task.IsCompleted);
        _stage.Clock.Advance(TimeSpan.FromSeconds(2));

        Assert.Null((await filing).Refusal);
        Assert.Single(_stage.Store.Stored);
    }

    private static TableName Table(string name) => new("public", name);

    private static CreateGrant Ask(params string[] tables)
    {
        var ask = Stage.Ask();
        return ask with { Wish = ask.Wish with { Duration = TimeSpan.FromMinutes(30), Only = [.. tables.Select(table => new TableMention("public", table))] } };
    }
}
