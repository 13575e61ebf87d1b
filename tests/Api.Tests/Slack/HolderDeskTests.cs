using System.Text.Json;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Api.Tests.Slack;

/// <summary>The buttons of the message that stays with a holder.</summary>
public sealed class HolderDeskTests
{
    [Fact]
    public async Task Ways_to_connect_open_for_the_holder_and_hold_no_password()
    {
        await using var house = await SlackHouse.OpenAsync();
        var id = await LiveAsync(house);

        await PressAsync(house, "connect", id);

        var form = Assert.Single(house.Forms.Opened);
        Assert.Equal(("connect", "Done", id.ToString()), (form.Kind, form.Submit, form.Context));
        var words = FakeChat.Words(new ChatMessage("", [.. form.Intro, .. form.Outro]));
        foreach (var way in (string[])["$(pbpaste)", "$(wl-paste)", "Get-Clipboard", "[orders·read until", "postgresql://", "jdbc:postgresql://", $"application_name={id}", "psycopg", "pgx", "dbeaver -con", $"[{id}]"])
            Assert.Contains(way, words, StringComparison.Ordinal);
        Assert.Empty(house.Chat.Replies);
    }

    [Fact]
    public async Task The_way_that_was_chosen_stands_first_at_once_and_the_next_time_for_whoever_chose_it()
    {
        await using var house = await SlackHouse.OpenAsync();
        var id = await LiveAsync(house);
        await PressAsync(house, "connect", id);

        await ChooseAsync(house, id, "dbeaver");

        await house.UntilAsync(() => house.Forms.Redrawn.Count == 1, "the window is drawn again");
        Assert.StartsWith("DBeaver", First(house.Forms.Redrawn[0].Form), StringComparison.Ordinal);
        await PressAsync(house, "connect", id, "1767225599.123457");
        Assert.StartsWith("DBeaver", First(house.Forms.Opened[^1]), StringComparison.Ordinal);
        Assert.Equal("dbeaver", house.Forms.Opened[^1].Fields.OfType<FormField.Choice>().Single().Chosen);

        using var done = await house.PayloadAsync(Window("view_submission", id, "dbeaver"));
        Assert.Equal((200, ""), ((int)done.StatusCode, await done.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task What_is_no_way_is_not_remembered_and_over_access_shows_nothing()
    {
        await using var house = await SlackHouse.OpenAsync();
        var id = await LiveAsync(house);
        await ChooseAsync(house, id, "telepathy");
        var others = await LiveAsync(house, Some.OtherEngineer);
        await ChooseAsync(house, others, "dbeaver");

        await PressAsync(house, "connect", id);

        Assert.StartsWith("macOS", First(Assert.Single(house.Forms.Opened)), StringComparison.Ordinal);
        Assert.Empty(house.Forms.Redrawn);
    }

    [Theory]
    [InlineData("connect")]
    [InlineData("new_password")]
    [InlineData("reveal_password")]
    public async Task Somebody_elses_press_is_refused_privately_and_opens_nothing(string action)
    {
        await using var house = await SlackHouse.OpenAsync();
        var id = await LiveAsync(house, Some.OtherEngineer);
        var before = house.Store.Stored.Single();

        await PressAsync(house, action, id);

        Assert.Contains("somebody else's", Assert.Single(house.Chat.Replies).Message.Summary, StringComparison.Ordinal);
        Assert.Empty(house.Forms.Opened);
        Assert.Equal((before.Version, null), (house.Store.Stored.Single().Version, house.Store.Stored.Single().Password));
    }

    [Fact]
    public async Task A_new_password_is_on_record_and_pressed_twice_it_is_asked_for_once()
    {
        await using var house = await SlackHouse.OpenAsync();
        var id = await LiveAsync(house);

        await PressAsync(house, "new_password", id);
        await PressAsync(house, "new_password", id, "1767225599.123457");

        Assert.NotNull(house.Store.Stored.Single().Password);
        Assert.Equal([id], house.Dispatcher.Dispatched);
        Assert.Contains("comes by direct message", house.Chat.Replies[0].Message.Summary, StringComparison.Ordinal);
        Assert.Contains("on its way already", house.Chat.Replies[1].Message.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_password_to_be_shown_has_its_window_before_anything_is_made()
    {
        await using var house = await SlackHouse.OpenAsync();
        var grant = Some.Allowed(house.Clock.GetUtcNow());
        Assert.Null(grant.AwaitReveal(TimeSpan.FromHours(1), house.Clock.GetUtcNow()).Refusal);
        await house.Store.AddAsync(grant, TestContext.Current.CancellationToken);

        await PressAsync(house, "reveal_password", grant.Id);

        Assert.Contains("is being made", FakeChat.Words(new ChatMessage("", Assert.Single(house.Forms.Opened).Intro)), StringComparison.Ordinal);
        Assert.Equal(new PasswordAsk(house.Clock.GetUtcNow(), "V0WINDOW1"), house.Store.Stored.Single().Password);
        Assert.Equal([grant.Id], house.Dispatcher.Dispatched);
        Assert.Empty(house.Chat.Replies);
    }

    [Fact]
    public async Task Too_late_it_is_said_that_no_password_works_any_more()
    {
        await using var house = await SlackHouse.OpenAsync();
        var id = await LiveAsync(house);
        house.Clock.Advance(TimeSpan.FromHours(1));
        var late = house.Clock.GetUtcNow().ToUnixTimeSeconds();

        using var answer = await house.Client.SendAsync(SlackHouse.Request(
            "/slack/interactivity", System.Text.Encoding.UTF8.GetBytes("payload=" + Uri.EscapeDataString(Click("reveal_password", id.ToString(), "1"))), "application/x-www-form-urlencoded", late));
        await house.IdleAsync();

        Assert.Contains("no password of it works any more", Assert.Single(house.Chat.Replies).Message.Summary, StringComparison.Ordinal);
        Assert.Empty(house.Forms.Opened);
    }

    private static string First(ChatForm form) => ((ChatPart.Text)form.Outro[0]).Words;

    private static async Task ChooseAsync(SlackHouse house, GrantId id, string way)
    {
        using var answer = await house.PayloadAsync(Window("block_actions", id, way));
        await house.IdleAsync();
    }

    private static string Window(string type, GrantId id, string way) => JsonSerializer.Serialize(new
    {
        type, user = new { id = "U0ENGINE1", team_id = "T0DBACME1" }, api_app_id = "A0DBACCS1", team = new { id = "T0DBACME1" }, trigger_id = "9002.2001.bbbb0009",
        container = new { type = "view", view_id = "V0WINDOW1" },
        actions = new[] { new { action_id = "value", block_id = "way", type = "static_select", action_ts = "1767225599.5" } },
        view = new
        {
            id = "V0WINDOW1", hash = "h1", callback_id = "connect", private_metadata = id.ToString(),
            state = new { values = new { way = new { value = new { type = "static_select", selected_option = new { value = way } } } } },
        },
    });

    private static async Task<GrantId> LiveAsync(SlackHouse house, PrincipalId? holder = null)
    {
        var grant = Some.Active(house.Clock.GetUtcNow(), requester: holder);
        await house.Store.AddAsync(new Grant(grant.State with { Door = new Door("db.example", 5432, "verify-full") }), TestContext.Current.CancellationToken);
        return grant.Id;
    }

    private static async Task PressAsync(SlackHouse house, string action, GrantId id, string at = "1767225599.123456")
    {
        using var answer = await house.PayloadAsync(Click(action, id.ToString(), at));
        await house.IdleAsync();
    }

    private static string Click(string action, string value, string at) =>
        $$"""{"type":"block_actions","user":{"id":"U0ENGINE1","team_id":"T0DBACME1"},"api_app_id":"A0DBACCS1","container":{"type":"message","message_ts":"1767225500.000700","channel_id":"D0ENGDM01"},"trigger_id":"9002.2001.bbbb0001","team":{"id":"T0DBACME1"},"response_url":"https://hooks.slack.com/actions/T0DBACME1/9002/respBBB1","actions":[{"action_id":"{{action}}","value":{{JsonSerializer.Serialize(value)}},"type":"button","action_ts":"{{at}}"}]}""";
}
