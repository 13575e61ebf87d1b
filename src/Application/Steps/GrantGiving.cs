using DbAccess.Application.Approvals;
using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Steps;

/// <summary>
/// Makes the role, delivers the credentials, and only then calls the grant active. What was not delivered for sure is never sent again: the
/// next try sets a new password. A making that cannot succeed is undone until the role is proved absent.
/// </summary>
internal sealed class GrantGiving(
    IGrantStore store, GrantWarrant warrants, GrantSeal seal, GrantAsking asking, PersonalLimits personal, IRoleAdministrator roles,
    ICredentialDelivery delivery, RevealTerms reveal, IPolicySource policies, ToldPlans told, TimeProvider clock,
    ILogger<GrantGiving> log)
{
    /// <summary>How long a worker has; whoever comes later takes over.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(45);

    private static readonly Actor By = new Actor.Sweep();

    public async Task<StepOutcome> GiveAsync(Grant grant, CancellationToken cancellationToken)
    {
        if (grant.State.AbandonedBecause is not null) return await UndoAsync(grant, cancellationToken);

        var now = clock.GetUtcNow();
        if (grant.State.StartsAt + grant.State.Duration <= now && !grant.State.Step.IsHeld(now))
            return await AbandonAsync(grant, "it could not be given before its time was over.", cancellationToken);

        if (grant is { Status: GrantStatus.Approved, State.Password: null }
            && (reveal.Within is not null || grant.State.RevealBy is not null))
            return await AwaitRevealAsync(grant, now, cancellationToken);

        var name = RoleName.ForGrant(grant.State.Installation, grant.Id, grant.State.Handle);
        var begun = grant.BeginProvisioning(name, now, Lease);
        if (begun.Refusal?.Code == GrantErrors.TooLate(grant.Id).Code)
        {
            var known = grant.State.Step.Trouble is { } trouble ? $" ({trouble.TrimEnd('.')})" : "";
            return await AbandonAsync(
                grant, $"the database could not be reached in time{known}. Nothing was given; ask again when it answers.",
                cancellationToken);
        }

        if (begun.Refusal is not null) return StepOutcome.Nothing;
        if (await store.SaveAsync(grant, cancellationToken) is SaveOutcome.LostRace) return StepOutcome.Nothing;

        // The lease is fenced twice: our own clock stops us here, and the server's clock refuses the statement (RoleOrder.NotAfter).
        using var leased = new Deadline(Lease - TimeSpan.FromSeconds(10), clock, cancellationToken);
        try
        {
            return await MakeAndDeliverAsync(grant, leased.Token);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return await PostponeAsync(grant, "handed over: the process is stopping", TimeSpan.Zero);
        }
        catch (OperationCanceledException)
        {
            return await PostponeAsync(grant, "it took longer than a worker's lease", null);
        }
        catch (Exception failure)
        {
            log.LogError(failure, "Making the role of {Grant} failed", grant.Id.ToString());
            return await PostponeAsync(grant, failure.GetType().Name, null);
        }
    }

    /// <summary>Nothing is made before its holder has the password shown; not in time, and it is given back.</summary>
    private async Task<StepOutcome> AwaitRevealAsync(Grant grant, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var due = grant.State.RevealBy is null
            ? seal.Keep(grant, own => own.AwaitReveal(reveal.Within!.Value, now)) : grant.GiveBackUnrevealed(now);
        if (due.Refusal is not null) return StepOutcome.Nothing;
        return await store.SaveAsync(grant, cancellationToken) is SaveOutcome.Saved ? StepOutcome.Told : StepOutcome.Nothing;
    }

    /// <summary>What it rests on, asked again, and the grant with no more time than that gives now. Ends where that is nothing.</summary>
    private async Task<(StepOutcome? Ends, Grant Grant, Warrant.Holds? Holds)> AskWarrantAsync(
        Grant grant, CancellationToken cancellationToken)
    {
        switch (await warrants.ToGiveAsync(grant, clock.GetUtcNow(), cancellationToken))
        {
            case Warrant.Gone { Why: var why }:
                log.LogError("{Grant} is not given: {Why}", grant.Id.ToString(), why);
                return (await AbandonAsync(grant, $"{why}.", cancellationToken), grant, null);

            case Warrant.Unclear { Why: var why }:
                return (await PostponeAsync(grant, why, null), grant, null);

            // Those that wait for approval do not count when they are filed.
            case Warrant.Holds { Rule: var rule } when await personal.TooManyTodayAsync(grant.State, rule, clock.GetUtcNow(),
                cancellationToken) is { } tooMany:
                return (await AbandonAsync(grant, tooMany.Message, cancellationToken), grant, null);

            case Warrant.Holds { Most: var most } when grant.State.StartsAt + most <= clock.GetUtcNow():
                return (await AbandonAsync(grant,
                    $"rule {grant.State.Rule} gives {Durations.Write(most)} at most by now, and that time is over.", cancellationToken),
                    grant, null);

            case Warrant.Holds { Most: var most } holds when most < grant.State.Duration:
                var (clamped, kept) = await ChangeMineAsync(grant, mine => mine.Clamp(most, clock.GetUtcNow()), cancellationToken);
                return (kept.Refusal is null ? null : await LostAsync(clamped, cancellationToken), clamped, holds);

            case Warrant.Holds holds:
                return (null, grant, holds);

            default:
                throw new InvalidOperationException("A warrant holds, is gone or unclear.");
        }
    }

    private async Task<StepOutcome> MakeAndDeliverAsync(Grant asked, CancellationToken cancellationToken)
    {
        var (ends, grant, warrant) = await AskWarrantAsync(asked, cancellationToken);
        if (ends is { } ended) return ended;

        var state = grant.State;
        var password = Passwords.New();
        var order = new RoleOrder(
            state.Installation, state.Id, state.Target, state.Role!, state.Scope, state.Window!.Expiry, state.Step.DueAt!.Value)
        {
            AgreedPlan = state.Asking?.Plan?.Hash,
        };
        switch (await roles.MakeAsync(order, password, cancellationToken))
        {
            case RoleMaking.NameTaken:
                await ChangeMineAsync(grant, mine => mine.ForgetRole(clock.GetUtcNow()), cancellationToken);
                return StepOutcome.Postponed;

            case RoleMaking.Impossible { Why: var why }:
                return await AbandonAsync(grant, why.Message, cancellationToken);

            case RoleMaking.NotNow { Why: var why }:
                return await PostponeAsync(grant, why.Message, null);

            case RoleMaking.Differs:
                return await CompareAsync(grant, cancellationToken);

            case RoleMaking.Made made:
                var plan = await told.ToTellAsync(made.Plan, cancellationToken);
                var (known, outcome) =
                    await ChangeMineAsync(grant, mine => seal.Keep(mine, own => own.RoleMade(made.Oid, plan, clock.GetUtcNow(),
                        new Door(made.Host, made.Port, made.SslMode))), cancellationToken);
                if (outcome.Refusal is not null) return await LostAsync(known, cancellationToken);
                await told.NoteAsync(plan, cancellationToken);

                var credential =
                    new Credential(known.State.Role!, password, made.Host, made.Port, known.State.Target.Database, made.SslMode)
                    { ExtendBy = GrantPasswords.MoreTime(policies.Current, known.State), Again = known.State.Step.Attempts > 1 }
                    .As(warrant?.Connect);
                return await DeliverAsync(known, credential, cancellationToken);

            default:
                throw new InvalidOperationException("A making ends in one of its five ways.");
        }
    }

    /// <summary>
    /// It would give something else than was agreed to. More: those who decide are asked again, and nothing of the role is left meanwhile.
    /// Less: that is given, and said.
    /// </summary>
    private async Task<StepOutcome> CompareAsync(Grant grant, CancellationToken cancellationToken)
    {
        var state = grant.State;
        var looked = await asking.PlanAsync(state.Installation, state.Target, state.Scope, cancellationToken);
        if (looked.Refusal is { } why) return await PostponeAsync(grant, why.Message, null);

        var (plan, agreed) = (looked.Value, state.Asking!.Plan!);

        // It was another one a moment ago: the databases are being changed.
        if (plan.Hash == agreed.Hash) return await PostponeAsync(grant, "what it gives is changing right now", null);

        var more = agreed.MoreIn(plan);
        if (more.Count == 0)
        {
            var (_, shrunk) = await ChangeMineAsync(grant, mine => seal.Keep(mine, own => own.Shrank(plan, clock.GetUtcNow())),
                cancellationToken);
            return shrunk.Refusal is null ? await PostponeAsync(grant, "it gives less than was agreed to", TimeSpan.Zero)
                : StepOutcome.Nothing;
        }

        // An earlier try may have made it.
        var removal = await roles.RemoveAsync(RoleToRemove.Of(state, state.Role!), cancellationToken);
        if (removal is not RoleRemoval.Gone) return await PostponeAsync(grant, "it would give more than was agreed to", null);

        var (_, outcome) = await ChangeMineAsync(
            grant, mine => seal.Keep(mine, own => own.AskAgain(plan, more, clock.GetUtcNow())), cancellationToken);
        if (outcome.Refusal is null)
            log.LogWarning("{Grant} would give more than was agreed to ({More} things) and is asked again", grant.Id.ToString(),
                more.Count);
        return outcome.Refusal is null ? StepOutcome.Told : StepOutcome.Nothing;
    }

    private async Task<StepOutcome> DeliverAsync(Grant grant, Credential credential, CancellationToken cancellationToken)
    {
        switch (await delivery.DeliverAsync(grant, credential, cancellationToken))
        {
            case Delivery.Undeliverable { Why: var why }:
                return await AbandonAsync(grant, $"the credentials could not be delivered: {why}", cancellationToken);

            case Delivery.Unknown { Why: var why, RetryAfter: var pause }:
                return await PostponeAsync(grant, $"delivery: {why}", pause);

            case Delivery.Shown:
                return await ActivateAsync(grant, null);

            case Delivery.Delivered { Message: var message }:
                return await ActivateAsync(grant, message);

            default:
                throw new InvalidOperationException("A delivery ends in one of its four ways.");
        }
    }

    private async Task<StepOutcome> ActivateAsync(Grant grant, MessageRef? message)
    {
        // The message is out: a shutdown in this moment must not lose the fact.
        var (active, outcome) = await ChangeMineAsync(
            grant, mine => seal.Keep(mine, own => own.Activate(message, clock.GetUtcNow())), CancellationToken.None);
        if (outcome.Refusal is not null) return await LostAsync(active, CancellationToken.None, delivered: true, message);

        Telemetry.Give.Record((clock.GetUtcNow() - active.State.CreatedAt).TotalSeconds);
        Telemetry.Step("given");
        log.LogInformation("{Grant} is active: role {Role} on {Database} until {Expiry:O}", active.Id.ToString(),
            active.State.Role!.Value, active.State.Target.Name.Value, active.State.Window!.Expiry);
        // The message that it was shown from says from now on until when.
        if (message is null && active.State.CredentialsMessage is { } shownFrom)
            await delivery.UpdateAsync(active.State, shownFrom, GrantPasswords.MoreTime(policies.Current, active.State),
                CancellationToken.None);
        return StepOutcome.Given;
    }

    /// <summary>
    /// Somebody gave the grant back or revoked it while we were busy: what was made is undone at once. If another worker has it, that
    /// worker does.
    /// </summary>
    private async Task<StepOutcome> LostAsync(
        Grant grant, CancellationToken cancellationToken, bool delivered = false, MessageRef? message = null)
    {
        if (grant.State.AbandonedBecause is null) return StepOutcome.Nothing;

        var (mine, _) = await ChangeMineAsync(
            grant,
            lost =>
            {
                if (delivered) _ = lost.DeliveredInVain(message, clock.GetUtcNow());
                return lost.StepFailed("abandoned while it was being made", clock.GetUtcNow(), TimeSpan.Zero);
            },
            cancellationToken);
        return await UndoAsync(mine, cancellationToken);
    }

    private async Task<StepOutcome> AbandonAsync(Grant grant, string why, CancellationToken cancellationToken)
    {
        var (abandoned, outcome) = await store.ChangeAsync(
            grant,
            mine =>
            {
                var given = mine.Abandon(why, By, clock.GetUtcNow());
                return given.Refusal is null ? mine.StepFailed("abandoned", clock.GetUtcNow(), TimeSpan.Zero) : given;
            },
            cancellationToken);
        return outcome.Refusal is null ? await UndoAsync(abandoned, cancellationToken) : StepOutcome.Nothing;
    }

    private async Task<StepOutcome> UndoAsync(Grant grant, CancellationToken cancellationToken)
    {
        if (grant.BeginUndo(clock.GetUtcNow(), Lease).Refusal is not null) return StepOutcome.Nothing;
        if (await store.SaveAsync(grant, cancellationToken) is SaveOutcome.LostRace) return StepOutcome.Nothing;

        RemovalReceipt? receipt = null;
        if (grant.State.Role is { } role)
        {
            RoleRemoval removal;
            try
            {
                removal = await roles.RemoveAsync(RoleToRemove.Of(grant.State, role), cancellationToken);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogError(failure, "Undoing {Grant} failed", grant.Id.ToString());
                return await PostponeAsync(grant, failure.GetType().Name, null);
            }

            if (removal is RoleRemoval.NotNow { Why: var why }) return await PostponeAsync(grant, why.Message, null);
            if (removal is RoleRemoval.LockedOut { Blockers: var blockers })
                return await PostponeAsync(grant, Show.Together(blockers), null);
            receipt = ((RoleRemoval.Gone)removal).Receipt;
        }

        var (failed, outcome) = await ChangeMineAsync(grant, mine => mine.Fail(receipt, clock.GetUtcNow()), CancellationToken.None);
        if (outcome.Refusal is not null) return StepOutcome.Nothing;

        Telemetry.Step("failed");
        log.LogWarning("{Grant} could not be given: {Why}", grant.Id.ToString(), failed.State.AbandonedBecause);
        return StepOutcome.Failed;
    }

    private async Task<StepOutcome> PostponeAsync(Grant grant, string why, TimeSpan? pause)
    {
        await ChangeMineAsync(grant, mine => mine.StepFailed(why, clock.GetUtcNow(), pause), CancellationToken.None);
        Telemetry.Step("give_postponed");
        log.LogWarning("{Grant} is not given yet (try {Attempt}): {Why}", grant.Id.ToString(), grant.State.Step.Attempts, why);
        return StepOutcome.Postponed;
    }

    private Task<(Grant Grant, Result Outcome)> ChangeMineAsync(
        Grant grant, Func<Grant, Result> change, CancellationToken cancellationToken)
    {
        var lease = grant.State.Step;
        return store.ChangeAsync(grant, change, cancellationToken, newest => newest.Step.IsStill(lease));
    }
}
