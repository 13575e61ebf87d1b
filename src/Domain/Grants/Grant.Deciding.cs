using DbAccess.Domain.Approvals;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Grants;

/// <summary>Somebody who decides, as the directory knows them at this moment.</summary>
/// <param name="Called">For reading, never for deciding.</param>
/// <param name="Unreadable">Groups of which nobody can say now whether they are in them.</param>
public sealed record Decider(
    PrincipalId Id, string Called, IReadOnlySet<string> Groups, IReadOnlySet<string> Unreadable, string PolicyHash)
{
    /// <summary>When they said it; null for now. It may be done later, and again.</summary>
    public DateTimeOffset? SaidAt { get; init; }
}

/// <summary>What people decide about a grant: of its beginning while it is pending, of its extension while it is active.</summary>
public sealed partial class Grant
{
    /// <summary>True while approvers are asked: for access, or for more time.</summary>
    public bool IsAsking => Status is GrantStatus.Pending || (Status is GrantStatus.Active && State is { ExtendBy: not null,
        Asking: not null });

    /// <summary>Who asked, and may take it back before it is given.</summary>
    public PrincipalId Asker => State.AskedBy ?? State.Requester;

    /// <summary>The databases were looked at: this is what approvers are asked to allow.</summary>
    public Result Planned(AgreedPlan plan, DateTimeOffset now)
    {
        if (!IsAsking || State.Asking is not { Plan: null } asking) return GrantErrors.Nothing(Id);

        Record("grant.planned", new Actor.Sweep(), now, $"{plan.Summary} (plan {plan.Hash})");
        Ask(asking with { Plan = plan, StageSince = now }, now, null);
        Step = Step.At(Step.DueAt!.Value);
        return Result.Done;
    }

    /// <summary>The databases cannot be looked at now: the card says so, and it is tried again.</summary>
    public Result NotPlanned(string why, DateTimeOffset now)
    {
        if (!IsAsking || State.Asking is not { Plan: null }) return GrantErrors.Nothing(Id);

        Record("grant.step_failed", new Actor.Sweep(), now, why);
        if (Step.Attempts == 0) State = State with { Card = Card.Redraw(now) };
        Step = Step with { Attempts = Step.Attempts + 1, Trouble = why };
        Step = Step with { DueAt = Sooner(now + Patiently.After(Step.Attempts), State.Asking!.LapsesAt) };
        return Result.Done;
    }

    /// <summary>One yes. The last that is missing gives it.</summary>
    public Result Agree(Decider by, DateTimeOffset now)
    {
        if (MayNotDecide(by, now) is { } refusal) return refusal;
        var asking = State.Asking!;
        if (asking.RefusalFor(by.Id, by.Groups, by.Unreadable) is { } mayNot) return mayNot;
        if (asking.Plan is not { } plan) return ApprovalErrors.NoPlan(Step.Trouble);
        // The card still shows what it gave before, or somebody answers what was asked before this.
        if (State.Card?.Lines.Contains(CardLine.Grew) is true || by.SaidAt < asking.AskedAt) return ApprovalErrors.CardChanged();

        var stage = asking.Stage!.Value;
        var after = asking.With(new Agreement(by.Id, by.Called, stage, now, by.PolicyHash, plan.Hash));
        var note = $"{ApprovalErrors.Words(asking.Stages[stage])} (plan {plan.Hash})";
        if (after.Stage is not null) Record("grant.agreed", new Actor.Person(by.Id), now, note);
        return Progress(after, new Actor.Person(by.Id), note, now);
    }

    /// <summary>One no ends it, from whoever is asked now or has agreed already.</summary>
    public Result Deny(Decider by, string why, DateTimeOffset now)
    {
        if (MayNotDecide(by, now) is { } refusal) return refusal;
        var asking = State.Asking!;
        if (asking.Agreements.All(agreement => agreement.By != by.Id)
            && asking.RefusalFor(by.Id, by.Groups, by.Unreadable) is { } mayNot) return mayNot;

        if (Status is GrantStatus.Active)
            return NotExtended("grant.extension_denied", new Actor.Person(by.Id), by.Called, why, now);
        var closed = Close(GrantStatus.Denied, [GrantStatus.Pending], "grant.denied", new Actor.Person(by.Id), now, why);
        if (closed.Refusal is null) Settle(NoticeKind.Denied, by.Called, why, now);
        return closed;
    }

    /// <summary>An approver would allow less. The full request stays open meanwhile.</summary>
    /// <param name="plan">Of the smaller scope.</param>
    public Result Offer(
        Decider by, PrivilegeScope scope, TimeSpan duration, AgreedPlan plan, string rule, DateTimeOffset now)
    {
        if (MayNotDecide(by, now) is { } refusal) return refusal;
        var asking = State.Asking!;
        if (asking.RefusalFor(by.Id, by.Groups, by.Unreadable) is { } mayNot) return mayNot;
        if (Status is not GrantStatus.Pending) return ApprovalErrors.OfferNotLess("an extension is allowed or denied as it is.");
        if (duration > State.Duration)
            return ApprovalErrors.OfferNotLess($"{Durations.Write(duration)} is longer than {Durations.Write(State.Duration)}.");
        if (duration == State.Duration && scope.InFull() == State.Scope.InFull())
            return ApprovalErrors.OfferNotLess("it is the same.");

        Record("grant.offered", new Actor.Person(by.Id), now,
            $"{scope.Name} for {Durations.Write(duration)}: {plan.Summary} (plan {plan.Hash})");
        var agreement = new Agreement(by.Id, by.Called, asking.Stage!.Value, now, by.PolicyHash, plan.Hash);
        Ask(asking with { Offer = new CounterOffer(scope, duration, plan, rule, agreement) }, now, CardLine.Offered);
        Owe(NoticeKind.Offered, now);
        return Result.Done;
    }

    /// <summary>
    /// The requester takes what was offered: from now on that is what is asked for, and the offer is the first yes to it.
    /// </summary>
    public Result AcceptOffer(PrincipalId by, DateTimeOffset now)
    {
        if (by != Asker && by != State.Requester) return GrantErrors.NotHolder(Id);
        if (Offered(now) is not { Offer: { } offer } asking) return ApprovalErrors.NoOffer();

        Record("grant.offer_accepted", new Actor.Person(by), now, null);
        // Who agreed to more of the same scope agreed to less of it; another scope is another question.
        IReadOnlyList<Agreement> kept = offer.Scope.Name == State.Scope.Name ? asking.Agreements : [];
        // Whoever offered it may have agreed to all of it since: one person fills one place.
        if (kept.All(agreement => agreement.By != offer.Agreement.By)) kept = [.. kept, offer.Agreement];
        State = State with { Scope = offer.Scope, Duration = offer.Duration, Rule = offer.Rule };
        return Progress(asking with { Offer = null, Plan = offer.Plan, Agreements = kept, Grew = [] },
            new Actor.Person(offer.Agreement.By), $"the offer was taken (plan {offer.Plan.Hash})", now);
    }

    /// <summary>The requester keeps asking for all of it.</summary>
    public Result DeclineOffer(PrincipalId by, DateTimeOffset now)
    {
        if (by != Asker && by != State.Requester) return GrantErrors.NotHolder(Id);
        if (Offered(now) is not { } asking) return ApprovalErrors.NoOffer();

        Record("grant.offer_declined", new Actor.Person(by), now, null);
        Ask(asking with { Offer = null }, now, null);
        return Result.Done;
    }

    /// <summary>The people who are asked now are to be reminded.</summary>
    public Result Remind(DateTimeOffset now)
    {
        if (!IsAsking || State.Asking is not { } asking || asking.RemindAt is not { } due || due > now || asking.LapsesAt <= now)
            return GrantErrors.Nothing(Id);

        Ask(asking with { Reminded = asking.Reminded + 1 }, now, CardLine.Reminder);
        return Result.Done;
    }

    /// <summary>Nobody decided in time.</summary>
    public Result Lapse(DateTimeOffset now)
    {
        if (IsAsking && State.Asking!.LapsesAt > now) return GrantErrors.WindowOpen(Id, State.Asking.LapsesAt);
        if (Status is GrantStatus.Active && IsAsking)
            return NotExtended("grant.extension_lapsed", new Actor.Sweep(), null, null, now);

        var closed = Close(GrantStatus.Lapsed, [GrantStatus.Pending], "grant.lapsed", new Actor.Sweep(), now, null);
        if (closed.Refusal is null) Settle(NoticeKind.Lapsed, null, null, now);
        return closed;
    }

    /// <summary>What somebody said who may not decide any more does not count while it is undecided.</summary>
    public Result Disregard(PrincipalId person, DateTimeOffset now)
    {
        if (!IsAsking || State.Asking!.Without(person, now) is not { } left) return GrantErrors.Nothing(Id);

        Record("grant.decision_dropped", new Actor.Sweep(), now, person.ToString());
        Ask(left, now, null);
        return Result.Done;
    }

    /// <summary>
    /// Making it would give more than was agreed to: those who decide are asked again, with the difference. No role of it exists.
    /// </summary>
    public Result AskAgain(AgreedPlan plan, IReadOnlyList<string> grew, DateTimeOffset now)
    {
        if (State.AbandonedBecause is { } why) return GrantErrors.Abandoned(Id, why);
        if (State.Asking is not { } asking) return GrantErrors.Nothing(Id);

        var moved = Move(GrantStatus.Pending, LeftToGive, "grant.asked_again", new Actor.Sweep(), now,
            $"{Show.Together(grew.Take(20))} (plan {plan.Hash})");
        if (moved.Refusal is not null) return moved;

        State = State with { ApprovedAt = null, Role = null, RoleOid = null, Window = null, RevealBy = null, Password = null };
        Step = Step.At(now);
        Ask(asking.Again(plan, grew, now), now, CardLine.Grew);
        Owe(NoticeKind.AskedAgain, now);
        return Result.Done;
    }

    /// <summary>It would give less than was agreed to, or the same in other words: that is what is given.</summary>
    public Result Shrank(AgreedPlan plan, DateTimeOffset now)
    {
        if (Status is not GrantStatus.Provisioning || State.Asking is not { } asking) return GrantErrors.Nothing(Id);

        Record("grant.plan_shrank", new Actor.Sweep(), now, $"{plan.Summary} (plan {plan.Hash})");
        State = State with { Asking = asking with { Plan = plan, Shrank = true } };
        return Result.Done;
    }

    /// <summary>What the request rests on is gone before it was decided: the rule, the person, those who could decide.</summary>
    public Result Withdraw(string why, DateTimeOffset now)
    {
        if (Status is GrantStatus.Active && IsAsking) return NotExtended("grant.extension_withdrawn", new Actor.Sweep(), null, why, now);

        var closed = Close(GrantStatus.Cancelled, [GrantStatus.Pending], "grant.withdrawn", new Actor.Sweep(), now, why);
        if (closed.Refusal is not null) return closed;

        State = State with { EndReason = EndReason.Superseded };
        Settle(NoticeKind.Withdrawn, null, why, now);
        return closed;
    }

    /// <summary>Why this person may not decide about it now; null when they may.</summary>
    public Error? RefusalFor(Decider by, DateTimeOffset now) =>
        MayNotDecide(by, now) ?? State.Asking!.RefusalFor(by.Id, by.Groups, by.Unreadable);

    /// <summary>Somebody pressed something on a card that is not true any more.</summary>
    public Result Redraw(DateTimeOffset now)
    {
        if (State.Card is not { Refs.Count: > 0, DueAt: null } card) return GrantErrors.Nothing(Id);

        State = State with { Card = card.Redraw(now) };
        return Result.Done;
    }

    private ApprovalCard Card => State.Card ?? new ApprovalCard();

    /// <summary>What is asked, with an offer that can still be answered; null when there is none.</summary>
    private Asking? Offered(DateTimeOffset now) =>
        Status is GrantStatus.Pending && State.Asking is { Offer: not null } asking && asking.LapsesAt > now ? asking : null;

    private Error? MayNotDecide(Decider by, DateTimeOffset now)
    {
        if (by.Id == State.Requester || by.Id == Asker) return ApprovalErrors.Own();
        if (!IsAsking || State.Asking is null)
            return Status is GrantStatus.Active or GrantStatus.Approved or GrantStatus.Provisioning
                ? ApprovalErrors.Decided() : GrantErrors.CannotMove(Id, Status, GrantStatus.Approved);
        return State.Asking.LapsesAt <= now ? GrantErrors.CannotMove(Id, GrantStatus.Lapsed, GrantStatus.Approved) : null;
    }

    /// <summary>With what was just said: complete, or the next to decide are asked.</summary>
    private Result Progress(Asking asking, Actor by, string note, DateTimeOffset now)
    {
        if (asking.Stage is { } stage)
        {
            Ask(asking, now, stage == State.Asking!.Stage ? null : CardLine.NextStage);
            return Result.Done;
        }

        // Whichever is complete first wins: an offer that was not taken by then is void.
        State = State with { Asking = asking with { Offer = null }, Card = Card.Redraw(now, CardLine.Settled) };
        if (Status is GrantStatus.Active) return Lengthen(by, note, now);

        var moved = Move(GrantStatus.Approved, [GrantStatus.Pending], "grant.approved", by, now, note);
        if (moved.Refusal is not null) return moved;

        State = State with { ApprovedAt = now };
        Step = Step.At(State.StartsAt > now ? State.StartsAt.Value : now);
        return moved;
    }

    private void Ask(Asking asking, DateTimeOffset now, CardLine? line)
    {
        if (Status is GrantStatus.Pending) asking = InTime(asking, State.StartsAt + State.Duration);
        State = State with { Asking = asking, Card = Card.Redraw(now, line) };
        Step = Step.Move(NextStep(State, now));
    }

    /// <summary>What is over by then is decided before, or not at all.</summary>
    private static Asking InTime(Asking asking, DateTimeOffset? end) =>
        end is { } over && asking.LapsesAt > over ? asking with { LapsesAt = over } : asking;

    private static DateTimeOffset NextStep(GrantSnapshot state, DateTimeOffset now) =>
        state.Status is GrantStatus.Active ? NextInActive(state) : NextWhileAsking(state.Asking!, now);

    private static DateTimeOffset NextWhileAsking(Asking asking, DateTimeOffset now) =>
        asking.Plan is null ? now : asking.RemindAt is { } remind && remind < asking.LapsesAt ? remind : asking.LapsesAt;

    private void Settle(NoticeKind notice, string? by, string? why, DateTimeOffset now)
    {
        State = State with { EndedBy = by, EndNote = why };
        if (State.Asking is not null) State = State with { Card = Card.Redraw(now, CardLine.Settled) };
        Owe(notice, now);
    }
}
