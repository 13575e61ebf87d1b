using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using Prometheus;

namespace DbAccess.Api.Operations;

/// <summary>How many grants there are of each status, read from the store when somebody scrapes: a count kept in memory would be wrong after a restart.</summary>
internal static class GrantGauges
{
    public static async Task StartAsync(IGrantStore store, TimeProvider clock)
    {
        // The database driver's own instruments carry its connection string as a label; who may scrape need not know hosts and users.
        Metrics.ConfigureMeterAdapter(adapter => adapter.InstrumentFilterPredicate = instrument => instrument.Meter.Name != "Npgsql");

        var grants = Metrics.CreateGauge("dbaccess_grants", "Grants on record, by status.", "status");
        var overdue = Metrics.CreateGauge("dbaccess_due_lateness_seconds", "How long the longest due step has been due; 0 when nothing is.");
        Metrics.DefaultRegistry.AddBeforeCollectCallback(async cancellationToken =>
        {
            var counts = await store.CountByStatusAsync(cancellationToken);
            foreach (var status in Enum.GetValues<GrantStatus>()) grants.WithLabels(status.ToString().ToLowerInvariant()).Set(counts.GetValueOrDefault(status));

            var next = await store.NextDueAsync(cancellationToken);
            overdue.Set(next is { } due ? Math.Max(0, (clock.GetUtcNow() - due).TotalSeconds) : 0);
        });

        // The library listens to the product's own instruments from the first collection on; without this one, what happens before somebody
        // scrapes would not be counted.
        await Metrics.DefaultRegistry.CollectAndExportAsTextAsync(Stream.Null);
    }
}
