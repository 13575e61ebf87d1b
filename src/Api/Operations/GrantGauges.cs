using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using Prometheus;

namespace DbAccess.Api.Operations;

/// <summary>
/// How many grants there are of each status, read from the store when somebody scrapes: a count kept in memory would be wrong after a
/// restart.
/// </summary>
internal static class GrantGauges
{
    // As long as the library takes. Labels are few and known, so nothing grows by it.
    private static readonly TimeSpan Remembered = TimeSpan.FromDays(1);

    public static async Task StartAsync(
        IGrantStore store, IPolicyHealth policies, GroupHealth groups, LogWatch evidence, TimeProvider clock)
    {
        Metrics.ConfigureMeterAdapter(adapter =>
        {
            // The database driver's own instruments carry its connection string as a label; who may scrape need not know hosts and users.
            adapter.InstrumentFilterPredicate = instrument => instrument.Meter.Name != "Npgsql";
            // The library would forget a series after five silent minutes, and with one grant an hour nothing would ever be seen to grow.
            adapter.MetricsExpireAfter = Remembered;
        });

        var grants = Metrics.CreateGauge("dbaccess_grants", "Grants on record, by status.", "status");
        var overdue = Metrics.CreateGauge("dbaccess_due_lateness_seconds",
            "How long the step that has waited longest has been waiting, since it was wanted and not since its last try; 0 when nothing " +
            "waits.");
        var unreadable = Metrics.CreateGauge(
            "dbaccess_grants_unreadable", "Grants that the lists of the last minute left out because they cannot be read.");
        var rejected = Metrics.CreateGauge(
            "dbaccess_policy_rejected", "1 while the newest policy file has faults and the last good one is in force, or none.");
        var closed = Metrics.CreateGauge(
            "dbaccess_groups_unreadable", "Slack user groups of the policy that cannot be read: what rests on them is closed.");
        var placed = Metrics.CreateGauge("dbaccess_evidence_events", "Events that have a place in the evidence log.");
        var behind = Metrics.CreateGauge(
            "dbaccess_evidence_behind_seconds", "Since when events get no place in the evidence log; below a minute while they do.");
        var broken = Metrics.CreateGauge("dbaccess_evidence_broken", "1 while an event on record is not what was signed.");
        var started = clock.GetUtcNow();
        Metrics.DefaultRegistry.AddBeforeCollectCallback(async cancellationToken =>
        {
            var counts = await store.CountByStatusAsync(cancellationToken);
            foreach (var status in Enum.GetValues<GrantStatus>())
                grants.WithLabels(status.ToString().ToLowerInvariant()).Set(counts.GetValueOrDefault(status));

            overdue.Set((await Lateness.LongestAsync(store, clock.GetUtcNow(), cancellationToken)).TotalSeconds);
            unreadable.Set(store.CountUnreadable());
            closed.Set((await groups.ListAsync(cancellationToken)).Count);
            rejected.Set(policies.Rejected is null ? 0 : 1);
            placed.Set(evidence.Size);
            behind.Set((clock.GetUtcNow() - (evidence.SequencedAt ?? started)).TotalSeconds);
            broken.Set(evidence.Broken is null ? 0 : 1);
        });

        // The library listens to the product's own instruments from the first collection on; without this one, what happens before somebody
        // scrapes would not be counted.
        await Metrics.DefaultRegistry.CollectAndExportAsTextAsync(Stream.Null);
    }
}
