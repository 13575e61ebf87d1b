using DbAccess.Api.Slack.Words;
using DbAccess.Application.Ports;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Api.Tests.Slack;

/// <summary>No refusal without a next press, and what was typed stays.</summary>
public sealed class NextPressTests
{
    [Fact]
    public async Task What_is_too_long_has_a_button_for_the_longest()
    {
        await using var house = await SlackHouse.OpenAsync();

        await house.CommandAsync("orders read 9h only public.orders because INC-4711");
        var button = Assert.Single(await ButtonsAsync(house));
        Assert.Equal(("file_request", "Ask for 4h"), (button.Action, button.Label));
        await house.PayloadAsync(InteractivityTests.Click(button.Action, button.Value));
        await house.IdleAsync();

        var grant = Assert.Single(house.Store.Stored);
        Assert.Equal((TimeSpan.FromHours(4), "INC-4711", "public.orders"), (grant.Duration, grant.Reason, string.Join(' ', grant.Scope.NarrowedTo)));
    }

    [Theory]
    [InlineData("orders read 30m because x", "orders", "read", "30m", "x")]
    [InlineData("orders migrate 30m because INC-4711", "orders", "migrate", "30m", "INC-4711")]
    public async Task Another_refusal_has_the_form_with_what_was_typed(string typed, string database, string scope, string length, string reason)
    {
        await using var house = await SlackHouse.OpenAsync();

        await house.CommandAsync(typed);

        var button = Assert.Single(await ButtonsAsync(house));
        Assert.Equal("open_form", button.Action);
        Assert.Equal(new Draft(database, scope, length, reason), DraftJson.Read(button.Value));
    }

    [Fact]
    public async Task A_bare_number_has_a_button_for_each_unit()
    {
        await using var house = await SlackHouse.OpenAsync();

        await house.CommandAsync("orders read 30 because INC-4711");
        var buttons = await ButtonsAsync(house);
        Assert.Equal(["30 minutes", "30 hours"], buttons.Select(button => button.Label));
        await house.PayloadAsync(InteractivityTests.Click(buttons[0].Action, buttons[0].Value));
        await house.IdleAsync();

        Assert.Equal(TimeSpan.FromMinutes(30), Assert.Single(house.Store.Stored).Duration);
    }

    [Fact]
    public async Task Ask_again_opens_the_form_as_it_was_with_an_empty_reason()
    {
        await using var house = await SlackHouse.OpenAsync();
        await house.CommandAsync("orders read 20m only public.orders because INC-4711");
        await house.IdleAsync();
        var id = Assert.Single(house.Store.Stored).Id.ToString();

        await house.PayloadAsync(InteractivityTests.Click("ask_again", id));
        await house.UntilAsync(() => house.Forms.Opened.Count == 1, "the form opens");

        var form = house.Forms.Opened[0];
        Assert.Equal(
            ("20m", "public.orders", null),
            (Text(form, "duration"), Assert.Single(form.Fields.OfType<FormField.Search>().Single(field => field.Key == "only").Chosen).Value, Text(form, "reason")));

        await house.PayloadAsync(InteractivityTests.Click("ask_again", id).Replace("U0ENGINE1", "U0ENGINE2", StringComparison.Ordinal));
        await house.IdleAsync();
        Assert.Single(house.Forms.Opened);
        Assert.Contains("asked for by somebody else", house.Chat.Replies[^1].Message.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_that_was_opened_for_somebody_else_and_later_files_that()
    {
        await using var house = await SlackHouse.OpenAsync();
        await house.CommandAsync("orders read tomorrow 22:00 for <@U0ENGINE2|sam>");
        await house.UntilAsync(() => house.Forms.Opened.Count == 1, "the form opens");
        var context = house.Forms.Opened[0].Context;
        Assert.Contains("U0ENGINE2", context, StringComparison.Ordinal);

        var submitted = InteractivityTests.Submission().Replace(
            "\"private_metadata\":\"C0GENERAL\"", $"\"private_metadata\":{System.Text.Json.JsonSerializer.Serialize(context)}", StringComparison.Ordinal);
        using (await house.PayloadAsync(submitted)) await house.IdleAsync();

        var grant = Assert.Single(house.Store.Stored);
        Assert.Equal((Some.Person("U0ENGINE2"), SlackHouse.Erin), (grant.Requester, grant.AskedBy!));
        Assert.NotNull(grant.StartsAt);
        Assert.Equal("C0GENERAL", house.Chat.Replies[^1].To.Channel);
    }

    [Fact]
    public async Task A_form_that_says_it_is_for_somebody_who_may_not_is_refused_beside_its_field()
    {
        await using var house = await SlackHouse.OpenAsync();
        house.People.Refuses(Some.Person("U0ENGINE2"));

        var submitted = InteractivityTests.Submission().Replace(
            "\"private_metadata\":\"C0GENERAL\"", "\"private_metadata\":\"C0GENERAL\\norders\\nread\\n{\\\"for\\\":\\\"U0ENGINE2\\\"}\"", StringComparison.Ordinal);
        using var answer = await house.PayloadAsync(submitted);

        Assert.Contains("errors", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Empty(house.Store.Stored);
    }

    [Fact]
    public async Task Why_answers_with_the_rules_and_files_nothing()
    {
        await using var house = await SlackHouse.OpenAsync();

        await house.CommandAsync("why orders read 2h");
        await house.IdleAsync();

        var words = FakeChat.Words(Assert.Single(house.Chat.Replies).Message);
        Assert.Contains("Allowed at once: read on orders for 2h by rule everyone-read", words, StringComparison.Ordinal);
        Assert.Contains("at least 5 characters", words, StringComparison.Ordinal);
        Assert.Contains("* allow.everyone-read", words, StringComparison.Ordinal);
        Assert.Empty(house.Store.Stored);
    }

    [Fact]
    public async Task A_story_is_within_what_a_message_holds()
    {
        await using var house = await SlackHouse.OpenAsync();
        await house.CommandAsync("orders read 20m because INC-4711");
        await house.IdleAsync();

        await house.CommandAsync($"show {Assert.Single(house.Store.Stored).Id}", "9001.1001.aaaa0002");
        await house.IdleAsync();

        var message = house.Chat.Replies[^1].Message;
        Assert.InRange(message.Parts.Count, 5, 50);
        Assert.Contains("grant.requested", FakeChat.Words(message), StringComparison.Ordinal);
        Assert.Contains("INC-4711", FakeChat.Words(message), StringComparison.Ordinal);
    }

    private static string? Text(ChatForm form, string key) => form.Fields.Single(field => field.Key == key) switch
    {
        FormField.Text text => text.Initial,
        FormField.Search search => string.Join(", ", search.Chosen.Select(option => option.Value)),
        _ => null,
    };

    private static async Task<IReadOnlyList<ChatButton>> ButtonsAsync(SlackHouse house)
    {
        await house.IdleAsync();
        return [.. Assert.Single(house.Chat.Replies).Message.Parts.OfType<ChatPart.Buttons>().SelectMany(buttons => buttons.Items)];
    }
}
