using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Steps;

/// <summary>Takes access away, and goes on until it is proved gone. Nothing here gives up.</summary>
internal sealed class GrantRemoving(
    IGrantStore store, GrantSeal seal, GrantAsking asking, GrantPasswords passwords, IRoleAdministrator roles,
    IRoleInventory inventory, TimeProvider clock, ILogger<GrantRemoving> log)
{
    /// <summary>How long a worker has; whoever comes later takes over, and does no harm if the first is still busy.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    public async Task<StepOutcome> RemoveAsync(Grant grant, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (grant.Status is GrantStatus.Active && await WhileActiveAsync(grant, now, cancellationToken) is { } other) return other;

        // One write says both: access is being taken away, and by whom.
        if (grant.BeginRemoval(now, Lease).Refusal is not null) return StepOutcome.Nothing;
        if (await store.SaveAsync(grant, cancellationToken) is SaveOutcome.LostRace) return StepOutcome.Nothing;

        var state = grant.State;
        if (!state.Role!.IsOf(state.Installation, grant.Id))
            log.LogError("{Grant} has a role on record that was never its own, and that is left alone: somebody changed its record",
                grant.Id.ToString());
        var removal = await TryRemoveAsync(RoleToRemove.Of(state, state.Role), cancellationToken);
        now = clock.GetUtcNow();
        var (_, outcome) = await store.ChangeAsync(
            grant,
            mine => removal switch
            {
                RoleRemoval.Gone gone => mine.End(gone.Receipt, now),
                RoleRemoval.LockedOut locked => mine.Quarantine(locked.Receipt, locked.Blockers, now),
                RoleRemoval.NotNow notNow => mine.StepFailed(notNow.Why.Message, now, cancellationToken.IsCancellationRequested
                    ? TimeSpan.Zero : null, notNow.SoFar),
                _ => throw new InvalidOperationException("A removal ends in one of its three ways."),
            },
            CancellationToken.None,
            newest => newest.Step.IsStill(state.Step));
        if (outcome.Refusal is not null) return StepOutcome.Nothing;

        var step = Tell(state, removal);
        if (step is StepOutcome.Ended && state.Scope.NarrowedTo.Count > 0) await DropScopeAsync(state, cancellationToken);
        return step;
    }

    /// <summary>What else may be due of it; null when its time is over, and then that is on it.</summary>
    private async Task<StepOutcome?> WhileActiveAsync(Grant grant, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (!grant.State.Window!.IsOver(now))
        {
            if (grant.State.EndMoved) return await MoveEndAsync(grant, cancellationToken);
            if (grant.State.Password is not null) return await passwords.RenewAsync(grant, cancellationToken);
            if (GrantAsking.IsDue(grant, now)) return await asking.StepAsync(grant, cancellationToken);
        }

        if (grant.Warn(now).Refusal is null)
            return await store.SaveAsync(grant, cancellationToken) is SaveOutcome.Saved ? StepOutcome.Told : StepOutcome.Nothing;
        if (grant.Expire(now).Refusal is null) return null;

        if (grant.Rest(now).Refusal is null) await store.SaveAsync(grant, cancellationToken);
        return StepOutcome.Nothing;
    }

    private StepOutcome Tell(GrantSnapshot state, RoleRemoval removal)
    {
        switch (removal)
        {
            case RoleRemoval.Gone { Receipt: var receipt }:
                var overrun = receipt.LastSessionGoneAt - state.Window!.Expiry;
                if (state.EndReason is EndReason.Expired) Telemetry.Overrun.Record(Math.Max(0, overrun.TotalSeconds));
                Telemetry.Step("ended");
                log.LogInformation("{Grant} has ended ({Reason}): role {Role} is gone, {Sessions} sessions cut", state.Id.ToString(),
                    state.EndReason, state.Role!.Value, receipt.SessionsEnded);
                return StepOutcome.Ended;

            case RoleRemoval.LockedOut { Blockers: var blockers }:
                Telemetry.Step("quarantined");
                log.LogError("{Grant}: role {Role} is locked out but cannot be removed yet (try {Attempt}): {Blockers}",
                    state.Id.ToString(), state.Role!.Value, state.Step.Attempts, Show.Together(blockers));
                return StepOutcome.Quarantined;

            default:
                Telemetry.Step("take_postponed");
                log.LogError("{Grant}: role {Role} could not be removed (try {Attempt}), tried again: {Why}", state.Id.ToString(),
                    state.Role!.Value, state.Step.Attempts, ((RoleRemoval.NotNow)removal).Why.Message);
                return StepOutcome.Postponed;
        }
    }

    /// <summary>
    /// The server is to keep the later end that is on record; until it does, it turns new logins away at the earlier one.
    /// </summary>
    private async Task<StepOutcome> MoveEndAsync(Grant grant, CancellationToken cancellationToken)
    {
        var (state, expiry) = (grant.State, grant.State.Window!.Expiry);
        if (!seal.IsOurs(grant) || !(expiry <= grant.LatestEnd)) return await DistrustAsync(grant, cancellationToken);

        Result moved;
        try
        {
            moved = await roles.MoveEndAsync(RoleToRemove.Of(state, state.Role!), expiry, cancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogError(failure, "The end of {Grant} could not be moved", grant.Id.ToString());
            moved = new Error("postgres.fault", failure.GetType().Name);
        }

        var now = clock.GetUtcNow();
        await store.ChangeAsync(
            grant, mine => moved.Refusal is { } why ? mine.StepFailed(why.Message, now) : mine.EndKept(expiry, now),
                CancellationToken.None);
        if (moved.Refusal is null) return StepOutcome.Told;

        log.LogWarning("{Grant} is longer on record than on the server, tried again: {Why}", grant.Id.ToString(), moved.Refusal.Message);
        return StepOutcome.Postponed;
    }

    /// <summary>A longer end that nobody decided on here: whoever can write to the store wrote it.</summary>
    private async Task<StepOutcome> DistrustAsync(Grant grant, CancellationToken cancellationToken)
    {
        log.LogError("{Grant} is longer on record than was decided, and ends: somebody changed its record", grant.Id.ToString());
        var (_, outcome) = await store.ChangeAsync(
            grant, mine => mine.Supersede("the record of it was changed by something else than DbAccess", clock.GetUtcNow()),
            cancellationToken);
        return outcome.Refusal is null ? StepOutcome.Postponed : StepOutcome.Nothing;
    }

    /// <summary>
    /// A scope that was narrowed for this grant is nobody else's. Access is over already: what does not work here is left to
    /// reconciliation.
    /// </summary>
    private async Task DropScopeAsync(GrantSnapshot state, CancellationToken cancellationToken)
    {
        try
        {
            var dropped = await inventory.DropUnusedAsync(state.Installation, state.Target, state.Scope, cancellationToken);
            if (dropped.Refusal is { } why)
                log.LogInformation("{Grant}: its scope role stays for now: {Why}", state.Id.ToString(), why.Message);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogWarning(failure, "{Grant}: its scope role could not be dropped", state.Id.ToString());
        }
    }

    private async Task<RoleRemoval> TryRemoveAsync(RoleToRemove role, CancellationToken cancellationToken)
    {
        using var leased = new Deadline(Lease - TimeSpan.FromSeconds(10), clock, cancellationToken);
        try
        {
            var removal = await roles.RemoveAsync(role, leased.Token);
            return removal is RoleRemoval.NotNow cut && leased.Token.IsCancellationRequested ? cut with { Why = CutOff() } : removal;
        }
        catch (OperationCanceledException)
        {
            return new RoleRemoval.NotNow(CutOff());
        }
        catch (Exception failure)
        {
            log.LogError(failure, "Removing role {Role} failed", role.Role.Value);
            return new RoleRemoval.NotNow(new("removal.fault", failure.GetType().Name));
        }

        Error CutOff() => cancellationToken.IsCancellationRequested
            ? new("removal.handed_over", "handed over: the process is stopping")
            : new("removal.too_slow", "it took longer than a worker's lease");
    }
}
