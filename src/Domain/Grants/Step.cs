namespace DbAccess.Domain.Grants;

/// <summary>
/// The step of a grant that is left to be taken (asking, making, warning, removing), whether somebody has it, and how the tries before
/// went: what belongs to it moves together.
/// </summary>
/// <param name="DueAt">When it is due: a time to act, or the end of a worker's lease. Null when there is no step left.</param>
/// <param name="Since">
/// Since when it has been wanted, however often it was postponed: the expiry, or the moment somebody asked for it. Null when there is no
/// step, for a role that is locked out and only waits to be dropped, and on grants of earlier versions.
/// </param>
/// <param name="Leased">True while a worker holds it; the lease ends at <paramref name="DueAt"/>.</param>
/// <param name="Attempts">Tries of it so far, the one that is under way included.</param>
/// <param name="Trouble">Why it did not succeed the last time, in words; null when it was not tried yet, or succeeded.</param>
public readonly record struct Step(DateTimeOffset? DueAt, DateTimeOffset? Since, bool Leased, int Attempts, string? Trouble)
{
    /// <summary>Another one than before, wanted from then on, which nobody has tried yet.</summary>
    public static Step At(DateTimeOffset at) => new(at, at, Leased: false, Attempts: 0, Trouble: null);

    public bool IsHeld(DateTimeOffset now) => Leased && DueAt > now;

    /// <summary>Whether a worker still has it by this lease: nobody took it over, and nothing came of it meanwhile.</summary>
    public bool IsStill(Step lease) => Leased && Attempts == lease.Attempts && DueAt == lease.DueAt;

    /// <summary>A worker takes it for so long; whoever comes later takes over.</summary>
    public Step Lease(DateTimeOffset now, TimeSpan length) => this with { DueAt = now + length, Leased = true, Attempts = Attempts + 1 };

    /// <summary>Nobody has it any more, and it is due again then.</summary>
    public Step Postpone(DateTimeOffset until) => this with { DueAt = until, Leased = false };

    /// <summary>Wanted at another time than before; whoever has it keeps it.</summary>
    public Step Move(DateTimeOffset at) => this with { DueAt = at, Since = at };

    /// <summary>As <see cref="Move"/>, with its tries counted anew.</summary>
    public Step Restart(DateTimeOffset at) => Move(at) with { Attempts = 0 };

    /// <summary>There is none left. How it went stays to be read.</summary>
    public Step Finish() => this with { DueAt = null, Since = null, Leased = false };
}
