using System.Text.RegularExpressions;

namespace DbAccess.Domain.Scopes;

/// <summary>What people type for a scope (<c>read</c>, <c>fix-orders</c>): a key of the policy file.</summary>
public sealed partial record ScopeName
{
    private ScopeName(string value) => Value = value;

    public string Value { get; }

    public static ScopeName? Parse(string? text) => text is not null && Shape().IsMatch(text) ? new ScopeName(text) : null;

    public override string ToString() => Value;

    [GeneratedRegex("^[a-z0-9][a-z0-9_-]{0,62}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Shape();
}
