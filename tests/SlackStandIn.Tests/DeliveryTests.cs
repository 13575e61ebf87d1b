using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;

namespace DbAccess.SlackStandIn.Tests;

public sealed class DeliveryTests : IAsyncLifetime
{
    private const string Form = """
        {"type":"modal","callback_id":"ask","title":{"type":"plain_text","text":"Ask"},"submit":{"type":"plain_text","text":"Go"},"blocks":[
          {"type":"input","block_id":"db","label":{"type":"plain_text","text":"Database"},"element":{"type":"static_select","action_id":"pick",
            "options":[{"text":{"type":"plain_text","text":"Orders"},"value":"orders"}]}},
          {"type":"input","block_id":"why","label":{"type":"plain_text","text":"Reason"},"element":{"type":"plain_text_input","action_id":"text","initial_value":"INC-1"}},
          {"type":"input","block_id":"note","optional":true,"label":{"type":"plain_text","text":"Note"},"element":{"type":"plain_text_input","action_id":"text"}}]}
        """;

    private Stage _stage = null!;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    /// <summary>The example of Slack's documentation; its secret is not hexadecimal on purpose.</summary>
    [Fact]
    public void The_signature_is_the_one_of_Slack_s_own_example()
    {
        var body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar"
            + "&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com"
            + "%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121"
            + ".803a0bc887a14d10d2c447fce8b6703c";

        var signature = SlackSignature.Sign("8f742231b10e8888abcd99yyyzzz85a5", "1531420618", Encoding.UTF8.GetBytes(body));

        Assert.Equal("v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503", signature);
    }

    [Fact]
    public async Task A_command_comes_signed_with_the_fields_of_Slack()
    {
        var received = await _stage.CommandAsync("orders read 1h a & <b> * @sam é");

        Assert.Equal("/slack/commands", received.Path);
        Assert.True(received.IsSigned);
        Assert.Equal("1767225600", received.Headers["X-Slack-Request-Timestamp"]);
        Assert.Equal(
            ["token", "team_id", "team_domain", "channel_id", "channel_name", "user_id", "user_name", "command", "text", "api_app_id", "is_enterprise_install", "response_url", "trigger_id"],
            Encoding.UTF8.GetString(received.Body).Split('&').Select(field => field.Split('=')[0]));
        Assert.Equal("T0DBACME1", received["team_id"]);
        Assert.Equal("general", received["channel_name"]);
        Assert.Equal("U0ENGINE1", received["user_id"]);
        Assert.Equal("/db-access", received["command"]);
        Assert.Equal("false", received["is_enterprise_install"]);
        Assert.Equal("orders read 1h a &amp; &lt;b&gt; * <@U0ENGINE2|sam> é", received["text"]);
        Assert.Contains("+%2A+", Encoding.UTF8.GetString(received.Body), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_delivery_can_be_bent()
    {
        await _stage.ControlAsync("command", """{"user":"U0ENGINE1","timestampOffset":-301}""");
        Assert.Equal("1767225299", _stage.Deliveries.Last().Headers["X-Slack-Request-Timestamp"]);
        Assert.True(_stage.Deliveries.Last().IsSigned);

        await _stage.ControlAsync("command", """{"user":"U0ENGINE1","rawBodyBase64":"/v8=","headers":{"X-Slack-Signature":null}}""");
        Assert.Equal([0xFE, 0xFF], _stage.Deliveries.Last().Body);
        Assert.False(_stage.Deliveries.Last().Headers.ContainsKey("X-Slack-Signature"));
    }

    [Fact]
    public async Task An_answer_to_a_command_is_whispered()
    {
        _stage.Answer = (_, context) => context.Response.WriteAsJsonAsync(new { response_type = "ephemeral", text = "so it is" });

        await _stage.CommandAsync();

        var seen = Assert.Single(await _stage.SeenByAsync("U0ENGINE1"))!;
        Assert.Equal("so it is", (string?)seen["text"]);
        Assert.True((bool)seen["ephemeral"]!);
        Assert.Empty(await _stage.SeenByAsync("U0ENGINE2"));
    }

    [Fact]
    public async Task An_app_that_takes_more_than_three_seconds_has_failed()
    {
        _stage.Answer = (_, context) => Task.Delay(10_000, context.RequestAborted);

        var result = await _stage.ControlAsync("command", """{"user":"U0ENGINE1"}""");

        Assert.Null(result["status"]);
        Assert.InRange((double)result["elapsedMs"]!, 2900, 6000);
        Assert.Equal("/db-access failed with the error \"operation_timeout\"", (string?)(await _stage.SeenByAsync("U0ENGINE1"))[0]!["text"]);
    }

    [Fact]
    public async Task An_app_that_refuses_could_not_be_dispatched_to()
    {
        _stage.Answer = (_, context) =>
        {
            context.Response.StatusCode = 401;
            return Task.CompletedTask;
        };

        await _stage.CommandAsync();

        Assert.Equal("/db-access failed with the error \"dispatch_failed\"", (string?)(await _stage.SeenByAsync("U0ENGINE1"))[0]!["text"]);
    }

    [Fact]
    public async Task A_response_url_is_good_for_five_uses()
    {
        var url = (await _stage.CommandAsync())["response_url"];

        for (var i = 0; i < 5; i++) Assert.Equal((HttpStatusCode.OK, "ok"), await _stage.RespondAsync(url, """{"text":"again"}"""));

        Assert.Equal((HttpStatusCode.NotFound, "used_url"), await _stage.RespondAsync(url, """{"text":"again"}"""));
        Assert.Equal(5, (await _stage.SeenByAsync("U0ENGINE1")).Count);
        Assert.Empty(await _stage.SeenByAsync("U0ENGINE2"));
    }

    [Theory]
    [InlineData(1800, HttpStatusCode.OK, "ok")]
    [InlineData(1801, HttpStatusCode.NotFound, "expired_url")]
    public async Task A_response_url_lives_half_an_hour(int seconds, HttpStatusCode status, string body)
    {
        var url = (await _stage.CommandAsync())["response_url"];
        _stage.Clock.Advance(TimeSpan.FromSeconds(seconds));

        Assert.Equal((status, body), await _stage.RespondAsync(url, """{"text":"late"}"""));
    }

    [Fact]
    public async Task A_response_url_can_replace_and_delete_what_was_whispered()
    {
        _stage.Answer = (_, context) => context.Response.WriteAsJsonAsync(new { text = "working" });
        var url = (await _stage.CommandAsync())["response_url"];

        await _stage.RespondAsync(url, """{"replace_original":"true","text":"done"}""");
        var replaced = Assert.Single(await _stage.SeenByAsync("U0ENGINE1"))!;
        Assert.Equal("done", (string?)replaced["text"]);

        await _stage.RespondAsync(url, """{"delete_original":true}""");
        Assert.True((bool)Assert.Single(await _stage.SeenByAsync("U0ENGINE1"))!["deleted"]!);
    }

    [Fact]
    public async Task A_button_tells_who_where_and_what()
    {
        var posted = await _stage.ApiAsync("chat.postMessage", """
            {"channel":"C0APPROVE","text":"card","blocks":[{"type":"actions","block_id":"b","elements":[
              {"type":"button","action_id":"approve","value":"req:7","text":{"type":"plain_text","text":"Approve"}}]}]}
            """);
        var press = new JsonObject
        {
            ["user"] = "U0DBA0001", ["channel"] = "C0APPROVE", ["ts"] = (string?)posted["ts"], ["action_id"] = "approve",
        };

        Assert.Equal(200, (int)(await _stage.ControlAsync("action", press.ToJsonString()))["status"]!);

        var received = _stage.Deliveries.Last();
        Assert.True(received.IsSigned);
        Assert.Equal("block_actions", (string?)received.Payload["type"]);
        Assert.Equal("U0DBA0001", (string?)received.Payload["user"]!["id"]);
        Assert.Equal((string?)posted["ts"], (string?)received.Payload["container"]!["message_ts"]);
        Assert.Equal("req:7", (string?)received.Payload["actions"]![0]!["value"]);
        Assert.Equal("card", (string?)received.Payload["message"]!["text"]);
        Assert.Equal((HttpStatusCode.OK, "ok"), await _stage.RespondAsync((string)received.Payload["response_url"]!, """{"text":"seen"}"""));

        press["user"] = "U0GUEST01";
        Assert.Equal("This person sees no such message.", (string?)(await _stage.ControlAsync("action", press.ToJsonString()))["error"]);
    }

    [Fact]
    public async Task A_form_comes_with_what_was_filled_in_and_an_empty_answer_closes_it()
    {
        var view = await OpenFormAsync();

        var result = await SubmitAsync(view, """{"db":{"pick":"orders"},"why":{"text":"because"}}""");

        var values = _stage.Deliveries.Last().Payload["view"]!["state"]!["values"]!;
        Assert.Equal("orders", (string?)values["db"]!["pick"]!["selected_option"]!["value"]);
        Assert.Equal("because", (string?)values["why"]!["text"]!["value"]);
        Assert.Null(values["note"]!["text"]!["value"]);
        Assert.Equal("closed", (string?)result["outcome"]);
        Assert.Empty(await _stage.ViewsOfAsync("U0ENGINE1"));
    }

    [Fact]
    public async Task Slack_itself_asks_for_what_is_required()
    {
        var view = await OpenFormAsync();
        var before = _stage.Deliveries.Count;

        var result = await SubmitAsync(view, "{}");

        Assert.Equal("refused_by_client", (string?)result["outcome"]);
        Assert.Equal(["db"], result["errors"]!.AsObject().Select(error => error.Key));
        Assert.Equal(before, _stage.Deliveries.Count);
    }

    [Theory]
    [InlineData("""{"response_action":"errors","errors":{"why":"Say more."}}""", "errors")]
    [InlineData("""{"response_action":"errors","errors":{"text":"An action_id is no block_id."}}""", "trouble")]
    [InlineData("""{"ok":true}""", "trouble")]
    [InlineData("not JSON", "trouble")]
    [InlineData("""{"response_action":"update","view":{"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":[{"type":"divider"}]}}""", "updated")]
    [InlineData("""{"response_action":"update","view":{"type":"modal","title":{"type":"plain_text","text":"a title of twenty-five chr"},"blocks":[]}}""", "trouble")]
    [InlineData("""{"response_action":"clear"}""", "cleared")]
    public async Task Only_answers_that_Slack_knows_are_taken(string answer, string outcome)
    {
        var view = await OpenFormAsync();
        _stage.Answer = (_, context) =>
        {
            context.Response.ContentType = "application/json";
            return context.Response.WriteAsync(answer);
        };

        Assert.Equal(outcome, (string?)(await SubmitAsync(view, """{"db":{"pick":"orders"}}"""))["outcome"]);

        var views = await _stage.ViewsOfAsync("U0ENGINE1");
        Assert.Equal(outcome == "cleared" ? 0 : 1, views.Count);
        if (outcome == "trouble") Assert.Equal("We had some trouble connecting. Try again?", (string?)views[0]!["trouble"]);
        if (outcome == "errors") Assert.Equal("Say more.", (string?)views[0]!["errors"]!["why"]);
    }

    [Fact]
    public async Task A_message_to_the_app_is_an_event_and_may_come_twice()
    {
        await _stage.ControlAsync("message", """{"user":"U0ENGINE1","text":"create-db-user orders","repeat":2}""");

        var (first, second) = (_stage.Deliveries.First(), _stage.Deliveries.Last());
        Assert.True(first.IsSigned);
        Assert.Equal("application/json", first.Headers.ContentType);
        Assert.Equal("message", (string?)first.Json["event"]!["type"]);
        Assert.Equal("im", (string?)first.Json["event"]!["channel_type"]);
        Assert.Equal((string?)first.Json["event_id"], (string?)second.Json["event_id"]);

        var ts = (string?)first.Json["event"]!["ts"];
        await _stage.ControlAsync("message", $$"""{"user":"U0ENGINE1","text":"create-db-user orders","ts":"{{ts}}"}""");
        Assert.Equal(ts, (string?)_stage.Deliveries.Last().Json["event"]!["ts"]);
        Assert.NotEqual((string?)first.Json["event_id"], (string?)_stage.Deliveries.Last().Json["event_id"]);
        Assert.Single(await _stage.SeenByAsync("U0ENGINE1"));
    }

    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 1)]
    public async Task A_failed_event_comes_again_at_once_unless_the_app_forbids_it(bool forbidden, int deliveries)
    {
        _stage.Answer = (_, context) =>
        {
            context.Response.StatusCode = 503;
            if (forbidden) context.Response.Headers["X-Slack-No-Retry"] = "1";
            return Task.CompletedTask;
        };

        await _stage.ControlAsync("message", """{"user":"U0ENGINE1","text":"hello"}""");

        Assert.Equal(deliveries, _stage.Deliveries.Count);
        Assert.False(_stage.Deliveries.First().Headers.ContainsKey("X-Slack-Retry-Num"));
        if (forbidden) return;
        Assert.Equal("1", _stage.Deliveries.Last().Headers["X-Slack-Retry-Num"]);
        Assert.Equal("http_error", _stage.Deliveries.Last().Headers["X-Slack-Retry-Reason"]);
        Assert.Equal(_stage.Deliveries.First().Body, _stage.Deliveries.Last().Body);
    }

    [Fact]
    public async Task The_address_for_events_is_verified_by_its_challenge()
    {
        _stage.Answer = (received, context) => context.Response.WriteAsync((string)received.Json["challenge"]!);

        Assert.True((bool)(await _stage.ControlAsync("url_verification", "{}"))["verified"]!);
    }

    [Fact]
    public async Task A_person_who_leaves_is_announced()
    {
        await _stage.ControlAsync("user", """{"user":"U0ENGINE1","deleted":true,"send_event":true}""");

        Assert.True((bool)_stage.Deliveries.Last().Json["event"]!["user"]!["deleted"]!);
        Assert.True((bool)(await _stage.FormAsync("users.info", ("user", "U0ENGINE1")))["user"]!["deleted"]!);
    }

    private async Task<string> OpenFormAsync()
    {
        var trigger = (await _stage.CommandAsync())["trigger_id"];
        var opened = await _stage.ApiAsync("views.open", new JsonObject { ["trigger_id"] = trigger, ["view"] = JsonNode.Parse(Form) });
        return (string)opened["view"]!["id"]!;
    }

    private Task<JsonObject> SubmitAsync(string view, string values) =>
        _stage.ControlAsync("submit", $$"""{"view_id":"{{view}}","values":{{values}}}""");
}
