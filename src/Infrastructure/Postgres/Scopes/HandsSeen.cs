using System.Collections.Concurrent;
using DbAccess.Domain.Databases;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>
/// Up to which transaction nobody else was seen to have a scope role in their hands, so that with thousands of members only those who came
/// since, or were given more since, are looked at. What writes no new row of a membership (a member that lost its tag, or is no superuser
/// any more) is seen within a minute, when everything is looked at again.
/// </summary>
internal sealed class HandsSeen(TimeProvider clock)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(ClusterName, string), Seen> _seen = new();

    /// <summary>Null when everything is to be looked at.</summary>
    public Seen? Since(ScopePart part) =>
        _seen.TryGetValue((part.Target.Cluster, part.Role), out var seen) && clock.GetElapsedTime(seen.At) < Lifetime ? seen : null;

    /// <summary>What came of a look at what was not seen by then.</summary>
    public void Note(ScopePart part, Seen? since, RolePreparation state)
    {
        // Another role of the same name later has nothing but rows that are new.
        var key = (part.Target.Cluster, part.Role);
        if (state.ScopeOid is null || state.OthersHands.Length > 0) _seen.TryRemove(key, out _);
        else _seen[key] = new Seen(state.Horizon, since?.At ?? clock.GetTimestamp());
    }

    /// <param name="Horizon">See <see cref="ScopeHands.Horizon"/>.</param>
    /// <param name="At">When everything was looked at.</param>
    public sealed record Seen(string Horizon, long At);
}
