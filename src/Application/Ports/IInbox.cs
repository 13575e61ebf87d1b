using DbAccess.Domain.Principals;

namespace DbAccess.Application.Ports;

/// <summary>What somebody asked for, typed, without tokens: enough to do it after a restart.</summary>
/// <param name="Key">The same for every copy of the same request.</param>
/// <param name="Kind"><c>command</c>, <c>message</c>, <c>action</c> or <c>submission</c>.</param>
/// <param name="Text">What was typed; for a button its action and value; for a form its fields as JSON.</param>
public sealed record InboxItem(string Key, string Kind, PrincipalId From, string? Channel, string Text, DateTimeOffset ReceivedAt);

/// <summary>
/// Requests that were accepted but not finished: written before they are acknowledged, so that a crash after the acknowledgement loses nothing.
/// Keys are remembered for at least 26 hours, which is longer than Slack repeats an event.
/// </summary>
public interface IInbox
{
    /// <summary>False when a request with this key, or with <paramref name="alias"/> as its key, was accepted before; then nothing is written.</summary>
    /// <param name="alias">A second key for the same request, such as channel and time stamp of a message; null when there is none.</param>
    Task<bool> TryAddAsync(InboxItem item, string? alias, CancellationToken cancellationToken);

    /// <summary>Requests that are not finished, the oldest first.</summary>
    Task<IReadOnlyList<InboxItem>> ListUnfinishedAsync(CancellationToken cancellationToken);

    /// <summary>The request was carried out or refused; it is not done again. Safe to repeat.</summary>
    Task FinishAsync(string key, CancellationToken cancellationToken);

    /// <summary>Forgets finished requests older than <paramref name="before"/>.</summary>
    Task PurgeAsync(DateTimeOffset before, CancellationToken cancellationToken);
}
