using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Grants;

/// <summary>How its role comes to be, or does not.</summary>
public sealed partial class Grant
{
    /// <summary>
    /// A worker takes the making of the role for <paramref name="lease"/>: the role's name and its end go on record before anything happens
    /// in PostgreSQL. Again after a lease that ran out; then the name stays and the window starts anew, since nobody had the credentials
    /// yet.
    /// </summary>
    public Result BeginProvisioning(RoleName freshName, DateTimeOffset now, TimeSpan lease)
    {
        if (Status is GrantStatus.Provisioning && Step.IsHeld(now)) return GrantErrors.LeaseHeld(Id);
        if (State.AbandonedBecause is { } why) return GrantErrors.Abandoned(Id, why);
        if (LeftToGive.Contains(Status) && GivenFrom + ProvisioningPatience <= now) return GrantErrors.TooLate(Id);
        if (State.StartsAt is { } start && start > now) return GrantErrors.NotStarted(Id, start);
        if (Status is GrantStatus.Approved && State is { RevealBy: not null, Password: null }) return GrantErrors.NoPasswordYet(Id);

        var moved = Move(GrantStatus.Provisioning, LeftToGive, "grant.provisioning", new Actor.Sweep(), now);
        if (moved.Refusal is not null) return moved;

        State = State with
        {
            Role = State.Role ?? freshName, Window = new AccessWindow(now, (State.StartsAt ?? now) + State.Duration),
        };
        Step = Step.Lease(now, lease);
        return moved;
    }

    /// <summary>From when on it was to be made; where its password is shown, from when that was asked for.</summary>
    private DateTimeOffset? GivenFrom => State.Password?.At ?? AllowedFrom;

    private DateTimeOffset? AllowedFrom => State.StartsAt > State.ApprovedAt ? State.StartsAt : State.ApprovedAt;

    /// <summary>
    /// The rule gives less by now than when it was decided: the window that a making has begun ends with the rule's longest, counted from
    /// when it was to begin. One that ends before that stays as it is.
    /// </summary>
    public Result Clamp(TimeSpan most, DateTimeOffset now)
    {
        if (Status is not GrantStatus.Provisioning || State.Window is not { } window) return GrantErrors.Nothing(Id);
        if (State.AbandonedBecause is { } why) return GrantErrors.Abandoned(Id, why);

        var end = (State.StartsAt ?? window.Start) + most;
        if (end <= now) return GrantErrors.TooLate(Id);
        if (window.Expiry <= end) return Result.Done;

        Record("grant.clamped", new Actor.Rule(State.Rule), now, Durations.Write(most));
        State = State with { Window = new AccessWindow(window.Start, end) };
        return Result.Done;
    }

    /// <summary>The name on record turned out to be somebody else's role: forget it, so that the next try draws another.</summary>
    public Result ForgetRole(DateTimeOffset now)
    {
        if (Status is not GrantStatus.Provisioning) return GrantErrors.Nothing(Id);

        Record("grant.role_name_taken", new Actor.Sweep(), now, State.Role?.Value);
        State = State with { Role = null, RoleOid = null };
        Step = Step.Postpone(now);
        return Result.Done;
    }

    /// <summary>The role exists. Known before the credentials go out, so that whoever comes after a crash can recognise it.</summary>
    public Result RoleMade(uint oid, PlanOnRecord plan, DateTimeOffset now, Door? door = null)
    {
        if (Status is not GrantStatus.Provisioning) return GrantErrors.Nothing(Id);
        if (State.AbandonedBecause is { } why) return GrantErrors.Abandoned(Id, why);

        Record("grant.role_made", new Actor.Sweep(), now, $"{State.Role} (oid {oid}): {plan.Summary} (plan {plan.Hash})");
        _newEvents[^1] = _newEvents[^1] with { Gives = plan.Gives };
        State = State with { RoleOid = oid, Plan = plan.Giving(null), Door = door };
        return Result.Done;
    }

    /// <summary>
    /// The credentials went out but access is not to be given any more: the message is remembered, so that it can be removed. Whoever had
    /// them for a moment had access, so a review of it is owed.
    /// </summary>
    /// <param name="message">That holds them; null where they were shown.</param>
    public Result DeliveredInVain(MessageRef? message, DateTimeOffset now)
    {
        if (State.AbandonedBecause is null) return GrantErrors.NotAbandoned(Id);

        State = State with { CredentialsMessage = message ?? State.CredentialsMessage };
        if (State.Review is { Since: null } review)
            State = State with { Review = review with { Since = now }, Card = Card.Redraw(now) };
        return Result.Done;
    }

    /// <summary>The holder has the credentials, or, where they are shown, had the chance.</summary>
    /// <param name="message">That holds them; null where they were shown and no message does.</param>
    public Result Activate(MessageRef? message, DateTimeOffset now)
    {
        if (State.AbandonedBecause is { } why) return GrantErrors.Abandoned(Id, why);

        var moved = Move(GrantStatus.Active, [GrantStatus.Provisioning], "grant.activated", new Actor.Sweep(), now);
        if (moved.Refusal is not null) return moved;

        State = State with { CredentialsMessage = message ?? State.CredentialsMessage, Password = null };
        Step = Step.At(NextInActive(State));
        ForgetNotices(now);
        // The rest of the card says from now on that it is given; a review is owed from this moment.
        if (State.Review is { } review) State = State with { Review = review with { Since = now } };
        if (State.Card is not null || State.Review is not null) State = State with { Card = Card.Redraw(now) };
        return moved;
    }

    /// <summary>
    /// Gives up making the role. From now on every try undoes what the earlier ones did, until <see cref="Fail"/> has proof that nothing is
    /// left.
    /// </summary>
    public Result Abandon(string why, Actor by, DateTimeOffset now)
    {
        if (!LeftToGive.Contains(Status)) return GrantErrors.CannotMove(Id, Status, GrantStatus.Failed);
        if (State.AbandonedBecause is not null) return Result.Done;

        Record("grant.abandoned", by, now, why);

        State = State with { AbandonedBecause = why };
        // What was to begin later, or to be tried later, is over now, and the undoing counts its own tries; a worker that holds the lease
        // is recognised by the count, so then it stays.
        if (!Step.Leased) Step = Step.Restart(now);
        return Result.Done;
    }

    /// <summary>A worker takes the undoing of an abandoned making for <paramref name="lease"/>.</summary>
    public Result BeginUndo(DateTimeOffset now, TimeSpan lease)
    {
        if (!LeftToGive.Contains(Status)) return GrantErrors.CannotMove(Id, Status, GrantStatus.Failed);
        if (State.AbandonedBecause is null) return GrantErrors.NotAbandoned(Id);
        if (Step.IsHeld(now)) return GrantErrors.LeaseHeld(Id);

        Step = Step.Lease(now, lease);
        return Result.Done;
    }

    /// <summary>The role could not be made and was proved absent.</summary>
    public Result Fail(RemovalReceipt? receipt, DateTimeOffset now)
    {
        if (LeftToGive.Contains(Status) && State.AbandonedBecause is null) return GrantErrors.NotAbandoned(Id);

        var closed = Close(GrantStatus.Failed, LeftToGive, "grant.failed", new Actor.Sweep(), now, State.AbandonedBecause);
        if (closed.Refusal is not null) return closed;

        // That it takes longer is no news any more.
        ForgetNotices(now);
        Owe(NoticeKind.Failed, now);
        State = State with { Receipt = receipt ?? State.Receipt };
        return closed;
    }
}
