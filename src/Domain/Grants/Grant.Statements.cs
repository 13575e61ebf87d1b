using DbAccess.Domain.Principals;

namespace DbAccess.Domain.Grants;

/// <summary>What is run on the target databases is part of its story.</summary>
public sealed partial class Grant
{
    /// <summary>
    /// What was run on the target databases for it, together with what came of that: both are on record or neither, and what was run stands
    /// first. By itself it changes nothing.
    /// </summary>
    /// <param name="sql">In order, without secrets.</param>
    /// <param name="statements">How many that were; 0 when nothing was run, and then nothing is told.</param>
    /// <param name="at">When the last of them was sent.</param>
    /// <param name="outcome">Null where nothing came of it that the record does not say already.</param>
    public Result Ran(string sql, int statements, DateTimeOffset at, Func<Grant, Result>? outcome = null)
    {
        var (before, events) = (State, _newEvents.Count);
        if (statements > 0) Record(GrantEvent.Statements, new Actor.Sweep(), at, sql);
        var came = outcome?.Invoke(this) ?? Result.Done;
        if (came.Refusal is null) return came;

        State = before;
        _newEvents.RemoveRange(events, _newEvents.Count - events);
        return came;
    }
}
