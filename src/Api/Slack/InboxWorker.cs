using System.Diagnostics;
using System.Threading.Channels;
using DbAccess.Application;
using DbAccess.Application.Ports;

namespace DbAccess.Api.Slack;

/// <summary>What became of a request at the door.</summary>
internal enum Acceptance
{
    /// <summary>On record; done behind the acknowledgement.</summary>
    Accepted,

    /// <summary>It was here before: acknowledged, and not done again.</summary>
    Repeated,

    /// <summary>Not on record, so not done.</summary>
    NotWritten,
}

/// <summary>
/// Does the work behind the acknowledgement. Everything it does is in the inbox first; after a restart it goes on with what is unfinished there,
/// without the addresses that have run out by then.
/// </summary>
internal sealed class InboxWorker(IServiceScopeFactory scopes, IInbox inbox, IChat chat, TimeProvider clock, ILogger<InboxWorker> log) : BackgroundService
{
    private const int Concurrency = 8;
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);
    private const int Tries = 3;

    // Whoever asked longer ago than this has helped themselves otherwise; access they no longer expect would be access nobody watches.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    // Longer than Slack repeats an event (24 hours and then some).
    private static readonly TimeSpan Memory = TimeSpan.FromHours(26);

    private readonly Channel<Work> _work = Channel.CreateUnbounded<Work>();
    private readonly CancellationTokenSource _abort = new();

    /// <summary>
    /// Puts a request into the inbox, and its work into the queue behind. Slack waits three seconds, its own delivery included, so a store that
    /// does not answer counts as one that failed.
    /// </summary>
    /// <param name="alias">A second key by which the same request can come again, or null.</param>
    public async Task<Acceptance> AcceptAsync(InboxItem item, string? alias, Passing passing, CancellationToken aborted)
    {
        using var late = new CancellationTokenSource(Budget, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, aborted);
        try
        {
            if (!await inbox.TryAddAsync(item, alias, either.Token)) return Acceptance.Repeated;
        }
        catch (Exception failure)
        {
            log.LogError(failure, "A {Kind} could not be written into the inbox", item.Kind);
            return Acceptance.NotWritten;
        }

        Enqueue(item, passing);
        return Acceptance.Accepted;
    }

    private void Enqueue(InboxItem item, Passing passing) => _work.Writer.TryWrite(new Work(item, passing, Activity.Current?.Context ?? default, null));

    /// <summary>Something that is worth nothing after a restart (drawing an open form again).</summary>
    public void Enqueue(Func<RequestDesk, CancellationToken, Task> passing) => _work.Writer.TryWrite(new Work(null, Passing.Nothing, Activity.Current?.Context ?? default, passing));

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _work.Writer.TryComplete();
        await using (cancellationToken.Register(_abort.Cancel)) await base.StopAsync(CancellationToken.None);
    }

    public override void Dispose()
    {
        _abort.Dispose();
        base.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var consumers = Enumerable.Range(0, Concurrency).Select(_ => ConsumeAsync()).ToArray();
        try
        {
            await ResumeAsync(stoppingToken);
            while (true)
            {
                await Task.Delay(TimeSpan.FromHours(1), clock, stoppingToken);
                await inbox.PurgeAsync(clock.GetUtcNow() - Memory, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What is in hand is finished; what the host does not wait for is in the inbox.
        }
        catch (Exception failure)
        {
            log.LogError(failure, "The inbox could not be read; what is in it waits for the next start");
        }

        await Task.WhenAll(consumers);
    }

    private async Task ResumeAsync(CancellationToken stoppingToken)
    {
        var started = clock.GetUtcNow();
        foreach (var item in await inbox.ListUnfinishedAsync(stoppingToken))
        {
            // Newer ones came in through this process and are in hand.
            if (item.ReceivedAt >= started) continue;

            log.LogInformation("Going on with a {Kind} that was accepted {Age} ago", item.Kind, started - item.ReceivedAt);
            if (started - item.ReceivedAt <= Patience)
            {
                Enqueue(item, Passing.Nothing);
            }
            else
            {
                await chat.ReplyAsync(new ReplyAddress(item.From, item.Channel, null), Replies.TooLate(), stoppingToken);
                await inbox.FinishAsync(item.Key, stoppingToken);
            }
        }
    }

    private async Task ConsumeAsync()
    {
        await foreach (var work in _work.Reader.ReadAllAsync(CancellationToken.None))
        {
            if (_abort.IsCancellationRequested) return;

            using var activity = Telemetry.Activities.StartActivity("Inbox", ActivityKind.Internal, work.Parent);
            for (var attempt = 1; attempt <= Tries; attempt++)
            {
                if (await TryAsync(work, last: attempt == Tries)) break;
                await Task.Delay(TimeSpan.FromMilliseconds(300 * attempt), clock, _abort.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task<bool> TryAsync(Work work, bool last)
    {
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var desk = scope.ServiceProvider.GetRequiredService<RequestDesk>();
            if (work.Item is { } item)
            {
                await desk.HandleAsync(item, work.Passing, _abort.Token);
                await inbox.FinishAsync(item.Key, _abort.Token);
            }
            else
            {
                await work.Act!(desk, _abort.Token);
            }

            return true;
        }
        catch (OperationCanceledException) when (_abort.IsCancellationRequested)
        {
            return true;
        }
        catch (Exception failure)
        {
            log.LogError(failure, "A {Kind} could not be handled", work.Item?.Kind ?? "form");
            if (!last) return false;
            if (work.Item is { } item) await ApologiseAsync(item, work.Passing);
            return true;
        }
    }

    private async Task ApologiseAsync(InboxItem item, Passing passing)
    {
        try
        {
            await chat.ReplyAsync(new ReplyAddress(item.From, item.Channel, passing.ResponseUrl), Replies.Broken(Activity.Current?.TraceId.ToString()), _abort.Token);
            await inbox.FinishAsync(item.Key, _abort.Token);
        }
        catch (Exception failure)
        {
            log.LogError(failure, "A {Kind} stays in the inbox", item.Kind);
        }
    }

    private sealed record Work(InboxItem? Item, Passing Passing, ActivityContext Parent, Func<RequestDesk, CancellationToken, Task>? Act);
}
