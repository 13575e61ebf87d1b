using DbAccess.Domain.Principals;

namespace DbAccess.Application.Ports;

/// <summary>What somebody asked for, typed, without tokens: enough to do it after a restart.</summary>
/// <param name="Key">The same for every copy of the same request.</param>
/// <param name="Kind"><c>command</c>, <c>message</c>, <c>action</c>, <c>submission</c> or <c>revocation</c>.</param>
/// <param name="Text">What was typed; for a button its action and value; for a form its fields as JSON.</param>
public sealed record InboxItem(string Key, string Kind, PrincipalId From, string? Channel, string Text, DateTimeOffset ReceivedAt)
{
    /// <summary>That this installation accepted it; null on requests of earlier versions. Kept by the store, read by nobody else.</summary>
    public string? Seal { get; init; }
}

/// <summary>
/// Requests that were accepted but not finished: written before they are acknowledged, so that a crash after the acknowledgement loses
/// nothing. Keys are remembered for at least 26 hours, which is longer than Slack repeats an event. Each is in the hand of one process at a
/// time (of one object of this kind), for a while that it prolongs: so several can work on one inbox, and what a dead one had is taken up
/// by another.
/// </summary>
public interface IInbox
{
    /// <summary>
    /// How long a request stays in a hand that says nothing more: longer than a process falters, and no longer than people wait after a
    /// crash.
    /// </summary>
    static readonly TimeSpan Hold = TimeSpan.FromSeconds(20);

    /// <summary>
    /// False when a request with this key, or with <paramref name="alias"/> as its key, was accepted before; then nothing is written. It is
    /// in this process's hand until <see cref="Hold"/> after it was received. Cancelling stops the waiting for a turn, never a write that
    /// is on its way: whoever cannot wait goes, and sees to what came of it later.
    /// </summary>
    /// <param name="alias">A second key for the same request, such as channel and time stamp of a message; null when there is none.</param>
    Task<bool> TryAddAsync(InboxItem item, string? alias, CancellationToken cancellationToken);

    /// <summary>
    /// Requests that are neither finished nor in anybody's hand, the oldest first. One that cannot be read is left out, and said in the
    /// log.
    /// </summary>
    Task<IReadOnlyList<InboxItem>> ListWaitingAsync(DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>
    /// Takes a request in hand, or keeps it there, until <paramref name="until"/> (which may be now, to let go of it). False when it is
    /// finished or in another hand. An answer that was lost may be a false that should be true: then it is nobody's after a while.
    /// </summary>
    Task<bool> TryHoldAsync(string key, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken);

    /// <summary>The request was carried out or refused; it is not done again. Safe to repeat.</summary>
    Task FinishAsync(string key, CancellationToken cancellationToken);

    /// <summary>How many the lists of the last minute left out because they cannot be read; an alarm is built on it.</summary>
    int CountUnreadable();

    /// <summary>Forgets finished requests older than <paramref name="before"/>.</summary>
    Task PurgeAsync(DateTimeOffset before, CancellationToken cancellationToken);
}
