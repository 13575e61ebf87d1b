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

            current = new LogDay(day, first, signed);
            earliest = day;
        }

        if (current is not null) yield return current;
    }
}
