using System.Text;
using System.Text.Unicode;
using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Evidence;

/// <summary>
/// Which keys are trusted, and whether checkpoints are signed by them: the keys that the auditor holds, and every key that the log brings
/// in before the end of a checkpoint that a trusted key signed.
/// </summary>
internal sealed class CheckpointJudge(IEnumerable<LogKey> held)
{
    private readonly Dictionary<string, LogKey> _trusted =
        held.DistinctBy(key => key.Id).ToDictionary(key => key.Id, StringComparer.Ordinal);

    private readonly Dictionary<string, int> _signedBy = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, int> SignedBy => _signedBy;

    /// <summary>Null when the file holds no checkpoint.</summary>
    public static SignedCheckpoint? Read(CheckpointFile file) =>
        file.Note.Length <= SignedCheckpoint.MaximalLength && Utf8.IsValid(file.Note.Span)
            ? SignedCheckpoint.Parse(Encoding.UTF8.GetString(file.Note.Span))
            : null;

    /// <summary>Trusts what follows from what is trusted, until nothing more does.</summary>
    public void Trust(IReadOnlyList<(long Place, LogKey Key)> broughtIn, IEnumerable<SignedCheckpoint> checkpoints)
    {
        var largestFirst = checkpoints.OrderByDescending(signed => signed.Checkpoint.Size).ToList();
        var before = -1;
        while (before != _trusted.Count)
        {
            before = _trusted.Count;
            var end = largestFirst.Find(signed => Trusted(signed).Any(line => Fits(signed, line)))?.Checkpoint.Size ?? 0;
            foreach (var (place, key) in broughtIn)
                if (place < end) _trusted.TryAdd(key.Id, key);
        }
    }

    /// <summary>What is wrong with its origin or its signatures; null when it is good.</summary>
    public string? Fault(SignedCheckpoint signed, string origin)
    {
        var (body, size) = (signed.Checkpoint, signed.Checkpoint.Size);
        if (body.Origin != origin) return FaultWords.OtherLog(size, body.Origin);

        var lines = Trusted(signed).ToList();
        if (lines.Count == 0) return FaultWords.NoKey(size);
        if (!lines.TrueForAll(line => Fits(signed, line))) return FaultWords.BadSignature(size);

        foreach (var key in lines.Select(line => line.Key).Distinct(StringComparer.Ordinal))
            _signedBy[key] = _signedBy.GetValueOrDefault(key) + 1;
        return null;
    }

    private IEnumerable<CheckpointSignature> Trusted(SignedCheckpoint signed) =>
        signed.Signatures.Where(line => line.Name == signed.Checkpoint.Origin && _trusted.ContainsKey(line.Key));

    private bool Fits(SignedCheckpoint signed, CheckpointSignature line) =>
        _trusted[line.Key].Fits(signed.Checkpoint.Body(), line.Signature);
}
