using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Approvals;

/// <summary>
/// The holder asks to have it longer, on the terms that the rule has now; where the rule asks people, they are asked again.
/// </summary>
/// <param name="Length">Null: as long as the rule lengthens it by.</param>
public sealed record ExtendGrant(PrincipalId Holder, GrantId Id, TimeSpan? Length) : IRequest<Result<GrantDecided>>, IAudited
{
    /// <summary>
    /// Of the request that asks: carried out again after a crash, it does not lengthen it twice. Null for one that comes once.
    /// </summary>
    public string? Key { get; init; }

    public Actor By => new Actor.Person(Holder);

    public string Subject => Id.ToString();

    internal sealed class Handler(
        RequestJudge judge, Deciders deciders, Deciding deciding, IGrantStore store, GrantSeal seal, TimeProvider clock)
        : IRequestHandler<ExtendGrant, Result<GrantDecided>>
    {
        public async Task<Result<GrantDecided>> Handle(ExtendGrant command, CancellationToken cancellationToken)
        {
            if (await store.FindAsync(command.Id, cancellationToken) is not { } grant) return GrantErrors.Unknown(command.Id.ToString());
            if (command.Holder != grant.State.Requester) return GrantErrors.NotHolder(grant.Id);
            if (grant.Status is not GrantStatus.Active) return GrantErrors.CannotExtend(grant.Id, grant.Status);

            var state = grant.State;
            var judged = await judge.JudgeAsync(state.Requester, GrantWarrant.Wish(state), clock.GetUtcNow(), cancellationToken);
            if (judged.Refusal is { } refusal) return refusal;
            var rule = judged.Value.Terms.Rule;
            if (rule.Approval is { } approval && await deciders.RefusalOfAsync(
                rule, approval.Stages, [state.Requester, grant.Asker], cancellationToken) is { } nobody) return nobody;

            return await deciding.ChangeAsync(grant, mine => seal.IfOurs(mine, own =>
            {
                var now = clock.GetUtcNow();
                var asking = rule.Approval is { } people ? Asking.Of(people, now) with { Plan = own.State.Asking?.Plan } : null;
                return own.AskExtension(command.Holder, command.Length ?? rule.Lifetime.ExtendBy, rule.Lifetime, asking, now, command.Key);
            }), cancellationToken);
        }
    }
}
