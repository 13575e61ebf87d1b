using DbAccess.Api.Slack.Desk;
using DbAccess.Api.Slack;
using DbAccess.Application.Ports;
using DbAccess.TestKit;
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
    public async Task What_another_process_has_in_hand_is_left_to_it_and_taken_up_when_nothing_is_heard_of_it_any_more()
    {
        var inbox = new InMemoryInbox();
        await inbox.TryAddAsync(Item("theirs", TimeSpan.Zero), null, CancellationToken.None);
        await using var house = await SlackHouse.OpenAsync(new InMemoryInbox(inbox));

        await house.UntilAsync(() => house.Clock.GetUtcNow() - Start >= IInbox.Hold - TimeSpan.FromSeconds(1), "the time before it is over goes by", advance: true);
        Assert.Empty(house.Store.Stored);

        await house.UntilAsync(() => house.Inbox.Stored.All(row => row.Finished), "it is done", advance: true);
        Assert.Single(house.Store.Stored);
        Assert.True(house.Clock.GetUtcNow() - Start < IInbox.Hold + TimeSpan.FromSeconds(15), "It waited for longer than it had to.");
    }

    [Fact]
    public async Task Two_processes_on_one_inbox_do_everything_once_however_long_an_answer_is_owed()
    {
        var inbox = new InMemoryInbox();
        await using var first = await SlackHouse.OpenAsync(inbox, (_, chat) => chat.IsBusy());
        await first.CommandAsync("orders read 30m because INC-4711");
        await first.CommandAsync("orders read 400h because INC-4711", trigger: "9001.1002.aaaa0002");
        await first.UntilAsync(() => first.Chat.Calls >= 2, "both answers are owed");
        first.Clock.Advance(TimeSpan.FromSeconds(1));
        await using var second = await SlackHouse.OpenAsync(new InMemoryInbox(inbox), clock: first.Clock);

        await first.UntilAsync(() => first.Clock.GetUtcNow() - Start > IInbox.Hold * 2.5, "Slack is away for longer than a request is held", advance: true);
        Assert.All(inbox.Stored, row => Assert.False(row.Finished));
        Assert.Equal((0, 0), (second.Chat.Calls, second.Store.Stored.Count));

        first.Chat.Works();
        await first.UntilAsync(() => inbox.Stored.All(row => row.Finished), "both are answered", advance: true);
        Assert.Equal((2, 0), (first.Chat.Replies.Count, second.Chat.Calls));
        Assert.Single(first.Dispatcher.Dispatched);
    }

    [Fact]
    public async Task What_is_still_owed_at_a_stop_is_taken_up_by_the_other_process_at_once()
    {
        var inbox = new InMemoryInbox();
        await using var first = await SlackHouse.OpenAsync(inbox, (_, chat) => chat.IsBusy());
        await using var second = await SlackHouse.OpenAsync(new InMemoryInbox(inbox), clock: first.Clock);
        await first.CommandAsync("orders read 30m because INC-4711");
        await first.UntilAsync(() => first.Chat.Calls > 0, "the answer is owed");
        await first.StopAsync().WaitAsync(Patience.Limit);

        await second.UntilAsync(() => inbox.Stored.All(row => row.Finished), "it is answered", advance: true);

        Assert.Single(second.Chat.Replies);
        Assert.True(second.Clock.GetUtcNow() - Start < IInbox.Hold, "It waited until the hold was over.");
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
    public async Task An_answer_that_Slack_does_not_take_is_given_when_it_is_back_and_nothing_is_done_twice()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Chat.IsBusy();
        await house.CommandAsync("orders read 30m because INC-4711");
        await house.CommandAsync("orders read 400h because INC-4711", trigger: "9001.1002.aaaa0002");
        await house.UntilAsync(() => house.Chat.Calls >= 4, "both were tried again", advance: true);
        Assert.All(house.Inbox.Stored, row => Assert.False(row.Finished));

        house.Chat.Works();
        await house.UntilAsync(() => house.Inbox.Stored.All(row => row.Finished), "both are answered", advance: true);

        Assert.Single(house.Store.Stored);
        Assert.Single(house.Dispatcher.Dispatched);
        Assert.Equal(["The longest", "is allowed"], house.Chat.Replies.Select(reply => reply.Message.Summary.Contains("is allowed", StringComparison.Ordinal) ? "is allowed" : reply.Message.Summary[..11]).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task An_answer_that_nobody_waits_for_any_more_is_given_up()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Chat.IsBusy(TimeSpan.FromMinutes(1));

        await house.CommandAsync("orders read 400h because INC-4711");
        await house.UntilAsync(() => house.Clock.GetUtcNow() - Start > TimeSpan.FromMinutes(10) || Tick(house), "ten minutes go by");
        Assert.False(Assert.Single(house.Inbox.Stored).Finished);
        await house.UntilAsync(() => house.Inbox.Stored.All(row => row.Finished) || Tick(house), "it is given up");

        Assert.True(house.Clock.GetUtcNow() - Start > TimeSpan.FromMinutes(15));
        Assert.Empty(house.Chat.Replies);

        static bool Tick(SlackHouse house)
        {
            house.Clock.Advance(TimeSpan.FromSeconds(5));
            return false;
        }
    }

    [Fact]
    public async Task A_request_whose_answer_is_still_owed_at_a_stop_is_left_for_the_next_start()
    {
        var inbox = new InMemoryInbox();
        await using (var first = await SlackHouse.OpenAsync(inbox, (_, chat) => chat.IsBusy()))
        {
            await first.CommandAsync("orders read 30m only orders because INC-4711");
            await first.UntilAsync(() => first.Store.Stored.Count == 1 && first.Chat.Calls > 0, "it is filed");
            await first.StopAsync().WaitAsync(Patience.Limit);
        }

        Assert.False(Assert.Single(inbox.Stored).Finished);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(9)]
    public async Task What_was_done_is_not_done_again_because_it_could_not_be_marked(int failures)
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Slow.FinishFailures = failures;

        await house.CommandAsync("orders read 30m because INC-4711");
        await house.UntilAsync(() => house.Inbox.Stored.All(row => row.Finished), "it is marked when the store is back", advance: true);

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
        for (var i = 0; i < 20; i++) await house.CommandAsync("orders read 30m because INC-4711", trigger: $"9001.{i}.x", user: $"U0ENGINE{i}");

        await house.StopAsync().WaitAsync(Patience.Limit);

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
