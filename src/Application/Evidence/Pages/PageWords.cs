using System.Globalization;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>Times, lengths and counts as both pages write them. All times are UTC, which the pages say once.</summary>
internal static class PageWords
{
    public static Markup Time(DateTimeOffset at) =>
        Markup.Of($"<time datetime=\"{Exact(at)}\">{Day(at)}, {Clock(at)}</time>");

    /// <summary>The clock alone where the day is that of <paramref name="before"/>.</summary>
    public static Markup TimeAfter(DateTimeOffset? before, DateTimeOffset at) => before?.UtcDateTime.Date == at.UtcDateTime.Date
        ? Markup.Of($"<time datetime=\"{Exact(at)}\">{Clock(at)}</time>") : Time(at);

    /// <summary>Of a list in order: with the day, on a line of its own, where it is another one than before.</summary>
    public static Markup Next(ref DateTimeOffset? before, DateTimeOffset at)
    {
        var time = before?.UtcDateTime.Date == at.UtcDateTime.Date ? TimeAfter(before, at)
            : Markup.Of($"<time datetime=\"{Exact(at)}\"><span class=\"day\">{Day(at)}</span> {Clock(at)}</time>");
        before = at;
        return time;
    }

    public static string Day(DateTimeOffset at) => at.UtcDateTime.ToString("d MMM yyyy", CultureInfo.InvariantCulture);

    /// <summary>To the second; tenths where they tell something.</summary>
    public static string Clock(DateTimeOffset at) =>
        at.UtcDateTime.ToString(at.Millisecond >= 100 ? "HH:mm:ss.f" : "HH:mm:ss", CultureInfo.InvariantCulture);

    public static string Exact(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    public static string Length(TimeSpan length) => length switch
    {
        { TotalSeconds: < 0.05 } => "0 s",
        { TotalSeconds: < 10 } => string.Create(CultureInfo.InvariantCulture, $"{length.TotalSeconds:0.#} s"),
        { TotalSeconds: < 59.5 } => string.Create(CultureInfo.InvariantCulture, $"{length.TotalSeconds:0} s"),
        { TotalMinutes: < 9.9 } => Two((long)Math.Round(length.TotalSeconds), 60, "min", "s"),
        { TotalHours: < 24 } => Two((long)Math.Round(length.TotalMinutes), 60, "h", "min"),
        _ => Two((long)Math.Round(length.TotalHours), 24, "d", "h"),
    };

    /// <param name="many">Where an s does not do.</param>
    public static string Count(long number, string what, string? many = null) =>
        string.Create(CultureInfo.InvariantCulture, $"{number:N0} {(number == 1 ? what : many ?? $"{what}s")}");

    public static string Listed(IReadOnlyList<string> names) =>
        names.Count < 2 ? string.Concat(names) : $"{string.Join(", ", names.Take(names.Count - 1))} and {names[^1]}";

    /// <summary>Enough of a hash to tell it from others by eye.</summary>
    public static string Short(string hash) => hash.Length > 12 ? hash[..12] : hash;

    private static string Two(long small, long each, string large, string unit)
    {
        var (whole, rest) = (small / each, small % each);
        return whole == 0 ? $"{rest} {unit}" : rest == 0 ? $"{whole} {large}" : $"{whole} {large} {rest} {unit}";
    }
}
