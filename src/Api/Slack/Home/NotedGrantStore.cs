using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Home;

/// <summary>The store of grants, which notes what is to be drawn anew when this process has saved a grant.</summary>
internal sealed class NotedGrantStore(IGrantStore inner, HomeVisitors visitors, NowNews news) : IGrantStore
{
    public async Task<SaveOutcome> AddAsync(Grant grant, CancellationToken cancellationToken) =>
        Noted(grant, await inner.AddAsync(grant, cancellationToken));

    public async Task<SaveOutcome> SaveAsync(Grant grant, CancellationToken cancellationToken) =>
        Noted(grant, await inner.SaveAsync(grant, cancellationToken));

    public Task<Grant?> FindAsync(GrantId id, CancellationToken cancellationToken) => inner.FindAsync(id, cancellationToken);

    public Task<IReadOnlyList<Grant>> ListDueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken) =>
        inner.ListDueAsync(now, limit, cancellationToken);

    public Task<DateTimeOffset?> NextDueAsync(CancellationToken cancellationToken) => inner.NextDueAsync(cancellationToken);

    public Task<IReadOnlyList<Grant>> ListByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken) =>
        inner.ListByRequesterAsync(requester, limit, cancellationToken);

    public Task<IReadOnlyList<Grant>> ListLiveByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken) =>
        inner.ListLiveByRequesterAsync(requester, limit, cancellationToken);

    public Task<IReadOnlyList<Grant>> ListLiveAsync(DatabaseName? database, int limit, CancellationToken cancellationToken) =>
        inner.ListLiveAsync(database, limit, cancellationToken);

    public Task<IReadOnlyList<GrantId>> ListLiveIdsAsync(int limit, CancellationToken cancellationToken) =>
        inner.ListLiveIdsAsync(limit, cancellationToken);

    public Task<IReadOnlyDictionary<ClusterName, DateTimeOffset>> ListLatelyEndedAsync(
        DateTimeOffset since, CancellationToken cancellationToken) => inner.ListLatelyEndedAsync(since, cancellationToken);

    public IAsyncEnumerable<Grant> ReadSinceAsync(DateTimeOffset since, CancellationToken cancellationToken) =>
        inner.ReadSinceAsync(since, cancellationToken);

    public Task<IReadOnlyList<GrantEvent>> ListEventsAsync(GrantId id, CancellationToken cancellationToken) =>
        inner.ListEventsAsync(id, cancellationToken);

    public Task<IReadOnlyDictionary<GrantStatus, long>> CountByStatusAsync(CancellationToken cancellationToken) =>
        inner.CountByStatusAsync(cancellationToken);

    public int CountUnreadable() => inner.CountUnreadable();

    public Task<long> CountQuarantinedAsync(CancellationToken cancellationToken) => inner.CountQuarantinedAsync(cancellationToken);

    private SaveOutcome Noted(Grant grant, SaveOutcome outcome)
    {
        if (outcome is not SaveOutcome.Saved) return outcome;
        visitors.Changed(grant.State);
        news.Changed();
        return outcome;
    }
}
