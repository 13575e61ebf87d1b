using System.Security.Cryptography;
using DbAccess.Domain;

namespace DbAccess.Application.Grants;

/// <summary>Passwords for temporary roles.</summary>
internal static class Passwords
{
    // 64 letters that need no quoting in a URL, a shell or a connection string: 6 bits each, 32 of them are 192 bits.
    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

    /// <summary>It starts with a letter, so that no program takes it for an option.</summary>
    public static Secret New() =>
        new(RandomNumberGenerator.GetString(Letters.AsSpan(0, 52), 1) + RandomNumberGenerator.GetString(Letters, 31));
}
