using DbAccess.Domain.Approvals;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Roles;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Grants;

/// <summary>
/// The whole story of one time-boxed access, from asking to gone, and the only place where its status changes. Every method states its own
/// rule, answers with a refusal when the rule does not hold, and changes nothing then. Time comes in as an argument.
/// </summary>
public sealed partial class Grant
{
    /// <summary>
    /// How long after it was allowed a role may still be made. Later than that nobody expects it any more, and it fails instead.
    /// </summary>
    public static readonly TimeSpan ProvisioningPatience = TimeSpan.FromMinutes(15);

    /// <summary>A first try or two may meet a server that is just starting; after this many the person who waits is told why.</summary>
    private const int TellsOfDelayFrom = 3;

    /// <summary>After this long, what could not be told is left untold: the state has always said it.</summary>
    private static readonly TimeSpan NoticePatience = TimeSpan.FromDays(1);

    /// <summary>A blocker is usually gone soon or not for long.</summary>
    private static readonly Backoff Patiently = new(TimeSpan.FromSeconds(5), TimeSpan.FromHours(1));

    /// <summary>While a role may still be usable, the next try is never far: whatever was in the way may be mended at any moment.</summary>
    private static readonly Backoff Urgently = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30));

    /// <summary>While somebody waits for access.</summary>
    private static readonly Backoff Eagerly = new(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(15));

    private static readonly GrantStatus[] LeftToGive = [GrantStatus.Approved, GrantStatus.Provisioning];
    private static readonly GrantStatus[] LeftToRemove = [GrantStatus.Revoking, GrantStatus.Quarantined];

    private readonly List<GrantEvent> _newEvents = [];

    public Grant(GrantSnapshot snapshot) => State = snapshot;

    /// <summary>Everything the grant remembers, for stores, lists and messages.</summary>
    public GrantSnapshot State { get; private set; }

    public GrantId Id => State.Id;

    public GrantStatus Status => State.Status;

    /// <summary>What happened since the grant was loaded; a store writes it together with the state.</summary>
    public IReadOnlyList<GrantEvent> NewEvents => _newEvents;

    /// <summary>True while people can still expect something of it: asked for, being made, or in use.</summary>
    public bool IsOpen => Status is GrantStatus.Pending or GrantStatus.Approved or GrantStatus.Provisioning or GrantStatus.Active;

    /// <summary>The store gave the grant its next version.</summary>
    public void Saved(long version)
    {
        State = State with { Version = version };
        _newEvents.Clear();
    }

    /// <summary>What was decided is sealed, so that nothing else is given than was decided here.</summary>
    public void SealWith(Func<string, string> seal) => State = State with { Seal = seal(GrantTerms.Of(State)) };

    /// <summary>Whoever asked changes their mind before a role is made, or about having it longer.</summary>
    public Result Cancel(PrincipalId by, DateTimeOffset now)
    {
        if (by != State.Requester && by != Asker) return GrantErrors.NotHolder(Id);
        if (Status is GrantStatus.Active && IsAsking)
            return NotExtended("grant.extension_cancelled", new Actor.Person(by), null, "taken back", now);

        var closed = Close(
            GrantStatus.Cancelled, [GrantStatus.Pending, GrantStatus.Approved], "grant.cancelled", new Actor.Person(by), now, null);
        if (closed.Refusal is null && State.Asking is not null) State = State with { Card = Card.Redraw(now, CardLine.Settled) };
        return closed;
    }

    /// <summary>
    /// A worker takes the making of the role for <paramref name="lease"/>: the role's name and its end go on record before anything happens
    /// in PostgreSQL. Again after a lease that ran out; then the name stays and the window starts anew, since nobody had the credentials
    /// yet.
    /// </summary>
    public Result BeginProvisioning(RoleName freshName, DateTimeOffset now, TimeSpan lease)
    {
        if (Status is GrantStatus.Provisioning && State.Leased && State.StepDueAt > now) return GrantErrors.LeaseHeld(Id);
        if (State.AbandonedBecause is { } why) return GrantErrors.Abandoned(Id, why);
        if (LeftToGive.Contains(Status) && GivenFrom + ProvisioningPatience <= now) return GrantErrors.TooLate(Id);
        if (State.StartsAt is { } start && start > now) return GrantErrors.NotStarted(Id, start);
        if (Status is GrantStatus.Approved && State is { RevealBy: not null, Password: null }) return GrantErrors.NoPasswordYet(Id);

        var moved = Move(GrantStatus.Provisioning, LeftToGive, "grant.provisioning", new Actor.Sweep(), now);
        if (moved.Refusal is null)
        {
            State = State with
            {
                Role = State.Role ?? freshName,
                Window = new AccessWindow(now, (State.StartsAt ?? now) + State.Duration),
                StepDueAt = now + lease,
                Leased = true,
                Attempts = State.Attempts + 1,
            };
        }

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
        State = State with { Role = null, RoleOid = null, StepDueAt = now, Leased = false };
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
        if (moved.Refusal is null)
        {
            State = State with { CredentialsMessage = message ?? State.CredentialsMessage, Password = null };
            State = State with
            {
                StepDueAt = NextInActive(State), StepSince = NextInActive(State), Leased = false, Attempts = 0, Trouble = null,
            };
            ForgetNotices(now);
            // The rest of the card says from now on that it is given; a review is owed from this moment.
            if (State.Review is { } review) State = State with { Review = review with { Since = now } };
            if (State.Card is not null || State.Review is not null) State = State with { Card = Card.Redraw(now) };
        }

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

        // The undoing counts its own tries; a worker that holds the lease is recognised by the count, so then it stays.
        State = State with { AbandonedBecause = why, Attempts = State.Leased ? State.Attempts : 0 };
        // What was to begin later, or to be tried later, is over now.
        if (!State.Leased) State = State with { StepDueAt = now, StepSince = now };
        return Result.Done;
    }

    /// <summary>A worker takes the undoing of an abandoned making for <paramref name="lease"/>.</summary>
    public Result BeginUndo(DateTimeOffset now, TimeSpan lease)
    {
        if (!LeftToGive.Contains(Status)) return GrantErrors.CannotMove(Id, Status, GrantStatus.Failed);
        if (State.AbandonedBecause is null) return GrantErrors.NotAbandoned(Id);
        if (State.Leased && State.StepDueAt > now) return GrantErrors.LeaseHeld(Id);

        State = State with { StepDueAt = now + lease, Leased = true, Attempts = State.Attempts + 1 };
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
        Owe(NoticeKind.Failed, now, receipt);
        return closed;
    }

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
        if (State.Leased && State.StepDueAt > now) return GrantErrors.LeaseHeld(Id);

        State = State with { StepDueAt = now + lease, Leased = true, Attempts = State.Attempts + 1 };
        return Result.Done;
    }

    /// <summary>Locked out and without sessions, but not clean. Tried again after a pause that grows to an hour, for ever.</summary>
    public Result Quarantine(RemovalReceipt receipt, IReadOnlyList<string> blockers, DateTimeOffset now)
    {
        var first = Status is GrantStatus.Revoking;
        var moved = Move(GrantStatus.Quarantined, LeftToRemove, first ? "grant.quarantined" : "grant.still_quarantined", new Actor.Sweep(),
            now, Show.Together(blockers));
        if (moved.Refusal is not null) return moved;

        State = State with { Receipt = receipt.After(State.Receipt).Against(State.Window), Blockers = blockers, StepDueAt = now +
            Patiently.After(State.Attempts), StepSince = null, Leased = false };
        if (first) Owe(NoticeKind.Ended, now, null);
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
        if (!State.Notices.Contains(NoticeKind.Ended)) Owe(NoticeKind.Ended, now, null);
        return closed;
    }

    /// <summary>
    /// The present step did not succeed (network, server, a lost race): give the lease back and come again after a growing pause.
    /// </summary>
    /// <param name="soFar">What a removal had found and done until then; the next one does not find it again.</param>
    public Result StepFailed(string why, DateTimeOffset now, TimeSpan? retryAfter = null, RemovalReceipt? soFar = null)
    {
        if (State.StepDueAt is null) return GrantErrors.Nothing(Id);

        Record("grant.step_failed", new Actor.Sweep(), now, why);
        State = State with
        {
            StepDueAt = Sooner(now + (retryAfter ?? PauseAfterFailure(State)), Status is GrantStatus.Active ? State.Window!.Expiry : null),
            // Where no worker took it by a lease, nobody has counted it.
            Attempts = Status is GrantStatus.Active && !State.Leased ? State.Attempts + 1 : State.Attempts,
            Leased = false,
            Trouble = why,
            Receipt = soFar?.After(State.Receipt).Against(State.Window) ?? State.Receipt,
        };
        if (LeftToGive.Contains(Status) && State.AbandonedBecause is null && State.Attempts >= TellsOfDelayFrom && !State.ToldOfDelay)
        {
            State = State with { ToldOfDelay = true };
            Owe(NoticeKind.Delayed, now, null);
        }

        return Result.Done;
    }

    private static DateTimeOffset Sooner(DateTimeOffset one, DateTimeOffset? other) => other < one ? other.Value : one;

    private static TimeSpan PauseAfterFailure(GrantSnapshot state) => state switch
    {
        { Status: GrantStatus.Quarantined } => Patiently.After(state.Attempts),
        { AbandonedBecause: null } when LeftToGive.Contains(state.Status) => Eagerly.After(state.Attempts),
        _ => Urgently.After(state.Attempts),
    };

    private static DateTimeOffset NextInActive(GrantSnapshot state)
    {
        if (state.Password is { } asked) return asked.At;

        var next = Warnings.Next(state) ?? state.Window!.Expiry;
        if (state is not { ExtendBy: not null, Asking: { } asking }) return next;

        var ask = NextWhileAsking(asking, state.Window!.Start);
        return ask < next ? ask : next;
    }

    private Result BeginRevoking(EndReason reason, Actor by, string? note, string? called, DateTimeOffset now)
    {
        var moved = Move(GrantStatus.Revoking, [GrantStatus.Active], "grant.revoking", by, now, note is null
            ? reason.ToString() : $"{reason}: {note}");
        if (moved.Refusal is null)
        {
            var wanted = reason is EndReason.Expired ? State.Window!.Expiry : now;
            State = State with
            {
                EndReason = reason, EndedBy = called, EndNote = note, StepDueAt = now, StepSince = wanted, Leased = false, Attempts = 0,
                    Trouble = null, ExtendBy = null, EndMoved = false,
            };
            ForgetNotices(now);
            if (State.Card is not null) State = State with { Card = Card.Redraw(now) };
        }

        return moved;
    }

    private Result Close(GrantStatus to, GrantStatus[] from, string type, Actor by, DateTimeOffset now, string? note)
    {
        var moved = Move(to, from, type, by, now, note);
        if (moved.Refusal is null) State = State with { EndedAt = now, StepDueAt = null, StepSince = null, Leased = false };
        return moved;
    }

    private Result Move(GrantStatus to, GrantStatus[] from, string type, Actor by, DateTimeOffset now, string? note = null)
    {
        if (!from.Contains(Status)) return GrantErrors.CannotMove(Id, Status, to);

        Add(type, by, now, Status, to, note);
        State = State with { Status = to };
        return Result.Done;
    }

    private void Record(string type, Actor by, DateTimeOffset now, string? note) => Add(type, by, now, Status, Status, note);

    private void Add(string type, Actor by, DateTimeOffset now, GrantStatus from, GrantStatus to, string? note)
    {
        State = State with { Events = State.Events + 1 };
        _newEvents.Add(new GrantEvent(State.Events, now, type, by, from, to, note));
    }
}
