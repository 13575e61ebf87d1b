using DbAccess.Application.Policies;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Slack;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Scheduling;

/// <summary>Tells administrators of a policy that is not taken: once for each, and again until somebody was told.</summary>
internal sealed class PolicyNewsWorker(
    IServiceScopeFactory scopes, IPolicyHealth policy, SlackOptions slack, TimeProvider clock, ILogger<PolicyNewsWorker> log)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string? told = null;
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                var fault = policy.Rejected;
                if (fault is null || fault == told || await TryTellAsync(fault, stoppingToken)) told = fault;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    private async Task<bool> TryTellAsync(string fault, CancellationToken stoppingToken)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            return (await scope.ServiceProvider.GetRequiredService<IMediator>()
                .Send(new TellOfPolicy(slack.TeamId, fault), stoppingToken)).Refusal is null;
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogError(failure, "Administrators could not be told of a policy that is not taken; trying again");
            return false;
        }
    }
}
