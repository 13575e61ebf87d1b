using DbAccess.Application.Grants;
using DbAccess.Application.Home;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.TestKit;

namespace DbAccess.Application.Tests.Home;

/// <summary>The one card in a channel that says who has access now.</summary>
public sealed class DrawNowTests
{
    private const string Channel = "C0NOW";
    private readonly Stage _stage = new() { NowChannel = Channel };

    [Fact]
    public async Task It_says_who_has_what_until_when_and_nothing_of_what_only_waits()
    {
        var (mine, waits) = (await _stage.GivenAsync(), await _stage.AskedAsync(requester: Some.OtherEngineer));

        Assert.Null(await DrawAsync());

        var card = Assert.Single(_stage.Cards.In(Channel));
        var line = Assert.Single(card.Now.Parts.OfType<ChatPart.When>());
        Assert.Contains("erin: read on orders", line.Words, StringComparison.Ordinal);
        Assert.Contains(mine.ToString(), line.Words, StringComparison.Ordinal);
        Assert.Equal(_stage.Of(mine).Window!.Expiry, line.At);
        Assert.DoesNotContain(waits.ToString(), Words(card.Now), StringComparison.Ordinal);
        Assert.Equal(["everyone_out"], card.Actions);
    }

    [Fact]
    public async Task It_is_one_card_that_is_drawn_anew_when_something_changed_and_left_alone_when_nothing_did()
    {
        await DrawAsync();
        Assert.Contains("Nobody has access", Words(Assert.Single(_stage.Cards.In(Channel)).Now), StringComparison.Ordinal);

        var id = await _stage.GivenAsync();
        await DrawAsync();
        var calls = _stage.Cards.Calls;
        await DrawAsync();
        Assert.Equal(calls, _stage.Cards.Calls);
        Assert.Contains(id.ToString(), Words(Assert.Single(_stage.Cards.In(Channel)).Now), StringComparison.Ordinal);

        await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, id));
        await _stage.SettleAsync(_stage.First, _stage.Now);
        await DrawAsync();
        Assert.Contains("Nobody has access", Words(Assert.Single(_stage.Cards.In(Channel)).Now), StringComparison.Ordinal);
        Assert.Single(_stage.Cards.All, card => card.Place == new CardPlace.Channel(Channel));
    }

    [Fact]
    public async Task A_card_that_was_deleted_is_found_missing_within_minutes_and_posted_anew()
    {
        await DrawAsync();
        _stage.Cards.Delete(_stage.Cards.In(Channel)[0].Ref);
        await DrawAsync();
        Assert.Empty(_stage.Cards.In(Channel));

        _stage.Clock.Advance(TimeSpan.FromMinutes(5));
        await DrawAsync();

        Assert.Single(_stage.Cards.In(Channel));
    }

    [Fact]
    public async Task Two_processes_do_not_post_two_and_the_one_that_comes_late_comes_again()
    {
        var second = _stage.Start();
        TimeSpan? other = null;
        _stage.Cards.Answer = () =>
        {
            // In the moment in which the first one posts.
            _stage.Cards.Works();
            other = second.SendAsync(new DrawNow()).GetAwaiter().GetResult().Value.Again;
            return null;
        };

        Assert.Null(await DrawAsync());

        Assert.NotNull(other);
        Assert.Single(_stage.Cards.In(Channel));
        await second.SendAsync(new DrawNow());
        Assert.Single(_stage.Cards.In(Channel));
    }

    [Fact]
    public async Task What_another_process_posted_while_this_one_stood_still_is_kept_and_this_ones_is_taken_away()
    {
        var second = _stage.Start();
        var frozen = true;
        _stage.Cards.Answer = () =>
        {
            if (!frozen) return null;
            frozen = false;
            _stage.Clock.Advance(TimeSpan.FromMinutes(2));
            Assert.Null(second.SendAsync(new DrawNow()).GetAwaiter().GetResult().Value.Again);
            return null;
        };

        await DrawAsync();

        var removed = Assert.Single(_stage.Chat.Removed);
        Assert.Single(_stage.Cards.In(Channel), card => card.Ref != removed);
    }

    [Fact]
    public async Task A_process_that_died_in_its_turn_holds_up_the_others_for_a_minute_only()
    {
        var until = (_stage.Now + TimeSpan.FromMinutes(1)).ToUnixTimeMilliseconds();
        Assert.True(await _stage.Audit.TryWriteMarkAsync("now", null, $"   0 {until} dead", TestContext.Current.CancellationToken));
        Assert.NotNull(await DrawAsync());
        Assert.Empty(_stage.Cards.All);

        _stage.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await DrawAsync());

        Assert.Single(_stage.Cards.In(Channel));
    }

    [Fact]
    public async Task While_Slack_wants_peace_it_is_tried_again_as_Slack_says()
    {
        _stage.Cards.IsBusy(TimeSpan.FromSeconds(30));
        Assert.Equal(TimeSpan.FromSeconds(30), await DrawAsync());

        _stage.Cards.Works();
        Assert.Null(await DrawAsync());
        Assert.Single(_stage.Cards.In(Channel));
    }

    [Fact]
    public async Task A_channel_that_does_not_have_the_app_is_said_in_the_log_and_tried_again()
    {
        _stage.Cards.Archive(Channel);

        Assert.NotNull(await DrawAsync());

        Assert.Contains(_stage.Log.Lines, line => line.Contains(Channel, StringComparison.Ordinal) && line.Contains("is_archived", StringComparison.Ordinal));
    }

    [Fact]
    public async Task In_another_channel_it_hangs_anew_and_the_old_one_is_taken_away_and_so_it_is_when_there_is_no_channel_any_more()
    {
        await DrawAsync();
        var first = _stage.Cards.In(Channel)[0].Ref;
        _stage.NowChannel = "C0OTHER";
        await DrawAsync();
        var other = Assert.Single(_stage.Cards.In("C0OTHER")).Ref;
        Assert.Equal([first], _stage.Chat.Removed);

        _stage.NowChannel = null;
        Assert.Null(await DrawAsync());
        Assert.Equal([first, other], _stage.Chat.Removed);
        await DrawAsync();
        Assert.Equal(2, _stage.Chat.Removed.Count);
    }

    [Fact]
    public async Task Without_a_channel_nothing_is_posted()
    {
        _stage.NowChannel = null;
        await _stage.GivenAsync();

        Assert.Null(await DrawAsync());

        Assert.Empty(_stage.Cards.All);
    }

    [Fact]
    public async Task It_says_what_those_who_have_access_have_open_and_when_they_last_ran_something()
    {
        var id = await _stage.GivenAsync();
        await DrawAsync();
        Assert.DoesNotContain("session", Line(), StringComparison.Ordinal);

        _stage.Roles.Open = _ => Task.FromResult(new OpenSessions(2, 0, null) { LastStatement = TimeSpan.FromSeconds(20) });
        Assert.True(await LookAsync());
        await DrawAsync();
        Assert.Contains($"(`{id}`) · 2 sessions, last statement 2026-03-02 13:59 UTC · until", Line(), StringComparison.Ordinal);

        // The same again is nothing new.
        Assert.False(await LookAsync());

        _stage.Roles.Open = _ => Task.FromResult(new OpenSessions(0, 0, null));
        Assert.True(await LookAsync());
        await DrawAsync();
        Assert.Contains("· no session · until", Line(), StringComparison.Ordinal);

        string Line() => Assert.Single(Assert.Single(_stage.Cards.In(Channel)).Now.Parts.OfType<ChatPart.When>()).Words;
    }

    [Fact]
    public async Task A_cluster_that_does_not_answer_holds_up_no_card_and_what_it_said_before_is_not_told_any_more()
    {
        var id = await _stage.GivenAsync();
        _stage.Roles.Open = _ => Task.FromResult(new OpenSessions(1, 0, null));
        await LookAsync();
        await DrawAsync();

        var never = new TaskCompletionSource<OpenSessions>();
        _stage.Roles.Open = _ => never.Task;
        var look = LookAsync();
        _stage.Clock.Advance(TimeSpan.FromMinutes(5));
        Assert.True(await look);
        await DrawAsync();

        var words = Words(Assert.Single(_stage.Cards.In(Channel)).Now);
        Assert.Contains(id.ToString(), words, StringComparison.Ordinal);
        Assert.DoesNotContain("session", words, StringComparison.Ordinal);
    }

    [Fact]
    public void More_than_fit_are_counted()
    {
        var live = Enumerable.Range(0, 45).Select(_ => Some.Active().State).ToList();

        var message = NowWords.Draw(live, new Dictionary<GrantId, SessionLook>());

        Assert.True(message.Parts.Count <= 50);
        Assert.Contains("5 more", Words(message), StringComparison.Ordinal);
    }

    private async Task<bool> LookAsync() => (await _stage.First.SendAsync(new ExamineSessions())).Value.Changed;

    private async Task<TimeSpan?> DrawAsync() => (await _stage.First.SendAsync(new DrawNow())).Value.Again;

    private static string Words(ChatMessage message) => string.Join('\n', message.Parts.Select(part => part.ToString()));
}
