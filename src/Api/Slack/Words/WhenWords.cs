using System.Globalization;
using System.Text.RegularExpressions;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Slack.Words;

/// <summary>A time as somebody typed it, by the clock on their wall.</summary>
/// <param name="Ends">It is when access is to end, and not when it is to begin.</param>
/// <param name="Day">A day that was said by its date.</param>
/// <param name="Ahead">Days from today, where that was said. With neither it is the next time that it is that late.</param>
/// <param name="Taken">How many words it takes.</param>
internal sealed record TypedTime(bool Ends, DateOnly? Day, int? Ahead, TimeOnly Time, int Taken)
{
    /// <summary>The instant, in UTC; what names no day is the next time that it is that late after <paramref name="after"/>.</summary>
    public DateTimeOffset In(string zone, DateTimeOffset now, DateTimeOffset after)
    {
        if (Day is { } day) return ZonedTimes.At(zone, day, Time);
        return Ahead is { } days ? ZonedTimes.At(zone, ZonedTimes.Day(zone, now).AddDays(days), Time) : ZonedTimes.Next(zone, Time, after);
    }
}

/// <summary>
/// Reads when access is to begin or end: <c>at 22:00</c>, <c>tomorrow 22:00</c>, <c>at 2026-12-01 22:00</c>, <c>until 18:00</c>. Pure.
/// </summary>
internal static partial class WhenWords
{
    /// <summary>What begins at this word; null when that is no time. Bad: a time that no clock shows.</summary>
    /// <param name="limit">The first word that does not belong to it whatever it says.</param>
    public static (TypedTime? Time, string? Bad) At(List<Word> words, int at, int limit)
    {
        var first = Bare(words[at].Text);
        var ends = first is "until" or "till";
        var dated = DayIn(first) is not null || (first is "on" && at + 1 < limit && DayIn(Bare(words[at + 1].Text)) is not null);
        if (!ends && !dated && first is not ("at" or "tomorrow" or "today")) return (null, null);

        TimeOnly? time = null;
        DateOnly? day = null;
        int? ahead = null;
        var i = ends || first is "on" ? at + 1 : at;
        for (; i < limit; i++)
        {
            var word = Bare(words[i].Text);
            var open = day is null && ahead is null;
            if (word is "at" && time is null) continue;
            if (open && word is ("today" or "tomorrow")) ahead = word is "today" ? 0 : 1;
            else if (open && DayIn(word) is { } named) day = named;
            else if (open && time is null && DayAndTime().Match(word) is { Success: true } both
                && DayIn(both.Groups["day"].Value) is { } date && TimeIn(both.Groups["time"].Value) is { } clock)
                (day, time) = (date, clock);
            else if (time is null && LooksLikeTime().IsMatch(word))
            {
                if (TimeIn(word) is not { } read) return (null, words[i].Text);
                time = read;
            }
            else break;
        }

        return time is { } found ? (new TypedTime(ends, day, ahead, found, i - at), null) : (null, null);
    }

    private static string Bare(string typed) => typed.Trim([.. Typed.Around]).TrimEnd([.. Typed.Behind]).ToLowerInvariant();

    private static DateOnly? DayIn(string word) =>
        DateOnly.TryParseExact(word, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day) ? day : null;

    private static TimeOnly? TimeIn(string word)
    {
        string[] shapes = ["H:mm", "HH:mm", "h:mmtt", "hh:mmtt", "htt", "hhtt"];
        return TimeOnly.TryParseExact(word.ToUpperInvariant(), shapes, CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? time : null;
    }

    [GeneratedRegex(@"^(\d{1,2}:\d{2}([ap]m)?|\d{1,2}[ap]m)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex LooksLikeTime();

    [GeneratedRegex(@"^(?<day>\d{4}-\d\d-\d\d)t(?<time>\d{1,2}:\d{2})$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex DayAndTime();
}
