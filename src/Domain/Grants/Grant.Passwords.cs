using DbAccess.Domain.Principals;

namespace DbAccess.Domain.Grants;

/// <summary>
/// Passwords after the first one, and those that are shown instead of sent. Asking goes on record like everything else, so that whoever
/// works on roles gives it, and finishes it after a crash; the password itself never does.
/// </summary>
public sealed partial class Grant
{
    /// <summary>After this many tries the holder is told that there is no new password, and asks again when they like.</summary>
    private const int TriesForPassword = 3;

    /// <summary>
    /// Its time is to begin when its holder has the password shown; until then nothing is made. Given back by itself after
    /// <paramref name="within"/>.
    /// </summary>
    public Result AwaitReveal(TimeSpan within, DateTimeOffset now)
    {
        if (State.AbandonedBecause is { } why) return GrantErrors.Abandoned(Id, why);
        if (Status is not GrantStatus.Approved || State.RevealBy is not null) return GrantErrors.Nothing(Id);
        if (State.StartsAt is { } start && start > now) return GrantErrors.NotStarted(Id, start);

        // What starts at a given time ends at one, too.
        var by = Sooner(now + within, State.StartsAt + State.Duration);
        Record("grant.ready", new Actor.Sweep(), now, null);
        State = State with { RevealBy = by };
        Step = Step.Move(by);
        Owe(NoticeKind.Ready, now);
        return Result.Done;
    }

    /// <summary>Nobody had the password shown in time: it is given back, and there never was a role.</summary>
    public Result GiveBackUnrevealed(DateTimeOffset now)
    {
        if (Status is not GrantStatus.Approved || State is not { RevealBy: { } by, Password: null, AbandonedBecause: null })
            return GrantErrors.Nothing(Id);
        if (by > now) return GrantErrors.WindowOpen(Id, by);

        var closed = Close(GrantStatus.Cancelled, [GrantStatus.Approved], "grant.not_revealed", new Actor.Sweep(), now, null);
        if (closed.Refusal is not null) return closed;

        State = State with { EndReason = EndReason.Returned, Card = State.Card?.Redraw(now) };
        Owed = Owed.Only(_ => false, now);
        Owe(NoticeKind.NotRevealed, now);
        return closed;
    }

    /// <summary>
    /// Its holder wants a password: the first one where it waits for that, else another, after which the one before is dead.
    /// </summary>
    /// <param name="view">As <see cref="PasswordAsk.View"/>.</param>
    public Result AskPassword(PrincipalId by, string? view, DateTimeOffset now)
    {
        if (PasswordRefusal(by, now) is { } refusal) return refusal;
        // One that is to be shown goes where its holder looks now; one that is on its way by message comes once.
        if (State.Password is not null && (view is null || Step.Leased)) return GrantErrors.PasswordComing(Id);

        Record("grant.password_asked", new Actor.Person(by), now, null);
        // The first one is to be there within so long of the first time it was asked for, however often it is asked for again.
        var at = Status is GrantStatus.Active ? now : State.Password?.At ?? now;
        State = State with { Password = new PasswordAsk(at, view) };
        Step = Step.Restart(now);
        return Result.Done;
    }

    /// <summary>Why this person cannot have a password now; null when they can.</summary>
    public Error? PasswordRefusal(PrincipalId by, DateTimeOffset now)
    {
        if (by != State.Requester) return GrantErrors.NotYourPassword(Id);
        if (State.AbandonedBecause is { } why) return GrantErrors.Abandoned(Id, why);
        return Status switch
        {
            GrantStatus.Active when !State.Window!.IsOver(now) => null,
            GrantStatus.Approved when State.Password is not null || State.RevealBy > now => null,
            GrantStatus.Provisioning when State.RevealBy is not null => null,
            GrantStatus.Pending or GrantStatus.Approved or GrantStatus.Provisioning when State.RevealBy is null =>
                GrantErrors.NoPasswordYet(Id),
            _ => GrantErrors.NoPasswordAnyMore(Id),
        };
    }

    /// <summary>A worker takes the giving of another password for <paramref name="lease"/>.</summary>
    public Result BeginPassword(DateTimeOffset now, TimeSpan lease)
    {
        if (Status is not GrantStatus.Active || State.Password is null || State.Window!.IsOver(now)) return GrantErrors.Nothing(Id);
        if (Step.IsHeld(now)) return GrantErrors.LeaseHeld(Id);

        var left = State.Window.Expiry - now;
        Step = Step.Lease(now, lease < left ? lease : left);
        return Result.Done;
    }

    /// <summary>The holder has it, or had the chance; every earlier one is dead.</summary>
    /// <param name="message">That holds it now; null where it was shown and no message does.</param>
    public Result PasswordRenewed(PasswordAsk asked, MessageRef? message, DateTimeOffset now)
    {
        if (Status is not GrantStatus.Active || State.Password != asked) return GrantErrors.Nothing(Id);

        Record("grant.password_renewed", new Actor.Sweep(), now, null);
        NoPasswordAsked(now);
        State = State with { CredentialsMessage = message ?? State.CredentialsMessage };
        return Result.Done;
    }

    /// <summary>It did not work now; tried again a few times, then its holder is told.</summary>
    public Result PasswordFailed(PasswordAsk asked, string why, DateTimeOffset now, TimeSpan? retryAfter = null, bool forGood = false)
    {
        if (Status is not GrantStatus.Active || State.Password != asked) return GrantErrors.Nothing(Id);
        if (!forGood && Step.Attempts < TriesForPassword) return StepFailed(why, now, retryAfter);

        Record("grant.password_not_renewed", new Actor.Sweep(), now, why);
        NoPasswordAsked(now);
        Step = Step with { Trouble = why };
        Owe(NoticeKind.NoPassword, now);
        return Result.Done;
    }

    private void NoPasswordAsked(DateTimeOffset now)
    {
        State = State with { Password = null };
        // A later end that the server does not keep yet comes first.
        Step = Step.At(State.EndMoved ? now : NextInActive(State));
    }
}
