using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Principals;
using DbAccess.SlackStandIn;
using DbAccess.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Infrastructure.Tests.Slack;

/// <summary>Cards, threads, windows and home pages against the stand-in, which refuses what Slack would refuse.</summary>
public sealed class SlackCardsTests : IAsyncLifetime
{
    private const string Room = "C0APPROVE";
    private static readonly CancellationToken Stop = TestContext.Current.CancellationToken;
    private static readonly CardMark Mark = new("AB12-3C", "card", "AB12-3C card 1");
    private readonly HttpClient _control = new();
    private StandInServer _slack = null!;
    private SlackBench _bench = null!;

    private static CardPlace.Channel Place => new(Room);

    public async ValueTask InitializeAsync()
    {
        _slack = await StandIn.StartAsync(new StandInOptions { SigningSecret = "a-signing-secret", BotToken = SlackBench.Token });
        _control.BaseAddress = new Uri(_slack.BaseUrl, "control/");
        _bench = new SlackBench(new Uri(_slack.BaseUrl, "api/"));
    }

    public async ValueTask DisposeAsync()
    {
        _bench.Dispose();
        _control.Dispose();
        await _slack.DisposeAsync();
    }

    [Fact]
    public async Task A_card_says_in_its_metadata_what_it_is_about_and_is_drawn_anew_in_its_place()
    {
        var posted = Assert.IsType<Post.Sent>(await _bench.Cards.PostAsync(Place, Card("Waiting"), Mark, Stop));
        var updated = await _bench.Cards.UpdateAsync(posted.Message!, Card("Approved"), Mark with { Kind = "decided" }, Stop);

        var message = Assert.Single(await InAsync(Room));
        Assert.Equal(posted.Message, Assert.IsType<Post.Sent>(updated).Message);
        Assert.Equal(posted.Message!.Timestamp, (string?)message["ts"]);
        Assert.Contains("Approved", BlockReader.Read(message["blocks"]), StringComparison.Ordinal);
        Assert.DoesNotContain("Waiting", message["blocks"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(
            """{"event_type":"dbaccess","event_payload":{"grant":"AB12-3C","kind":"decided"}}""", message["metadata"]!.ToJsonString());
    }

    [Fact]
    public async Task The_same_message_is_recognised_by_an_id_and_another_one_is_not()
    {
        await _bench.Cards.PostAsync(Place, Card("One"), Mark, Stop);
        await _bench.Cards.PostAsync(Place, Card("Two"), Mark with { Key = "AB12-3C card 2" }, Stop);
        await _bench.Cards.PostAsync(Place, Card("One"), Mark, Stop);

        // Slack promises nothing about such ids, so neither does the stand-in: all three are there, and the double can be told.
        var ids = (await InAsync(Room)).Select(message => (string?)message["client_msg_id"]).ToList();
        Assert.Equal(3, ids.Count);
        Assert.All(ids, id => Assert.True(Guid.TryParse(id, out _)));
        Assert.Equal(ids[0], ids[2]);
        Assert.NotEqual(ids[0], ids[1]);
    }

    [Fact]
    public async Task A_line_goes_into_the_thread_and_tells_whom_it_mentions()
    {
        var card = Assert.IsType<Post.Sent>(await _bench.Cards.PostAsync(
            Place, new ChatMessage("Erin asks.", [new ChatPart.Mention("Asked:", ["S0DBADMIN"])]), Mark, Stop)).Message!;

        var line = await _bench.Cards.AddAsync(
            card, new ChatMessage("Still waiting.", [new ChatPart.Mention("Still waiting for", ["U0SECUR01"])]), Mark with { Kind = "reminder" }, Stop);

        var reply = (await InAsync(Room)).Single(message => (string?)message["thread_ts"] == card.Timestamp);
        Assert.Equal(Assert.IsType<Post.Sent>(line).Message!.Timestamp, (string?)reply["ts"]);
        Assert.NotEqual(card, ((Post.Sent)line).Message);
        Assert.Equal(["Erin asks.", "Still waiting."], await NotifiedAsync("dana"));
        Assert.Equal(["Still waiting."], await NotifiedAsync("sina"));
        Assert.Empty(await NotifiedAsync("erin"));
    }

    [Fact]
    public async Task A_card_to_a_person_is_in_the_conversation_with_the_app()
    {
        var dana = Some.Person("U0DBA0001");

        var card = Assert.IsType<Post.Sent>(await _bench.Cards.PostAsync(new CardPlace.Direct(dana), Card("Waiting"), Mark, Stop)).Message!;
        var updated = await _bench.Cards.UpdateAsync(card, Card("Approved"), Mark, Stop);

        Assert.IsType<Post.Sent>(updated);
        Assert.StartsWith("D", card.Channel, StringComparison.Ordinal);
        Assert.Contains("Approved", BlockReader.Read(Assert.Single(await InAsync(card.Channel, "dana"))["blocks"]), StringComparison.Ordinal);
        Assert.Empty(await InAsync(card.Channel, "erin"));
    }

    [Theory]
    [InlineData("""{"channel":"C0APPROVE","archived":true}""")]
    [InlineData("""{"channel":"C0APPROVE","app_is_member":false}""")]
    [InlineData("""{"channel":"C0APPROVE","private":false,"app_is_member":false}""")]
    public async Task A_channel_that_cannot_be_written_to_is_gone(string change)
    {
        var card = Assert.IsType<Post.Sent>(await _bench.Cards.PostAsync(Place, Card("Waiting"), Mark, Stop)).Message!;
        await ControlAsync("channel", JsonNode.Parse(change)!.AsObject());

        Post[] tried =
        [
            await _bench.Cards.PostAsync(Place, Card("Waiting"), Mark, Stop),
            await _bench.Cards.UpdateAsync(card, Card("Approved"), Mark, Stop),
            await _bench.Cards.AddAsync(card, Card("Reminder"), Mark, Stop),
        ];

        Assert.All(tried, post => Assert.True(Assert.IsType<Post.Never>(post).Gone, post.ToString()));
    }

    [Fact]
    public async Task A_channel_that_never_was_is_gone_and_so_is_a_person_who_left()
    {
        Post[] tried =
        [
            await _bench.Cards.PostAsync(new CardPlace.Channel("C0NOWHERE"), Card("Waiting"), Mark, Stop),
            await _bench.Cards.PostAsync(new CardPlace.Direct(Some.Person("U0DEACT01")), Card("Waiting"), Mark, Stop),
        ];

        Assert.All(tried, post => Assert.True(Assert.IsType<Post.Never>(post).Gone, post.ToString()));
    }

    [Fact]
    public async Task A_card_that_was_deleted_is_gone()
    {
        var card = Assert.IsType<Post.Sent>(await _bench.Cards.PostAsync(Place, Card("Waiting"), Mark, Stop)).Message!;
        await ControlAsync("delete", new JsonObject { ["channel"] = card.Channel, ["ts"] = card.Timestamp });

        var updated = await _bench.Cards.UpdateAsync(card, Card("Approved"), Mark, Stop);

        Assert.True(Assert.IsType<Post.Never>(updated).Gone);
    }

    [Fact]
    public async Task What_Slack_does_not_take_is_no_reason_to_look_for_another_place()
    {
        await FaultAsync("chat.postMessage", "error", 2, ("error", "invalid_arguments"));

        Assert.False(Assert.IsType<Post.Never>(await _bench.Cards.PostAsync(Place, Card("Waiting"), Mark, Stop)).Gone);
    }

    [Fact]
    public async Task Blocks_that_are_refused_leave_the_sentence_and_the_metadata()
    {
        await FaultAsync("chat.postMessage", "error", 1, ("error", "invalid_blocks"));
        var card = Assert.IsType<Post.Sent>(await _bench.Cards.PostAsync(Place, Card("Waiting"), Mark, Stop)).Message!;
        var first = Assert.Single(await InAsync(Room));
        Assert.Null(first["blocks"]);
        await _bench.Cards.UpdateAsync(card, Card("Again"), Mark, Stop);
        await FaultAsync("chat.update", "error", 1, ("error", "invalid_blocks"));
        await _bench.Cards.UpdateAsync(card, Card("Approved"), Mark, Stop);

        var message = Assert.Single(await InAsync(Room));
        // Blocks that stayed would say what is no longer true.
        Assert.Null(message["blocks"]);
        Assert.Equal("Approved: erin asks for orders.", (string?)message["text"]);
        Assert.Equal("AB12-3C", (string?)message["metadata"]!["event_payload"]!["grant"]);
    }

    [Fact]
    public async Task A_post_whose_answer_was_lost_is_not_repeated_behind_the_callers_back()
    {
        await FaultAsync("chat.postMessage", "lost", 1);

        var post = await _bench.Cards.PostAsync(Place, Card("Waiting"), Mark, Stop);

        Assert.IsType<Post.NotNow>(post);
        Assert.Single(await InAsync(Room));
    }

    [Fact]
    public async Task An_update_that_got_no_answer_is_made_again_at_once()
    {
        var card = Assert.IsType<Post.Sent>(await _bench.Cards.PostAsync(Place, Card("Waiting"), Mark, Stop)).Message!;
        await FaultAsync("chat.update", "lost", 1);

        Assert.IsType<Post.Sent>(await _bench.Cards.UpdateAsync(card, Card("Approved"), Mark, Stop));
    }

    [Fact]
    public async Task A_channel_that_is_to_be_left_in_peace_holds_up_no_other_one()
    {
        var clock = new FakeTimeProvider(Some.Now);
        using var bench = new SlackBench(new Uri(_slack.BaseUrl, "api/"), clock);
        await FaultAsync("chat.postMessage", "ratelimited", 1, ("retryAfter", "30"));

        var first = await bench.Cards.PostAsync(Place, Card("Waiting"), Mark, Stop);
        var again = await bench.Cards.PostAsync(Place, Card("Waiting"), Mark, Stop);
        var elsewhere = await bench.Cards.PostAsync(new CardPlace.Channel("C0SECURITY"), Card("Waiting"), Mark, Stop);
        clock.Advance(TimeSpan.FromSeconds(31));
        var later = await bench.Cards.PostAsync(Place, Card("Waiting"), Mark, Stop);

        Assert.Equal(TimeSpan.FromSeconds(30), Assert.IsType<Post.NotNow>(first).RetryAfter);
        Assert.Equal(TimeSpan.FromSeconds(30), Assert.IsType<Post.NotNow>(again).RetryAfter);
        Assert.IsType<Post.Sent>(elsewhere);
        Assert.IsType<Post.Sent>(later);
        Assert.Single(await InAsync(Room));
        // The second try was answered from memory.
        Assert.Equal(3, (await CallsAsync()).Count(call => call == "chat.postMessage"));
    }

    [Fact]
    public async Task A_home_page_is_replaced_and_holds_no_more_than_Slack_takes()
    {
        var page = Enumerable.Range(0, 120).SelectMany(i => (ChatPart[])
        [
            new ChatPart.Text($"grant {i} " + new string('&', i)), new ChatPart.Buttons([new ChatButton("return_grant", "I'm done", $"{i}", Primary: true)]),
        ]);

        Assert.IsType<Post.Sent>(await _bench.Home.PublishAsync(Some.Engineer, new ChatMessage("Home", []), Stop));
        var empty = (await HomeAsync())["blocks"]!.AsArray().Count;
        Assert.IsType<Post.Sent>(await _bench.Home.PublishAsync(Some.Engineer, new ChatMessage("Home", [.. page]), Stop));
        var full = (await HomeAsync())["blocks"]!.AsArray();

        Assert.Equal(1, empty);
        Assert.Equal(100, full.Count);
        Assert.Contains("there is more than fits here", full[99]!.ToJsonString(), StringComparison.Ordinal);
        // No button without the words that it belongs to.
        Assert.Equal("section", (string?)full[0]!["type"]);
        Assert.All(Enumerable.Range(0, 49), i => Assert.Equal($"{i}", (string?)full[(2 * i) + 1]!["elements"]![0]!["value"]));
    }

    [Fact]
    public async Task Everything_that_a_card_and_a_page_can_hold_is_taken_at_the_limits()
    {
        var longest = string.Concat(Enumerable.Repeat("&<😀`", 2_000));
        ChatPart[] parts =
        [
            new ChatPart.Header(longest), new ChatPart.Divider(), new ChatPart.Divider(),
            new ChatPart.Mention(longest, [.. Enumerable.Range(0, 60).Select(i => $"U0PERSON{i}"), "<!channel>", ""]),
            new ChatPart.Mention("", []), new ChatPart.Mention("", ["nobody's id"]),
            new ChatPart.Buttons([.. Enumerable.Range(0, 26).Select(i => new ChatButton($"a{i}", longest, "v", Primary: true, Spoken: longest))]),
            new ChatPart.Buttons([new ChatButton("a", "b", "v", Spoken: "")]),
        ];

        Assert.IsType<Post.Sent>(await _bench.Cards.PostAsync(Place, new ChatMessage(longest, parts), Mark, Stop));
        Assert.Equal(9, Assert.Single(await InAsync(Room))["blocks"]!.AsArray().Count);
        Assert.IsType<Post.Sent>(await _bench.Home.PublishAsync(Some.Engineer, new ChatMessage("", parts), Stop));
        Assert.Equal(9, (await HomeAsync())["blocks"]!.AsArray().Count);
    }

    [Fact]
    public async Task Windows_may_be_only_to_read_and_searches_are_drawn_as_Slack_wants_them()
    {
        await using var app = await ScriptedSlack.StartAsync();
        _slack.AppUrl = app.Address;
        var longest = string.Concat(Enumerable.Repeat("&<😀`", 100));
        ChatForm[] forms =
        [
            new("details", "Details", null, "", [new ChatPart.Text("What is given.")], []),
            new("empty", "Nothing", "", "", [], []),
            new("search", "Search", null, "",
                [],
                [
                    new FormField.Search("database", longest, longest, [], MinLength: 0),
                    new FormField.Search("one", "One", null, [new FormOption("v", longest, longest)], Redraws: true),
                    new FormField.Search("only", "Tables", null, [new FormOption("a", "a"), new FormOption("b", "b")], Most: 50, Optional: true),
                ]),
        ];

        foreach (var form in forms)
        {
            app.Says("/slack/commands", "", type: "text/plain");
            await ControlAsync("command", new JsonObject { ["user"] = "erin", ["text"] = "" });
            var trigger = app.CallsOf("/slack/commands")[^1].Arguments["trigger_id"]!.GetValue<string>();
            Assert.IsType<Post.Sent>(await _bench.Forms.OpenAsync(new Secret(trigger), form, Stop));
        }

        var view = (await _control.GetFromJsonAsync<JsonArray>("views?user=erin", Stop))!.Single()!;
        Assert.Equal("Submit", (string?)view["submit"]!["text"]);
        Assert.Equal(
            ["external_select", "external_select", "multi_external_select"], view["blocks"]!.AsArray().Select(block => (string)block!["element"]!["type"]!));
        Assert.All(view["blocks"]!.AsArray(), block => Assert.Equal("value", (string?)block!["element"]!["action_id"]));
        Assert.Equal(2, view["state"]!["values"]!["only"]!["value"]!["selected_options"]!.AsArray().Count);
    }

    private static ChatMessage Card(string state) => new($"{state}: erin asks for orders.",
    [
        new ChatPart.Header(state),
        new ChatPart.Buttons([new ChatButton("approve_grant", "Approve", "AB12-3C", Primary: true), new ChatButton("deny_grant", "Deny", "AB12-3C", Danger: true)]),
    ]);

    private Task FaultAsync(string method, string kind, int times, params (string Name, string Value)[] more)
    {
        var fault = new JsonObject { ["method"] = method, ["kind"] = kind, ["times"] = times };
        foreach (var (name, value) in more) fault[name] = value;
        return ControlAsync("fault", fault);
    }

    private async Task ControlAsync(string act, JsonObject request)
    {
        using var response = await _control.PostAsJsonAsync(act, request, Stop);
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync(Stop));
    }

    private async Task<IReadOnlyList<JsonNode>> InAsync(string channel, string user = "dana") =>
        [.. (await _control.GetFromJsonAsync<JsonArray>($"messages?user={user}", Stop))!.Select(message => message!)
            .Where(message => (string?)message["channel"] == channel && !(bool)message["deleted"]!)];

    private async Task<IReadOnlyList<string>> NotifiedAsync(string user) =>
        [.. (await _control.GetFromJsonAsync<JsonArray>($"notifications?user={user}", Stop))!.Select(one => (string)one!["text"]!)];

    private async Task<IReadOnlyList<string>> CallsAsync() =>
        [.. (await _control.GetFromJsonAsync<JsonArray>("calls", Stop))!.Select(call => (string)call!["method"]!)];

    private async Task<JsonObject> HomeAsync() => (await _control.GetFromJsonAsync<JsonObject>("home?user=erin", Stop))!["home"]!.AsObject();
}
