using DbAccess.Api.Slack.Desk;
using System.Net;
using System.Text.Json;
using DbAccess.Api.Slack;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Api.Tests.Slack;

public sealed class EventTests
{
    [Fact]
    public async Task The_address_is_proved_by_echoing_the_challenge()
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.EventAsync("""{"token":"legacyTokenIgnored","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}""");

        Assert.Equal("3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P", await answer.Content.ReadAsStringAsync());
        Assert.Equal("text/plain", answer.Content.Headers.ContentType!.MediaType);
    }

    [Fact]
    public async Task A_message_is_answered_once_whether_it_comes_again_as_a_retry_or_under_another_id()
    {
        await using var house = await SlackHouse.OpenAsync();

        foreach (var id in (string[])["Ev0DBTEST01", "Ev0DBTEST01", "Ev0DBTEST99"])
        {
            using var answer = await house.EventAsync(Event(Message("create-db-user"), id));
            Assert.Equal((HttpStatusCode.OK, ""), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        }

        await house.IdleAsync();
        Assert.Contains("open_form", FakeChat.Words(Assert.Single(house.Chat.Replies).Message), StringComparison.Ordinal);
        Assert.Null(house.Chat.Replies[0].To.Channel);
    }

    [Theory]
    [InlineData("create-db-user orders read 30m because INC-4711 “quoted”", "INC-4711 “quoted”")]
    [InlineData("`create-db-user orders read 30m because INC-4711`", "INC-4711")]
    [InlineData("`create-db-user` orders read 30m because INC-4711 `x`", "INC-4711 `x`")]
    [InlineData("/create-db-user orders read 30m because INC-4711", "INC-4711")]
    [InlineData("DB-ACCESS orders read 30m because Ａ① stays", "Ａ① stays")]
    [InlineData("create-db-user\norders\nread\n30m\nINC-4711\nline two", "INC-4711\nline two")]
    [InlineData("create-db-user orders read 30m because &lt;!channel&gt; <@U0APPROV1>", "<!channel> @U0APPROV1")]
    public async Task A_message_files_a_request_with_the_reason_as_it_was_typed(string typed, string reason)
    {
        await using var house = await SlackHouse.OpenAsync();

        await house.EventAsync(Event(Message(typed)));
        await house.IdleAsync();

        Assert.Equal(reason, Assert.Single(house.Store.Stored).Reason);
    }

    [Fact]
    public async Task Small_talk_gets_one_hint_a_minute()
    {
        await using var house = await SlackHouse.OpenAsync();
        for (var i = 0; i < 5; i++) await house.EventAsync(Event(Message(i == 0 ? "hello" : "thanks, that worked", $"1767225599.00010{i}"), $"Ev{i}"));
        // One person's messages are done in order: when this is answered, so are those before it.
        await house.EventAsync(Event(Message("mine", "1767225599.000106"), "Ev6"));
        await house.UntilAsync(() => house.Chat.Replies.Count == 2, "a hint and an answer are given");
        Assert.Contains("How to ask", house.Chat.Replies[0].Message.Summary, StringComparison.Ordinal);

        house.Clock.Advance(TimeSpan.FromSeconds(61));
        await house.EventAsync(Event(Message("create-db-users please", "1767225660.000100"), "Ev9"));
        await house.UntilAsync(() => house.Chat.Replies.Count == 3, "a second hint is given");
    }

    [Theory]
    [InlineData("orders read 30m because INC-4711")]
    [InlineData("Orders read because INC-4711")]
    public async Task In_the_apps_own_messages_no_verb_is_needed(string typed)
    {
        await using var house = await SlackHouse.OpenAsync();
        await house.EventAsync(Event(Message(typed)));
        await house.UntilAsync(() => house.Chat.Replies.Count == 1, "it is answered");

        Assert.Equal("INC-4711", Assert.Single(house.Store.Stored).Reason);
    }

    [Theory]
    [InlineData("\"bot_id\":\"B0DBBOT01\",\"bot_profile\":{\"id\":\"B0DBBOT01\"},\"app_id\":\"A0DBACCS1\"")]
    [InlineData("\"bot_id\":\"B0OTHER01\"")]
    [InlineData("\"app_id\":\"A0OTHERAP\"")]
    [InlineData("\"bot_profile\":{\"id\":\"B0OTHER01\"}")]
    [InlineData("\"hidden\":true")]
    [InlineData("\"subtype\":\"message_changed\",\"message\":{\"text\":\"create-db-user\",\"user\":\"U0ENGINE1\"}")]
    [InlineData("\"subtype\":\"message_deleted\"")]
    [InlineData("\"subtype\":\"bot_message\"")]
    [InlineData("\"subtype\":\"channel_join\"")]
    [InlineData("\"user_team\":\"T0OTHER01\"")]
    [InlineData("\"user_team\":\"E0OTHER01\"")]
    public async Task Bots_edits_and_outsiders_are_not_answered(string extra)
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.EventAsync(Event(Message("create-db-user orders read 30m because INC-4711").Insert(1, extra + ",")));

        Assert.Equal((HttpStatusCode.OK, ""), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        Assert.Equal((0, 0, 0), (house.Slow.Begun, house.Chat.Calls, house.Directory.Asked));
    }

    [Fact]
    public async Task Other_channels_other_workspaces_and_unknown_events_are_taken_and_left()
    {
        await using var house = await SlackHouse.OpenAsync();
        var asked = Event(Message("create-db-user"));
        foreach (var json in (string[])
        [
            asked.Replace("\"channel_type\":\"im\"", "\"channel_type\":\"channel\"", StringComparison.Ordinal),
            asked.Replace("T0DBACME1", "T0OTHER01", StringComparison.Ordinal),
            asked.Replace("A0DBACCS1", "A0OTHERAP", StringComparison.Ordinal),
            asked.Replace("U0ENGINE1", "USLACKBOT", StringComparison.Ordinal),
            asked.Replace("\"user\":\"U0ENGINE1\",", "", StringComparison.Ordinal),
            Event("""{"type":"brand_new_event","event_ts":"1767225600.001100","x":{"y":[1,2]}}"""),
            Event("""{"type":"app_home_opened","user":"U0ENGINE1","channel":"D0ENGDM01","tab":"home"}"""),
            Event("""{"type":"tokens_revoked","tokens":{"oauth":[],"bot":["U0DBBOT01"]}}"""),
            """{"token":"legacyTokenIgnored","type":"app_rate_limited","team_id":"T0DBACME1","minute_rate_limited":1767225600,"api_app_id":"A0DBACCS1"}""",
            """{"type":"event_callback","team_id":"T0DBACME1"}""",
            """{"type":"brand_new_outer"}""",
        ])
        {
            using var answer = await house.EventAsync(json);
            Assert.Equal((HttpStatusCode.OK, ""), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        }

        Assert.Equal((0, 0), (house.Slow.Begun, house.Chat.Calls));
    }

    [Fact]
    public async Task A_person_who_changed_is_looked_up_anew()
    {
        await using var house = await SlackHouse.OpenAsync();

        await house.EventAsync(Event("""{"type":"user_change","user":{"id":"U0ENGINE1","team_id":"T0DBACME1","deleted":true}}"""));

        Assert.Equal(SlackHouse.Erin, Assert.Single(house.People.Forgotten));
    }

    [Fact]
    public async Task When_the_store_is_down_Slack_is_asked_to_send_it_again()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Inbox.FailNext(new IOException("The disk is full."));

        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await house.EventAsync(Event(Message("create-db-user")))).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await house.EventAsync(Event(Message("create-db-user")))).StatusCode);

        await house.IdleAsync();
        Assert.Single(house.Chat.Replies);
    }

    [Fact]
    public async Task A_message_that_was_written_too_late_is_done_and_its_retry_is_not_done_again()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Slow.Deaf = true;
        house.Slow.Block();
        var sent = house.EventAsync(Event(Message("create-db-user")));
        await house.UntilAsync(() => house.Slow.Begun == 1, "the store is asked");
        house.Clock.Advance(TimeSpan.FromSeconds(2.5));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await sent.WaitAsync(Patience.Limit)).StatusCode);

        house.Slow.Unblock();
        await house.UntilAsync(() => house.Chat.Replies.Count == 1, "the late message is answered");
        Assert.Equal(HttpStatusCode.OK, (await house.EventAsync(Event(Message("create-db-user")))).StatusCode);

        await house.IdleAsync();
        Assert.Single(house.Chat.Replies);
    }

    [Fact]
    public async Task A_message_that_comes_again_while_its_first_copy_is_still_being_written_is_done_once()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Slow.Deaf = true;
        house.Slow.Block();
        for (var copy = 1; copy <= 2; copy++)
        {
            var sent = house.EventAsync(Event(Message("create-db-user")));
            await house.UntilAsync(() => house.Slow.Begun == copy, "the store is asked");
            house.Clock.Advance(TimeSpan.FromSeconds(2.5));
            Assert.Equal(HttpStatusCode.ServiceUnavailable, (await sent.WaitAsync(Patience.Limit)).StatusCode);
        }

        house.Slow.Unblock();
        await house.UntilAsync(() => house.Inbox.Stored is [{ Finished: true }], "the message is done");
        Assert.Equal(HttpStatusCode.OK, (await house.EventAsync(Event(Message("create-db-user")))).StatusCode);

        await house.IdleAsync();
        Assert.Single(house.Chat.Replies);
    }

    internal static string Message(string text, string at = "1767225599.000100") =>
        $$"""{"client_msg_id":"5e2f4b1e","type":"message","text":{{JsonSerializer.Serialize(text)}},"user":"U0ENGINE1","ts":"{{at}}","team":"T0DBACME1","channel":"D0ENGDM01","event_ts":"{{at}}","channel_type":"im"}""";

    internal static string Event(string inner, string id = "Ev0DBTEST01") =>
        $$"""{"token":"legacyTokenIgnored","team_id":"T0DBACME1","context_enterprise_id":null,"api_app_id":"A0DBACCS1","event":{{inner}},"type":"event_callback","event_id":"{{id}}","event_time":1767225599,"is_ext_shared_channel":false}""";
}
