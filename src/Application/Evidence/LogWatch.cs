using System.Globalization;
using System.Text;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Evidence;

/// <summary>
/// Looks at what is on record again, a piece with each sequencing: whoever edits, removes or inserts an event by hand is noticed while the
/// product runs, and not only when somebody verifies. After the last piece it begins again.
/// </summary>
public sealed class LogWatch(IEvidenceLog log, EvidenceTerms terms)
{
    private readonly EventLineReader _reader = new(withProof: false);
    private TreeHead _seen = TreeHead.Empty;
    private bool _refusedAsBroken;

    /// <summary>What was found wrong the last time it came by, in words; null when nothing was.</summary>
    public string? Broken { get; private set; }

    /// <summary>What waits on record and is no event of ours, in words; null when there is nothing like that.</summary>
    public string? PassedOver { get; internal set; }

    /// <summary>How many events have a place.</summary>
    public long Size { get; private set; }

    /// <summary>Why events get no place, in words; null while they do, here or in another process.</summary>
    public string? Trouble { get; private set; }

    /// <summary>What is on record is not what was signed, or something was put there that is no event of ours.</summary>
    public bool IsTampered => Broken is not null || PassedOver is not null || _refusedAsBroken;

    /// <summary>When this process last saw them get one, or another at it; null before the first time.</summary>
    public DateTimeOffset? SequencedAt { get; private set; }

    /// <summary>How a sequencing ended.</summary>
    internal Result<Sequenced> Note(Result<Sequenced> outcome, DateTimeOffset now)
    {
        if (outcome.Refusal is null) Size = outcome.Value.Size;
        _refusedAsBroken = outcome.Refusal?.Code == EvidenceErrors.Broken("").Code;
        if (outcome.Refusal is null || outcome.Refusal == EvidenceErrors.Held()) (Trouble, SequencedAt) = (null, now);
        else Trouble = outcome.Refusal.Message;
        return outcome;
    }

    /// <summary>Looks at the next piece.</summary>
    public async Task<string?> LookAsync(TreeHead end, CancellationToken cancellationToken)
    {
        Size = end.Size;
        if (_seen.Size > end.Size) _seen = TreeHead.Empty;
        var left = terms.WatchedAtOnce;
        await foreach (var placed in log.ReadAsync(_seen.Size, cancellationToken))
        {
            // More of them came behind meanwhile.
            if (placed.Place >= end.Size) break;
            if (Fault(placed) is { } fault) return Found(fault);

            _seen = _seen.Add(placed.Hash!);
            if (--left == 0 && _seen.Size < end.Size) return Broken;
        }

        if (_seen.Size < end.Size) return Found(Missing(_seen.Size));
        var whole = _seen.Root().AsSpan().SequenceEqual(end.Root());
        if (!whole) return Found(string.Create(CultureInfo.InvariantCulture, $"the first {end.Size} events are not those that were " +
            $"signed"));

        _seen = TreeHead.Empty;
        return Broken = null;
    }

    private string? Fault(PlacedEvent placed) => placed switch
    {
        { Place: var place } when place != _seen.Size => Missing(_seen.Size),
        { Body: null } or { Hash: null } => Missing(placed.Place),
        { Body: { } body, Hash: { } hash } => Content(placed.Place, body, hash),
    };

    private string? Content(long place, EventBody body, byte[] hash)
    {
        var changed = string.Create(CultureInfo.InvariantCulture, $"event {place} was changed");
        // First the hash, since nothing else of it is needed when it does not fit; what was placed once is canonical when it does.
        if (body.TryLeaf(place) is not { } leaf || !MerkleTree.LeafHash(Encoding.UTF8.GetBytes(leaf)).AsSpan().SequenceEqual(hash))
            return changed;
        if (body.Open is null && !leaf.Contains("{\"sha256\":", StringComparison.Ordinal)) return null;

        var read = _reader.Read(Encoding.UTF8.GetBytes(ExportLine.Of(leaf, body.Open, hash: hash).TrimEnd('\n')));
        return read.Form is not LineForm.Canonical ? changed
            : read.NotAsRecorded is { } name ? FaultWords.NotAsRecorded(place, name)
            : read.ShownValues < read.SealedValues ? $"{changed}: what was sealed in it is gone" : null;
    }

    private string Found(string fault)
    {
        _seen = TreeHead.Empty;
        return Broken = fault;
    }

    private static string Missing(long place) => string.Create(CultureInfo.InvariantCulture, $"event {place} is missing");
}
