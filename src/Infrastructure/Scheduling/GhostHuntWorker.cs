using DbAccess.Application;
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

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Rounds.RunAsync(
        Interval, clock, hunt.RunDueAsync,
        failure => log.LogError(failure, "Looking for sessions of roles that no longer exist failed; the next minute tries again"),
        stoppingToken);
}
