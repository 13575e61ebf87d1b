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

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Rounds.RunAsync(
        Interval, clock, RunAsync,
        failure => log.LogError(failure, "Events have no place in the evidence log yet, or are not exported; trying again in a minute"),
        stoppingToken);

    private async Task RunAsync(CancellationToken stoppingToken)
    {
        using var activity = Telemetry.Activities.StartActivity("Sequencer", ActivityKind.Internal);
        await using var scope = scopes.CreateAsyncScope();
        var mediator = scope.ServiceProvider.GetRequiredService<IMediator>();
        await mediator.Send(new SequenceEvents(), stoppingToken);
        await mediator.Send(new WitnessCheckpoint(), stoppingToken);
        await mediator.Send(new ExportDays(), stoppingToken);
        await mediator.Send(new TellOfEvidence(Always: false), stoppingToken);
    }
}
