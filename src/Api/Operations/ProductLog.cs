using System.Diagnostics;
using DbAccess.Application;
using Serilog;
using Serilog.Events;
using Serilog.Formatting;
using Serilog.Formatting.Compact;

namespace DbAccess.Api.Operations;

/// <summary>The log of every verb: JSON, one object a line.</summary>
internal static class ProductLog
{
    /// <summary>How a line is written. What is read from lines (alarms, in AWS) rests on it.</summary>
    internal static ITextFormatter Format { get; } = new RenderedCompactJsonFormatter();

    /// <param name="toStandardError">Where standard output is for results.</param>
    public static Serilog.ILogger Create(bool toStandardError) => Configure()
        .WriteTo.Console(Format, standardErrorFromLevel: toStandardError ? LogEventLevel.Verbose : null)
        .CreateLogger();

    /// <summary>Everything but where lines go.</summary>
    internal static LoggerConfiguration Configure() => new LoggerConfiguration()
        .MinimumLevel.Information()
        .MinimumLevel.Override("Microsoft", LogEventLevel.Warning)
        .MinimumLevel.Override("System.Net.Http", LogEventLevel.Warning)
        .MinimumLevel.Override("Quartz", LogEventLevel.Warning)
        .MinimumLevel.Override("Npgsql", LogEventLevel.Error)
        .Enrich.FromLogContext();

    /// <summary>Ids of requests go through log lines even where nobody collects traces.</summary>
    public static ActivityListener ListenToActivities()
    {
        var tracing = new ActivityListener { ShouldListenTo = source => source.Name == Telemetry.Name,
            Sample = (ref _) => ActivitySamplingResult.AllData };
        ActivitySource.AddActivityListener(tracing);
        return tracing;
    }
}
