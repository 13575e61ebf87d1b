using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Application.Approvals;

/// <summary>What somebody is asked to decide about, or may look at.</summary>
/// <param name="Scopes">What the requester may ask for on that database besides: what could be offered instead.</param>
public sealed record Asked(GrantSnapshot Grant, IReadOnlyList<ScopeName> Scopes);

/// <summary>
/// The request behind a card, before a form about it opens: for those who may decide about it now, and, to look at only, for whoever asked
/// and administrators. The refusal says what is true now.
/// </summary>
/// <param name="ToDecide">False: only to look.</param>
public sealed record GetAsked(PrincipalId Person, GrantId Id, bool ToDecide) : IRequest<Result<Asked>>, IAudited
{
    public Actor By => new Actor.Person(Person);

    public string Subject => Id.ToString();

    public bool OnlyRefusals => true;

    internal sealed class Handler(
        Deciders deciders, Membership membership, Revokers revokers, IGrantStore store, IPolicySource policies, TimeProvider clock)
        : IRequestHandler<GetAsked, Result<Asked>>
    {
        public async Task<Result<Asked>> Handle(GetAsked query, CancellationToken cancellationToken)
        {
            if (await store.FindAsync(query.Id, cancellationToken) is not { } grant) return GrantErrors.Unknown(query.Id.ToString());

            var decider = await deciders.FindAsync(query.Person, cancellationToken);
            if (decider.Refusal is { } stranger) return stranger;
            if (await RefusalOfAsync(query, grant, decider.Value, cancellationToken) is { } mayNot) return mayNot;

            var standing = await membership.StandingOfAsync(grant.State.Requester, policies.Current, cancellationToken);
            return new Asked(
                grant.State, policies.Current.OfferedScopes(standing.Groups, grant.State.Target.Name, clock.GetUtcNow()));
        }

        private async Task<Error?> RefusalOfAsync(GetAsked query, Grant grant, Decider decider, CancellationToken cancellationToken)
        {
            var owed = grant.State.Review is { IsOwed: true } review && review.Reviewers.Of.Any(decider.Groups.Contains);
            if (query.ToDecide)
                return owed ? null : grant.RefusalFor(decider, clock.GetUtcNow());

            var concerned = owed || query.Person == grant.State.Requester || query.Person == grant.Asker
                || (grant.State.Asking?.Stages.SelectMany(stage => stage.Of).Any(decider.Groups.Contains) ?? false);
            if (concerned) return null;
            var revoker = await revokers.FindAsync(new Actor.Person(query.Person), cancellationToken);
            return revoker.Refusal ?? revoker.Value.RefusalFor(grant);
        }
    }
}
