using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Api.Tests.Slack;

/// <summary>What ends access, lists it or explains it works when what gives access does not.</summary>
public sealed class BrakeTests
{
    [Theory]
    [InlineData("mine", "Your grants")]
    [InlineData("list", "Live grants")]
    [InlineData("list orders", "Live grants")]
    [InlineData("help", "Slack does not answer")]
    public async Task What_only_reads_is_answered_while_the_directory_is_down(string typed, string said)
    {
        await using var house = await SlackHouse.OpenAsync();
        await FileAsync(house);
        house.People.Unavailable = new Error("directory.unavailable", "Slack does not answer me.");

        await house.CommandAsync(typed, trigger: "2");
        await house.IdleAsync();

        Assert.Contains(said, FakeChat.Words(house.Chat.Replies[^1].Message), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("done {0}")]
    [InlineData("done all")]
    public async Task Access_is_given_back_while_the_directory_is_down(string typed)
    {
        await using var house = await SlackHouse.OpenAsync();
        var id = await FileAsync(house);
        house.People.Unavailable = new Error("directory.unavailable", "Slack does not answer me.");

        await house.CommandAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, typed, id), trigger: "2");
        await house.IdleAsync();

        Assert.NotNull(Assert.Single(house.Store.Stored).AbandonedBecause);
        Assert.Contains("access ends now", FakeChat.Words(house.Chat.Replies[^1].Message), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ending_everybodys_access_asks_for_a_typed_word_and_then_ends_it()
    {
        await using var house = await SlackHouse.OpenAsync();
        await FileAsync(house);

        await house.CommandAsync("revoke orders key leaked", trigger: "2", user: "U0ADMIN01");
        await house.IdleAsync();
        var form = Assert.Single(house.Forms.Opened);
        Assert.Null(Assert.Single(house.Store.Stored).AbandonedBecause);

        using var wrong = await house.PayloadAsync(Confirmed("yes", form.Context, "U0ADMIN01"));
        Assert.Contains("Type the word revoke", await wrong.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        using var right = await house.PayloadAsync(Confirmed("Revoke", form.Context, "U0ADMIN01"));
        Assert.Equal("", await right.Content.ReadAsStringAsync());
        await house.IdleAsync();

        Assert.StartsWith("revoked by u0admin01: key leaked", Assert.Single(house.Store.Stored).AbandonedBecause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_that_ends_everybodys_access_gives_nobody_the_right_to_do_it()
    {
        await using var house = await SlackHouse.OpenAsync();
        await FileAsync(house);

        await house.PayloadAsync(Confirmed("revoke", "all\n", "U0OTHER001"));
        await house.IdleAsync();

        Assert.Null(Assert.Single(house.Store.Stored).AbandonedBecause);
        Assert.Contains("Only admins may end", FakeChat.Words(house.Chat.Replies[^1].Message), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_form_whose_context_was_changed_ends_nothing()
    {
        await using var house = await SlackHouse.OpenAsync();
        await FileAsync(house);

        using var answer = await house.PayloadAsync(Confirmed("revoke", "database '; DROP\n", "U0ADMIN01"));
        await house.IdleAsync();

        Assert.Contains("out of date", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Null(Assert.Single(house.Store.Stored).AbandonedBecause);
    }

    private static async Task<GrantId> FileAsync(SlackHouse house)
    {
        await house.CommandAsync("orders read 30m because INC-4711 stuck", trigger: "1");
        await house.IdleAsync();
        return Assert.Single(house.Store.Stored).Id;
    }

    private static string Confirmed(string word, string context, string user) => System.Text.Json.JsonSerializer.Serialize(new
    {
        type = "view_submission",
        team = new { id = "T0DBACME1" },
        user = new { id = user, team_id = "T0DBACME1" },
        view = new
        {
            id = $"V{word}{user}",
            callback_id = "everyone_out",
            private_metadata = context,
            state = new { values = new { confirm = new { value = new { value = word } }, reason = new { value = new { value = "key leaked" } } } },
        },
    });
}
