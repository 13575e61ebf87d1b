using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace DbAccess.SlackStandIn.Tests;

/// <summary>Channels, threads, groups, home pages and searches: what people do together.</summary>
public sealed class ConversationTests : IAsyncLifetime
{
    private const string Search = """
        {"type":"modal","title":{"type":"plain_text","text":"x"},"submit":{"type":"plain_text","text":"Go"},"blocks":[
          {"type":"input","block_id":"database","label":{"type":"plain_text","text":"Database"},"dispatch_action":true,
           "element":{"type":"external_select","action_id":"value","min_query_length":0}},
          {"type":"input","block_id":"only","optional":true,"label":{"type":"plain_text","text":"Tables"},
           "element":{"type":"multi_external_select","action_id":"value","min_query_length":2}}]}
        """;

    private Stage _stage = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task A_channel_can_be_made_left_by_the_app_and_archived()
    {
        Assert.Equal("channel_not_found", await PostErrorAsync("C0NEWROOM"));
        await _stage.ControlAsync("channel", """{"channel":"C0NEWROOM","name":"new","members":["erin","dana"]}""");
        Assert.Null(await PostErrorAsync("C0NEWROOM"));
        Assert.Single(await _stage.SeenByAsync("dana"));
        Assert.Empty(await _stage.SeenByAsync("ali"));

        await _stage.ControlAsync("channel", """{"channel":"C0NEWROOM","remove":["dana"],"add":["ali"]}""");
        Assert.Empty(await _stage.SeenByAsync("dana"));
        Assert.Single(await _stage.SeenByAsync("ali"));

        await _stage.ControlAsync("channel", """{"channel":"C0NEWROOM","app_is_member":false}""");
        Assert.Equal("not_in_channel", await PostErrorAsync("C0NEWROOM"));
        await _stage.ControlAsync("channel", """{"channel":"C0NEWROOM","app_is_member":true,"archived":true}""");
        Assert.Equal("is_archived", await PostErrorAsync("C0NEWROOM"));
    }

    [Fact]
    public async Task An_answer_to_an_answer_is_in_the_same_thread_and_one_to_nothing_is_refused()
    {
        var root = await PostAsync("""{"channel":"C0APPROVE","text":"card"}""");
        var reply = await PostAsync($$"""{"channel":"C0APPROVE","text":"line","thread_ts":"{{root}}"}""");
        await PostAsync($$"""{"channel":"C0APPROVE","text":"line 2","thread_ts":"{{reply}}"}""");

        Assert.Equal([null, root, root], (await _stage.SeenByAsync("dana")).Select(message => (string?)message!["thread_ts"]));
        Assert.Equal("thread_not_found", await PostErrorAsync("C0APPROVE", "1.000001"));
        var history = await _stage.ApiAsync("conversations.history", """{"channel":"C0APPROVE"}""");
        Assert.Equal(root, (string?)Assert.Single(history["messages"]!.AsArray())!["ts"]);
    }

    [Fact]
    public async Task A_message_that_somebody_deleted_cannot_be_changed_but_its_thread_goes_on()
    {
        var root = await PostAsync("""{"channel":"C0APPROVE","text":"card"}""");
        await _stage.ControlAsync("delete", $$"""{"channel":"C0APPROVE","ts":"{{root}}"}""");

        Assert.Equal("message_not_found", Error(await _stage.ApiAsync("chat.update", $$"""{"channel":"C0APPROVE","ts":"{{root}}","text":"new"}""")));
        Assert.Null(await PostErrorAsync("C0APPROVE", root));
    }

    [Theory]
    [InlineData("""{"event_type":"dbaccess","event_payload":{"grant":"AB12-3C","n":1,"yes":true}}""", null)]
    [InlineData("\"text\"", "invalid_metadata_format")]
    [InlineData("""{"event_payload":{}}""", "invalid_metadata_format")]
    [InlineData("""{"event_type":"two words","event_payload":{}}""", "invalid_metadata_format")]
    [InlineData("""{"event_type":"dbaccess"}""", "invalid_metadata_format")]
    [InlineData("""{"event_type":"dbaccess","event_payload":{},"more":1}""", "invalid_metadata_format")]
    [InlineData("""{"event_type":"dbaccess","event_payload":{"grant":{"id":"x"}}}""", "invalid_metadata_schema")]
    [InlineData("""{"event_type":"dbaccess","event_payload":{"grant":null}}""", "invalid_metadata_schema")]
    public async Task Metadata_have_a_shape(string metadata, string? error)
    {
        var answer = await _stage.ApiAsync("chat.postMessage", $$"""{"channel":"C0APPROVE","text":"x","metadata":{{metadata}}}""");

        Assert.Equal(error, Error(answer));
        if (error is null) Assert.Equal(metadata, answer["message"]!["metadata"]!.ToJsonString());
    }

    [Fact]
    public async Task Metadata_can_be_read_back_by_whoever_asks_for_them()
    {
        var ts = await PostAsync("""{"channel":"C0APPROVE","text":"x","metadata":{"event_type":"dbaccess","event_payload":{"kind":"card"}}}""");
        await _stage.ApiAsync("chat.update", $$"""{"channel":"C0APPROVE","ts":"{{ts}}","text":"y"}""");

        var plain = await _stage.ApiAsync("conversations.history", """{"channel":"C0APPROVE"}""");
        var full = await _stage.ApiAsync("conversations.history", """{"channel":"C0APPROVE","include_all_metadata":true}""");

        Assert.Null(plain["messages"]![0]!["metadata"]);
        Assert.Equal("card", (string?)full["messages"]![0]!["metadata"]!["event_payload"]!["kind"]);
        Assert.Equal("card", (string?)(await _stage.SeenByAsync("erin"))[0]!["metadata"]!["event_payload"]!["kind"]);
    }

    [Fact]
    public async Task Groups_change_and_belong_to_the_workspace()
    {
        await _stage.ControlAsync("usergroup", """{"usergroup":"S0DBADMIN","users":["ali","sina"]}""");
        var members = await _stage.FormAsync("usergroups.users.list", ("usergroup", "S0DBADMIN"), ("team_id", "T0DBACME1"));
        Assert.Equal(["U0DBA0002", "U0SECUR01"], members["users"]!.AsArray().Select(user => (string)user!));
        Assert.Equal("team_not_found", Error(await _stage.FormAsync("usergroups.users.list", ("usergroup", "S0DBADMIN"), ("team_id", "T0OTHER01"))));

        await _stage.ControlAsync("usergroup", """{"usergroup":"S0DBADMIN","disabled":true}""");
        Assert.Equal("no_such_subteam", Error(await _stage.FormAsync("usergroups.users.list", ("usergroup", "S0DBADMIN"))));
        var listed = await _stage.FormAsync("usergroups.list", ("include_users", "true"));
        Assert.DoesNotContain(listed["usergroups"]!.AsArray(), group => (string?)group!["id"] == "S0DBADMIN");
        Assert.Equal(2, listed["usergroups"]!.AsArray().Single(group => (string?)group!["handle"] == "oncall")!["users"]!.AsArray().Count);
    }

    [Fact]
    public async Task Phones_show_direct_messages_mentions_and_news_of_ones_own_threads()
    {
        var card = await PostAsync("""
            {"channel":"C0APPROVE","text":"card &lt;1&gt;","blocks":[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[
              {"type":"text","text":"Asked: "},{"type":"usergroup","usergroup_id":"S0DBADMIN"}]}]}]}
            """);
        await _stage.ControlAsync("message", $$"""{"user":"sam","channel":"C0APPROVE","text":"I will look","thread_ts":"{{card}}"}""");
        await PostAsync($$"""{"channel":"C0APPROVE","text":"reminder","thread_ts":"{{card}}"}""");
        await PostAsync("""{"channel":"C0APPROVE","text":"nothing for anybody"}""");
        await PostAsync("""{"channel":"U0ENGINE1","text":"for erin"}""");
        await _stage.ApiAsync("chat.update", $$"""{"channel":"C0APPROVE","ts":"{{card}}","text":"changed <!channel>"}""");

        Assert.Equal(["card <1>", "I will look", "reminder"], await NotifiedAsync("dana"));
        Assert.Equal(["reminder"], await NotifiedAsync("sam"));
        Assert.Equal(["for erin"], await NotifiedAsync("erin"));
    }

    [Fact]
    public async Task Whoever_opens_the_home_tab_is_announced_and_sees_what_was_published()
    {
        await _stage.ControlAsync("home", """{"user":"erin"}""");
        Assert.Equal("app_home_opened", (string?)_stage.Deliveries.Last().Json["event"]!["type"]);
        Assert.Null((await HomeAsync("erin"))["home"]);

        await _stage.ApiAsync("views.publish", """{"user_id":"U0ENGINE1","view":{"type":"home","blocks":[{"type":"divider"}]}}""");

        Assert.Equal("divider", (string?)(await HomeAsync("erin"))["home"]!["blocks"]![0]!["type"]);
        Assert.Null((await HomeAsync("dana"))["home"]);
    }

    [Fact]
    public async Task A_search_asks_the_app_and_only_what_it_answered_can_be_picked()
    {
        var view = await OpenAsync();
        Offer("""{"options":[{"text":{"type":"plain_text","text":"orders-prod"},"value":"db_7"}]}""");

        var nothing = await SubmitAsync(view, """{"database":{"value":"other"}}""");
        var suggested = await _stage.ControlAsync("suggest", $$"""{"view_id":"{{view}}","block_id":"database","value":"ord"}""");
        var asked = _stage.Deliveries.Last().Payload;
        var sent = await SubmitAsync(view, """{"database":{"value":"db_7"}}""");

        Assert.Contains("not on offer", (string)nothing["error"]!, StringComparison.Ordinal);
        Assert.Equal("options", (string?)suggested["outcome"]);
        Assert.Equal("db_7", (string?)suggested["options"]![0]!["value"]);
        Assert.Equal(
            ("block_suggestion", "database", "value", "ord", "U0ENGINE1", view),
            ((string?)asked["type"], (string?)asked["block_id"], (string?)asked["action_id"], (string?)asked["value"], (string?)asked["user"]!["id"],
                (string?)asked["view"]!["id"]));
        Assert.Equal("closed", (string?)sent["outcome"]);
        Assert.Equal("orders-prod", (string?)Submitted()["database"]!["value"]!["selected_option"]!["text"]!["text"]);
    }

    [Fact]
    public async Task Whoever_submits_a_name_types_and_picks_it_first()
    {
        var view = await OpenAsync();
        Offer("""
            {"option_groups":[{"label":{"type":"plain_text","text":"public"},"options":[
              {"text":{"type":"plain_text","text":"orders"},"value":"1"},{"text":{"type":"plain_text","text":"items"},"value":"2"}]}]}
            """);

        var sent = await SubmitAsync(view, """{"database":{"value":"orders"},"only":{"value":["orders","items"]}}""");

        Assert.Equal("closed", (string?)sent["outcome"]);
        Assert.Equal("1", (string?)Submitted()["database"]!["value"]!["selected_option"]!["value"]);
        Assert.Equal(["1", "2"], Submitted()["only"]!["value"]!["selected_options"]!.AsArray().Select(option => (string)option!["value"]!));
    }

    [Fact]
    public async Task A_choice_that_is_to_be_told_at_once_is_told_with_the_whole_option()
    {
        var view = await OpenAsync();
        Offer("""{"options":[{"text":{"type":"plain_text","text":"orders-prod"},"value":"db_7"}]}""");

        await _stage.ControlAsync("action", $$"""{"user":"erin","view_id":"{{view}}","block_id":"database","action_id":"value","value":"orders-prod"}""");

        Assert.Equal("db_7", (string?)_stage.Deliveries.Last().Payload["actions"]![0]!["selected_option"]!["value"]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("""{"ok":true}""")]
    [InlineData("""{"options":[{"text":{"type":"mrkdwn","text":"x"},"value":"y"}]}""")]
    [InlineData("""{"options":[{"text":{"type":"plain_text","text":"x"}}]}""")]
    [InlineData("""{"options":[],"option_groups":[]}""")]
    public async Task Suggestions_that_Slack_would_not_show_are_trouble(string answer)
    {
        var view = await OpenAsync();
        Offer(answer);

        Assert.Equal("trouble", (string?)(await _stage.ControlAsync("suggest", $$"""{"view_id":"{{view}}","block_id":"database","value":""}"""))["outcome"]);
    }

    [Fact]
    public async Task Slack_asks_only_when_enough_is_typed_and_takes_no_more_than_a_hundred()
    {
        var view = await OpenAsync();
        string Options(int count) => $$$"""{"options":[{{{string.Join(',', Enumerable.Repeat("""{"text":{"type":"plain_text","text":"x"},"value":"y"}""", count))}}}]}""";
        async Task<JsonObject> TypeAsync(string block, string text) =>
            await _stage.ControlAsync("suggest", $$"""{"view_id":"{{view}}","block_id":"{{block}}","value":"{{text}}"}""");

        Offer(Options(100));
        Assert.Contains("Too few", (string)(await TypeAsync("only", "o"))["error"]!, StringComparison.Ordinal);
        Assert.Equal("options", (string?)(await TypeAsync("only", "or"))["outcome"]);
        Offer(Options(101));
        Assert.Equal("trouble", (string?)(await TypeAsync("only", "or"))["outcome"]);
        Offer(Options(0));
        Assert.Equal("options", (string?)(await TypeAsync("only", "or"))["outcome"]);
    }

    [Fact]
    public async Task One_can_wait_for_a_card_to_say_something()
    {
        var card = await PostAsync("""{"channel":"C0APPROVE","text":"waiting"}""");
        var wait = _stage.Http.GetStringAsync(
            new Uri($"control/wait?user=dana&contains=approved&channel=C0APPROVE&ts={card}&timeoutMs=60000", UriKind.Relative), Stop);
        await PostAsync("""{"channel":"C0APPROVE","text":"another one is approved"}""");
        await _stage.ApiAsync("chat.update", $$"""{"channel":"C0APPROVE","ts":"{{card}}","text":"approved"}""");

        Assert.Equal(card, (string?)JsonNode.Parse(await wait)!["ts"]);
    }

    [Fact]
    public async Task People_may_be_called_by_their_names()
    {
        await _stage.ControlAsync("command", """{"user":"dana","text":"help"}""");

        Assert.Equal("U0DBA0001", _stage.Deliveries.Last()["user_id"]);
        Assert.Equal("There is no such user.", (string?)(await _stage.ControlAsync("command", """{"user":"nobody","text":"help"}"""))["error"]);
    }

    private void Offer(string answer) => _stage.Answer = (received, context) =>
    {
        if (received.Path != "/slack/interactivity" || (string?)received.Payload["type"] != "block_suggestion") return Task.CompletedTask;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync(answer);
    };

    private JsonNode Submitted() => _stage.Deliveries.Last().Payload["view"]!["state"]!["values"]!;

    private async Task<string> OpenAsync()
    {
        var trigger = (await _stage.CommandAsync())["trigger_id"];
        var opened = await _stage.ApiAsync("views.open", new JsonObject { ["trigger_id"] = trigger, ["view"] = JsonNode.Parse(Search) });
        return (string)opened["view"]!["id"]!;
    }

    private Task<JsonObject> SubmitAsync(string view, string values) =>
        _stage.ControlAsync("submit", $$"""{"view_id":"{{view}}","values":{{values}}}""");

    private async Task<string> PostAsync(string arguments)
    {
        var answer = await _stage.ApiAsync("chat.postMessage", arguments);
        Assert.Null(Error(answer));
        return (string)answer["ts"]!;
    }

    private async Task<string?> PostErrorAsync(string channel, string? thread = null)
    {
        var arguments = new JsonObject { ["channel"] = channel, ["text"] = "x" };
        if (thread is not null) arguments["thread_ts"] = thread;
        return Error(await _stage.ApiAsync("chat.postMessage", arguments));
    }

    private async Task<IReadOnlyList<string>> NotifiedAsync(string user) =>
        [.. JsonNode.Parse(await _stage.Http.GetStringAsync(new Uri($"control/notifications?user={user}", UriKind.Relative), Stop))!.AsArray()
            .Select(one => (string)one!["text"]!)];

    private async Task<JsonObject> HomeAsync(string user) =>
        JsonNode.Parse(await _stage.Http.GetStringAsync(new Uri($"control/home?user={user}", UriKind.Relative), Stop))!.AsObject();

    private static string? Error(JsonObject answer) => (string?)answer["error"];
}
