using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Tests;

internal sealed class GatedStore(IGrantStore inner, Gate gate) : IGrantStore
{
    public Task<SaveOutcome> AddAsync(Grant grant, CancellationToken cancellationToken) => gate.PassAsync("Add", () => inner.AddAsync(grant, cancellationToken));

    public Task<SaveOutcome> SaveAsync(Grant grant, CancellationToken cancellationToken) =>
        gate.PassAsync("Save", () => grant.Id == gate.Stuck ? throw new IOException("The record cannot be written.") : inner.SaveAsync(grant, cancellationToken));

    public Task<Grant?> FindAsync(GrantId id, CancellationToken cancellationToken) => gate.PassAsync("Find", () => inner.FindAsync(id, cancellationToken));

    public Task<IReadOnlyList<Grant>> ListDueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken) => gate.PassAsync("ListDue", () => inner.ListDueAsync(now, limit, cancellationToken));

    public Task<DateTimeOffset?> NextDueAsync(CancellationToken cancellationToken) => inner.NextDueAsync(cancellationToken);

    public Task<IReadOnlyList<Grant>> ListByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken) => inner.ListByRequesterAsync(requester, limit, cancellationToken);

    public Task<IReadOnlyList<Grant>> ListLiveByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken) => inner.ListLiveByRequesterAsync(requester, limit, cancellationToken);

    public Task<IReadOnlyList<Grant>> ListLiveAsync(DatabaseName? database, int limit, CancellationToken cancellationToken) => gate.PassAsync("list live", () => inner.ListLiveAsync(database, limit, cancellationToken));

    public Task<IReadOnlyList<GrantEvent>> ListEventsAsync(GrantId id, CancellationToken cancellationToken) => inner.ListEventsAsync(id, cancellationToken);

    public Task<IReadOnlyList<GrantId>> ListLiveIdsAsync(int limit, CancellationToken cancellationToken) => inner.ListLiveIdsAsync(limit, cancellationToken);

    public Task<IReadOnlyDictionary<ClusterName, DateTimeOffset>> ListLatelyEndedAsync(DateTimeOffset since, CancellationToken cancellationToken) => inner.ListLatelyEndedAsync(since, cancellationToken);

    public IAsyncEnumerable<Grant> ReadSinceAsync(DateTimeOffset since, CancellationToken cancellationToken) => inner.ReadSinceAsync(since, cancellationToken);

    public Task<IReadOnlyDictionary<GrantStatus, long>> CountByStatusAsync(CancellationToken cancellationToken) => inner.CountByStatusAsync(cancellationToken);

    public int CountUnreadable() => inner.CountUnreadable();

    public Task<long> CountQuarantinedAsync(CancellationToken cancellationToken) => inner.CountQuarantinedAsync(cancellationToken);
}
