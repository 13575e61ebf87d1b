using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Desk;

/// <summary>The whole story of one grant, as it is on record. Pure.</summary>
internal static class StoryReply
{
    // A message holds 50 parts.
    private const int First = 8;
    private const int Last = 20;
    private const int LongestNote = 300;

    public static ChatMessage Of(GrantStory story)
    {
        var grant = story.Grant;
        var what = $"{grant.Id}: {GrantWords.ScopeOf(grant.Scope)} on {grant.Target.Name} for {Durations.Write(grant.Duration)}, " +
            $"{Replies.Untick(grant.Handle)}";
        List<ChatPart> parts =
            [new ChatPart.Header(what), new ChatPart.Text($"Why: {Plain(grant.Reason, 600)}"), new ChatPart.Text(State(story))];
        if (grant.Window is { } window)
            parts.Add(new ChatPart.When(grant.EndedAt is null ? "Its time ends" : "Its time was to end", window.Expiry));
        else if (grant.StartsAt is { } start) parts.Add(new ChatPart.When("It begins", start));
        if (Gave(grant) is { } gave) parts.Add(new ChatPart.Text(gave));
        parts.Add(new ChatPart.Divider());
        parts.AddRange(Events(story));
        if (grant.Receipt is { } receipt) parts.Add(new ChatPart.Text(Receipt(receipt)));
        var plan = Plan(grant) is { } hash ? $", plan {Short(hash)}" : "";
        parts.Add(new ChatPart.Note($"Rule {grant.Rule}, policy {Short(grant.PolicyHash)}{plan}. " +
            $"With proof, where DbAccess runs: `dbaccess audit export --to DIR --grant {grant.Id}`" +
            (story.ExportedTo is { } place
                ? $". Each day of the whole log, when it is over, for whoever may read there: `{Replies.Untick(place)}`" : "")));
        return new ChatMessage($"The story of {what}.", parts);
    }

    private static string State(GrantStory story)
    {
        var grant = story.Grant;
        var by = grant.AskedBy is { } asker ? $" Asked for by {Plain(Called(story, asker))}." : "";
        var glass = grant.BreakGlass ? " Taken by break-glass." : "";
        var trouble = grant.Step.Trouble is { } why ? $" What kept it: {Plain(why, LongestNote)}" : "";
        return $"It {Word(grant)}.{by}{glass}{trouble}";
    }

    private static string Word(GrantSnapshot grant) => grant.Status switch
    {
        GrantStatus.Pending => "waits for approval",
        GrantStatus.Approved => "is approved, and is to be made",
        GrantStatus.Provisioning => "is being made",
        GrantStatus.Active => "is live",
        GrantStatus.Revoking => "is being taken away",
        GrantStatus.Quarantined => "is closed; its role waits to be removed",
        GrantStatus.Ended => "has ended",
        _ => $"is over: {GrantWords.Outcome(grant).TrimEnd('.')}",
    };

    private static string? Gave(GrantSnapshot grant) => (grant.Plan?.Summary ?? grant.Asking?.Plan?.Summary) is { } plan
        ? $"{(grant.Plan is null ? "It would give" : "It gave")}: {Plain(plan, 600)}" : null;

    private static string? Plan(GrantSnapshot grant) => grant.Plan?.Hash ?? grant.Asking?.Plan?.Hash;

    private static IEnumerable<ChatPart> Events(GrantStory story)
    {
        // What was run on the databases is for auditors.
        var events = story.Events.Where(one => one.Type != GrantEvent.Statements).ToList();
        for (var at = 0; at < events.Count; at++)
        {
            if (events.Count > First + Last && at == First)
            {
                at = events.Count - Last;
                yield return new ChatPart.Note($"{at - First} more are left out here.");
            }

            var one = events[at];
            var note = one.Note is { Length: > 0 } said ? $": {Plain(said, LongestNote).TrimEnd('.')}" : "";
            yield return new ChatPart.When($"{one.Sequence}. {one.Type} · {Plain(By(story, one.By))}{note} ·", one.At);
        }
    }

    private static string Receipt(RemovalReceipt receipt)
    {
        var proved = receipt.ProvedAt is null ? "that the role is gone is not proved yet" : "the role is gone, and that was checked";
        var ran = receipt.Activity is { } activity ? $" It ran {activity.Statements} statements, {activity.Rows} rows." : "";
        return $"At its end {receipt.SessionsEnded} session{(receipt.SessionsEnded == 1 ? " was" : "s were")} cut; {proved}.{ran}";
    }

    private static string By(GrantStory story, Actor by) => by switch
    {
        Actor.Person { Id: var person } => Called(story, person),
        Actor.Rule { Name: var rule } => $"rule {rule}",
        Actor.Operator { Account: var account } => $"{account}, where DbAccess runs",
        _ => "DbAccess",
    };

    private static string Called(GrantStory story, PrincipalId person) => story.Called.GetValueOrDefault(person) ?? person.User;

    private static string Short(string hash) => hash.Length > 12 ? hash[..12] : hash;

    private static string Plain(string words, int longest = 130) => Replies.Untick(Show.Text(words, longest));
}
