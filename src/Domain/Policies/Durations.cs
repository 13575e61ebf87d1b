using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace DbAccess.Domain.Policies;

/// <summary>Lengths of time as people write them: <c>45s</c>, <c>30m</c>, <c>2h</c>, <c>1h30m</c>, <c>1d</c>.</summary>
public static partial class Durations
{
    /// <summary>Longer than any rule may give; a wish beyond it is a typing mistake.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromDays(366);

    /// <summary>True when the text has the shape of a duration, whether or not its size makes sense.</summary>
    public static bool LooksLike(string text) => Shape().IsMatch(text);

    /// <summary>Null when the text is not a duration, is zero, or is longer than <see cref="Longest"/>.</summary>
    public static TimeSpan? Parse(string? text) => Parse(text, Longest);

    /// <summary>Null when the text is not a duration, is zero, or is longer than that.</summary>
    public static TimeSpan? Parse(string? text, TimeSpan longest)
    {
        if (text is null || Shape().Match(text) is not { Success: true } match) return null;

        double seconds = 0;
        foreach (var (group, unit) in (ReadOnlySpan<(string, double)>)[("d", 86400), ("h", 3600), ("m", 60), ("s", 1)])
        {
            if (match.Groups[group] is { Success: true, Value: var digits })
                seconds += double.Parse(digits, CultureInfo.InvariantCulture) * unit;
        }

        return seconds <= 0 || seconds > longest.TotalSeconds ? null : TimeSpan.FromSeconds(seconds);
    }

    /// <summary>The shortest way to write it: <c>1h30m</c>, not <c>90m</c>. Parts of a second are left out.</summary>
    public static string Write(TimeSpan duration)
    {
        var text = new StringBuilder();
        if (duration.Days > 0) text.Append(CultureInfo.InvariantCulture, $"{duration.Days}d");
        if (duration.Hours > 0) text.Append(CultureInfo.InvariantCulture, $"{duration.Hours}h");
        if (duration.Minutes > 0) text.Append(CultureInfo.InvariantCulture, $"{duration.Minutes}m");
        if (duration.Seconds > 0 || text.Length == 0) text.Append(CultureInfo.InvariantCulture, $"{duration.Seconds}s");
        return text.ToString();
    }

    [GeneratedRegex("^(?=[0-9])(?:(?<d>[0-9]{1,6})d)?(?:(?<h>[0-9]{1,6})h)?(?:(?<m>[0-9]{1,7})m)?(?:(?<s>[0-9]{1,9})s)?\\z",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Shape();
}
