using System.Globalization;

namespace DbAccess.Domain;

/// <summary>Pieces of text as one, never the same for other pieces.</summary>
public static class Canonical
{
    // Names may hold any character but NUL, so no separator would do: the length before each piece tells where it ends.
    public static string Join(IReadOnlyCollection<string> pieces) =>
        string.Concat(pieces.Select(piece => string.Create(CultureInfo.InvariantCulture, $"{piece.Length}:{piece}"))
            .Prepend(string.Create(CultureInfo.InvariantCulture, $"{pieces.Count};")));
}
