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

    public static ChatMessage Filed(GrantFiled filed, AccessWish wish)
    {
        if (filed.Already) return Already(filed, wish);

        if (filed.Waits is not null) return Waiting(filed);

        var what = $"{filed.Scope}{(filed.Only is { } only ? $", only {only}," : "")} on {filed.Database} for " +
            $"{Durations.Write(filed.Duration)} is allowed";
        var parts = new List<ChatPart> { new ChatPart.Text($"`{filed.Id}`: {what}. The credentials come by direct message in a moment.") };
        if (Risk(filed.HighRisk, filed.ActsAs) is { Length: > 0 } risk) parts.Add(new ChatPart.Text(risk));
        parts.Add(new ChatPart.Note($"Rule {filed.Rule}. Give it back early with /db-access done {filed.Id}."));
        return new ChatMessage($"{filed.Id}: {what}. The credentials come by direct message.", parts);
    }

    private static ChatMessage Waiting(GrantFiled filed)
    {
        var what = $"{filed.Scope}{(filed.Only is { } only ? $", only {only}," : "")} on {filed.Database} " +
            $"for {Durations.Write(filed.Duration)}" +
            (filed.For is { } holder ? $" for {Untick(holder)}" : "");
        var parts = new List<ChatPart>
        {
            new ChatPart.Text($"`{filed.Id}`: {what} waits for {filed.Waits}."),
            new ChatPart.When($"Rule {filed.Rule}. It lapses", filed.LapsesAt!.Value),
            new ChatPart.Buttons([new ChatButton(GrantMessages.CancelAction, "Cancel", filed.Id.ToString())]),
        };
        if (filed.StartsAt is { } start) parts.Insert(1, new ChatPart.When("It begins", start));
        return new ChatMessage($"{filed.Id}: {what} waits for {filed.Waits}.", parts);
    }

    /// <summary>Nothing was filed: what there is, what can be done with it, and one more for whoever wants that.</summary>
    private static ChatMessage Already(GrantFiled filed, AccessWish wish)
    {
        var what = $"You have this already: `{filed.Id}`, {filed.Scope}{(filed.Only is { } only ? $", only {only}," : "")} on " +
            $"{filed.Database}";
        ChatPart first = filed.Expiry is { } end
            ? new ChatPart.When($"{what}, until", end)
                : new ChatPart.Text($"{what}. It is being made; the credentials come by direct message.");
        return new ChatMessage($"You have {filed.Scope} on {filed.Database} already ({filed.Id}). Nothing new was filed.",
        [
            first, new ChatPart.Note("The credentials are in its direct message. Nothing new was filed."),
            new ChatPart.Buttons(
                [GrantMessages.ReturnButton(filed.Id), Buttons.Ask("A second one", DraftOf(wish) with { Another = true })]),
        ]);
    }

    /// <summary>A request that was refused; where it is clear what was meant, with a button that asks for that.</summary>
    public static ChatMessage NotFiled(Error refusal, AccessWish wish) => refusal.Meant is { } only
        ? new ChatMessage(refusal.Message,
        [
            new ChatPart.Text(refusal.Message),
            new ChatPart.Buttons([Buttons.Ask("Yes, ask for that", DraftOf(wish) with { Only = only })]),
        ])
        : Refused(refusal);

    private static Draft DraftOf(AccessWish wish) => new(
        wish.Database.Value, wish.Scope.Value, wish.Duration is { } duration ? Durations.Write(duration) : null, wish.Reason,
        wish.Only.Count == 0 ? null : string.Join(", ", wish.Only)) { Another = wish.Another ? true : null };

    public static ChatMessage Refused(Error refusal) => ChatMessage.Plain(refusal.Message);

    public static ChatMessage Returned(GrantsReturned returned) => ChatMessage.Plain(
        $"{string.Join(", ", returned.Ids)}: access ends now. You are told as soon as the role is gone.");

    /// <param name="target">Whose access, as a button carries it.</param>
    public static ChatMessage ConfirmRevoking(string target)
    {
        const string Words = "This ends more than one grant, so it is confirmed in a form. Nothing was ended yet.";
        return new ChatMessage(Words, [
            new ChatPart.Text(Words), new ChatPart.Buttons([new ChatButton(RevokeForm.Kind, "Open the form", target, Danger: true)])]);
    }

    public static ChatMessage Revoked(GrantsReturned revoked) => ChatMessage.Plain(
        $"{string.Join(", ", revoked.Ids)}: access ends now. Its holder is told that it was you and why; your reason is on the audit " +
            "record.");

    public static ChatMessage Misread(Intent.Misread misread) => misread.Suggestion is { } draft
        ? new ChatMessage(misread.Why, [new ChatPart.Text(misread.Why), new ChatPart.Buttons([Buttons.Ask("Yes, ask for that", draft)])])
        : ChatMessage.Plain(misread.Why);

    /// <summary>A message has nothing to open a form with, so it is answered with a button that does.</summary>
    public static ChatMessage AskForRest(Draft draft)
    {
        string?[] missing = [draft.Database is null ? "the database" : null, draft.Scope is null
            ? "the scope" : null, draft.Duration is null ? "how long" : null, draft.Reason is null ? "the reason" : null];
        var words = string.Join(", ", missing.Where(word => word is not null));
        var text = $"Still needed: {words}. Nothing was filed yet; the form has what you said so far.";
        return new ChatMessage(text, [new ChatPart.Text(text), new ChatPart.Buttons([Buttons.Form(draft)])]);
    }

    public static ChatMessage NotYet(string verb) => ChatMessage.Plain($"`{verb}` is not available yet. `/db-access help` shows what is.");

    public static ChatMessage NothingOffered() =>
        ChatMessage.Plain("There is no database you may ask for. Ask whoever keeps the access policy to add a rule for you.");

    public static ChatMessage Broken(string? correlation) => ChatMessage.Plain(
        "Something went wrong on my side, and I cannot say whether your request was carried out: see `/db-access mine`, then try " +
            $"again.{(correlation is null ? "" : $" If it happens again, tell whoever runs DbAccess this id: {correlation}")}");

    public static ChatMessage TooLate() => ChatMessage.Plain(
            "I was not running when you asked, and too much time has passed since. Nothing was done; ask again if you still need it.");

    public static ChatMessage Stale() =>
        ChatMessage.Plain("This button is from an older version and does nothing any more. `/db-access` alone opens the form.");

    public static ChatMessage Mine(GrantList list, DateTimeOffset now)
    {
        if (list.Grants.Count == 0) return ChatMessage.Plain("You have no grants. Ask for one with `/db-access`.");

        var parts = new List<ChatPart> { new ChatPart.Header("Your grants") };
        foreach (var grant in list.Grants.Take(12))
        {
            parts.AddRange(Line(grant, now, withHolder: false));
            if (grant.Status is GrantStatus.Active) parts.Add(new ChatPart.Buttons([GrantMessages.ReturnButton(grant.Id)]));
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

    private static IEnumerable<ChatPart> Line(GrantSnapshot grant, DateTimeOffset now, bool withHolder)
    {
        var what = $"`{grant.Id}` {GrantMessages.ScopeOf(grant.Scope)} on " +
            $"{grant.Target.Name}{(grant.Scope.HighRisk ? " (high risk)" : "")}{(withHolder ? $" · {Untick(grant.Handle)}" : "")}";
        switch (grant.Status)
        {
            case GrantStatus.Active:
                var left = grant.Window!.Expiry - now;
                yield return new ChatPart.When(
                    $"{what} · {(left > TimeSpan.Zero ? $"{Durations.Write(left)} left" : "ending")} · ends", grant.Window.Expiry);
                break;
            case GrantStatus.Approved or GrantStatus.Provisioning when grant.AbandonedBecause is null:
                yield return new ChatPart.Text(
                    $"{what} · being " +
                    $"made{(grant.Attempts > 1 ? $" (try {grant.Attempts})" : "")}{(grant.Trouble is { } trouble ? $". {trouble}" : "")}");
                break;
            case GrantStatus.Quarantined:
                yield return new ChatPart.Text($"{what} · access closed; removing the role waits for:");
                // As it is, to be copied.
                yield return new ChatPart.Code(string.Join('\n', grant.Blockers.Count <= MostBlockers
                    ? grant.Blockers : [.. grant.Blockers.Take(MostBlockers), $"and {grant.Blockers.Count - MostBlockers} more"]));
                break;
            case GrantStatus.Revoking when grant.Trouble is not null:
                yield return new ChatPart.Text($"{what} · {Word(grant)} (try {grant.Attempts}); what kept it until now:");
                yield return new ChatPart.Code(grant.Trouble);
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
        EndReason.Revoked => GrantMessages.Revoked(grant),
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
