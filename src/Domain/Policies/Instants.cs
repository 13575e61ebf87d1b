using System.Globalization;
using System.Text.RegularExpressions;

namespace DbAccess.Domain.Policies;

/// <summary>Instants as they are written in files and on the command line: <c>2026-12-01T10:00:00Z</c>, always with their offset.</summary>
public static partial class Instants
{
    /// <summary>Null when it is not one, has no offset (nobody knows whose clock is meant), or is of another century.</summary>
    public static DateTimeOffset? Parse(string text) =>
        Shape().IsMatch(text)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AdjustToUniversal, out var instant)
            && instant.Year is >= 2000 and < 2200
            ? instant : null;

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,7})?)?(Z|[+-]\d\d:\d\d)\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Shape();
}
