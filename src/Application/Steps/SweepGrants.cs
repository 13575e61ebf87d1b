using System.Collections.Concurrent;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Steps;

/// <summary>What a sweep did, by outcome; <paramref name="Failed"/> names the grants whose step raised a fault.</summary>
/// <param name="CutShort">It was told to stop before it had seen everything. What it did counts; what it did not do stays due.</param>
public sealed record SweepReport(IReadOnlyDictionary<StepOutcome, int> Steps, IReadOnlyList<GrantId> Failed, bool CutShort)
{
    public int Count(StepOutcome outcome) => Steps.GetValueOrDefault(outcome);

    public override string ToString() =>
        $"{Count(StepOutcome.Ended)} ended, {Count(StepOutcome.Quarantined)} quarantined, {Count(StepOutcome.Given)} given, " +
            $"{Count(StepOutcome.Failed)} not given, {Count(StepOutcome.Postponed)} postponed, {Failed.Count} " +
            $"failed{(CutShort ? ", cut short" : "")}";
}

/// <summary>
/// The sweep: takes the next step of every grant that is due. The Quartz job, the timer, the Lambda and the command line all send this, and
/// any number of them may run at once. One grant's failure does not stop the next. A sweep that is cancelled while it works hands back what
/// it had leased and reports what it did.
/// </summary>
/// <param name="Overdue">Only what has been due for this long: where somebody else takes steps first, this is the patience to have with
/// them.</param>
/// <param name="Postponed">Also what did not work and was put off until later: it is tried once, now. What another worker holds is left to
/// it.</param>
public sealed record SweepGrants(TimeSpan Overdue = default, bool Postponed = false) : IRequest<Result<SweepReport>>
{
    internal sealed class Handler(
        IGrantStore store, GrantSteps steps, StepPauses pauses, IGhostHunt ghosts, TimeProvider clock, ILogger<Handler> log)
        : IRequestHandler<SweepGrants, Result<SweepReport>>
    {
        private const int PageSize = 200;

        // As many as a person at the command line can be kept waiting for.
        private const int MostPostponed = 10_000;

        // Half of a cluster's few connections: the other half is for who asks for something new meanwhile. One dead cluster holds up little
        // else.
        private const int PerCluster = 4;

        public async Task<Result<SweepReport>> Handle(SweepGrants command, CancellationToken cancellationToken)
        {
            var started = clock.GetTimestamp();
            var done = new ConcurrentDictionary<StepOutcome, int>();
            var left = new ConcurrentDictionary<GrantId, bool>();

            var cutShort = false;
            try
            {
                if (command.Postponed)
                    await TakeAsync([.. (await store.ListLiveAsync(null, MostPostponed, cancellationToken))
                        .Where(grant => grant.State.IsPostponed(clock.GetUtcNow()))], early: true, done, left, cancellationToken);

                // A step moves what is due, so each round reads a shorter list; the bound is for a store that does not keep what it is
                // told.
                for (var round = 0; round < 100; round++)
                {
                    if (!await RoundAsync(command.Overdue, done, left, cancellationToken)) break;
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Whoever cancels wants to know what was done until then; every step in hand has given back its lease by now.
                cutShort = true;
            }

            if (!cutShort) await HuntAsync(cancellationToken);
            Telemetry.SweepDuration.Record(clock.GetElapsedTime(started).TotalSeconds);
            return new SweepReport(done, [.. left.Where(one => one.Value).Select(one => one.Key)], cutShort);
        }

        private async Task HuntAsync(CancellationToken cancellationToken)
        {
            try
            {
                // By the record, since most roles may be removed by other processes, which do not look again or are not there any more.
                foreach (var (cluster, endedAt) in await store.ListLatelyEndedAsync(
                    clock.GetUtcNow() - IGhostHunt.Lately, cancellationToken)) ghosts.Follow(cluster, endedAt);
                await ghosts.RunDueAsync(cancellationToken);
            }
            catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                log.LogError(failure, "Looking for sessions of roles that no longer exist failed; the next sweep tries again");
            }
            catch (OperationCanceledException)
            {
                // Every step was taken; the next sweep looks.
            }
        }

        /// <param name="left">What could not be taken now, and, true, what raised a fault: it is left to a later sweep.</param>
        /// <returns>Whether there was anything.</returns>
        private async Task<bool> RoundAsync(TimeSpan overdue, ConcurrentDictionary<StepOutcome, int> done,
            ConcurrentDictionary<GrantId, bool> left, CancellationToken cancellationToken)
        {
            // What is left stays due and stands in the list: it must not crowd out what is behind it. Twice as many, so that however many
            // wait for a cluster that does not answer, a few rounds reach behind them.
            var due = (await store.ListDueAsync(clock.GetUtcNow() - overdue, PageSize + pauses.Count + (2 * left.Count), cancellationToken))
                .Where(grant => !left.ContainsKey(grant.Id) && !pauses.IsPaused(grant.Id)).ToList();
            await TakeAsync(due, early: false, done, left, cancellationToken);
            return due.Count > 0;
        }

        private async Task TakeAsync(List<Grant> due, bool early, ConcurrentDictionary<StepOutcome, int> done,
            ConcurrentDictionary<GrantId, bool> left, CancellationToken cancellationToken)
        {
            await Task.WhenAll(due.GroupBy(grant => grant.State.Target.Cluster).Select(cluster => Parallel.ForEachAsync(
                cluster,
                new ParallelOptions { MaxDegreeOfParallelism = PerCluster, CancellationToken = cancellationToken },
                async (grant, token) =>
                {
                    try
                    {
                        var outcome = await steps.TakeDueAsync(grant, token, early);
                        pauses.Worked(grant.Id);
                        if (outcome is StepOutcome.Nothing) left.TryAdd(grant.Id, false);
                        else done.AddOrUpdate(outcome, 1, (_, count) => count + 1);
                    }
                    catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
                    {
                        // A timeout of somebody's own also ends as a cancellation: that is this grant's fault, not the sweep's end.
                        left[grant.Id] = true;
                        log.LogError(failure, "The step of {Grant} failed; the next try is in {Pause} at the earliest",
                            grant.Id.ToString(), pauses.Failed(grant.Id));
                    }
                })));
        }
    }
}
