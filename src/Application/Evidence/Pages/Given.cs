using DbAccess.Domain.Scopes;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>One entry of what a plan gives, as <see cref="AgreedPlan"/> writes it, taken apart again.</summary>
/// <param name="Column">The column it is limited to; null for the whole.</param>
/// <param name="Name">As the server writes it: <c>public."Order Items"</c>.</param>
internal sealed record Given(string Privilege, string? Column, string Kind, string Name, string Database)
{
    // The longer ones first: "materialized view" begins with no other, but "table" stands inside "foreign table".
    private static readonly string[] Kinds =
        ["materialized view", "foreign table", "table", "view", "sequence", "function", "procedure", "schema", "database"];

    public bool IsRelation => Kind is "table" or "view" or "materialized view" or "foreign table";

    /// <summary>Null for what is no privilege on one thing: things made later, acting as an owner.</summary>
    public static Given? Parse(string entry)
    {
        var space = entry.IndexOf(' ', StringComparison.Ordinal);
        if (space <= 0) return null;

        var rest = entry[(space + 1)..];
        string? column = null;
        if (rest.StartsWith('('))
        {
            if (Kinds.Select(kind => rest.IndexOf($") on {kind} ", StringComparison.Ordinal)).Where(at => at > 0).DefaultIfEmpty(-1).Min()
                is var close && close < 0) return null;
            column = rest[1..close];
            rest = rest[(close + 2)..];
        }

        if (!rest.StartsWith("on ", StringComparison.Ordinal)) return null;
        rest = rest[3..];
        var kind = Kinds.FirstOrDefault(one => rest.StartsWith($"{one} ", StringComparison.Ordinal));
        var database = rest.LastIndexOf(" in ", StringComparison.Ordinal);
        if (kind is null || database <= kind.Length) return null;
        return new Given(entry[..space], column, kind, rest[(kind.Length + 1)..database], rest[(database + 4)..]);
    }

    /// <summary><c>select, update (status, updated_at)</c> for all entries about one thing.</summary>
    public static string Privileges(IEnumerable<Given> same) => string.Join(", ", same
        .GroupBy(one => one.Privilege, StringComparer.Ordinal).OrderBy(group => group.Key, StringComparer.Ordinal)
        .Select(group => group.Any(one => one.Column is null)
            ? group.Key : $"{group.Key} ({string.Join(", ", group.Select(one => one.Column))})"));
}
