using System.Globalization;

namespace DbAccess.Domain.Policies;

/// <summary>Hours on some days of the week, by the clocks of a zone.</summary>
/// <param name="Days">The days on which they begin.</param>
/// <param name="Until">
/// Exclusive. Not later than <paramref name="From"/>: it is the next day's, so that both at midnight are a whole day.
/// </param>
/// <param name="Zone">A zone that <see cref="ZonedTimes"/> knows.</param>
/// <param name="Except">Days on which they do not begin.</param>
public sealed record Calendar(
    string Name, IReadOnlySet<DayOfWeek> Days, TimeOnly From, TimeOnly Until, string Zone, IReadOnlySet<DateOnly> Except)
{
    // Whoever excepts every day for longer than this has no hours.
    private const int FarthestDays = 800;

    private static readonly DayOfWeek[] Week =
        [DayOfWeek.Monday, DayOfWeek.Tuesday, DayOfWeek.Wednesday, DayOfWeek.Thursday, DayOfWeek.Friday, DayOfWeek.Saturday,
            DayOfWeek.Sunday];

    public bool Covers(DateTimeOffset at) => OpenAt(at) is not null;

    /// <summary>The first instant, not before this one, that is inside; null when there is none in the next two years.</summary>
    public DateTimeOffset? NextInside(DateTimeOffset from)
    {
        if (Covers(from)) return from;

        var today = ZonedTimes.Day(Zone, from);
        return Enumerable.Range(0, FarthestDays).Select(ahead => HoursOf(today.AddDays(ahead)))
            .FirstOrDefault(hours => hours?.Start >= from)?.Start;
    }

    /// <summary>The first instant, not before this one, that is outside; null when there is none in the next two years.</summary>
    public DateTimeOffset? NextOutside(DateTimeOffset from)
    {
        // Whole days follow one another without a gap.
        for (var i = 0; i < FarthestDays; i++)
        {
            if (OpenAt(from) is not { } hours) return from;
            from = hours.End;
        }

        return null;
    }

    /// <summary><c>mon, tue 09:00–18:00 Europe/Istanbul</c></summary>
    public override string ToString()
    {
        var days = Days.Count == 7 ? "every day"
            : string.Join(", ", Week.Where(Days.Contains).Select(day => day.ToString()[..3].ToLowerInvariant()));
        var hours = From == Until ? "" : string.Create(CultureInfo.InvariantCulture, $" {From:HH\\:mm}–{Until:HH\\:mm}");
        return $"{days}{hours} {Zone}";
    }

    /// <summary>The hours that hold this instant. Those that began yesterday may go on past midnight.</summary>
    private (DateTimeOffset Start, DateTimeOffset End)? OpenAt(DateTimeOffset at)
    {
        var today = ZonedTimes.Day(Zone, at);
        foreach (var day in (ReadOnlySpan<DateOnly>)[today, today.AddDays(-1)])
        {
            if (HoursOf(day) is { } hours && hours.Start <= at && at < hours.End) return hours;
        }

        return null;
    }

    /// <summary>As instants, since on the nights when the clocks change some times are there twice and others not at all.</summary>
    private (DateTimeOffset Start, DateTimeOffset End)? HoursOf(DateOnly day) =>
        Days.Contains(day.DayOfWeek) && !Except.Contains(day)
            ? (ZonedTimes.At(Zone, day, From), ZonedTimes.At(Zone, From < Until ? day : day.AddDays(1), Until)) : null;
}

/// <summary>When a rule covers anything: inside a calendar's hours, or outside of them.</summary>
public sealed record CalendarUse(Calendar Calendar, bool Not)
{
    public bool Covers(DateTimeOffset at) => Calendar.Covers(at) != Not;

    /// <summary>The first instant, not before this one, at which it does; null when there is none in the next two years.</summary>
    public DateTimeOffset? Next(DateTimeOffset from) => Not ? Calendar.NextOutside(from) : Calendar.NextInside(from);

    /// <summary>As the file says it: <c>office</c>, <c>not office</c>.</summary>
    public override string ToString() => Not ? $"not {Calendar.Name}" : Calendar.Name;
}
