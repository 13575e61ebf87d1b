using DbAccess.Api.Slack.Words;
using DbAccess.Application.Grants;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Commands;

/// <summary>What a policy says to something typed.</summary>
/// <param name="Rule">The rule that decided; null when none did.</param>
/// <param name="Code">What it is refused with; null when it is not.</param>
/// <param name="Words">A sentence for people.</param>
/// <param name="Trace">Rule by rule; empty when nothing was asked of the rules.</param>
internal sealed record PolicyAnswer(
    PolicyOutcome Outcome, string? Rule, string? Code, string Words, IReadOnlyList<PolicyTrace> Trace)
{
    public string Word => Outcome.ToString().ToLowerInvariant();
}

/// <summary>
/// Asks a policy what it would say to a request as it is typed in Slack, read by the same words. Pure: no directory, no store, and so no
/// caps; nothing is filed.
/// </summary>
internal static class PolicyAsk
{
    private const string BreakGlassWord = "break-glass";

    /// <param name="groups">With or without <c>everyone</c>, in which everybody is.</param>
    public static PolicyAnswer Judge(
        AccessPolicy policy, string text, IEnumerable<string> groups, DateTimeOffset now, IReadOnlySet<string>? unreadable = null)
    {
        var (first, rest) = Typed.SplitFirst(Typed.Unwrap(text).Trim());
        var breakGlass = first.Equals(BreakGlassWord, StringComparison.OrdinalIgnoreCase);
        var names = PolicyNames.Of(policy, complete: true);
        var read = RequestWords.Read(breakGlass ? rest : Typed.Unwrap(text), new Offers([], names));
        var wish = read switch
        {
            Intent.File file => file.Wish,
            // What is still open is no hindrance: a rule has its usual length, and may want no reason.
            Intent.Form { Draft: { Database: { } database, Scope: { } scope } draft } => new AccessWish(
                DatabaseName.Parse(database)!, ScopeName.Parse(scope)!, Durations.Parse(draft.Duration), draft.Reason ?? "")
            { Only = draft.Only is null ? [] : SqlNames.Tables(draft.Only).Tables },
            _ => null,
        };
        if (wish is null)
            return Unreadable(read is Intent.Misread misread ? misread.Why : "It does not say which database and which scope.");

        var question = new AccessQuestion(
            groups.Append(AccessPolicy.Everyone).ToHashSet(StringComparer.Ordinal), wish.Database, wish.Scope, wish.Duration, wish.Reason,
            now)
        {
            BreakGlass = breakGlass || wish.BreakGlass, StartsAt = wish.StartsAt, Unreadable = unreadable ?? new HashSet<string>(),
        };
        return Judge(policy, question, wish.Only);
    }

    public static PolicyAnswer Judge(AccessPolicy policy, AccessQuestion question, IReadOnlyList<TableMention> only)
    {
        var trace = PolicyTrace.Of(policy, question);
        var rule = trace.FirstOrDefault(line => line.Decides)?.Id;
        var verdict = policy.Decide(question);
        if (verdict is AccessVerdict.Terms terms && only.Count > 0 && TableMention.Narrow(terms.Scope, only).Refusal is { } outside)
            verdict = new AccessVerdict.Refused(outside);
        return verdict switch
        {
            AccessVerdict.Terms { AtOnce: true } at => new PolicyAnswer(PolicyOutcome.Allowed, rule, null, Given(at), trace),
            AccessVerdict.Terms asked => new PolicyAnswer(
                PolicyOutcome.Approval, rule, null, $"{Given(asked)}: {Asked(asked.Rule.Approval!)}", trace),
            AccessVerdict.Refused { Refusal: var refusal } => Refused(refusal, rule, trace),
            _ => throw new InvalidOperationException("A verdict is one of two."),
        };
    }

    private static PolicyAnswer Refused(Error refusal, string? rule, IReadOnlyList<PolicyTrace> trace) =>
        new(PolicyOutcome.Refused, rule, refusal.Code, refusal.Message, trace);

    private static PolicyAnswer Unreadable(string why) => Refused(new Error("request.unreadable", why), null, []);

    private static string Given(AccessVerdict.Terms terms)
    {
        var review = terms.Rule.BreakGlass is { Review: var owed, Within: var within }
            ? $", with a review by {owed.Any} of {string.Join(", ", owed.Of)} owed within {Durations.Write(within)}" : "";
        return $"{terms.Scope.Name} on {terms.Target.Name} for {Durations.Write(terms.Duration)} by rule {terms.Rule.Id}{review}";
    }

    private static string Asked(Approval approval) =>
        string.Join(", then ", approval.Stages.Select(stage => $"{stage.Any} of {string.Join(", ", stage.Of)}"));
}
