namespace DbAccess.Application.Evidence.Pages;

/// <summary>One file of a report.</summary>
/// <param name="Name">Without a folder.</param>
/// <param name="Write">Writes all of it; the writer is UTF-8 without a byte order mark.</param>
public sealed record ReportFile(string Name, Action<TextWriter> Write)
{
    /// <summary>The page and the files of values of a report that has had its last event.</summary>
    public static IReadOnlyList<ReportFile> Of(AuditReport report)
    {
        report.Close();
        var tables = ReportTables.Of(report);
        return
        [
            new ReportFile("report.html", page => ReportPage.Write(page, report, tables)),
            .. tables.All.Select(table => new ReportFile($"{table.Name}.csv", file => Csv.Write(file, table))),
            .. ScopeProposal.For(report.Sums.Scopes) is { } yaml
                ? (ReportFile[])[new ReportFile("proposed-scopes.yaml", file => file.Write(yaml))] : [],
        ];
    }
}
