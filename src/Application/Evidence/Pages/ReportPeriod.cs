using System.Globalization;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>
/// What a report is about: from an instant up to, not including, another, cut into days, weeks, months or years for the plots.
/// </summary>
public sealed class ReportPeriod
{
    private readonly List<DateTimeOffset> _starts = [];

    public ReportPeriod(DateTimeOffset from, DateTimeOffset until)
    {
        if (until <= from) throw new ArgumentException("A period ends after it begins.", nameof(until));

        (From, Until) = (from.ToUniversalTime(), until.ToUniversalTime());
        Unit = (until - from).TotalDays switch { <= 31.01 => "day", <= 200 => "week", <= 1_100 => "month", _ => "year" };
        var midnight = new DateTimeOffset(From.Date, TimeSpan.Zero);
        var start = Unit switch
        {
            "day" => midnight,
            "week" => midnight.AddDays(-(((int)midnight.DayOfWeek + 6) % 7)),
            "month" => midnight.AddDays(1 - midnight.Day),
            _ => midnight.AddDays(1 - midnight.DayOfYear),
        };
        for (; start < Until; start = Next(start)) _starts.Add(start);
    }

    public DateTimeOffset From { get; }

    public DateTimeOffset Until { get; }

    /// <summary><c>day</c>, <c>week</c> (they begin on Mondays), <c>month</c> or <c>year</c>; all by UTC.</summary>
    public string Unit { get; }

    internal int Count => _starts.Count;

    internal bool Holds(DateTimeOffset at) => at >= From && at < Until;

    /// <summary>Which part an instant is in that the period holds.</summary>
    internal int PartOf(DateTimeOffset at)
    {
        var found = _starts.BinarySearch(at);
        return Math.Clamp(found >= 0 ? found : ~found - 1, 0, _starts.Count - 1);
    }

    /// <summary>The first day of a part, for an axis.</summary>
    internal string Label(int part) => Unit switch
    {
        "day" or "week" => _starts[part].ToString("d MMM", CultureInfo.InvariantCulture),
        "month" => _starts[part].ToString("MMM yy", CultureInfo.InvariantCulture),
        _ => _starts[part].ToString("yyyy", CultureInfo.InvariantCulture),
    };

    internal string Date(int part) => _starts[part].ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    private DateTimeOffset Next(DateTimeOffset start) => Unit switch
    {
        "day" => start.AddDays(1),
        "week" => start.AddDays(7),
        "month" => start.AddMonths(1),
        _ => start.AddYears(1),
    };
}
