using DbAccess.Application.Ports;

namespace DbAccess.TestKit.Fakes;

/// <summary>Remembers what was appended, in order.</summary>
public sealed class InMemoryAuditTrail : IAuditTrail
{
    private readonly Lock _gate = new();
    private readonly List<AuditRecord> _records = [];
    private Exception? _writeFailure;

    public IReadOnlyList<AuditRecord> Records
    {
        get
        {
            lock (_gate) return [.. _records];
        }
    }

    /// <summary>The next append throws and leaves nothing behind.</summary>
    public void FailNext(Exception exception)
    {
        lock (_gate) _writeFailure = exception;
    }

    public async Task AppendAsync(AuditRecord record, CancellationToken cancellationToken)
    {
        await Task.CompletedTask;
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            if (Interlocked.Exchange(ref _writeFailure, null) is { } failure) throw failure;
            _records.Add(record);
        }
    }
}
