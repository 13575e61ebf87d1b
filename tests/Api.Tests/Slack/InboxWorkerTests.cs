using DbAccess.Api.Slack;
using DbAccess.Application.Ports;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Api.Tests.Slack;

public sealed class InboxWorkerTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.FromUnixTimeSeconds(SlackHouse.Now);

    [Fact]
    public async Task After_a_restart_young_requests_are_done_and_old_ones_are_answered()
    {
        var inbox = new InMemoryInbox();
        await inbox.TryAddAsync(Item("old", TimeSpan.FromMinutes(16)), null, CancellationToken.None);
        await inbox.TryAddAsync(Item("young", TimeSpan.FromMinutes(14)), null, CancellationToken.None);

        await using var house = await SlackHouse.OpenAsync(inbox);
        await house.IdleAsync();

        Assert.Equal("young reason", Assert.Single(house.Store.Stored).Reason);
        Assert.Equal(2, house.Chat.Replies.Count);
        Assert.Single(house.Chat.Replies, reply => reply.Message.Summary.Contains("too much time", StringComparison.Ordinal));
        Assert.All(house.Chat.Replies, reply => Assert.Null(reply.To.ResponseUrl));
    }

    [Fact]
    public async Task One_old_request_whose_answer_fails_holds_up_nobody()
    {
        var inbox = new InMemoryInbox();
        foreach (var name in (string[])["older", "old"]) await inbox.TryAddAsync(Item(name, TimeSpan.FromHours(name.Length)), null, CancellationToken.None);
        await inbox.TryAddAsync(Item("young", TimeSpan.FromMinutes(1)), null, CancellationToken.None);
        var first = true;

        await using var house = await SlackHouse.OpenAsync(inbox, (_, chat) => chat.Answer = () =>
        {
            if (!first) return null;
            first = false;
            throw new HttpRequestException("The connection was cut.");
        });
        await house.UntilAsync(() => house.Inbox.Stored.Count(row => row.Finished) >= 2, "the others are finished", advance: true);

        Assert.Single(house.Store.Stored);
    }

    [Fact]
    public async Task A_store_that_is_down_at_the_start_is_read_when_it_is_back()
    {
        var inbox = new InMemoryInbox();
        await inbox.TryAddAsync(Item("young", TimeSpan.FromMinutes(1)), null, CancellationToken.None);

        await using var house = await SlackHouse.OpenAsync(inbox, (slow, _) => slow.ListFailure = new IOException("The disk is away."));
        await house.UntilAsync(() => house.Inbox.Stored.All(row => row.Finished), "the request is done", advance: true);

        Assert.Single(house.Store.Stored);
    }

    [Fact]
    public async Task What_came_in_through_this_process_is_not_done_again_by_resuming()
    {
        var inbox = new InMemoryInbox();
        await inbox.TryAddAsync(Item("mine", TimeSpan.Zero), null, CancellationToken.None);

        await using var house = await SlackHouse.OpenAsync(inbox);
        await house.UntilAsync(() => house.Slow.Purges > 0, "the inbox was gone through");

        Assert.Empty(house.Store.Stored);
    }

    [Fact]
    public async Task A_fault_is_tried_again()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Store.FailNext(new IOException("The disk is full."));

        await house.CommandAsync("orders read 30m because INC-4711");
        await house.UntilAsync(() => house.Inbox.Stored.All(row => row.Finished), "it is done at the second try", advance: true);

        Assert.Single(house.Store.Stored);
        Assert.DoesNotContain("went wrong", Assert.Single(house.Chat.Replies).Message.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_fault_that_stays_ends_in_an_apology()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.People.Fault = new InvalidOperationException("MARKERfault");

        await house.CommandAsync("orders read 30m because INC-4711");
        await house.UntilAsync(() => house.Inbox.Stored.All(row => row.Finished), "it is given up", advance: true);

        var said = Assert.Single(house.Chat.Replies).Message.Summary;
        Assert.Contains("went wrong", said, StringComparison.Ordinal);
        Assert.DoesNotContain("MARKER", said, StringComparison.Ordinal);
        Assert.Equal(3, house.Directory.Asked);
    }

    [Fact]
    public async Task When_not_even_the_apology_gets_through_it_waits_for_the_next_start()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Chat.Breaks();

        await house.CommandAsync("help");
        await house.UntilAsync(() => house.Chat.Calls == 4, "three tries and an apology", advance: true);
        Assert.False(Assert.Single(house.Inbox.Stored).Finished);
    }

    [Fact]
    public async Task What_was_done_is_not_done_again_because_it_could_not_be_marked()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Slow.FinishFailures = 2;

        await house.CommandAsync("orders read 30m because INC-4711");
        await house.UntilAsync(() => house.Inbox.Stored.All(row => row.Finished), "it is marked at the third try", advance: true);

        Assert.Single(house.Chat.Replies);
        Assert.Single(house.Dispatcher.Dispatched);
    }

    [Fact]
    public async Task Finished_requests_are_forgotten_after_a_day_and_two_hours()
    {
        await using var house = await SlackHouse.OpenAsync();
        await house.CommandAsync("help");
        await house.IdleAsync();
        await house.UntilAsync(() => Later(house) >= TimeSpan.FromHours(25.5), "a day and more goes by");
        Assert.Single(house.Inbox.Stored);
        Assert.True(house.Slow.Purges > 1);

        await house.UntilAsync(() => Later(house) > TimeSpan.Zero && house.Inbox.Stored.Count == 0, "it is forgotten");
        Assert.True(house.Clock.GetUtcNow() - Start > TimeSpan.FromHours(26));
    }

    [Fact]
    public async Task A_graceful_stop_finishes_what_is_in_hand()
    {
        await using var house = await SlackHouse.OpenAsync();
        for (var i = 0; i < 20; i++) await house.CommandAsync("orders read 30m because INC-4711", trigger: $"9001.{i}.x");

        await house.StopAsync().WaitAsync(TimeSpan.FromSeconds(20));

        Assert.All(house.Inbox.Stored, row => Assert.True(row.Finished));
        Assert.Equal(20, house.Store.Stored.Count);
    }

    private static TimeSpan Later(SlackHouse house)
    {
        house.Clock.Advance(TimeSpan.FromMinutes(10));
        return house.Clock.GetUtcNow() - Start;
    }

    private static InboxItem Item(string name, TimeSpan age) =>
        new(name, InboxKinds.Command, SlackHouse.Erin, "C0GENERAL", $"orders read 30m because {name} reason", Start - age);
}
