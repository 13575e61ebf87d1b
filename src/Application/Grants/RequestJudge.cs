using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Application.Grants;

/// <summary>A request that may be filed: how the requester is called, what the policy allows, and which policy said so.</summary>
internal sealed record Judgement(string Handle, AccessVerdict.Allowed Allowed, string PolicyHash);

/// <summary>Who asks, and may they? Shared by filing a request and by checking a form before it is filed.</summary>
internal sealed class RequestJudge(IDirectory directory, Membership membership, IPolicySource policies)
{
    public async Task<Result<Judgement>> JudgeAsync(
        PrincipalId requester, DatabaseName database, ScopeName scope, IReadOnlyList<TableMention> only, TimeSpan? duration, string reason,
            DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (policies.Missing is { } none) return none;
        var person = await directory.FindAsync(requester, cancellationToken);
        if (person.Refusal is { } stranger) return stranger;

        var policy = policies.Current;
        var groups = await membership.GroupsOfAsync(requester, policy, cancellationToken);
        if (groups.Refusal is { } unclear) return unclear;

        return policy.Decide(new AccessQuestion(groups.Value, database, scope, duration, reason, now)) switch
        {
            AccessVerdict.Refused { Refusal: var refusal } => refusal,
            AccessVerdict.NeedsApproval needs => ApprovalNotYet(needs),
            AccessVerdict.Allowed allowed => Narrowed(allowed, only) is var narrowed && narrowed.Refusal is { } outside
                ? outside : new Judgement(person.Value.Handle, narrowed.Value, policy.Hash),
            _ => throw new InvalidOperationException("A verdict is one of three."),
        };
    }

    // After the verdict: the rule decides about the whole scope, and less of it needs no other rule.
    private static Result<AccessVerdict.Allowed> Narrowed(AccessVerdict.Allowed allowed, IReadOnlyList<TableMention> only)
    {
        if (only.Count == 0) return allowed;

        var narrowed = TableMention.Narrow(allowed.Scope, only);
        return narrowed.Refusal is { } refusal ? refusal : allowed with { Scope = narrowed.Value };
    }

    // Approvals come next; their place is here: a grant that starts as Pending (Grant.RequestApproval) instead of a refusal.
    private static Error ApprovalNotYet(AccessVerdict.NeedsApproval needs)
    {
        var who = string.Join(" and ", needs.Rule.Approval!.Stages.Select(stage => $"{stage.Any} of {string.Join(", ", stage.Of)}"));
        return new Error("approval.not_yet",
            $"{needs.Scope.Name} on {needs.Target.Name} needs approval by {who} (rule {needs.Rule.Id}), and approvals are not available " +
            "yet. Nothing was filed; ask them directly.");
    }
}
