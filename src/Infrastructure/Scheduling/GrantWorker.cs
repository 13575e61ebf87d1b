using System.Diagnostics;
using System.Threading.Channels;
using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain.Grants;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Scheduling;

/// <summary>
/// Makes due steps happen on time while the process is up: what is dispatched at once, and everything else the moment it falls due. It
/// keeps no list of its own: it asks the store when the next step is due, waits until then, and sweeps. Whatever it misses, the regular
/// sweep finds. Where somebody else is asked first (<see cref="Patience"/>), it takes only what they left undone.
/// </summary>
internal sealed class GrantWorker(
        IServiceScopeFactory scopes, IGrantStore store, Patience patience, TimeProvider clock, ILogger<GrantWorker> log)
    : BackgroundService, IGrantDispatcher
{
    // Steps wait on databases, not on this processor; more than this at once would only queue at the clusters' connection pools.
    private const int Concurrency = 16;

    // A sweep that is stuck on a cluster that does not answer must not keep the others from being swept.
    private const int Sweeps = 4;

    // Grants that another process files are found at the latest by its own timer and by the regular sweep; looking once a minute is cheap.
    private static readonly TimeSpan LongestNap = TimeSpan.FromMinutes(1);

    // Several grants often end at the same second, and a store that fails must not be asked in a tight loop.
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(100);

    // Something is due and no step could be taken for it: a fault, or a store that refuses writes. Half a second keeps the others on time.
    private static readonly TimeSpan LongBreath = TimeSpan.FromMilliseconds(500);

    private readonly Channel<(GrantId Id, ActivityContext Context)> _dispatched = Channel.CreateUnbounded<(GrantId, ActivityContext)>();
    private readonly Channel<bool> _nudges =
        Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private readonly SemaphoreSlim _sweeps = new(Sweeps, Sweeps);
    private readonly CancellationTokenSource _abort = new();
    private volatile bool _fruitless;

    public void Dispatch(GrantId id) => _dispatched.Writer.TryWrite((id, Activity.Current?.Context ?? default));

    /// <summary>
    /// Finishes what is in hand as long as the host lets it; then hands over: leases are given back, and what is due stays due.
    /// </summary>
    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _dispatched.Writer.TryComplete();
        await using (cancellationToken.Register(_abort.Cancel)) await base.StopAsync(CancellationToken.None);
    }

    public override void Dispose()
    {
        _sweeps.Dispose();
        _abort.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var consumers = Enumerable.Range(0, Concurrency).Select(_ => ConsumeAsync(stoppingToken)).ToArray();
        var running = new List<Task>();
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await WaitUntilDueAsync(stoppingToken);
                await _sweeps.WaitAsync(stoppingToken);
                running.RemoveAll(task => task.IsCompleted);
                running.Add(SweepAsync());
                await Task.Delay(_fruitless ? LongBreath : Breath, clock, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                break;
            }
            catch (Exception failure)
            {
                log.LogError(failure, "The store did not say what is due; asking again in a moment");
                await Task.Delay(TimeSpan.FromSeconds(1), clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        await Task.WhenAll([.. running, .. consumers]);
    }

    private async Task WaitUntilDueAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            var now = clock.GetUtcNow() - patience.Time;
            var next = await store.NextDueAsync(stoppingToken);
            if (next <= now) return;

            var nap = next is { } due && due - now < LongestNap ? due - now : LongestNap;
            using var awake = new Deadline(nap, clock, stoppingToken);
            await ((Task)_nudges.Reader.WaitToReadAsync(awake.Token).AsTask()).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            stoppingToken.ThrowIfCancellationRequested();
            _nudges.Reader.TryRead(out _);
        }
    }

    private async Task SweepAsync()
    {
        try
        {
            _fruitless = await SendAsync(new SweepGrants(patience.Time), default) is not { Refusal: null, Value.Steps.Count: > 0 };
        }
        finally
        {
            _sweeps.Release();
            Nudge();
        }
    }

    private async Task ConsumeAsync(CancellationToken stoppingToken)
    {
        // What was dispatched before a stop is taken still, as long as the host waits; the rest is due in the store.
        await foreach (var (id, context) in _dispatched.Reader.ReadAllAsync(CancellationToken.None))
        {
            if (_abort.IsCancellationRequested) return;
            await SendAsync(new TakeNextStep(id), context);
            if (!stoppingToken.IsCancellationRequested) Nudge();
        }
    }

    /// <summary>Null when it failed or was handed over.</summary>
    private async Task<TResponse?> SendAsync<TResponse>(IRequest<TResponse> command, ActivityContext parent)
        where TResponse : class
    {
        using var activity = Telemetry.Activities.StartActivity("GrantWorker", ActivityKind.Internal, parent);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            return await scope.ServiceProvider.GetRequiredService<IMediator>().Send(command, _abort.Token);
        }
        catch (OperationCanceledException) when (_abort.IsCancellationRequested)
        {
            log.LogInformation("{Command} was handed over: the process is stopping", command.GetType().Name);
        }
        catch (Exception failure)
        {
            log.LogError(failure, "{Command} failed; what is due stays due", command.GetType().Name);
        }

        return null;
    }

    private void Nudge() => _nudges.Writer.TryWrite(true);
}

/// <summary>How long a step has to be due before this process takes it itself: no time at all, unless a function is asked first.</summary>
internal sealed record Patience(TimeSpan Time);
