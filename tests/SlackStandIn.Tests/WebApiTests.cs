using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;

namespace DbAccess.SlackStandIn.Tests;

public sealed class WebApiTests : IAsyncLifetime
{
    private const string Modal = """{"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":[{"type":"divider"}]}""";
    private Stage _stage = null!;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _stage = await Stage.SetAsync();

    public ValueTask DisposeAsync() => _stage.DisposeAsync();

    [Fact]
    public async Task Only_the_token_opens_the_Web_API()
    {
        Assert.True((bool)(await _stage.ApiAsync("auth.test", "{}"))["ok"]!);

        _stage.Http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Stage.Token + "x");
        Assert.Equal("invalid_auth", Error(await _stage.ApiAsync("auth.test", "{}")));
        Assert.Equal("invalid_auth", Error(await _stage.ApiAsync("no.such", "{}")));

        _stage.Http.DefaultRequestHeaders.Authorization = null;
        Assert.Equal("not_authed", Error(await _stage.ApiAsync("auth.test", "{}")));
    }

    [Fact]
    public async Task An_unknown_method_is_said_to_be_unknown() =>
        Assert.Equal("unknown_method", Error(await _stage.ApiAsync("chat.postEverything", "{}")));

    [Fact]
    public async Task Methods_that_take_no_JSON_do_not_see_it()
    {
        Assert.Equal("invalid_arguments", Error(await _stage.ApiAsync("users.info", """{"user":"U0ENGINE1"}""")));

        var answer = await _stage.FormAsync("users.info", ("user", "U0ENGINE1"));
        Assert.Equal("erin@acme.example", (string?)answer["user"]!["profile"]!["email"]);
    }

    [Fact]
    public async Task People_are_shown_as_what_they_are()
    {
        async Task<JsonNode> UserAsync(string id) => (await _stage.FormAsync("users.info", ("user", id)))["user"]!;

        Assert.True((bool)(await UserAsync("U0GUEST01"))["is_restricted"]!);
        Assert.True((bool)(await UserAsync("U0DEACT01"))["deleted"]!);
        Assert.Equal("T0OTHER01", (string?)(await UserAsync("U0EXTERN1"))["team_id"]);
        Assert.Equal("\"😀\" <b>&'", (string?)(await UserAsync("U0EMOJI01"))["profile"]!["display_name"]);
        // The outsider has Erin's address; looking it up finds Erin.
        Assert.Equal("U0ENGINE1", (string?)(await _stage.FormAsync("users.lookupByEmail", ("email", "erin@acme.example")))["user"]!["id"]);
        Assert.Equal("users_not_found", Error(await _stage.FormAsync("users.lookupByEmail", ("email", "derek@acme.example"))));
        Assert.Equal(2, (await _stage.FormAsync("usergroups.users.list", ("usergroup", "S0ONCALL1")))["users"]!.AsArray().Count);
        Assert.Equal("no_such_subteam", Error(await _stage.FormAsync("usergroups.users.list", ("usergroup", "S1"))));
    }

    [Fact]
    public async Task Blocks_over_a_limit_are_refused_with_a_pointer_and_nothing_is_posted()
    {
        JsonObject Message(int length) => new()
        {
            ["channel"] = "U0ENGINE1", ["text"] = "t",
            ["blocks"] = new JsonArray(new JsonObject
            {
                ["type"] = "section", ["text"] = new JsonObject { ["type"] = "plain_text", ["text"] = new string('x', length) },
            }),
        };

        Assert.True((bool)(await _stage.ApiAsync("chat.postMessage", Message(3000)))["ok"]!);
        var refused = await _stage.ApiAsync("chat.postMessage", Message(3001));

        Assert.Equal("invalid_blocks", Error(refused));
        Assert.Equal("must be less than 3001 characters [json-pointer:/blocks/0/text/text]", (string?)refused["errors"]![0]);
        Assert.Single(await _stage.SeenByAsync("U0ENGINE1"));
    }

    [Fact]
    public async Task A_person_id_is_a_direct_message_that_others_do_not_see()
    {
        var posted = await _stage.ApiAsync("chat.postMessage", """{"channel":"U0ENGINE1","text":"for Erin"}""");

        Assert.StartsWith("D", (string?)posted["channel"], StringComparison.Ordinal);
        Assert.Single(await _stage.SeenByAsync("U0ENGINE1"));
        Assert.Empty(await _stage.SeenByAsync("U0ENGINE2"));
        Assert.Equal("channel_not_found", Error(await _stage.ApiAsync("chat.postMessage", """{"channel":"U0DEACT01","text":"x"}""")));
        Assert.Equal("user_disabled", Error(await _stage.ApiAsync("conversations.open", """{"users":"U0DEACT01"}""")));
        Assert.Equal((string?)posted["channel"], (string?)(await _stage.ApiAsync("conversations.open", """{"users":"U0ENGINE1"}"""))["channel"]!["id"]);
    }

    [Fact]
    public async Task An_ephemeral_message_is_seen_by_one_and_kept_by_nobody()
    {
        var posted = await _stage.ApiAsync("chat.postEphemeral", """{"channel":"C0GENERAL","user":"U0ENGINE1","text":"psst"}""");

        var seen = Assert.Single(await _stage.SeenByAsync("U0ENGINE1"))!;
        Assert.True((bool)seen["ephemeral"]!);
        Assert.Empty(await _stage.SeenByAsync("U0ENGINE2"));
        Assert.Empty((await _stage.ApiAsync("conversations.history", """{"channel":"C0GENERAL"}"""))["messages"]!.AsArray());
        var again = new JsonObject { ["channel"] = "C0GENERAL", ["ts"] = (string?)posted["message_ts"], ["text"] = "x" };
        Assert.Equal("message_not_found", Error(await _stage.ApiAsync("chat.update", again)));
        Assert.Equal("user_not_in_channel", Error(await _stage.ApiAsync("chat.postEphemeral", """{"channel":"C0APPROVE","user":"U0GUEST01","text":"x"}""")));
    }

    [Fact]
    public async Task An_update_with_text_alone_takes_the_blocks_away_and_a_deleted_message_is_empty()
    {
        var posted = await _stage.ApiAsync("chat.postMessage", """{"channel":"U0ENGINE1","text":"a","blocks":[{"type":"divider"}]}""");
        var target = new JsonObject { ["channel"] = (string?)posted["channel"], ["ts"] = (string?)posted["ts"], ["text"] = "b" };

        Assert.True((bool)(await _stage.ApiAsync("chat.update", target))["ok"]!);
        var edited = Assert.Single(await _stage.SeenByAsync("U0ENGINE1"))!;
        Assert.Equal("b", (string?)edited["text"]);
        Assert.Null(edited["blocks"]);
        Assert.True((bool)edited["edited"]!);

        Assert.True((bool)(await _stage.ApiAsync("chat.delete", target))["ok"]!);
        var deleted = Assert.Single(await _stage.SeenByAsync("U0ENGINE1"))!;
        Assert.True((bool)deleted["deleted"]!);
        Assert.Equal("", (string?)deleted["text"]);
        Assert.Equal(["posted", "edited", "deleted"], deleted["history"]!.AsArray().Select(entry => (string?)entry!["what"]));
        Assert.Equal("message_not_found", Error(await _stage.ApiAsync("chat.delete", target)));
    }

    [Fact]
    public async Task A_trigger_opens_one_view()
    {
        var trigger = (await _stage.CommandAsync())["trigger_id"];

        var opened = await OpenAsync(trigger);
        Assert.True((bool)opened["ok"]!, opened.ToJsonString());
        Assert.Single(await _stage.ViewsOfAsync("U0ENGINE1"));
        Assert.Equal("exchanged_trigger_id", Error(await OpenAsync(trigger)));
        Assert.Equal("invalid_trigger_id", Error(await OpenAsync("1.2.3")));
    }

    [Theory]
    [InlineData(3000, null)]
    [InlineData(3001, "expired_trigger_id")]
    public async Task A_trigger_lives_three_seconds(int milliseconds, string? error)
    {
        var trigger = (await _stage.CommandAsync())["trigger_id"];
        _stage.Clock.Advance(TimeSpan.FromMilliseconds(milliseconds));

        Assert.Equal(error, Error(await OpenAsync(trigger)));
    }

    [Fact]
    public async Task A_view_is_updated_by_who_knows_its_hash()
    {
        var opened = await OpenAsync((await _stage.CommandAsync())["trigger_id"]);
        JsonObject Update(string? hash) => new()
        {
            ["view_id"] = (string?)opened["view"]!["id"], ["hash"] = hash, ["view"] = JsonNode.Parse(Modal),
        };

        Assert.Null(Error(await _stage.ApiAsync("views.update", Update((string?)opened["view"]!["hash"]))));
        Assert.Equal("hash_conflict", Error(await _stage.ApiAsync("views.update", Update((string?)opened["view"]!["hash"]))));
        Assert.Equal("hash_conflict", Error(await _stage.ApiAsync("views.publish", new JsonObject
        {
            ["user_id"] = "U0ENGINE1", ["hash"] = "", ["view"] = JsonNode.Parse("""{"type":"home","blocks":[{"type":"divider"}]}"""),
        })));
        Assert.Equal("not_found", Error(await _stage.ApiAsync("views.update", $$"""{"view_id":"V1","view":{{Modal}}}""")));
    }

    [Fact]
    public async Task A_view_over_a_limit_is_an_invalid_argument_and_leaves_the_trigger_unused()
    {
        var trigger = (await _stage.CommandAsync())["trigger_id"];
        var view = JsonNode.Parse(Modal)!;
        view["title"]!["text"] = new string('x', 25);

        var refused = await _stage.ApiAsync("views.open", new JsonObject { ["trigger_id"] = trigger, ["view"] = view });

        Assert.Equal("invalid_arguments", Error(refused));
        Assert.Equal(
            "[ERROR] must be less than 25 characters [json-pointer:/view/title/text]", (string?)refused["response_metadata"]!["messages"]![0]);
        Assert.Null(Error(await OpenAsync(trigger)));
    }

    [Fact]
    public async Task Rate_limiting_comes_on_demand_and_as_often_as_asked()
    {
        await _stage.ControlAsync("fault", """{"method":"chat.postMessage","kind":"ratelimited","retryAfter":7,"times":2}""");

        for (var i = 0; i < 2; i++)
        {
            using var content = new StringContent("{}");
            using var limited = await _stage.Http.PostAsync(new Uri("api/chat.postMessage", UriKind.Relative), content, Stop);
            Assert.Equal(HttpStatusCode.TooManyRequests, limited.StatusCode);
            Assert.Equal(TimeSpan.FromSeconds(7), limited.Headers.RetryAfter!.Delta);
        }
        Assert.Null(Error(await _stage.ApiAsync("auth.test", "{}")));
        Assert.Null(Error(await _stage.ApiAsync("chat.postMessage", """{"channel":"U0ENGINE1","text":"third"}""")));
        Assert.Single(await _stage.SeenByAsync("U0ENGINE1"));
    }

    [Theory]
    [InlineData("lost", 1)]
    [InlineData("reset", 0)]
    public async Task A_lost_answer_comes_after_the_effect_and_a_reset_before_it(string kind, int messages)
    {
        await _stage.ControlAsync("fault", $$"""{"method":"chat.postMessage","kind":"{{kind}}","times":1}""");

        await Assert.ThrowsAsync<HttpRequestException>(() => _stage.ApiAsync("chat.postMessage", """{"channel":"U0ENGINE1","text":"x"}"""));

        Assert.Equal(messages, (await _stage.SeenByAsync("U0ENGINE1")).Count);
        var calls = JsonNode.Parse(await _stage.Http.GetStringAsync(new Uri("control/calls", UriKind.Relative), Stop))!.AsArray();
        Assert.Equal(kind, (string?)calls[^1]!["error"]);
    }

    [Fact]
    public async Task Waiting_for_a_message_ends_when_it_comes()
    {
        var waiting = _stage.Http.GetStringAsync(new Uri("control/wait?user=U0ENGINE1&contains=deep+inside&timeoutMs=5000", UriKind.Relative), Stop);
        await _stage.ApiAsync("chat.postMessage", """{"channel":"U0ENGINE1","text":"other"}""");
        await _stage.ApiAsync("chat.postMessage", """{"channel":"U0ENGINE1","text":"t","blocks":[{"type":"context","elements":[{"type":"plain_text","text":"it is deep inside"}]}]}""");

        Assert.Equal("t", (string?)JsonNode.Parse(await waiting)!["text"]);
        using var late = await _stage.Http.GetAsync(new Uri("control/wait?user=U0ENGINE2&contains=deep&timeoutMs=50", UriKind.Relative), Stop);
        Assert.Equal(HttpStatusCode.RequestTimeout, late.StatusCode);
    }

    [Theory]
    [InlineData("Host", "evil.example")]
    [InlineData("Host", "127.0.0.1:1")]
    [InlineData("Origin", "http://evil.example")]
    [InlineData("Origin", "null")]
    public async Task Other_sites_are_not_let_in(string header, string value)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri("control/calls", UriKind.Relative));
        request.Headers.TryAddWithoutValidation(header, value);

        using var response = await _stage.Http.SendAsync(request, Stop);

        Assert.Equal(HttpStatusCode.Forbidden, response.StatusCode);
    }

    [Fact]
    public async Task The_page_asks_nothing_of_other_machines()
    {
        foreach (var path in new[] { "", "page.css", "page.js" })
        {
            using var response = await _stage.Http.GetAsync(new Uri(path, UriKind.Relative), Stop);
            var text = await response.Content.ReadAsStringAsync(Stop);

            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            Assert.DoesNotContain("http://", text, StringComparison.Ordinal);
            Assert.DoesNotContain("https://", text, StringComparison.Ordinal);
            Assert.DoesNotContain("innerHTML", text, StringComparison.Ordinal);
            Assert.Contains("default-src 'none'", response.Headers.GetValues("Content-Security-Policy").Single(), StringComparison.Ordinal);
        }
    }

    private Task<JsonObject> OpenAsync(string trigger) =>
        _stage.ApiAsync("views.open", new JsonObject { ["trigger_id"] = trigger, ["view"] = JsonNode.Parse(Modal) });

    private static string? Error(JsonObject answer) => (string?)answer["error"];
}
