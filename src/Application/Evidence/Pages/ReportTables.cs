namespace DbAccess.Application.Evidence.Pages;

/// <summary>The tables of a report, drawn up once for the page and the files.</summary>
internal sealed class ReportTables
{
    private readonly Dictionary<string, string> _names;

    private ReportTables(AuditReport report)
    {
        _names = report.Names;
        var sums = report.Sums;
        Access = [.. ((AccessTally[])[sums.ByPerson, sums.ByDatabase, sums.ByScope, sums.ByRule]).Select(AccessBy)];
        OverTime = [.. ((AccessTally[])[sums.ByPerson, sums.ByDatabase, sums.ByScope, sums.ByRule])
            .Select(tally => ByPart(tally, report.Period))];
        Unreviewed = new("break-glass-without-review",
            [Grant, .. Who, .. Where, new("rule", "rule", "run"), new("given", "given_at", "time"), new("told", "administrators_told")],
            [.. sums.Unreviewed.All.Select(one => Row(
                one.Grant, one.Who, Name(one.Who), one.Database, one.Scope, one.Rule, one.At, one.Late))],
            sums.Unreviewed.Total);
        Fast = new("fast-approvals",
            [Grant, new("approver", "approver_name", "who"), new("", "approver", OnPage: false), .. Who, .. Where,
                new("when", "approved_at", "time"), new("after", "after_seconds", "num")],
            [.. sums.Fast.All.Select(one => Row(
                one.Grant, Name(one.Approver), one.Approver, one.Who, Name(one.Who), one.Database, one.Scope, one.At, one.Took))],
            sums.Fast.Total);
        Overruns = new("overruns",
            [Grant, .. Who, .. Where, new("locked out", "locked_out_at", "time"), new("over by", "overrun_seconds", "num")],
            [.. sums.Overruns.All.Select(one => Row(one.Grant, one.Who, Name(one.Who), one.Database, one.Scope, one.At, one.By))],
            sums.Overruns.Total);
        Unused = new("unused-grants",
            [Grant, .. Who, .. Where, new("rule", "rule", "run"), new("ended", "ended_at", "time"), new("held", "held_seconds", "num")],
            [.. sums.Unused.All.Select(one => Row(one.Grant, one.Who, Name(one.Who), one.Database, one.Scope, one.Rule, one.At, one.Held))],
            sums.Unused.Total);
        Refusals = new("refusals",
            [new("code", "code"), .. Who, new("times", "times", "num"), new("last", "last_at", "time")],
            [.. sums.Refusals.Select(one => Row(one.Code, one.Who, Name(one.Who), one.Times, one.Last))], sums.Refusals.Count);
        Scopes = new("scopes",
            [new("scope", "scope"), new("grants", "grants", "num"), new("gave", "things", "num"), new("unused", "things_unused", "num"),
                new("what can be said", "unknown_because")],
            [.. sums.Scopes.Select(use => use.Unknown is { } why
                ? Row(use.Scope, (long)use.Grants, null, null, $"cannot be said: {why}")
                : Row(use.Scope, (long)use.Grants, (long)use.Things.Count(thing => thing.IsRelation),
                    (long)use.Things.Count(thing => thing is { IsRelation: true, IsMentioned: false }), "all of its grants compared"))],
            sums.Scopes.Count());
        var unused = sums.Scopes.Where(use => use.Unknown is null).SelectMany(use => use.Unused.Select(one => Row(use.Scope,
            one.Thing.Database, one.Thing.Kind, one.Thing.Name, string.Join(", ", one.Privileges), !one.Thing.IsMentioned))).ToList();
        UnusedPrivileges = new("unused-privileges",
            [new("scope", "scope"), new("database", "database"), new("kind", "kind"), new("name", "name"),
                new("privileges", "privileges"), new("never mentioned", "never_mentioned")],
            unused, unused.Count);
        Counts = new("counts", [new("what", "what"), new("number", "count", "num")],
            [.. ReportWords.Counts(sums).Select(one => Row(one.Word, one.Count))], 0);
    }

    public IReadOnlyList<ReportTable> Access { get; }

    public IReadOnlyList<ReportTable> OverTime { get; }

    public ReportTable Unreviewed { get; }

    public ReportTable Fast { get; }

    public ReportTable Overruns { get; }

    public ReportTable Unused { get; }

    public ReportTable UnusedPrivileges { get; }

    public ReportTable Scopes { get; }

    public ReportTable Refusals { get; }

    public ReportTable Counts { get; }

    public IEnumerable<ReportTable> All =>
        [Counts, .. Access, .. OverTime, Unreviewed, Fast, Overruns, Unused, Scopes, UnusedPrivileges, Refusals];

    private static ReportColumn Grant => new("grant", "grant", "word");

    private static ReportColumn[] Who => [new("", "person", OnPage: false), new("who", "person_name", "who run")];

    private static ReportColumn[] Where => [new("database", "database", "run"), new("scope", "scope", "run")];

    public static ReportTables Of(AuditReport report) => new(report);

    public string Name(string person) => EventWords.Who(person, _names);

    private ReportTable AccessBy(AccessTally tally)
    {
        var person = tally.By is "person";
        var lines = tally.Lines;
        return new ReportTable($"access-by-{tally.By}",
            [new(tally.By, person ? "person_name" : tally.By), .. person ? (ReportColumn[])[new("", "person", OnPage: false)] : [],
                new("asked", "asked", "num"), new("given", "given", "num"), new("held", "held_seconds", "num")],
            [.. lines.Select(line => person
                ? Row(Name(line.Name), line.Name, line.Asked, line.Given, line.Held) : Row(line.Name, line.Asked, line.Given, line.Held))],
            lines.Count);
    }

    /// <summary>One row for each name and part of the period in which something was given.</summary>
    private static ReportTable ByPart(AccessTally tally, ReportPeriod period)
    {
        List<IReadOnlyList<object?>> rows = [];
        foreach (var line in tally.Lines)
        {
            for (var part = 0; part < period.Count; part++)
            {
                if (line.Parts[part] > 0) rows.Add(Row(period.Date(part), line.Name, line.Parts[part]));
            }
        }

        return new ReportTable($"access-by-{tally.By}-over-time",
            [new("", $"{period.Unit}_from"), new("", tally.By), new("", "given", "num")], rows, rows.Count);
    }

    private static IReadOnlyList<object?> Row(params IReadOnlyList<object?> cells) => cells;
}
