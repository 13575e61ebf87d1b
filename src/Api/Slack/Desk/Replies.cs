using DbAccess.Api.Slack.Payloads;
using DbAccess.Api.Slack.Words;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Slack.Desk;

/// <summary>Outcomes in plain words. Pure.</summary>
internal static class Replies
{
    private const int MostBlockers = 10;

    // What is refused with one of these may be given when something else is asked for.
    private static readonly string[] Changeable = ["policy.", "scope.", "request."];

    /// <param name="remark">What whoever asks should know of how it was read; null mostly.</param>
    /// <param name="user">Whoever is to have it, when somebody else asks.</param>
    public static ChatMessage Filed(GrantFiled filed, AccessWish wish, string? remark = null, string? user = null)
    {
        if (filed.Already) return Already(filed, wish, user);

        var message = filed.Waits is not null ? Waiting(filed, wish) : Allowed(filed, wish);
        return remark is null ? message : message with { Parts = [.. message.Parts, new ChatPart.Note(remark)] };
    }

    private static ChatMessage Allowed(GrantFiled filed, AccessWish wish)
    {
        var what = $"{What(filed, wish)} is allowed";
        // Where passwords are shown in a window, the message brings the button for it: these words are true of both.
        var whose = filed.For is { } holder ? $"{Untick(holder)} is told how to log in" : "How to log in comes";
        var soon = filed.StartsAt is null ? $"{whose} by direct message in a moment." : $"{whose} by direct message when it begins.";
        var parts = new List<ChatPart> { new ChatPart.Text($"`{filed.Id}`: {what}. {soon}") };
        if (filed.StartsAt is { } start) parts.Add(new ChatPart.When("It begins", start));
        if (Risk(filed.HighRisk, filed.ActsAs) is { Length: > 0 } risk) parts.Add(new ChatPart.Text(risk));
        if (filed.Review is { } review) parts.Add(new ChatPart.Text($"Taken by break-glass: a review by {review} is owed for it."));
        parts.Add(new ChatPart.Note(filed.For is null
            ? $"Rule {filed.Rule}. Give it back early with /db-access done {filed.Id}." : $"Rule {filed.Rule}."));
        return new ChatMessage($"{filed.Id}: {what}. {soon}", parts);
    }

    private static ChatMessage Waiting(GrantFiled filed, AccessWish wish)
    {
        var what = What(filed, wish);
        var parts = new List<ChatPart>
        {
            new ChatPart.Text($"`{filed.Id}`: {what} waits for {filed.Waits}."),
            new ChatPart.When($"Rule {filed.Rule}. It lapses", filed.LapsesAt!.Value),
            new ChatPart.Buttons([new ChatButton(GrantActions.Cancel, "Cancel", filed.Id.ToString())]),
        };
        if (filed.StartsAt is { } start) parts.Insert(1, new ChatPart.When("It begins", start));
        return new ChatMessage($"{filed.Id}: {what} waits for {filed.Waits}.", parts);
    }

    private static string What(GrantFiled filed, AccessWish wish) =>
        $"{filed.Scope}{(filed.Only is { } only ? $", only {only}," : "")} on {filed.Database} for {Durations.Write(filed.Duration)}" +
        (wish.Duration is null ? " (the rule's usual length)" : "") + (filed.For is { } holder ? $" for {Untick(holder)}" : "");

    /// <summary>Nothing was filed: what there is, what can be done with it, and one more for whoever wants that.</summary>
    private static ChatMessage Already(GrantFiled filed, AccessWish wish, string? user)
    {
        var (have, theirs) = user is null ? ("You have", "its") : ("They have", "their");
        var what = $"{have} this already: `{filed.Id}`, {filed.Scope}{(filed.Only is { } only ? $", only {only}," : "")} on " +
            $"{filed.Database}";
        ChatPart first = filed.Expiry is { } end
            ? new ChatPart.When($"{what}, until", end)
                : new ChatPart.Text($"{what}. It is being made; how to log in comes by direct message.");
        var second = Buttons.Ask("A second one", DraftOf(wish) with { Another = true, For = user });
        return new ChatMessage($"{have} {filed.Scope} on {filed.Database} already ({filed.Id}). Nothing new was filed.",
        [
            first, new ChatPart.Note($"The credentials are in {theirs} direct message. Nothing new was filed."),
            new ChatPart.Buttons(user is null ? [GrantActions.ReturnButton(filed.Id), second] : [second]),
        ]);
    }

    /// <summary>
    /// A request that was refused, with what to press next: where it is clear what was meant, a button that asks for that, and else the
    /// form with what was typed.
    /// </summary>
    /// <param name="user">Whoever was to have it, when somebody else asked.</param>
    public static ChatMessage NotFiled(Error refusal, AccessWish wish, string? user = null)
    {
        var draft = DraftOf(wish) with { For = user };
        ChatButton? next = refusal switch
        {
            { Meant: { } length, Code: "policy.too_long" or "policy.too_short" } =>
                Buttons.Ask($"Ask for {length}", draft with { Duration = length }),
            { Meant: { } only } => Buttons.Ask("Yes, ask for that", draft with { Only = only }),
            _ when Changeable.Any(kind => refusal.Code.StartsWith(kind, StringComparison.Ordinal)) => Buttons.Form(draft),
            _ => null,
        };
        // What is refused to somebody else is not about who asked.
        List<ChatPart> parts = user is null ? [] : [new ChatPart.Mention("Asked on behalf of", [user])];
        parts.Add(new ChatPart.Text(refusal.Message));
        if (next is not null) parts.Add(new ChatPart.Buttons([next]));
        return new ChatMessage(refusal.Message, parts);
    }

    public static Draft DraftOf(AccessWish wish) => new(
        wish.Database.Value, wish.Scope.Value, wish.Duration is { } duration ? Durations.Write(duration) : null,
        wish.Reason.Length == 0 ? null : wish.Reason, wish.Only.Count == 0 ? null : string.Join(", ", wish.Only))
    {
        Another = wish.Another ? true : null, BreakGlass = wish.BreakGlass ? true : null, StartsAt = wish.StartsAt,
    };

    public static ChatMessage Refused(Error refusal) => ChatMessage.Plain(refusal.Message);

    public static ChatMessage Returned(GrantsEnding returned) => ChatMessage.Plain(
        $"{string.Join(", ", returned.Ids)}: access ends now. You are told as soon as the role is gone.");

    /// <param name="target">Whose access, as a button carries it.</param>
    public static ChatMessage ConfirmRevoking(string target)
    {
        const string Words = "This ends more than one grant, so it is confirmed in a form. Nothing was ended yet.";
        return new ChatMessage(Words, [
            new ChatPart.Text(Words), new ChatPart.Buttons([new ChatButton(RevokeForm.Kind, "Open the form", target, Danger: true)])]);
    }

    public static ChatMessage Revoked(GrantsEnding revoked) => ChatMessage.Plain(
        $"{string.Join(", ", revoked.Ids)}: access ends now. {(revoked.Ids.Count == 1 ? "Its holder is" : "Their holders are")} told " +
            "that it was you and why; your reason is on the audit " +
            "record.");

    public static ChatMessage Misread(Intent.Misread misread)
    {
        List<ChatButton> buttons =
            [.. misread.Choices.Select(choice => Buttons.Ask(choice.Label, choice.Draft) with { Label = choice.Label })];
        if (misread.Suggestion is { } draft) buttons.Add(Buttons.Ask("Yes, ask for that", draft));
        return buttons.Count == 0 ? ChatMessage.Plain(misread.Why)
            : new ChatMessage(misread.Why, [new ChatPart.Text(misread.Why), new ChatPart.Buttons(buttons)]);
    }

    /// <summary>A message has nothing to open a form with, so it is answered with a button that does.</summary>
    public static ChatMessage AskForRest(Draft draft)
    {
        string?[] missing = [draft.Database is null ? "the database" : null, draft.Scope is null
            ? "the scope" : null, draft.Duration is null ? "how long" : null, draft.Reason is null ? "the reason" : null];
        var words = string.Join(", ", missing.Where(word => word is not null));
        var text = $"Still needed: {words}. Nothing was filed yet; the form has what you said so far.";
        return new ChatMessage(text, [new ChatPart.Text(text), new ChatPart.Buttons([Buttons.Form(draft)])]);
    }

    public static ChatMessage NothingOffered() =>
        ChatMessage.Plain("There is no database you may ask for. Ask whoever keeps the access policy to add a rule for you.");

    public static ChatMessage Broken(string? correlation) => ChatMessage.Plain(
        "Something went wrong on my side, and I cannot say whether your request was carried out: see `/db-access mine`, then try " +
            $"again.{(correlation is null ? "" : $" If it happens again, tell whoever runs DbAccess this id: {correlation}")}");

    public static ChatMessage TooLate() => ChatMessage.Plain(
            "I was not running when you asked, and too much time has passed since. Nothing was done; ask again if you still need it.");

    public static ChatMessage NoWindow() => ChatMessage.Plain("The window did not open in time. Press the button again.");

    public static ChatMessage Stale() =>
        ChatMessage.Plain("This button is from an older version and does nothing any more. `/db-access` alone opens the form.");

    public static ChatMessage Mine(GrantList list, DateTimeOffset now)
    {
        if (list.Grants.Count == 0) return ChatMessage.Plain("You have no grants. Ask for one with `/db-access`.");

        var parts = new List<ChatPart> { new ChatPart.Header("Your grants") };
        foreach (var grant in list.Grants.Take(12))
        {
            parts.AddRange(Line(grant, now, withHolder: false));
            if (grant.Status is GrantStatus.Active) parts.Add(new ChatPart.Buttons([GrantActions.ReturnButton(grant.Id)]));
        }

        if (list.Grants.Count > 12) parts.Add(new ChatPart.Note($"… and {list.Grants.Count - 12} more."));
        return new ChatMessage($"You have {list.Grants.Count(grant => grant.EndedAt is null)} open grants.", parts);
    }

    public static ChatMessage Live(GrantList list, DateTimeOffset now, DatabaseName? database = null)
    {
        if (list.Grants.Count == 0)
            return ChatMessage.Plain($"Nobody has access{(database is null ? "" : $" to {database}")} through DbAccess right now.");

        var parts = new List<ChatPart> { new ChatPart.Header("Live grants") };
        foreach (var grant in list.Grants.Take(20)) parts.AddRange(Line(grant, now, withHolder: true));
        if (list.Grants.Count > 20) parts.Add(new ChatPart.Note($"… and {list.Grants.Count - 20} more."));
        return new ChatMessage($"{list.Grants.Count} live grants.", parts);
    }

    public static ChatMessage History(GrantHistory history, DateTimeOffset now, Intent.History asked)
    {
        var whose = history.OwnOnly ? "Your grants" : asked.Person is { } person ? $"Grants of {person.User}" : "Grants";
        var title = $"{whose}{(asked.Database is { } database ? $" on {database}" : "")} of the last {Durations.Write(asked.Within)}";
        if (history.Grants.Count == 0) return ChatMessage.Plain($"{title}: there are none.");

        var parts = new List<ChatPart> { new ChatPart.Header(title) };
        foreach (var grant in history.Grants) parts.AddRange(Line(grant, now, withHolder: !history.OwnOnly).Take(1));
        if (history.More > 0) 
            parts.Add(new ChatPart.Note($"… and {history.More} more; a shorter time, a person or a database shows them."));
        parts.Add(new ChatPart.Note("`/db-access show <id>` tells the whole story of one."));
        return new ChatMessage($"{title}: {history.Grants.Count + history.More}.", parts);
    }

    private static IEnumerable<ChatPart> Line(GrantSnapshot grant, DateTimeOffset now, bool withHolder)
    {
        var what = $"`{grant.Id}` {GrantWords.ScopeOf(grant.Scope)} on " +
            $"{grant.Target.Name}{(grant.Scope.HighRisk ? " (high risk)" : "")}{(withHolder ? $" · {Untick(grant.Handle)}" : "")}";
        switch (grant.Status)
        {
            case GrantStatus.Active:
                var left = grant.Window!.Expiry - now;
                yield return new ChatPart.When(
                    $"{what} · {(left > TimeSpan.Zero ? $"{Durations.Write(left)} left" : "ending")} · ends", grant.Window.Expiry);
                break;
            case GrantStatus.Approved when grant is { RevealBy: { } by, Password: null, AbandonedBecause: null }:
                yield return new ChatPart.When($"{what} · ready: press Show password in its message. Given back by itself", by);
                break;
            case GrantStatus.Approved or GrantStatus.Provisioning when grant.AbandonedBecause is null:
                var tries = grant.Step.Attempts > 1 ? $" (try {grant.Step.Attempts})" : "";
                yield return new ChatPart.Text($"{what} · being made{tries}{(grant.Step.Trouble is { } trouble ? $". {trouble}" : "")}");
                break;
            case GrantStatus.Quarantined:
                yield return new ChatPart.Text($"{what} · access closed; removing the role waits for:");
                // As it is, to be copied.
                yield return new ChatPart.Code(string.Join('\n', grant.Blockers.Count <= MostBlockers
                    ? grant.Blockers : [.. grant.Blockers.Take(MostBlockers), $"and {grant.Blockers.Count - MostBlockers} more"]));
                break;
            case GrantStatus.Revoking when grant.Step.Trouble is not null:
                yield return new ChatPart.Text($"{what} · {Word(grant)} (try {grant.Step.Attempts}); what kept it until now:");
                yield return new ChatPart.Code(grant.Step.Trouble);
                break;
            case GrantStatus.Ended:
                yield return new ChatPart.When($"{what} · {Reason(grant)}", grant.EndedAt!.Value);
                break;
            case GrantStatus.Failed:
                yield return new ChatPart.Text($"{what} · could not be given: {Untick(grant.AbandonedBecause ?? "")}");
                break;
            default:
                yield return new ChatPart.Text($"{what} · {Word(grant)}");
                break;
        }
    }

    // Back-ticks from elsewhere would pair up with ours and turn code into text and text into code.
    internal static string Untick(string words) => words.Replace('`', '\'');

    /// <summary>What makes an answer stop and think; empty mostly.</summary>
    private static string Risk(bool high, string? actsAs)
    {
        var owner = actsAs is null ? ""
            : $"Sessions act as the owner {Untick(actsAs)}: what they do, that owner does, and what they make belongs to it.";
        return $"{(high ? "High risk. " : "")}{owner}".TrimEnd();
    }

    private static string Reason(GrantSnapshot grant) => grant.EndReason switch
    {
        EndReason.Expired => "expired",
        EndReason.Returned => "given back",
        EndReason.Revoked => GrantWords.Revoked(grant),
        _ => "ended",
    };

    private static string Word(GrantSnapshot grant) => grant.Status switch
    {
        GrantStatus.Pending => "waiting for approval",
        GrantStatus.Revoking => "being taken away",
        GrantStatus.Approved or GrantStatus.Provisioning => "given up, being undone",
        _ => grant.Status.ToString().ToLowerInvariant(),
    };
}
