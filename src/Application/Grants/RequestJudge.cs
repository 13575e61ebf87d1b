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
        PrincipalId requester, DatabaseName database, ScopeName scope, TimeSpan? duration, string reason, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var person = await directory.FindAsync(requester, cancellationToken);
        if (person.Refusal is { } stranger) return stranger;

        var policy = policies.Current;
        var groups = await membership.GroupsOfAsync(requester, policy, cancellationToken);
        if (groups.Refusal is { } unclear) return unclear;

        return policy.Decide(new AccessQuestion(groups.Value, database, scope, duration, reason, now)) switch
        {
            AccessVerdict.Refused { Refusal: var refusal } => refusal,
            AccessVerdict.NeedsApproval needs => ApprovalNotYet(needs),
            AccessVerdict.Allowed { Scope.RunAs: { } owner } => RunAsNotYet(scope, owner),
            AccessVerdict.Allowed allowed => new Judgement(person.Value.Handle, allowed, policy.Hash),
            _ => throw new InvalidOperationException("A verdict is one of three."),
        };
    }

    // Approvals come next; their place is here: a grant that starts as Pending (Grant.RequestApproval) instead of a refusal.
    private static Error ApprovalNotYet(AccessVerdict.NeedsApproval needs)
    {
        var who = string.Join(" and ", needs.Rule.Approval!.Stages.Select(stage => $"{stage.Any} of {string.Join(", ", stage.Of)}"));
        return new Error("approval.not_yet", $"{needs.Scope.Name} on {needs.Target.Name} needs approval by {who} (rule {needs.Rule.Id}), and approvals are not available yet. Nothing was filed; ask them directly.");
    }

    private static Error RunAsNotYet(ScopeName scope, string owner) =>
        new("scope.run_as_not_yet", $"{scope} acts as the owner {owner} (run_as), which is not available yet. Ask whoever keeps the access policy for another scope.");
}
