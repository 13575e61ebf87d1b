using System.Security.Cryptography;
using System.Text;
using DbAccess.Application.Ports;

namespace DbAccess.Infrastructure.Seals;

/// <summary>HMAC-SHA-256 (RFC 2104) over kind and text, as hex.</summary>
internal sealed class HmacSeal(byte[] key) : ISeal
{
    /// <summary>As long as the hash, which RFC 2104 recommends at least.</summary>
    public const int KeyBytes = 32;

    public string Of(string kind, string text) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes($"dbaccess {kind} v1\n{text}")));

    public bool Fits(string kind, string text, string? seal) => seal is not null
        && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(Of(kind, text)), Encoding.UTF8.GetBytes(seal));
}
