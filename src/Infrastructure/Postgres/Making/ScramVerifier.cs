using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using DbAccess.Domain;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>
/// What PostgreSQL stores instead of a password (RFC 5803, SCRAM-SHA-256). Made here, so that the password itself reaches neither the
/// server, nor its log, nor <c>pg_stat_statements</c>.
/// </summary>
internal static partial class ScramVerifier
{
    // RFC 7677's least number, and PostgreSQL's own: some drivers refuse fewer, and the server hashes once at CREATE ROLE, so more costs
    // every grant. The password is random with far more than 128 bits, so more would protect nothing.
    private const int Iterations = 4096;

    public static string For(Secret password) => For(password, RandomNumberGenerator.GetBytes(16));

    internal static string For(Secret password, byte[] salt)
    {
        // No SASLprep: our passwords are ASCII, for which it changes nothing. Others would be hashed differently by client and server.
        var text = password.Reveal();
        if (!Ascii.IsValid(text)) throw new ArgumentException("A password that is not ASCII cannot be hashed here.", nameof(password));

        var salted = Rfc2898DeriveBytes.Pbkdf2(text, salt, Iterations, HashAlgorithmName.SHA256, 32);
        var storedKey = SHA256.HashData(HMACSHA256.HashData(salted, "Client Key"u8));
        var serverKey = HMACSHA256.HashData(salted, "Server Key"u8);
        var verifier = string.Create(CultureInfo.InvariantCulture,
            $"SCRAM-SHA-256${Iterations}:{Convert.ToBase64String(salt)}" +
            $"${Convert.ToBase64String(storedKey)}:{Convert.ToBase64String(serverKey)}");

        // A malformed verifier would be taken for a password in clear: the server would hash it, and it would work.
        return IsWellFormed(verifier) ? verifier : throw new InvalidOperationException("The SCRAM verifier is malformed.");
    }

    /// <summary>Also the proof that it can stand between single quotes: it holds neither a quote nor a backslash.</summary>
    public static bool IsWellFormed(string verifier) => Shape().IsMatch(verifier);

    [GeneratedRegex(@"\ASCRAM-SHA-256\$4096:[A-Za-z0-9+/]{22}==\$[A-Za-z0-9+/]{43}=:[A-Za-z0-9+/]{43}=\z", RegexOptions.CultureInvariant,
        1000)]
    private static partial Regex Shape();
}
