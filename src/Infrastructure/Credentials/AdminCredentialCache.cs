using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;

namespace DbAccess.Infrastructure.Credentials;

/// <summary>
/// What was read counts for 30 seconds, unless it is asked for anew. Refusals are not remembered: whoever mends the cause is heard at once.
/// </summary>
internal sealed class AdminCredentialCache(TimeProvider clock)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<ClusterName, (AdminCredential Credential, long ReadAt)> _cache = new();

    public async Task<Result<AdminCredential>> FindAsync(ClusterName cluster, bool fresh, Func<Task<Result<AdminCredential>>> read)
    {
        if (!fresh && _cache.TryGetValue(cluster, out var cached) && clock.GetElapsedTime(cached.ReadAt) < Fresh) return cached.Credential;

        // From before the reading: how long it took does not make the content younger.
        var readAt = clock.GetTimestamp();
        var result = await read();
        if (result.Refusal is null) _cache[cluster] = (result.Value, readAt);
        else _cache.TryRemove(cluster, out _);
        return result;
    }
}
