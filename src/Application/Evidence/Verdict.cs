using System.Globalization;
using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Evidence;

/// <summary>How many of a grant's own events a pack holds, and whether the last brought it to its end.</summary>
public sealed record PackedGrant(string Grant, long Events, bool IsOver);

/// <summary>What a verifier found, in the words of <c>docs/audit-format.md</c>.</summary>
public sealed record Verdict
{
    /// <summary>The first thing that is wrong; null when the log, or the pack, is whole.</summary>
    public string? Fault { get; init; }

    public int ExitCode => Fault is null ? 0 : 1;

    /// <summary>How many events were read without a fault.</summary>
    public required long Events { get; init; }

    public int Checkpoints { get; init; }

    /// <summary>Those of the auditor that fit.</summary>
    public int KeptCheckpoints { get; init; }

    /// <summary>The largest of the log's own, or the one of the pack.</summary>
    public Checkpoint? Newest { get; init; }

    /// <summary>How many checkpoints each trusted key signed, those that the auditor kept included.</summary>
    public IReadOnlyDictionary<string, int> SignedBy { get; init; } = new Dictionary<string, int>(StringComparer.Ordinal);

    public long ShownValues { get; init; }

    public long WithheldValues { get; init; }

    /// <summary>Of a pack; null of a log.</summary>
    public IReadOnlyList<PackedGrant>? Grants { get; init; }

    /// <summary>What is printed, line by line: the fault alone, or what was verified.</summary>
    public IEnumerable<string> Words()
    {
        if (Fault is not null)
        {
            yield return Fault;
            yield break;
        }

        yield return Grants is null ? "the log is whole" : "the pack is whole";
        yield return Text($"events: {Events}");
        foreach (var (grant, events, isOver) in Grants ?? [])
            yield return Text($"grant {grant}: events {events}, {(isOver ? "over" : "not over")}");
        if (Grants is null) yield return Text($"checkpoints: {Checkpoints}");
        // Its lines as they were signed: the origin, the size, the root, the time.
        var signed = Newest!.Body().Split('\n');
        yield return $"{(Grants is null ? "newest checkpoint" : "checkpoint")}: size {signed[1]}, root {signed[2]}, {signed[3]}";
        yield return $"signed by: {string.Join(", ", SignedBy.Select(key => Text($"{key.Key} {key.Value}")))}";
        yield return Text($"sealed values: {ShownValues} shown, {WithheldValues} withheld");
        if (KeptCheckpoints > 0) yield return Text($"checkpoints that you kept: {KeptCheckpoints}");
    }

    private static string Text(FormattableString words) => words.ToString(CultureInfo.InvariantCulture);
}
