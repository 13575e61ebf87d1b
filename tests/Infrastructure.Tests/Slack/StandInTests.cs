using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Slack;
using DbAccess.SlackStandIn;
using DbAccess.TestKit;

namespace DbAccess.Infrastructure.Tests.Slack;

/// <summary>The adapters against the stand-in, which refuses what Slack would refuse.</summary>
public sealed class StandInTests : IAsyncLifetime
{
    private static readonly CancellationToken Stop = TestContext.Current.CancellationToken;
    private readonly HttpClient _control = new();
    private StandInServer _slack = null!;
    private SlackBench _bench = null!;

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
    public async Task Everything_a_message_can_hold_is_taken_at_the_limits()
    {
        const string hostile = "<!channel> `x` *b* \u202E&lt; 😀";
        var longest = string.Concat(Enumerable.Repeat("&<😀`", 2_000));
        ChatPart[] parts =
        [
            new ChatPart.Header(longest), new ChatPart.Text(hostile), new ChatPart.Text(longest), new ChatPart.Code(longest), new ChatPart.Note(hostile),
            new ChatPart.Fields([.. Enumerable.Range(0, 12).Select(i => ($"Label {i}", hostile))]), new ChatPart.Fields([(longest, longest)]),
            new ChatPart.When(longest, Some.Now),
            new ChatPart.Buttons([.. Enumerable.Range(0, 26).Select(i => new ChatButton($"a{i}", longest, "v", i % 2 == 0, longest))]),
            new ChatPart.Buttons([new ChatButton("same", "One", "1"), new ChatButton("same", "Two", "2")]),
            .. Enumerable.Range(0, 60).Select(i => new ChatPart.Text($"p{i}")),
        ];

        var post = await _bench.Chat.TellAsync(Some.Engineer, new ChatMessage(longest, parts), Stop);

        Assert.IsType<Post.Sent>(post);
        Assert.Equal(50, (await MessagesAsync()).Single()["blocks"]!.AsArray().Count);
    }

    [Fact]
    public async Task Credentials_arrive_and_are_removed_without_a_trace_in_the_conversation()
    {
        var grant = Some.Provisioning();

        var delivered = Assert.IsType<Delivery.Delivered>(await _bench.Delivery.DeliverAsync(grant, SlackBench.Credential(grant), Stop));
        var message = (await MessagesAsync()).Single();
        var removed = await _bench.Chat.RemoveAsync(delivered.Message, Stop);
        var again = await _bench.Chat.RemoveAsync(delivered.Message, Stop);

        Assert.Contains($"Password: `{SlackBench.Password}`", BlockReader.Read(message["blocks"]), StringComparison.Ordinal);
        Assert.Equal($"read on orders for 1h is ready ({grant.Id}).", message["text"]!.GetValue<string>());
        Assert.IsType<Post.Sent>(removed);
        Assert.IsType<Post.Sent>(again);
        var left = await MessagesAsync();
        Assert.DoesNotContain(SlackBench.Password, new JsonArray([.. left.Select(m => m.DeepClone())]).ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Drawn_anew_in_its_place_the_message_keeps_the_password_until_the_end_takes_it_out()
    {
        var grant = Some.Active();
        var at = Assert.IsType<Delivery.Delivered>(await _bench.Delivery.DeliverAsync(grant, SlackBench.Credential(grant), Stop)).Message;
        var longer = grant.State with { Window = grant.State.Window! with { Expiry = Some.Now.AddHours(3) } };

        Assert.IsType<Post.Sent>(await _bench.Delivery.UpdateAsync(longer, at, TimeSpan.FromMinutes(30), Stop));

        var drawn = (await MessagesAsync()).Single();
        Assert.Contains($"Password: `{SlackBench.Password}`", BlockReader.Read(drawn["blocks"]), StringComparison.Ordinal);
        Assert.Contains($"{Some.Now.AddHours(3).ToUnixTimeSeconds()}", drawn["blocks"]![0]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains("extend_grant", drawn["blocks"]!.ToJsonString(), StringComparison.Ordinal);

        Assert.IsType<Post.Sent>(await _bench.Cards.UpdateAsync(at, HolderMessages.Over(grant.State), new CardMark(grant.Id.ToString(), "ended", "k"), Stop));
        Assert.IsType<Post.Never>(await _bench.Delivery.UpdateAsync(longer, at, null, Stop));
        Assert.DoesNotContain(SlackBench.Password, (await MessagesAsync()).Single().ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_message_a_password_is_shown_from_becomes_the_one_of_the_live_grant()
    {
        var grant = new Grant(Some.Allowed().State with { RevealBy = Some.Now.AddHours(1) });

        var at = Assert.IsType<Post.Sent>(await _bench.Delivery.OfferAsync(grant.State, Stop)).Message!;
        Assert.Contains("Show password", (await MessagesAsync()).Single().ToJsonString(), StringComparison.Ordinal);
        var live = Some.Active().State with { Id = grant.Id, RevealBy = grant.State.RevealBy };
        Assert.IsType<Post.Sent>(await _bench.Delivery.UpdateAsync(live, at, null, Stop));

        var drawn = (await MessagesAsync()).Single();
        Assert.Contains($"Grant: {grant.Id}", BlockReader.Read(drawn["blocks"]), StringComparison.Ordinal);
        Assert.DoesNotContain("given back by itself", drawn.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal(["reveal_password", "connect", "return_grant"],
            drawn["blocks"]!.AsArray().Single(block => (string)block!["type"]! == "actions")!["elements"]!.AsArray().Select(one => (string)one!["action_id"]!));
    }

    [Fact]
    public async Task Credentials_with_unusual_names_are_taken_too()
    {
        var grant = Some.Provisioning();

        var delivery = await _bench.Delivery.DeliverAsync(grant, SlackBench.Credential(grant, "/run/sock", "it`s <odd> & \"long\" " + new string('x', 40)), Stop);

        Assert.IsType<Delivery.Delivered>(delivery);
    }

    [Fact]
    public async Task A_post_that_arrived_though_its_answer_was_lost_is_unknown()
    {
        await ControlAsync("fault", new JsonObject { ["method"] = "chat.postMessage", ["kind"] = "lost" });
        var grant = Some.Provisioning();

        var delivery = await _bench.Delivery.DeliverAsync(grant, SlackBench.Credential(grant), Stop);

        Assert.IsType<Delivery.Unknown>(delivery);
        Assert.Single(await MessagesAsync());
    }

    [Fact]
    public async Task A_deactivated_holder_cannot_be_reached()
    {
        var grant = Some.Provisioning(requester: Some.Person("U0DEACT01"));

        Assert.IsType<Delivery.Undeliverable>(await _bench.Delivery.DeliverAsync(grant, SlackBench.Credential(grant), Stop));
    }

    [Fact]
    public async Task Only_the_person_who_asked_sees_an_answer_in_a_channel()
    {
        var post = await _bench.Chat.ReplyAsync(new ReplyAddress(Some.Engineer, "C0GENERAL", null), ChatMessage.Plain("Only for `you`."), Stop);

        Assert.IsType<Post.Sent>(post);
        Assert.Contains(await MessagesAsync(), message => BlockReader.Read(message).Contains("Only for", StringComparison.Ordinal));
        Assert.DoesNotContain(await MessagesAsync("U0ENGINE2"), message => BlockReader.Read(message).Contains("Only for", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("U0ENGINE1", null)]
    [InlineData("U0EMOJI01", null)]
    [InlineData("U0GUEST01", "directory.guest")]
    [InlineData("U0EXTERN1", "directory.outsider")]
    [InlineData("U0DEACT01", "directory.deactivated")]
    [InlineData("U0NOBODY1", "directory.not_found")]
    public async Task The_directory_tells_who_may_act(string user, string? refusal)
    {
        Assert.Equal(refusal, (await _bench.Directory.FindAsync(Some.Person(user), Stop)).Refusal?.Code);
    }

    [Fact]
    public async Task Groups_and_health_are_read()
    {
        Assert.True((await _bench.Directory.ListMembersAsync("S0ONCALL1", Stop)).Value.SetEquals(["U0ENGINE1", "U0ENGINE2"]));
        Assert.NotNull((await _bench.Directory.ListMembersAsync("S0NOBODY1", Stop)).Refusal);
        Assert.Null((await _bench.Health.CheckAsync(Stop)).Refusal);
        await ControlAsync("token", new JsonObject { ["token"] = "xoxb-another" });
        using var other = new SlackBench(new Uri(_slack.BaseUrl, "api/"));
        Assert.Contains("invalid_auth", (await other.Health.CheckAsync(Stop)).Refusal!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_is_answered_at_its_address_and_its_trigger_opens_a_form_once()
    {
        await using var app = await ScriptedSlack.StartAsync();
        app.Says("/slack/commands", "", type: "text/plain");
        _slack.AppUrl = app.Address;
        await ControlAsync("command", new JsonObject { ["user"] = "U0ENGINE1", ["channel"] = "C0GENERAL", ["text"] = "help" });
        var command = app.Calls.Single().Arguments;
        var form = new ChatForm("request", "Database access for everybody and more", "Ask", "ctx", [new ChatPart.Text("Fill `this` in.")],
        [
            new FormField.Choice("database", "Database", "Which", [new("orders", "orders", "The shop"), new("crm", "crm")], "crm", Redraws: true),
            new FormField.Choice("scope", "Scope", null, [], null),
            new FormField.Text("reason", "Reason", "Why", "INC-1", true, 15, 500),
        ]);

        var reply = await _bench.Chat.ReplyAsync(new ReplyAddress(Some.Engineer, "C0GENERAL", new Secret(command["response_url"]!.GetValue<string>())), ChatMessage.Plain("There you are."), Stop);
        var trigger = new Secret(command["trigger_id"]!.GetValue<string>());
        var opened = await _bench.Forms.OpenAsync(trigger, form, Stop);
        var again = await _bench.Forms.OpenAsync(trigger, form, Stop);
        var views = await _control.GetFromJsonAsync<JsonArray>("views?user=U0ENGINE1", Stop);
        var view = views!.Single()!;
        var redrawn = await _bench.Forms.RedrawAsync(view["id"]!.GetValue<string>(), view["hash"]!.GetValue<string>(), form with { Context = "next" }, Stop);
        var late = await _bench.Forms.RedrawAsync(view["id"]!.GetValue<string>(), view["hash"]!.GetValue<string>(), form, Stop);

        Assert.IsType<Post.Sent>(reply);
        Assert.Contains(await MessagesAsync(), message => BlockReader.Read(message).Contains("There you are.", StringComparison.Ordinal));
        Assert.IsType<Post.Sent>(opened);
        Assert.IsType<Post.Never>(again);
        Assert.IsType<Post.Sent>(redrawn);
        Assert.IsType<Post.Never>(late);
    }

    private async Task<IReadOnlyList<JsonNode>> MessagesAsync(string user = "U0ENGINE1") =>
        [.. (await _control.GetFromJsonAsync<JsonArray>($"messages?user={user}", Stop))!.OfType<JsonNode>()];

    private async Task ControlAsync(string act, JsonObject request)
    {
        using var response = await _control.PostAsJsonAsync(act, request, Stop);
        response.EnsureSuccessStatusCode();
    }
}
