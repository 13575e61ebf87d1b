using DbAccess.Api.Slack.Desk;
using System.Net;
using DbAccess.Api.Slack;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Api.Tests.Slack;

public sealed class CommandTests
{
    [Fact]
    public async Task A_bare_command_opens_the_form()
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.CommandAsync("");
        await house.IdleAsync();

        Assert.Equal((HttpStatusCode.OK, ""), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        Assert.Equal("C0GENERAL", RequestForm.ChannelIn(Assert.Single(house.Forms.Opened).Context));
    }

    [Fact]
    public async Task A_whole_request_is_filed_once_however_often_the_same_bytes_come()
    {
        await using var house = await SlackHouse.OpenAsync();

        for (var i = 0; i < 3; i++)
        {
            using var answer = await house.CommandAsync("orders read 30m because INC-4711 stuck &amp; &lt;late&gt;");
            Assert.Equal((HttpStatusCode.OK, ""), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        }

        await house.IdleAsync();
        var grant = Assert.Single(house.Store.Stored);
        Assert.Equal((GrantStatus.Approved, "INC-4711 stuck & <late>", TimeSpan.FromMinutes(30)), (grant.Status, grant.Reason, grant.Duration));
        Assert.Contains(grant.Id.ToString(), FakeChat.Words(Assert.Single(house.Chat.Replies).Message), StringComparison.Ordinal);
        Assert.Single(house.Dispatcher.Dispatched);
    }

    [Fact]
    public async Task Two_commands_without_a_trigger_are_two()
    {
        await using var house = await SlackHouse.OpenAsync();

        await house.CommandAsync("orders read 30m because first thing", trigger: "");
        await house.CommandAsync("orders read 30m because second thing", trigger: "");
        await house.IdleAsync();

        Assert.Equal(2, house.Store.Stored.Count);
    }

    [Fact]
    public async Task A_mistyped_table_is_answered_with_a_button_that_asks_for_the_nearest()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Inventory.Tables = [new TableName("public", "orders")];

        await house.CommandAsync("orders read 30m only public.ordrs because INC-4711 stuck");
        await house.IdleAsync();

        Assert.Empty(house.Store.Stored);
        var answer = Assert.Single(house.Chat.Replies).Message;
        Assert.Contains("orders has no table `public.ordrs`. Did you mean `public.orders`?", FakeChat.Words(answer), StringComparison.Ordinal);
        var button = Assert.Single(answer.Parts.OfType<ChatPart.Buttons>().Single().Items);
        Assert.Equal("file_request", button.Action);

        await house.PayloadAsync(Press(button));
        await house.IdleAsync();
        Assert.Equal(["public.orders"], Assert.Single(house.Store.Stored).Scope.NarrowedTo);
    }

    [Fact]
    public async Task The_same_again_is_answered_with_what_there_is_and_a_second_one_is_one_press_away()
    {
        await using var house = await SlackHouse.OpenAsync();

        await house.CommandAsync("orders read 30m because INC-4711 stuck", trigger: "1");
        await house.CommandAsync("read orders 45m INC-4711 Stuck", trigger: "2");
        await house.IdleAsync();

        var grant = Assert.Single(house.Store.Stored);
        var told = house.Chat.Replies[^1].Message;
        Assert.Contains($"You have this already: `{grant.Id}`", FakeChat.Words(told), StringComparison.Ordinal);
        var second = told.Parts.OfType<ChatPart.Buttons>().Single().Items.Single(button => button.Action == "file_request");
        Assert.Equal("A second one", second.Label);
        await house.PayloadAsync(Press(second));
        await house.IdleAsync();
        Assert.Equal(2, house.Store.Stored.Count);
    }

    [Fact]
    public async Task Who_sends_too_much_in_a_minute_is_told_once_and_can_still_stop()
    {
        await using var house = await SlackHouse.OpenAsync();
        string[] said = [];
        for (var i = 0; i < 103; i++)
        {
            using var answer = await house.CommandAsync("mine", trigger: $"t{i}");
            said = [.. said, await answer.Content.ReadAsStringAsync()];
        }

        Assert.All(said[..100], words => Assert.Equal("", words));
        Assert.Contains("a lot at once", said[100], StringComparison.Ordinal);
        Assert.Equal(["", ""], said[101..]);
        Assert.Equal(100, house.Inbox.Stored.Count);

        await house.CommandAsync("done all", trigger: "stop");
        await house.CommandAsync("mine", trigger: "other", user: "U0OTHER001");
        await house.IdleAsync();
        Assert.Equal(102, house.Inbox.Stored.Count);
    }

    [Fact]
    public async Task Nobody_has_more_open_grants_than_the_limit()
    {
        await using var house = await SlackHouse.OpenAsync(openGrants: 2);
        string[] tables = ["a", "b", "c"];
        foreach (var table in tables) await house.CommandAsync($"orders read 30m only public.{table} because INC-4711", trigger: table);
        await house.IdleAsync();

        Assert.Equal(2, house.Store.Stored.Count);
        var refused = FakeChat.Words(house.Chat.Replies[^1].Message);
        Assert.All(house.Store.Stored, grant => Assert.Contains(grant.Id.ToString(), refused, StringComparison.Ordinal));
        Assert.Contains("done all", refused, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nobody_has_more_open_for_others_than_the_limit_and_what_others_asked_for_somebody_shuts_them_out_of_nothing()
    {
        await using var house = await SlackHouse.OpenAsync(openGrants: 2);
        string[] holders = ["U0ENGINE3", "U0ENGINE3", "U0ENGINE4", "U0ENGINE5"];
        foreach (var (i, holder) in holders.Index()) await house.CommandAsync($"orders read 30m only public.t{i} for <@{holder}> because INC-4711", trigger: $"for-{i}");
        await house.IdleAsync();

        Assert.Equal(["U0ENGINE3", "U0ENGINE3"], house.Store.Stored.Select(grant => grant.Requester.User));
        var refused = FakeChat.Words(house.Chat.Replies[^1].Message);
        Assert.All(house.Store.Stored, grant => Assert.Contains(grant.Id.ToString(), refused, StringComparison.Ordinal));
        Assert.Contains("for others", refused, StringComparison.Ordinal);

        await house.CommandAsync("orders read 30m because INC-4712", trigger: "own-3", user: "U0ENGINE3");
        await house.CommandAsync("orders read 30m because INC-4712", trigger: "own-1");
        await house.IdleAsync();
        Assert.Equal(4, house.Store.Stored.Count);
    }

    [Fact]
    public async Task Text_of_any_length_is_cut_at_the_door()
    {
        await using var house = await SlackHouse.OpenAsync();

        await house.CommandAsync("orders read 30m because " + new string('x', 60_000));
        await house.IdleAsync();

        Assert.InRange(Assert.Single(house.Inbox.Stored).Item.Text.Length, 3_000, 8_192);
    }

    [Theory]
    [InlineData("T0OTHER01", "A0DBACCS1", "U0ENGINE1")]
    [InlineData("T0DBACME1", "A0OTHERAP", "U0ENGINE1")]
    [InlineData("T0DBACME1", "A0DBACCS1", "nobody")]
    [InlineData("T0DBACME1", "A0DBACCS1", "")]
    public async Task Another_workspace_app_or_nobody_gets_words_and_nothing_else(string team, string app, string user)
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.FormAsync("/slack/commands", SlackHouse.Command("orders read 30m because INC-4711", team: team, app: app, user: user));

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var said = SlackHouse.Json(await answer.Content.ReadAsStringAsync());
        Assert.Equal("ephemeral", said.GetProperty("response_type").GetString());
        Assert.Contains("Nothing was done", said.GetProperty("text").GetString(), StringComparison.Ordinal);
        Assert.Equal((0, 0, 0), (house.Slow.Begun, house.Directory.Asked, house.Chat.Calls));
    }

    [Theory]
    [InlineData("help", "How to ask")]
    [InlineData("mine", "You have no grants")]
    [InlineData("list", "Nobody has access")]
    [InlineData("extend K7Q3-MD 1h", "There is no grant K7Q3-MD")]
    [InlineData("done K7Q3-MD", "K7Q3-MD")]
    [InlineData("orders migrate 30m because INC-4711", "migrate")]
    [InlineData("orders read 9h because INC-4711", "4h")]
    [InlineData("orders read 30m because x", "at least 5 characters")]
    [InlineData("ordrs read 30m because INC-4711", "Did you mean")]
    public async Task Every_answer_is_words(string typed, string said)
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.CommandAsync(typed);
        await house.IdleAsync();

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains(said, FakeChat.Words(Assert.Single(house.Chat.Replies).Message), StringComparison.Ordinal);
        Assert.Empty(house.Store.Stored);
    }

    [Fact]
    public async Task Whoever_the_directory_refuses_is_told_why()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.People.Refuses(SlackHouse.Erin);

        await house.CommandAsync("orders read 30m because INC-4711");
        await house.IdleAsync();

        Assert.Contains("Guests", Assert.Single(house.Chat.Replies).Message.Summary, StringComparison.Ordinal);
        Assert.Empty(house.Store.Stored);
    }

    [Fact]
    public async Task When_the_store_is_down_the_person_is_told_at_once()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Inbox.FailNext(new IOException("The disk is full."));

        using var answer = await house.CommandAsync("orders read 30m because INC-4711");

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Contains("nothing was done", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(house.Store.Stored);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task When_the_store_hangs_or_blocks_the_answer_still_leaves_within_two_and_a_half_seconds(bool blocks)
    {
        await using var house = await SlackHouse.OpenAsync();
        if (blocks) house.Slow.Block();
        else house.Slow.Hangs = true;

        var asked = house.CommandAsync("orders read 30m because INC-4711");
        await house.UntilAsync(() => house.Slow.Begun == 1, "the store is asked");
        Assert.False(asked.IsCompleted);
        house.Clock.Advance(TimeSpan.FromSeconds(2.5));

        using var answer = await asked.WaitAsync(Patience.Limit);
        Assert.Contains("nothing was done", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_said_not_to_be_done_is_not_done_when_the_store_writes_it_after_all()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Slow.Deaf = true;
        house.Slow.Block();
        var asked = house.CommandAsync("orders read 30m because INC-4711");
        await house.UntilAsync(() => house.Slow.Begun == 1, "the store is asked");
        house.Clock.Advance(TimeSpan.FromSeconds(2.5));
        using var answer = await asked.WaitAsync(Patience.Limit);

        house.Slow.Unblock();
        await house.UntilAsync(() => house.Inbox.Stored is [{ Finished: true }], "the late item is taken back");

        Assert.Empty(house.Store.Stored);
        Assert.Equal(0, house.Chat.Calls);
    }

    [Fact]
    public async Task Nothing_of_a_request_is_in_the_log()
    {
        await using var house = await SlackHouse.OpenAsync();

        await house.CommandAsync("orders read 30m because MARKERreason here", trigger: "9001.MARKERtrigger.1");
        await house.CommandAsync("MARKERword read 30m because MARKERreason", trigger: "9001.2.MARKERtrigger");
        await house.IdleAsync();
        house.Inbox.FailNext(new IOException("The disk is full."));
        await house.CommandAsync("orders read 30m because MARKERlost reason", trigger: "9001.3.MARKERtrigger");
        await house.IdleAsync();

        Assert.NotEmpty(house.Log.Lines);
        Assert.DoesNotContain(house.Log.Lines, line => line.Contains("MARKER", StringComparison.OrdinalIgnoreCase) || line.Contains(SlackHouse.SigningSecret, StringComparison.Ordinal) || line.Contains("legacyToken", StringComparison.Ordinal));
    }

    private static string Press(ChatButton button) => System.Text.Json.JsonSerializer.Serialize(new
    {
        type = "block_actions", team = new { id = "T0DBACME1" }, user = new { id = "U0ENGINE1", team_id = "T0DBACME1" },
        container = new { message_ts = "1767225601.000100", channel_id = "C0GENERAL" },
        actions = new[] { new { action_id = button.Action, value = button.Value, action_ts = "1767225602.1" } },
    });
}
