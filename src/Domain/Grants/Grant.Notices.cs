using DbAccess.Domain.Principals;

namespace DbAccess.Domain.Grants;

/// <summary>What the holder is still to be told. None of it changes what the grant's status says.</summary>
public sealed partial class Grant
{
    /// <summary>The holder is to be warned that the end is near.</summary>
    public Result Warn(DateTimeOffset now)
    {
        if (Status is not GrantStatus.Active || State.Window!.IsOver(now) || !(Warnings.Next(State) <= now))
            return GrantErrors.Nothing(Id);

        Warned(State.Window.Expiry - now);
        Step = Step.Move(NextInActive(State));
        // One that could not be said yet says it as well.
        if (!Owed.Kinds.Contains(NoticeKind.Ending)) Owe(NoticeKind.Ending, now);
        return Result.Done;
    }

    /// <summary>
    /// In use, and a step is due although there is nothing to do: what it was for was done and not known to be, or something else wrote
    /// the record. It is due again with what comes next, so that nobody takes it over and over until then.
    /// </summary>
    public Result Rest(DateTimeOffset now)
    {
        if (Status is not GrantStatus.Active || State.EndMoved || !(Step.DueAt <= now) || NextInActive(State) <= now)
            return GrantErrors.Nothing(Id);

        Step = Step.At(NextInActive(State));
        return Result.Done;
    }

    /// <summary>A worker takes the telling for <paramref name="lease"/>, so that two workers do not say it twice.</summary>
    public Result BeginTelling(DateTimeOffset now, TimeSpan lease)
    {
        if (Owed.Kinds.Count == 0 || Owed.DueAt > now) return GrantErrors.Nothing(Id);

        Owed = Owed.Lease(now, lease);
        return Result.Done;
    }

    /// <summary>Of the warnings, those that there is no time for (any more) are not given.</summary>
    private void Warned(TimeSpan left)
    {
        var (first, last) = Warnings.Before(State.Window!);
        State = State with { WarnedEarly = first is null || left <= first, Warned = last is null ? left <= first : left <= last };
    }

    /// <summary>It was said (or turned out to be unsayable, with the reason): no longer owed.</summary>
    /// <param name="message">The one that is drawn anew from then on; null where it is none of those.</param>
    public Result Told(NoticeKind kind, string? failure, DateTimeOffset now, MessageRef? message = null)
    {
        if (!Owed.Kinds.Contains(kind)) return GrantErrors.Nothing(Id);

        Owed = Owed.Without(kind, now);
        State = State with
        {
            // A role that is only locked out has another end to be told, in the same place.
            CredentialsMessage = new Notice(kind).EndsMessage && State.EndedAt is not null ? null : message ?? State.CredentialsMessage,
        };
        Record(failure is null ? "notice.told" : "notice.untold", new Actor.Sweep(), now, failure is null
            ? kind.ToString() : $"{kind}: {failure}");
        return Result.Done;
    }

    /// <summary>It could not be said now. Tried again for a day; the grant's own state has said it all along.</summary>
    public Result TellingFailed(NoticeKind kind, string why, DateTimeOffset now, TimeSpan? retryAfter)
    {
        // A warning, say, that was under way when access ended: making it due again would leave the grant due for ever, with nothing to
        // say.
        if (!Owed.Kinds.Contains(kind)) return GrantErrors.Nothing(Id);

        // A review is asked for and given long after the end.
        DateTimeOffset?[] since = [State.EndedAt ?? State.Window?.Expiry ?? State.CreatedAt, State.Review?.At, State.Review is
            { Escalated: true } late ? late.ToldAt ?? late.Since + late.Within : null];
        if (now - since.Max() > NoticePatience) return Told(kind, why, now);

        Owed = Owed.Postpone(now + (retryAfter ?? Patiently.After(Owed.Attempts)));
        return Result.Done;
    }

    /// <summary>What the holder was to be told is no news any more; what administrators were to be told is.</summary>
    private void ForgetNotices(DateTimeOffset now) =>
        Owed = Owed.Only(kind => new Notice(kind).To is NoticeReceiver.Administrators, now);

    private void Owe(NoticeKind kind, DateTimeOffset now) => Owed = Owed.With(kind, now);
}
