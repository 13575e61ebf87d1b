using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Stores;

/// <summary>
/// Grants that this program found on record and cannot read: their documents are damaged, or of a newer version while one replaces the
/// other. Lists leave them out, so that one of them does not stop the sweep for everybody, and tell of them here: each is said in the log,
/// and again every minute as long as lists meet it.
/// </summary>
internal sealed class UnreadableGrants(TimeProvider clock, ILogger<UnreadableGrants> log)
{
    /// <summary>
    /// Said again after this, and forgotten after this unless it was met again: an alarm that looks at five minutes sees it all the time.
    /// </summary>
    internal static readonly TimeSpan Lately = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, DateTimeOffset> _said = new(StringComparer.Ordinal);

    /// <summary>The ids of those that lists of the last minute left out.</summary>
    public IReadOnlySet<string> Ids
    {
        get
        {
            var since = clock.GetUtcNow() - Lately;
            foreach (var entry in _said.Where(entry => entry.Value <= since)) _said.TryRemove(entry);
            return _said.Keys.ToHashSet(StringComparer.Ordinal);
        }
    }

    /// <summary>What <paramref name="read"/> makes of it, or null, having said that it cannot be read.</summary>
    public T? TryRead<T>(string id, Func<T> read)
        where T : class
    {
        try
        {
            return read();
        }
        catch (Exception failure)
        {
            var now = clock.GetUtcNow();
            if (_said.TryGetValue(id, out var at) && now - at < Lately) return null;

            _said[id] = now;
            // Our own exception says the place and never what stands there; of another one only the kind is known to be harmless.
            log.LogError("Grant {UnreadableGrant} is left out: {Why}", id, failure is GrantDocumentException
                ? failure.Message : $"it cannot be read ({failure.GetType().Name})");
            return null;
        }
    }
}
