using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Infrastructure.Postgres.Connections;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>
/// Proves that a new role can log in, by logging in: rules of pg_hba.conf, a cloud's own way to authenticate and login event triggers are
/// in no catalog that we may read. What lets one role in lets the next in too, so that it is tried again only after a while; a role that
/// acts as an owner is tried every time, since the owner's memberships are its own.
/// </summary>
internal sealed class LoginProof(TimeProvider clock)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    /// <summary>A session that was ended is gone within milliseconds.</summary>
    private const int MostLooks = 100;

    private readonly ConcurrentDictionary<(ClusterName, string), long> _proved = new();

    /// <summary>
    /// Null when it was let in, or when nothing can be said: its time is over, or the server is full or cut it off. Its session is gone
    /// when this returns, so that it is nobody's to end.
    /// </summary>
    /// <exception cref="NpgsqlException">The server could not be reached.</exception>
    public async Task<PostgresException?> TryAsync(
            ClusterConnection cluster, RoleOrder order, uint role, Secret password, CancellationToken cancellationToken)
    {
        var place = (order.Target.Cluster, order.Target.Database);
        if (order.Expiry <= clock.GetUtcNow()) return null;
        if (order.Scope.RunAs is null && _proved.TryGetValue(place, out var at) && clock.GetElapsedTime(at) < Lifetime) return null;

        int process;
        try
        {
            await using var source = cluster.LoginAs(order.Role.Value, password);
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            process = connection.ProcessID;
        }
        catch (PostgresException refused) when (!ClusterFault.IsLostConnection(refused)
            && !(refused.SqlState[..2] is "53" or "57" or "25"))
        {
            // A login takes its time, too, on a busy server more than the role had left.
            return order.Expiry <= clock.GetUtcNow() ? null : refused;
        }
        catch (PostgresException)
        {
            return null;
        }
        for (var look = 0; look < MostLooks && await IsThereAsync(cluster, process, role, cancellationToken); look++)
            await Task.Delay(TimeSpan.FromMilliseconds(2), clock, cancellationToken);
        _proved[place] = clock.GetTimestamp();
        return null;
    }

    private static Task<bool> IsThereAsync(ClusterConnection cluster, int process, uint role, CancellationToken cancellationToken) =>
        cluster.FirstAsync("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $1 AND usesysid = $2)", [process, role],
            row => row.GetBoolean(0), cancellationToken);
}
