using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Ports;

/// <summary>An event on record that has no place in the log yet.</summary>
/// <param name="Key">The store's own name for it.</param>
public sealed record UnplacedEvent(string Key, EventBody Body);

/// <summary>An event at its place.</summary>
/// <param name="Place">0 for the first.</param>
/// <param name="Hash">The leaf hash that was computed when it got its place; null when the store has lost it.</param>
/// <param name="Body">Null when the store has a hash for the place and no event.</param>
public sealed record PlacedEvent(long Place, EventBody? Body, byte[]? Hash);

/// <summary>The log's end, as the last append left it.</summary>
/// <param name="Version">Counts appends; an append over any other version than the stored one has lost a race.</param>
/// <param name="Head">The peaks of the tree (<see cref="TreeHead"/>), as text.</param>
/// <param name="Checkpoint">The newest checkpoint, signed; null while the log is empty.</param>
public sealed record LogEnd(long Version, string? Head, string? Checkpoint)
{
    /// <summary>The newest checkpoint, read; null while there is none, and when what stands there is none.</summary>
    public SignedCheckpoint? Signed => Checkpoint is null ? null : SignedCheckpoint.Parse(Checkpoint);

    /// <summary>Clocks of processes may; a lease that reaches further ahead than this is nobody's.</summary>
    public static TimeSpan ClocksDiffer { get; } = TimeSpan.FromMinutes(10);
}

/// <summary>The store holds what no append can have left there, in words for "tampered with: …"; nothing was written.</summary>
public sealed class LogBrokenException(string fault, Exception? inner = null) : Exception(fault, inner);

/// <summary>
/// The evidence log of a store: events in the order in which they got their place, and every checkpoint. The events themselves are recorded
/// by <see cref="IAuditTrail"/> and by the saves of grants, in the transaction of the state that they tell of; here they get their place,
/// once, and nothing here changes or removes one; a repair (<see cref="GoBackAsync"/>) takes places back, which stands on the log.
/// </summary>
public interface IEvidenceLog
{
    /// <summary>
    /// For one at a time: true when this holder has the log until then, again included. Keeps two from doing the same work; what keeps the
    /// log from forking is <see cref="TryAppendAsync"/>. A lease that reaches past <paramref name="until"/> by more than
    /// <see cref="LogEnd.ClocksDiffer"/> (a clock that was wrong, a hand in the store) holds nobody up.
    /// </summary>
    Task<bool> TryHoldAsync(string holder, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken);

    /// <summary>Sees every append that returned before.</summary>
    Task<LogEnd> ReadEndAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Recorded events without a place, each grant's in the order of their numbers, without a hole. Sees every record that returned before,
    /// or, where the store promises less, sees it in the end.
    /// </summary>
    Task<IReadOnlyList<UnplacedEvent>> ListUnplacedAsync(int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Gives places from the end on, and stores the new end with its checkpoint, all or nothing, and only over the version that was read.
    /// False when somebody else appended in between.
    /// </summary>
    Task<bool> TryAppendAsync(
        LogEnd over, long firstPlace, IReadOnlyList<(UnplacedEvent Event, byte[] Hash)> placed, LogEnd end, DateTimeOffset at,
        CancellationToken cancellationToken);

    /// <summary>
    /// For a repair: makes this the log's end, whatever stands there. Events from that place on have none any more and are recorded ones
    /// again; nothing else of them changes. Checkpoints past it that cannot be are put aside under marks (<c>aside:…</c>), not removed
    /// without a trace. Only whoever holds the log may; safe to repeat.
    /// </summary>
    /// <param name="end">Its version is the store's matter.</param>
    Task GoBackAsync(LogEnd end, long place, DateTimeOffset at, CancellationToken cancellationToken);

    /// <summary>The log from a place on, in order, a place that is missing left out.</summary>
    IAsyncEnumerable<PlacedEvent> ReadAsync(long from, CancellationToken cancellationToken);

    /// <summary>Events of one grant that have a place, its own and attempts that name it, in the order of the log.</summary>
    IAsyncEnumerable<PlacedEvent> ReadGrantAsync(GrantId grant, CancellationToken cancellationToken);

    /// <summary>Every checkpoint that covers more than so many events, by size; 0 for all.</summary>
    IAsyncEnumerable<string> ReadCheckpointsAsync(long past, CancellationToken cancellationToken);

    /// <summary>How many events have no place yet, and since when the oldest of them waits; for alarms.</summary>
    Task<(long Events, DateTimeOffset? Since)> CountUnplacedAsync(CancellationToken cancellationToken);

    /// <summary>What some follower of the log remembers: how far it came, what it said last. Null when it never did.</summary>
    Task<string?> ReadMarkAsync(string name, CancellationToken cancellationToken);

    /// <summary>Only over what was read; false when somebody else wrote in between.</summary>
    Task<bool> TryWriteMarkAsync(string name, string? over, string value, CancellationToken cancellationToken);
}
