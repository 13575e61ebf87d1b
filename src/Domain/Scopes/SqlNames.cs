using System.Text;

namespace DbAccess.Domain.Scopes;

/// <summary>
/// Names of database objects as SQL writes them: <c>public.orders</c>, <c>"we ird"."Order.Items"</c>, a quote inside quotes doubled. A name
/// without quotes is folded to lower case (A to Z only), as PostgreSQL does; a name in quotes is taken as it is. Where patterns are taken,
/// <c>*</c> and <c>?</c> in a name without quotes make one of it; in quotes they are letters like any other. Pure.
/// </summary>
public static class SqlNames
{
    /// <summary>PostgreSQL cuts longer names silently, and would then mean another object.</summary>
    public const int LongestBytes = 63;

    /// <summary>Reads one name: a column, a role.</summary>
    public static (string? Name, string? Wrong) Single(string text)
    {
        var (parts, wrong) = Path(text.Trim());
        if (wrong is not null) return (null, wrong);
        if (parts.Count != 1) return (null, "has a dot outside double quotes; one name belongs here");
        return NotPattern(parts[0]) is { } bad ? (null, bad) : (parts[0].Text, null);
    }

    /// <summary>A name as it is to be typed so that it is read as this one again: in double quotes if need be.</summary>
    public static string Write(string name)
    {
        var at = 0;
        var (part, _) = name.Length == 0 ? (null, null) : Unquoted(name, ref at);
        return at == name.Length && part is { IsPattern: false } && part.Text == name
            ? name : $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    /// <summary>What is wrong where one name belongs; null when nothing is.</summary>
    internal static string? NotPattern(Part part) =>
        part.IsPattern
            ? $"has the pattern '{Show.Text(part.Text)}' where one name belongs (a name that holds such signs goes in double quotes)"
            : null;

    /// <summary>Reads a name of any number of parts that is all of the text.</summary>
    internal static (IReadOnlyList<Part> Parts, string? Wrong) Path(string text)
    {
        var at = 0;
        var (parts, wrong) = PathAt(text, ref at);
        if (wrong is not null) return ([], wrong);
        return at == text.Length ? (parts, null) : ([], Behind(text, at));
    }

    /// <summary>What is wrong with a name behind which something else stands.</summary>
    internal static string Behind(string text, int at) => (text[at], at > 0 && text[at - 1] == '"') switch
    {
        ('*' or '?', true) => $"has '{text[at]}' behind double quotes; a pattern stands without quotes, and stands for small letters",
        ('%' or '[', _) =>
            $"has '{Show.Text(text[at..], 12)}' behind a name; the signs of a pattern are * (any letters) and ? (one letter)",
        _ => $"has '{Show.Text(text[at..], 12)}' behind a name; a name with other characters goes in double quotes, as in SQL",
    };

    /// <summary>Reads the name that is at <paramref name="at"/>, and moves behind it.</summary>
    internal static (IReadOnlyList<Part> Parts, string? Wrong) PathAt(string text, ref int at)
    {
        var parts = new List<Part>();
        while (true)
        {
            var (part, wrong) = at < text.Length && text[at] == '"' ? Quoted(text, ref at) : Unquoted(text, ref at);
            if (wrong is not null) return ([], wrong);
            if (part!.Text.Length == 0) return ([], "lacks a name");
            if (part.Text.Contains('\0', StringComparison.Ordinal))
                return ([], "has a name with a NUL character, which PostgreSQL cannot hold");
            // The shortest name that a pattern stands for: nothing for each star.
            if (Encoding.UTF8.GetByteCount(
                part.IsPattern ? part.Text.Replace("*", "", StringComparison.Ordinal) : part.Text) > LongestBytes)
                return ([], part.IsPattern ? $"has a pattern that no name of at most {LongestBytes} bytes can match"
                    : $"has a name of more than {LongestBytes} bytes, which PostgreSQL would cut");

            parts.Add(part);
            if (at == text.Length || text[at] != '.') return (parts, null);
            at++;
        }
    }

    private static (Part? Part, string? Wrong) Quoted(string text, ref int at)
    {
        var name = new StringBuilder();
        for (at++; at < text.Length; at++)
        {
            if (text[at] != '"')
            {
                name.Append(text[at]);
            }
            else if (at + 1 < text.Length && text[at + 1] == '"')
            {
                name.Append('"');
                at++;
            }
            else
            {
                at++;
                return name.Length == 0
                    ? (null, "has an empty name in double quotes") : (new Part(name.ToString(), IsPattern: false), null);
            }
        }

        return (null, "has a double quote that is not closed");
    }

    private static (Part? Part, string? Wrong) Unquoted(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && text[at] is var c
            && (char.IsAsciiLetterOrDigit(c) || c is '_' or '$' or '*' or '?' || (c > '\u007f' && !char.IsWhiteSpace(c)))) at++;
        var name = text[start..at];
        if (at < text.Length && text[at] == '(')
            return (null, "has '('; a function is named without its arguments, and every function of that name is meant");
        if (name.Length > 0 && (char.IsAsciiDigit(name[0]) || name[0] == '$'))
            return (null, $"has '{Show.Text(name)}', which starts with neither a letter nor '_' and goes in double quotes, as in SQL");

        var folded = string.Create(name.Length, name, (span, from) =>
        {
            for (var i = 0; i < from.Length; i++) span[i] = char.IsAsciiLetterUpper(from[i]) ? (char)(from[i] | 0x20) : from[i];
        });
        return (new Part(folded, folded.AsSpan().ContainsAny('*', '?')), null);
    }

    /// <summary>One name of several with dots between them, folded.</summary>
    internal sealed record Part(string Text, bool IsPattern);
}
