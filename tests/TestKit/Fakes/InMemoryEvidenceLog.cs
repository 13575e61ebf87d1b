using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;

namespace DbAccess.TestKit.Fakes;

/// <summary>An evidence log that remembers, and can be told to fail or be edited as by somebody who can write to the store.</summary>
public sealed class InMemoryEvidenceLog : IAuditTrail, IEvidenceLog
{
    private readonly Lock _gate = new();
    private readonly List<LogEvent> _records = [];
    private readonly List<Row> _rows = [];
    private readonly List<(long Size, string Note)> _checkpoints = [];
    private readonly Dictionary<string, string> _marks = [];
    private Exception? _writeFailure;
    private LogEnd _end = new(0, null, null);
    private (string? Holder, DateTimeOffset Until) _lease;

    /// <summary>What was recorded that belongs to no grant's state, in order.</summary>
    public IReadOnlyList<LogEvent> Records
    {
        get
        {
            lock (_gate) return [.. _records];
        }
    }

    /// <summary>The next record throws and leaves nothing behind.</summary>
    public void FailNext(Exception exception)
    {
        lock (_gate) _writeFailure = exception;
    }

    /// <summary>As a grant's store does it, in the write that saves its state.</summary>
    public void Save(GrantSnapshot state, IEnumerable<GrantEvent> events)
    {
        lock (_gate) _rows.AddRange(events.Select(happened => new Row(GrantFacts.Of(state, happened, Way.Current, null))));
    }

    /// <summary>By hand, behind the product's back; null removes it.</summary>
    public void Edit(long place, Func<EventBody, EventBody?> change)
    {
        lock (_gate)
        {
            var row = _rows.Single(row => row.Place == place);
            if (change(row.Body) is { } body) row.Body = body;
            else _rows.Remove(row);
        }
    }

    /// <summary>By hand: an event that nobody recorded, and that has no place yet.</summary>
    public void Insert(EventBody body)
    {
        lock (_gate) _rows.Add(new Row(body));
    }

    public void RewriteEnd(Func<LogEnd, LogEnd> change)
    {
        lock (_gate) _end = change(_end);
    }

    public async Task RecordAsync(LogEvent happened, CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (Interlocked.Exchange(ref _writeFailure, null) is { } failure) throw failure;
            _records.Add(happened);
            _rows.Add(new Row(happened));
        }
    }

    public Task<bool> TryHoldAsync(string holder, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_lease.Holder is not null && _lease.Holder != holder && _lease.Until > now && _lease.Until <= until + LogEnd.ClocksDiffer) return Task.FromResult(false);
            _lease = (holder, until);
            return Task.FromResult(true);
        }
    }

    public Task<LogEnd> ReadEndAsync(CancellationToken cancellationToken)
    {
        lock (_gate) return Task.FromResult(_end);
    }

    public Task<IReadOnlyList<UnplacedEvent>> ListUnplacedAsync(int limit, CancellationToken cancellationToken)
    {
        lock (_gate)
            return Task.FromResult<IReadOnlyList<UnplacedEvent>>([.. _rows.Where(row => row.Place is null).Take(limit)
                .Select(row => new UnplacedEvent(_rows.IndexOf(row).ToString(CultureInfo.InvariantCulture), row.Body))]);
    }

    public Task<bool> TryAppendAsync(LogEnd over, long firstPlace, IReadOnlyList<(UnplacedEvent Event, byte[] Hash)> placed, LogEnd end,
        DateTimeOffset at, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (over.Version != _end.Version) return Task.FromResult(false);
            for (var i = 0; i < placed.Count; i++)
            {
                var row = _rows[int.Parse(placed[i].Event.Key, CultureInfo.InvariantCulture)];
                (row.Place, row.Hash) = (firstPlace + i, placed[i].Hash);
            }

            _end = end with { Version = _end.Version + 1 };
            if (end.Checkpoint is { } note) _checkpoints.Add((firstPlace + placed.Count, note));
            return Task.FromResult(true);
        }
    }

    public async Task GoBackAsync(LogEnd end, long place, DateTimeOffset at, CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        lock (_gate)
        {
            foreach (var row in _rows.Where(row => row.Place >= place)) (row.Place, row.Hash) = (null, null);
            foreach (var (size, note) in _checkpoints.Where(one => one.Size >= place && one.Note != end.Checkpoint)) _marks[$"aside:{size}"] = note;
            _checkpoints.RemoveAll(one => one.Size >= place);
            _checkpoints.Add((place, end.Checkpoint!));
            _end = end with { Version = _end.Version + 1 };
        }
    }

    /// <summary>By hand: a checkpoint as it stands beside the log; null removes it.</summary>
    public void RewriteCheckpoint(long size, string? note)
    {
        lock (_gate)
        {
            _checkpoints.RemoveAll(one => one.Size == size);
            if (note is not null) _checkpoints.Add((size, note));
        }
    }

    public IAsyncEnumerable<PlacedEvent> ReadAsync(long from, CancellationToken cancellationToken) =>
        Placed(row => row.Place >= from).ToAsyncEnumerable();

    public IAsyncEnumerable<PlacedEvent> ReadGrantAsync(GrantId grant, CancellationToken cancellationToken) =>
        Placed(row => row.Grant == grant).ToAsyncEnumerable();

    public IAsyncEnumerable<string> ReadCheckpointsAsync(long past, CancellationToken cancellationToken)
    {
        lock (_gate) return _checkpoints.Where(one => one.Size > past).Select(one => one.Note).ToList().ToAsyncEnumerable();
    }

    public async Task<(long Events, DateTimeOffset? Since)> CountUnplacedAsync(CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        lock (_gate)
        {
            var waiting = _rows.Where(row => row.Place is null).ToList();
            return (waiting.Count, waiting.Count == 0 ? null : waiting.Min(row => row.At));
        }
    }

    public Task<string?> ReadMarkAsync(string name, CancellationToken cancellationToken)
    {
        lock (_gate) return Task.FromResult(_marks.GetValueOrDefault(name));
    }

    public Task<bool> TryWriteMarkAsync(string name, string? over, string value, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_marks.GetValueOrDefault(name) != over) return Task.FromResult(false);
            _marks[name] = value;
            return Task.FromResult(true);
        }
    }

    private List<PlacedEvent> Placed(Func<Row, bool> wanted)
    {
        lock (_gate)
            return [.. _rows.Where(row => row.Place is not null && wanted(row)).OrderBy(row => row.Place)
                .Select(row => new PlacedEvent(row.Place!.Value, row.Body, row.Hash))];
    }

    private sealed class Row(EventBody body)
    {
        public Row(LogEvent happened)
            : this(EventBody.Of(happened)) => (Grant, At) = (happened.Grant, happened.At);

        public EventBody Body { get; set; } = body;

        public GrantId? Grant { get; }

        public DateTimeOffset At { get; }

        public long? Place { get; set; }

        public byte[]? Hash { get; set; }
    }
}
