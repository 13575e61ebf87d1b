using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json.Nodes;
using DbAccess.SlackStandIn;
using DbAccess.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Playwright;

using static Microsoft.Playwright.Assertions;

namespace DbAccess.EndToEnd.Tests;

/// <summary>The stand-in's page, on which people meet: before an app that only answers searches.</summary>
public sealed class StandInPageTests(Chromium chromium) : IAsyncLifetime, IClassFixture<Chromium>
{
    private const string Token = "xoxb-of-the-page-tests";
    private static readonly string[] Databases = ["orders-prod", "orders-test", "archive"];

    private readonly HttpClient _http = new();
    private WebApplication _app = null!;
    private StandInServer _slack = null!;
    private readonly List<string> _events = [];
    private string _trigger = "";
    private JsonNode? _submitted;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(HandleAsync);
        await _app.StartAsync(Stop);
        _slack = await StandIn.StartAsync(
            new StandInOptions { SigningSecret = "a-signing-secret", BotToken = Token, Patience = House.SlackPatience, AppUrl = new Uri(_app.Urls.First()) });
        _http.BaseAddress = _slack.BaseUrl;
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", Token);
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _slack.DisposeAsync();
        await _app.DisposeAsync();
    }

    [Fact]
    public async Task People_side_by_side_see_one_card_its_thread_and_their_own_notifications()
    {
        var (page, people) = await chromium.OpenTogetherAsync(_slack.BaseUrl, "erin", "dana", "ali");
        var card = (string)(await CallAsync("chat.postMessage", """
            {"channel":"C0APPROVE","text":"Erin asks for orders-prod.","metadata":{"event_type":"dbaccess","event_payload":{"grant":"AB12-3C","kind":"card"}},
             "blocks":[{"type":"header","text":{"type":"plain_text","text":"Erin asks for orders-prod"}},
               {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"Asked: "},{"type":"usergroup","usergroup_id":"S0DBADMIN"}]}]},
               {"type":"actions","elements":[{"type":"button","action_id":"approve_grant","style":"primary","text":{"type":"plain_text","text":"Approve"},"value":"AB12-3C"},
                 {"type":"button","action_id":"deny_grant","style":"danger","text":{"type":"plain_text","text":"Deny"},"value":"AB12-3C"}]}]}
            """))["ts"]!;
        foreach (var person in people.Values) await person.GetByTestId("channel-C0APPROVE").ClickAsync();

        foreach (var person in people.Values)
            await Expect(person.Locator("[data-testid=message][data-kind=card]")).ToContainTextAsync("Erin asks for orders-prod");
        await Expect(people["dana"].GetByTestId("notification")).ToContainTextAsync("Erin asks for orders-prod.");
        await Expect(people["erin"].GetByTestId("notification")).ToBeHiddenAsync();

        await CallAsync("chat.postMessage", $$"""{"channel":"C0APPROVE","thread_ts":"{{card}}","text":"Nobody decided for 10 minutes."}""");
        await Expect(people["erin"].GetByTestId("thread").GetByTestId("reply")).ToContainTextAsync("Nobody decided");
        await Expect(people["ali"].GetByTestId("notification")).ToContainTextAsync("Nobody decided");
        await PictureAsync(page, "together");

        await people["dana"].GetByTestId("button-approve_grant").ClickAsync();
        await CallAsync("chat.update", $$"""{"channel":"C0APPROVE","ts":"{{card}}","text":"Approved by dana."}""");
        await Expect(people["ali"].GetByTestId("message")).ToContainTextAsync("Approved by dana.");
        await Expect(people["ali"].GetByTestId("button-approve_grant")).ToHaveCountAsync(0);

        using var deleted = await _http.PostAsJsonAsync("control/delete", new { channel = "C0APPROVE", ts = card }, Stop);
        deleted.EnsureSuccessStatusCode();
        await Expect(people["ali"].GetByTestId("message-deleted")).ToContainTextAsync("Nobody decided");
    }

    [Fact]
    public async Task What_is_typed_into_a_search_is_suggested_by_the_app_and_picked()
    {
        var (page, people) = await chromium.OpenTogetherAsync(_slack.BaseUrl, "erin");
        var erin = people["erin"];
        await erin.GetByTestId("composer").FillAsync("/db-access");
        await erin.GetByTestId("send").ClickAsync();
        await Expect(erin.GetByTestId("composer")).ToHaveValueAsync("");
        await Patience.UntilAsync(() => Task.FromResult(_trigger.Length > 0), "the command came");
        await CallAsync("views.open", $$"""
            {"trigger_id":"{{_trigger}}","view":{"type":"modal","title":{"type":"plain_text","text":"Request access"},"submit":{"type":"plain_text","text":"Request"},
             "blocks":[{"type":"input","block_id":"database","label":{"type":"plain_text","text":"Database"},
               "element":{"type":"external_select","action_id":"value","min_query_length":0} },
             {"type":"input","block_id":"only","label":{"type":"plain_text","text":"Tables"},
               "element":{"type":"multi_external_select","action_id":"value","min_query_length":1} } ] } }
            """);

        await erin.GetByTestId("field-database").FillAsync("orders-t");
        // Before a letter was typed all of them are suggested.
        await Expect(erin.GetByTestId("option")).ToHaveCountAsync(1);
        await erin.GetByTestId("option").ClickAsync();
        await Expect(erin.GetByTestId("field-database")).ToHaveValueAsync("orders-test");
        foreach (var table in new[] { "orders-p", "arch" })
        {
            await erin.GetByTestId("field-only").FillAsync(table);
            await Expect(erin.GetByTestId("options-only").GetByTestId("option")).ToHaveCountAsync(1);
            await PictureAsync(page, "search");
            await erin.GetByTestId("options-only").GetByTestId("option").ClickAsync();
        }

        await Expect(erin.GetByTestId("chip")).ToHaveTextAsync(["orders-prod×", "archive×"]);
        await erin.GetByTestId("modal-submit").ClickAsync();
        await Expect(erin.GetByTestId("modal")).ToHaveCountAsync(0);

        Assert.Equal("db_orders-test", (string?)_submitted!["database"]!["value"]!["selected_option"]!["value"]);
        Assert.Equal("db_archive", (string?)_submitted!["only"]!["value"]!["selected_options"]![1]!["value"]);
    }

    [Fact]
    public async Task Whoever_opens_their_home_tab_sees_their_own_page_and_leavers_are_announced()
    {
        var (page, people) = await chromium.OpenTogetherAsync(_slack.BaseUrl, "erin", "dana");
        await CallAsync("views.publish", """
            {"user_id":"U0ENGINE1","view":{"type":"home","blocks":[{"type":"header","text":{"type":"plain_text","text":"Live now"}}]}}
            """);

        foreach (var person in people.Values) await person.GetByTestId("tab-home").ClickAsync();

        await Expect(people["erin"].Locator("#home")).ToContainTextAsync("Live now");
        await Expect(people["dana"].Locator("#home")).ToContainTextAsync("Nothing here yet.");
        await PictureAsync(page, "home");
        await people["dana"].GetByTestId("toggle-deleted").ClickAsync();
        await Expect(people["dana"].GetByTestId("toggle-deleted")).ToHaveTextAsync("Reactivate");
        await Patience.UntilAsync(() => Task.FromResult(Heard("user_change")), "the app is told");
    }

    private bool Heard(string type)
    {
        lock (_events) return _events.Contains(type);
    }

    private async Task HandleAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync(context.RequestAborted);
        if (context.Request.Path == "/slack/events")
        {
            lock (_events) _events.Add((string)JsonNode.Parse(body)!["event"]!["type"]!);
            return;
        }

        var form = QueryHelpers.ParseQuery(body);
        if (context.Request.Path == "/slack/commands") _trigger = form["trigger_id"].ToString();
        if (JsonNode.Parse(form.TryGetValue("payload", out var payload) ? payload.ToString() : "{}") is not { } said) return;
        if ((string?)said["type"] == "view_submission") _submitted = said["view"]!["state"]!["values"];
        if ((string?)said["type"] != "block_suggestion") return;

        var typed = (string)said["value"]!;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(
            new JsonObject
            {
                ["options"] = new JsonArray([.. Databases.Where(name => name.StartsWith(typed, StringComparison.Ordinal)).Select(name => (JsonNode)new JsonObject
                {
                    ["text"] = new JsonObject { ["type"] = "plain_text", ["text"] = name }, ["value"] = "db_" + name,
                })]),
            }.ToJsonString(),
            context.RequestAborted);
    }

    private async Task<JsonObject> CallAsync(string method, string arguments)
    {
        using var content = new StringContent(arguments, MediaTypeHeaderValue.Parse("application/json; charset=utf-8"));
        using var response = await _http.PostAsync(new Uri("api/" + method, UriKind.Relative), content, Stop);
        var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync(Stop))!.AsObject();
        Assert.True((bool)answer["ok"]!, answer.ToJsonString());
        return answer;
    }

    /// <summary>To be looked at, when somebody wants to.</summary>
    private static async Task PictureAsync(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("DBACCESS_PICTURES") is { Length: > 0 } folder) await page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png") });
    }
}
