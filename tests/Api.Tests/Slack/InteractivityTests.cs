using System.Net;
using System.Text.Json;
using DbAccess.Api.Slack;
using DbAccess.Api.Slack.Desk;
using DbAccess.Api.Slack.Payloads;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Api.Tests.Slack;

public sealed class InteractivityTests
{
    private static readonly string[] AllFields = ["duration", "reason", "scope"];

    [Fact]
    public async Task A_form_submitted_twice_is_one_grant_and_closes_with_an_empty_answer()
    {
        await using var house = await SlackHouse.OpenAsync();

        foreach (var hash in (string[])["1767225590.ab12cd34", "1767225592.ef56ab78"])
        {
            using var answer = await house.PayloadAsync(Submission(hash: hash));
            Assert.Equal((HttpStatusCode.OK, ""), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        }

        await house.IdleAsync();
        Assert.Equal("INC-4711 stuck orders", Assert.Single(house.Store.Stored).Reason);
        Assert.Equal("C0GENERAL", Assert.Single(house.Chat.Replies).To.Channel);
    }

    [Theory]
    [InlineData("orders", "read", "9h", "INC-4711 stuck orders", "duration")]
    [InlineData("orders", "read", "soon", "INC-4711 stuck orders", "duration")]
    [InlineData("orders", "read", "30m", "x", "reason")]
    [InlineData("orders", "read", "30m", "   ", "reason")]
    [InlineData("orders", "superuser", "30m", "INC-4711 stuck orders", "scope")]
    [InlineData("orders", "migrate", "30m", "INC-4711 stuck orders", "scope")]
    [InlineData("payroll", "read", "30m", "INC-4711 stuck orders", "database")]
    [InlineData("'; DROP", "read", "30m", "INC-4711 stuck orders", "database")]
    public async Task A_mistake_or_a_forged_choice_is_shown_beside_its_field(string database, string scope, string length, string reason, string field)
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.PayloadAsync(Submission(database, scope, length, reason));

        var said = SlackHouse.Json(await answer.Content.ReadAsStringAsync());
        Assert.Equal("errors", said.GetProperty("response_action").GetString());
        Assert.Equal(field, Assert.Single(said.GetProperty("errors").EnumerateObject()).Name);
        Assert.Equal(0, house.Slow.Begun);
    }

    [Theory]
    [InlineData("""{"type":"view_submission","team":{"id":"T0DBACME1"},"user":{"id":"U0ENGINE1","team_id":"T0DBACME1"},"view":{"id":"V1","callback_id":"request_grant"}}""")]
    [InlineData("""{"type":"view_submission","team":{"id":"T0DBACME1"},"user":{"id":"U0ENGINE1","team_id":"T0DBACME1"},"view":{"id":"V1","callback_id":"request_grant","state":{"values":[]}}}""")]
    [InlineData("""{"type":"view_submission","team":{"id":"T0DBACME1"},"user":{"id":"U0ENGINE1","team_id":"T0DBACME1"},"view":{"id":"V1","callback_id":"request_grant","state":{"values":{"reason":{"value":{"value":"\ud800"}},"database":{"value":{"selected_option":null}}}}}}""")]
    public async Task A_form_without_its_fields_is_all_mistakes(string json)
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.PayloadAsync(json);

        var errors = SlackHouse.Json(await answer.Content.ReadAsStringAsync()).GetProperty("errors").EnumerateObject().Select(error => error.Name);
        Assert.Equal(["database", .. AllFields], errors.Order());
    }

    [Fact]
    public async Task A_form_of_another_version_says_that_nothing_was_requested()
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.PayloadAsync(Submission().Replace("request_grant", "dba_request_v0", StringComparison.Ordinal));

        var said = SlackHouse.Json(await answer.Content.ReadAsStringAsync());
        Assert.Equal("update", said.GetProperty("response_action").GetString());
        Assert.Contains("Nothing was requested", said.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task When_the_store_is_down_the_form_stays_open_and_says_so()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Inbox.FailNext(new IOException("The disk is full."));

        using var first = await house.PayloadAsync(Submission());
        Assert.Contains("nothing was requested", await first.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        using var second = await house.PayloadAsync(Submission());
        Assert.Equal("", await second.Content.ReadAsStringAsync());
        await house.IdleAsync();
        Assert.Single(house.Store.Stored);
    }

    [Fact]
    public async Task A_slow_directory_does_not_hold_up_the_answer_and_the_work_goes_on_behind()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Directory.Hangs = true;
        var submitted = house.PayloadAsync(Submission());
        await house.UntilAsync(() => house.Directory.Asked == 1, "the directory is asked");
        house.Directory.Hangs = false;
        house.Clock.Advance(TimeSpan.FromSeconds(0.9));

        using var answer = await submitted.WaitAsync(Patience.Limit);
        await house.IdleAsync();

        Assert.Equal("", await answer.Content.ReadAsStringAsync());
        Assert.Single(house.Store.Stored);
    }

    [Fact]
    public async Task A_directory_and_a_store_that_both_hang_leave_an_answer_within_two_and_a_half_seconds()
    {
        await using var house = await SlackHouse.OpenAsync();
        (house.Directory.Hangs, house.Slow.Hangs) = (true, true);
        var submitted = house.PayloadAsync(Submission());
        await house.UntilAsync(() => house.Directory.Asked == 1, "the directory is asked");
        house.Clock.Advance(TimeSpan.FromSeconds(1));
        await house.UntilAsync(() => house.Slow.Begun == 1, "the store is asked");
        house.Clock.Advance(TimeSpan.FromSeconds(1.5));

        using var answer = await submitted.WaitAsync(Patience.Limit);
        Assert.Contains("errors", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_directory_that_breaks_is_no_fault_of_the_form()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.People.Fault = new HttpRequestException("The connection was cut.");

        using var answer = await house.PayloadAsync(Submission());
        house.People.Fault = null;
        await house.UntilAsync(() => house.Store.Stored.Count == 1, "the request is filed behind", advance: true);

        Assert.Equal((HttpStatusCode.OK, ""), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task A_button_that_nobody_knows_any_more_is_answered_with_words()
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.PayloadAsync(Click("dba_legacy_grant", "req_99ADMIN:1;role=superuser"));
        await house.IdleAsync();

        Assert.Equal((HttpStatusCode.OK, ""), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        Assert.Contains("older version", Assert.Single(house.Chat.Replies).Message.Summary, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("return_grant", "' OR 1=1")]
    [InlineData("file_request", "{}")]
    [InlineData("file_request", "[]")]
    [InlineData("file_request", "null")]
    [InlineData("file_request", """{"database":"orders","scope":"migrate","duration":"30m","reason":"INC-4711"}""")]
    [InlineData("file_request", """{"database":"orders","scope":"read","duration":"9999d","reason":"INC-4711"}""")]
    [InlineData("open_form", "nonsense")]
    public async Task A_forged_value_gives_nothing(string action, string value)
    {
        await using var house = await SlackHouse.OpenAsync();

        using var answer = await house.PayloadAsync(Click(action, value));
        await house.IdleAsync();

        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Empty(house.Store.Stored);
        Assert.Single(house.Chat.Replies);
    }

    [Fact]
    public async Task Yes_ask_for_that_files_what_was_meant_once()
    {
        await using var house = await SlackHouse.OpenAsync();
        await house.CommandAsync("ordrs read 30m because INC-4711");
        await house.IdleAsync();
        var button = house.Chat.Replies[0].Message.Parts.OfType<Application.Ports.ChatPart.Buttons>().Single().Items.Single();

        await house.PayloadAsync(Click(button.Action, button.Value));
        await house.PayloadAsync(Click(button.Action, button.Value));
        await house.IdleAsync();

        Assert.Equal("INC-4711", Assert.Single(house.Store.Stored).Reason);
    }

    [Fact]
    public async Task Somebody_elses_button_and_another_apps_is_none_of_our_business()
    {
        await using var house = await SlackHouse.OpenAsync();
        var click = Click("open_form", "{}");

        foreach (var foreign in (string[])
        [
            click.Replace("\"team_id\":\"T0DBACME1\"", "\"team_id\":\"T0OTHER01\"", StringComparison.Ordinal),
            click.Replace("\"team\":{\"id\":\"T0DBACME1\"}", "\"team\":{\"id\":\"T0OTHER01\"}", StringComparison.Ordinal),
            click.Replace("\"team\":{\"id\":\"T0DBACME1\"}", "\"team\":null", StringComparison.Ordinal),
            click.Replace("A0DBACCS1", "A0OTHERAP", StringComparison.Ordinal),
            click.Replace("U0ENGINE1", "nobody", StringComparison.Ordinal),
            click.Replace("block_actions", "shortcut", StringComparison.Ordinal),
            click.Replace("block_actions", "view_closed", StringComparison.Ordinal),
            click.Replace("\"actions\":[{", "\"actions\":[],\"was\":[{", StringComparison.Ordinal),
        ])
        {
            Assert.NotEqual(click, foreign);
            using var answer = await house.PayloadAsync(foreign);
            Assert.Equal((HttpStatusCode.OK, ""), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        }

        Assert.Equal((0, 0, 0), (house.Slow.Begun, house.Chat.Calls, house.Directory.Asked));
    }

    [Fact]
    public async Task Choosing_another_database_draws_the_form_again()
    {
        await using var house = await SlackHouse.OpenAsync();

        await house.PayloadAsync(Submission().Replace("view_submission", "block_actions", StringComparison.Ordinal).Replace("\"view\":", "\"actions\":[{\"action_id\":\"value\"}],\"view\":", StringComparison.Ordinal));
        await house.UntilAsync(() => house.Forms.Redrawn.Count == 1, "the form is drawn again");

        Assert.Equal(("V0DBVIEW01", "1767225590.ab12cd34"), (house.Forms.Redrawn[0].View, house.Forms.Redrawn[0].Hash));
    }

    [Fact]
    public async Task Who_chooses_without_end_keeps_nobody_else_waiting()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Directory.Hangs = true;
        var choose = Submission().Replace("view_submission", "block_actions", StringComparison.Ordinal).Replace("\"view\":", "\"actions\":[{\"action_id\":\"value\"}],\"view\":", StringComparison.Ordinal);
        for (var i = 0; i < 40; i++) (await house.PayloadAsync(choose)).Dispose();

        // Asks nothing that hangs.
        using var answer = await house.CommandAsync("mine", user: "U0ENGINE2");

        await house.UntilAsync(() => house.Chat.Calls > 0, "somebody else is answered");
    }

    [Theory]
    [InlineData("database", "ord", "U0ENGINE1", """{"options":[{"text":{"type":"plain_text","text":"orders","emoji":false},"value":"orders"}]}""")]
    [InlineData("database", "\\ud800", "U0ENGINE1", """{"options":[{"text":{"type":"plain_text","text":"orders","emoji":false},"value":"orders"}]}""")]
    [InlineData("database", "billing", "U0ENGINE1", """{"options":[]}""")]
    [InlineData("scope", "re", "U0ENGINE1", """{"options":[]}""")]
    [InlineData("database", "ord", "U0GUEST01", """{"options":[]}""")]
    public async Task A_search_is_answered_with_what_this_person_may_ask_for(string field, string typed, string user, string expected)
    {
        await using var house = await SlackHouse.OpenAsync();
        house.People.Refuses(Some.Person("U0GUEST01"));

        using var answer = await house.PayloadAsync(Search(field, typed, user));

        Assert.Equal((HttpStatusCode.OK, expected), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
        Assert.Equal("application/json", answer.Content.Headers.ContentType?.MediaType);
        Assert.Equal(0, house.Slow.Begun);
    }

    [Theory]
    [InlineData("read", "it", """{"options":[{"text":{"type":"plain_text","text":"public.items","emoji":false},"value":"public.items"}]}""")]
    [InlineData("read", "payment", """{"options":[]}""")]
    [InlineData("migrate", "it", """{"options":[{"text":{"type":"plain_text","text":"it","emoji":false},"value":"it"}]}""")]
    [InlineData("nothing", "it", """{"options":[{"text":{"type":"plain_text","text":"it","emoji":false},"value":"it"}]}""")]
    public async Task Tables_are_searched_on_the_live_database_and_only_those_of_what_this_person_may_ask_for(string scope, string typed, string expected)
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Inventory.Tables = [new("public", "orders"), new("public", "items"), new("internal", "payment_tokens")];

        using var answer = await house.PayloadAsync(Search("only", typed).Replace(
            "\"callback_id\":\"request_grant\"", $"\"callback_id\":\"request_grant\",\"private_metadata\":\"C1\\norders\\n{scope}\"", StringComparison.Ordinal));

        Assert.Equal(expected, await answer.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_database_that_does_not_answer_in_time_keeps_nobody_from_naming_a_table()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.Inventory.BeforeTables = token => Task.Delay(Timeout.Infinite, token);

        var asked = house.PayloadAsync(Search("only", "public.orders").Replace(
            "\"callback_id\":\"request_grant\"", "\"callback_id\":\"request_grant\",\"private_metadata\":\"C1\\norders\\nread\"", StringComparison.Ordinal));
        await house.UntilAsync(() => asked.IsCompleted, "it is answered", advance: true);

        Assert.Contains("public.orders", await (await asked).Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_search_that_fails_finds_nothing()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.People.Fault = new InvalidOperationException("MARKER");

        using var answer = await house.PayloadAsync(Search("database", "ord"));

        Assert.Equal((HttpStatusCode.OK, """{"options":[]}"""), (answer.StatusCode, await answer.Content.ReadAsStringAsync()));
    }

    [Fact]
    public void Several_that_were_picked_are_read_as_they_would_be_typed()
    {
        var view = SlackView.Read(SlackHouse.Json(
            """{"view":{"callback_id":"request_grant","state":{"values":{"only":{"value":{"type":"multi_external_select","selected_options":[{"value":"public.orders"},7,{"value":"public.items"}]}}}}}}"""), FormFields.All)!;

        Assert.Equal("public.orders, public.items", RequestForm.Filled(view).Only);
    }

    private static string Search(string field, string typed, string user = "U0ENGINE1") =>
        $$$"""{"type":"block_suggestion","user":{"id":"{{{user}}}","team_id":"T0DBACME1"},"container":{"type":"view","view_id":"V0DBVIEW01"},"api_app_id":"A0DBACCS1","action_id":"value","block_id":"{{{field}}}","value":"{{{typed}}}","team":{"id":"T0DBACME1"},"view":{"id":"V0DBVIEW01","callback_id":"request_grant"} }""";

    internal static string Submission(string database = "orders", string scope = "read", string length = "30m", string reason = "INC-4711 stuck orders", string hash = "1767225590.ab12cd34") =>
        """{"type":"view_submission","team":{"id":"T0DBACME1","domain":"acme"},"user":{"id":"U0ENGINE1","team_id":"T0DBACME1"},"api_app_id":"A0DBACCS1","trigger_id":"9003.3001.cccc0001","view":{"id":"V0DBVIEW01","team_id":"T0DBACME1","type":"modal","private_metadata":"C0GENERAL","callback_id":"@kind","hash":"@hash","state":{"values":{"database":{"value":{"type":"static_select","selected_option":{"value":@database}}},"scope":{"value":{"type":"static_select","selected_option":{"value":"@scope"}}},"duration":{"value":{"type":"plain_text_input","value":"@length"}},"reason":{"value":{"type":"plain_text_input","value":"@reason"}}}}}}"""
            .Replace("@kind", RequestForm.Kind, StringComparison.Ordinal).Replace("@hash", hash, StringComparison.Ordinal).Replace("@database", JsonSerializer.Serialize(database), StringComparison.Ordinal)
            .Replace("@scope", scope, StringComparison.Ordinal).Replace("@length", length, StringComparison.Ordinal).Replace("@reason", reason, StringComparison.Ordinal);

    internal static string Click(string action, string value) =>
        $$"""{"type":"block_actions","user":{"id":"U0ENGINE1","team_id":"T0DBACME1"},"api_app_id":"A0DBACCS1","container":{"type":"message","message_ts":"1767225500.000700","channel_id":"C0GENERAL"},"trigger_id":"9002.2001.bbbb0001","team":{"id":"T0DBACME1"},"response_url":"https://hooks.slack.com/actions/T0DBACME1/9002/respBBB1","actions":[{"action_id":"{{action}}","value":{{JsonSerializer.Serialize(value)}},"type":"button","action_ts":"1767225599.123456"}]}""";
}
