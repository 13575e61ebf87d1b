using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Grants;

/// <summary>What a sweep did, by outcome; <paramref name="Failed"/> names the grants whose step raised a fault.</summary>
/// <param name="CutShort">It was told to stop before it had seen everything. What it did counts; what it did not do stays due.</param>
public sealed record SweepReport(IReadOnlyDictionary<StepReport, int> Steps, IReadOnlyList<GrantId> Failed, bool CutShort)
{
    public int Count(StepReport outcome) => Steps.GetValueOrDefault(outcome);

    public override string ToString() =>
        $"{Count(StepReport.Ended)} ended, {Count(StepReport.Quarantined)} quarantined, {Count(StepReport.Given)} given, {Count(StepReport.Failed)} not given, {Count(StepReport.Postponed)} postponed, {Failed.Count} failed{(CutShort ? ", cut short" : "")}";
}

/// <summary>
/// The sweep: takes the next step of every grant that is due. The Quartz job, the timer, the Lambda and the command line all send this, and any
/// number of them may run at once. One grant's failure does not stop the next. A sweep that is cancelled while it works hands back what it had
/// leased and reports what it did.
/// </summary>
/// <param name="Overdue">Only what has been due for this long: where somebody else takes steps first, this is the patience to have with them.</param>
public sealed record ExpireGrants(TimeSpan Overdue = default) : IRequest<Result<SweepReport>>
{
    internal sealed class Handler(IGrantStore store, GrantSteps steps, TimeProvider clock, ILogger<Handler> log) : IRequestHandler<ExpireGrants, Result<SweepReport>>
    {
        private const int PageSize = 200;

        // Enough to keep a cluster's few connections busy, few enough that one dead cluster holds up little else.
        private const int PerCluster = 8;

        public async Task<Result<SweepReport>> Handle(ExpireGrants command, CancellationToken cancellationToken)
        {
            var started = clock.GetTimestamp();
            var done = new ConcurrentDictionary<StepReport, int>();
            var failed = new ConcurrentDictionary<GrantId, bool>();

            var cutShort = false;
            try
            {
                // A step moves what is due, so each round reads a shorter list; the bound is for a store that does not keep what it is told.
                for (var round = 0; round < 100; round++)
                {
                    if (await RoundAsync(command.Overdue, done, failed, cancellationToken) == 0) break;
                }
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                // Whoever cancels wants to know what was done until then; every step in hand has given back its lease by now.
                cutShort = true;
            }

            Telemetry.SweepDuration.Record(clock.GetElapsedTime(started).TotalSeconds);
            return new SweepReport(done, [.. failed.Keys], cutShort);
        }

        private async Task<int> RoundAsync(TimeSpan overdue, ConcurrentDictionary<StepReport, int> done, ConcurrentDictionary<GrantId, bool> failed, CancellationToken cancellationToken)
        {
            // What failed is left to the next sweep, and does not crowd out what is behind it.
            var due = (await store.ListDueAsync(clock.GetUtcNow() - overdue, PageSize + failed.Count, cancellationToken)).Where(grant => !failed.ContainsKey(grant.Id)).ToList();
            var progress = 0;
            await Task.WhenAll(due.GroupBy(grant => grant.State.Target.Cluster).Select(cluster => Parallel.ForEachAsync(
                cluster,
                new ParallelOptions { MaxDegreeOfParallelism = PerCluster, CancellationToken = cancellationToken },
                async (grant, token) =>
                {
                    try
                    {
                        var outcome = await steps.TakeDueAsync(grant, token);
                        if (outcome is StepReport.Nothing) return;

                        done.AddOrUpdate(outcome, 1, (_, count) => count + 1);
                        Interlocked.Increment(ref progress);
                    }
                    catch (Exception failure) when (failure is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
                    {
                        // A timeout of somebody's own also ends as a cancellation: that is this grant's fault, not the sweep's end.
                        failed.TryAdd(grant.Id, true);
                        log.LogError(failure, "The step of {Grant} failed", grant.Id.ToString());
                    }
                })));
            return progress;
        }
    }
}
