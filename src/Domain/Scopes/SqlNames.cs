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

    private const string Shapes =
        "write 'tables in schema X', 'table X.Y' or 'tables X.part*' (likewise view, sequence, function), 'sequences of table X.Y' or " +
            "'schema X'";

    /// <summary>
    /// Reads what a rule of the policy is on: <c>tables in schema x</c>, <c>table x.y</c>, <c>tables x.y_*</c> (likewise views, sequences,
    /// functions), <c>sequences of table x.y</c> and <c>schema x</c>; where a whole schema is named, also a pattern (<c>x_*</c>). Singular
    /// and plural of the first word mean the same where a name follows. Answers the selector, or what is wrong with the text.
    /// </summary>
    public static (ObjectSelector? Selector, string? Wrong) Selector(string text)
    {
        var rest = text.AsSpan().Trim();
        var first = Word(ref rest);
        var plural = first is [_, .., 's'];
        ObjectKind? kind = (plural ? first[..^1] : first) switch
        {
            "table" => ObjectKind.Table,
            "view" => ObjectKind.View,
            "sequence" => ObjectKind.Sequence,
            "function" => ObjectKind.Function,
            "schema" when !plural => ObjectKind.Schema,
            _ => null,
        };
        if (kind is not { } objects) return (null, $"names no objects; {Shapes}");
        if (objects is ObjectKind.Schema)
        {
            return Whole(objects, rest, first);
        }

        if (rest.Length == 0) return (null, $"does not say which {first}; {Shapes}");

        var behind = rest;
        switch (Word(ref behind))
        {
            case "in":
                if (!plural) return (null, $"says '{first} in'; for all of them write '{first}s in schema X'");
                if (Word(ref behind) is not "schema") return (null, $"does not say which {first}; {Shapes}");
                return Whole(objects, behind, first);
            case "of" when objects is ObjectKind.Sequence:
                if (Word(ref behind) is not "table") return (null, $"does not say of which table; {Shapes}");
                var (table, wrongTable) = One(behind, 2, "sequences of table");
                return wrongTable is null ? (new ObjectSelector(objects, table[0], null) { OfTable = table[1] }, null) : (null, wrongTable);
        }

        var (parts, fault) = Path(rest.Trim().ToString());
        if ((fault ?? WrongCount(parts, 2, first)) is { } bad) return (null, bad);
        if (parts[0].IsPattern)
            return (null, $"has the pattern '{Show.Text(parts[0].Text)}' for a schema, which goes with all of it only: " +
                $"'{first.TrimEnd('s')}s in schema X_*'");
        if (!parts[1].IsPattern) return (new ObjectSelector(objects, parts[0].Text, parts[1].Text), null);

        // A pattern that leaves nothing out is the whole schema, and what is made there later with it.
        var pattern = parts[1].Text.Trim('*').Length == 0 ? null : parts[1].Text;
        return (new ObjectSelector(objects, parts[0].Text, null) { Pattern = pattern }, null);
    }

    /// <summary>A schema, or some by a pattern.</summary>
    private static (ObjectSelector? Selector, string? Wrong) Whole(ObjectKind kind, ReadOnlySpan<char> text, string first)
    {
        var (parts, wrong) = Path(text.Trim().ToString());
        if ((wrong ?? WrongCount(parts, 1, first)) is { } bad) return (null, bad);
        if (parts[0].IsPattern && parts[0].Text.Trim('*', '?').Length == 0)
            return (null, $"has the pattern '{Show.Text(parts[0].Text)}', which is every schema there is or will be; say how they begin");
        return (new ObjectSelector(kind, parts[0].Text, null) { SchemaIsPattern = parts[0].IsPattern }, null);
    }

    /// <summary>Reads one name: a column, a role.</summary>
    public static (string? Name, string? Wrong) Single(string text)
    {
        var (parts, wrong) = Path(text.Trim());
        if (wrong is not null) return (null, wrong);
        if (parts.Count != 1) return (null, "has a dot outside double quotes; one name belongs here");
        return NotPattern(parts[0]) is { } bad ? (null, bad) : (parts[0].Text, null);
    }

    /// <summary>Reads tables as people list them: parted by commas, white space, or both.</summary>
    public static (IReadOnlyList<TableMention> Tables, string? Wrong) Tables(string text)
    {
        var tables = new List<TableMention>();
        for (var at = 0; ;)
        {
            while (at < text.Length && (text[at] is ',' or ';' || char.IsWhiteSpace(text[at]))) at++;
            if (at == text.Length) return (tables, null);

            var (table, wrong) = Table(text, ref at);
            if (wrong is not null) return ([], wrong);
            if (at < text.Length && text[at] is not (',' or ';') && !char.IsWhiteSpace(text[at])) return ([], Behind(text, at));
            tables.Add(table!);
        }
    }

    /// <summary>Reads the table that is named at <paramref name="at"/>, and moves behind it; whatever follows is the caller's.</summary>
    public static (TableMention? Table, string? Wrong) Table(string text, ref int at)
    {
        var (parts, wrong) = PathAt(text, ref at);
        if (wrong is not null) return (null, wrong);
        if (parts.Count > 2) return (null, $"has {parts.Count} names where a table has two at most (schema.table)");
        if (parts.Select(NotPattern).FirstOrDefault(bad => bad is not null) is { } pattern) return (null, pattern);
        return (parts.Count == 1 ? new TableMention(null, parts[0].Text) : new TableMention(parts[0].Text, parts[1].Text), null);
    }

    /// <summary>A name as it is to be typed so that it is read as this one again: in double quotes if need be.</summary>
    public static string Write(string name)
    {
        var at = 0;
        var (part, _) = name.Length == 0 ? (null, null) : Unquoted(name, ref at);
        return at == name.Length && part is { IsPattern: false } && part.Text == name
            ? name : $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    /// <summary>Names of exactly this many parts, without patterns.</summary>
    private static (string[] Names, string? Wrong) One(ReadOnlySpan<char> text, int wanted, string first)
    {
        var (parts, wrong) = Path(text.Trim().ToString());
        return (wrong ?? WrongCount(parts, wanted, first) ?? parts.Select(NotPattern).FirstOrDefault(bad => bad is not null)) is { } bad
            ? ([], bad) : ([.. parts.Select(part => part.Text)], null);
    }

    private static string? WrongCount(IReadOnlyList<Part> parts, int wanted, string first)
    {
        if (parts.Count == wanted) return null;
        return wanted == 2 && parts.Count == 1
            ? $"does not say the schema; write '{first} public.{Show.Text(parts[0].Text)}' if it is in public"
            : $"has {parts.Count} names where {wanted} belong; {Shapes}";
    }

    private static string? NotPattern(Part part) =>
        part.IsPattern
            ? $"has the pattern '{Show.Text(part.Text)}' where one name belongs (a name that holds such signs goes in double quotes)"
            : null;

    private static (IReadOnlyList<Part> Parts, string? Wrong) Path(string text)
    {
        var at = 0;
        var (parts, wrong) = PathAt(text, ref at);
        if (wrong is not null) return ([], wrong);
        return at == text.Length ? (parts, null) : ([], Behind(text, at));
    }

    private static string Behind(string text, int at) => (text[at], at > 0 && text[at - 1] == '"') switch
    {
        ('*' or '?', true) => $"has '{text[at]}' behind double quotes; a pattern stands without quotes, and stands for small letters",
        ('%' or '[', _) =>
            $"has '{Show.Text(text[at..], 12)}' behind a name; the signs of a pattern are * (any letters) and ? (one letter)",
        _ => $"has '{Show.Text(text[at..], 12)}' behind a name; a name with other characters goes in double quotes, as in SQL",
    };

    private static (IReadOnlyList<Part> Parts, string? Wrong) PathAt(string text, ref int at)
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

    private static string Word(ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOf(' ');
        var word = (end < 0 ? rest : rest[..end]).ToString().ToLowerInvariant();
        rest = end < 0 ? [] : rest[end..].TrimStart();
        return word;
    }

    private sealed record Part(string Text, bool IsPattern);
}
