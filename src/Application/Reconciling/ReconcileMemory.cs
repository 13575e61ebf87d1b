using System.Collections.Concurrent;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Reconciling;

/// <summary>
/// What passes of one process remember of each other: since when a scope role is unneeded, which clusters were busy lately, and which
/// grants are in use.
/// </summary>
internal sealed class ReconcileMemory
{
    private readonly ConcurrentDictionary<ClusterName, IReadOnlyDictionary<uint, DateTimeOffset>> _unneeded = new();
    private readonly ConcurrentDictionary<ClusterName, DateTimeOffset> _busy = new();
    private readonly ConcurrentDictionary<GrantId, GrantSnapshot> _inUse = new();

    public IReadOnlyDictionary<uint, DateTimeOffset> UnneededSince(ClusterName cluster) =>
        _unneeded.TryGetValue(cluster, out var known) ? known : new Dictionary<uint, DateTimeOffset>();

    /// <summary>Forgets what is needed again: the grace starts anew then.</summary>
    public void SetUnneeded(ClusterName cluster, IEnumerable<uint> oids, DateTimeOffset now)
    {
        var before = UnneededSince(cluster);
        _unneeded[cluster] = oids.ToDictionary(oid => oid, oid => before.TryGetValue(oid, out var since) ? since : now);
    }

    public void WasBusy(ClusterName cluster, DateTimeOffset now) => _busy[cluster] = now;

    /// <summary>
    /// A grant that was in use when it was last read, and is by the clock. As long as it is in use, all that a comparison rests on stays as
    /// it is: role, OID, scope. Whether it still is, is for the record to say before anything is decided, and in any case once an hour.
    /// </summary>
    public GrantSnapshot? InUse(GrantId id, DateTimeOffset now) => _inUse.TryGetValue(id, out var grant) && grant.Window?.Expiry > now
        ? grant : null;

    /// <summary>What is live now, and nothing else.</summary>
    public void Remember(IReadOnlyList<GrantSnapshot> live)
    {
        var inUse = live.Where(grant => grant.Status is GrantStatus.Active).ToDictionary(grant => grant.Id);
        foreach (var id in _inUse.Keys.Where(id => !inUse.ContainsKey(id))) Forget(id);
        foreach (var (id, grant) in inUse) _inUse[id] = grant;
    }

    public void Forget(GrantId id) => _inUse.TryRemove(id, out _);

    public IEnumerable<ClusterName> BusySince(DateTimeOffset since) =>
        _busy.Where(entry => entry.Value >= since).Select(entry => entry.Key);
}
