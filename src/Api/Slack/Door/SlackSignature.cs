using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DbAccess.Domain;

namespace DbAccess.Api.Slack.Door;

/// <summary>
/// Slack's request signature (version v0): HMAC-SHA256 over <c>v0:timestamp:body</c>, with the body's raw bytes and the secret as text.
/// Checked in constant time, with its age in both directions, against every secret of the list, so that a secret can be changed without a
/// gap.
/// </summary>
internal sealed class SlackSignature
{
    private const int LongestAge = 300;
    private static readonly SearchValues<char> Hex = SearchValues.Create("0123456789abcdefABCDEF");
    private readonly byte[][] _keys;
    private readonly TimeProvider _clock;

    public SlackSignature(IReadOnlyList<Secret> secrets, TimeProvider clock)
    {
        // Without a secret nothing could be told from a forgery, so there is no door.
        if (secrets.Count == 0) throw new ArgumentException("There is no signing secret.", nameof(secrets));
        _keys = [.. secrets.Select(secret => Encoding.UTF8.GetBytes(secret.Reveal()))];
        _clock = clock;
    }

    /// <summary>
    /// What can be said before there is a body: the shape of both headers, and the age. Costs nothing, so it comes first.
    /// </summary>
    public bool MayBe(string? timestamp, string? signature) =>
        timestamp is { Length: > 0 and <= 12 }
        && long.TryParse(timestamp, NumberStyles.None, CultureInfo.InvariantCulture, out var at)
        && Math.Abs(_clock.GetUtcNow().ToUnixTimeSeconds() - at) <= LongestAge
        && signature is { Length: 67 } && signature.StartsWith("v0=", StringComparison.Ordinal)
        && !signature.AsSpan(3).ContainsAnyExcept(Hex);

    public bool Verify(ReadOnlySpan<byte> body, string? timestamp, string? signature)
    {
        if (!MayBe(timestamp, signature)) return false;

        Span<byte> given = stackalloc byte[32];
        if (Convert.FromHexString(signature!.AsSpan(3), given, out _, out var written) != OperationStatus.Done || written != 32)
            return false;

        Span<byte> mac = stackalloc byte[32];
        Span<byte> prefix = stackalloc byte[16];
        var length = Encoding.ASCII.GetBytes($"v0:{timestamp}:", prefix);
        var genuine = false;
        foreach (var key in _keys)
        {
            using var hmac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key);
            hmac.AppendData(prefix[..length]);
            hmac.AppendData(body);
            hmac.GetHashAndReset(mac);
            genuine |= CryptographicOperations.FixedTimeEquals(mac, given);
        }

        return genuine;
    }
}
