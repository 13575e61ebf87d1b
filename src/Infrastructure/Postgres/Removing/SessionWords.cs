using System.Globalization;
using DbAccess.Domain.Grants;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>Reads what <see cref="SessionStatements.SessionOfWhom"/> answers. What we may not see is not told.</summary>
internal static class SessionWords
{
    /// <param name="ofWhom">Or only the key of the session, where the server had no room for more.</param>
    public static EndedSession? Read(string instance, string user, string ofWhom)
    {
        // The server lets no control character into a client's name.
        var parts = ofWhom.Split('\t');
        if (parts.Length == 1) parts = ofWhom.Split(' ', 2);
        return int.TryParse(parts[0], NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            ? new EndedSession(instance, pid, At(Part(parts, 1)), Part(parts, 2), Part(parts, 3), user) : null;
    }

    /// <summary>One whose role is gone: all that is left of that is its number, behind the rest.</summary>
    public static string? Ghost(string instance, string ofWhom) =>
        Read(instance, $"of a role that no longer exists (OID {Part(ofWhom.Split('\t'), 4) ?? "?"})", ofWhom)?.ToString();

    private static string? Part(string[] parts, int n) => parts.Length > n && parts[n].Length > 0 ? parts[n] : null;

    private static DateTimeOffset? At(string? text) => DateTimeOffset.TryParse(
        text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at : null;
}
