using System.Text.RegularExpressions;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Slack.Words;

/// <summary>Reads lengths of time out of typed words. Pure.</summary>
internal static partial class LengthWords
{
    private const string Units = "dhms";
    private static readonly string[] Endless = ["forever", "endless", "always", "unlimited", "infinite", "infinity", "permanent", "∞"];

    public static bool IsEndless(string word) => Endless.Contains(word, StringComparer.Ordinal);

    /// <summary>Something with a digit first (or a sign before it) where a length is expected: 2w, -5m, 1.5h, 10x.</summary>
    public static bool IsNearly(string word) => NearlyLength().IsMatch(word);

    /// <summary>
    /// A length that begins at this word, written the short way, and how many words it takes: <c>30m</c>, <c>30min</c>, <c>30 minutes</c>,
    /// <c>1h 30m</c>.
    /// </summary>
    public static (string? Length, int Taken) At(List<Word> words, int at)
    {
        var (length, unit, taken) = PartAt(words, at);
        if (length is null) return (null, 0);

        // "1h 30m" is one length, not a length and a reason; "2h 1d" is not.
        while (unit is not null && at + taken < words.Count && PartAt(words, at + taken) is { Length: { } more, Unit: { } smaller } part
            && Units.IndexOf(smaller, StringComparison.Ordinal) > Units.IndexOf(unit.Value, StringComparison.Ordinal))
        {
            (length, unit, taken) = (length + more, smaller, taken + part.Taken);
        }

        return (length, taken);
    }

    private static (string? Length, char? Unit, int Taken) PartAt(List<Word> words, int at)
    {
        var word = words[at].Text.Trim([.. Typed.Around]).TrimEnd([.. Typed.Behind]).ToLowerInvariant();
        if (Durations.LooksLike(word)) return (word, word[^1], 1);
        if (Amount().Match(word) is { Success: true } amount)
            return (amount.Groups["n"].Value + amount.Groups["unit"].Value[0], amount.Groups["unit"].Value[0], 1);
        if (word.Length > 9 || !word.All(char.IsAsciiDigit) || at + 1 == words.Count) return (null, null, 0);

        var next = words[at + 1].Text.Trim([.. Typed.Around]).TrimEnd([.. Typed.Behind]).ToLowerInvariant();
        return UnitWord().IsMatch(next) ? (word + next[0], next[0], 2) : (null, null, 0);
    }

    [GeneratedRegex(@"^[+-]?\d+([.,]\d+)?[\p{L}]{0,12}$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NearlyLength();

    [GeneratedRegex(@"^(?<n>[0-9]{1,9})(?<unit>d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Amount();

    [GeneratedRegex(
        "^(d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex UnitWord();
}
