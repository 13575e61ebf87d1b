using System.Security.Cryptography;
using System.Text;
using DbAccess.Application.Ports;

namespace DbAccess.Infrastructure.Seals;

/// <summary>HMAC-SHA-256 (RFC 2104) over kind and text, as hex.</summary>
/// <param name="former">The key before this one, whose seals fit as well; null for none.</param>
internal sealed class HmacSeal(byte[] key, byte[]? former = null) : ISeal
{
    /// <summary>As long as the hash, which RFC 2104 recommends at least.</summary>
    public const int KeyBytes = 32;

    public string Of(string kind, string text) => Of(key, kind, text);

    public bool Fits(string kind, string text, string? seal) => seal is not null
        && (Same(Of(key, kind, text), seal) || (former is not null && Same(Of(former, kind, text), seal)));

    private static string Of(byte[] key, string kind, string text) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"dbaccess {kind} v1\n{text}")));

    private static bool Same(string one, string other) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(one), Encoding.UTF8.GetBytes(other));
}
