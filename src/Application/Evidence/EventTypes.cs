using System.Text.RegularExpressions;

namespace DbAccess.Application.Evidence;

/// <summary>The names of events that come from names of the code.</summary>
public static partial class EventTypes
{
    /// <summary><c>CreateGrant</c> as <c>create_grant</c>.</summary>
    public static string Snake(string name) => Boundary().Replace(name, "_").ToLowerInvariant();

    [GeneratedRegex("(?<=[a-z0-9])(?=[A-Z])", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Boundary();
}
