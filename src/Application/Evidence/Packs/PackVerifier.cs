using System.Text.Json;
using System.Text.Unicode;
using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Evidence.Packs;

/// <summary>
/// Verifies a pack by itself: that each of its events is in the tree that its checkpoint signed, and that no event of its grants is
/// missing.
/// </summary>
/// <param name="keys">That the auditor holds.</param>
public sealed class PackVerifier(IReadOnlyList<LogKey> keys)
{
    private sealed class Packed
    {
        public required long Events { get; init; }
        public required bool IsOver { get; init; }
        public long Last { get; set; }

        /// <summary>Its last event was carried over without a number: the next is taken as it comes.</summary>
        public bool TakesAny { get; set; }

        public bool HasEnd { get; set; }
    }

    private readonly CheckpointJudge _judge = new(keys);
    private readonly Dictionary<string, Packed> _grants = new(StringComparer.Ordinal);

    private string _origin = "";
    private long _size;
    private Checkpoint? _checkpoint;
    private long _place = -1;
    private long _events;
    private long _shown;
    private long _withheld;

    /// <summary>Once for one pack.</summary>
    /// <param name="description"><c>pack.json</c>.</param>
    /// <param name="checkpoint">Null when there is none.</param>
    /// <param name="events"><c>events.jsonl</c>.</param>
    /// <param name="progress">Is told now and then how many events are done.</param>
    /// <exception cref="IOException">A file cannot be read: nothing is known then.</exception>
    public async Task<Verdict> VerifyAsync(ReadOnlyMemory<byte> description, CheckpointFile? checkpoint, EvidenceFile events,
        Action<long>? progress, CancellationToken cancellationToken)
    {
        if (!Describe(description)) return Verdict(FaultWords.NoDescription);
        if (checkpoint is null) return Verdict(FaultWords.NoCheckpoint);
        if (CheckpointJudge.Read(checkpoint) is not { } signed) return Verdict(FaultWords.NotACheckpoint(checkpoint.Path));
        _checkpoint = signed.Checkpoint;

        var number = 0L;
        await foreach (var lines in EventLines.ReadAsync(events, withProof: true, cancellationToken))
        {
            foreach (var line in lines)
                if (EventFault(line, events.Path, ++number) is { } fault) return Verdict(fault);
            progress?.Invoke(_events);
        }

        if (_judge.Fault(signed, _origin) is { } wrong) return Verdict(wrong);
        if (_size != _checkpoint.Size) return Verdict(FaultWords.NoDescription);
        return Verdict(GrantsFault()) with { Newest = _checkpoint, SignedBy = _judge.SignedBy, Checkpoints = 1 };
    }

    private Verdict Verdict(string? fault) => new()
    {
        Fault = fault, Events = _events, ShownValues = _shown, WithheldValues = _withheld,
        Grants = [.. _grants.Select(grant => new PackedGrant(grant.Key, grant.Value.Events, grant.Value.IsOver))],
    };

    private bool Describe(ReadOnlyMemory<byte> description)
    {
        try
        {
            if (!Utf8.IsValid(description.Span)) return false;
            using var json = JsonDocument.Parse(description);
            var pack = json.RootElement;
            if (pack.GetProperty("v").GetInt32() != 1) return false;
            (_origin, _size) = (Text(pack, "origin"), pack.GetProperty("size").GetInt64());
            foreach (var grant in pack.GetProperty("grants").EnumerateArray())
            {
                var (events, isOver) = (grant.GetProperty("events").GetInt64(), grant.GetProperty("over").GetBoolean());
                var packed = new Packed { Events = events, IsOver = isOver };
                if (events < 0 || !_grants.TryAdd(Text(grant, "grant"), packed)) return false;
            }

            return true;
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return false;
        }
    }

    private static string Text(JsonElement element, string name) =>
        element.GetProperty(name).GetString() ?? throw new FormatException();

    private string? EventFault(EventLine line, string file, long number)
    {
        if (line.FormFault(file, number) is { } fault) return fault;
        if (line.Place <= _place) return FaultWords.OutOfOrder(_place + 1, line.Place);
        if (line.ContentFault() is { } changed) return changed;
        if (!MerkleProof.Includes(line.LeafHash, line.Place, _checkpoint!.Size, line.Proof, _checkpoint.Root))
            return FaultWords.NotInTree(line.Place);

        _place = line.Place;
        _events++;
        _shown += line.ShownValues;
        _withheld += line.SealedValues - line.ShownValues;
        if (line.Grant is not { } id) return null;
        if (!_grants.TryGetValue(id, out var grant)) return FaultWords.NotOfThisPack(line.Place, id);
        if (line.Number == 0)
        {
            if (line.IsCarried) (grant.Last, grant.TakesAny) = (0, true);
            return null;
        }

        if (line.Number != grant.Last + 1 && !line.IsCarried && !grant.TakesAny)
        {
            return line.Number > grant.Last
                ? FaultWords.NumberMissing(id, grant.Last + 1)
                : FaultWords.Number(line.Place, id, grant.Last, line.Number);
        }

        (grant.Last, grant.TakesAny) = (line.Number, false);
        grant.HasEnd |= line.IsEnd;
        return null;
    }

    private string? GrantsFault()
    {
        foreach (var (id, grant) in _grants)
        {
            if (grant.Last < grant.Events) return FaultWords.NumberMissing(id, grant.Last + 1);
            if (grant.Last > grant.Events) return FaultWords.NoDescription;
            if (grant.IsOver && !grant.HasEnd) return FaultWords.EndMissing(id);
        }

        return null;
    }
}
