using DbAccess.Application.Home;
using DbAccess.Application.Ports;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Slack.Home;

/// <summary>
/// Draws the pages of those who have looked at theirs lately, from what is on record at that moment. A page that cannot be drawn changes
/// nothing about anybody's access.
/// </summary>
internal sealed class HomeWorker(
    IServiceScopeFactory scopes, HomeVisitors visitors, IHome home, TimeProvider clock, ILogger<HomeWorker> log) : BackgroundService
{
    private const int AtOnce = 4;
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(15);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await Parallel.ForEachAsync(
                    visitors.TakeDue(), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = stoppingToken },
                    async (person, token) => await DrawAsync(person, token));
                await visitors.WaitAsync(stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
        }
    }

    private async Task DrawAsync(PrincipalId person, CancellationToken cancellationToken)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var facts = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new GetHome(person), cancellationToken);
            var page = facts.Refusal is { } refusal ? HomePage.Refused(refusal) : HomePage.Draw(facts.Value, clock.GetUtcNow());
            // Before it is published: what changes from here on concerns whoever sees it.
            if (facts.Refusal is null) visitors.Drawn(facts.Value);
            switch (await home.PublishAsync(person, page, cancellationToken))
            {
                case Post.NotNow { RetryAfter: var wait }:
                    visitors.Again(person, wait ?? Pause);
                    break;
                case Post.Never { Why: var why }:
                    log.LogWarning("The page of {Person} cannot be shown: {Why}", person.User, why);
                    break;
            }
        }
        catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            log.LogError(failure, "The page of {Person} could not be drawn; it is tried again", person.User);
            visitors.Again(person, Pause);
        }
    }
}
