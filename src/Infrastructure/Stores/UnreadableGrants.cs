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
    private readonly LatelyMet _met = new(clock);

    /// <summary>The ids of those that lists of the last minute left out.</summary>
    public IReadOnlySet<string> Ids => _met.Ids;

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
            // Our own exception says the place and never what stands there; of another one only the kind is known to be harmless.
            if (_met.IsNews(id))
                log.LogError("Grant {UnreadableGrant} is left out: {Why}", id, failure is GrantDocumentException
                    ? failure.Message : $"it cannot be read ({failure.GetType().Name})");
            return null;
        }
    }
}
