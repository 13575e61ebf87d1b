using DbAccess.Domain.Policies;

namespace DbAccess.Domain.Tests.Policies;

/// <summary>Instants that are found again inside sentences, so that each reader sees them by their own clock.</summary>
public sealed class SaidInstantsTests
{
    private static readonly DateTimeOffset At = new(2026, 12, 1, 10, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("It begins 2026-12-01 10:00 UTC.", "It begins |2026-12-01T10:00:00|.")]
    [InlineData("2026-12-01 10:00:05 UTC", "|2026-12-01T10:00:05|")]
    [InlineData("from 2026-12-01 10:00 UTC until 2026-12-01 11:30 UTC", "from |2026-12-01T10:00:00| until |2026-12-01T11:30:00|")]
    [InlineData("2026-13-01 10:00 UTC, 2026-12-01 25:00 UTC, 2026-12-01, 12026-12-01 10:00 UTC, 2026-12-01 10:00 UTCx",
        "2026-13-01 10:00 UTC, 2026-12-01 25:00 UTC, 2026-12-01, 12026-12-01 10:00 UTC, 2026-12-01 10:00 UTCx")]
    [InlineData("", "")]
    public void They_are_told_from_the_words_around_them(string text, string expected) => Assert.Equal(expected,
        string.Concat(SaidInstants.Split(text).Select(piece => piece.At is { } at ? $"{piece.Words}|{at:yyyy-MM-ddTHH:mm:ss}|" : piece.Words)));

    [Fact]
    public void What_is_written_is_found_again_whatever_offset_it_came_with()
    {
        var written = SaidInstants.Write(At.ToOffset(TimeSpan.FromHours(5)));

        Assert.Equal("2026-12-01 10:00 UTC", written);
        Assert.Equal(At, SaidInstants.Split(written).First().At);
    }

    [Theory]
    [InlineData("Europe/Istanbul", "forbidden until 2026-12-01 13:00 (Europe/Istanbul) (rule freeze)")]
    [InlineData(null, "forbidden until 2026-12-01 10:00 UTC (rule freeze)")]
    public void Where_only_letters_are_shown_they_are_told_by_the_readers_clock(string? zone, string expected) =>
        Assert.Equal(expected, SaidInstants.In(zone, "forbidden until 2026-12-01 10:00 UTC (rule freeze)"));
}
