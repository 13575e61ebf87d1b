using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Slack;

/// <summary>Outcomes in plain words. Pure.</summary>
internal static class Replies
{
    public const string OpenFormAction = "open_form";
    public const string FileAction = "file_request";

    // A button's value holds at most 2,000 characters; a longer draft is left to the form.
    public const int LongestDraft = 1900;

    private const int MostBlockers = 10;

    public static ChatMessage Filed(GrantFiled filed)
    {
        var what = $"{filed.Scope}{(filed.Only is { } only ? $", only {only}," : "")} on {filed.Database} for " +
            $"{Durations.Write(filed.Duration)} is allowed";
        var parts = new List<ChatPart> { new ChatPart.Text($"`{filed.Id}`: {what}. The credentials come by direct message in a moment.") };
        if (Risk(filed.HighRisk, filed.ActsAs) is { Length: > 0 } risk) parts.Add(new ChatPart.Text(risk));
        parts.Add(new ChatPart.Note($"Rule {filed.Rule}. Give it back early with /db-access done {filed.Id}."));
        return new ChatMessage($"{filed.Id}: {what}. The credentials come by direct message.", parts);
    }

    public static ChatMessage Refused(Error refusal) => ChatMessage.Plain(refusal.Message);

    public static ChatMessage Returned(GrantsReturned returned) => ChatMessage.Plain(
        $"{string.Join(", ", returned.Ids)}: access ends now. You are told as soon as the role is gone.");

    public static ChatMessage Revoked(GrantsReturned revoked) => ChatMessage.Plain(
        $"{string.Join(", ", revoked.Ids)}: access ends now. Its holder is told that it was you and why; your reason is on the audit " +
            "record.");

    public static ChatMessage Misread(Intent.Misread misread)
    {
        if (misread.Suggestion is not { } draft) return ChatMessage.Plain(misread.Why);

        var complete = draft is { Database: not null, Scope: not null, Duration: not null, Reason: not null };
        var value = DraftJson.Write(draft);
        var button = complete && value.Length <= LongestDraft
            ? new ChatButton(FileAction, "Yes, ask for that", value)
            : FormButton(draft);
        return new ChatMessage(misread.Why, [new ChatPart.Text(misread.Why), new ChatPart.Buttons([button])]);
    }

    /// <summary>A message has nothing to open a form with, so it is answered with a button that does.</summary>
    public static ChatMessage AskForRest(Draft draft)
    {
        string?[] missing = [draft.Database is null ? "the database" : null, draft.Scope is null
            ? "the scope" : null, draft.Duration is null ? "how long" : null, draft.Reason is null ? "the reason" : null];
        var words = string.Join(", ", missing.Where(word => word is not null));
        var text = $"Still needed: {words}. Nothing was filed yet; the form has what you said so far.";
        return new ChatMessage(text, [new ChatPart.Text(text), new ChatPart.Buttons([FormButton(draft)])]);
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

    public static ChatMessage Help(Offers? offers)
    {
        var (database, scope, length) = offers?.Databases is [{ } first, ..]
            ? (first.Database.Value, first.Scopes[0].Scope.Value, Durations.Write(first.Scopes[0].Lifetime.Default))
            : ("orders", "read", "1h");
        var parts = new List<ChatPart>
        {
            new ChatPart.Text(
                $"Ask for access: `/db-access {database} {scope} {length} because INC-4711 stuck orders`. The words may come in any " +
                "order; `/db-access` alone opens a form."),
            new ChatPart.Text(
                $"Need only some tables of a scope? `/db-access {database} {scope} {length} only public.orders, public.items because " +
                "INC-4711 stuck orders`."),
            new ChatPart.Text(
                "`/db-access mine`: your grants.\n`/db-access list`: everything that is live.\n`/db-access done K7Q3-MD` or `done all`: " +
                "give access back.\n`/db-access revoke K7Q3-MD <reason>`: end somebody else's access (for approvers)."),
        };
        if (offers is { Databases.Count: > 0 })
        {
            // A paragraph that is cut by length would end in the middle of a name.
            var lines = offers.Databases.Select(
                offer => $"{offer.Database}: " +
                $"{string.Join(", ", offer.Scopes.Take(8).Select(Describe))}{(offer.Scopes.Count > 8 ? ", …" : "")}").ToList();
            var (shown, letters) = (0, 0);
            while (shown < Math.Min(lines.Count, 15) && (letters += lines[shown].Length + 1) <= 2500) shown++;
            var more = lines.Count > shown ? $"\n… and {lines.Count - shown} more databases; `/db-access` alone shows them." : "";
            parts.Add(new ChatPart.Text($"You can ask for:\n{string.Join('\n', lines.Take(shown))}{more}"));
        }

        parts.Add(new ChatPart.Note(
            "Lengths: 45s, 30m, 2h, 1h30m, 1d. In a direct message to this app, write create-db-user instead of /db-access."));
        return new ChatMessage("How to ask for database access.", parts);
    }

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

    public static ChatMessage Live(GrantList list, DateTimeOffset now)
    {
        if (list.Grants.Count == 0) return ChatMessage.Plain("Nobody has access through DbAccess right now.");

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

    private static string Describe(ScopeOffer offer) =>
        $"{offer.Scope} (up to " +
            $"{Durations.Write(offer.Lifetime.Max)}{(offer.RunAs is { } owner ? $", acts as {Untick(owner)}" : "")}{(offer.HighRisk ? ", high risk" : "")}{(offer.Approval is null ? "" : ", needs approval: not available yet")})";

    private static ChatButton FormButton(Draft draft)
    {
        var value = DraftJson.Write(draft);
        if (value.Length > LongestDraft) value = DraftJson.Write(draft with { Reason = null });
        return new ChatButton(OpenFormAction, "Open the form", value);
    }

    // Back-ticks from elsewhere would pair up with ours and turn code into text and text into code.
    private static string Untick(string words) => words.Replace('`', '\'');

    /// <summary>What makes an answer stop and think; empty mostly.</summary>
    private static string Risk(bool high, string? actsAs) =>
        $"{(high ? "High risk. " : "")}{(actsAs is null ? "" : $"Sessions act as the owner {Untick(actsAs)}: what they do, that owner does, and what they make belongs to it.")}".TrimEnd();

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
