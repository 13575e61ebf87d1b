using System.Text.RegularExpressions;
using DbAccess.Application.Grants;
using DbAccess.Domain.Grants;

namespace DbAccess.Api.Slack.Words;

/// <summary>One word of a line and where it stands in it.</summary>
internal sealed record Word(string Text, int Start, int End);

/// <summary>Typed text, letter by letter: what Slack, phones and pages put around words is taken away. Pure.</summary>
internal static partial class Typed
{
    // What stands around a word: quotation marks, and what copying from a page leaves behind unseen.
    public const string Around = ",\"'`“”‘’\u200b\u2060\ufeff";
    public const string Behind = ".;:!";
    private const string Dashes = "-–—:,;.";

    private static readonly string[] Fillers =
        ["on", "for", "access", "to", "the", "@", "please", "database", "db", "as", "with", "i", "we", "need", "want", "give", "get", "me",
            "us", "a", "an", "in", "of", "and", "my", "scope"];

    /// <summary>
    /// Takes away what Slack puts around typed text: <c>&amp;amp;</c> and its kin, and the wrapping of mentions and links.
    /// </summary>
    /// <param name="mentions">Show a mentioned person by their id, <c>@U…</c>, and not by what they are called.</param>
    public static string Unwrap(string text, bool mentions = false)
    {
        var plain = Wrapped().Replace(text, match =>
        {
            var (inner, label) = (match.Groups["inner"].Value, match.Groups["label"]);
            return inner switch
            {
                ['@', ..] => label is { Success: true, Length: > 0 } && !mentions ? "@" + label.Value : inner,
                ['#', ..] => label is { Success: true, Length: > 0 } ? "#" + label.Value : inner,
                ['!', ..] => label is { Success: true, Length: > 0 } ? label.Value : "@" + inner[1..],
                // A table that looks like a host (app.events): Slack made a link of it that nobody typed.
                _ when label.Success && inner.TrimEnd('/') is ['h', 't', 't', 'p', ':', '/', '/', .. var host] && host == label.Value =>
                    label.Value,
                _ => label is { Success: true, Length: > 0 } && !inner.Contains(label.Value, StringComparison.Ordinal)
                    ? $"{label.Value} ({inner})" : inner,
            };
        });
        return plain.Replace("&lt;", "<", StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal)
            .Replace("&amp;", "&", StringComparison.Ordinal);
    }

    /// <summary>The people who are mentioned in what Slack sent: each as <see cref="Unwrap"/> shows them, with their user id.</summary>
    public static IReadOnlyList<(string Shown, string User)> Mentions(string text) =>
        [.. Mentioned().Matches(text).Select(match => (Unwrap(match.Value), match.Groups["user"].Value))];

    /// <summary>
    /// Full-width letters and digits as plain ones. Not String.Normalize: without a culture library, as we run, it changes nothing.
    /// </summary>
    public static string Narrow(string text) =>
        string.Create(text.Length, text, (letters, from) =>
        {
            for (var i = 0; i < letters.Length; i++)
                letters[i] = from[i] is >= '\uff01' and <= '\uff5e' ? (char)(from[i] - 0xfee0) : from[i];
        });

    /// <summary>Small words, which say nothing unless they are names.</summary>
    public static bool IsFiller(string word) => Fillers.Contains(word, StringComparer.Ordinal);

    public static bool IsDash(string word) => word.All(letter => Dashes.Contains(letter, StringComparison.Ordinal));

    /// <summary>A word without what stands around it; a name may hold a dot, and may even end in one.</summary>
    public static string Bare(string typed, PolicyNames names)
    {
        var word = typed.Trim([.. Around]).TrimStart('@').ToLowerInvariant();
        return names.IsName(word) || word.All(letter => Behind.Contains(letter, StringComparison.Ordinal))
            ? word : word.TrimEnd([.. Behind]);
    }

    /// <summary>What somebody typed, inside a sentence of ours: a back-tick of theirs would pair up with one of ours.</summary>
    public static string Quoted(string typed)
    {
        var shown = typed.Replace('`', '\'');
        return $"\"{(shown.Length > 60 ? shown[..(char.IsHighSurrogate(shown[59]) ? 59 : 60)] + "…" : shown)}\"";
    }

    public static (string First, string Others) SplitFirst(string line)
    {
        var space = 0;
        while (space < line.Length && !char.IsWhiteSpace(line[space])) space++;
        return (line[..space], line[space..].Trim());
    }

    public static List<Word> Words(string line, int start = 0)
    {
        var words = new List<Word>();
        for (var i = start; i < line.Length;)
        {
            while (i < line.Length && char.IsWhiteSpace(line[i])) i++;
            var from = i;
            while (i < line.Length && !char.IsWhiteSpace(line[i])) i++;
            if (i > from) words.Add(new Word(Narrow(line[from..i]), from, i));
        }

        return words;
    }

    /// <summary>A reason as it was typed, without the dash or colon that only led up to it.</summary>
    public static string ReasonFrom(string line, int start)
    {
        var reason = line[start..].Trim();
        var (first, rest) = SplitFirst(reason);
        if (first.Length is 1 or 2 && IsDash(first)) return rest;
        return reason.Length > 0 && reason[0] is ':' or ',' ? reason[1..].TrimStart() : reason;
    }

    // Also as somebody typed or copied it, letter by letter.
    [GeneratedRegex(@"(<|&lt;)@(?<user>[UW][A-Z0-9]{2,20})(\|[^<>&]*)?(>|&gt;)",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Mentioned();

    [GeneratedRegex(@"<(?<inner>[@#!]?[^<>|]+)(?:\|(?<label>[^<>]*))?>", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Wrapped();

    /// <summary>A grant's id as people type it; null when it is none.</summary>
    public static GrantId? Id(string typed) => GrantId.Parse(Narrow(typed).Trim('`', '"', ' '));
}
