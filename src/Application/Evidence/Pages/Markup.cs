using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>
/// A piece of a page. What stands in the code is taken as it is, and what is put into it is encoded, in texts and in quoted attributes
/// alike, unless it is markup itself.
/// </summary>
internal readonly struct Markup
{
    private readonly string? _html;

    private Markup(string html) => _html = html;

    public static Markup Nothing => default;

    public bool IsEmpty => string.IsNullOrEmpty(_html);

    public static Markup Of(Pieces pieces) => new(pieces.Take());

    public static Markup Text(string text)
    {
        var html = new StringBuilder(text.Length + 8);
        Encode(html, text);
        return new Markup(html.ToString());
    }

    public static Markup All(IEnumerable<Markup> parts, string between = "") => new(string.Join(between, parts.Select(part => part._html)));

    public override string ToString() => _html ?? "";

    /// <summary>
    /// What a reader cannot see but that turns the order of letters round or hides between them is written out: a name must not look like
    /// another. So are control characters, line feeds and tabs apart.
    /// </summary>
    private static void Encode(StringBuilder html, string text)
    {
        foreach (var rune in text.EnumerateRunes())
        {
            switch (rune.Value)
            {
                case '&': html.Append("&amp;"); break;
                case '<': html.Append("&lt;"); break;
                case '>': html.Append("&gt;"); break;
                case '"': html.Append("&quot;"); break;
                case '\'': html.Append("&#39;"); break;
                case '\n' or '\t': html.Append((char)rune.Value); break;
                case '\r': break;
                default:
                    if (IsUnseen(rune)) html.Append(CultureInfo.InvariantCulture, $"⟨U+{rune.Value:X4}⟩");
                    else html.Append(rune.ToString());
                    break;
            }
        }
    }

    /// <summary>Controls, formats (those of direction and of no width among them), fillers and separators that draw nothing.</summary>
    private static bool IsUnseen(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator
            or UnicodeCategory.ParagraphSeparator or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        || rune.Value is 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or 0x3164 or 0xFFA0;

    /// <summary>What the compiler makes of <c>$"…"</c>.</summary>
    [InterpolatedStringHandler]
    internal readonly ref struct Pieces
    {
        private readonly StringBuilder _html;

        public Pieces(int literals, int holes) => _html = new StringBuilder(literals + (holes * 16));

        public void AppendLiteral(string html) => _html.Append(html);

        public void AppendFormatted(Markup part) => _html.Append(part._html);

        public void AppendFormatted(string? text)
        {
            if (text is not null) Encode(_html, text);
        }

        public void AppendFormatted(int number) => _html.Append(CultureInfo.InvariantCulture, $"{number:N0}");

        public void AppendFormatted(long number) => _html.Append(CultureInfo.InvariantCulture, $"{number:N0}");

        /// <summary>For measures of a drawing: never more than two places, always a dot.</summary>
        public void AppendFormatted(double measure) => _html.Append(measure.ToString("0.##", CultureInfo.InvariantCulture));

        internal string Take() => _html.ToString();
    }
}
