using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Application.Policies;

/// <summary>What a policy says to a question, and why, rule by rule.</summary>
/// <param name="Rule">The rule that decided; null when none did.</param>
/// <param name="Code">What it is refused with; null when it is not.</param>
/// <param name="Words">A sentence for people.</param>
/// <param name="Trace">Rule by rule; empty when nothing was asked of the rules.</param>
public sealed record PolicyAnswer(
    PolicyOutcome Outcome, string? Rule, string? Code, string Words, IReadOnlyList<PolicyTrace> Trace)
{
    public string Word => Outcome.ToString().ToLowerInvariant();

    /// <summary>What would be given; null when it is refused.</summary>
    public AccessVerdict.Terms? Terms { get; private init; }

    /// <summary>Pure: no directory, no store, and so no caps.</summary>
    /// <param name="only">The tables that it is to be narrowed to; none for the whole scope.</param>
    public static PolicyAnswer Of(AccessPolicy policy, AccessQuestion question, IReadOnlyList<TableMention> only)
    {
        var trace = PolicyTrace.Of(policy, question);
        var rule = trace.FirstOrDefault(line => line.Decides)?.Id;
        var verdict = policy.Decide(question);
        if (verdict is AccessVerdict.Terms terms && only.Count > 0 && TableMention.Narrow(terms.Scope, only).Refusal is { } outside)
            verdict = new AccessVerdict.Refused(outside);
        return verdict switch
        {
            AccessVerdict.Terms { AtOnce: true } at => new PolicyAnswer(
                PolicyOutcome.Allowed, rule, null, Given(at), trace) { Terms = at },
            AccessVerdict.Terms asked => new PolicyAnswer(
                PolicyOutcome.Approval, rule, null, $"{Given(asked)}: {Asked(asked.Rule.Approval!)}", trace) { Terms = asked },
            AccessVerdict.Refused { Refusal: var refusal } => Refused(refusal, rule, trace),
            _ => throw new InvalidOperationException("A verdict is one of two."),
        };
    }

    public static PolicyAnswer Refused(Error refusal, string? rule, IReadOnlyList<PolicyTrace> trace) =>
        new(PolicyOutcome.Refused, rule, refusal.Code, refusal.Message, trace);

    private static string Given(AccessVerdict.Terms terms)
    {
        var review = terms.Rule.BreakGlass is { Review: var owed, Within: var within }
            ? $", with a review by {owed.Any} of {string.Join(", ", owed.Of)} owed within {Durations.Write(within)}" : "";
        return $"{terms.Scope.Name} on {terms.Target.Name} for {Durations.Write(terms.Duration)} by rule {terms.Rule.Id}{review}";
    }

    private static string Asked(Approval approval) =>
        ApprovalErrors.Words(approval.Stages);
}
