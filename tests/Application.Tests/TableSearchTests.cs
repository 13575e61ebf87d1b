using DbAccess.Application.Databases;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;

namespace DbAccess.Application.Tests;

/// <summary>The tables that a form searches: nobody waits for a database between two letters.</summary>
public sealed class TableSearchTests
{
    private readonly Stage _stage = new();
    private int _asked;

    public TableSearchTests()
    {
        _stage.Inventory.Tables = [new TableName("public", "orders"), new TableName("secret", "keys"), new TableName("public", "items")];
        _stage.Inventory.BeforeTables = _ => Task.FromResult(Interlocked.Increment(ref _asked));
    }

    [Fact]
    public async Task Only_what_the_scope_gives_is_named_in_order()
    {
        Assert.Equal(["public.items", "public.orders"], await TablesAsync());
    }

    [Fact]
    public async Task Whoever_looks_at_what_a_scope_gives_finds_its_tables_read_already()
    {
        await _stage.First.SendAsync(new GetPreview(Some.Engineer, DatabaseName.Parse("orders")!, ScopeName.Parse("read")!, []));
        Assert.Equal(1, _asked);

        _stage.Inventory.BeforeTables = cancellation => Task.Delay(Timeout.Infinite, cancellation);
        Assert.Equal(2, (await TablesAsync()).Count);
    }

    [Fact]
    public async Task What_is_older_than_a_minute_is_shown_while_it_is_asked_for_again()
    {
        await TablesAsync();
        _stage.Clock.Advance(TimeSpan.FromMinutes(5));
        var answer = new TaskCompletionSource();
        _stage.Inventory.BeforeTables = _ => answer.Task;
        _stage.Inventory.Tables = [new TableName("public", "invoices")];

        Assert.Equal(["public.items", "public.orders"], await TablesAsync());
        answer.SetResult();
        for (var tries = 0; !(await TablesAsync()).SequenceEqual(["public.invoices"]); tries++) Assert.True(tries < 10_000, "It is not asked for again.");
    }

    [Fact]
    public async Task What_could_not_be_read_ahead_is_asked_for_by_whoever_wants_it()
    {
        _stage.Inventory.BeforeTables = _ => throw new IOException("down");
        await _stage.First.SendAsync(new GetPreview(Some.Engineer, DatabaseName.Parse("orders")!, ScopeName.Parse("read")!, []));

        _stage.Inventory.BeforeTables = null;
        Assert.Equal(2, (await TablesAsync()).Count);
    }

    [Fact]
    public async Task However_fast_somebody_chooses_a_cluster_is_asked_about_little_at_a_time()
    {
        TaskCompletionSource answer = new();
        var (now, most) = (0, 0);
        _stage.First.Gate.At = async boundary =>
        {
            if (boundary is not { Call: "RoleInventory.Plan", Over: false }) return;

            most = Math.Max(most, Interlocked.Increment(ref now));
            await answer.Task;
            Interlocked.Decrement(ref now);
        };
        var asked = Enumerable.Range(0, 6).Select(i => _stage.First.SendAsync(
            new GetPreview(Some.Engineer, DatabaseName.Parse("orders")!, ScopeName.Parse("read")!, [new TableMention("public", $"t{i}")]))).ToList();
        answer.SetResult();

        Assert.All(await Task.WhenAll(asked), preview => Assert.Null(preview.Refusal));
        Assert.InRange(most, 1, 2);
    }

    private async Task<IReadOnlyList<string>> TablesAsync() =>
        (await _stage.First.SendAsync(new ListTables(Some.Engineer, DatabaseName.Parse("orders")!, ScopeName.Parse("read")!)).WaitAsync(Patience.Limit)).Value.Names;
}
