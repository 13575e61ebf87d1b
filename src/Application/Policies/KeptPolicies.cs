using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Policies;

namespace DbAccess.Application.Policies;

/// <summary>A policy that was in force, by its hash, and when it last came to be.</summary>
public sealed record KeptPolicy(string Hash, DateTimeOffset At);

/// <summary>
/// The texts of the last policies that were in force, in marks of the store: a policy holds no secret, and grants name theirs by its hash.
/// </summary>
internal sealed class KeptPolicies(IEvidenceLog marks)
{
    private const int Most = 20;
    private const int Tries = 5;
    private const string Index = "policies";

    // What a store takes as one value, with room to spare.
    private const int Longest = 300_000;

    // Of the text: what somebody else put there must not fill the memory before it is known that nobody wants it.
    private const int LongestText = 4 * 1024 * 1024;

    /// <summary>
    /// Safe to repeat. The oldest goes when there are too many. False when the text is not known, or is too large to be kept.
    /// </summary>
    public async Task<bool> KeepAsync(AccessPolicy policy, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (policy.Text.Length is 0 or > LongestText || Pack(policy.Text) is not { Length: <= Longest } packed) return false;

        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var read = await marks.ReadMarkAsync(Index, cancellationToken);
            var kept = Parse(read);
            if (kept is [{ Hash: var newest }, ..] && newest == policy.Hash) return true;

            // The text first: what is listed can be shown.
            await WriteAsync(policy.Hash, packed, cancellationToken);
            List<KeptPolicy> all = [new(policy.Hash, now), .. kept.Where(one => one.Hash != policy.Hash)];
            if (!await marks.TryWriteMarkAsync(Index, read, Write(all.Take(Most)), cancellationToken)) continue;

            foreach (var gone in all.Skip(Most)) await WriteAsync(gone.Hash, "", cancellationToken);
            return true;
        }

        return false;
    }

    /// <summary>The newest first.</summary>
    public async Task<IReadOnlyList<KeptPolicy>> ListAsync(CancellationToken cancellationToken) =>
        Parse(await marks.ReadMarkAsync(Index, cancellationToken));

    /// <summary>The text as it was read, to the byte; null when it is not there or is not the one that has this hash.</summary>
    public async Task<string?> FindAsync(string hash, CancellationToken cancellationToken) =>
        await marks.ReadMarkAsync(MarkOf(hash), cancellationToken) is { Length: > 0 } packed && Unpack(packed) is { } text
            && Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))) == hash ? text : null;

    // Whoever was quicker wrote the same.
    private Task WriteAsync(string hash, string value, CancellationToken cancellationToken) =>
        marks.SetMarkAsync(MarkOf(hash), value, cancellationToken);

    private static string MarkOf(string hash) => $"policy:{hash}";

    private static string Write(IEnumerable<KeptPolicy> kept) => string.Join('\n',
        kept.Select(one => string.Create(CultureInfo.InvariantCulture, $"{one.Hash} {one.At.ToUnixTimeMilliseconds()}")));

    private static List<KeptPolicy> Parse(string? text) =>
    [
        .. (text ?? "").Split('\n').Select(line => line.Split(' ')).Where(words => words.Length == 2)
            .Select(words => Marks.Instant(words[1]) is { } at ? new KeptPolicy(words[0], at) : null).OfType<KeptPolicy>(),
    ];

    private static string Pack(string text)
    {
        using var packed = new MemoryStream();
        using (var pressing = new BrotliStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            pressing.Write(Encoding.UTF8.GetBytes(text));
        return Convert.ToBase64String(packed.ToArray());
    }

    private static string? Unpack(string packed)
    {
        try
        {
            using var pressed = new BrotliStream(new MemoryStream(Convert.FromBase64String(packed)), CompressionMode.Decompress);
            using var text = new MemoryStream();
            var buffer = new byte[16 * 1024];
            for (int read; (read = pressed.Read(buffer)) > 0;)
            {
                if (text.Length + read > LongestText) return null;
                text.Write(buffer, 0, read);
            }

            return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
        }
        catch (Exception damaged) when (damaged is FormatException or InvalidDataException or InvalidOperationException)
        {
            return null;
        }
    }
}
