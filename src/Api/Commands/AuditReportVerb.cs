using System.CommandLine;
using System.Globalization;
using System.Text;
using DbAccess.Application;
using DbAccess.Application.Evidence;
using DbAccess.Application.Evidence.Pages;
using DbAccess.Application.Ports;

namespace DbAccess.Api.Commands;

/// <summary><c>audit report</c>: who had what, by which rule, and what stands out, as a page and tables.</summary>
internal static class AuditReportVerb
{
    public static VerbCommand Describe()
    {
        var (to, from, until) = (AuditDates.To(), AuditDates.From(required: true), AuditDates.Until(required: true));
        return new VerbCommand("report", "Who had what, by which rule, and what stands out: a page and tables.",
                read => new Verb.AuditReport(
                    read.GetValue(to)!, read.GetValue(from)!.Value, read.GetValue(until)!.Value),
                to, from, until)
            .Where(said => AuditDates.Read(said.Said(from)) >= AuditDates.Read(said.Said(until))
                ? "audit report wants --from DATE and a later --until DATE, for example 2026-10-01 and 2026-11-01." : null);
    }

    public static async Task<int> RunAsync(IServiceProvider services, Verb.AuditReport verb)
    {
        if (AuditExportVerb.Refuse(verb.To) is { } why)
        {
            await Console.Error.WriteLineAsync(why);
            return ExitCode.Misuse;
        }

        var origin = $"dbaccess/{services.GetRequiredService<Installation>().Name}";
        var (report, progress) = (new AuditReport(origin, new ReportPeriod(verb.From, verb.Until)), new Progress("events read"));
        var (export, events) = (new LogExport(services.GetRequiredService<IEvidenceLog>(), []), 0L);
        await foreach (var logged in export.ReadAsync(CancellationToken.None))
        {
            report.Add(logged);
            if (++events % 1_000 == 0) progress.Report(events);
        }

        var files = ReportFile.Of(report);
        foreach (var file in files)
        {
            await using var writer = new StreamWriter(AuditExportVerb.Make(verb.To, file.Name), new UTF8Encoding(false));
            file.Write(writer);
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{events:N0} events read, {files.Count} files in {verb.To}. Read {Path.Combine(verb.To, "report.html")}"));
        return ExitCode.Success;
    }
}
