using System.Text;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>Scopes shrunk to what was used in the period, as text for the policy file. A proposal: somebody has to read it.</summary>
internal static class ScopeProposal
{
    /// <summary>Null where there is none to propose.</summary>
    public static string? For(IEnumerable<ScopeUse> uses)
    {
        var scopes = uses.Select(Entry).OfType<string>().ToList();
        return scopes.Count == 0 ? null
            : $"# Whatever else the policy says of these scopes (description, settings, ...) stays.\nscopes:\n{string.Concat(scopes)}";
    }

    /// <summary>Null where nothing can be said, nothing is left out, or nothing would remain.</summary>
    private static string? Entry(ScopeUse use)
    {
        if (use.Unknown is not null || !use.Unused.Any()) return null;

        // A table may be unused in one database and used in another under the same rule: what any needs is kept.
        var kept = use.Things.Where(thing => thing.Kind is not "database" && (!thing.IsRelation || thing.IsMentioned))
            .GroupBy(thing => (Kind: Word(thing.Kind), Name: Named(thing)))
            .Select(same => (same.Key, Privileges: same.SelectMany(thing => thing.Kept).Distinct().ToList()))
            .Where(one => one.Privileges.Count > 0).ToList();
        if (!kept.Any(one => one.Key.Kind is "table" or "view")) return null;

        var yaml = new StringBuilder().Append("  ").Append(use.Scope).Append(":\n    privileges:\n");
        foreach (var (on, privileges) in kept)
        {
            // USAGE on a schema comes by itself with what is inside.
            if (on.Kind is "schema" && kept.Any(one => one.Key.Kind is not "schema")) continue;
            var whole = privileges.Where(one => one.Column is null).Select(one => one.Privilege).ToList();
            if (whole.Count > 0) Rule(on.Kind, on.Name, whole, []);
            foreach (var columns in privileges.Where(one => one.Column is not null && !whole.Contains(one.Privilege))
                .GroupBy(one => one.Privilege, one => one.Column!, StringComparer.Ordinal))
                Rule(on.Kind, on.Name, [columns.Key], [.. columns]);
        }

        return yaml.ToString();

        void Rule(string kind, string name, IReadOnlyList<string> allow, IReadOnlyList<string> columns)
        {
            yaml.Append("      - { on: ").Append(Quoted($"{kind} {name}")).Append(", allow: [").AppendJoin(", ", allow).Append(']');
            if (columns.Count > 0) yaml.Append(", columns: [").AppendJoin(", ", columns.Select(Quoted)).Append(']');
            yaml.Append(" }\n");
        }
    }

    private static string Word(string kind) => kind switch
    {
        "foreign table" => "table",
        "materialized view" => "view",
        "procedure" => "function",
        _ => kind,
    };

    /// <summary>A function is named without its arguments.</summary>
    private static string Named(ThingUse thing) =>
        Word(thing.Kind) is "function" && thing.Name.IndexOf('(', StringComparison.Ordinal) is var open and > 0
            ? thing.Name[..open] : thing.Name;

    /// <summary>In single quotes a backslash is a letter and a quote is doubled.</summary>
    private static string Quoted(string text) => text.AsSpan().ContainsAny('"', '\\')
        ? $"'{text.Replace("'", "''", StringComparison.Ordinal)}'" : $"\"{text}\"";
}
