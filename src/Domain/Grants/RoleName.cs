using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Grants;

/// <summary>
/// The name of a PostgreSQL role that we make: small letters, digits and <c>_</c>, at most 63 bytes, never starting with <c>pg_</c>.
/// PostgreSQL cuts longer names silently, so a name is built here and valid from then on.
/// </summary>
public sealed partial record RoleName
{
    /// <summary>
    /// Letters of Latin alphabets without their marks, by hand: without a culture library, as we run, String.Normalize changes nothing.
    /// </summary>
    private static readonly Dictionary<char, string> Plain = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["a"] = "àáâãäåāăąǎ", ["c"] = "çćĉċč", ["d"] = "ďđð", ["e"] = "èéêëēĕėęě", ["g"] = "ĝğġģ", ["h"] = "ĥħ", ["i"] = "ìíîïĩīĭįıİǐ",
            ["j"] = "ĵ", ["k"] = "ķ", ["l"] = "ĺļľŀł",
        ["n"] = "ñńņňŋ", ["o"] = "òóôõöøōŏőǒơ", ["r"] = "ŕŗř", ["s"] = "śŝşšș", ["t"] = "ţťŧț", ["u"] = "ùúûüũūŭůűųǔư", ["w"] = "ŵẁẃẅ",
            ["y"] = "ýÿŷỳ", ["z"] = "źżž",
        ["ss"] = "ßẞ", ["ae"] = "æ", ["oe"] = "œ", ["th"] = "þ", ["ij"] = "ĳ",
    }.SelectMany(row => row.Value.Select(letter => (Letter: letter, Plain: row.Key))).ToDictionary(pair => pair.Letter, pair => pair.Plain);

    private const string Letters = "abcdefghijkmnpqrstuvwxyz23456789";

    private const string AsideEnd = "_x";

    /// <summary>Letters behind the underscore.</summary>
    private const int OtherEnd = 6;

    private const int GrantEnd = 8;

    private RoleName(string value) => Value = value;

    public string Value { get; }

    /// <summary>
    /// What every role of an installation starts with, e.g. <c>dba_k3f9q2_</c>. Six letters of a hash, so that an installation's own name
    /// may be of any length.
    /// </summary>
    public static string Prefix(string installation) => $"dba_{Short(installation, 6)}_";

    /// <summary>
    /// The temporary role of a grant, e.g. <c>dba_k3f9q2_erin_k7q3md_7gq2m4xz</c>. The end is random (40 bits), so that a second role of
    /// the same grant, made after somebody took the first name, gets another. The person's part is for those who read the server's logs.
    /// </summary>
    public static RoleName ForGrant(string installation, GrantId grant, string handle)
    {
        var random = new string([.. RandomNumberGenerator.GetItems<char>(Letters, GrantEnd)]);
        return new RoleName($"{Prefix(installation)}{Fold(handle, 20)}_{grant.Compact}_{random}");
    }

    /// <summary>Whether <see cref="ForGrant"/> could have given this name to that grant's role, whoever holds it.</summary>
    public bool IsOf(string installation, GrantId grant) => Value.StartsWith(Prefix(installation), StringComparison.Ordinal)
        && Value.Length > GrantEnd && Value[..^GrantEnd].EndsWith($"_{grant.Compact}_", StringComparison.Ordinal)
        && Value[^GrantEnd..].All(Letters.Contains);

    /// <summary>
    /// The scope role of a set of privileges on one database. The same set always gives the same name: <paramref name="fingerprint"/> is
    /// its hash.
    /// </summary>
    public static RoleName ForScope(string installation, string scope, string fingerprint) =>
        new($"{Prefix(installation)}s_{Fold(scope, 24)}_{fingerprint[..12]}");

    /// <summary>
    /// Another name for a scope role, when the one that its privileges give is not to be trusted. Its end is random, so that nobody has
    /// made it before us.
    /// </summary>
    public static string Another(string scopeRole) =>
        $"{scopeRole}_{new string([.. RandomNumberGenerator.GetItems<char>(Letters, OtherEnd)])}";

    /// <summary>Whether a role's name is the scope role's, or another of it.</summary>
    public static bool IsOrAnother(string name, string scopeRole) => name == scopeRole
        || (name.Length == scopeRole.Length + 1 + OtherEnd && name.StartsWith(scopeRole, StringComparison.Ordinal)
            && name[scopeRole.Length] == '_' && name[(scopeRole.Length + 1)..].All(Letters.Contains));

    /// <summary>The scope roles that a grant of the scope on the target rests on, one for each database, in their order.</summary>
    public static IReadOnlyList<RoleName> ForScopes(string installation, PrivilegeScope scope, DatabaseTarget target) =>
        [.. scope.DatabasesOf(target).Select(database => ForScope(installation, scope.Name.Value, scope.Fingerprint(database)))];

    /// <summary>
    /// What a scope role is called from when it is being dropped until it is gone, so that nobody becomes a member of it any more.
    /// </summary>
    public static string Aside(string scopeRole) => $"{scopeRole}{AsideEnd}";

    /// <param name="before">What it was called before.</param>
    public static bool IsAside(string name, out string before)
    {
        // No fingerprint ends like this.
        var isAside = name.EndsWith(AsideEnd, StringComparison.Ordinal);
        before = isAside ? name[..^AsideEnd.Length] : name;
        return isAside;
    }

    /// <summary>The powerless role that receives what a temporary role still owns at its end.</summary>
    public static RoleName ForEscrow(string installation) => new($"{Prefix(installation)}escrow");

    /// <summary>Answers null when the text is not a name that this product would build.</summary>
    public static RoleName? Parse(string? text) => text is not null && Shape().IsMatch(text) ? new RoleName(text) : null;

    public override string ToString() => Value;

    private static string Short(string text, int length)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(text));
        return string.Concat(hash.Take(length).Select(b => Letters[b % Letters.Length]));
    }

    private static string Fold(string text, int length)
    {
        var folded = new StringBuilder();
        foreach (var c in text)
        {
            var small = char.ToLowerInvariant(c);
            if (char.IsAsciiLetterOrDigit(small)) folded.Append(small);
            else if (Plain.GetValueOrDefault(small) is { } plain) folded.Append(plain);
            else if (c is '-' or '.' or '_' or ' ' && folded.Length > 0 && folded[^1] != '_') folded.Append('_');
            if (folded.Length >= length) break;
        }

        // Two letters for one may go over the edge.
        var name = folded.ToString(0, Math.Min(folded.Length, length)).Trim('_');
        return name.Length == 0 ? "x" : name;
    }

    [GeneratedRegex("^dba_[a-z0-9]{6}_[a-z0-9_]{1,52}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Shape();
}
