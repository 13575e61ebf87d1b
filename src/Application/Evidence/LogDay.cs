using System.Globalization;
using System.Runtime.CompilerServices;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Evidence;

/// <summary>A day of an export: the events that a checkpoint of this day was the first to cover.</summary>
/// <param name="First">The place of its first event.</param>
/// <param name="Last">The last checkpoint of the day.</param>
internal sealed record LogDay(DateOnly Day, long First, SignedCheckpoint Last)
{
    /// <summary>
    /// The last checkpoint of each key after which another one signed on the same day: it is what vouches for the other one.
    /// </summary>
    public IReadOnlyList<SignedCheckpoint> Handovers { get; init; } = [];

    /// <summary>Its checkpoints that are exported, by their paths.</summary>
    public IEnumerable<(string Path, SignedCheckpoint Signed)> Checkpoints => Handovers
        .Select(signed => (string.Create(CultureInfo.InvariantCulture, $"checkpoints/{Path}-{signed.Checkpoint.Size}.txt"), signed))
        .Append(($"checkpoints/{Path}.txt", Last));

    /// <summary><c>2026/11/29</c></summary>
    public string Path => Day.ToString("yyyy'/'MM'/'dd", CultureInfo.InvariantCulture);

    /// <summary>In order. A day that is not over yet may be the last of them.</summary>
    /// <param name="from">The place of the first event that is wanted.</param>
    /// <param name="after">The day before that event's. A checkpoint of a clock that was behind counts to the day of the one before it: the
    /// order of the days is that of the events.</param>
    public static async IAsyncEnumerable<LogDay> ListAsync(
        IEvidenceLog log, long from, DateOnly after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var (current, first, earliest) = ((LogDay?)null, from, after == DateOnly.MinValue ? after : after.AddDays(1));
        await foreach (var note in log.ReadCheckpointsAsync(from, cancellationToken))
        {
            if (SignedCheckpoint.Parse(note) is not { } signed) continue;

            var day = DateOnly.FromDateTime(signed.Checkpoint.At.UtcDateTime);
            if (day < earliest) day = earliest;
            if (current is not null && day > current.Day)
            {
                yield return current;
                first = current.Last.Checkpoint.Size;
            }

            var handover = current is { } open && open.Day == day && !SameKeys(open.Last, signed);
            current = new LogDay(day, first, signed)
            {
                Handovers = current?.Day != day ? [] : handover ? [.. current.Handovers, current.Last] : current.Handovers,
            };
            earliest = day;
        }

        if (current is not null) yield return current;
    }

    private static bool SameKeys(SignedCheckpoint one, SignedCheckpoint other) =>
        one.Signatures.Select(line => line.Key).SequenceEqual(other.Signatures.Select(line => line.Key), StringComparer.Ordinal);
}
