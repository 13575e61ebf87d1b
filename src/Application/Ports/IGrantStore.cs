using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Ports;

/// <summary>How a write ended.</summary>
public enum SaveOutcome
{
    Saved,

    /// <summary>Somebody else saved the grant in between (or took the id): nothing was written. Load again and decide anew.</summary>
    LostRace,
}

/// <summary>
/// The record of grants. A write stores the state, its new events and what is due as one, on disk before it returns, and only if the stored
/// version is the one that was loaded. Reads of single grants see every write that returned before.
/// </summary>
public interface IGrantStore
{
    /// <summary>Stores a new grant; <see cref="SaveOutcome.LostRace"/> when the id is taken.</summary>
    Task<SaveOutcome> AddAsync(Grant grant, CancellationToken cancellationToken);

    /// <summary>Stores what changed. On success the grant has its next version and no new events.</summary>
    Task<SaveOutcome> SaveAsync(Grant grant, CancellationToken cancellationToken);

    Task<Grant?> FindAsync(GrantId id, CancellationToken cancellationToken);

    /// <summary>Grants whose <see cref="GrantSnapshot.DueAt"/> is not after <paramref name="now"/>, the longest due first. Costs by what is due, not by what exists.</summary>
    Task<IReadOnlyList<Grant>> ListDueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken);

    /// <summary>When the next grant is due; null when none ever is.</summary>
    Task<DateTimeOffset?> NextDueAsync(CancellationToken cancellationToken);

    /// <summary>A person's grants, the newest first.</summary>
    Task<IReadOnlyList<Grant>> ListByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken);

    /// <summary>Grants that have not come to their end (see <see cref="GrantSnapshot.EndedAt"/>), the newest first; of one database, or of all.</summary>
    Task<IReadOnlyList<Grant>> ListLiveAsync(DatabaseName? database, int limit, CancellationToken cancellationToken);

    /// <summary>A grant's story, in order.</summary>
    Task<IReadOnlyList<GrantEvent>> ListEventsAsync(GrantId id, CancellationToken cancellationToken);

    /// <summary>How many grants there are of each status that is not terminal, and how many of those that ended; for metrics.</summary>
    Task<IReadOnlyDictionary<GrantStatus, long>> CountByStatusAsync(CancellationToken cancellationToken);
}
