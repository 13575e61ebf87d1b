namespace DbAccess.Domain.Scopes;

/// <summary>A table or view as somebody named it, with or without its schema.</summary>
public sealed record TableMention(string? Schema, string Name)
{
    /// <summary>More than this nobody reads in a message; who needs them needs a scope of its own.</summary>
    public const int Most = 50;

    /// <summary>As it is to be typed again.</summary>
    public override string ToString() => Schema is null ? SqlNames.Write(Name) : $"{SqlNames.Write(Schema)}.{SqlNames.Write(Name)}";

    /// <summary>Reads tables as people list them: parted by commas, white space, or both.</summary>
    public static (IReadOnlyList<TableMention> Tables, string? Wrong) ReadAll(string text)
    {
        var tables = new List<TableMention>();
        for (var at = 0; ;)
        {
            while (at < text.Length && (text[at] is ',' or ';' || char.IsWhiteSpace(text[at]))) at++;
            if (at == text.Length) return (tables, null);

            var (table, wrong) = Read(text, ref at);
            if (wrong is not null) return ([], wrong);
            if (at < text.Length && text[at] is not (',' or ';') && !char.IsWhiteSpace(text[at])) return ([], SqlNames.Behind(text, at));
            tables.Add(table!);
        }
    }

    /// <summary>Reads the table that is named at <paramref name="at"/>, and moves behind it; whatever follows is the caller's.</summary>
    public static (TableMention? Table, string? Wrong) Read(string text, ref int at)
    {
        var (parts, wrong) = SqlNames.PathAt(text, ref at);
        if (wrong is not null) return (null, wrong);
        if (parts.Count > 2) return (null, $"has {parts.Count} names where a table has two at most (schema.table)");
        if (parts.Select(SqlNames.NotPattern).FirstOrDefault(bad => bad is not null) is { } pattern) return (null, pattern);
        return (parts.Count == 1 ? new TableMention(null, parts[0].Text) : new TableMention(parts[0].Text, parts[1].Text), null);
    }

    /// <summary>
    /// The scope narrowed to these tables. A table without a schema is in the scope's own, if it names only one; otherwise that is asked
    /// back, since a table of the same name in another schema is another table.
    /// </summary>
    public static Result<PrivilegeScope> Narrow(PrivilegeScope scope, IReadOnlyList<TableMention> only)
    {
        var tables = scope.Privileges.Where(rule => rule.On.Kind is ObjectKind.Table or ObjectKind.View).ToList();
        var schemas = tables.Select(rule => rule.On.Schema).Distinct(StringComparer.Ordinal).ToList();
        var several = schemas.Count > 1 || tables.Exists(rule => rule.On.SchemaIsPattern);
        if (scope.RunAs is null && several && only.FirstOrDefault(table => table.Schema is null) is { } unclear)
        {
            var possible = scope.Privileges.Where(rule => rule.On.Kind is ObjectKind.Table or ObjectKind.View
                && rule.On.Covers(unclear.Name)).Select(rule => rule.On.Schema).Distinct(StringComparer.Ordinal).ToList();
            var choices = (possible.Count > 0 ? possible : schemas).Take(5).Select(schema => (unclear with { Schema = schema }).ToString());
            return new Error("scope.which_schema",
                $"{scope.Name} is about several schemas: which {unclear} do you mean? Write it with its schema, for example " +
                $"{string.Join(" or ", choices)}.");
        }

        return scope.NarrowTo([.. only.Select(table => new TableName(table.Schema ?? schemas.FirstOrDefault() ?? "public", table.Name))]);
    }
}
