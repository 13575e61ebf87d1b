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
    private DateTimeOffset _started;

    /// <summary>
    /// Puts a request into the inbox, and its work into the queue behind. Slack waits three seconds, its own delivery included, so a store that
    /// does not answer counts as one that failed.
    /// </summary>
    /// <param name="alias">A second key by which the same request can come again, or null.</param>
    public async Task<Acceptance> AcceptAsync(InboxItem item, string? alias, Passing passing, CancellationToken aborted)
    {
        using var late = new CancellationTokenSource(Budget, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, aborted);
        var token = either.Token;
        // On a thread of its own: a store may block instead of waiting (SQLite does while another process writes), and would hold the answer with it.
        var writing = Task.Run(() => inbox.TryAddAsync(item, alias, token), CancellationToken.None);
        try
        {
            if (!await writing.WaitAsync(token)) return Acceptance.Repeated;
        }
        catch (Exception failure)
        {
            log.LogError(failure, "A {Kind} could not be written into the inbox", item.Kind);
            _ = SettleAsync(writing, item, passing);
            return Acceptance.NotWritten;
        }

        Enqueue(item, passing);
        return Acceptance.Accepted;
    }

    /// <summary>
    /// The store wrote it after all, when Slack had been told that it did not. A message comes again, and would be taken for a copy: so it is done
    /// now. Of all else somebody was told that nothing was done, and that must stay true after a restart as well.
    /// </summary>
    private async Task SettleAsync(Task<bool> writing, InboxItem item, Passing passing)
    {
        try
        {
            if (!await writing) return;
            if (item.Kind is InboxKinds.Message) Enqueue(item, passing);
            else await inbox.FinishAsync(item.Key, _abort.Token);
        }
        catch (Exception failure) when (writing.IsCompletedSuccessfully)
        {
            log.LogError(failure, "A {Kind} was written too late and could not be taken back", item.Kind);
        }
        catch (Exception)
        {
            // It was not written, which is what was said, and the log has it already.
        }
    }

    private void Enqueue(InboxItem item, Passing passing) => _work.Writer.TryWrite(new Work(item, passing, Activity.Current?.Context ?? default, null));

    /// <summary>Something that is worth nothing after a restart (drawing an open form again).</summary>
    public void Enqueue(Func<RequestDesk, CancellationToken, Task> passing) => _work.Writer.TryWrite(new Work(null, Passing.Nothing, Activity.Current?.Context ?? default, passing));

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // Here and not in the loop: by the time that runs, the door may be open, and what came in since is in hand already.
        _started = clock.GetUtcNow();
        return base.StartAsync(cancellationToken);
    }

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
            for (var resumed = false; ;)
            {
                try
                {
                    if (!resumed) await ResumeAsync(stoppingToken);
                    resumed = true;
                    await inbox.PurgeAsync(clock.GetUtcNow() - Memory, stoppingToken);
                }
                catch (Exception failure) when (failure is not OperationCanceledException)
                {
                    // A store that is down now may be back in a minute, and what was accepted before the restart still waits.
                    log.LogError(failure, "The inbox could not be read; trying again");
                }

                await Task.Delay(resumed ? TimeSpan.FromHours(1) : TimeSpan.FromSeconds(30), clock, stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // What is in hand is finished; what the host does not wait for is in the inbox.
        }

        await Task.WhenAll(consumers);
    }

    private async Task ResumeAsync(CancellationToken stoppingToken)
    {
        // Newer ones came in through this process and are in hand.
        var left = (await inbox.ListUnfinishedAsync(stoppingToken)).Where(item => item.ReceivedAt < _started).ToLookup(item => clock.GetUtcNow() - item.ReceivedAt <= Patience);
        foreach (var item in left[true])
        {
            log.LogInformation("Going on with a {Kind} that was accepted {Age} ago", item.Kind, clock.GetUtcNow() - item.ReceivedAt);
            Enqueue(item, Passing.Nothing);
        }

        foreach (var item in left[false])
        {
            try
            {
                await chat.ReplyAsync(new ReplyAddress(item.From, item.Channel, null), Replies.TooLate(), stoppingToken);
                await inbox.FinishAsync(item.Key, stoppingToken);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                // One answer that does not get through must not hold up the others.
                log.LogError(failure, "A {Kind} that came too late stays in the inbox", item.Kind);
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
            // Done and answered once is enough, however often it takes to write that down.
            if (!work.Done)
            {
                await using var scope = scopes.CreateAsyncScope();
                var desk = scope.ServiceProvider.GetRequiredService<RequestDesk>();
                if (work.Item is { } item) await desk.HandleAsync(item, work.Passing, _abort.Token);
                else await work.Act!(desk, _abort.Token);
                work.Done = true;
            }

            if (work.Item is { } done) await inbox.FinishAsync(done.Key, _abort.Token);
            return true;
        }
        catch (OperationCanceledException) when (_abort.IsCancellationRequested)
        {
            return true;
        }
        catch (Exception failure)
        {
            log.LogError(failure, "A {Kind} could not be handled, or not be marked as handled", work.Item?.Kind ?? "form");
            if (!last) return false;
            if (work is { Item: { } item, Done: false }) await ApologiseAsync(item, work.Passing);
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

    private sealed record Work(InboxItem? Item, Passing Passing, ActivityContext Parent, Func<RequestDesk, CancellationToken, Task>? Act)
    {
        public bool Done { get; set; }
    }
}
