using System.Globalization;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>Everything that the page tells of one grant.</summary>
/// <param name="level">Of the headings inside.</param>
internal sealed class PackGrantSection(ToldGrant grant, IReadOnlyDictionary<string, string> names, int level)
{
    public IEnumerable<Markup> Draw()
    {
        yield return new PackAnswer(grant, names).Draw();
        yield return Headed("Timeline", PackTimeline.Draw(grant));
        yield return Headed("What happened", Events());
        yield return Headed("People", People());
        yield return Headed(grant.LiveFrom is null ? "What it would have given" : "What it could do", Plan());
        yield return Headed("What DbAccess ran on the database", Statements());
        yield return Headed("What the role ran", Digest());
        yield return Headed("How it ended", PackReceipt.Draw(grant));
    }

    private Markup Headed(string title, Markup said) => said.IsEmpty ? said : Markup.Of($"{PageFrame.Heading(level, title)}{said}");

    private Markup Events()
    {
        DateTimeOffset? before = null;
        var rows = grant.Packed.Select(packed =>
        {
            var one = packed.Event;
            var time = PageWords.Next(ref before, one.At);
            var outcome = EventWords.Outcome(one.Outcome);
            var note = one.Type is "grant.revoking" or "grant.denied" or "grant.reviewed" or "grant.review_bad" or "grant.agreed"
                or "grant.approved" or "grant.abandoned" or "grant.step_failed"
                ? PackAnswer.Said(one.Sealed("note")) : null;
            var carried = one.Carried ? " (recorded before the log began)" : "";
            var said = Markup.Of($"{EventWords.Type(one)}{(outcome.Length == 0 ? "" : ", ")}{outcome}{carried}{
                (note is { } words ? Markup.Of($" <span class=\"soft\">{words}</span>") : Markup.Nothing)}");
            return (IReadOnlyList<Markup>)
            [
                time, said, Markup.Of($"{Who(one.Actor)}"), Markup.Of($"{EventWords.Way(one.Way)}"),
                Markup.Of($"{(one.Number is { } number ? number.ToString(CultureInfo.InvariantCulture) : "–")}"), Markup.Of($"{one.Place}"),
            ];
        });
        var table = PageFrame.Table(
            [new("UTC", "time"), new("what", "plain"), new("who", "who run"), new("way in", "time run"), new("event", "num run"),
                new("leaf", "num run")], rows);
        return !grant.Events.Any(one => one.Number is null) ? table
            : Markup.Of($"{table}<p class=\"note\">Without an event number: attempts that name the grant. Each is proved; " +
                $"that there were no others is not.</p>\n");
    }

    private Markup People()
    {
        List<IReadOnlyList<Markup>> rows = [];
        if (grant.Holder is { } holder) Add(grant.AskedBy is null ? "asked, and held it" : "held it", holder, grant.AskedAt);
        if (grant.AskedBy is { } asker) Add("asked for it", asker, grant.AskedAt);
        var yes = 0;
        foreach (var one in grant.Own)
        {
            switch (one.Type)
            {
                case "grant.asked_again": yes = 0; break;
                case "grant.agreed" or "grant.approved" when EventWords.IsPerson(one.Actor):
                    Add(Stage(yes++) is { } stage ? $"agreed, stage {stage}" : "agreed", one.Actor, one.At);
                    break;
                case "grant.denied": Add("said no", one.Actor, one.At); break;
                case "grant.offered": Add("offered less", one.Actor, one.At); break;
                case "grant.extended" when EventWords.IsPerson(one.Actor): Add("extended it", one.Actor, one.At); break;
                case "grant.revoking" when EventWords.IsPerson(one.Actor) || one.Actor.StartsWith("operator:", StringComparison.Ordinal):
                    Add("ended it", one.Actor, one.At);
                    break;
                case "grant.reviewed" or "grant.review_bad": Add("reviewed it", one.Actor, one.At); break;
            }
        }

        return rows.Count == 0 ? Markup.Nothing
            : PageFrame.Table([new("who"), new("part"), new("id"), new("UTC", "time")], rows);

        void Add(string part, string actor, DateTimeOffset? at) => rows.Add(
        [
            Markup.Of($"{Who(actor)}"), Markup.Of($"{part}"), Markup.Of($"<code>{actor}</code>"),
            at is { } when ? PageWords.Time(when) : Markup.Nothing,
        ]);
    }

    /// <summary><c>2 (1 of security)</c> for a yes that so many came before: stages are filled in their order.</summary>
    private string? Stage(int before)
    {
        var filled = 0;
        for (var i = 0; i < grant.Stages.Count; i++)
        {
            filled += PackStages.Wanted(grant.Stages[i]);
            if (before < filled) return $"{i + 1} ({grant.Stages[i]})";
        }

        return null;
    }

    private Markup Plan()
    {
        if (grant.Plan is not { PlanHash: { } hash }) return Markup.Nothing;
        var facts = PageFrame.Facts(
            ("In short", Markup.Of($"{grant.PlanSummary}")), ("Hash of the plan", Markup.Of($"<code>{hash}</code>")),
            ("Role", grant.Role is { } role ? Markup.Of($"<code>{role}</code>") : Markup.Nothing),
            ("Cluster", Markup.Of($"{grant.Cluster}")),
            ("Databases", grant.Databases.Count == 0 ? Markup.Nothing : Markup.Of($"{PageWords.Listed(grant.Databases)}")));
        if (grant.Gives is not { } gives)
            return Markup.Of($"{facts}<p class=\"note\">The single privileges are not on record: " +
                $"they are kept where people were asked and the list is short. The hash tells one plan from another.</p>\n");

        var given = gives.Select(entry => (Entry: entry, Given: Given.Parse(entry))).ToList();
        var rows = given.Select(one => one.Given).OfType<Given>()
            .GroupBy(one => (one.Database, one.Kind, one.Name)).Select(thing => (IReadOnlyList<Markup>)
            [
                Markup.Of($"{thing.Key.Kind} <code>{thing.Key.Name}</code>"), Markup.Of($"{Given.Privileges(thing)}"),
                Markup.Of($"{thing.Key.Database}"),
            ]);
        var rest = given.Where(one => one.Given is null).Select(one => Markup.Of($"<li>{one.Entry}</li>\n")).ToList();
        return Markup.Of($"{facts}{PageFrame.Table([new("on"), new("privileges"), new("database")], rows)}{
            (rest.Count == 0 ? Markup.Nothing : Markup.Of($"<p>And besides:</p>\n<ul>\n{Markup.All(rest)}</ul>\n"))}");
    }

    private Markup Statements()
    {
        if (grant.Statements is not { } run) return Markup.Nothing;
        return run.Sealed("sql") switch
        {
            { Value: { } sql } => Markup.Of($"<p class=\"note\">In this order; passwords are never on record.</p>\n<pre>{sql}</pre>\n"),
            { } => Markup.Of($"<p>{PageWords.Count(run.Count("statements") ?? 0, "statement")}: {PackAnswer.Withheld}. " +
                $"The record holds their hash.</p>\n"),
            null => Markup.Nothing,
        };
    }

    private Markup Digest()
    {
        if (grant.Receipt is not { } receipt || grant.LiveFrom is null) return Markup.Nothing;
        if (receipt.Count("run_statements") is not { } statements)
            return Markup.Of($"<p>Not known: the server does not count statements, or DbAccess may not read its count.</p>\n");
        if (statements == 0) return Markup.Of($"<p>Nothing: the server counted no statement of this role.</p>\n");

        var total = Markup.Of($"<p>{PageWords.Count(receipt.Count("run_calls") ?? 0, "statement")} run, {
            PageWords.Count(statements, "different one")}, {PageWords.Count(receipt.Count("run_rows") ?? 0, "row")} returned or changed, " +
            $"as the server counted. Values are not on record.</p>\n");
        if (receipt.Sealed("run") is not { Value: { } lines })
            return Markup.Of($"{total}<p>The statements: {PackAnswer.Withheld}.</p>\n");

        var shown = DigestLine.Read(lines);
        var rows = shown.Select(line => (IReadOnlyList<Markup>)
            [Markup.Of($"<code>{line.Statement}</code>"), Markup.Of($"{line.Calls}"), Markup.Of($"{line.Rows}")]);
        var more = statements > shown.Count
            ? Markup.Of($"<p class=\"note\">The most frequent {shown.Count} of {statements} are on record.</p>\n") : Markup.Nothing;
        var table = PageFrame.Table([new("statement", "plain"), new("times", "num"), new("rows", "num")], rows, "wide");
        return Markup.Of($"{total}{table}{more}");
    }

    private string Who(string actor) => EventWords.Who(actor, names);
}
