using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Evidence;

/// <summary>
/// Attempts to take access away that could not be recorded when they were made. Taking away does not wait for the record; they are written
/// as soon as it can be written again. A process that dies before that loses them, and its log has said them; the state that they led to is
/// on record all the same, since it was saved with its own events.
/// </summary>
internal sealed class LateRecords(IAuditTrail audit, ILogger<LateRecords> log)
{
    private const int Most = 1_000;

    private readonly ConcurrentQueue<LogEvent> _waiting = new();

    /// <summary>Records it now, or keeps it; never fails.</summary>
    public async Task RecordAsync(LogEvent attempt)
    {
        try
        {
            // Not cancelled with the caller: the attempt has happened.
            await audit.RecordAsync(attempt, CancellationToken.None);
        }
        catch (Exception failure)
        {
            Keep(attempt, failure);
        }
    }

    private void Keep(LogEvent attempt, Exception why)
    {
        log.LogError(why, "{Type} by {Actor} ({Outcome}) could not be recorded; it was carried out, and is recorded later", attempt.Type,
            attempt.By.ToString(), attempt.Outcome);
        if (_waiting.Count < Most) _waiting.Enqueue(attempt);
    }

    /// <summary>Records what waits, as far as it can be now; what cannot holds up nothing else.</summary>
    public async Task WriteAsync(CancellationToken cancellationToken)
    {
        for (var left = _waiting.Count; left > 0 && _waiting.TryDequeue(out var attempt); left--)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await RecordAsync(attempt);
        }
    }
}
