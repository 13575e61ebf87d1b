namespace DbAccess.Domain.Scopes;

/// <summary>What a rule of a policy is on, as people write it. Pure.</summary>
public static class SelectorWords
{
    private const string Shapes =
        "write 'tables in schema X', 'table X.Y' or 'tables X.part*' (likewise view, sequence, function), 'sequences of table X.Y' or " +
            "'schema X'";

    /// <summary>
    /// Reads what a rule of the policy is on: <c>tables in schema x</c>, <c>table x.y</c>, <c>tables x.y_*</c> (likewise views, sequences,
    /// functions), <c>sequences of table x.y</c> and <c>schema x</c>; where a whole schema is named, also a pattern (<c>x_*</c>). Singular
    /// and plural of the first word mean the same where a name follows. Answers the selector, or what is wrong with the text.
    /// </summary>
    public static (ObjectSelector? Selector, string? Wrong) Read(string text)
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

        var (parts, fault) = SqlNames.Path(rest.Trim().ToString());
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
        var (parts, wrong) = SqlNames.Path(text.Trim().ToString());
        if ((wrong ?? WrongCount(parts, 1, first)) is { } bad) return (null, bad);
        if (parts[0].IsPattern && parts[0].Text.Trim('*', '?').Length == 0)
            return (null, $"has the pattern '{Show.Text(parts[0].Text)}', which is every schema there is or will be; say how they begin");
        return (new ObjectSelector(kind, parts[0].Text, null) { SchemaIsPattern = parts[0].IsPattern }, null);
    }

    /// <summary>Names of exactly this many parts, without patterns.</summary>
    private static (string[] Names, string? Wrong) One(ReadOnlySpan<char> text, int wanted, string first)
    {
        var (parts, wrong) = SqlNames.Path(text.Trim().ToString());
        var pattern = parts.Select(SqlNames.NotPattern).FirstOrDefault(bad => bad is not null);
        return (wrong ?? WrongCount(parts, wanted, first) ?? pattern) is { } bad
            ? ([], bad) : ([.. parts.Select(part => part.Text)], null);
    }

    private static string? WrongCount(IReadOnlyList<SqlNames.Part> parts, int wanted, string first)
    {
        if (parts.Count == wanted) return null;
        return wanted == 2 && parts.Count == 1
            ? $"does not say the schema; write '{first} public.{Show.Text(parts[0].Text)}' if it is in public"
            : $"has {parts.Count} names where {wanted} belong; {Shapes}";
    }

    private static string Word(ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOf(' ');
        var word = (end < 0 ? rest : rest[..end]).ToString().ToLowerInvariant();
        rest = end < 0 ? [] : rest[end..].TrimStart();
        return word;
    }
}
