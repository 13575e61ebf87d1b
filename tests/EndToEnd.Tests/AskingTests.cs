using System.Text.Json.Nodes;
using DbAccess.TestKit;

namespace DbAccess.EndToEnd.Tests;

/// <summary>What people type, fill in and press, well or badly; who is refused; what comes twice.</summary>
public sealed class AskingTests(OpenHouse house) : IClassFixture<OpenHouse>
{
    private DemoSystem It
    {
        get
        {
            House.RequirePostgres();
            return house.Running;
        }
    }

    [Theory]
    [InlineData("wombat read 10s because refused1", "I know no database or scope called \"wombat\"", "archive, orders")]
    [InlineData("orders obliterate 10s because refused2", "I know no scope called \"obliterate\"", "read, peek, fix-orders")]
    [InlineData("orders read 5x because refused3", "\"5x\" is not a length", "45s, 30m, 2h")]
    [InlineData("orders read 2w because refused4", "\"2w\" is not a length", "1d")]
    [InlineData("orders read 0s because refused5", "\"0s\" is not a length", "45s")]
    [InlineData("orders read -5m because refused6", "\"-5m\" is not a length", "45s")]
    [InlineData("orders read forever because refused7", "Access always ends", "30m, 2h or 1d")]
    [InlineData("orders read 5h because refused8", "The longest for read on orders is 4h (rule all-read)", "Ask for 4h or less")]
    [InlineData("orders read 400d because refused9", "\"400d\" is not a length", "45s")]
    [InlineData("archive peek 10s because refused11", "peek is not offered on archive", "read")]
    [InlineData("extend K7Q3-MD 1h refused12", "There is no grant K7Q3-MD", "mine")]
    public async Task What_cannot_be_given_is_refused_with_what_to_do_next(string text, string why, string next)
    {
        var words = await It.SayAsync(SlackUser.Erin, text, why[..Math.Min(why.Length, 12)].Trim('"', '`'));

        Assert.Contains(why, words, StringComparison.Ordinal);
        Assert.Contains(next, words, StringComparison.Ordinal);
        Assert.Equal(0, await It.GrantsAboutAsync(text.Split(' ')[^1]));
    }

    [Fact]
    public async Task A_near_miss_is_answered_with_a_question_and_its_button_files_what_was_meant()
    {
        var question = await It.SayForMessageAsync(SlackUser.Erin, "ordrs read 20s because nearmiss", "Did you mean");
        Assert.Equal(0, await It.GrantsAboutAsync("nearmiss"));
        var before = await It.NowAsync(SlackUser.Erin);

        await It.Users.PressAsync(SlackUser.Erin, question, "file_request");

        var id = Deeds.IdIn(SlackUser.Words(await It.HearAsync(SlackUser.Erin, "is allowed", before)));
        var (credential, _) = await It.CredentialAsync(SlackUser.Erin, id);
        Assert.True(await It.CanLogInAsync(credential));
        await It.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
    }

    [Fact]
    public async Task A_message_that_misses_something_is_answered_with_a_button_that_opens_the_form_filled_in()
    {
        await It.CloseFormsAsync(SlackUser.Sam);
        var before = await It.NowAsync(SlackUser.Sam);
        await It.Users.WriteAsync(SlackUser.Sam, "create-db-user archive read");
        var answer = await It.HearAsync(SlackUser.Sam, "Still needed: how long, the reason", before);

        await It.Users.PressAsync(SlackUser.Sam, answer, "open_form");

        var form = await It.FormAsync(SlackUser.Sam);
        Assert.Equal("archive", (string?)Deeds.Field(form, "database")["element"]!["initial_option"]!["value"]);
        Assert.Equal("read", (string?)Deeds.Field(form, "scope")["element"]!["initial_option"]!["value"]);
        await It.CloseFormsAsync(SlackUser.Sam);
    }

    [Fact]
    public async Task The_form_shows_mistakes_beside_their_fields_and_files_what_is_right()
    {
        await It.CloseFormsAsync(SlackUser.Erin);
        await It.Users.CommandAsync(SlackUser.Erin, "");
        var form = await It.FormAsync(SlackUser.Erin);
        var view = (string)form["id"]!;

        var bad = await It.Users.SubmitAsync(view, ("database", "archive"), ("scope", "read"), ("duration", "soon"), ("reason", "form wants a length"));
        Assert.Equal("errors", (string?)bad["outcome"]);
        Assert.Contains("Not a length", (string?)bad["errors"]!["duration"], StringComparison.Ordinal);
        Assert.Single(bad["errors"]!.AsObject());

        var tooLong = await It.Users.SubmitAsync(view, ("database", "archive"), ("scope", "read"), ("duration", "5h"), ("reason", "form is too long"));
        Assert.Contains("The longest", (string?)tooLong["errors"]!["duration"], StringComparison.Ordinal);

        var blank = await It.Users.SubmitAsync(view, ("database", "archive"), ("scope", "read"), ("duration", "5s"), ("reason", "   "));
        Assert.Contains("Say why", (string?)blank["errors"]!["reason"], StringComparison.Ordinal);
        Assert.Equal(0, await It.GrantsAboutAsync("form "));

        var before = await It.NowAsync(SlackUser.Erin);
        var good = await It.Users.SubmitAsync(view, ("database", "archive"), ("scope", "read"), ("duration", "20s"), ("reason", "form is right"));
        Assert.Equal("closed", (string?)good["outcome"]);
        var id = Deeds.IdIn(SlackUser.Words(await It.HearAsync(SlackUser.Erin, "is allowed", before)));
        var (credential, _) = await It.CredentialAsync(SlackUser.Erin, id);
        Assert.Equal("archive", credential.Database);
        Assert.True(await It.CanLogInAsync(credential));
        await It.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
    }

    [Fact]
    public async Task Another_database_in_the_form_brings_its_own_scopes()
    {
        await It.CloseFormsAsync(SlackUser.Dana);
        await It.Users.CommandAsync(SlackUser.Dana, "orders");
        var form = await It.FormAsync(SlackUser.Dana);
        Assert.Equal(["read", "peek", "fix-orders"], Deeds.OptionsOf(form, "scope"));

        await It.Users.PostAsync("action", new { user = SlackUser.Dana, view_id = (string)form["id"]!, action_id = "value", block_id = "database", value = "archive", values = new { database = new { value = "archive" } } });

        var redrawn = await It.FormAsync(SlackUser.Dana, view => Deeds.OptionsOf(view, "scope").Count == 1);
        Assert.Equal(["read"], Deeds.OptionsOf(redrawn, "scope"));
        await It.CloseFormsAsync(SlackUser.Dana);
    }

    public static TheoryData<string, string> Reasons => new()
    {
        { "long", new string('x', 2950) + " longreason" },
        { "lines", "linesreason\nsecond line\r\n\tthird line\n\n\nlast" },
        { "markup", "markupreason *bold* _it_ `code` ```pre``` > quote <b>html</b> & http://x.example/a and '; DROP TABLE grants; -- ${{7*7}}" },
        { "mentions", "mentionsreason <!channel> <!here> <@U0DBA0001> @channel <#C0GENERAL|general>" },
        { "scripts", "scriptsreason 注文が止まった Заказы застряли الطلبات عالقة 🧯👩‍🚒 e\u0301 \u202Egnp.exe" },
    };

    [Theory]
    [MemberData(nameof(Reasons))]
    public async Task A_reason_of_any_kind_is_kept_and_does_no_harm(string word, string reason)
    {
        var id = await It.AskAsync(SlackUser.Emo, $"orders read 30s because {reason}");
        await It.CredentialAsync(SlackUser.Emo, id);

        Assert.Equal(1, await It.GrantsAboutAsync($"{word}reason"));
        var kept = JsonNode.Parse((await It.AskStoreAsync("SELECT document FROM grants WHERE document LIKE '%' || $value || '%'", id)).Single())!;
        Assert.Equal(reason, (string?)Find(kept, "reason"));
        await It.SayAsync(SlackUser.Dana, "list", "Live grants");
        await It.SayAsync(SlackUser.Emo, $"done {id}", "access ends now");
        await It.HearAsync(SlackUser.Emo, $"you gave it back ({id})");
        foreach (var message in await It.Users.MessagesAsync(SlackUser.Emo))
        {
            Assert.DoesNotContain("<!channel>", message.ToJsonString(), StringComparison.Ordinal);
            Assert.DoesNotContain("<!here>", message.ToJsonString(), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_reason_that_is_too_long_is_refused_in_plain_words()
    {
        var words = await It.SayAsync(SlackUser.Erin, $"orders read 10s because {new string('y', 3001)}", "The reason is longer");

        Assert.Contains("longer than 3000 characters", words, StringComparison.Ordinal);
        Assert.Equal(0, await It.GrantsAboutAsync(new string('y', 100)));
    }

    [Fact]
    public async Task A_name_of_emoji_and_quotes_gets_access_like_any_other()
    {
        var id = await It.AskAsync(SlackUser.Emo, "orders read 30s because of my name");

        var (credential, _) = await It.CredentialAsync(SlackUser.Emo, id);
        Assert.True(await It.CanLogInAsync(credential));
        await It.HearAsync(SlackUser.Emo, $"its time was over ({id})");
        Assert.False(await It.CanLogInAsync(credential));
    }

    [Theory]
    [InlineData(SlackUser.Gustav, "Guests of this workspace cannot")]
    [InlineData(SlackUser.Derek, "deactivated")]
    [InlineData(SlackUser.Mallory, "another workspace")]
    public async Task Guests_outsiders_and_the_departed_get_nothing(string user, string why)
    {
        var answer = await It.Users.CommandAsync(user, $"orders read 10s because outsider{user}");

        Assert.Equal(200, (int?)answer["status"]);
        await It.HearAsync(user, why);
        Assert.Equal(0, await It.GrantsAboutAsync($"outsider{user}"));
    }

    [Fact]
    public async Task A_forged_team_does_not_make_a_member_of_an_outsider()
    {
        var trigger = Guid.NewGuid().ToString("n");

        // As a shared channel or a leaked secret might have it: our team's id, the other team's person.
        var answer = await DeliverCommandAsync(SlackUser.Mallory, "orders read 10s because forgedteam", trigger);

        Assert.Equal(200, (int?)answer["status"]);
        await Patience.UntilAsync(async () => (await It.AskStoreAsync("SELECT key FROM inbox WHERE finished_at IS NULL")).Count == 0, "the request was handled");
        Assert.Equal(0, await It.GrantsAboutAsync("forgedteam"));
    }

    [Fact]
    public async Task The_same_request_however_often_it_comes_makes_one_grant()
    {
        var written = await It.Users.PostAsync("message", new { user = SlackUser.Erin, text = "create-db-user orders read 10s because doubleevent", repeat = 4 });
        var delivery = written["deliveries"]!.AsArray()[0]!;
        // The same message under a new event id, as Slack sends it when a retry takes another path.
        await It.Users.PostAsync("message", new { user = SlackUser.Erin, text = "create-db-user orders read 10s because doubleevent", ts = (string)delivery["ts"]!, channel = (string)delivery["channel"]! });

        var trigger = Guid.NewGuid().ToString("n");
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => DeliverCommandAsync(SlackUser.Erin, "orders read 10s because doubletrigger", trigger)));

        await Patience.UntilAsync(async () => await It.GrantsAboutAsync("doubleevent") > 0 && await It.GrantsAboutAsync("doubletrigger") > 0, "both are filed");
        await Patience.UntilAsync(async () => (await It.AskStoreAsync("SELECT key FROM inbox WHERE finished_at IS NULL")).Count == 0, "every copy was handled");
        Assert.Equal(1, await It.GrantsAboutAsync("doubleevent"));
        Assert.Equal(1, await It.GrantsAboutAsync("doubletrigger"));
    }

    [Fact]
    public async Task Help_says_what_one_can_ask_for()
    {
        var help = await It.SayAsync(SlackUser.Erin, "help", "You can ask for");

        Assert.Contains("orders: read (up to 4h)", help, StringComparison.Ordinal);
        Assert.Contains("/db-access revoke", help, StringComparison.Ordinal);
    }

    private Task<JsonObject> DeliverCommandAsync(string user, string text, string trigger)
    {
        (string Name, string Value)[] fields =
        [
            ("team_id", "T0DBACME1"), ("api_app_id", "A0DBACCS1"), ("user_id", user), ("command", "/db-access"), ("text", text), ("trigger_id", trigger),
            ("channel_id", "D" + user[1..]),
        ];
        var body = string.Join('&', fields.Select(field => $"{field.Name}={Uri.EscapeDataString(field.Value)}"));
        return It.Users.PostAsync("deliver", new { path = "/slack/commands", body });
    }

    private static JsonNode? Find(JsonNode node, string name) => node is JsonObject json
        ? json[name] ?? json.Select(field => field.Value is null ? null : Find(field.Value, name)).FirstOrDefault(found => found is not null)
        : null;
}
