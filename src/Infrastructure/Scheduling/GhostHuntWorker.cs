using DbAccess.Application.Ports;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Scheduling;

/// <summary>
/// Every minute, also when there is nothing to sweep, where this process removed a role lately. Where functions take the steps, the sweep's
/// function looks with each sweep, on the clusters where a grant ended lately by the record: it is another process than the one that
/// removed.
/// </summary>
internal sealed class GhostHuntWorker(IGhostHunt hunt, TimeProvider clock, ILogger<GhostHuntWorker> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                try
                {
                    await hunt.RunDueAsync(stoppingToken);
                }
                catch (Exception failure) when (failure is not OperationCanceledException)
                {
                    log.LogError(failure, "Looking for sessions of roles that no longer exist failed; the next minute tries again");
                }
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }
}
