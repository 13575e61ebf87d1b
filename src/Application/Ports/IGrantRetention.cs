using DbAccess.Domain.Grants;

namespace DbAccess.Application.Ports;

/// <summary>Lets grants go that are over. What happened to them stays on the evidence log, which nothing is ever taken out of.</summary>
public interface IGrantRetention
{
    /// <summary>
    /// What the log tells of this grant so far is exported: if it is over, it may go at this instant. One that is live stays, and one that
    /// is saved again stays until what that told is exported, too. Safe to repeat.
    /// </summary>
    Task MayGoAsync(GrantId grant, DateTimeOffset at, CancellationToken cancellationToken);

    /// <summary>
    /// Removes those whose instant has come, where the store does not do it by itself. One of which the log tells something that is not
    /// exported stays, whatever instant the store has for it.
    /// </summary>
    /// <param name="exported">So many events from the first on are.</param>
    Task PurgeAsync(DateTimeOffset now, long exported, CancellationToken cancellationToken);
}
