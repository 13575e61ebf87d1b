using System.Globalization;
using DbAccess.Api.Slack.Words;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Tests.Slack;

/// <summary>When access is to begin or end, for whom, and in an emergency: what stands before the reason, and never what is in it.</summary>
public sealed class WhenAndForTests
{
    // A Monday, 14:00 UTC: 17:00 in Istanbul.
    private static readonly DateTimeOffset Now = new(2026, 3, 2, 14, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("orders read 30m at 22:00 because x", "2026-03-02T19:00:00Z")]
    [InlineData("orders read at 22:00 30m because x", "2026-03-02T19:00:00Z")]
    [InlineData("at 22:00 orders read 30m because x", "2026-03-02T19:00:00Z")]
    [InlineData("orders read 30m at 16:59 because x", "2026-03-03T13:59:00Z")]
    [InlineData("orders read 30m tomorrow 22:00 because x", "2026-03-03T19:00:00Z")]
    [InlineData("orders read 30m tomorrow at 22:00, because x", "2026-03-03T19:00:00Z")]
    [InlineData("orders read 30m at 22:00 tomorrow because x", "2026-03-03T19:00:00Z")]
    [InlineData("orders read 30m today 22:00 because x", "2026-03-02T19:00:00Z")]
    [InlineData("orders read 30m at 10pm because x", "2026-03-02T19:00:00Z")]
    [InlineData("orders read 30m at 2026-03-05 09:30 because x", "2026-03-05T06:30:00Z")]
    [InlineData("orders read 30m on 2026-03-05 at 09:30 because x", "2026-03-05T06:30:00Z")]
    [InlineData("orders read 30m at 2026-03-05T09:30 because x", "2026-03-05T06:30:00Z")]
    [InlineData("orders read 30m only public.orders at 22:00 because x", "2026-03-02T19:00:00Z")]
    public void It_begins_when_the_clock_of_whoever_asks_shows_it(string typed, string instant)
    {
        var filed = Assert.IsType<Intent.File>(Read(typed));

        Assert.Equal(DateTimeOffset.Parse(instant, CultureInfo.InvariantCulture), filed.Wish.StartsAt);
        Assert.Equal((TimeSpan.FromMinutes(30), "x"), (filed.Wish.Duration, filed.Wish.Reason));
        Assert.Null(filed.Remark);
    }

    [Theory]
    [InlineData("orders read until 18:00 because x", "1h")]
    [InlineData("orders read until 16:00 because x", "23h")]
    [InlineData("orders read until tomorrow 18:00 because x", "1d1h")]
    [InlineData("orders read at 22:00 until 23:30 because x", "1h30m")]
    [InlineData("orders read until 23:30 at 22:00 because x", "1h30m")]
    [InlineData("orders read at 22:00 until 02:00 because x", "4h")]
    [InlineData("orders read until 18:00 x", "1h")]
    public void Until_is_a_length_from_the_beginning_on(string typed, string length)
    {
        var filed = Assert.IsType<Intent.File>(Read(typed));

        Assert.Equal((length, "x"), (Durations.Write(filed.Wish.Duration!.Value), filed.Wish.Reason));
    }

    [Theory]
    [InlineData("2026-03-28T20:00:00Z", "orders read 30m tomorrow 02:30 because x", "2026-03-29T01:00:00Z")]
    [InlineData("2026-10-24T20:00:00Z", "orders read 30m tomorrow 02:30 because x", "2026-10-25T00:30:00Z")]
    [InlineData("2026-03-28T20:00:00Z", "orders read 30m at 02:30 because x", "2026-03-29T01:00:00Z")]
    public void A_time_that_there_is_not_is_the_next_that_is_and_of_a_doubled_one_the_first(string now, string typed, string instant)
    {
        var filed = Assert.IsType<Intent.File>(
            RequestWords.Read(typed, SomeOffers.Usual with { Zone = "Europe/Berlin" }, DateTimeOffset.Parse(now, CultureInfo.InvariantCulture)));

        Assert.Equal(DateTimeOffset.Parse(instant, CultureInfo.InvariantCulture), filed.Wish.StartsAt);
    }

    [Theory]
    [InlineData("orders read 30m because at 22:00 it broke", "at 22:00 it broke")]
    [InlineData("orders read 30m INC-1 at 22:00", "INC-1 at 22:00")]
    [InlineData("orders read 30m because until 18:00 for <@U0ENGINE3|omar>", "until 18:00 for @omar")]
    [InlineData("orders read 30m because break-glass", "break-glass")]
    [InlineData("orders read 30m at risk of timing out", "at risk of timing out")]
    [InlineData("orders read 30m until further notice we look", "until further notice we look")]
    [InlineData("orders read 30m for INC-1", "for INC-1")]
    [InlineData("orders read 30m tomorrow is too late", "tomorrow is too late")]
    public void What_is_in_the_reason_stays_there(string typed, string reason)
    {
        var filed = Assert.IsType<Intent.File>(Read(typed));

        Assert.Equal((reason, null, null, false, TimeSpan.FromMinutes(30)),
            (filed.Wish.Reason, filed.Wish.StartsAt, filed.For, filed.Wish.BreakGlass, filed.Wish.Duration));
    }

    [Theory]
    [InlineData("orders read 30m at 2026-03-10 09:30 because x", "7 days")]
    [InlineData("orders read 30m at 2027-03-10 09:30 because x", "7 days")]
    [InlineData("orders read 30m at 2026-03-01 09:30 because x", "has passed")]
    [InlineData("orders read 30m today at 09:30 because x", "has passed")]
    [InlineData("orders read 30m at 25:00 because x", "\"25:00\" is no time of day")]
    [InlineData("orders read 30m until 18:00 because x", "not both")]
    [InlineData("orders read until 18:00 30m because x", "not both")]
    [InlineData("orders read at 22:00 until 2026-03-02 21:00 because x", "before it begins")]
    [InlineData("orders read 30m for @omar because x", "Mention them")]
    public void What_cannot_be_meant_is_said_and_nothing_is_filed(string typed, string why) =>
        Assert.Contains(why, Assert.IsType<Intent.Misread>(Read(typed)).Why, StringComparison.Ordinal);

    [Fact]
    public void Where_nobody_knows_the_zone_it_is_read_as_UTC_and_that_is_said()
    {
        var filed = Assert.IsType<Intent.File>(RequestWords.Read("orders read 30m at 22:00 because x", SomeOffers.Usual, Now));

        Assert.Equal(Now.AddHours(8), filed.Wish.StartsAt);
        Assert.Contains("UTC", filed.Remark, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("orders read 30m for <@U0ENGINE3|omar> because x", "U0ENGINE3")]
    [InlineData("orders read for <@U0ENGINE3|Omar Other> 30m because x", "U0ENGINE3")]
    [InlineData("for <@U0ENGINE3>: orders read 30m because x", "U0ENGINE3")]
    [InlineData("orders read 30m for &lt;@U0ENGINE3|omar&gt; because x", "U0ENGINE3")]
    [InlineData("orders read 30m for <@W0ENGINE3|omar>, because <@U0ENGINE1|erin> is away", "W0ENGINE3")]
    public void Somebody_who_is_mentioned_is_to_have_it(string typed, string user) => Assert.Equal(user, Assert.IsType<Intent.File>(Read(typed)).For);

    [Theory]
    [InlineData("break-glass orders fix-orders 30m because x")]
    [InlineData("breakglass orders fix-orders 30m because x")]
    [InlineData("break glass: orders fix-orders 30m because x")]
    [InlineData("orders fix-orders 30m BREAK-GLASS because x")]
    public void An_emergency_is_said_in_one_word(string typed)
    {
        var filed = Assert.IsType<Intent.File>(Read(typed));

        Assert.Equal((true, "fix-orders", "x"), (filed.Wish.BreakGlass, filed.Wish.Scope.Value, filed.Wish.Reason));
    }

    [Fact]
    public void Without_a_length_a_whole_request_takes_the_rules_usual_one()
    {
        var filed = Assert.IsType<Intent.File>(Read("orders read because INC-1"));

        Assert.Equal((null, "INC-1"), (filed.Wish.Duration, filed.Wish.Reason));
    }

    [Fact]
    public void What_was_said_goes_into_the_form_and_comes_back_from_it()
    {
        var draft = Assert.IsType<Intent.Form>(Read("break-glass orders read at 22:00 for <@U0ENGINE3|omar>")).Draft;

        Assert.Equal((true, Now.AddHours(5), "U0ENGINE3"), (draft.BreakGlass, draft.StartsAt, draft.For));
        Assert.Equal(draft, DraftJson.Read(DraftJson.Write(draft)));
        var form = Api.Slack.Desk.RequestForm.Draw(SomeOffers.Usual, draft, "C1");
        var (channel, besides) = (Api.Slack.Desk.RequestForm.ChannelIn(form.Context), Api.Slack.Desk.RequestForm.BesidesIn(form.Context));
        Assert.Equal(("C1", true, Now.AddHours(5), "U0ENGINE3"), (channel, besides.BreakGlass, besides.StartsAt, besides.For));
        Assert.Equal(3, form.Intro.Count);
    }

    [Fact]
    public void A_bare_number_is_asked_back_with_what_it_may_be()
    {
        var misread = Assert.IsType<Intent.Misread>(Read("orders read 30 because INC-1"));

        Assert.StartsWith("30 what?", misread.Why, StringComparison.Ordinal);
        Assert.Equal(["30 minutes: 30m INC-1", "30 hours: 1d6h INC-1"], misread.Choices.Select(choice => $"{choice.Label}: {choice.Draft.Duration} {choice.Draft.Reason}"));
    }

    private static Intent Read(string typed) =>
        RequestWords.Read(Typed.Unwrap(typed), SomeOffers.Usual with { Zone = "Europe/Istanbul" }, Now, Typed.Mentions(typed));
}
