using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
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

/// <summary>
/// An approver would allow less: another scope of the database that the requester may ask for, fewer tables, or not as long. Whoever asked
/// takes it with one press.
/// </summary>
/// <param name="Scope">Null keeps the scope.</param>
/// <param name="Duration">Null keeps the length.</param>
public sealed record OfferLess(
    PrincipalId Approver, GrantId Id, ScopeName? Scope, IReadOnlyList<TableMention> Only, TimeSpan? Duration)
    : IRequest<Result<GrantDecided>>, IAudited
{
    public Actor By => new Actor.Person(Approver);

    public string Subject => Id.ToString();

    internal sealed class Handler(
        Deciding deciding, Deciders deciders, RequestJudge judge, GrantAsking asking, IGrantStore store, TimeProvider clock)
        : IRequestHandler<OfferLess, Result<GrantDecided>>
    {
        public async Task<Result<GrantDecided>> Handle(OfferLess command, CancellationToken cancellationToken)
        {
            if (await store.FindAsync(command.Id, cancellationToken) is not { } grant) return GrantErrors.Unknown(command.Id.ToString());

            // Nobody who may not decide has the databases looked at.
            var decider = await deciders.FindAsync(command.Approver, cancellationToken);
            if (decider.Refusal is { } stranger) return stranger;
            if (grant.RefusalFor(decider.Value, clock.GetUtcNow()) is { } mayNot) return mayNot;

            var state = grant.State;
            var same = command.Scope is null || command.Scope == state.Scope.Name;
            if (same && command.Only.Count == 0) command = command with { Only = GrantWarrant.Only(state.Scope) };
            var duration = command.Duration ?? state.Duration;
            var wish = new AccessWish(state.Target.Name, command.Scope ?? state.Scope.Name, duration, state.Reason)
            {
                Only = command.Only, StartsAt = state.StartsAt,
            };
            // What is offered has to be something that the requester may ask for at all.
            var judged = await judge.JudgeAsync(state.Requester, wish, clock.GetUtcNow(), cancellationToken);
            if (judged.Refusal is { } refusal) return refusal;
            var terms = judged.Value.Terms;
            // Another scope may be decided by others, who are not asked here.
            if (terms.Rule is { Approval: { } others } rule && rule.Id != state.Rule && !Asks(state, others))
                return ApprovalErrors.OfferNotLess(
                    $"{terms.Scope.Name} is decided by {ApprovalErrors.Words(others.Stages)} (rule {rule.Id}).");

            var plan = await asking.PlanAsync(state.Installation, terms.Target, terms.Scope, cancellationToken);
            if (plan.Refusal is { } cannot) return cannot;
            var less = plan.Value;
            if (same && state.Asking?.Plan is { } full && full.MoreIn(less) is [var more, ..])
                return ApprovalErrors.OfferNotLess($"it would give {more}.");

            return await deciding.GiveAsync(command.Id, command.Approver,
                (mine, by) => mine.Offer(by, terms.Scope, duration, less, terms.Rule.Id, clock.GetUtcNow()), cancellationToken);
        }

        private static bool Asks(GrantSnapshot grant, Approval approval) => grant.Asking is { } asking
            && asking.Stages.Count == approval.Stages.Count
            && asking.Stages.Zip(approval.Stages).All(pair => pair.First.Any == pair.Second.Any
                && pair.First.Of.Order(StringComparer.Ordinal).SequenceEqual(pair.Second.Of.Order(StringComparer.Ordinal)));
    }
}
