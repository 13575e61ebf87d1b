using DbAccess.TestKit;

namespace DbAccess.EndToEnd.Tests;

/// <summary>The lines that people type besides a plain request, over HTTP with the real processes.</summary>
public sealed class TypedLinesTests(OpenHouse house) : IClassFixture<OpenHouse>
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
    public async Task Access_for_somebody_else_comes_to_them_and_both_see_its_story()
    {
        var before = await It.NowAsync(SlackUser.Omar);
        var words = await It.SayAsync(SlackUser.Erin, "orders read 20s for @omar because INC-1 somebody else", "is allowed");
        var id = Deeds.IdIn(words);

        Assert.Contains("for omar", words, StringComparison.Ordinal);
        var (credential, _) = await It.CredentialAsync(SlackUser.Omar, id, before);
        Assert.True(await It.CanLogInAsync(credential));
        var story = await It.SayAsync(SlackUser.Omar, $"show {id}", "The story of");
        Assert.Contains("grant.requested", story, StringComparison.Ordinal);
        // On record, and not for this place.
        Assert.Contains("CREATE ROLE", string.Join('\n', await It.AskStoreAsync("SELECT note FROM events WHERE type = 'grant.statements' AND grant_id = $value", id)), StringComparison.Ordinal);
        Assert.DoesNotContain("CREATE ROLE", story, StringComparison.Ordinal);
        Assert.Contains("Asked for by erin", await It.SayAsync(SlackUser.Erin, $"show {id}", "The story of"), StringComparison.Ordinal);
        Assert.Contains("is somebody else's", await It.SayAsync(SlackUser.Sam, $"show {id}", id), StringComparison.Ordinal);
        await It.SayAsync(SlackUser.Omar, $"done {id}", "access ends now");
        Assert.Contains(id, await It.SayAsync(SlackUser.Omar, "history 1d", "Your grants of the last 1d"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_pasted_error_is_answered_with_the_smallest_scope_and_a_button_that_files_it()
    {
        var answer = await It.SayForMessageAsync(SlackUser.Erin, "orders ERROR: permission denied for table orders", "That is");
        Assert.Contains("public.orders", SlackUser.Words(answer), StringComparison.Ordinal);
        Assert.Contains("peek", SlackUser.Words(answer), StringComparison.Ordinal);
        var before = await It.NowAsync(SlackUser.Erin);

        await It.Users.PressAsync(SlackUser.Erin, answer, "file_request");

        var filed = SlackUser.Words(await It.HearAsync(SlackUser.Erin, "is allowed", before));
        Assert.Contains("usual length", filed, StringComparison.Ordinal);
        var (credential, _) = await It.CredentialAsync(SlackUser.Erin, Deeds.IdIn(filed), before);
        Assert.True(await It.CanLogInAsync(credential));
        await It.SayAsync(SlackUser.Erin, $"done {Deeds.IdIn(filed)}", "access ends now");

        Assert.Contains("needs 1 of dba", await It.SayAsync(
            SlackUser.Erin, "orders FEHLER:  keine Berechtigung für Tabelle orders\nANWEISUNG:  UPDATE orders SET status = 'x'", "That is"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_shortcut_on_a_message_with_an_error_is_answered_privately_where_it_stands_and_its_button_files_it()
    {
        var posted = await It.Users.WriteToAsync(SlackUser.Sam, "C0GENERAL", "orders is down again: ```ERROR:  permission denied for table orders```");
        var before = await It.NowAsync(SlackUser.Erin);

        await It.Users.UseShortcutAsync(SlackUser.Erin, "C0GENERAL", posted);

        var answer = await It.HearAsync(SlackUser.Erin, "That is", before);
        Assert.Equal(("C0GENERAL", true), ((string?)answer["channel"], (bool?)answer["ephemeral"]));
        before = await It.NowAsync(SlackUser.Erin);
        await It.Users.PressAsync(SlackUser.Erin, answer, "file_request");
        var filed = SlackUser.Words(await It.HearAsync(SlackUser.Erin, "is allowed", before));
        Assert.Equal(1, await It.GrantsAboutAsync("orders is down again"));
        await It.SayAsync(SlackUser.Erin, $"done {Deeds.IdIn(filed)}", "access ends now");
    }

    [Fact]
    public async Task What_is_too_long_is_one_press_from_the_longest()
    {
        var answer = await It.SayForMessageAsync(SlackUser.Erin, "orders peek 5m because toolong INC-2", "The longest for peek");
        var before = await It.NowAsync(SlackUser.Erin);

        await It.Users.PressAsync(SlackUser.Erin, answer, "file_request");

        var filed = SlackUser.Words(await It.HearAsync(SlackUser.Erin, "is allowed", before));
        Assert.Contains("for 1m", filed, StringComparison.Ordinal);
        await It.CredentialAsync(SlackUser.Erin, Deeds.IdIn(filed), before);
        await It.SayAsync(SlackUser.Erin, $"done {Deeds.IdIn(filed)}", "access ends now");
    }

    [Fact]
    public async Task Why_files_nothing_and_again_files_the_same_once_more()
    {
        Assert.Contains("by rule prod-fix", await It.SayAsync(SlackUser.Sam, "why orders fix-orders", "Approval is needed"), StringComparison.Ordinal);
        Assert.Contains("You have not asked", await It.SayAsync(SlackUser.Sina, "again because firsttime", "You have"), StringComparison.Ordinal);
        var first = await It.AskAsync(SlackUser.Sina, "orders read 20s only public.orders because again1");
        await It.CredentialAsync(SlackUser.Sina, first);
        await It.SayAsync(SlackUser.Sina, $"done {first}", "access ends now");

        var again = await It.SayAsync(SlackUser.Sina, "again because again2", "is allowed");

        Assert.Contains("only public.orders", again, StringComparison.Ordinal);
        await It.CloseFormsAsync(SlackUser.Sina);
        await It.Users.CommandAsync(SlackUser.Sina, $"again {first}");
        var form = await It.FormAsync(SlackUser.Sina);
        Assert.Equal("read", (string?)Deeds.Field(form, "scope")["element"]!["initial_option"]!["value"]);
        Assert.Null((string?)Deeds.Field(form, "reason")["element"]!["initial_value"]);
        await It.CloseFormsAsync(SlackUser.Sina);
        await It.CredentialAsync(SlackUser.Sina, Deeds.IdIn(again));
        await It.SayAsync(SlackUser.Sina, "done all", "access ends now");
    }

    [Fact]
    public async Task What_begins_tomorrow_is_filed_now_and_can_be_cancelled()
    {
        var words = await It.SayAsync(SlackUser.Sam, "orders fix-orders tomorrow 22:00 because tomorrow INC-3", "waits for 1 of dba");
        var id = Deeds.IdIn(words);

        Assert.Contains("It begins", words, StringComparison.Ordinal);
        Assert.Contains("1h (the rule's usual length)", words, StringComparison.Ordinal);
        await It.SayAsync(SlackUser.Sam, $"cancel {id}", "is cancelled");
        Assert.Contains("too far ahead", await It.SayAsync(SlackUser.Sam, "orders read 20s at 2199-01-01 09:00 because never", "ahead"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task In_the_apps_own_messages_no_verb_is_needed()
    {
        var before = await It.NowAsync(SlackUser.Sam);
        await It.Users.WriteAsync(SlackUser.Sam, "orders read 20s because noverb INC-4");

        var id = Deeds.IdIn(SlackUser.Words(await It.HearAsync(SlackUser.Sam, "is allowed", before)));
        await It.CredentialAsync(SlackUser.Sam, id, before);
        before = await It.NowAsync(SlackUser.Sam);
        await It.Users.WriteAsync(SlackUser.Sam, $"done {id}");
        await It.HearAsync(SlackUser.Sam, "access ends now", before);
    }
}
