using System.Globalization;
using System.Runtime.CompilerServices;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Evidence;

/// <summary>A day of an export: the events that a checkpoint of this day was the first to cover.</summary>
/// <param name="First">The place of its first event.</param>
/// <param name="Last">The last checkpoint of the day.</param>
/// <param name="Vouching">Where the key was changed on this day: the last checkpoint of each key before that one's. It is what the new key
/// is trusted by.</param>
internal sealed record LogDay(DateOnly Day, long First, SignedCheckpoint Last, IReadOnlyList<SignedCheckpoint> Vouching)
{
    /// <summary>The day's checkpoints, each with its path in an export.</summary>
    public IEnumerable<(string Path, SignedCheckpoint Signed)> Checkpoints => Vouching
        .Select(signed => ($"checkpoints/{Path}-{signed.Signatures[0].Key}.txt", signed)).Append(($"checkpoints/{Path}.txt", Last));

    /// <summary><c>2026/11/29</c></summary>
    public string Path => PathOf(Day);

    public static string PathOf(DateOnly day) => day.ToString("yyyy'/'MM'/'dd", CultureInfo.InvariantCulture);

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

            current = new LogDay(day, first, signed, current?.Day == day ? VouchingFor(signed, current) : []);
            earliest = day;
        }

        if (current is not null) yield return current;
    }

    private static IReadOnlyList<SignedCheckpoint> VouchingFor(SignedCheckpoint next, LogDay day)
    {
        var key = day.Last.Signatures[0].Key;
        return key == next.Signatures[0].Key
            ? day.Vouching : [.. day.Vouching.Where(signed => signed.Signatures[0].Key != key), day.Last];
    }
}
