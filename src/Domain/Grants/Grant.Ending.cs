using DbAccess.Domain.Principals;

namespace DbAccess.Domain.Grants;

/// <summary>How access that was given ends: for what reason, and until it is proved gone.</summary>
public sealed partial class Grant
{
    /// <summary>The clock ends it.</summary>
    public Result Expire(DateTimeOffset now)
    {
        if (Status is GrantStatus.Active && !State.Window!.IsOver(now)) return GrantErrors.WindowOpen(Id, State.Window.Expiry);

        return BeginRevoking(EndReason.Expired, new Actor.Sweep(), null, null, now);
    }

    /// <summary>Its holder gives it back. While the role is still being made, the making is given up instead.</summary>
    public Result Return(PrincipalId by, DateTimeOffset now)
    {
        if (by != State.Requester && (by != Asker || Status is not GrantStatus.Pending)) return GrantErrors.NotHolder(Id);
        if (Status is GrantStatus.Pending) return Cancel(by, now);
        if (LeftToGive.Contains(Status)) return Abandon("its holder gave it back before it was ready", new Actor.Person(by), now);

        return BeginRevoking(EndReason.Returned, new Actor.Person(by), null, null, now);
    }

    /// <summary>
    /// Someone else ends it early. Who may do that was checked before. While the role is still being made, the making is given up instead.
    /// </summary>
    /// <param name="called">What that person is called, so that the holder knows whom to ask.</param>
    public Result Revoke(Actor by, string why, DateTimeOffset now, string? called = null)
    {
        if (by is Actor.Person { Id: var person } && person == State.Requester) return GrantErrors.OwnGrant(Id);
        if (Status is GrantStatus.Pending)
        {
            var closed = Close(GrantStatus.Denied, [GrantStatus.Pending], "grant.denied", by, now, why);
            if (closed.Refusal is null) Settle(NoticeKind.Denied, called, why, now);
            return closed;
        }

        if (LeftToGive.Contains(Status)) return Abandon($"revoked{(called is null ? "" : $" by {called}")}: {why}", by, now);

        return BeginRevoking(EndReason.Revoked, by, why, called, now);
    }

    /// <summary>The policy or the person it rested on is gone.</summary>
    public Result Supersede(string why, DateTimeOffset now) => BeginRevoking(EndReason.Superseded, new Actor.Sweep(), why, null, now);

    /// <summary>A worker takes the removal for <paramref name="lease"/>.</summary>
    public Result BeginRemoval(DateTimeOffset now, TimeSpan lease)
    {
        if (!LeftToRemove.Contains(Status)) return GrantErrors.Nothing(Id);
        if (Step.IsHeld(now)) return GrantErrors.LeaseHeld(Id);

        Step = Step.Lease(now, lease);
        return Result.Done;
    }

    /// <summary>Locked out and without sessions, but not clean. Tried again after a pause that grows to an hour, for ever.</summary>
    public Result Quarantine(RemovalReceipt receipt, IReadOnlyList<string> blockers, DateTimeOffset now)
    {
        var first = Status is GrantStatus.Revoking;
        var moved = Move(GrantStatus.Quarantined, LeftToRemove, first ? "grant.quarantined" : "grant.still_quarantined", new Actor.Sweep(),
            now, Show.Together(blockers));
        if (moved.Refusal is not null) return moved;

        State = State with { Receipt = receipt.After(State.Receipt).Against(State.Window), Blockers = blockers };
        Step = Step.Postpone(now + Patiently.After(Step.Attempts)) with { Since = null };
        if (first) Owe(NoticeKind.Ended, now);
        return moved;
    }

    /// <summary>Gone, and proved.</summary>
    public Result End(RemovalReceipt proof, DateTimeOffset now)
    {
        if (proof.ProvedAt is null) throw new ArgumentException("A grant ends only with proof.", nameof(proof));

        var closed = Close(GrantStatus.Ended, LeftToRemove, "grant.ended", new Actor.Sweep(), now, null);
        if (closed.Refusal is not null) return closed;

        State = State with { Receipt = proof.After(State.Receipt).Against(State.Window), Blockers = [] };
        // Who was told that the role is only locked out is told of the proof as well.
        if (!Owed.Kinds.Contains(NoticeKind.Ended)) Owe(NoticeKind.Ended, now);
        return closed;
    }

    private Result BeginRevoking(EndReason reason, Actor by, string? note, string? called, DateTimeOffset now)
    {
        var moved = Move(GrantStatus.Revoking, [GrantStatus.Active], "grant.revoking", by, now, note is null
            ? reason.ToString() : $"{reason}: {note}");
        if (moved.Refusal is not null) return moved;

        State = State with { EndReason = reason, EndedBy = called, EndNote = note, ExtendBy = null, EndMoved = false };
        Step = Step.At(now) with { Since = reason is EndReason.Expired ? State.Window!.Expiry : now };
        ForgetNotices(now);
        if (State.Card is not null) State = State with { Card = Card.Redraw(now) };
        return moved;
    }
}
