using DbAccess.Api.Slack.Desk;
using DbAccess.Api.Slack.Words;
using System.Collections.Concurrent;
using System.Diagnostics;
using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Inbox;

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
/// Does the work behind the acknowledgement. Everything it does is in the inbox first, and in this process's hand there as long as it is
/// worked on here. What is in nobody's hand was left by a process that died or was stopped: it is taken up, without the addresses that have
/// run out by then.
/// </summary>
internal sealed class InboxWorker(IServiceScopeFactory scopes, IInbox inbox, IChat chat, TimeProvider clock, ILogger<InboxWorker> log)
    : BackgroundService
{
    private const int Concurrency = 8;
    private const int MostPassing = 5;
    private static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);
    private const int Tries = 3;

    // Whoever asked longer ago than this has helped themselves otherwise; access they no longer expect would be access nobody watches.
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    // Longer than Slack repeats an event (24 hours and then some).
    private static readonly TimeSpan Memory = TimeSpan.FromHours(26);

    // What a dead process had in hand waits for as long as a hold, and then this long at most.
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Renewal = TimeSpan.FromSeconds(5);

    private static readonly Backoff Answering = new(TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(1));

    private readonly Turns<object, Work> _work = new();
    private readonly ConcurrentDictionary<string, InHand> _inHand = new(StringComparer.Ordinal);

    // What failed even in its last step here: left to another process, or to the next start.
    private readonly ConcurrentDictionary<string, bool> _givenUp = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _abort = new();

    /// <summary>
    /// Puts a request into the inbox, and its work into the queue behind. Slack waits three seconds, its own delivery included, so a store
    /// that does not answer counts as one that failed.
    /// </summary>
    /// <param name="alias">A second key by which the same request can come again, or null.</param>
    public async Task<Acceptance> AcceptAsync(InboxItem item, string? alias, Passing passing, CancellationToken aborted)
    {
        using var deadline = new Deadline(Budget, clock, aborted);
        var token = deadline.Token;
        // On a thread of its own: a store may block instead of waiting (SQLite does while another process writes), and would hold the
        // answer with it.
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

        Enqueue(item, passing, item.ReceivedAt + IInbox.Hold);
        return Acceptance.Accepted;
    }

    /// <summary>
    /// The store wrote it after all, when Slack had been told that it did not. A message comes again, and would be taken for a copy: so it
    /// is done now. Of all else somebody was told that nothing was done, and that must stay true after a restart as well.
    /// </summary>
    private async Task SettleAsync(Task<bool> writing, InboxItem item, Passing passing)
    {
        try
        {
            if (!await writing) return;
            if (item.Kind is InboxKinds.Message or InboxKinds.Talk)
            {
                var now = clock.GetUtcNow();
                if (await inbox.TryHoldAsync(item.Key, now, now + IInbox.Hold, _abort.Token)) Enqueue(item, passing, now + IInbox.Hold);
                return;
            }

            // Until that is written down, it is not taken up by this process, and tried again with what else is to be written.
            _inHand.TryAdd(item.Key, new InHand(item.ReceivedAt + IInbox.Hold, Done: true));
            await FinishAsync(item.Key);
        }
        catch (Exception failure) when (writing.IsCompletedSuccessfully)
        {
            log.LogError(failure, "A {Kind} was written too late and could not be settled yet", item.Kind);
        }
        catch (Exception)
        {
            // It was not written, which is what was said, and the log has it already.
        }
    }

    private void Enqueue(InboxItem item, Passing passing, DateTimeOffset heldUntil)
    {
        if (_inHand.TryAdd(item.Key, new InHand(heldUntil, Done: false)))
            Add(item, new Work(item, passing, Activity.Current?.Context ?? default, null));
    }

    private async Task FinishAsync(string key)
    {
        await inbox.FinishAsync(key, _abort.Token);
        _inHand.TryRemove(key, out _);
    }

    /// <summary>
    /// Something that is worth nothing after a restart (drawing an open form again). Of one person one at a time, so that nobody who is
    /// quick at choosing takes everybody's workers; of more than a few that wait, the newest say all there is.
    /// </summary>
    /// <param name="what">The same for what takes its turn together.</param>
    public void Enqueue(PrincipalId person, string what, Func<RequestDesk, CancellationToken, Task> passing) =>
        _work.TryAdd((person, what), new Work(null, Passing.Nothing, Activity.Current?.Context ?? default, passing), MostPassing);

    /// <summary>A word to somebody that answers no request on record.</summary>
    public Task TellAsync(PrincipalId person, string words)
    {
        Enqueue(person, "word", (desk, token) => desk.TellAsync(person, words, token));
        return Task.CompletedTask;
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _work.Complete();
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
        using var empty = new CancellationTokenSource();
        var keeping = KeepAsync(empty.Token);
        try
        {
            for (var purge = DateTimeOffset.MinValue; ;)
            {
                try
                {
                    await TakeUpAsync(stoppingToken);
                    if (clock.GetUtcNow() >= purge)
                    {
                        await inbox.PurgeAsync(clock.GetUtcNow() - Memory, stoppingToken);
                        purge = clock.GetUtcNow() + TimeSpan.FromHours(1);
                    }
                }
                catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
                {
                    // A store that is down now may be back in a moment, and what was accepted still waits.
                    log.LogError(failure, "The inbox could not be read; trying again");
                }

                await Task.Delay(Look, clock, stoppingToken);
            }
        }
        catch (Exception) when (stoppingToken.IsCancellationRequested)
        {
            // What is in hand is finished; what the host does not wait for is in the inbox.
        }

        await Task.WhenAll(consumers);
        await empty.CancelAsync();
        await keeping;
        await LetGoAsync();
    }

    /// <summary>What is in nobody's hand: a process that had it died, or was stopped before it could say an answer.</summary>
    private async Task TakeUpAsync(CancellationToken stoppingToken)
    {
        var waiting = (await inbox.ListWaitingAsync(clock.GetUtcNow(), stoppingToken))
            .Where(item => !_inHand.ContainsKey(item.Key) && !_givenUp.ContainsKey(item.Key))
            .ToLookup(item => clock.GetUtcNow() - item.ReceivedAt <= Patience);
        foreach (var item in waiting[true])
        {
            if (await TryHoldAsync(item) is not { } until) continue;
            log.LogInformation("Going on with a {Kind} that was accepted {Age} ago", item.Kind, clock.GetUtcNow() - item.ReceivedAt);
            Enqueue(item, Passing.Nothing, until);
        }

        foreach (var item in waiting[false])
        {
            try
            {
                if (await TryHoldAsync(item) is null) continue;
                await chat.ReplyAsync(new ReplyAddress(item.From, item.Channel, null), Replies.TooLate(), stoppingToken);
                await inbox.FinishAsync(item.Key, stoppingToken);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                // One answer that does not get through must not hold up the others.
                log.LogError(failure, "A {Kind} that came too late stays in the inbox", item.Kind);
                _givenUp.TryAdd(item.Key, true);
            }
        }

        async Task<DateTimeOffset?> TryHoldAsync(InboxItem item)
        {
            var now = clock.GetUtcNow();
            return await inbox.TryHoldAsync(item.Key, now, now + IInbox.Hold, stoppingToken) ? now + IInbox.Hold : null;
        }
    }

    /// <summary>Keeps in hand what is worked on here, and writes down as finished what could not be written down at once.</summary>
    private async Task KeepAsync(CancellationToken empty)
    {
        while (true)
        {
            await Task.Delay(Renewal, clock, empty).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (empty.IsCancellationRequested) return;
            var now = clock.GetUtcNow();
            try
            {
                await Parallel.ForEachAsync(
                    _inHand.Where(held => held.Value.Done || held.Value.Until - now <= IInbox.Hold / 2),
                    new ParallelOptions { MaxDegreeOfParallelism = Concurrency },
                    async (held, _) => await KeepAsync(held, now));
            }
            catch (Exception failure)
            {
                log.LogWarning(failure, "What is in hand could not be written down; trying again");
            }
        }
    }

    private async Task KeepAsync(KeyValuePair<string, InHand> held, DateTimeOffset now)
    {
        if (held.Value.Done) await FinishAsync(held.Key);
        else if (await inbox.TryHoldAsync(held.Key, now, now + IInbox.Hold, _abort.Token))
            _inHand.TryUpdate(held.Key, held.Value with { Until = now + IInbox.Hold }, held.Value);
        // Finished in this moment, or taken up by another after this one was out of reach: an answer that is still owed is then said there.
        else _inHand.TryRemove(held);
    }

    /// <summary>At a stop: what is left, answers that Slack did not take, is for whoever comes next, and at once.</summary>
    private async Task LetGoAsync()
    {
        foreach (var (key, held) in _inHand)
        {
            try
            {
                var now = clock.GetUtcNow();
                if (held.Done) await FinishAsync(key);
                else await inbox.TryHoldAsync(key, now, now, _abort.Token);
            }
            catch (Exception failure)
            {
                if (!_abort.IsCancellationRequested)
                    log.LogWarning(failure, "What is left in hand could not be let go of: it is taken up when its time is over");
                return;
            }
        }
    }

    // What gives back or ends access has a turn of its own: it does not wait behind what its sender asked for before.
    private void Add(InboxItem item, Work work) =>
        _work.TryAdd((item.From, item.Kind is InboxKinds.Revocation || VerbWords.Ends(item.Text)), work);

    private Task ConsumeAsync() => _work.ForEachAsync(async work =>
    {
        if (_abort.IsCancellationRequested) return false;

        using var activity = Telemetry.Activities.StartActivity("Inbox", ActivityKind.Internal, work.Parent);
        Way.Mark(InboxKinds.WayOf(work.Item?.Kind));
        for (var attempt = 1; attempt <= Tries; attempt++)
        {
            if (await TryAsync(work, last: attempt == Tries)) break;
            await Task.Delay(TimeSpan.FromMilliseconds(300 * attempt), clock, _abort.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return true;
    });

    private async Task<bool> TryAsync(Work work, bool last)
    {
        try
        {
            // Done and answered once is enough, however often it takes to write that down.
            if (!work.Done)
            {
                await using var scope = scopes.CreateAsyncScope();
                var desk = scope.ServiceProvider.GetRequiredService<RequestDesk>();
                if (work.Item is { } item) work.Owed = await desk.HandleAsync(item, work.Passing, _abort.Token);
                else await work.Act!(desk, _abort.Token);
                work.Done = true;
            }
            else if (work.Owed is { } owed)
            {
                work.Owed = await chat.ReplyAsync(owed.To, owed.Message, _abort.Token) is Post.NotNow notNow
                    ? owed with { RetryAfter = notNow.RetryAfter } : null;
            }

            if (work.Item is not { Key.Length: > 0 } done) return true;
            if (work.Owed is { } later && AnswerLater(work, later)) return true;

            await FinishAsync(done.Key);
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
            // Done, and not to be done again: it is written down when the store is back.
            else if (work is { Item: { Key.Length: > 0 } done, Done: true } && _inHand.TryGetValue(done.Key, out var held))
                _inHand.TryUpdate(done.Key, held with { Done = true }, held);
            return true;
        }
    }

    /// <summary>
    /// Slack is down, and somebody waits for an answer: it is said when Slack is back. Until then the request is in this process's hand,
    /// and unfinished in the inbox, so that another answers it should this one end (by doing it again: filing is safe to repeat). False
    /// when it is too late to be of use to anybody.
    /// </summary>
    private bool AnswerLater(Work work, Unanswered owed)
    {
        if (clock.GetUtcNow() - work.Item!.ReceivedAt > Patience)
        {
            log.LogWarning("Slack did not take the answer to a {Kind} for {Patience}; it is not given any more", work.Item.Kind, Patience);
            return false;
        }

        work.Answers++;
        var wait = owed.RetryAfter ?? Answering.After(work.Answers);
        log.LogWarning("Slack did not take the answer to a {Kind}; trying again in {Pause}", work.Item.Kind, wait);
        _ = AgainAsync(wait, _abort.Token);
        return true;

        async Task AgainAsync(TimeSpan pause, CancellationToken cancellationToken)
        {
            await Task.Delay(pause, clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            // Refused once the process is stopping; and what has come into another hand is answered there.
            if (!cancellationToken.IsCancellationRequested && _inHand.ContainsKey(work.Item!.Key)) Add(work.Item, work);
        }
    }

    private async Task ApologiseAsync(InboxItem item, Passing passing)
    {
        try
        {
            await chat.ReplyAsync(new ReplyAddress(item.From, item.Channel, passing.ResponseUrl),
                Replies.Broken(Activity.Current?.TraceId.ToString()), _abort.Token);
            await FinishAsync(item.Key);
        }
        catch (Exception failure)
        {
            log.LogError(failure, "A {Kind} stays in the inbox", item.Kind);
            _givenUp.TryAdd(item.Key, true);
            _inHand.TryRemove(item.Key, out _);
        }
    }

    /// <summary>A request in the hand of this process: until when, and whether all that is left is to write down that it is done.</summary>
    private sealed record InHand(DateTimeOffset Until, bool Done);

    private sealed record Work(InboxItem? Item, Passing Passing, ActivityContext Parent, Func<RequestDesk, CancellationToken, Task>? Act)
    {
        public bool Done { get; set; }

        /// <summary>Done, but Slack did not take the answer yet.</summary>
        public Unanswered? Owed { get; set; }

        public int Answers { get; set; }
    }
}
