namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>The statements that bring a scope role in line. Names come quoted by the server.</summary>
internal static class ScopeChanges
{
    public static IEnumerable<string> For(IReadOnlyCollection<ScopeDifference> differences, string scopeIdent)
    {
        // Take first, then give: the other way round a statement that takes a whole table's privilege would take its columns' too.
        foreach (var (what, verb) in (
            (string, string)[])[("spurious", "REVOKE"), ("grantable", "REVOKE GRANT OPTION FOR"), ("missing", "GRANT")])
        {
            var whole = differences.Where(d => d.What == what && d.Kind != "column")
                .GroupBy(d => (d.Kind, d.Ident))
                    .Select(o => (o.Key.Kind, o.Key.Ident,
                    Privileges: string.Join(", ", o.Select(d => d.Privilege!).Distinct().Order(StringComparer.Ordinal))))
                .GroupBy(o => (o.Kind, o.Privileges));
            foreach (var group in whole)
            {
                // Long lists are cut: a statement of a megabyte helps nobody.
                foreach (var chunk in group.Chunk(500))
                    yield return $"{verb} {group.Key.Privileges} ON {Target(group.Key.Kind)} " +
                        $"{string.Join(", ", chunk.Select(o => o.Ident))} {(verb == "GRANT" ? "TO" : "FROM")} " +
                        $"{scopeIdent}{(verb == "GRANT" ? "" : " CASCADE")}";
            }
            foreach (var table in differences.Where(d => d.What == what && d.Kind == "column")
                .GroupBy(d => d.Ident, StringComparer.Ordinal))
                yield return Statement(verb, [.. table], scopeIdent);
        }
        foreach (var difference in differences.Where(d => d.What.StartsWith("default", StringComparison.Ordinal)))
            yield return DefaultStatement(difference, scopeIdent);
    }

    public static string Statement(string verb, IReadOnlyCollection<ScopeDifference> differences, string grantee)
    {
        var first = differences.First();
        var privileges = first.Kind == "column"
            ? string.Join(", ", differences.GroupBy(d => d.Privilege!, StringComparer.Ordinal)
                .Select(g => $"{g.Key} ({string.Join(", ", g.Select(d => d.Column))})"))
            : first.Privilege;
        return $"{verb} {privileges} ON {Target(first.Kind)} {first.Ident} {(verb == "GRANT" ? "TO" : "FROM")} " +
            $"{grantee}{(verb == "GRANT" ? "" : " CASCADE")}";
    }

    public static string DefaultStatement(ScopeDifference d, string scopeIdent)
    {
        var objects = d.Kind switch { "r" => "TABLES", "S" => "SEQUENCES", "f" => "ROUTINES", "T" => "TYPES", "n" => "SCHEMAS",
            _ => "LARGE OBJECTS" };
        var place = d.Ident == ScopeDifference.Unnamed ? "" : $" IN SCHEMA {d.Ident}";
        return d.What == "default-missing"
            ? $"ALTER DEFAULT PRIVILEGES FOR ROLE {d.Owner}{place} GRANT {d.Privilege} ON {objects} TO {scopeIdent}"
            : $"ALTER DEFAULT PRIVILEGES FOR ROLE {d.Owner}{place} REVOKE {d.Privilege} ON {objects} FROM {scopeIdent}";
    }

    private static string Target(string kind) => kind switch
    {
        "column" or "table" => "TABLE",
        "sequence" => "SEQUENCE",
        "function" => "ROUTINE",
        "schema" => "SCHEMA",
        _ => "DATABASE",
    };
}
