using System.Text;

namespace DbAccess.Domain.Evidence;

/// <param name="Name">Whose: the log's own have its origin as their name. A witness would have another.</param>
/// <param name="KeyId">The first four bytes of the SHA-256 of the key, see <see cref="LogKey.IdOf"/>.</param>
/// <param name="Signature">ECDSA over P-256 with SHA-256, ASN.1 DER.</param>
public sealed record CheckpointSignature(string Name, byte[] KeyId, byte[] Signature)
{
    /// <summary>Eight hex digits.</summary>
    public string Key => Convert.ToHexStringLower(KeyId);
}

/// <summary>A checkpoint with its signatures, as a signed note (C2SP signed-note).</summary>
public sealed record SignedCheckpoint(Checkpoint Checkpoint, IReadOnlyList<CheckpointSignature> Signatures)
{
    /// <summary>What is longer is no checkpoint: it would hold some hundred signatures.</summary>
    public const int MaximalLength = 65_536;

    private const string Dash = "— ";

    public static SignedCheckpoint Of(Checkpoint checkpoint, byte[] keyId, byte[] signature) =>
        new(checkpoint, [new CheckpointSignature(checkpoint.Origin, keyId, signature)]);

    /// <summary>The whole text, as it stands in an export.</summary>
    public string Note()
    {
        var note = new StringBuilder(Checkpoint.Body()).Append('\n');
        foreach (var (name, id, signature) in Signatures)
            note.Append(Dash).Append(name).Append(' ').Append(Convert.ToBase64String([.. id, .. signature])).Append('\n');
        return note.ToString();
    }

    /// <summary>What <see cref="Note"/> wrote, with at least one signature; null when it is anything else, to the letter.</summary>
    public static SignedCheckpoint? Parse(string note)
    {
        const int idBytes = 4;
        var end = note.IndexOf("\n\n", StringComparison.Ordinal);
        if (end < 0 || note.Length > MaximalLength) return null;
        if (Checkpoint.Parse(note[..(end + 1)]) is not { } checkpoint) return null;

        var signatures = new List<CheckpointSignature>();
        foreach (var line in note[(end + 2)..].TrimEnd('\n').Split('\n'))
        {
            var words = line.Split(' ');
            if (words is not ["—", var name, var text] || !Checkpoint.IsOrigin(name)) return null;
            var bytes = new byte[text.Length];
            if (!Convert.TryFromBase64String(text, bytes, out var length) || length <= idBytes) return null;
            signatures.Add(new CheckpointSignature(name, bytes[..idBytes], bytes[idBytes..length]));
        }

        var parsed = new SignedCheckpoint(checkpoint, signatures);
        return parsed.Note() == note ? parsed : null;
    }
}
