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
/// A stored grant whose document this program cannot read. Its message names the grant and the place, never what stands there.
/// </summary>
public sealed class GrantDocumentException(string grant, string why)
    : Exception($"Grant {grant} cannot be read from the store: {why}")
{
    public string Grant => grant;
}

/// <summary>
/// The record of grants. A write stores the state, its new events and what is due as one, on disk before it returns, and only if the stored
/// version is the one that was loaded. Reads of single grants see every write that returned before. A grant that this program cannot read
/// (damaged, or written by a newer version) is a <see cref="GrantDocumentException"/> when it is asked for by its id, and is left out of
/// lists, which say so in the log: one of them must not keep the others from their end, nor hide those behind it.
/// </summary>
public interface IGrantStore
{
    /// <summary>Stores a new grant; <see cref="SaveOutcome.LostRace"/> when the id is taken.</summary>
    Task<SaveOutcome> AddAsync(Grant grant, CancellationToken cancellationToken);

    /// <summary>Stores what changed. On success the grant has its next version and no new events.</summary>
    Task<SaveOutcome> SaveAsync(Grant grant, CancellationToken cancellationToken);

    Task<Grant?> FindAsync(GrantId id, CancellationToken cancellationToken);

    /// <summary>
    /// Grants whose <see cref="GrantSnapshot.DueAt"/> is not after <paramref name="now"/>, the longest due first. Costs by what is due, not
    /// by what exists.
    /// </summary>
    Task<IReadOnlyList<Grant>> ListDueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// When the next grant is due; null when none ever is. What a list of the last minute could not read does not count: nobody here can
    /// take its step, and whoever waits for the next one must not be woken by it all the time.
    /// </summary>
    Task<DateTimeOffset?> NextDueAsync(CancellationToken cancellationToken);

    /// <summary>A person's grants, the newest first.</summary>
    Task<IReadOnlyList<Grant>> ListByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// A person's grants that have not come to their end, the newest first, however many others came after them. May cost by all that the
    /// person ever had.
    /// </summary>
    Task<IReadOnlyList<Grant>> ListLiveByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Grants that have not come to their end (see <see cref="GrantSnapshot.EndedAt"/>), the newest first; of one database, or of all.
    /// </summary>
    Task<IReadOnlyList<Grant>> ListLiveAsync(DatabaseName? database, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// The ids of grants that have not come to their end, in no order: cheaper than the grants, and as they were a moment ago. Also of
    /// those that cannot be read.
    /// </summary>
    Task<IReadOnlyList<GrantId>> ListLiveIdsAsync(int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Clusters where a grant that had a role came to its end at <paramref name="since"/> or later, each with when the last one did, as it
    /// was a moment ago. Costs by clusters and by what ended since, not by what exists.
    /// </summary>
    Task<IReadOnlyDictionary<ClusterName, DateTimeOffset>> ListLatelyEndedAsync(DateTimeOffset since, CancellationToken cancellationToken);

    /// <summary>
    /// Every grant that was asked for at <paramref name="since"/> or later and is still kept, ended ones included, page by page as they are
    /// asked for, in no order; what is written meanwhile may be missing. Costs by what there is, up to all that is kept: for looking back,
    /// and not for requests.
    /// </summary>
    IAsyncEnumerable<Grant> ReadSinceAsync(DateTimeOffset since, CancellationToken cancellationToken);

    /// <summary>A grant's story, in order.</summary>
    Task<IReadOnlyList<GrantEvent>> ListEventsAsync(GrantId id, CancellationToken cancellationToken);

    /// <summary>
    /// How many grants there are of each status that is not terminal, and how many of those that ended; for metrics. May read an entry of
    /// every live grant.
    /// </summary>
    Task<IReadOnlyDictionary<GrantStatus, long>> CountByStatusAsync(CancellationToken cancellationToken);

    /// <summary>How many grants the lists of the last minute left out because they cannot be read; an alarm is built on it.</summary>
    int CountUnreadable();

    /// <summary>
    /// How many roles are locked out and cannot be dropped yet, as it was a moment ago. Costs by their number, so it can be asked with
    /// every sweep.
    /// </summary>
    Task<long> CountQuarantinedAsync(CancellationToken cancellationToken);
}
