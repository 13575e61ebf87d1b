using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Endpoints;

/// <summary>How many commands, presses and forms one person may send in a minute (<c>Limits:RequestsPerPersonPerMinute</c>).</summary>
internal sealed record PaceLimit(int PerMinute);

/// <summary>
/// One person does not take the others' turn. What gives back or ends access has a count of its own, so that somebody who was hasty can
/// still stop. Kept in memory: a restart forgives.
/// </summary>
internal sealed class PersonPace(PaceLimit limit, TimeProvider clock)
{
    private const string SlowDown =
        "That is a lot at once: nothing was done with this one. Wait a minute; `done` and `revoke` work meanwhile.";

    private const int MostPeople = 10_000;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly Dictionary<(PrincipalId Person, bool Ends), Sent> _counts = [];

    /// <summary>
    /// The one gate behind the signature: true when it may go on. Otherwise nothing is to be done with it, which is said once a minute.
    /// </summary>
    /// <param name="ends">It gives back or ends access.</param>
    /// <param name="everyTime">Where no answer would look like success: a form that just closes.</param>
    public async Task<bool> AdmitsAsync(PrincipalId person, bool ends, Func<string, Task> sayAsync, bool everyTime = false)
    {
        var (admitted, told) = Count(person, ends);
        if (!admitted && (everyTime || !told)) await sayAsync(SlowDown);
        return admitted;
    }

    private (bool Admitted, bool Told) Count(PrincipalId person, bool ends)
    {
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            if (!_counts.TryGetValue((person, ends), out var count))
            {
                if (_counts.Count >= MostPeople) Forget(now);
                _counts[(person, ends)] = count = new Sent();
            }

            while (count.Times.TryPeek(out var first) && now - first >= Minute) count.Times.Dequeue();
            if (count.Times.Count < limit.PerMinute)
            {
                count.Times.Enqueue(now);
                return (true, false);
            }

            if (now - count.SaidAt < Minute) return (false, true);
            count.SaidAt = now;
            return (false, false);
        }
    }

    private void Forget(DateTimeOffset now)
    {
        foreach (var key in _counts.Where(pair => pair.Value.Times.All(at => now - at >= Minute)).Select(pair => pair.Key).ToList())
            _counts.Remove(key);
        if (_counts.Count >= MostPeople) _counts.Clear();
    }

    private sealed class Sent
    {
        public Queue<DateTimeOffset> Times { get; } = new();

        public DateTimeOffset SaidAt { get; set; } = DateTimeOffset.MinValue;
    }
}
