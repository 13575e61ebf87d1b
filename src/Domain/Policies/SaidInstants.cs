using System.Globalization;
using System.Text.RegularExpressions;

namespace DbAccess.Domain.Policies;

/// <summary>
/// Instants inside sentences, where all of ours are written as <c>2026-12-01 10:00 UTC</c>: whoever shows a sentence to somebody finds them
/// again and shows them by that person's clock. Pure.
/// </summary>
public static partial class SaidInstants
{
    private static readonly string[] Shapes = ["yyyy-MM-dd HH:mm 'UTC'", "yyyy-MM-dd HH:mm:ss 'UTC'"];

    /// <summary>As sentences say it: to the minute, in UTC.</summary>
    public static string Write(DateTimeOffset at) => at.UtcDateTime.ToString(Shapes[0], CultureInfo.InvariantCulture);

    /// <summary>The words, in order, each with the instant that follows it; null behind the last.</summary>
    public static IEnumerable<(string Words, DateTimeOffset? At)> Split(string text)
    {
        var from = 0;
        foreach (Match match in Shape().Matches(text))
        {
            if (Read(match.Value) is not { } at) continue;
            yield return (text[from..match.Index], at);
            from = match.Index + match.Length;
        }

        yield return (text[from..], null);
    }

    /// <summary>The same sentence by the clocks of a zone, for places that show nothing but letters.</summary>
    /// <param name="zone">Null where nobody knows it: the sentence stays as it is.</param>
    public static string In(string? zone, string text) => zone is null ? text : string.Concat(Split(text).Select(piece =>
        piece.At is { } at
            ? string.Create(CultureInfo.InvariantCulture, $"{piece.Words}{ZonedTimes.Local(zone, at):yyyy-MM-dd HH:mm} ({zone})")
            : piece.Words));

    private static DateTimeOffset? Read(string text) => DateTimeOffset.TryParseExact(
        text, Shapes, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;

    [GeneratedRegex(@"\b\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)? UTC\b", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Shape();
}
