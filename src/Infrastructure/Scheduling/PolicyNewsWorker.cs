using DbAccess.Application;
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

    private string? _told;
    private string? _recorded;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => Rounds.RunAsync(
        Interval, clock, LookAsync, failure => log.LogError(failure, "What is new of the policy could not be looked at"), stoppingToken);

    private async Task LookAsync(CancellationToken stoppingToken)
    {
        var hash = policies.Current.Hash;
        if (hash != _recorded && await TrySendAsync(new RecordPolicy(AtStart: _recorded is null),
            "The policy in force could not be put on record; trying again", stoppingToken)) _recorded = hash;
        var fault = policy.Rejected;
        if (fault is null || fault == _told || await TrySendAsync(new TellOfPolicy(slack.TeamId, fault),
            "Administrators could not be told of a policy that is not taken; trying again", stoppingToken)) _told = fault;
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
