using System.Diagnostics;
using System.Diagnostics.Metrics;
using DbAccess.Application.Reconciling;

namespace DbAccess.Application;

/// <summary>The product's own activities and instruments. Names are stable: dashboards and alarms are built on them.</summary>
public static class Telemetry
{
    public const string Name = "DbAccess";

    public static readonly ActivitySource Activities = new(Name);

    public static readonly Meter Meter = new(Name);

    internal static readonly Histogram<double> Commands =
        Meter.CreateHistogram<double>("command.duration", "s", "How long commands took, by name and outcome.");

    internal static readonly Counter<long> Steps =
        Meter.CreateCounter<long>("grant.steps", null, "Steps taken for grants, by what came of them.");

    internal static readonly Histogram<double> Give =
        Meter.CreateHistogram<double>("give.duration", "s", "From the request on record to the credentials delivered.");

    internal static readonly Histogram<double> Overrun =
        Meter.CreateHistogram<double>("take.overrun", "s", "From the end of a grant's window to its last session gone.");

    internal static readonly Histogram<double> SweepDuration =
        Meter.CreateHistogram<double>("sweep.duration", "s", "How long sweeps took.");

    internal static readonly Counter<long> Findings = Meter.CreateCounter<long>(
            "reconcile.findings", null, "What comparisons of the record with the clusters found, by kind and what came of it.");

    internal static void Finding(string kind, string outcome) =>
        Findings.Add(1, new KeyValuePair<string, object?>("kind", kind), new KeyValuePair<string, object?>("outcome", outcome));

    internal static void Step(string outcome) => Steps.Add(1, new KeyValuePair<string, object?>("outcome", outcome));
}
