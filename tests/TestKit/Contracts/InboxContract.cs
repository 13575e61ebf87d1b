using DbAccess.Application.Ports;
using Xunit;

namespace DbAccess.TestKit.Contracts;

/// <summary>What every inbox must do.</summary>
public abstract class InboxContract
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>When nobody has anything in hand any more.</summary>
    private static DateTimeOffset Late => Some.Now.AddDays(1);

    /// <summary>The inbox of this test, empty when first opened; a second one over the same data when called again.</summary>
    protected abstract ValueTask<IInbox> OpenAsync();

    /// <summary>As damage, or somebody who can write to the store, would.</summary>
    protected abstract Task SpoilAsync(string key, string field);

    [Fact]
    public async Task A_request_is_remembered_as_it_came()
    {
        var inbox = await OpenAsync();
        var item = new InboxItem("Ev1", "message", Some.Engineer, "D0ENGDM01", MaximalGrant.HostileText, Some.Now.AddTicks(1_234_567));
        var bare = item with { Key = "Ev2", Channel = null, Text = "", ReceivedAt = item.ReceivedAt.AddTicks(1) };

        Assert.True(await inbox.TryAddAsync(item, "D0ENGDM01:1767225601.000200", Stop));
        Assert.True(await inbox.TryAddAsync(bare, null, Stop));

        Assert.Equal([item, bare], await (await OpenAsync()).ListWaitingAsync(Late, Stop));
    }

    [Fact]
    public async Task A_copy_is_known_by_its_key_and_changes_nothing()
    {
        var inbox = await OpenAsync();
        var item = Item("a");
        await inbox.TryAddAsync(item, null, Stop);

        Assert.False(await inbox.TryAddAsync(item with { Text = "other" }, null, Stop));
        Assert.False(await inbox.TryAddAsync(item with { Text = "other" }, "alias", Stop));

        Assert.Equal([item], await inbox.ListWaitingAsync(Late, Stop));
        // What was declined took no alias with it.
        Assert.True(await inbox.TryAddAsync(Item("b"), "alias", Stop));
    }

    [Theory]
    [InlineData("second", "shared")]
    [InlineData("shared", null)]
    [InlineData("second", "first")]
    [InlineData("shared", "first")]
    public async Task A_copy_is_known_by_its_alias(string key, string? alias)
    {
        var inbox = await OpenAsync();
        await inbox.TryAddAsync(Item("first"), "shared", Stop);

        Assert.False(await inbox.TryAddAsync(Item(key), alias, Stop));

        Assert.Equal(["first"], await UnfinishedAsync(inbox));
        Assert.True(await inbox.TryAddAsync(Item("second"), "own", Stop));
    }

    [Fact]
    public async Task Requests_without_an_alias_are_not_copies_of_each_other()
    {
        var inbox = await OpenAsync();

        Assert.True(await inbox.TryAddAsync(Item("a"), null, Stop));
        Assert.True(await inbox.TryAddAsync(Item("b"), null, Stop));
        // Keys are opaque: case matters.
        Assert.True(await inbox.TryAddAsync(Item("A"), null, Stop));
    }

    [Fact]
    public async Task Of_sixteen_racing_copies_one_is_accepted()
    {
        IInbox[] inboxes = [await OpenAsync(), await OpenAsync()];

        var accepted = await Task.WhenAll(Enumerable.Range(0, 16).Select(i => Task.Run(() => inboxes[i % 2].TryAddAsync(Item($"key {i % 4}"), "alias", Stop), Stop)));

        Assert.Single(accepted, yes => yes);
        Assert.Single(await inboxes[1].ListWaitingAsync(Late, Stop));
    }

    [Fact]
    public async Task What_is_not_finished_is_listed_oldest_first()
    {
        var inbox = await OpenAsync();
        foreach (var minute in (int[])[3, 1, 4, 2]) await inbox.TryAddAsync(Item($"{minute}", minute), null, Stop);

        Assert.Equal(["1", "2", "3", "4"], await UnfinishedAsync(inbox));

        await inbox.FinishAsync("2", Stop);
        Assert.Equal(["1", "3", "4"], await UnfinishedAsync(await OpenAsync()));
    }

    [Fact]
    public async Task Finished_is_finished_once_and_for_all()
    {
        var inbox = await OpenAsync();
        await inbox.TryAddAsync(Item("a"), "alias", Stop);

        await inbox.FinishAsync("a", Stop);
        await inbox.FinishAsync("a", Stop);
        await inbox.FinishAsync("never seen", Stop);

        Assert.Empty(await inbox.ListWaitingAsync(Late, Stop));
        Assert.False(await inbox.TryAddAsync(Item("a"), null, Stop));
        Assert.False(await inbox.TryAddAsync(Item("b"), "alias", Stop));
        Assert.True(await inbox.TryAddAsync(Item("never seen"), null, Stop));
    }

    [Fact]
    public async Task A_purge_forgets_what_is_finished_and_old_and_nothing_else()
    {
        var inbox = await OpenAsync();
        await inbox.TryAddAsync(Item("old, finished", 1), "alias", Stop);
        await inbox.TryAddAsync(Item("old, unfinished", 1), null, Stop);
        await inbox.TryAddAsync(Item("young, finished", 5), null, Stop);
        await inbox.FinishAsync("old, finished", Stop);
        await inbox.FinishAsync("young, finished", Stop);

        await inbox.PurgeAsync(Some.Now.AddMinutes(1), Stop);
        Assert.False(await inbox.TryAddAsync(Item("old, finished"), null, Stop));

        await inbox.PurgeAsync(Some.Now.AddMinutes(1).AddTicks(1), Stop);
        await inbox.PurgeAsync(Some.Now.AddMinutes(1).AddTicks(1), Stop);
        Assert.Equal(["old, unfinished"], await UnfinishedAsync(inbox));
        Assert.False(await inbox.TryAddAsync(Item("young, finished"), null, Stop));
        Assert.False(await inbox.TryAddAsync(Item("old, unfinished"), null, Stop));
        Assert.True(await inbox.TryAddAsync(Item("old, finished", 9), "alias", Stop));
    }

    [Fact]
    public async Task A_request_is_in_one_hand_until_its_time_is_over()
    {
        var (mine, theirs) = (await OpenAsync(), await OpenAsync());
        var end = Some.Now + IInbox.Hold;
        await mine.TryAddAsync(Item("a"), null, Stop);

        // Whoever accepted it has it, and keeps it.
        Assert.Empty(await theirs.ListWaitingAsync(end.AddTicks(-1), Stop));
        Assert.False(await theirs.TryHoldAsync("a", end.AddTicks(-1), end.AddMinutes(5), Stop));
        Assert.True(await mine.TryHoldAsync("a", end.AddTicks(-1), end.AddSeconds(20), Stop));
        Assert.False(await theirs.TryHoldAsync("a", end, end.AddMinutes(5), Stop));

        // Nobody hears of it for too long: another takes it, and the first does not get it back.
        end = end.AddSeconds(20);
        Assert.Equal("a", Assert.Single(await theirs.ListWaitingAsync(end, Stop)).Key);
        Assert.True(await theirs.TryHoldAsync("a", end, end.AddSeconds(20), Stop));
        Assert.False(await mine.TryHoldAsync("a", end, end.AddMinutes(5), Stop));
        Assert.Empty(await mine.ListWaitingAsync(end, Stop));

        // Let go of, it is anybody's.
        Assert.True(await theirs.TryHoldAsync("a", end, end, Stop));
        Assert.True(await mine.TryHoldAsync("a", end, end.AddSeconds(20), Stop));
    }

    [Fact]
    public async Task Of_eight_who_want_the_same_request_one_gets_it_and_what_is_finished_nobody()
    {
        var inboxes = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => OpenAsync().AsTask()));
        await inboxes[0].TryAddAsync(Item("a"), null, Stop);
        var later = Some.Now.AddMinutes(5);

        var taken = await Task.WhenAll(inboxes.Select(inbox => Task.Run(() => inbox.TryHoldAsync("a", later, later.AddSeconds(20), Stop), Stop)));
        Assert.Single(taken, yes => yes);

        await inboxes[0].FinishAsync("a", Stop);
        Assert.False(await inboxes[Array.IndexOf(taken, true)].TryHoldAsync("a", later, later.AddSeconds(20), Stop));
        Assert.False(await inboxes[0].TryHoldAsync("never seen", later, later.AddSeconds(20), Stop));
        Assert.Empty(await inboxes[0].ListWaitingAsync(Late, Stop));
    }

    [Theory]
    [InlineData("received_at")]
    [InlineData("user")]
    [InlineData("held_until")]
    public async Task A_request_that_cannot_be_read_is_counted_and_hides_none_behind_it(string field)
    {
        var inbox = await OpenAsync();
        await inbox.TryAddAsync(Item("a"), null, Stop);
        await inbox.TryAddAsync(Item("b", minute: 1), null, Stop);
        Assert.Equal(["a", "b"], await UnfinishedAsync(inbox));
        Assert.Equal(0, inbox.CountUnreadable());

        await SpoilAsync("a", field);

        Assert.Equal(["b"], await UnfinishedAsync(inbox));
        Assert.Equal(1, inbox.CountUnreadable());
    }

    [Fact]
    public async Task A_cancelled_call_writes_nothing()
    {
        var inbox = await OpenAsync();
        var cancelled = new CancellationToken(canceled: true);
        await inbox.TryAddAsync(Item("a"), null, Stop);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => inbox.TryAddAsync(Item("b"), null, cancelled));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => inbox.FinishAsync("a", cancelled));

        Assert.Equal(["a"], await UnfinishedAsync(inbox));
    }

    private static InboxItem Item(string key, int minute = 0) => new(key, "command", Some.Engineer, null, "orders read 1h", Some.Now.AddMinutes(minute));

    private static async Task<IEnumerable<string>> UnfinishedAsync(IInbox inbox) => (await inbox.ListWaitingAsync(Late, Stop)).Select(item => item.Key);
}
