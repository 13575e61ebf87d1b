using System.Diagnostics;
using DbAccess.Application;
using DbAccess.Application.Reconciling;
using DbAccess.Application.Steps;
using MediatR;
using Microsoft.Extensions.Logging;
using Quartz;

namespace DbAccess.Infrastructure.Scheduling;

/// <summary>The regular sweep. It finds what timers and triggers missed, in this process or in any other.</summary>
internal sealed class ExpireGrantsJob(IMediator mediator, SweepClock sweeps, TimeProvider clock, ILogger<ExpireGrantsJob> log) : IJob
{
    /// <summary>The next sweep does not start while this one runs, so what follows it must not hold it up.</summary>
    private static readonly TimeSpan LongestComparison = TimeSpan.FromMinutes(2);

    public async ValueTask Execute(IJobExecutionContext context, CancellationToken cancellationToken = default)
    {
        using var activity = Telemetry.Activities.StartActivity("ExpireGrantsJob", ActivityKind.Internal);
        // Before the sweep, so that what it ends is removed by it.
        await mediator.Send(new ReviewHolders(), cancellationToken);
        var report = (await mediator.Send(new SweepGrants(), cancellationToken)).Value;
        if (!report.CutShort) sweeps.Completed();
        log.LogInformation("Sweep: {Report}", report.ToString());

        using var deadline = new Deadline(LongestComparison, clock, cancellationToken);
        try
        {
            // Cheap: one look at each cluster that has live or lately ended grants, and none where there are none.
            var compared = await mediator.Send(new ReconcileRoles(Reach: ReconcileReach.BusyCheaply), deadline.Token);
            if (compared.Refusal is { } refusal) log.LogError("Reconcile: nothing was compared: {Refusal}", refusal.Message);
            else if (compared.Value.Lines.Count > 0) log.LogWarning("Reconcile: {Report}", compared.Value.ToString());
        }
        catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
        {
            // The sweep itself was completed; the next pass compares again.
            log.LogError(failure, "Reconciling after the sweep failed");
        }
    }
}

/// <summary>When the last regular sweep was completed, for health and metrics.</summary>
internal sealed class SweepClock(TimeProvider clock)
{
    private long _lastTicks = clock.GetUtcNow().UtcTicks;

    /// <summary>The start of the process counts as a sweep, so that a fresh process is not late at once.</summary>
    public TimeSpan SinceLast => TimeSpan.FromTicks(clock.GetUtcNow().UtcTicks - Interlocked.Read(ref _lastTicks));

    public void Completed() => Interlocked.Exchange(ref _lastTicks, clock.GetUtcNow().UtcTicks);
}
