using System.Globalization;

namespace DbAccess.Domain;

/// <summary>Values as text in one way only, so that texts can be compared and summed over.</summary>
public static class Canonical
{
    /// <summary>Pieces of text as one, never the same for other pieces.</summary>
    // Names may hold any character but NUL, so no separator would do: the length before each piece tells where it ends.
    public static string Join(IReadOnlyCollection<string> pieces) =>
        string.Concat(pieces.Select(piece => string.Create(CultureInfo.InvariantCulture, $"{piece.Length}:{piece}"))
            .Prepend(string.Create(CultureInfo.InvariantCulture, $"{pieces.Count};")));

    /// <summary>To the millisecond, in UTC.</summary>
    internal static string Instant(DateTimeOffset at) =>
        at.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);
}
