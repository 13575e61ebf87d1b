using System.Text.RegularExpressions;
using DbAccess.TestKit;
using Microsoft.Playwright;
using Npgsql;

using static Microsoft.Playwright.Assertions;

namespace DbAccess.EndToEnd.Tests;

/// <summary>A policy in which people decide: alone, in two stages, and afterwards.</summary>
public sealed class PeopleHouse : House
{
    protected override IReadOnlyDictionary<string, string> Settings { get; } =
        new Dictionary<string, string>(Busy, StringComparer.Ordinal) { ["Slack:NowChannel"] = "C0PRODNOW" };

    protected override string Policy => """
        version: 1
        clusters:
          orders-prod: { }
        databases:
          orders: { cluster: orders-prod, database: orders, scopes: [read, read-all, fix-orders], tags: {env: prod} }
        scopes:
          read:
            description: Look at orders
            privileges: [{ on: "table public.orders", allow: [select] }]
          read-all:
            description: Read every table
            privileges: [{ on: "tables in schema public", allow: [select] }]
          fix-orders:
            description: Correct an order's status
            privileges: [{ on: "table public.orders", columns: [status, updated_at], allow: [update] }]
        groups:
          dba: { users: [U0DBA0001, U0DBA0002] }
          security: { users: [U0SECUR01, U0SECUR02] }
        admins: [dba]
        allow:
          - { id: all-read, who: [everyone], databases: ["*"], scopes: [read], lifetime: {default: 30m, max: 4h, extend: {times: 2, by: 30m}}, approval: none }
          - id: see-all
            who: [everyone]
            databases: [orders]
            scopes: [read-all]
            lifetime: {default: 30m, max: 2h, extend: {times: 1, by: 30m}}
            approval: {stages: [{any: 1, of: dba}], lapse: 1h, channel: C0APPROVE}
          - id: prod-fix
            who: [everyone]
            databases: ["tag:env=prod"]
            scopes: [fix-orders]
            lifetime: {default: 30m, max: 2h}
            approval: {stages: [{any: 1, of: dba}, {any: 1, of: security}], lapse: 1h, channel: C0APPROVE}
          - id: emergency
            who: [everyone]
            databases: ["*"]
            scopes: [fix-orders]
            lifetime: {default: 30m, max: 1h}
            break_glass: {tell: C0SECURITY, review: {any: 1, of: security, within: 24h}}

        """;
}

/// <summary>Requester, approvers and administrator side by side in a real browser, each before a page of a phone's width.</summary>
public sealed partial class TogetherTests(PeopleHouse house, Chromium chromium) : IClassFixture<PeopleHouse>, IClassFixture<Chromium>
{
    private DemoSystem It
    {
        get
        {
            House.RequirePostgres();
            return house.Running;
        }
    }

    [Fact]
    public async Task What_a_rule_allows_is_there_at_once_and_stands_on_the_holders_page_and_the_administrators()
    {
        var (page, (erin, dana)) = await TwoAsync("erin", "dana");
        await HomeAsync(erin);
        await HomeAsync(dana);
        await Expect(Home(erin)).ToContainTextAsync("Ask for access");

        await MessagesAsync(erin);
        var id = await AskAsync(erin, "/db-access orders read 42m because INC-4711 stuck orders", "is allowed");
        await ReadAsync(erin, id);

        await Expect(Home(dana)).ToContainTextAsync($"{id} erin, read on orders");
        await HomeAsync(erin);
        await Expect(Home(erin)).ToContainTextAsync($"{id} read on orders");
        await PictureAsync(page, "at-once", "erin");

        await Home(erin).GetByTestId("button-return_grant").ClickAsync();
        await erin.GetByTestId("confirm-ok").ClickAsync();
        await Expect(Home(erin)).ToContainTextAsync("given back");
        await Expect(Home(erin)).Not.ToContainTextAsync("Live now");
    }

    [Fact]
    public async Task Two_stages_are_asked_one_after_the_other_and_the_last_yes_gives_it()
    {
        var (page, (erin, dana, sina)) = await ThreeAsync("erin", "dana", "sina");
        foreach (var approver in (IFrameLocator[])[dana, sina]) await ChannelAsync(approver, "C0APPROVE");
        var id = await AskAsync(erin, "/db-access orders fix-orders 30m because INC-4712 fix the status of order 8841", "waits for 1 of dba, then 1 of security");

        // Not her turn yet; only she is told.
        await PressAsync(Card(sina, id), "approve_grant");
        await Expect(Message(sina, "Not your turn yet")).ToBeVisibleAsync();
        await PressAsync(Card(dana, id), "approve_grant");
        await Expect(Card(sina, id)).ToContainTextAsync("dana agreed");
        await PictureAsync(page, "two-stages", "dana", Card(dana, id).GetByText("erin asks"));
        await PressAsync(Card(sina, id), "approve_grant");

        await Expect(Card(dana, id)).ToContainTextAsync("Approved by dana, sina");
        var credential = await ReadAsync(erin, id);
        Assert.True(await It.CanLogInAsync(credential));
        await PictureAsync(page, "two-stages-given", "erin");
        await It.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
    }

    [Fact]
    public async Task Nobody_approves_their_own()
    {
        var (page, (dana, ali)) = await TwoAsync("dana", "ali");
        await ChannelAsync(ali, "C0APPROVE");
        var id = await AskAsync(dana, "/db-access orders read-all 30m because INC-4713 my own", "waits for 1 of dba");
        await ChannelAsync(dana, "C0APPROVE");

        await PressAsync(Card(dana, id), "approve_grant");

        await Expect(Message(dana, "somebody else has to decide about it")).ToBeVisibleAsync();
        await Expect(Card(ali, id)).ToContainTextAsync("1 of dba");
        await PictureAsync(page, "own-request", "dana");
        await It.SayAsync(SlackUser.Dana, $"cancel {id}", "is cancelled");
        await Expect(Card(ali, id)).ToContainTextAsync("Cancelled by whoever asked");
    }

    [Fact]
    public async Task Less_is_offered_in_a_form_and_taken_with_one_press()
    {
        var (page, (erin, dana)) = await TwoAsync("erin", "dana");
        await ChannelAsync(dana, "C0APPROVE");
        var id = await AskAsync(erin, "/db-access orders read-all 1h because INC-4714 look at everything", "waits for 1 of dba");

        await PressAsync(Card(dana, id), "offer_less");
        await Expect(dana.GetByTestId("field-duration")).ToHaveValueAsync("30m");
        await dana.GetByTestId("field-only").FillAsync("public.orders");
        await PictureAsync(page, "offer-less-form", "dana");
        await dana.GetByTestId("modal-submit").ClickAsync();
        await Expect(Message(erin, $"offers less for {id}")).ToBeVisibleAsync();
        await Expect(Card(dana, id)).ToContainTextAsync("offers less");
        await PictureAsync(page, "offer-less", "erin");
        await PressAsync(Message(erin, $"offers less for {id}"), "accept_offer");

        var credential = await ReadAsync(erin, id);
        await using (var session = new NpgsqlConnection(It.ConnectionStringFor(credential)))
        {
            await session.OpenAsync(TestContext.Current.CancellationToken);
            await using var other = new NpgsqlCommand("SELECT count(*) FROM public.customers", session);
            Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => other.ExecuteScalarAsync(TestContext.Current.CancellationToken))).SqlState);
        }

        await It.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
    }

    [Fact]
    public async Task More_time_is_asked_for_and_given_by_the_same_people()
    {
        var (page, (erin, dana)) = await TwoAsync("erin", "dana");
        await ChannelAsync(dana, "C0APPROVE");
        var id = await AskAsync(erin, "/db-access orders read-all 30m because INC-4715 it takes longer", "waits for 1 of dba");
        await PressAsync(Card(dana, id), "approve_grant");
        await ReadAsync(erin, id);

        await TypeAsync(erin, $"/db-access extend {id}");
        await Expect(Message(erin, "30m more for")).ToBeVisibleAsync();
        await Expect(Card(dana, "asks for 30m more")).ToBeVisibleAsync();
        await HomeAsync(erin);
        await Expect(Home(erin)).ToContainTextAsync("30m more of");
        await PictureAsync(page, "extension", "erin");
        await PressAsync(Card(dana, "asks for 30m more"), "approve_grant");

        await Expect(Home(erin)).ToContainTextAsync("left");
        await Expect(Home(erin)).Not.ToContainTextAsync("30m more of");
        await MessagesAsync(erin);
        await Expect(Message(erin, $"({id}) now ends")).ToBeVisibleAsync();
        await It.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
    }

    [Fact]
    public async Task Everyone_is_out_after_a_typed_word_on_the_administrators_page()
    {
        var (page, (erin, omar, dana)) = await ThreeAsync("erin", "omar", "dana");
        List<DeliveredCredential> credentials = [];
        foreach (var one in (IFrameLocator[])[erin, omar])
            credentials.Add(await ReadAsync(one, await AskAsync(one, "/db-access orders read 30m because INC-4716 everybody works", "is allowed")));
        await HomeAsync(dana);
        await Expect(Home(dana)).ToContainTextAsync("omar, read on orders");

        await PressAsync(Home(dana), "everyone_out");
        await dana.GetByTestId("field-confirm").FillAsync("revoke");
        await dana.GetByTestId("field-reason").FillAsync("the disk is full");
        await PictureAsync(page, "everyone-out", "dana");
        await dana.GetByTestId("modal-submit").ClickAsync();

        foreach (var one in (IFrameLocator[])[erin, omar]) await Expect(Message(one, "the disk is full")).ToBeVisibleAsync();
        await Expect(Home(dana)).ToContainTextAsync("Nobody has access through DbAccess right now");
        Assert.Equal(0, await It.WorkingAsync(credentials));
        await PictureAsync(page, "everyone-out-done", "dana");
    }

    [Fact]
    public async Task Whoever_is_deactivated_is_out_and_what_they_asked_for_is_withdrawn()
    {
        var (page, (omar, dana)) = await TwoAsync("omar", "dana");
        await ChannelAsync(dana, "C0APPROVE");
        var credential = await ReadAsync(omar, await AskAsync(omar, "/db-access orders read 30m because INC-4717 I am leaving", "is allowed"));
        var id = await AskAsync(omar, "/db-access orders read-all 30m because INC-4717 I am leaving", "waits for 1 of dba");
        await Expect(Card(dana, id)).ToBeVisibleAsync();
        try
        {
            await omar.GetByTestId("toggle-deleted").ClickAsync();

            await Expect(Card(dana, id)).ToContainTextAsync("Withdrawn");
            await Patience.UntilAsync(async () => !await It.CanLogInAsync(credential), "the role is gone");
            await PictureAsync(page, "deactivated", "dana");
        }
        finally
        {
            await It.Users.ChangeAsync(SlackUser.Omar, deleted: false);
        }
    }

    [Fact]
    public async Task What_would_give_more_by_now_is_asked_again_with_the_difference_shown()
    {
        var (page, (erin, dana)) = await TwoAsync("erin", "dana");
        await ChannelAsync(dana, "C0APPROVE");
        var id = await AskAsync(erin, "/db-access orders read-all 30m because INC-4718 before it grows", "waits for 1 of dba");
        await Expect(Card(dana, id).GetByTestId("button-approve_grant")).ToBeVisibleAsync();
        await CreateAsync("refunds");
        try
        {
            await PressAsync(Card(dana, id), "approve_grant");
            await Expect(Card(dana, id)).ToContainTextAsync("Since you were asked, this was added: select on table public.refunds");
            await Expect(Message(erin, "those who decide are asked again")).ToBeVisibleAsync();
            await PictureAsync(page, "plan-grew", "dana", Card(dana, id).GetByText("erin asks"));
            await PressAsync(Card(dana, id), "approve_grant");

            await ReadAsync(erin, id);
        }
        finally
        {
            await It.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
            await DropAsync("refunds");
        }
    }

    [Fact]
    public async Task What_is_taken_in_an_emergency_is_there_at_once_and_somebody_says_afterwards_whether_it_was_all_right()
    {
        var (page, (erin, sina)) = await TwoAsync("erin", "sina");
        await ChannelAsync(sina, "C0SECURITY");
        var id = await AskAsync(erin, "/db-access break-glass orders fix-orders 30m because INC-4720 the shop is down", "is allowed");
        Assert.True(await It.CanLogInAsync(await ReadAsync(erin, id)));
        await Expect(Card(sina, "INC-4720")).ToContainTextAsync("erin broke the glass: fix-orders on orders, 30m");
        await PictureAsync(page, "break-glass", "sina");

        await HomeAsync(sina);
        await Expect(Home(sina)).ToContainTextAsync($"{id} erin broke the glass");
        await PictureAsync(page, "break-glass-home", "sina");
        await PressAsync(Home(sina), "review_ok");

        await Expect(Home(sina)).Not.ToContainTextAsync(id);
        await ChannelAsync(sina, "C0SECURITY");
        await Expect(Card(sina, "INC-4720")).ToContainTextAsync("Reviewed by sina: all right");
        await It.SayAsync(SlackUser.Erin, $"done {id}", "access ends now");
    }

    [Fact]
    public async Task The_form_says_what_its_choices_come_to_and_finds_tables_on_the_live_database()
    {
        var (page, (erin, dana)) = await TwoAsync("erin", "dana");
        await TypeAsync(erin, "/db-access");
        await Expect(erin.GetByTestId("modal")).ToContainTextAsync("Now, without approval (rule all-read)");
        await erin.GetByTestId("field-scope").SelectOptionAsync("read-all");
        await Expect(erin.GetByTestId("modal")).ToContainTextAsync("1 of dba will be asked (rule see-all)");
        await Expect(erin.GetByTestId("modal")).ToContainTextAsync("You would get: select on 3 tables, 1 view.");
        await erin.GetByTestId("field-only").FillAsync("cust");
        await erin.GetByTestId("options-only").GetByText("public.customers").ClickAsync();
        await Expect(erin.GetByTestId("modal")).ToContainTextAsync("You would get: select on table public.customers.");
        await erin.GetByTestId("field-reason").FillAsync("INC-4719 one customer only");
        await PictureAsync(page, "form", "erin", erin.GetByTestId("modal").GetByText("from now ends"));
        var id = await NextIdAsync(erin, "read-all, only public.customers, on orders", () => erin.GetByTestId("modal-submit").ClickAsync());
        await HomeAsync(erin);
        await HomeAsync(dana);
        await Expect(Home(dana)).ToContainTextAsync($"{id} erin asks: read-all, only public.customers on orders");
        await Expect(Home(dana).GetByTestId("button-approve_grant").First).ToBeVisibleAsync();
        await PictureAsync(page, "home", "dana");
        await PressAsync(Home(erin), "cancel_grant");
        await Expect(Home(dana)).Not.ToContainTextAsync($"{id} erin asks");
    }

    [Fact]
    public async Task What_is_to_begin_later_is_agreed_to_now_and_waits_for_its_hour()
    {
        var (page, (erin, dana)) = await TwoAsync("erin", "dana");
        await ChannelAsync(dana, "C0APPROVE");
        var id = await AskAsync(erin, "/db-access orders read-all 30m tomorrow 22:00 because INC-4727 the nightly job", "waits for 1 of dba");
        // By the clock of whoever asks it is 22:00; the page shows the reader's own.
        await Expect(Message(erin, id)).ToContainTextAsync("It begins");
        await Expect(Card(dana, id)).ToContainTextAsync("Begins");
        await PressAsync(Card(dana, id), "approve_grant");
        await Expect(Card(dana, id)).ToContainTextAsync("Approved by dana");

        await HomeAsync(erin);
        await Expect(Home(erin)).ToContainTextAsync("approved, begins");
        await PictureAsync(page, "later", "erin");
        Assert.Empty(await It.AskStoreAsync("SELECT role FROM grants WHERE id = $value AND role IS NOT NULL", id));
        await PressAsync(Home(erin), "return_grant");
        await erin.GetByTestId("confirm-ok").ClickAsync();
        await Expect(Home(erin)).Not.ToContainTextAsync("approved, begins");
    }

    [Fact]
    public async Task What_is_asked_for_somebody_else_comes_to_them_and_neither_of_the_two_decides()
    {
        var (page, (erin, omar, dana)) = await ThreeAsync("erin", "omar", "dana");
        await ChannelAsync(dana, "C0APPROVE");
        var id = await AskAsync(erin, "/db-access orders read-all 30m for @omar because INC-4728 he is on the train", "waits for 1 of dba");
        await Expect(Card(dana, id)).ToContainTextAsync("omar");
        await Expect(Card(dana, id)).ToContainTextAsync("erin");
        await PictureAsync(page, "for-somebody-else", "dana");

        await PressAsync(Card(dana, id), "approve_grant");

        var credential = await ReadAsync(omar, id);
        Assert.True(await It.CanLogInAsync(credential));
        await Expect(erin.GetByText(credential.Password)).ToHaveCountAsync(0);
        await PictureAsync(page, "for-somebody-else-given", "omar");
        await It.SayAsync(SlackUser.Omar, $"done {id}", "access ends now");
    }

    [Fact]
    public async Task Who_has_access_now_stands_in_a_channel_and_what_one_asks_for_often_is_one_press_away()
    {
        var (page, (sam, dana)) = await TwoAsync("sam", "dana");
        await ChannelAsync(dana, "C0PRODNOW");
        var id = await AskAsync(sam, "/db-access orders read 20m because INC-4729 the usual", "is allowed");
        var card = dana.GetByTestId("message").Filter(new() { HasText = "In production now" });
        await Expect(card).ToContainTextAsync($"sam: read on orders ({id})");
        await Expect(card).ToHaveCountAsync(1);
        if (Pictures.Folder is not null)
        {
            // What is open is looked at once a minute: waited for where somebody wants to see it.
            await using var session = new NpgsqlConnection(It.ConnectionStringFor(await ReadAsync(sam, id)));
            await session.OpenAsync(TestContext.Current.CancellationToken);
            await Expect(card).ToContainTextAsync("1 session");
            await PictureAsync(page, "in-production-now", "dana");
        }


        await HomeAsync(sam);
        await PressAsync(Home(sam), "keep_preset");
        await sam.GetByTestId("field-name").FillAsync("the usual");
        await sam.GetByTestId("modal-submit").ClickAsync();
        await Expect(Home(sam)).ToContainTextAsync("the usual: read on orders for 20m");
        await PictureAsync(page, "preset", "sam");
        await It.SayAsync(SlackUser.Sam, $"done {id}", "access ends now");
        await Expect(card).Not.ToContainTextAsync(id);

        await PressAsync(Home(sam), "file_preset");
        await Expect(card).ToContainTextAsync("sam: read on orders");
        await PressAsync(Home(sam), "drop_preset");
        await Expect(Home(sam)).Not.ToContainTextAsync("the usual:");
        await Expect(card).ToHaveCountAsync(1);
        await It.SayAsync(SlackUser.Sam, "done all", "access ends now");
    }

    private Task CreateAsync(string table) => ChangeAsync($"SET ROLE orders_owner; CREATE TABLE public.{table} (id int)");

    private Task DropAsync(string table) => ChangeAsync($"DROP TABLE IF EXISTS public.{table} CASCADE");

    /// <summary>As whoever owns the database's tables would do it.</summary>
    private async Task ChangeAsync(string sql)
    {
        await using var superuser = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(It.Postgres.SuperuserConnectionString) { Database = "orders", Pooling = false }.ConnectionString);
        await superuser.OpenAsync();
        await using var command = new NpgsqlCommand(sql, superuser);
        await command.ExecuteNonQueryAsync();
    }

    private async Task<(IPage Page, (IFrameLocator, IFrameLocator) People)> TwoAsync(string one, string other)
    {
        var (page, people) = await chromium.OpenTogetherAsync(It.Slack.BaseUrl, one, other);
        return (page, (people[one], people[other]));
    }

    private async Task<(IPage Page, (IFrameLocator, IFrameLocator, IFrameLocator) People)> ThreeAsync(string one, string other, string third)
    {
        var (page, people) = await chromium.OpenTogetherAsync(It.Slack.BaseUrl, one, other, third);
        return (page, (people[one], people[other], people[third]));
    }

    private static async Task TypeAsync(IFrameLocator person, string text)
    {
        await person.GetByTestId("composer").FillAsync(text);
        await person.GetByTestId("send").ClickAsync();
    }

    private static Task ChannelAsync(IFrameLocator person, string channel) => person.GetByTestId($"channel-{channel}").ClickAsync();

    private static async Task HomeAsync(IFrameLocator person)
    {
        await person.GetByTestId("channel-app").ClickAsync();
        await person.GetByTestId("tab-home").ClickAsync();
        await Expect(Home(person)).ToBeVisibleAsync();
    }

    private static Task MessagesAsync(IFrameLocator person) => person.GetByTestId("tab-messages").ClickAsync();

    private static ILocator Home(IFrameLocator person) => person.Locator("#home");

    private static ILocator Message(IFrameLocator person, string words) => person.GetByTestId("message").Filter(new() { HasText = words }).Last;

    private static ILocator Card(IFrameLocator person, string words) => person.Locator("[data-testid=message][data-kind=card]").Filter(new() { HasText = words }).Last;

    private static Task PressAsync(ILocator where, string action) => where.GetByTestId($"button-{action}").First.ClickAsync();

    /// <summary>Types it and answers the id in the next new message with these words: earlier ones may stand there still.</summary>
    private static Task<string> AskAsync(IFrameLocator person, string text, string words) => NextIdAsync(person, words, () => TypeAsync(person, text));

    private static async Task<string> NextIdAsync(IFrameLocator person, string words, Func<Task> act)
    {
        var messages = person.GetByTestId("message").Filter(new() { HasText = words });
        var before = await messages.CountAsync();
        await act();
        await Expect(messages).ToHaveCountAsync(before + 1);
        return Id().Match(await messages.Last.InnerTextAsync()).Value;
    }

    private static async Task<DeliveredCredential> ReadAsync(IFrameLocator person, string id)
    {
        var message = person.GetByTestId("message").Filter(new() { HasText = "Password: " }).Filter(new() { HasText = id }).Last;
        await Expect(message).ToBeVisibleAsync();
        return DeliveredCredential.Read(await message.InnerTextAsync()) ?? throw new InvalidOperationException("The message does not show credentials, line by line.");
    }

    /// <summary>
    /// What everybody has before them is all there for a screen reader, too. For the documentation: everybody side by side, and one of them
    /// as on a phone.
    /// </summary>
    private static async Task PictureAsync(IPage page, string name, string phone, ILocator? show = null)
    {
        foreach (var frame in await page.Locator("iframe").AllAsync()) await Spoken.CheckAsync(frame.ContentFrame.Locator("body"));
        if (Environment.GetEnvironmentVariable("DBACCESS_SCREENSHOTS") is not { Length: > 0 } folder) return;

        if (show is not null) await show.ScrollIntoViewIfNeededAsync();
        Directory.CreateDirectory(folder);
        await page.HidePasswordsAsync();
        await page.ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}.png") });
        await page.GetByTestId($"person-{phone}").ScreenshotAsync(new() { Path = Path.Combine(folder, $"{name}-phone.png") });
    }

    [GeneratedRegex("[0-9A-Z]{4}-[0-9A-Z]{2}")]
    private static partial Regex Id();
}
