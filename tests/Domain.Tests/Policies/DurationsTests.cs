using DbAccess.Domain.Policies;

namespace DbAccess.Domain.Tests.Policies;

public sealed class DurationsTests
{
    [Theory]
    [InlineData("1s", 1)]
    [InlineData("45s", 45)]
    [InlineData("30m", 1_800)]
    [InlineData("90m", 5_400)]
    [InlineData("2h", 7_200)]
    [InlineData("2H", 7_200)]
    [InlineData("1h30m", 5_400)]
    [InlineData("1d", 86_400)]
    [InlineData("1d2h3m4s", 93_784)]
    [InlineData("0d1h", 3_600)]
    [InlineData("007m", 420)]
    [InlineData("366d", 31_622_400)]
    public void A_length_of_time_is_read_as_people_write_it(string text, int seconds)
    {
        Assert.Equal(TimeSpan.FromSeconds(seconds), Durations.Parse(text));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData(" ")]
    [InlineData("h")]
    [InlineData("30")]
    [InlineData("1w")]
    [InlineData("-5m")]
    [InlineData("+5m")]
    [InlineData("1.5h")]
    [InlineData("1,5h")]
    [InlineData("٣h")]
    [InlineData("３h")]
    [InlineData("1 h")]
    [InlineData(" 1h")]
    [InlineData("1h\n")]
    [InlineData("1m1h")]
    [InlineData("1h1h")]
    [InlineData("1h30")]
    [InlineData("1e3s")]
    [InlineData("01:00:00")]
    [InlineData("forever")]
    public void Anything_else_is_not_a_length_of_time(string? text)
    {
        Assert.Null(Durations.Parse(text));
        if (text is not null) Assert.False(Durations.LooksLike(text));
    }

    [Theory]
    [InlineData("0s")]
    [InlineData("0h0m")]
    [InlineData("366d1s")]
    [InlineData("367d")]
    [InlineData("999999d")]
    [InlineData("999999d999999h9999999m999999999s")]
    public void Nothing_and_more_than_a_year_look_like_one_and_are_none(string text)
    {
        Assert.True(Durations.LooksLike(text));
        Assert.Null(Durations.Parse(text));
    }

    [Fact]
    public void A_number_of_any_length_is_refused_and_does_not_overflow()
    {
        Assert.Null(Durations.Parse(new string('9', 100_000) + "h"));
    }

    [Theory]
    [InlineData(0, "0s")]
    [InlineData(1, "1s")]
    [InlineData(60, "1m")]
    [InlineData(61, "1m1s")]
    [InlineData(5_400, "1h30m")]
    [InlineData(86_400, "1d")]
    [InlineData(90_000, "1d1h")]
    [InlineData(31_622_400, "366d")]
    public void A_length_of_time_is_written_as_short_as_it_goes_and_reads_back(int seconds, string text)
    {
        var written = Durations.Write(TimeSpan.FromSeconds(seconds));

        Assert.Equal(text, written);
        if (seconds > 0) Assert.Equal(TimeSpan.FromSeconds(seconds), Durations.Parse(written));
    }

    [Fact]
    public void Parts_of_a_second_are_not_written()
    {
        Assert.Equal("1s", Durations.Write(TimeSpan.FromMilliseconds(1_999)));
    }
}
