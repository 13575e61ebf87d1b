using System.Security.Cryptography;
using System.Text;
using DbAccess.Domain;

namespace DbAccess.Api.Slack.Endpoints;

/// <summary>What of a request goes into the inbox, and under which key. Pure.</summary>
internal static class InboxTexts
{
    private const int LongestText = 8 * 1024;

    /// <summary>The same for every copy of the same request.</summary>
    public static string Key(string kind, string what) =>
        $"{kind}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(what)))[..40]}";

    /// <summary>More than anybody types, and than a reason may have: what is longer is not kept.</summary>
    public static string Cut(string text) =>
        text.Length <= LongestText ? text : text[..(char.IsHighSurrogate(text[LongestText - 1]) ? LongestText - 1 : LongestText)];

    public static Secret? AsSecret(string? value) => string.IsNullOrEmpty(value) ? null : new Secret(value);
}
