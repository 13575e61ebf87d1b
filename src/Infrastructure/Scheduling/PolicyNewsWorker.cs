using DbAccess.Application.Evidence;
using DbAccess.Application.Policies;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure.Slack;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Scheduling;

/// <summary>
/// Puts the policy that came into force on record, and tells administrators of one that is not taken: once for each, and again until it is
/// done.
/// </summary>
internal sealed class PolicyNewsWorker(
    IServiceScopeFactory scopes, IPolicySource policies, IPolicyHealth policy, SlackOptions slack, TimeProvider clock,
        ILogger<PolicyNewsWorker> log)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        string? told = null, recorded = null;
        using var timer = new PeriodicTimer(Interval, clock);
        try
        {
            do
            {
                var hash = policies.Current.Hash;
                if (hash != recorded && await TrySendAsync(new RecordPolicy(AtStart: recorded is null),
                    "The policy in force could not be put on record; trying again", stoppingToken)) recorded = hash;
                var fault = policy.Rejected;
                if (fault is null || fault == told || await TrySendAsync(new TellOfPolicy(slack.TeamId, fault),
                    "Administrators could not be told of a policy that is not taken; trying again", stoppingToken)) told = fault;
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The process is stopping.
        }
    }

    private async Task<bool> TrySendAsync(IRequest<Result> command, string failed, CancellationToken stoppingToken)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            return (await scope.ServiceProvider.GetRequiredService<IMediator>().Send(command, stoppingToken)).Refusal is null;
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogError(failure, "{What}", failed);
            return false;
        }
    }
}
