using System.Collections.Concurrent;

namespace DbAccess.Infrastructure.Stores;

/// <summary>
/// What was met lately of what should not be there: said when it is met, and again every minute as long as it is, so that a log tells of it
/// without being filled by it.
/// </summary>
internal sealed class LatelyMet(TimeProvider clock)
{
    /// <summary>
    /// Said again after this, and forgotten after this unless it was met again: an alarm that looks at five minutes sees it all the time.
    /// </summary>
    internal static readonly TimeSpan Lately = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _said = new(StringComparer.Ordinal);

    /// <summary>Those that were met in the last minute.</summary>
    public IReadOnlySet<string> Ids
    {
        get
        {
            var since = clock.GetUtcNow() - Lately;
            foreach (var entry in _said.Where(entry => entry.Value <= since)) _said.TryRemove(entry);
            return _said.Keys.ToHashSet(StringComparer.Ordinal);
        }
    }

    /// <summary>It was met; true when that is to be said.</summary>
    public bool IsNews(string id)
    {
        var now = clock.GetUtcNow();
        if (_said.TryGetValue(id, out var at) && now - at < Lately) return false;

        _said[id] = now;
        return true;
    }
}
