namespace DbAccess.Application.Evidence.Pages;

/// <summary>The page of a report: sums first, then what somebody should look at, then everything by its table.</summary>
internal sealed class ReportPage(AuditReport report, ReportTables tables)
{
    private readonly ReportSums _sums = report.Sums;
    private readonly ReportPeriod _period = report.Period;

    public static void Write(TextWriter page, AuditReport report, ReportTables tables)
    {
        foreach (var part in new ReportPage(report, tables).Draw()) page.Write(part.ToString());
    }

    private IEnumerable<Markup> Draw() =>
    [
        Head(), Figures(), Findings(), Access(), Reviews(), Fast(), Overruns(), Unused(), Scopes(), Proposals(), Refusals(),
        Section("All counts", "counts", default, tables.Counts.Draw("", most: 100)), Limits(), PageFrame.End,
    ];

    private static Markup Section(string title, string id, Markup note, Markup said) => Markup.Of(
        $"{PageFrame.Heading(2, title, id)}{(note.IsEmpty ? note : Markup.Of($"<p class=\"note\">{note}</p>\n"))}{said}");

    private static Markup Soft(string said) => Markup.Of($"<p class=\"soft\">{said}</p>\n");

    private static Markup List(IEnumerable<Markup> items) =>
        Markup.Of($"<ul>\n{Markup.All(items.Select(item => Markup.Of($"<li>{item}</li>\n")))}</ul>\n");

    private Markup Head()
    {
        var (first, last) = (_period.From, _period.Until.AddMilliseconds(-1));
        var begin = first.Year == last.Year ? PageWords.Day(first)[..^5] : PageWords.Day(first);
        var title = PageWords.Day(first) == PageWords.Day(last)
            ? $"Access on {PageWords.Day(last)}" : $"Access from {begin} to {PageWords.Day(last)}";
        return Markup.Of(
            $"""
            {PageFrame.Begin($"{title} · {report.Origin}")}<p class="over">Report on the evidence log · {report.Origin}</p>
            {PageFrame.Heading(1, title)}<p class="note">From {PageWords.Time(_period.From)} up to, not including,
            {PageWords.Time(_period.Until)} UTC. {PageWords.Count(_sums.Events, "event")} read.
            Everything here is counted from the log and can be counted again.</p>

            """);
    }

    private Markup Figures()
    {
        (Markup Number, string Word)[] figures =
        [
            (N(_sums.Asked), "requests"), (N(_sums.Given), "given"), (N(_sums.Denied + _sums.Lapsed), "denied or lapsed"),
            (Markup.Text(PageWords.Length(_sums.Held)), "held, all together"),
            (N(_sums.ByPerson.Lines.Count(line => line.Given > 0)), "people had access"),
            (N(_sums.GlassBroken), "broke the glass"), (N(_sums.Refused), "attempts refused"),
            (N(_sums.StillLive), "still live at the end"),
        ];
        return Markup.Of($"<ul class=\"figures\">\n{Markup.All(figures.Select(figure =>
            Markup.Of($"<li><b>{figure.Number}</b><span>{figure.Word}</span></li>\n")))}</ul>\n");

        static Markup N(long number) => Markup.Of($"{number}");
    }

    private Markup Findings()
    {
        var findings = ReportWords.Findings(_sums).ToList();
        return Section("Worth a look", "findings", default, findings.Count > 0
            ? List(findings.Select(one => Markup.Of($"<a href=\"#{one.Section}\">{one.Said}</a>")))
            : Soft(_sums.Events == 0 ? "Nothing happened in this period." : "Nothing stands out in this period."));
    }

    private Markup Access()
    {
        if (_sums.Asked + _sums.Given == 0 && _sums.Held == TimeSpan.Zero)
            return Section("Who had what", "access", default, Soft("Nobody asked for anything, and nobody held anything."));

        AccessTally[] tallies = [_sums.ByPerson, _sums.ByDatabase, _sums.ByScope, _sums.ByRule];
        var plots = tallies.Select((tally, at) => Markup.Of($"{PageFrame.Heading(3, $"By {tally.By}")}{ReportPlot.Draw(tally, _period,
            tally.By is "person" ? tables.Name : name => name)}{tables.Access[at].Draw("")}"));
        var mondays = _period.Unit is "week" ? " (they begin on Mondays)" : "";
        return Section("Who had what", "access",
            Markup.Of($"Grants given for each {_period.Unit}{mondays}. Held: how long they could be used, inside the period."),
            Markup.All(plots));
    }

    private Markup Reviews()
    {
        var bad = _sums.BadReviews == 0 ? Markup.Nothing
            : Markup.Of($"<p>{PageWords.Count(_sums.BadReviews, "review")} said “not all right”.</p>\n");
        var table = tables.Unreviewed.Draw(
            _sums.GlassBroken == 0 ? "Nobody broke the glass." : "Every emergency access of the period was reviewed.");
        return Section("Emergencies nobody has reviewed", "review", default, Markup.Of($"{table}{bad}"));
    }

    private Markup Fast() => Section("Approvals in under five seconds", "fast",
        Markup.Of($"From the moment at which the card could be seen by those who were asked. So soon a plan was hardly read."),
        tables.Fast.Draw(_sums.Approvals == 0
            ? "No person approved anything in the period." : $"None of {PageWords.Count(_sums.Approvals, "approval")}."));

    private Markup Overruns()
    {
        string[] words = ["gone by the end", "within a second", "1 to 10 seconds", "10 seconds to a minute", "more than a minute"];
        var rows = words.Select((word, at) => (IReadOnlyList<Markup>)[Markup.Of($"{word}"), Markup.Of($"{_sums.OverrunSteps[at]}")]);
        var unknown = _sums.OverrunUnknown == 0 ? Markup.Nothing
            : Markup.Of($"<p class=\"note\">Not known of {PageWords.Count(_sums.OverrunUnknown, "grant")}.</p>\n");
        var unproved = _sums.NotProved == 0 ? Markup.Nothing
            : Markup.Of($"<p class=\"warn\">{PageWords.Count(_sums.NotProved, "grant")} ended without a proof on record.</p>\n");
        return Section("After the end", "overruns",
            Markup.Of($"From the end of a grant’s time to the moment at which its last session was gone, on every server."),
            _sums.Ended == 0 ? Soft("No grant ended in the period.")
                : Markup.Of($"{PageFrame.Table([new("last session"), new("grants", "num")], rows, "small")}{unknown}{unproved}{
                    tables.Overruns.Draw("No session outlived its grant.")}"));
    }

    private Markup Unused()
    {
        var known = _sums.Ended - _sums.WithoutDigest;
        var others = _sums.WithoutDigest == 0 ? Markup.Nothing : Markup.Of($" Of the other {_sums.WithoutDigest} nobody can say.");
        var note = _sums.Ended == 0 ? Markup.Nothing
            : Markup.Of($"Of {PageWords.Count(_sums.Ended, "grant")} that ended, the server counted what ran for {known}.{others}");
        return Section("Ended unused", "unused", note, tables.Unused.Draw(
            known == 0 ? "Nothing can be said." : "Every grant that the server counted for ran something."));
    }

    private Markup Scopes()
    {
        var unused = tables.UnusedPrivileges.Rows.Count == 0 ? Markup.Nothing
            : Markup.Of($"{PageFrame.Heading(3, "Nobody used")}{tables.UnusedPrivileges.Draw("")}");
        return Section("Privileges nobody used", "scopes", Markup.Of(
            $"""
            Tables and views of a scope’s plans that no statement of its roles mentions, and ways of changing others that none shows.
            Said only of scopes of which every grant that ended has its plan and all its statements on record.
            """), Markup.Of($"{tables.Scopes.Draw("No grant ended in the period.")}{unused}"));
    }

    private Markup Proposals() => ScopeProposal.For(_sums.Scopes) is not { } yaml ? Markup.Nothing : Markup.Of(
        $"""
        {PageFrame.Heading(3, "What they could shrink to")}<p>For the policy file, to be read before it is taken: what is not below was
        used by nobody in this period, which is not to say that nobody will. A statement can need a table that it does not name, through
        a view, a function or a foreign key. What is made later is not covered.</p>
        <pre>{yaml.TrimEnd('\n')}</pre>

        """);

    private Markup Refusals() => Section("Refusals", "refusals",
        Markup.Of($"Commands and presses that DbAccess declined, by code and person. What approvers said no to is not among them."),
        tables.Refusals.Draw("Nothing was refused."));

    private Markup Limits()
    {
        List<Markup> limits =
        [
            Markup.Of($"All days begin at 00:00 UTC. A request counts when it was asked, a grant when its holder had the credentials."),
            Markup.Of($"What a role ran is what its server counted: without values, without what ran inside functions or as another " +
                $"role, and the twenty most frequent statements at most."),
            Markup.Of($"The same values are in {tables.All.Count()} files beside this page, <code>counts.csv</code> and others; " +
                $"lengths are in seconds."),
            Markup.Of($"This page is no proof. The log is: <code>dbaccess audit verify</code>."),
        ];
        if (_sums.Unknown > 0)
            limits.Insert(1, Markup.Of($"{PageWords.Count(_sums.Unknown, "step")} of grants that began before the events read here: " +
                $"whose they are is not known, and they are in no table."));
        return Section("How this was counted", "limits", default, List(limits));
    }
}
