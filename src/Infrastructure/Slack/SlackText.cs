using System.Globalization;
using System.Text;

namespace DbAccess.Infrastructure.Slack;

/// <summary>
/// Makes text from people fit to be shown: nothing invisible, nothing that turns the reading direction, never longer than Slack takes.
/// One field that is too long makes Slack refuse the whole message. Lengths are counted as Slack may count them, after escaping.
/// </summary>
internal static class SlackText
{
    private const char Ellipsis = '…';

    /// <summary>Text for a literal element: cleaned and cut, not escaped.</summary>
    public static string Lines(string text, int most) => Cut(Clean(text, keepLines: true), most);

    /// <summary>The same on one line, so that no value can pretend to be a further field.</summary>
    public static string Line(string text, int most) => Cut(Clean(text, keepLines: false), most);

    /// <summary>
    /// Text for a place where Slack reads <c>&lt;…&gt;</c>: cleaned, cut, then escaped. The cut counts escaped lengths, so no entity is
    /// ever cut in two.
    /// </summary>
    public static string Escaped(string text, int most) => Escape(Lines(text, most));

    public static string Escape(string text) =>
        text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal);

    /// <summary>Cuts between characters, never inside one, and says so with an ellipsis.</summary>
    public static string Cut(string text, int most)
    {
        if (Weight(text) <= most) return text;

        var kept = new StringBuilder();
        var weight = 1;
        foreach (var rune in text.EnumerateRunes())
        {
            weight += Weight(rune);
            if (weight > most) break;
            kept.Append(rune);
        }

        return kept.Append(Ellipsis).ToString();
    }

    /// <summary>How long Slack may find a text to be.</summary>
    public static int Weight(string text)
    {
        var weight = 0;
        foreach (var rune in text.EnumerateRunes()) weight += Weight(rune);
        return weight;
    }

    private static int Weight(Rune rune) => rune.Value switch
    {
        '&' => 5,
        '<' or '>' => 4,
        _ => rune.Utf16SequenceLength,
    };

    private static string Clean(string text, bool keepLines)
    {
        var clean = new StringBuilder(text.Length);
        foreach (var rune in text.Replace("\r\n", "\n", StringComparison.Ordinal).EnumerateRunes())
        {
            if (rune.Value is '\n' or '\r' or 0x85 or 0x2028 or 0x2029) clean.Append(keepLines ? '\n' : ' ');
            else if (rune.Value is '\t') clean.Append(keepLines ? '\t' : ' ');
            else if (!IsHidden(rune)) clean.Append(rune);
        }

        return clean.ToString().Trim();
    }

    /// <summary>Controls, what turns the reading direction, and what has no width: all of them make text look like other text.</summary>
    private static bool IsHidden(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format
        || rune.Value is 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or 0x3164 or 0xFFA0 or (>= 0x180B and <= 0x180F);
}
