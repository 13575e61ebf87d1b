using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Application.Grants;

/// <summary>A request that may be filed: how the requester is called, on which terms, and which policy said so.</summary>
/// <param name="Connect">How people reach the cluster, where the policy says so.</param>
internal sealed record Judgement(string Handle, AccessVerdict.Terms Terms, string PolicyHash, ConnectHints? Connect = null);

/// <summary>Who asks, and may they? Shared by filing a request, by checking a form before it is filed, and by making the role.</summary>
internal sealed class RequestJudge(IDirectory directory, Membership membership, IPolicySource policies)
{
    public async Task<Result<Judgement>> JudgeAsync(
        PrincipalId requester, AccessWish wish, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (policies.Missing is { } none) return none;
        var person = await directory.FindAsync(requester, cancellationToken);
        if (person.Refusal is { } stranger) return stranger;

        var policy = policies.Current;
        var standing = await membership.StandingOfAsync(requester, policy, cancellationToken);
        var question = new AccessQuestion(standing.Groups, wish.Database, wish.Scope, wish.Duration, wish.Reason, now)
        {
            Unreadable = standing.Unreadable,
            BreakGlass = wish.BreakGlass,
            StartsAt = wish.StartsAt,
        };
        switch (policy.Decide(question))
        {
            case AccessVerdict.Refused { Refusal: var refusal }:
                return refusal;
            case AccessVerdict.Terms terms:
                var narrowed = Narrowed(terms, wish.Only);
                if (narrowed.Refusal is { } outside) return outside;
                return new Judgement(
                    person.Value.Handle, narrowed.Value, policy.Hash, policy.Connect.GetValueOrDefault(terms.Target.Cluster));
            default:
                throw new InvalidOperationException("A verdict is one of two.");
        }
    }

    /// <summary>Why this person may not even ask on behalf of somebody else; null when they may.</summary>
    public async Task<Error?> StrangerAsync(PrincipalId asker, CancellationToken cancellationToken) =>
        (await directory.FindAsync(asker, cancellationToken)).Refusal;

    // After the verdict: the rule decides about the whole scope, and less of it needs no other rule.
    private static Result<AccessVerdict.Terms> Narrowed(AccessVerdict.Terms terms, IReadOnlyList<TableMention> only)
    {
        if (only.Count == 0) return terms;

        var narrowed = TableMention.Narrow(terms.Scope, only);
        return narrowed.Refusal is { } refusal ? refusal : terms with { Scope = narrowed.Value };
    }
}
