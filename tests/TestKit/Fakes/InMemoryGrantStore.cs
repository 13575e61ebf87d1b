using System.Runtime.CompilerServices;
using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.TestKit.Fakes;

/// <summary>
/// The grant store's contract in its plainest form, for tests of use cases. What it keeps and gives back are copies, so that a change becomes
/// visible to others only by a save, as with a real store.
/// </summary>
public sealed class InMemoryGrantStore : IGrantStore, IGrantRetention
{
    private readonly Lock _gate = new();
    private readonly Dictionary<GrantId, Row> _rows = [];
    private readonly HashSet<GrantId> _takenElsewhere = [];
    private readonly HashSet<GrantId> _unreadable = [];
    private readonly HashSet<GrantId> _leftOut = [];
    private Exception? _writeFailure;
    private Exception? _readFailure;
    private bool _loseNextRace;

    /// <summary>Every grant as it is stored now, the oldest first.</summary>
    public IReadOnlyList<GrantSnapshot> Stored
    {
        get
        {
            lock (_gate) return [.. _rows.Values.Select(row => Copy(row.State)).OrderBy(state => state.CreatedAt)];
        }
    }

    /// <summary>When each grant may go, as it was said last.</summary>
    public Dictionary<GrantId, DateTimeOffset> MayGo { get; } = [];

    /// <summary>When it was last asked to purge.</summary>
    public DateTimeOffset? PurgedAt { get; private set; }

    public Task MayGoAsync(GrantId grant, DateTimeOffset at, CancellationToken cancellationToken)
    {
        MayGo[grant] = at;
        return Task.CompletedTask;
    }

    /// <summary>So many events were said to be exported when it was.</summary>
    public long Exported { get; private set; }

    public Task PurgeAsync(DateTimeOffset now, long exported, CancellationToken cancellationToken)
    {
        (PurgedAt, Exported) = (now, exported);
        return Task.CompletedTask;
    }

    /// <summary>
    /// The next write loses, once, and the way real ones do: somebody else saved in between (or took the id), so trying again with what was
    /// loaded before loses too, and only loading again (or another id) helps.
    /// </summary>
    public void LoseNextRace()
    {
        lock (_gate) _loseNextRace = true;
    }

    /// <summary>The next write throws and leaves nothing behind.</summary>
    public void FailNext(Exception exception)
    {
        lock (_gate) _writeFailure = exception;
    }

    /// <summary>The next read throws.</summary>
    public void FailNextRead(Exception exception)
    {
        lock (_gate) _readFailure = exception;
    }

    /// <summary>From now on nobody can read it, as if a newer version had written it.</summary>
    public void MakeUnreadable(GrantId id)
    {
        lock (_gate) _unreadable.Add(id);
    }

    /// <summary>Where the grants' events are recorded too; null for nowhere.</summary>
    public InMemoryEvidenceLog? Evidence { get; set; }

    public Task<SaveOutcome> AddAsync(Grant grant, CancellationToken cancellationToken) => Write(cancellationToken, () =>
    {
        if (Take(ref _loseNextRace)) _takenElsewhere.Add(grant.Id);
        if (_rows.ContainsKey(grant.Id) || _takenElsewhere.Contains(grant.Id)) return SaveOutcome.LostRace;

        _rows[grant.Id] = new Row(Copy(grant.State) with { Version = 1 }, [.. grant.NewEvents]);
        Evidence?.Save(grant.State, grant.NewEvents);
        grant.Saved(1);
        return SaveOutcome.Saved;
    });

    public Task<SaveOutcome> SaveAsync(Grant grant, CancellationToken cancellationToken) => Write(cancellationToken, () =>
    {
        if (!_rows.TryGetValue(grant.Id, out var row)) return SaveOutcome.LostRace;
        if (Take(ref _loseNextRace)) _rows[grant.Id] = row = row with { State = row.State with { Version = row.State.Version + 1 } };
        if (row.State.Version != grant.State.Version) return SaveOutcome.LostRace;

        var next = row.State.Version + 1;
        _rows[grant.Id] = new Row(Copy(grant.State) with { Version = next }, [.. row.Events, .. grant.NewEvents]);
        Evidence?.Save(grant.State, grant.NewEvents);
        grant.Saved(next);
        return SaveOutcome.Saved;
    });

    public Task<Grant?> FindAsync(GrantId id, CancellationToken cancellationToken) =>
        Read(cancellationToken, () => _rows.TryGetValue(id, out var row) ? _unreadable.Contains(id) ? throw new GrantDocumentException(id.ToString(), "it was made so.") : Load(row) : null);

    public Task<IReadOnlyList<Grant>> ListDueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken) =>
        List(cancellationToken, limit, rows => rows
            .Where(row => row.State.DueAt <= now)
            .OrderBy(row => row.State.DueAt)
            .ThenBy(row => row.State.Id.ToString(), StringComparer.Ordinal));

    public Task<DateTimeOffset?> NextDueAsync(CancellationToken cancellationToken) =>
        Read(cancellationToken, () => _rows.Values.Where(row => !_leftOut.Contains(row.State.Id)).Min(row => row.State.DueAt));

    public Task<IReadOnlyList<Grant>> ListByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken) =>
        List(cancellationToken, limit, rows => NewestFirst(rows.Where(row => row.State.Requester == requester)));

    public Task<IReadOnlyList<Grant>> ListLiveByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken) =>
        List(cancellationToken, limit, rows => NewestFirst(rows.Where(row => row.State.Requester == requester && row.State.EndedAt is null)));

    public Task<IReadOnlyList<Grant>> ListLiveAsync(DatabaseName? database, int limit, CancellationToken cancellationToken) =>
        List(cancellationToken, limit, rows => NewestFirst(rows.Where(row =>
            row.State.EndedAt is null && (database is null || row.State.Target.Name == database))));

    public Task<IReadOnlyList<GrantId>> ListLiveIdsAsync(int limit, CancellationToken cancellationToken) =>
        Read<IReadOnlyList<GrantId>>(cancellationToken, () => [.. _rows.Values.Where(row => row.State.EndedAt is null).Take(limit).Select(row => row.State.Id)]);

    public Task<IReadOnlyDictionary<ClusterName, DateTimeOffset>> ListLatelyEndedAsync(DateTimeOffset since, CancellationToken cancellationToken) =>
        Read<IReadOnlyDictionary<ClusterName, DateTimeOffset>>(cancellationToken, () => _rows.Values
            .Where(row => row.State is { Role: not null, EndedAt: { } at } && at >= since)
            .GroupBy(row => row.State.Target.Cluster).ToDictionary(group => group.Key, group => group.Max(row => row.State.EndedAt!.Value)));

    public async IAsyncEnumerable<Grant> ReadSinceAsync(DateTimeOffset since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (var grant in await List(cancellationToken, int.MaxValue, rows => rows.Where(row => row.State.CreatedAt >= since))) yield return grant;
    }

    public Task<IReadOnlyList<GrantEvent>> ListEventsAsync(GrantId id, CancellationToken cancellationToken) =>
        Read<IReadOnlyList<GrantEvent>>(cancellationToken, () => _rows.TryGetValue(id, out var row) ? [.. row.Events.OrderBy(e => e.Sequence)] : []);

    public Task<IReadOnlyDictionary<GrantStatus, long>> CountByStatusAsync(CancellationToken cancellationToken) =>
        Read<IReadOnlyDictionary<GrantStatus, long>>(cancellationToken, () =>
            _rows.Values.GroupBy(row => row.State.Status).ToDictionary(group => group.Key, group => group.LongCount()));

    public int CountUnreadable()
    {
        lock (_gate) return _leftOut.Count;
    }

    public Task<long> CountQuarantinedAsync(CancellationToken cancellationToken) =>
        Read(cancellationToken, () => _rows.Values.LongCount(row => row.State.Status is GrantStatus.Quarantined));

    private static IEnumerable<Row> NewestFirst(IEnumerable<Row> rows) =>
        rows.OrderByDescending(row => row.State.CreatedAt).ThenBy(row => row.State.Id.ToString(), StringComparer.Ordinal);

    private static Grant Load(Row row) => new(Copy(row.State));

    /// <summary>A record is shared by reference, and so are its lists: without this a test could change what is "stored" through a list it still holds.</summary>
    private static GrantSnapshot Copy(GrantSnapshot state) => state with
    {
        Scope = state.Scope with
        {
            Privileges = [.. state.Scope.Privileges.Select(rule => rule with { Columns = [.. rule.Columns], Allow = [.. rule.Allow] })],
            Settings = new Dictionary<string, string>(state.Scope.Settings, StringComparer.Ordinal),
        },
        Receipt = state.Receipt is { } receipt ? receipt with { HandedOver = [.. receipt.HandedOver], Dropped = [.. receipt.Dropped], Remarks = [.. receipt.Remarks], Instances = [.. receipt.Instances] } : null,
        Blockers = [.. state.Blockers],
        Notices = [.. state.Notices],
    };

    private static bool Take(ref bool flag) => Interlocked.Exchange(ref flag, false);

    private static void Throw(ref Exception? failure)
    {
        if (Interlocked.Exchange(ref failure, null) is { } exception) throw exception;
    }

    private Task<SaveOutcome> Write(CancellationToken cancellationToken, Func<SaveOutcome> write) => Run(cancellationToken, () =>
    {
        Throw(ref _writeFailure);
        return write();
    });

    private Task<T> Read<T>(CancellationToken cancellationToken, Func<T> read) => Run(cancellationToken, () =>
    {
        Throw(ref _readFailure);
        return read();
    });

    private Task<IReadOnlyList<Grant>> List(CancellationToken cancellationToken, int limit, Func<IEnumerable<Row>, IEnumerable<Row>> choose) =>
        Read<IReadOnlyList<Grant>>(cancellationToken, () => [.. choose(_rows.Values).Where(IsReadable).Take(limit).Select(Load)]);

    private bool IsReadable(Row row)
    {
        if (_unreadable.Contains(row.State.Id)) _leftOut.Add(row.State.Id);
        return !_unreadable.Contains(row.State.Id);
    }

    // Asynchronous, so that an exception arrives where it does with a real store: at the await.
    private async Task<T> Run<T>(CancellationToken cancellationToken, Func<T> work)
    {
        await Task.CompletedTask;
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate) return work();
    }

    private sealed record Row(GrantSnapshot State, IReadOnlyList<GrantEvent> Events);
}
