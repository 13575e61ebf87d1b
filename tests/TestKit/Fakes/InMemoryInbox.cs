using DbAccess.Application.Ports;

namespace DbAccess.TestKit.Fakes;

/// <summary>The inbox's contract in its plainest form, for tests of use cases.</summary>
/// <param name="shared">The inbox of another process, to work on the same requests.</param>
public sealed class InMemoryInbox(InMemoryInbox? shared = null) : IInbox
{
    private readonly Lock _gate = shared?._gate ?? new();
    private readonly List<Row> _rows = shared?._rows ?? [];
    private Exception? _writeFailure;

    /// <summary>The keys of everything it remembers, in the order of arrival, with whether it is finished.</summary>
    public IReadOnlyList<(InboxItem Item, bool Finished)> Stored
    {
        get
        {
            lock (_gate) return [.. _rows.Select(row => (row.Item, row.Finished))];
        }
    }

    /// <summary>The next write of a request throws and leaves nothing behind. Forgetting old ones goes on: it happens on its own time, not on the test's.</summary>
    public void FailNext(Exception exception)
    {
        lock (_gate) _writeFailure = exception;
    }

    public Task<bool> TryAddAsync(InboxItem item, string? alias, CancellationToken cancellationToken) => Write(cancellationToken, () =>
    {
        if (_rows.Any(row => row.Has(item.Key) || (alias is not null && row.Has(alias)))) return false;

        _rows.Add(new Row(item, alias) { HeldBy = this, HeldUntil = item.ReceivedAt + IInbox.Hold });
        return true;
    });

    public async Task<IReadOnlyList<InboxItem>> ListWaitingAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate) return [.. _rows.Where(row => row is { Finished: false, Unreadable: false } && row.HeldUntil <= now).Select(row => row.Item).OrderBy(item => item.ReceivedAt)];
    }

    public Task<bool> TryHoldAsync(string key, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken) => Write(cancellationToken, () =>
    {
        if (_rows.Find(row => row.Item.Key == key) is not { Finished: false } row || (row.HeldUntil > now && row.HeldBy != this)) return false;

        (row.HeldBy, row.HeldUntil) = (this, until);
        return true;
    });

    public Task FinishAsync(string key, CancellationToken cancellationToken) => Write(cancellationToken, () =>
    {
        if (_rows.Find(row => row.Item.Key == key) is { } row) row.Finished = true;
        return true;
    });

    public int CountUnreadable()
    {
        lock (_gate) return _rows.Count(row => row is { Finished: false, Unreadable: true });
    }

    public void MakeUnreadable(string key)
    {
        lock (_gate) _rows.Single(row => row.Item.Key == key).Unreadable = true;
    }

    public async Task PurgeAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate) _rows.RemoveAll(row => row.Finished && row.Item.ReceivedAt < before);
    }

    private async Task<bool> Write(CancellationToken cancellationToken, Func<bool> write)
    {
        await Task.CompletedTask;
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (Interlocked.Exchange(ref _writeFailure, null) is { } failure) throw failure;
            return write();
        }
    }

    private sealed class Row(InboxItem item, string? alias)
    {
        public InboxItem Item => item;

        public bool Finished { get; set; }

        public bool Unreadable { get; set; }

        public required InMemoryInbox HeldBy { get; set; }

        public required DateTimeOffset HeldUntil { get; set; }

        public bool Has(string key) => item.Key == key || alias == key;
    }
}
