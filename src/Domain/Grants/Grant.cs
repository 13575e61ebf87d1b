using DbAccess.Domain.Approvals;
using DbAccess.Domain.Principals;

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

    private Step Step
    {
        get => State.Step;
        set => State = State.With(value);
    }

    private Owed Owed
    {
        get => State.Owed;
        set => State = State.With(value);
    }

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

    /// <summary>
    /// A change went wrong before it was known to be saved: it is not in this object any more. Whether it is in the store is found out by
    /// the next save, which loses the race if it is.
    /// </summary>
    public void GoBack(GrantSnapshot before)
    {
        State = before;
        _newEvents.RemoveAll(happened => happened.Sequence > before.Events);
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
    /// The present step did not succeed (network, server, a lost race): give the lease back and come again after a growing pause.
    /// </summary>
    /// <param name="soFar">What a removal had found and done until then; the next one does not find it again.</param>
    public Result StepFailed(string why, DateTimeOffset now, TimeSpan? retryAfter = null, RemovalReceipt? soFar = null)
    {
        if (Step.DueAt is null) return GrantErrors.Nothing(Id);

        Record("grant.step_failed", new Actor.Sweep(), now, why);
        var again = Sooner(now + (retryAfter ?? PauseAfterFailure()), Status is GrantStatus.Active ? State.Window!.Expiry : null);
        // Where no worker took it by a lease, nobody has counted it.
        if (Status is GrantStatus.Active && !Step.Leased) Step = Step with { Attempts = Step.Attempts + 1 };
        Step = Step.Postpone(again) with { Trouble = why };
        if (soFar is not null) State = State with { Receipt = soFar.After(State.Receipt).Against(State.Window) };
        if (LeftToGive.Contains(Status) && State.AbandonedBecause is null && Step.Attempts >= TellsOfDelayFrom && !State.ToldOfDelay)
        {
            State = State with { ToldOfDelay = true };
            Owe(NoticeKind.Delayed, now);
        }

        return Result.Done;
    }

    private static DateTimeOffset Sooner(DateTimeOffset one, DateTimeOffset? other) => other < one ? other.Value : one;

    private TimeSpan PauseAfterFailure() => State switch
    {
        { Status: GrantStatus.Quarantined } => Patiently.After(Step.Attempts),
        { AbandonedBecause: null } when LeftToGive.Contains(Status) => Eagerly.After(Step.Attempts),
        _ => Urgently.After(Step.Attempts),
    };

    private static DateTimeOffset NextInActive(GrantSnapshot state)
    {
        if (state.Password is { } asked) return asked.At;

        var next = Warnings.Next(state) ?? state.Window!.Expiry;
        if (state is not { ExtendBy: not null, Asking: { } asking }) return next;

        var ask = NextWhileAsking(asking, state.Window!.Start);
        return ask < next ? ask : next;
    }

    private Result Close(GrantStatus to, GrantStatus[] from, string type, Actor by, DateTimeOffset now, string? note)
    {
        var moved = Move(to, from, type, by, now, note);
        if (moved.Refusal is not null) return moved;

        State = State with { EndedAt = now };
        Step = Step.Finish();
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
