using DbAccess.Application.Home;
using MediatR;

namespace DbAccess.Api.Slack.Home;

/// <summary>
/// Keeps the card of who has access now: when this process has saved a grant, at most once a second, and once a minute for what other
/// processes have saved. Beside it looks once a minute what is open on the databases: the card never waits for one of them. A card that
/// cannot be drawn changes nothing about anybody's access.
/// </summary>
internal sealed class NowWorker(
    IServiceScopeFactory scopes, NowNews news, NowTerms terms, TimeProvider clock, ILogger<NowWorker> log) : BackgroundService
{
    private static readonly TimeSpan Pace = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(KeepAsync(stoppingToken), LookAsync(stoppingToken));

    private async Task LookAsync(CancellationToken stoppingToken)
    {
        while (terms.Channel is not null && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                await using var scope = scopes.CreateAsyncScope();
                var looked = await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new ExamineSessions(), stoppingToken);
                if (looked.Value.Changed) news.Changed();
            }
            catch (Exception failure)
            {
                if (!stoppingToken.IsCancellationRequested) log.LogError(failure, "What is open on the databases could not be seen");
            }

            await Task.Delay(Minute, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task KeepAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var next = news.Next();
            var again = await DrawAsync(stoppingToken);
            // Without a channel there is nothing to keep, once a card of before is taken away.
            if (terms.Channel is null && again is null) return;

            using var awake = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
            // After a failure it is the pause that counts, and not what else happens meanwhile.
            var pause = Task.Delay(again ?? Minute, clock, awake.Token);
            await (again is null ? Task.WhenAny(next, pause) : pause).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await awake.CancelAsync();
            await Task.Delay(Pace, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<TimeSpan?> DrawAsync(CancellationToken stoppingToken)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            return (await scope.ServiceProvider.GetRequiredService<IMediator>().Send(new DrawNow(), stoppingToken)).Value.Again;
        }
        catch (Exception failure)
        {
            if (!stoppingToken.IsCancellationRequested) log.LogError(failure, "The card of who has access now could not be drawn");
            return Minute;
        }
    }
}
