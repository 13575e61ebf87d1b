using DbAccess.Api.Slack;
using DbAccess.Api.Slack.Door;

namespace DbAccess.Api.Tests.Slack;

public sealed class FormBodyTests
{
    [Theory]
    [InlineData("orders+read", "orders read")]
    [InlineData("orders%20read", "orders read")]
    [InlineData("C%2B%2B", "C++")]
    [InlineData("%2A*", "**")]
    [InlineData("%F0%9F%94%91+caf%C3%A9", "🔑 café")]
    [InlineData("🔑+%41", "🔑 A")]
    [InlineData("ä", "ä")]
    [InlineData("a=b", "a=b")]
    [InlineData("", "")]
    [InlineData("%3C%40U0APPROV1%7Cann%3E", "<@U0APPROV1|ann>")]
    public void A_value_is_what_was_typed(string sent, string typed) => Assert.Equal(typed, FormBody.Parse($"x=1&text={sent}&y=2")!["text"]);

    [Theory]
    [InlineData("%")]
    [InlineData("%4")]
    [InlineData("a%ZZ")]
    [InlineData("%FF%FE")]
    [InlineData("%C3")]
    [InlineData("%ED%A0%80")]
    [InlineData("%C0%AF")]
    public void What_is_no_text_makes_the_body_unusable(string sent) => Assert.Null(FormBody.Parse($"text={sent}&y=2"));

    [Fact]
    public void Half_a_character_is_no_text()
    {
        Assert.Null(FormBody.Parse("text=+\ud800"));
        Assert.Null(FormBody.Parse("text=+\udc00a"));
    }

    [Fact]
    public void A_name_without_a_value_is_empty_and_empty_pairs_are_skipped()
    {
        var fields = FormBody.Parse("&a&b=&&c=3&")!;

        Assert.Equal(["", "", "3"], [fields["a"], fields["b"], fields["c"]]);
        Assert.Equal(3, fields.Count);
    }

    [Fact]
    public void The_first_of_two_counts() => Assert.Equal("one", FormBody.Parse("a=one&a=two")!["a"]);

    [Fact]
    public void A_hundred_fields_are_read_and_one_more_is_too_many()
    {
        Assert.Equal(100, FormBody.Parse(string.Join('&', Enumerable.Range(0, 100).Select(i => $"f{i}={i}")))!.Count);
        Assert.Null(FormBody.Parse(string.Join('&', Enumerable.Range(0, 101).Select(i => $"f{i}={i}"))));
    }

    [Fact]
    public void Repeating_a_field_does_not_glue_others_together() =>
        Assert.Null(FormBody.Parse(string.Join('&', Enumerable.Repeat("a=1", 100)) + "&text=mine&user_id=U0OTHER01"));
}
