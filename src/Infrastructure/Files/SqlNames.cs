using System.Text;
using DbAccess.Domain.Scopes;

namespace DbAccess.Infrastructure.Files;

/// <summary>
/// Names of database objects as SQL writes them: <c>public.orders</c>, <c>"we ird"."Order.Items"</c>, a quote inside quotes doubled. A name
/// without quotes is folded to lower case (A to Z only), as PostgreSQL does; a name in quotes is taken as it is.
/// </summary>
internal static class SqlNames
{
    /// <summary>PostgreSQL cuts longer names silently, and would then mean another object.</summary>
    public const int LongestBytes = 63;

    /// <summary>Reads <c>tables in schema x</c>, <c>table x.y</c> (likewise sequences and functions) and <c>schema x</c>. Answers the selector, or what is wrong with the text.</summary>
    public static (ObjectSelector? Selector, string? Wrong) Selector(string text)
    {
        const string shapes = "write 'tables in schema X', 'table X.Y' (likewise sequence, function) or 'schema X'";
        var rest = text.AsSpan().Trim();
        var first = Word(ref rest);
        var (kind, plural) = first switch
        {
            "table" => (ObjectKind.Table, false),
            "tables" => (ObjectKind.Table, true),
            "sequence" => (ObjectKind.Sequence, false),
            "sequences" => (ObjectKind.Sequence, true),
            "function" => (ObjectKind.Function, false),
            "functions" => (ObjectKind.Function, true),
            "schema" => (ObjectKind.Schema, false),
            _ => ((ObjectKind?)null, false),
        };
        if (kind is not { } objects) return (null, $"names no objects; {shapes}");
        if (plural && (Word(ref rest) is not "in" || Word(ref rest) is not "schema")) return (null, $"does not say which {first}; {shapes}");

        var (parts, wrong) = Path(rest.Trim().ToString());
        if (wrong is not null) return (null, wrong);
        var wanted = plural || objects is ObjectKind.Schema ? 1 : 2;
        if (parts.Count != wanted)
        {
            return (null, wanted == 2 && parts.Count == 1
                ? $"does not say the schema; write '{first} public.{Show.Text(parts[0])}' if it is in public"
                : $"has {parts.Count} names where {wanted} belong; {shapes}");
        }

        return (new ObjectSelector(objects, parts[0], wanted == 2 ? parts[1] : null), null);
    }

    /// <summary>Reads one name: a column, a role.</summary>
    public static (string? Name, string? Wrong) Single(string text)
    {
        var (parts, wrong) = Path(text.Trim());
        if (wrong is not null) return (null, wrong);
        return parts.Count == 1 ? (parts[0], null) : (null, "has a dot outside double quotes; one name belongs here");
    }

    private static (IReadOnlyList<string> Parts, string? Wrong) Path(string text)
    {
        var parts = new List<string>();
        var at = 0;
        while (true)
        {
            var (name, wrong) = at < text.Length && text[at] == '"' ? Quoted(text, ref at) : Unquoted(text, ref at);
            if (wrong is not null) return ([], wrong);
            if (name!.Length == 0) return ([], "lacks a name");
            if (name.Contains('\0', StringComparison.Ordinal)) return ([], "has a name with a NUL character, which PostgreSQL cannot hold");
            if (Encoding.UTF8.GetByteCount(name) > LongestBytes) return ([], $"has a name of more than {LongestBytes} bytes, which PostgreSQL would cut");

            parts.Add(name);
            if (at == text.Length) return (parts, null);
            if (text[at] != '.') return ([], $"has '{Show.Text(text[at..], 12)}' behind a name; a name with other characters goes in double quotes, as in SQL");
            at++;
        }
    }

    private static (string? Name, string? Wrong) Quoted(string text, ref int at)
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
                return name.Length == 0 ? (null, "has an empty name in double quotes") : (name.ToString(), null);
            }
        }

        return (null, "has a double quote that is not closed");
    }

    private static (string? Name, string? Wrong) Unquoted(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && text[at] is var c && (char.IsAsciiLetterOrDigit(c) || c is '_' or '$' || c > '\u007f')) at++;
        var name = text[start..at];
        if (at < text.Length && text[at] == '(') return (null, "has '('; a function is named without its arguments, and every function of that name is meant");
        if (name.Length > 0 && (char.IsAsciiDigit(name[0]) || name[0] == '$')) return (null, $"has '{Show.Text(name)}', which starts with neither a letter nor '_' and goes in double quotes, as in SQL");

        return (string.Create(name.Length, name, (span, from) =>
        {
            for (var i = 0; i < from.Length; i++) span[i] = char.IsAsciiLetterUpper(from[i]) ? (char)(from[i] | 0x20) : from[i];
        }), null);
    }

    private static string Word(ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOf(' ');
        var word = (end < 0 ? rest : rest[..end]).ToString().ToLowerInvariant();
        rest = end < 0 ? [] : rest[end..].TrimStart();
        return word;
    }
}
