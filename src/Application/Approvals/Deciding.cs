using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Approvals;

/// <summary>What a decision led to.</summary>
public sealed record GrantDecided(GrantSnapshot Grant);

/// <summary>
/// One decision of one person about one grant: who presses, what is on record and what the policy says are asked anew, and of two decisions
/// in one instant the store takes one.
/// </summary>
internal sealed class Deciding(
    Deciders deciders, IGrantStore store, GrantSeal seal, GrantWarrant warrants, IGrantDispatcher dispatcher, TimeProvider clock,
    ILogger<Deciding> log)
{
    /// <summary>Something that gives: only what was sealed here, and would still be asked by the policy of now.</summary>
    public async Task<Result<GrantDecided>> GiveAsync(
        GrantId id, PrincipalId by, Func<Grant, Decider, Result> decide, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, cancellationToken) is not { } grant) return GrantErrors.Unknown(id.ToString());
        var decider = await deciders.FindAsync(by, cancellationToken);
        if (decider.Refusal is { } stranger) return stranger;

        // What the person may not decide is said first: nobody learns more about a request by pressing.
        if (grant.RefusalFor(decider.Value, clock.GetUtcNow()) is { } mayNot) return await RefusedAsync(grant, mayNot, cancellationToken);
        if (await GoneAsync(grant, cancellationToken) is { } gone) return gone;
        // A yes here must not take away the only one who could say it later.
        if (!await deciders.CanFinishAsync(grant.State, by, cancellationToken)
            && await deciders.CanFinishAsync(grant.State, null, cancellationToken))
        {
            var asking = grant.State.Asking!;
            return await RefusedAsync(
                grant, ApprovalErrors.NeededLater(asking.Stages, asking.Stages[asking.Stage ?? 0]), cancellationToken);
        }

        var (after, outcome) = await store.ChangeAsync(
            grant, mine => seal.IfOurs(mine, own => decide(own, decider.Value)), cancellationToken);
        return outcome.Refusal is { } refusal ? await RefusedAsync(after, refusal, cancellationToken) : Done(after);
    }

    /// <summary>Something that takes away: needs no more than who it is.</summary>
    public async Task<Result<GrantDecided>> DecideAsync(
        GrantId id, PrincipalId by, Func<Grant, Decider, Result> decide, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, cancellationToken) is not { } grant) return GrantErrors.Unknown(id.ToString());
        var decider = await deciders.FindAsync(by, cancellationToken);
        if (decider.Refusal is { } stranger) return stranger;

        var (after, outcome) = await store.ChangeAsync(
            grant, mine => seal.Keep(mine, own => decide(own, decider.Value)), cancellationToken);
        return outcome.Refusal is { } refusal ? await RefusedAsync(after, refusal, cancellationToken) : Done(after);
    }

    /// <summary>Something that whoever asked does.</summary>
    public async Task<Result<GrantDecided>> AskerAsync(GrantId id, Func<Grant, Result> change, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, cancellationToken) is not { } grant) return GrantErrors.Unknown(id.ToString());

        return await ChangeAsync(grant, mine => seal.IfOurs(mine, change), cancellationToken);
    }

    /// <summary>Whoever asked takes something back.</summary>
    public async Task<Result<GrantDecided>> BackAsync(GrantId id, Func<Grant, Result> change, CancellationToken cancellationToken)
    {
        if (await FindAsync(id, cancellationToken) is not { } grant) return GrantErrors.Unknown(id.ToString());

        return await ChangeAsync(grant, mine => seal.Keep(mine, change), cancellationToken);
    }

    /// <summary>A change by somebody of whom it is known that they may; what follows of it is due at once.</summary>
    public async Task<Result<GrantDecided>> ChangeAsync(Grant grant, Func<Grant, Result> change, CancellationToken cancellationToken)
    {
        var (after, outcome) = await store.ChangeAsync(grant, change, cancellationToken);
        return outcome.Refusal is { } refusal ? refusal : Done(after);
    }

    /// <summary>What it is about belongs on the record of the attempt.</summary>
    private async Task<Grant?> FindAsync(GrantId id, CancellationToken cancellationToken)
    {
        var grant = await store.FindAsync(id, cancellationToken);
        if (grant is not null && AttemptNotes.Current is { } notes)
            (notes.Rule, notes.PlanHash) = (grant.State.Rule, grant.State.Asking?.Plan?.Hash);
        return grant;
    }

    /// <summary>Whoever pressed sees a card that is not true: it is drawn anew.</summary>
    private async Task<Error> RefusedAsync(Grant grant, Error refusal, CancellationToken cancellationToken)
    {
        var (_, redrawn) = await store.ChangeAsync(grant, mine => mine.Redraw(clock.GetUtcNow()), cancellationToken);
        if (redrawn.Refusal is null) dispatcher.Dispatch(grant.Id);
        return refusal;
    }

    private GrantDecided Done(Grant grant)
    {
        dispatcher.Dispatch(grant.Id);
        return new GrantDecided(grant.State);
    }

    /// <summary>
    /// The policy or the person it rests on is gone since it was asked, or the rule gives less: it is withdrawn, and those concerned are
    /// told.
    /// </summary>
    private async Task<Error?> GoneAsync(Grant grant, CancellationToken cancellationToken)
    {
        if (!grant.IsAsking) return null;
        switch (await warrants.ToGoOnAsync(grant, clock.GetUtcNow(), cancellationToken))
        {
            case Warrant.Gone { Why: var why }:
                return Withdrawn(grant, why, (await store.EndForGoneAsync(grant, why, clock, cancellationToken)).Outcome);
            case Warrant.Unclear { Why: var why }:
                return new Error("approval.unclear", $"Nothing was decided, since it cannot be said now whether it may be: {why}");
            case Warrant.Holds { Rule: var rule } when grant.State.ExtendBy is { } more
                && grant.LongerRefusal(more, rule.Lifetime) is not null:
                var most = rule.Lifetime.ExtendTimes > grant.State.Extensions
                    ? $"{Durations.Write(rule.Lifetime.ExtendBy)} more at most" : "no more time";
                var less = $"rule {rule.Id} gives {most} by now";
                return Withdrawn(grant, less, (await store.ChangeAsync(
                    grant, mine => seal.Keep(mine, own => own.Withdraw(less, clock.GetUtcNow())), cancellationToken)).Outcome);
            default:
                return null;
        }
    }

    private Error Withdrawn(Grant grant, string why, Result outcome)
    {
        if (outcome.Refusal is null) dispatcher.Dispatch(grant.Id);
        log.LogWarning("{Grant} is withdrawn: what it rested on is gone: {Why}", grant.Id.ToString(), why);
        return new Error("approval.withdrawn", $"{grant.Id} is withdrawn, nothing was decided: {why}.");
    }
}
