using System.Diagnostics;
using DbAccess.Application;
using DbAccess.Application.Evidence;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Scheduling;

/// <summary>
/// Gives recorded events their place in the evidence log, has the checkpoint witnessed, and exports complete days: at the start, and every
/// minute.
/// </summary>
internal sealed class SequencerWorker(IServiceScopeFactory scopes, TimeProvider clock, ILogger<SequencerWorker> log) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            do await RunAsync(stoppingToken);
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping; what has no place yet gets it from whoever comes next.
        }
    }

    private async Task RunAsync(CancellationToken stoppingToken)
    {
        using var activity = Telemetry.Activities.StartActivity("Sequencer", ActivityKind.Internal);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
            await mediator.Send(new SequenceEvents(), stoppingToken);
            await mediator.Send(new WitnessCheckpoint(), stoppingToken);
            await mediator.Send(new ExportDays(), stoppingToken);
            await mediator.Send(new TellOfEvidence(Always: false), stoppingToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
        {
            log.LogError(failure, "Events have no place in the evidence log yet, or are not exported; trying again in a minute");
        }
    }
}
