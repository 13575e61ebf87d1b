using System.Globalization;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>
/// The page of a pack, <c>index.html</c>: for somebody who was not there. It shows what the events say and how to check them; it proves
/// nothing by itself. Pure.
/// </summary>
public static class PackPage
{
    /// <summary>More are listed and not told in full: nobody reads on, and the events are beside the page.</summary>
    private const int MostTold = 200;

    private const int MostListed = 5_000;

    public static void Write(TextWriter page, PackStory story)
    {
        var grants = story.Events.Where(one => one.Event.Grant is not null)
            .GroupBy(one => one.Event.Grant!, StringComparer.Ordinal)
            .Select(group => new ToldGrant(group.Key, [.. group])).ToList();
        var names = EventWords.Names(story.Events.Select(one => one.Event), story.Called);
        foreach (var part in Draw(story, grants, names)) page.Write(part.ToString());
    }

    private static IEnumerable<Markup> Draw(PackStory story, List<ToldGrant> grants, Dictionary<string, string> names)
    {
        var answers = grants.Select(grant => new PackAnswer(grant, names)).ToList();
        var title = grants.Count == 1 ? answers[0].Title : $"Evidence of {PageWords.Count(grants.Count, "grant")}";
        yield return PageFrame.Begin($"{title} · {story.Checkpoint.Origin}");
        yield return Markup.Of($"<p class=\"over\">Evidence of access · {story.Checkpoint.Origin} · signed {
            PageWords.Time(story.Checkpoint.At)} UTC</p>\n{PageFrame.Heading(1, title)}");
        yield return Markup.Of($"<p class=\"note\">All times are UTC. How to check this page: <a href=\"#proof\">at its end</a>.</p>\n");
        if (grants.Count != 1)
        {
            yield return List(grants, answers, names);
            if (grants.Count > MostTold)
                yield return Markup.Of(
                    $"<p>The first {MostTold} are told below; the events of all are in <code>events.jsonl</code>.</p>\n");
        }

        for (var i = 0; i < Math.Min(grants.Count, MostTold); i++)
        {
            if (grants.Count > 1)
                yield return Markup.Of($"<h2 class=\"grant\" id=\"grant-{grants[i].Id}\">{answers[i].Title}</h2>\n");
            foreach (var part in new PackGrantSection(grants[i], names, grants.Count > 1 ? 3 : 2).Draw()) yield return part;
        }

        yield return PackProof.Draw(story, grants);
        yield return PageFrame.End;
    }

    private static Markup List(List<ToldGrant> grants, List<PackAnswer> answers, Dictionary<string, string> names)
    {
        if (grants.Count == 0) return Markup.Of($"<p class=\"answer\">No event of any grant is in this pack.</p>\n");
        var rows = grants.Take(MostListed).Select((grant, i) => (IReadOnlyList<Markup>)
        [
            i < MostTold ? Markup.Of($"<a href=\"#grant-{grant.Id}\">{grant.Id}</a>") : Markup.Of($"{grant.Id}"),
            Markup.Of($"{(grant.Holder is { } holder ? EventWords.Who(holder, names) : "")}"),
            Markup.Of($"{grant.Scope} on {grant.Database}"), answers[i].Short(), answers[i].Reason(),
        ]);
        var more = grants.Count > MostListed ? Markup.Of($"<p>And {grants.Count - MostListed} more.</p>\n") : Markup.Nothing;
        return Markup.Of($"{PageFrame.Table([new("grant", "word"), new("who", "who"), new("what"), new("held"), new("why")], rows)}{more}");
    }
}

/// <summary>What the page rests on, how to check that, and what it does not show.</summary>
internal static class PackProof
{
    public static Markup Draw(PackStory story, IReadOnlyList<ToldGrant> grants)
    {
        var checkpoint = story.Checkpoint;
        var whole = grants.Count(grant => grant.End is not null && grant.Missing.Count == 0);
        var longest = story.Events.Count == 0 ? 0 : story.Events.Max(one => one.Proof.Count);
        var withheld = story.Events.Count(one => Names(one.Event).Any());
        return Markup.Of(
            $"""
            {PageFrame.Heading(2, "Proof, and how to check it", "proof")}<p>Every event above is one numbered leaf of a log that only grows.
            With this pack comes for each the chain of hashes that leads from it to the root that DbAccess signed.</p>
            {PageFrame.Facts(
                ("Log", Markup.Of($"<code>{checkpoint.Origin}</code>")),
                ("Signed", Markup.Of($"{PageWords.Time(checkpoint.At)} UTC, when the log had {PageWords.Count(checkpoint.Size, "event")}")),
                ("Root", Markup.Of($"<code>{checkpoint.Root}</code>")),
                ("In this pack", Markup.Of($"{PageWords.Count(story.Events.Count, "event")}, leaves {Leaves(story.Events)}; {
                    PageWords.Count(longest, "hash", "hashes")} at most in a proof")),
                ("Grants", Markup.Of($"{whole} of {PageWords.Count(grants.Count, "grant")} from the first event to the end")),
                ("Left out", withheld == 0 ? Markup.Nothing
                    : Markup.Of($"words of {PageWords.Count(withheld, "event")}; the log holds their salted hash, and the proof " +
                        $"stands without them")))
            }<p>Get the public key from somebody who does not work on this system, or from a copy that you kept, and not from
            this pack. Then, with DIR for the folder of this page:</p>
            <ol>
            <li>The key, on a machine of your choice:<pre>dbaccess audit key &gt; key.pem</pre></li>
            <li>With DbAccess:<pre>dbaccess audit verify --from DIR --key key.pem</pre></li>
            <li>Or without anything of it, with Python and OpenSSL:<pre>python3 verify_audit.py DIR --key key.pem</pre></li>
            </ol>
            <p>Each says in its first line that all is well, or which event is not and why. A checkpoint that you kept from Slack
            shows besides that the log was not exchanged for another one.</p>
            <div class="together">
            <p class="note">The checkpoint as it was signed:</p>
            <pre>{checkpoint.Note.TrimEnd('\n')}</pre>
            </div>
            {PageFrame.Heading(2, "What this cannot prove")}<ul>
            <li>That the database did what its server told DbAccess. The record is what DbAccess did and was told.</li>
            <li>Anything between an event and the next checkpoint, a minute at most: until then it rests on the store alone.</li>
            <li>That the key was used honestly. Whoever holds it can sign a second log; the checkpoints that
              are posted to Slack each day show that up.</li>
            <li>Who sat behind an account of Slack. People are who Slack says they are.</li>
            <li>The values in statements that a role ran, what ran inside functions, and what
              sessions did as another role. The server counts without them.</li>
            <li>That there were no other attempts. Only a grant’s own events are numbered without a hole.</li>
            <li>This page. It was drawn from <code>events.jsonl</code>, which is what the commands above check.</li>
            </ul>

            """);
    }

    private static IEnumerable<string> Names(LoggedEvent one) =>
        ((string[])["reason", "note", "sql", "run"]).Where(name => one.Sealed(name) is { Value: null });

    /// <summary><c>12 to 15, 20 and 22</c>; a long list is cut.</summary>
    private static string Leaves(IReadOnlyList<PackedEvent> events)
    {
        const int Most = 12;
        List<(long From, long To)> runs = [];
        foreach (var place in events.Select(one => one.Event.Place).Order())
        {
            if (runs.Count > 0 && place <= runs[^1].To + 1) runs[^1] = (runs[^1].From, place);
            else runs.Add((place, place));
        }

        var said = runs.Take(Most).Select(run => run.From == run.To
            ? string.Create(CultureInfo.InvariantCulture, $"{run.From:N0}")
            : string.Create(CultureInfo.InvariantCulture, $"{run.From:N0} to {run.To:N0}")).ToList();
        if (runs.Count > Most) said.Add(string.Create(CultureInfo.InvariantCulture, $"{runs.Count - Most:N0} stretches more"));
        return PageWords.Listed(said);
    }
}
