namespace DbAccess.Domain.Scopes;

/// <summary>A table or view as somebody named it, with or without its schema.</summary>
public sealed record TableMention(string? Schema, string Name)
{
    /// <summary>More than this nobody reads in a message; who needs them needs a scope of its own.</summary>
    public const int Most = 50;

    /// <summary>As it is to be typed again.</summary>
    public override string ToString() => Schema is null ? SqlNames.Write(Name) : $"{SqlNames.Write(Schema)}.{SqlNames.Write(Name)}";

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
