using System.Security.Cryptography;
using System.Text;

namespace DbAccess.Domain.Grants;

/// <summary>
/// What people call a grant: six letters and digits that cannot be mistaken for each other, read aloud or typed on a phone
/// (<c>K7Q3-MD</c>). Unique because the store refuses a second grant of the same id and the requester gets another.
/// </summary>
public sealed record GrantId
{
    // No 0/O, 1/I/L, 2/Z, 5/S, 8/B, U/V: 24 letters, 191 million ids.
    private const string Letters = "ACDEFGHJKMNPQRTVWXY34679";

    private readonly string _letters;

    private GrantId(string letters) => _letters = letters;

    /// <summary>Without the dash and in small letters, for use inside a role name.</summary>
    public string Compact => _letters.ToLowerInvariant();

    public static GrantId New() => new(RandomNumberGenerator.GetString(Letters, 6));

    /// <summary>
    /// The id for a request that carries a key of its own, so that the same request, done again after a crash, meets the grant it already
    /// made. <paramref name="attempt"/> counts up when an unrelated grant has the id.
    /// </summary>
    public static GrantId Derive(string requestKey, int attempt)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes($"{attempt}\n{requestKey}"));
        return new GrantId(string.Concat(Enumerable.Range(0, 6).Select(i => Letters[BitConverter.ToUInt16(hash, i * 2) % Letters.Length])));
    }

    /// <summary>Takes it as people type it: any case, with or without the dash. Null when it is not a grant id.</summary>
    public static GrantId? Parse(string? text)
    {
        if (text is null) return null;
        var letters = text.Trim().Replace("-", "", StringComparison.Ordinal).ToUpperInvariant();
        return letters.Length == 6 && letters.All(c => Letters.Contains(c, StringComparison.Ordinal)) ? new GrantId(letters) : null;
    }

    public override string ToString() => $"{_letters[..4]}-{_letters[4..]}";
}
