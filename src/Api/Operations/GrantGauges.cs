using System.Diagnostics.Metrics;
using DbAccess.Application;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain.Grants;

namespace DbAccess.Api.Operations;

/// <summary>
/// How many grants there are of each status, and what else is read where it is true when somebody looks: a count kept in memory would be
/// wrong after a restart.
/// </summary>
internal sealed class GrantGauges(
    IGrantStore store, IInbox inbox, IPolicyHealth policies, GroupHealth groups, LogWatch evidence, TimeProvider clock)
{
    private static readonly Gauge<long> Grants = Telemetry.Meter.CreateGauge<long>(
        "dbaccess.grants", null, "Grants on record, by status.");

    private static readonly Gauge<double> Lateness = Telemetry.Meter.CreateGauge<double>("dbaccess.due.lateness", "s",
        "How long the step that has waited longest has been waiting, since it was wanted and not since its last try; 0 when nothing " +
        "waits.");

    private static readonly Gauge<long> Unreadable = Telemetry.Meter.CreateGauge<long>(
        "dbaccess.grants.unreadable", null, "Grants that the lists of the last minute left out because they cannot be read.");

    private static readonly Gauge<long> UnreadableRequests = Telemetry.Meter.CreateGauge<long>(
        "dbaccess.inbox.unreadable", null, "Accepted requests that are not done because they cannot be read.");

    private static readonly Gauge<long> Rejected = Telemetry.Meter.CreateGauge<long>(
        "dbaccess.policy.rejected", null, "1 while the newest policy file has faults and the last good one is in force, or none.");

    private static readonly Gauge<long> Closed = Telemetry.Meter.CreateGauge<long>(
        "dbaccess.groups.unreadable", null, "Slack user groups of the policy that cannot be read: what rests on them is closed.");

    private static readonly Gauge<long> Placed = Telemetry.Meter.CreateGauge<long>(
        "dbaccess.evidence.events", null, "Events that have a place in the evidence log.");

    private static readonly Gauge<double> Behind = Telemetry.Meter.CreateGauge<double>(
        "dbaccess.evidence.behind", "s", "Since when events get no place in the evidence log; below a minute while they do.");

    private static readonly Gauge<long> Broken = Telemetry.Meter.CreateGauge<long>(
        "dbaccess.evidence.broken", null, "1 while an event on record is not what was signed.");

    private readonly DateTimeOffset _started = clock.GetUtcNow();

    /// <summary>Reads them all, for whoever collects next.</summary>
    public async Task ReadAsync(CancellationToken cancellationToken)
    {
        var counts = await store.CountByStatusAsync(cancellationToken);
        foreach (var status in Enum.GetValues<GrantStatus>())
        {
            Grants.Record(counts.GetValueOrDefault(status),
                new KeyValuePair<string, object?>("status", status.ToString().ToLowerInvariant()));
        }

        Lateness.Record((await Application.Steps.Lateness.LongestAsync(store, clock.GetUtcNow(), cancellationToken)).TotalSeconds);
        Unreadable.Record(store.CountUnreadable());
        UnreadableRequests.Record(inbox.CountUnreadable());
        Closed.Record((await groups.ListAsync(cancellationToken)).Count);
        Rejected.Record(policies.Rejected is null ? 0 : 1);
        Placed.Record(evidence.Size);
        Behind.Record((clock.GetUtcNow() - (evidence.SequencedAt ?? _started)).TotalSeconds);
        Broken.Record(evidence.Broken is null ? 0 : 1);
    }
}
