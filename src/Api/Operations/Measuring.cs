using DbAccess.Application;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace DbAccess.Api.Operations;

/// <summary>
/// What is measured and where it goes: to whoever scrapes, and by OTLP to the collector that <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> names
/// (https://opentelemetry.io/docs/specs/otel/protocol/exporter/; headers, protocol and intervals are read from there, too).
/// </summary>
internal static class Measuring
{
    public const string Collector = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <param name="pushed">A collector is named.</param>
    /// <param name="meters">
    /// Other libraries' instruments, which carry what not everybody who may scrape should know: the driver's its connection string, a
    /// client's the addresses that it calls. So they are shown when they are asked for by name, and not before.
    /// </param>
    public static void AddMeasuring(this IServiceCollection services, bool pushed, string[] meters)
    {
        services.AddSingleton<GrantGauges>();
        var telemetry = services.AddOpenTelemetry().ConfigureResource(resource => resource.AddService("dbaccess"));
        telemetry.WithMetrics(metrics =>
        {
            metrics.AddMeter([Telemetry.Name, .. meters]).AddPrometheusExporter(options =>
            {
                options.ScopeInfoEnabled = false;
                options.TargetInfoEnabled = false;
                // Nobody waits for a scrape that is not fresh.
                options.ScrapeResponseCacheDurationMilliseconds = 0;
            });
            if (pushed) metrics.AddOtlpExporter();
        });
        if (!pushed) return;
        // The web server's own activities are the roots of ours. Those of clients and of the driver are not taken: their addresses hold
        // tokens, their text statements. Sampling is ours to decide and not a caller's.
        telemetry.WithTracing(traces => traces.AddSource(Telemetry.Name, "Microsoft.AspNetCore").SetSampler(new AlwaysOnSampler())
            .AddOtlpExporter());
        services.AddHostedService<GaugeReader>();
    }

    /// <summary>Keeps the gauges fresh where they are sent by themselves: nobody scrapes, so nobody would have them read.</summary>
    private sealed class GaugeReader(GrantGauges gauges, TimeProvider clock, ILogger<GaugeReader> log) : BackgroundService
    {
        private static readonly TimeSpan Interval = TimeSpan.FromSeconds(15);

        protected override Task ExecuteAsync(CancellationToken stoppingToken) => Rounds.RunAsync(
            Interval, clock, gauges.ReadAsync,
            failure => log.LogWarning(failure, "The gauges could not be read; what is sent is what they were"), stoppingToken);
    }
}
