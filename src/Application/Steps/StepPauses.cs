using System.Collections.Concurrent;
using DbAccess.Domain;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Steps;

/// <summary>
/// When sweeps of this process try a step again that raised a fault. Such a fault leaves nothing in the store, where what failed in an
/// orderly way is put off: without a pause the step would be taken, and its error logged, at every look. It is retried for ever all the
/// same, and loudly: a minute is the longest pause.
/// </summary>
public sealed class StepPauses(TimeProvider clock)
{
    private static readonly Backoff Pause = new(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(1));

    // What nobody tried for this long is somebody else's by now, or over.
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<GrantId, (int Tries, DateTimeOffset Until)> _failed = [];

    /// <summary>How many there are at most that a list of what is due may hold and a sweep passes over.</summary>
    public int Count => _failed.Count;

    public bool IsPaused(GrantId id) => _failed.TryGetValue(id, out var failed) && clock.GetUtcNow() < failed.Until;

    /// <summary>The first fault is no reason to wait: what disturbed it is mostly over.</summary>
    /// <returns>How long it is left alone now.</returns>
    public TimeSpan Failed(GrantId id)
    {
        var now = clock.GetUtcNow();
        foreach (var (old, kept) in _failed)
        {
            if (now - kept.Until > Kept) _failed.TryRemove(old, out _);
        }

        var tries = _failed.TryGetValue(id, out var before) ? before.Tries + 1 : 1;
        var pause = tries == 1 ? TimeSpan.Zero : Pause.After(tries - 1);
        _failed[id] = (tries, now + pause);
        return pause;
    }

    public void Worked(GrantId id) => _failed.TryRemove(id, out _);
}
