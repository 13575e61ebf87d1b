using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Application.Approvals;

/// <summary>What a card says besides what is on the grant's own record.</summary>
/// <param name="Asked">What those are called who are asked now; the last may say how many more.</param>
/// <param name="Asker">What whoever asks on behalf of the holder is called; null when the holder asks.</param>
/// <param name="Others">What the holder has right now besides.</param>
internal sealed record CardFacts(IReadOnlyList<string> Asked, string? Asker, IReadOnlyList<GrantSnapshot> Others);

/// <summary>The card of a request, and the lines in its thread, from what is on record. Pure.</summary>
internal static class CardWords
{
    /// <summary>Whether somebody is to press something on it.</summary>
    public static bool Waits(GrantSnapshot grant) =>
        grant.Status is GrantStatus.Pending || (grant is { Status: GrantStatus.Active, ExtendBy: not null })
            || grant.Review is { IsOwed: true };

    public static ChatMessage Draw(GrantSnapshot grant, CardFacts facts)
    {
        var parts = new List<ChatPart> { new ChatPart.Header(Title(grant, facts)) };
        if (grant.Asking?.Grew is { Count: > 0 } grew && grant.Status is GrantStatus.Pending)
            parts.Add(new ChatPart.Text($"Since you were asked, this was added: {Listed(grew)}. Earlier answers do not count."));
        parts.Add(new ChatPart.Text($"Why: {GrantWords.Plain(grant.Reason, 600)}"));
        if (DecisionButtons.Risk(grant) is { Length: > 0 } risk) parts.Add(new ChatPart.Text(risk));
        parts.AddRange(Gives(grant));
        if (facts.Others.Count > 0)
            parts.Add(new ChatPart.Text($"Has right now: {Listed([.. facts.Others.Select(other =>
                $"{other.Scope.Name} on {other.Target.Name}")])}."));
        if (grant.StartsAt is { } start && grant.Status is GrantStatus.Pending) parts.Add(new ChatPart.When("Begins", start));
        if (Offer(grant) is { } offer) parts.Add(new ChatPart.Text(offer));
        parts.AddRange(State(grant, facts));
        if (Buttons(grant) is { Count: > 0 } buttons) parts.Add(new ChatPart.Buttons(buttons));
        return new ChatMessage(Summary(grant, facts), parts);
    }

    /// <summary>Null when there is nothing (any more) to say.</summary>
    /// <param name="people">User ids of those whom it concerns, who are notified.</param>
    public static ChatMessage? Line(CardLine line, GrantSnapshot grant, IReadOnlyList<string> people)
    {
        var what = Short(grant);
        switch (line)
        {
            case CardLine.Reminder when grant.Review is { IsOwed: true }:
                return Said(what, "Nobody has reviewed it yet; administrators are told.", people);
            case CardLine.Reminder when Waits(grant) && grant.Asking is { Stage: { } stage } asking:
                return Said(what, $"It still waits for {ApprovalErrors.Words(asking.Stages[stage])}.", people);
            case CardLine.NextStage when Waits(grant) && grant.Asking is { Stage: { } next } asking:
                return Said(what, $"Now it waits for {ApprovalErrors.Words(asking.Stages[next])}.", people);
            case CardLine.Grew when Waits(grant) && grant.Asking is { } asking:
                return Said(what, $"It would give more than was approved ({Listed(asking.Grew)}), so it is asked again.", people);
            case CardLine.Offered when grant.Asking?.Offer is { } offer:
                return Said(what,
                    $"{GrantWords.Plain(offer.Agreement.Called)} offers {GrantWords.ScopeOf(offer.Scope)} " +
                        $"for {Durations.Write(offer.Duration)} instead.", []);
            case CardLine.Settled:
                return Said(what, GrantWords.Outcome(grant), []);
            default:
                return null;
        }
    }

    private static string Title(GrantSnapshot grant, CardFacts facts, int longestName = 130)
    {
        var who = GrantWords.Plain(grant.Handle, longestName);
        var what = $"{grant.Scope.Name} on {grant.Target.Name}";
        if (grant.Review is { Since: not null }) return $"{who} broke the glass: {what}, {Durations.Write(grant.Duration)}";
        if (grant.ExtendBy is { } more) return $"{who} asks for {Durations.Write(more)} more: {what}";
        return facts.Asker is { } asker
            ? $"{GrantWords.Plain(asker, longestName)} asks for {who}: {what}, {Durations.Write(grant.Duration)}"
            : $"{who} asks: {what}, {Durations.Write(grant.Duration)}";
    }

    /// <summary>The notification on a phone: who, what, how long, and what it is about.</summary>
    private static string Summary(GrantSnapshot grant, CardFacts facts) => Waits(grant)
        ? $"{Title(grant, facts, GrantWords.ShortName)}. {GrantWords.Plain(grant.Reason, 150)} ({grant.Id})"
        : $"{Title(grant, facts, GrantWords.ShortName)}. {GrantWords.Outcome(grant)} ({grant.Id})";

    private static IEnumerable<ChatPart> Gives(GrantSnapshot grant)
    {
        if (GrantWords.Only(grant.Scope) is { } only) yield return new ChatPart.Text($"Only {only}.");
        if (grant.Asking is null) yield break;
        if (grant.Asking.Plan is { } plan)
        {
            // Names of tables are other people's words, shown as they are.
            yield return new ChatPart.Text($"Could then: {GrantWords.Plain(plan.Summary, 300)}");
            if (plan.Words.Count > 0)
                yield return new ChatPart.Code(string.Join('\n', plan.Words.Select(line => Show.Text(line, 200))));
        }
        else
        {
            var why = GrantWords.Plain(grant.Step.Trouble ?? "the database is being looked at.", 300);
            yield return new ChatPart.Text(
                $"What it would give cannot be shown yet: {why} " +
                "Nobody can approve before it is.");
        }
    }

    private static string? Offer(GrantSnapshot grant) => grant is { Status: GrantStatus.Pending, Asking.Offer: { } offer }
        ? $"{GrantWords.Plain(offer.Agreement.Called)} offers less: {GrantWords.ScopeOf(offer.Scope)} for " +
            $"{Durations.Write(offer.Duration)}. {GrantWords.Plain(grant.Handle)} has not answered yet."
        : null;

    private static IEnumerable<ChatPart> State(GrantSnapshot grant, CardFacts facts)
    {
        if (!Waits(grant))
        {
            yield return new ChatPart.Text($"{GrantWords.Outcome(grant)} ({grant.Id})");
            yield break;
        }

        if (grant.Review is { IsOwed: true } review)
        {
            yield return new ChatPart.When(
                $"Nobody was asked (rule {grant.Rule}). A review by {ApprovalErrors.Words(review.Reviewers)} is owed until",
                review.Since!.Value + review.Within);
            yield break;
        }

        var asking = grant.Asking!;
        foreach (var yes in asking.Agreements)
            yield return new ChatPart.When($"{GrantWords.Plain(yes.Called)} agreed", yes.At);
        var now = asking.Stage ?? 0;
        var stages = string.Join(", then ", asking.Stages.Skip(now).Select((stage, n) =>
            n == 0 ? asking.StillToAgree(now) : ApprovalErrors.Words(stage)));
        var asked = facts.Asked.Count > 0 ? $" Asked: {string.Join(", ", facts.Asked.Select(name => GrantWords.Plain(name)))}." : "";
        yield return new ChatPart.Text($"Rule {grant.Rule}: {stages}.{asked}");
        yield return new ChatPart.When($"{grant.Id} · lapses", asking.LapsesAt);
    }

    private static IReadOnlyList<ChatButton> Buttons(GrantSnapshot grant) => !Waits(grant) ? []
        : grant.Review is { IsOwed: true } ? DecisionButtons.ToReview(grant) : DecisionButtons.ToDecide(grant);

    /// <summary>Under its card a line is short; as a notification it stands alone, and says first what it is about.</summary>
    private static ChatMessage Said(string what, string words, IReadOnlyList<string> people) => new(
        $"{what}: {words}", [people.Count == 0 ? new ChatPart.Text(words) : new ChatPart.Mention(words, people)]);

    private static string Short(GrantSnapshot grant) =>
        $"{GrantWords.Plain(grant.Handle, GrantWords.ShortName)}, {GrantWords.Brief(grant)} ({grant.Id})";

    private static string Listed(IReadOnlyList<string> things)
    {
        var more = things.Count > 5 ? $" and {things.Count - 5} more" : "";
        return $"{string.Join(", ", things.Take(5).Select(thing => GrantWords.Plain(thing)))}{more}";
    }
}
