using DbAccess.Domain.Grants;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>What an auditor asks first, answered in a sentence and a few facts.</summary>
internal sealed class PackAnswer(ToldGrant grant, IReadOnlyDictionary<string, string> names)
{
    public string Title => $"{grant.Id}: {Holder}, {grant.Scope ?? "?"} on {grant.Database ?? "?"}";

    private string Holder => grant.Holder is { } holder ? Who(holder) : "somebody";

    public Markup Draw() => Markup.Of($"<p class=\"answer\">{Sentence()}</p>\n{PageFrame.Facts(Facts())}");

    /// <summary>For the list of a pack with many grants: how long it was held, or why not.</summary>
    public Markup Short() => grant switch
    {
        { LiveFrom: { } from, LiveUntil: { } until } => Markup.Of(
            $"{PageWords.Time(from)} to {PageWords.TimeAfter(from, until)}, {PageWords.Length(until - from)}"),
        { LiveFrom: { } from } => Markup.Of($"since {PageWords.Time(from)}, still live"),
        _ => Markup.Of($"never held: {Never()}"),
    };

    public Markup Reason() => Said(grant.Reason) ?? Markup.Nothing;

    /// <summary>What somebody wrote, in quotes; said so where it was withheld; null where nothing was written.</summary>
    public static Markup? Said(SealedText? text) => text switch
    {
        null or { Value: "" } => null,
        { Value: { } words } => Markup.Of($"<q>{words}</q>"),
        _ => Withheld,
    };

    public static Markup Withheld => Markup.Of($"<span class=\"withheld\">left out of this export</span>");

    private Markup Sentence()
    {
        var what = Markup.Of($"<b>{grant.Scope ?? "?"}</b> on <b>{grant.Database ?? "?"}</b>");
        var only = grant.Only.Count == 0 ? Markup.Nothing : Markup.Of($" (only {PageWords.Listed(grant.Only)})");
        return grant switch
        {
            { LiveFrom: { } from, LiveUntil: { } until } => Markup.Of(
                $"<b>{Holder}</b> had {what}{only} from {PageWords.Time(from)} to {PageWords.TimeAfter(from, until)} UTC, for {
                    PageWords.Length(until - from)}."),
            { LiveFrom: { } from, Expiry: { } expiry } => Markup.Of(
                $"<b>{Holder}</b> has {what}{only} since {PageWords.Time(from)} UTC, until {PageWords.TimeAfter(from, expiry)} " +
                $"at the latest. It was not over when this record was made."),
            { LiveFrom: { } from } => Markup.Of($"<b>{Holder}</b> has {what}{only} since {PageWords.Time(from)} UTC."),
            { End: not null } => Markup.Of($"<b>{Holder}</b> asked for {what}{only} and never had it: {Never()}."),
            _ => Markup.Of($"<b>{Holder}</b> asked for {what}{only}. It was not decided or given yet when this record was made."),
        };
    }

    private string Never() => grant.Status switch
    {
        nameof(GrantStatus.Denied) => $"{By(grant.End)} said no",
        nameof(GrantStatus.Cancelled) when grant.End?.Type is "grant.withdrawn" => "what it rested on was gone",
        nameof(GrantStatus.Cancelled) when grant.End?.Type is "grant.not_revealed" => "nobody had the password shown",
        nameof(GrantStatus.Cancelled) => "it was cancelled",
        nameof(GrantStatus.Lapsed) => "nobody decided in time",
        nameof(GrantStatus.Failed) => "the role could not be made",
        _ => "not decided or given yet",
    };

    private IEnumerable<(string, Markup)> Facts()
    {
        yield return ("Why", Why());
        yield return ("Allowed by", Allowed());
        if (grant.Last("grant.denied") is { } denied && Said(denied.Sealed("note")) is { } why) yield return ("Denied because", why);
        if (grant.PlanSummary is { } summary) yield return (grant.LiveFrom is null ? "Would give" : "Could use", Markup.Of($"{summary}"));
        if (grant.LiveFrom is not null) yield return ("Ended", Ended());
        if (grant.LiveFrom is not null || grant.Receipt is not null) yield return ("Proved gone", Proved());
        if (grant.BreakGlass && grant.LiveFrom is not null) yield return ("Review", Review());
        yield return ("Record", Record());
    }

    private Markup Why()
    {
        if (Said(grant.Reason) is not { } reason) return Markup.Of($"<span class=\"soft\">no reason on record</span>");
        var ticket = grant.Ticket is { Length: > 0 } known && grant.Reason?.Value?.Contains(known, StringComparison.Ordinal) is not true
            ? Markup.Of($" <span class=\"soft\">({known})</span>") : Markup.Nothing;
        return Markup.Of($"{reason}{ticket}");
    }

    private Markup Allowed()
    {
        if (grant.Rule is not { } rule) return Markup.Nothing;
        var policy = grant.PolicyHash is { } hash
            ? Markup.Of($" <span class=\"soft\">(policy <code>{PageWords.Short(hash)}</code>)</span>") : Markup.Nothing;
        if (grant.Approved is not { } approved)
            return Markup.Of($"{(grant.LiveFrom is null ? "nobody, under " : "")}rule <b>{rule}</b>{policy}");
        if (grant.BreakGlass) return Markup.Of($"rule <b>{rule}</b>{policy}, as an emergency: nobody was asked before");

        var agreed = approved.Texts("agreed");
        if (agreed.Count == 0 && EventWords.IsPerson(approved.Actor)) agreed = [approved.Actor];
        return agreed.Count == 0
            ? Markup.Of($"rule <b>{rule}</b>{policy}, which asks nobody")
            : Markup.Of($"rule <b>{rule}</b>{policy} and {PageWords.Listed([.. agreed.Select(Who)])}, {
                PageWords.Length(approved.At - (grant.AskedAt ?? approved.At))} after it was asked for");
    }

    private Markup Ended()
    {
        if (grant.Revoking is not { } revoking) return Markup.Of($"not yet");
        var how = revoking.Text("reason") switch
        {
            nameof(EndReason.Expired) => "when its time was over",
            nameof(EndReason.Returned) => $"given back by {By(revoking)}",
            nameof(EndReason.Revoked) => $"revoked by {By(revoking)}",
            nameof(EndReason.Superseded) => "since what it rested on was gone",
            _ => $"by {By(revoking)}",
        };
        var note = Said(revoking.Sealed("note")) is { } said ? Markup.Of($": {said}") : Markup.Nothing;
        var overrun = grant.Receipt?.Count("overrun_ms") switch
        {
            null => Markup.Nothing,
            0 when revoking.Text("reason") is not nameof(EndReason.Expired) => Markup.Nothing,
            0 => Markup.Of($", and no session outlived it"),
            { } ms => Markup.Of($"; the last session was gone {PageWords.Length(TimeSpan.FromMilliseconds(ms))} after its time was over"),
        };
        return Markup.Of($"{how}{note}{overrun}");
    }

    private Markup Proved() => (grant.ProvedAt, grant.End) switch
    {
        ({ } at, _) => Markup.Of($"{PageWords.Time(at)} UTC: no role, no session, nothing owned, no privilege was left on the server"),
        (null, null) when grant.Receipt is not null => Markup.Of($"not yet: it is locked out, and tried again until nothing is left"),
        (null, null) => Markup.Of($"not yet: it was not over when this record was made"),
        _ => Markup.Of($"<b>no proof on record</b>"),
    };

    private Markup Review()
    {
        if (grant.Own.LastOrDefault(one => one.Type is "grant.reviewed" or "grant.review_bad") is not { } review)
            return Markup.Of($"<b>nobody has reviewed it</b>");
        var note = Said(review.Sealed("note")) is { } said ? Markup.Of($": {said}") : Markup.Nothing;
        return Markup.Of($"{(review.Type is "grant.reviewed" ? "all right" : "not all right")}, says {By(review)}, {
            PageWords.Time(review.At)}{note}");
    }

    private Markup Record()
    {
        if (grant.Own.Count == 0) return Markup.Of($"<b>none of the grant’s own events is in this pack</b>");
        if (grant.Missing is { Count: > 0 } missing)
            return Markup.Of($"<b>incomplete</b>: its event {PageWords.Listed([.. missing.Select(number => $"{number}")])} is missing");
        var last = grant.Own.Max(one => one.Number!.Value);
        return grant.End is null
            ? Markup.Of($"its events 1 to {last}, none missing; it was not over yet")
            : Markup.Of($"its events 1 to {last} with the end, none missing");
    }

    private string By(LoggedEvent? one) => one is null ? "somebody" : Who(one.Actor);

    private string Who(string actor) => EventWords.Who(actor, names);
}
