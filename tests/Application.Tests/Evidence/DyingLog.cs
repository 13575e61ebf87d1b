using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Application.Tests.Evidence;

/// <summary>The log of a process that dies at its n-th question: even ones before it is asked, odd ones when the answer is on its way.</summary>
internal sealed class DyingLog(InMemoryEvidenceLog log, int step) : IAuditTrail, IEvidenceLog
{
    private int _asked;

    public Task RecordAsync(LogEvent happened, CancellationToken cancellationToken) => DieAsync(async () =>
    {
        await log.RecordAsync(happened, cancellationToken);
        return true;
    });

    public Task<bool> TryHoldAsync(string holder, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken) =>
        DieAsync(() => log.TryHoldAsync("somebody who dies", now, until, cancellationToken));

    public Task<LogEnd> ReadEndAsync(CancellationToken cancellationToken) => DieAsync(() => log.ReadEndAsync(cancellationToken));

    public Task<IReadOnlyList<UnplacedEvent>> ListUnplacedAsync(int limit, CancellationToken cancellationToken) =>
        DieAsync(() => log.ListUnplacedAsync(limit, cancellationToken));

    public Task<bool> TryAppendAsync(LogEnd over, long firstPlace, IReadOnlyList<(UnplacedEvent Event, byte[] Hash)> placed, LogEnd end,
        DateTimeOffset at, CancellationToken cancellationToken) =>
        DieAsync(() => log.TryAppendAsync(over, firstPlace, placed, end, at, cancellationToken));

    public Task GoBackAsync(LogEnd end, long place, DateTimeOffset at, CancellationToken cancellationToken) => DieAsync(async () =>
    {
        await log.GoBackAsync(end, place, at, cancellationToken);
        return true;
    });

    public IAsyncEnumerable<PlacedEvent> ReadAsync(long from, CancellationToken cancellationToken) => log.ReadAsync(from, cancellationToken);

    public IAsyncEnumerable<PlacedEvent> ReadGrantAsync(GrantId grant, CancellationToken cancellationToken) => log.ReadGrantAsync(grant, cancellationToken);

    public IAsyncEnumerable<string> ReadCheckpointsAsync(long past, CancellationToken cancellationToken) => log.ReadCheckpointsAsync(past, cancellationToken);

    public Task<(long Events, DateTimeOffset? Since)> CountUnplacedAsync(CancellationToken cancellationToken) => log.CountUnplacedAsync(cancellationToken);

    public Task<string?> ReadMarkAsync(string name, CancellationToken cancellationToken) => DieAsync(() => log.ReadMarkAsync(name, cancellationToken));

    public Task<bool> TryWriteMarkAsync(string name, string? over, string value, CancellationToken cancellationToken) =>
        DieAsync(() => log.TryWriteMarkAsync(name, over, value, cancellationToken));

    private async Task<T> DieAsync<T>(Func<Task<T>> ask)
    {
        if (_asked > step) throw new IOException("It is dead.");
        if (_asked++ < step) return await ask();
        if (step % 2 == 1) await ask();
        throw new IOException("It dies.");
    }
}
