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
    public static async Task StartAsync(IGrantStore store, TimeProvider clock)
    {
        // The database driver's own instruments carry its connection string as a label; who may scrape need not know hosts and users.
        Metrics.ConfigureMeterAdapter(adapter => adapter.InstrumentFilterPredicate = instrument => instrument.Meter.Name != "Npgsql");

        var grants = Metrics.CreateGauge("dbaccess_grants", "Grants on record, by status.", "status");
        var overdue = Metrics.CreateGauge("dbaccess_due_lateness_seconds",
            "How long the step that has waited longest has been waiting, since it was wanted and not since its last try; 0 when nothing " +
            "waits.");
        var unreadable = Metrics.CreateGauge(
            "dbaccess_grants_unreadable", "Grants that the lists of the last minute left out because they cannot be read.");
        Metrics.DefaultRegistry.AddBeforeCollectCallback(async cancellationToken =>
        {
            var counts = await store.CountByStatusAsync(cancellationToken);
            foreach (var status in Enum.GetValues<GrantStatus>())
                grants.WithLabels(status.ToString().ToLowerInvariant()).Set(counts.GetValueOrDefault(status));

            overdue.Set((await Lateness.LongestAsync(store, clock.GetUtcNow(), cancellationToken)).TotalSeconds);
            unreadable.Set(store.CountUnreadable());
        });

        // The library listens to the product's own instruments from the first collection on; without this one, what happens before somebody
        // scrapes would not be counted.
        await Metrics.DefaultRegistry.CollectAndExportAsTextAsync(Stream.Null);
    }
}
