using System.Security.Cryptography;
using System.Text;

namespace DbAccess.Domain.Evidence;

/// <summary>A public key that checkpoints are verified with: ECDSA on P-256, and no other, so that every verifier can do it.</summary>
public sealed class LogKey
{
    private const string Label = "PUBLIC KEY";

    // The one SubjectPublicKeyInfo of P-256 with an uncompressed point: what stands before its 64 bytes.
    private static readonly byte[] Prefix = Convert.FromHexString("3059301306072a8648ce3d020106082a8648ce3d03010703420004");

    private readonly byte[] _spki;

    private LogKey(byte[] spki) => _spki = spki;

    /// <summary>DER SubjectPublicKeyInfo.</summary>
    public IReadOnlyList<byte> Spki => _spki;

    /// <summary>Four bytes, as they stand in a signature line.</summary>
    public byte[] KeyId => IdOf(_spki);

    /// <summary>Eight hex digits: what people call it.</summary>
    public string Id => Convert.ToHexStringLower(KeyId);

    /// <summary>The first four bytes of the SHA-256 of a DER SubjectPublicKeyInfo.</summary>
    public static byte[] IdOf(ReadOnlySpan<byte> spki) => SHA256.HashData(spki)[..4];

    /// <summary>Null when it is not a key on P-256 with an uncompressed point.</summary>
    public static LogKey? From(ReadOnlySpan<byte> spki)
    {
        if (spki.Length != Prefix.Length + 64 || !spki.StartsWith(Prefix)) return null;
        try
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(spki, out _);
            return new LogKey(spki.ToArray());
        }
        catch (CryptographicException)
        {
            // The point does not lie on the curve.
            return null;
        }
    }

    /// <summary>As it stands in an event that brings a key in; null when it is none.</summary>
    public static LogKey? FromBase64(string? text)
    {
        var spki = new byte[text?.Length ?? 0];
        return Convert.TryFromBase64String(text ?? "", spki, out var length) ? From(spki.AsSpan(0, length)) : null;
    }

    /// <summary>Every public key that a PEM file holds; what else stands in it is passed over.</summary>
    public static IReadOnlyList<LogKey> FromPem(string pem)
    {
        var keys = new List<LogKey>();
        var rest = pem.AsSpan();
        while (PemEncoding.TryFind(rest, out var found))
        {
            if (rest[found.Label] is Label && From(Convert.FromBase64String(rest[found.Base64Data].ToString())) is { } key) keys.Add(key);
            rest = rest[found.Location.End..];
        }

        return keys;
    }

    public string ToPem() => PemEncoding.WriteString(Label, _spki) + "\n";

    /// <summary>Whether this key made the signature (ASN.1 DER) over the text.</summary>
    public bool Fits(string body, ReadOnlySpan<byte> signature)
    {
        using var key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(_spki, out _);
        try
        {
            return key.VerifyData(Encoding.UTF8.GetBytes(body), signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
        }
        catch (CryptographicException)
        {
            // Not DER at all.
            return false;
        }
    }
}
