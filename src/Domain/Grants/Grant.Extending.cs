using DbAccess.Domain.Approvals;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Domain.Grants;

/// <summary>More time for access that is live.</summary>
public sealed partial class Grant
{
    /// <summary>Its holder asks to have it longer. Counts when it is on record before the end.</summary>
    /// <param name="asking">Those who have to agree; null when nobody has, and then it is so at once.</param>
    /// <param name="key">Of the request: the same again, after a crash before it was known to be done, is done already.</param>
    public Result AskExtension(PrincipalId by, TimeSpan length, Lifetime terms, Asking? asking, DateTimeOffset now, string? key = null)
    {
        if (by != State.Requester) return GrantErrors.NotHolder(Id);
        if (key is not null && key == State.ExtensionKey) return Result.Done;
        if (Status is not GrantStatus.Active) return GrantErrors.CannotExtend(Id, Status);
        if (State.Window!.IsOver(now)) return GrantErrors.CannotExtend(Id, GrantStatus.Revoking);
        if (State.ExtendBy is not null) return GrantErrors.ExtensionAsked(Id);
        if (LongerRefusal(length, terms) is { } refusal) return refusal;

        State = State with { ExtendBy = length, ExtensionKey = key };
        if (asking is null) return Lengthen(new Actor.Person(by), $"rule {State.Rule}", now);

        Record("grant.extension_asked", new Actor.Person(by), now, Durations.Write(length));
        State = State with { Card = null };
        Ask(InTime(asking, State.Window.Expiry), now, null);
        return Result.Done;
    }

    /// <summary>Why the rule, as it is now, does not make it so much longer; null when it does.</summary>
    public Error? LongerRefusal(TimeSpan length, Lifetime terms) =>
        State.Extensions >= terms.ExtendTimes ? GrantErrors.NoMoreExtensions(Id, State.Rule, terms.ExtendTimes)
            : length > terms.ExtendBy
                ? GrantErrors.ExtensionTooLong(State.Rule, Durations.Write(terms.ExtendBy), Durations.Write(length)) : null;

    /// <summary>
    /// The latest end that what was decided can have, from what is sealed: the window itself is not, and is not to give more than that.
    /// Not from when a password was asked for: of what is live, that is done as often as its holder likes.
    /// </summary>
    public DateTimeOffset? LatestEnd => (State.RevealBy ?? AllowedFrom) + ProvisioningPatience + State.Duration
        + (State.Extensions > 0 ? State.Extended : TimeSpan.Zero);

    /// <summary>The server keeps the end that is on record.</summary>
    public Result EndKept(DateTimeOffset expiry, DateTimeOffset now)
    {
        if (Status is not GrantStatus.Active || !State.EndMoved || State.Window!.Expiry != expiry) return GrantErrors.Nothing(Id);

        Record("grant.end_kept", new Actor.Sweep(), now, null);
        State = State with { EndMoved = false };
        Step = Step.At(NextInActive(State));
        return Result.Done;
    }

    private Result Lengthen(Actor by, string note, DateTimeOffset now)
    {
        var (window, length) = (State.Window!, State.ExtendBy!.Value);
        Record("grant.extended", by, now, $"{Durations.Write(length)}: {note}");
        State = State with
        {
            Window = new AccessWindow(window.Start, window.Expiry + length),
            Extensions = State.Extensions + 1,
            Extended = State.Extended + length,
            ExtendBy = null,
            EndMoved = true,
        };
        Warned(State.Window.Expiry - now);
        Step = Step.Restart(now);
        Owe(NoticeKind.Extended, now);
        return Result.Done;
    }

    private Result NotExtended(string type, Actor by, string? called, string? why, DateTimeOffset now)
    {
        Record(type, by, now, why);
        State = State with { ExtendBy = null, EndedBy = called, EndNote = why, Card = Card.Redraw(now, CardLine.Settled) };
        Step = Step.Move(NextInActive(State));
        Owe(NoticeKind.NotExtended, now);
        return Result.Done;
    }
}
