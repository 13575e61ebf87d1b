using System.Globalization;
using System.Text.Json.Nodes;
using DbAccess.TestKit;
using DbAccess.TestKit.Postgres;
using Microsoft.Playwright;

using static Microsoft.Playwright.Assertions;

namespace DbAccess.EndToEnd.Tests;

/// <summary>A house whose rule gives half an hour more, once.</summary>
public sealed class LongerHouse : House
{
    public static readonly string Text = OpenHouse.Text.Replace(
        "scopes: [read], lifetime: {default: 20s, max: 4h}", "scopes: [read], lifetime: {default: 20s, max: 4h, extend: {times: 1, by: 30m}}", StringComparison.Ordinal);

    protected override string Policy => Text;

    protected override async Task PrepareAsync(DemoSystem system) => await system.Postgres.CreateSampleOrdersAsync("archive");
}

/// <summary>What a holder does in the message that stays with them, over HTTP with the real processes.</summary>
public sealed class HolderStoryTests(LongerHouse house, Chromium chromium) : IClassFixture<LongerHouse>, IClassFixture<Chromium>
{
    private const string EndOf = "SELECT extract(epoch FROM rolvaliduntil)::bigint::text FROM pg_roles WHERE rolname = $1";

    private DemoSystem It
    {
        get
        {
            House.RequirePostgres();
            return house.Running;
        }
    }

    [Fact]
    public async Task Longer_by_one_press_it_opens_after_its_first_end_and_the_message_keeps_the_password()
    {
        var id = await It.AskAsync(SlackUser.Erin, "orders read 20s because INC-4721 make it longer");
        var (credential, message) = await It.CredentialAsync(SlackUser.Erin, id);
        await Patience.UntilAsync(async () => await It.StatusAsync(id) == "active", "it is active");
        var first = await EndAsync(credential);
        var before = await It.NowAsync(SlackUser.Erin);

        await It.Users.PressAsync(SlackUser.Erin, message, "extend_grant");

        await It.HearAsync(SlackUser.Erin, $"({id}) now ends", before);
        await Patience.UntilAsync(async () => await EndAsync(credential) == first.AddMinutes(30), "the server keeps the later end");
        var drawn = (await It.Users.MessagesAsync(SlackUser.Erin)).Single(one => (string?)one["ts"] == (string?)message["ts"] && (string?)one["channel"] == (string?)message["channel"]);
        Assert.Equal(credential, DeliveredCredential.Read(SlackUser.Words(drawn)));
        Assert.DoesNotContain("extend_grant", drawn["blocks"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains(first.AddMinutes(30).ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture), drawn["blocks"]![0]!.ToJsonString(), StringComparison.Ordinal);

        await Patience.UntilAsync(
            async () => (await It.AskServerAsync("SELECT (now() > to_timestamp($1::bigint))::text", first.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture))).Single() == "true",
            "its first end is over");
        Assert.True(await It.CanLogInAsync(credential));
        Assert.Contains("as often as rule all-read allows", await It.SayAsync(SlackUser.Erin, $"extend {id}", "as often as"), StringComparison.Ordinal);

        await It.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
        await It.HearAsync(SlackUser.Erin, $"you gave it back ({id})", before);
        await It.Users.WaitForAsync(SlackUser.Erin, message, "role proved gone");
        Assert.Empty(await It.CredentialsInSlackAsync(SlackUser.Erin, id));
        await It.HoldsNoSecretAsync(credential.Password);
    }

    [Fact]
    public async Task A_new_password_opens_it_and_the_one_before_neither_opens_anything_nor_stands_anywhere()
    {
        var id = await It.AskAsync(SlackUser.Sam, "orders read 10m because INC-4722 pasted into a channel");
        var (old, message) = await It.CredentialAsync(SlackUser.Sam, id);
        await Patience.UntilAsync(async () => await It.StatusAsync(id) == "active", "it is active");

        await It.Users.PressAsync(SlackUser.Sam, message, "new_password");

        var (fresh, _) = await It.CredentialAsync(SlackUser.Sam, id, (string)message["ts"]!);
        Assert.Equal(old with { Password = fresh.Password }, fresh);
        Assert.NotEqual(old.Password, fresh.Password);
        Assert.False(await It.CanLogInAsync(old));
        Assert.True(await It.CanLogInAsync(fresh));
        Assert.Equal([fresh], await It.CredentialsInSlackAsync(SlackUser.Sam, id));

        await Patience.UntilAsync(async () => (await It.AskStoreAsync("SELECT type FROM events WHERE grant_id = $value AND type = 'grant.password_renewed'", id)).Count == 1, "it is on record");
        await It.SayAsync(SlackUser.Sam, $"done {id}", "access ends now");
        await It.HearAsync(SlackUser.Sam, $"you gave it back ({id})");
        Assert.False(await It.CanLogInAsync(fresh));
        Assert.Empty(await It.CredentialsInSlackAsync(SlackUser.Sam, id));
        await It.HoldsNoSecretAsync(old.Password, fresh.Password);
    }

    [Fact]
    public async Task On_a_phone_the_message_is_seen_whole_and_the_ways_to_connect_are_one_press_away()
    {
        var (page, people) = await chromium.OpenTogetherAsync(It.Slack.BaseUrl, "omar");
        var omar = people["omar"];
        var id = await It.AskAsync(SlackUser.Omar, "orders read 10m because INC-4723 on the phone");
        var message = omar.GetByTestId("message").Filter(new() { HasText = "Password: " }).Last;
        await Expect(message).ToBeVisibleAsync();

        var height = (await message.BoundingBoxAsync())!.Height;
        Assert.True(height < 600, $"The message is {height} px tall.");
        Assert.Matches(@"orders · read · until .* \(10 min left at ", await message.InnerTextAsync());
        Assert.Contains("+30 min", await message.InnerTextAsync(), StringComparison.Ordinal);
        await ScreenshotAsync(page, "holder-message");

        await message.GetByTestId("button-connect").ClickAsync();
        await Expect(omar.GetByTestId("modal")).ToContainTextAsync("pbpaste");
        Assert.DoesNotContain((await It.CredentialAsync(SlackUser.Omar, id)).Credential.Password, await omar.GetByTestId("modal").InnerTextAsync(), StringComparison.Ordinal);
        await ScreenshotAsync(page, "holder-connect");
        await It.CloseFormsAsync(SlackUser.Omar);
        await It.SayAsync(SlackUser.Omar, $"done {id}", "access ends now");
        await It.HearAsync(SlackUser.Omar, $"you gave it back ({id})");
        await Expect(omar.GetByText("role proved gone")).ToBeVisibleAsync();
        await ScreenshotAsync(page, "holder-ended");
    }

    [Fact]
    public async Task Shown_instead_of_sent_nothing_secret_is_posted_and_what_nobody_has_shown_is_given_back()
    {
        House.RequirePostgres();
        var settings = new Dictionary<string, string>(House.Busy, StringComparer.Ordinal) { ["Delivery"] = "Reveal", ["Reveal:Within"] = "20s" };
        await using var own = await DemoSystem.StartAsync(PostgresFixture.WantedMajor, settings, policy: LongerHouse.Text, slackPatience: House.SlackPatience);

        var id = await own.AskAsync(SlackUser.Erin, "orders read 10m because INC-4724 show me");
        var ready = await own.HearAsync(SlackUser.Erin, $"Grant: {id}");
        Assert.Empty(await own.TemporaryRolesAsync());
        var forgotten = await own.AskAsync(SlackUser.Sam, "orders read 10m because INC-4725 never shown");

        await own.Users.PressAsync(SlackUser.Erin, ready, "reveal_password");
        var shown = await ShownAsync(own, null);
        Assert.True(await own.CanLogInAsync(shown));
        await own.Users.WaitForAsync(SlackUser.Erin, ready, "min left");
        await own.CloseFormsAsync(SlackUser.Erin);

        await own.Users.PressAsync(SlackUser.Erin, ready, "reveal_password");
        var again = await ShownAsync(own, shown.Password);
        Assert.False(await own.CanLogInAsync(shown));
        Assert.True(await own.CanLogInAsync(again));
        Assert.DoesNotContain(await own.Users.MessagesAsync(SlackUser.Erin), message => message.ToJsonString() is var text
            && (text.Contains(shown.Password, StringComparison.Ordinal) || text.Contains(again.Password, StringComparison.Ordinal)));

        await own.CloseFormsAsync(SlackUser.Erin);
        await own.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
        await own.HearAsync(SlackUser.Erin, $"you gave it back ({id})");
        Assert.False(await own.CanLogInAsync(again));
        await own.HearAsync(SlackUser.Sam, $"was given back by itself ({forgotten})");
        await own.ConvergesAsync();
        await own.HoldsNoSecretAsync(shown.Password, again.Password);
    }

    [Fact]
    public async Task On_a_phone_the_password_is_shown_in_a_window_by_one_press_and_stands_nowhere_else()
    {
        House.RequirePostgres();
        var settings = new Dictionary<string, string>(House.Busy, StringComparer.Ordinal) { ["Delivery"] = "Reveal" };
        await using var own = await DemoSystem.StartAsync(PostgresFixture.WantedMajor, settings, policy: LongerHouse.Text, slackPatience: House.SlackPatience);
        var (page, people) = await chromium.OpenTogetherAsync(own.Slack.BaseUrl, "erin");
        var erin = people["erin"];
        var id = await own.AskAsync(SlackUser.Erin, "orders read 10m because INC-4726 show me");
        await erin.GetByTestId("button-reveal_password").Last.ClickAsync();

        var window = erin.GetByTestId("modal");
        await Expect(window).ToContainTextAsync("Password: ");
        var shown = DeliveredCredential.Read(await window.InnerTextAsync())!;
        Assert.True(await own.CanLogInAsync(shown));
        await ScreenshotAsync(page, "reveal");
        await window.GetByTestId("modal-close").ClickAsync();

        await Expect(erin.GetByTestId("message").Filter(new() { HasText = $"Grant: {id}" }).Last).ToContainTextAsync("min left");
        await Expect(erin.GetByText(shown.Password)).ToHaveCountAsync(0);
        await ScreenshotAsync(page, "reveal-after");
        await own.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
    }

    private static async Task<DeliveredCredential> ShownAsync(DemoSystem system, string? not)
    {
        static DeliveredCredential? Read(JsonObject view) => DeliveredCredential.Read(SlackUser.Words(view));
        return Read(await system.FormAsync(SlackUser.Erin, view => Read(view) is { } read && read.Password != not))!;
    }

    private async Task<DateTimeOffset> EndAsync(DeliveredCredential credential) =>
        DateTimeOffset.FromUnixTimeSeconds(long.Parse((await It.AskServerAsync(EndOf, credential.User)).Single(), CultureInfo.InvariantCulture));

    private static async Task ScreenshotAsync(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("DBACCESS_SCREENSHOTS") is not { Length: > 0 } folder) return;

        Directory.CreateDirectory(folder);
        await page.HidePasswordsAsync();
        await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}.png") });
    }
}
