using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Evidence;

/// <summary>
/// Verifies the whole log: every event, its place, its hash, what is shown of it, the numbers of each grant, and that every checkpoint was
/// signed over just these events. Memory does not grow with the log.
/// </summary>
/// <param name="keys">That the auditor holds.</param>
public sealed class LogVerifier(IReadOnlyList<LogKey> keys)
{
    private readonly CheckpointJudge _judge = new(keys);
    private readonly GrantNumbers _numbers = new();
    private readonly List<(long Place, LogKey Key)> _broughtIn = [];
    // The root of each size that some checkpoint tells of.
    private readonly Dictionary<long, byte[]?> _roots = [];

    private TreeHead _tree = TreeHead.Empty;
    private string? _origin;
    private long _shown;
    private long _withheld;

    /// <summary>Once for one log.</summary>
    /// <param name="log">In the order of their names.</param>
    /// <param name="checkpoints">Of the log, in the order of their names.</param>
    /// <param name="kept">Those that the auditor had all the time.</param>
    /// <param name="progress">Is told now and then how many events are done.</param>
    /// <exception cref="IOException">A file cannot be read: nothing is known then.</exception>
    public async Task<Verdict> VerifyAsync(IEnumerable<EvidenceFile> log, IReadOnlyList<CheckpointFile> checkpoints,
        IReadOnlyList<CheckpointFile> kept, Action<long>? progress, CancellationToken cancellationToken)
    {
        var own = checkpoints.Select(CheckpointJudge.Read).ToList();
        var theirs = kept.Select(CheckpointJudge.Read).ToList();
        foreach (var signed in own.Concat(theirs)) if (signed is not null) _roots[signed.Checkpoint.Size] = null;
        NoteRoot();

        foreach (var file in log)
            if (await EventsFaultAsync(file, progress, cancellationToken) is { } fault) return Verdict(fault);

        for (var i = 0; i < own.Count; i++) if (own[i] is null) return Verdict(FaultWords.NotACheckpoint(checkpoints[i].Path));
        for (var i = 0; i < theirs.Count; i++) if (theirs[i] is null) return Verdict(FaultWords.NotACheckpoint(kept[i].Path));
        if (own.Count == 0) return Verdict(FaultWords.NoCheckpoint);

        var bySize = own.Select(signed => signed!).OrderBy(signed => signed.Checkpoint.Size).ToList();
        if ((CheckpointsFault(bySize) ?? KeptFault(theirs.Select(signed => signed!))) is { } wrong) return Verdict(wrong);
        return Verdict(null) with
        {
            Checkpoints = own.Count, KeptCheckpoints = theirs.Count, Newest = bySize[^1].Checkpoint, SignedBy = _judge.SignedBy,
        };
    }

    private Verdict Verdict(string? fault) =>
        new() { Fault = fault, Events = _tree.Size, ShownValues = _shown, WithheldValues = _withheld };

    private async Task<string?> EventsFaultAsync(EvidenceFile file, Action<long>? progress, CancellationToken cancellationToken)
    {
        var number = 0L;
        await foreach (var lines in EventLines.ReadAsync(file, withProof: false, cancellationToken))
        {
            foreach (var line in lines)
                if (EventFault(line, file.Path, ++number) is { } fault) return fault;
            progress?.Invoke(_tree.Size);
        }

        return null;
    }

    private string? EventFault(EventLine line, string file, long number)
    {
        if (line.FormFault(file, number) is { } fault) return fault;
        if (line.Place > _tree.Size) return FaultWords.Missing(_tree.Size, line.Place);
        if (line.Place < _tree.Size) return FaultWords.OutOfOrder(_tree.Size, line.Place);
        if (line.ContentFault() is { } changed) return changed;
        if (_numbers.Note(line) is { } last) return FaultWords.Number(line.Place, line.Grant!, last, line.Number);

        if (line.BeginsLog && line.Place == 0) _origin = line.KeyOrOrigin;
        if (line.BringsKey && LogKey.FromBase64(line.KeyOrOrigin) is { } key) _broughtIn.Add((line.Place, key));
        _shown += line.ShownValues;
        _withheld += line.SealedValues - line.ShownValues;
        _tree = _tree.Add(line.LeafHash);
        NoteRoot();
        return null;
    }

    private void NoteRoot()
    {
        if (_roots.ContainsKey(_tree.Size)) _roots[_tree.Size] = _tree.Root();
    }

    private string? CheckpointsFault(List<SignedCheckpoint> bySize)
    {
        _origin ??= bySize[0].Checkpoint.Origin;
        _judge.Trust(_broughtIn, bySize);
        var (from, covered) = (0L, 0L);
        foreach (var signed in bySize)
        {
            var size = signed.Checkpoint.Size;
            if (size > covered) (from, covered) = (covered, size);
            if (_judge.Fault(signed, _origin) is { } fault) return fault;
            if (_roots[size] is { } root && !root.AsSpan().SequenceEqual(signed.Checkpoint.Root)) return FaultWords.OtherRoot(from, size);
        }

        if (_tree.Size < covered) return FaultWords.EndsEarly(_tree.Size, covered);
        return _tree.Size > covered ? FaultWords.NotCovered(covered) : null;
    }

    private string? KeptFault(IEnumerable<SignedCheckpoint> kept)
    {
        foreach (var signed in kept.OrderBy(signed => signed.Checkpoint.Size))
        {
            var size = signed.Checkpoint.Size;
            if (_judge.Fault(signed, _origin!) is { } fault) return fault;
            if (_roots[size] is not { } root) return FaultWords.KeptIsNewer(size, _tree.Size);
            if (!root.AsSpan().SequenceEqual(signed.Checkpoint.Root)) return FaultWords.KeptDiffers(size);
        }

        return null;
    }
}
