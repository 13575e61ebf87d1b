using DbAccess.Domain.Approvals;
using DbAccess.Domain.Principals;

namespace DbAccess.Domain.Grants;

/// <summary>What was taken in an emergency is looked at afterwards.</summary>
public sealed partial class Grant
{
    /// <summary>Somebody who may says whether it was all right; either answer settles it.</summary>
    /// <param name="why">What was not; null when it was all right.</param>
    public Result Review(Decider by, string? why, DateTimeOffset now)
    {
        if (State.Review is not { Since: not null } owed) return GrantErrors.NoReview(Id);
        if (!owed.IsOwed) return GrantErrors.Reviewed(Id, owed.Called!);
        if (by.Id == State.Requester || by.Id == Asker) return ApprovalErrors.Own();
        if (!owed.Reviewers.Of.Any(by.Groups.Contains))
            return owed.Reviewers.Of.Where(by.Unreadable.Contains).ToList() is { Count: > 0 } unclear
                ? ApprovalErrors.Unclear(unclear) : ApprovalErrors.NotApprover(owed.Reviewers);

        Record(why is null ? "grant.reviewed" : "grant.review_bad", new Actor.Person(by.Id), now, why);
        State = State with
        {
            Review = owed with { By = by.Id, Called = by.Called, At = now, AllRight = why is null, Why = why },
            Card = Card.Redraw(now, CardLine.Settled),
        };
        if (why is not null) Owe(NoticeKind.ReviewBad, now);
        return Result.Done;
    }

    /// <summary>Nobody has looked at it in time: administrators are told.</summary>
    public Result Escalate(DateTimeOffset now)
    {
        if (State.Review?.LateAt is not { } late || late > now) return GrantErrors.Nothing(Id);

        Record("grant.review_late", new Actor.Sweep(), now, null);
        State = State with { Review = State.Review! with { Escalated = true, ToldAt = now }, Card = Card.Redraw(now, CardLine.Reminder) };
        Owe(NoticeKind.ReviewLate, now);
        return Result.Done;
    }

    /// <summary>A worker takes the drawing of the card for <paramref name="lease"/>.</summary>
    public Result BeginDrawing(DateTimeOffset now, TimeSpan lease)
    {
        if (State.Card?.DueAt is not { } due || due > now) return GrantErrors.Nothing(Id);

        State = State with { Card = Card with { DueAt = now + lease, Attempts = Card.Attempts + 1 } };
        return Result.Done;
    }

    /// <summary>What was drawn of the card, and what is left to be drawn.</summary>
    /// <param name="again">At least how long until it is tried again; null when what is shown is true.</param>
    /// <param name="trouble">Why somebody could not be asked, for administrators.</param>
    /// <param name="leasedUntil">As <see cref="BeginDrawing"/> left it.</param>
    public Result Drawn(
        IReadOnlyList<CardRef> refs, IReadOnlyList<CardLine> said, bool direct, TimeSpan? again, string? trouble,
        DateTimeOffset? leasedUntil, DateTimeOffset now)
    {
        if (State.Card is not { } card) return GrantErrors.Nothing(Id);

        // What has changed since is drawn anew.
        var next = card.DueAt != leasedUntil ? card.DueAt : again is { } pause ? now + Longer(pause, Patiently.After(card.Attempts)) : null;

        // Somebody else drew meanwhile, since this took longer than its lease: their messages are there too.
        refs = [.. refs, .. card.Refs.Where(other => refs.All(mine => mine.Message != other.Message))];
        var lost = trouble is not null && card.Trouble is null;
        State = State with
        {
            Card = card with
            {
                Refs = refs, Lines = [.. card.Lines.Except(said)], Direct = card.Direct || direct, Trouble = trouble ?? card.Trouble,
                DueAt = next, Attempts = again is null ? 0 : card.Attempts,
            },
        };
        if (lost) Owe(NoticeKind.CardLost, now);
        return Result.Done;
    }

    private static TimeSpan Longer(TimeSpan one, TimeSpan other) => one > other ? one : other;

    /// <summary>Somebody asks to see the card anew, since a message of it is gone.</summary>
    public Result Resend(DateTimeOffset now)
    {
        if (State.Card is not { } card) return GrantErrors.Nothing(Id);

        State = State with { Card = (card with { Refs = [], Trouble = null, Direct = false }).Redraw(now) };
        return Result.Done;
    }
}
