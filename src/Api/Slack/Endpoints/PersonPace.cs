using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Endpoints;

/// <summary>How many commands, presses and forms one person may send in a minute (<c>Limits:RequestsPerPersonPerMinute</c>).</summary>
internal sealed record PaceLimit(int PerMinute);

/// <summary>What a request may do.</summary>
internal enum Pace
{
    /// <summary>Go on.</summary>
    Go,

    /// <summary>Too many: say so, once.</summary>
    SlowDown,

    /// <summary>Too many, and it was said in this minute already.</summary>
    Silent,
}

/// <summary>
/// One person does not take the others' turn. What gives back or ends access has a count of its own, so that somebody who was hasty can
/// still stop. Kept in memory: a restart forgives.
/// </summary>
internal sealed class PersonPace(PaceLimit limit, TimeProvider clock)
{
    private const int MostPeople = 10_000;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<(PrincipalId Person, bool Ends), Count> _counts = [];

    /// <param name="ends">It gives back or ends access.</param>
    public Pace Of(PrincipalId person, bool ends)
    {
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            if (!_counts.TryGetValue((person, ends), out var count))
            {
                if (_counts.Count >= MostPeople) Forget(now);
                _counts[(person, ends)] = count = new Count();
            }

            while (count.Times.TryPeek(out var first) && now - first >= Minute) count.Times.Dequeue();
            if (count.Times.Count < limit.PerMinute)
            {
                count.Times.Enqueue(now);
                return Pace.Go;
            }

            if (now - count.SaidAt < Minute) return Pace.Silent;
            count.SaidAt = now;
            return Pace.SlowDown;
        }
    }

    private void Forget(DateTimeOffset now)
    {
        foreach (var key in _counts.Where(pair => pair.Value.Times.All(at => now - at >= Minute)).Select(pair => pair.Key).ToList())
            _counts.Remove(key);
        if (_counts.Count >= MostPeople) _counts.Clear();
    }

    private sealed class Count
    {
        public Queue<DateTimeOffset> Times { get; } = new();

        public DateTimeOffset SaidAt { get; set; } = DateTimeOffset.MinValue;
    }
}
