using System.Text;
using System.Threading.Channels;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Lambda;

/// <summary>
/// Has the function take the steps: what is dispatched at once, and what falls due by the clock the moment it does. An invocation that is
/// lost costs time and nothing else: the step is on record as due, so the function is asked again, and after <see cref="Patience"/> this
/// process takes it itself (see GrantWorker and docs/decisions/0006-lambda-asked-first.md).
/// </summary>
internal sealed class LambdaGrantDispatcher(
        FunctionInvoker invoker, IGrantStore store, TimeProvider clock, ILogger<LambdaGrantDispatcher> log)
    : BackgroundService, IGrantDispatcher
{
    /// <summary>How long the function has for taking up a step: a cold start, a queue that is behind, a retry.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const int Concurrency = 8;
    private const int Tries = 4;
    private const int PageSize = 200;

    // A grant that another process makes active is seen this late at most; its end is known long before it comes, and is met to the second.
    private static readonly TimeSpan LongestNap = TimeSpan.FromSeconds(10);

    // What has just been asked for is due until the function takes it up; looking at it more often would tell nothing.
    private static readonly TimeSpan Breath = TimeSpan.FromSeconds(1);

    // The queue is bounded because what does not fit is due in the store, and is found there.
    private readonly Channel<GrantId> _queue =
        Channel.CreateBounded<GrantId>(new BoundedChannelOptions(10_000) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly Dictionary<GrantId, DateTimeOffset> _asked = [];
    private readonly Lock _gate = new();

    public void Dispatch(GrantId id)
    {
        Remember(id);
        _queue.Writer.TryWrite(id);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll([WatchAsync(stoppingToken), .. Enumerable.Range(0, Concurrency).Select(_ => ConsumeAsync(stoppingToken))]);

    private async Task WatchAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var nap = Breath;
            try
            {
                var now = clock.GetUtcNow();
                var next = await store.NextDueAsync(stoppingToken);
                if (next is not { } due || due > now)
                {
                    nap = next is { } later && later - now < LongestNap ? later - now : LongestNap;
                }
                else
                {
                    foreach (var grant in await store.ListDueAsync(now, PageSize, stoppingToken))
                    {
                        if (!WasAsked(grant, now)) Dispatch(grant.Id);
                    }
                }
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception failure)
            {
                log.LogError(failure, "The store did not say what is due; asking again in a moment");
            }

            await Task.Delay(nap, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task ConsumeAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (var id in _queue.Reader.ReadAllAsync(stoppingToken)) await AskAsync(id, stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What was not asked for is due: other processes and the sweep see it.
        }
    }

    private async Task AskAsync(GrantId id, CancellationToken stoppingToken)
    {
        var json = Encoding.UTF8.GetBytes($$"""{"grant":"{{id}}"}""");
        for (var attempt = 1; ; attempt++)
        {
            InvocationOutcome outcome;
            try
            {
                outcome = await invoker.InvokeAsync(json, stoppingToken);
            }
            catch (Exception failure) when (failure is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
            {
                outcome = new InvocationOutcome(Invocation.Refused, failure.GetType().Name);
            }

            if (outcome.Kind is Invocation.Accepted) return;
            if (outcome.Kind is Invocation.Refused || attempt == Tries)
            {
                log.LogError(
                    "The function was not invoked for {Grant} after {Attempts} tries: {Why}. The step stays due and is taken in this " +
                    "process", id.ToString(), attempt, outcome.Why);
                return;
            }

            // Full jitter: many processes that were throttled together must not come back together. In all, well under the patience.
            var most = TimeSpan.FromMilliseconds(200 * Math.Pow(4, attempt - 1));
            await Task.Delay(TimeSpan.FromMilliseconds(50) + (most * Random.Shared.NextDouble()), clock, stoppingToken);
        }
    }

    private void Remember(GrantId id)
    {
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            _asked[id] = now;
            if (_asked.Count < 1000) return;
            foreach (var old in _asked.Where(asked => now - asked.Value > Patience).Select(asked => asked.Key).ToList()) _asked.Remove(old);
        }
    }

    // Asked for since it fell due, and within the patience: the function may be on its way.
    private bool WasAsked(Grant grant, DateTimeOffset now)
    {
        lock (_gate) return _asked.TryGetValue(grant.Id, out var at) && at >= grant.State.DueAt && now - at <= Patience;
    }
}
