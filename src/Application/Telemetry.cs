using System.Diagnostics;
using System.Diagnostics.Metrics;
using DbAccess.Application.Reconciling;

namespace DbAccess.Application;

/// <summary>
/// The product's own activities and instruments. Names are stable: dashboards and alarms are built on them. Prometheus shows
/// <c>dbaccess.give.duration</c>, in seconds, as <c>dbaccess_give_duration_seconds</c>, and a counter with <c>_total</c>.
/// </summary>
public static class Telemetry
{
    public const string Name = "DbAccess";

    public static readonly ActivitySource Activities = new(Name);

    public static readonly Meter Meter = new(Name);

    /// <summary>From what nobody notices to what an operator would look into, in seconds.</summary>
    private static readonly InstrumentAdvice<double> Buckets =
        new() { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300] };

    internal static readonly Histogram<double> Commands = Seconds("command.duration", "How long commands took, by name and outcome.");

    internal static readonly Counter<long> Steps =
        Meter.CreateCounter<long>("dbaccess.grant.steps", null, "Steps taken for grants, by what came of them.");

    internal static readonly Histogram<double> Give = Seconds("give.duration", "From the request on record to the credentials delivered.");

    internal static readonly Histogram<double> Overrun =
        Seconds("take.overrun", "From the end of a grant's window to its last session gone.");

    internal static readonly Histogram<double> SweepDuration = Seconds("sweep.duration", "How long sweeps took.");

    internal static readonly Counter<long> Findings = Meter.CreateCounter<long>(
            "dbaccess.reconcile.findings", null, "What comparisons of the record with the clusters found, by kind and what came of it.");

    internal static void Finding(string kind, string outcome) =>
        Findings.Add(1, new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("outcome", outcome));

    internal static void Step(string outcome) => Steps.Add(1, new KeyValuePair<string, object?>("outcome", outcome));

    private static Histogram<double> Seconds(string name, string description) =>
        Meter.CreateHistogram($"dbaccess.{name}", "s", description, tags: null, Buckets);
}
