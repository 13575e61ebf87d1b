using System.Text.Json;
using DbAccess.Api.Slack.Words;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Api.Tests.Slack;

/// <summary>The shortcut on somebody's message: the smallest access for the error in it.</summary>
public sealed class ShortcutTests
{
    [Theory]
    [InlineData("""{"text":"ERROR: permission denied for table orders"}""")]
    [InlineData("""{"text":"because of the deploy orders is broken for 2h, read this:\n```ERROR:  permission denied for table orders```"}""")]
    [InlineData("""{"text":"","bot_id":"B1","attachments":[{"title":"Job failed","text":"STATEMENT","fields":[{"title":"log","value":"FATAL x\nERROR: permission denied for relation orders\nSTATEMENT: SELECT 1"}]}]}""")]
    [InlineData("""{"text":"","blocks":[{"type":"rich_text","elements":[{"type":"rich_text_preformatted","elements":[{"type":"text","text":"psycopg2.errors.InsufficientPrivilege: permission denied for table orders"}]}]}]}""")]
    public async Task The_smallest_access_is_found_wherever_the_error_stands_and_a_press_asks_for_it(string message)
    {
        await using var house = await SlackHouse.OpenAsync();

        await UseAsync(house, message);

        var (to, answer) = Assert.Single(house.Chat.Replies);
        Assert.Equal(SlackHouse.Erin, to.To);
        Assert.Contains("`public.orders` in orders", answer.Summary, StringComparison.Ordinal);
        var draft = DraftJson.Read(answer.Parts.OfType<ChatPart.Buttons>().Single().Items.Single(button => button.Action == "file_request").Value)!;
        Assert.Equal(("orders", "read"), (draft.Database, draft.Scope));
        Assert.Contains("permission denied", draft.Reason, StringComparison.Ordinal);
        Assert.DoesNotContain("STATEMENT", draft.Reason, StringComparison.Ordinal);
        Assert.Empty(house.Store.Stored);
    }

    [Theory]
    [InlineData("""{"text":"lunch?"}""")]
    [InlineData("""{}""")]
    [InlineData("""{"text":5,"blocks":"x","attachments":[[{"text":{"text":[]}}]]}""")]
    public async Task Where_there_is_no_error_it_is_said_with_a_next_press(string message)
    {
        await using var house = await SlackHouse.OpenAsync();

        await UseAsync(house, message);

        var answer = Assert.Single(house.Chat.Replies).Message;
        Assert.Contains("holds no error", answer.Summary, StringComparison.Ordinal);
        Assert.Contains("open_form", FakeChat.Words(answer), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Used_twice_on_one_message_it_is_answered_twice_and_sent_twice_once()
    {
        await using var house = await SlackHouse.OpenAsync();

        await UseAsync(house, """{"text":"lunch?"}""");
        await UseAsync(house, """{"text":"lunch?"}""");
        Assert.Single(house.Chat.Replies);
        await UseAsync(house, """{"text":"lunch?"}""", trigger: "9002.2001.bbbb0002");
        Assert.Equal(2, house.Chat.Replies.Count);
    }

    [Fact]
    public async Task Another_apps_shortcut_and_an_outsiders_are_not_answered()
    {
        await using var house = await SlackHouse.OpenAsync();

        await UseAsync(house, """{"text":"lunch?"}""", callback: "other");
        await UseAsync(house, """{"text":"lunch?"}""", team: "T0OTHER01");

        Assert.Empty(house.Inbox.Stored);
        Assert.Empty(house.Chat.Replies);
    }

    [Fact]
    public void The_database_is_the_one_that_the_errors_line_names_and_else_the_messages()
    {
        var names = new PolicyNames(new[] { "orders", "billing" }.Select(name => Domain.Databases.DatabaseName.Parse(name)!).ToHashSet(), new HashSet<Domain.Scopes.ScopeName>(), Complete: true);

        Assert.Equal("billing", ErrorWords.Find("orders is fine\nbilling=> ERROR: permission denied for table x", names)!.Database!.Value);
        Assert.Equal("orders", ErrorWords.Find("orders:\nERROR: permission denied for table x", names)!.Database!.Value);
        Assert.Null(ErrorWords.Find("ERROR: permission denied for table x", names)!.Database);
    }

    private static async Task UseAsync(SlackHouse house, string message, string trigger = "9002.2001.bbbb0001", string callback = "get_access", string team = "T0DBACME1")
    {
        using var answer = await house.PayloadAsync($$"""{"type":"message_action","callback_id":"{{callback}}","user":{"id":"U0ENGINE1","team_id":"{{team}}"},"api_app_id":"A0DBACCS1","team":{"id":"T0DBACME1"},"channel":{"id":"C0GENERAL","name":"general"},"message_ts":"1767225500.000700","trigger_id":"{{trigger}}","response_url":"https://hooks.slack.com/app/T0DBACME1/9002/respBBB1","message":{{message}}}""");
        Assert.Equal(200, (int)answer.StatusCode);
        Assert.Equal("", await answer.Content.ReadAsStringAsync());
        await house.IdleAsync();
    }
}
