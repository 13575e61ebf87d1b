using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Connections;

/// <summary>
/// Connections to the target clusters as their administrators. Bounded per cluster, kept for about a minute at most and dropped when idle,
/// since after a failover an old one leads to the wrong instance.
/// </summary>
internal sealed class ClusterConnections(IAdminCredentials credentials, PostgresOptions options, TimeProvider clock) : IAsyncDisposable
{
    /// <summary>How long a rejected administrator is not tried again, so that a wrong password does not lock the account.</summary>
    private static readonly TimeSpan RejectionPause = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<ClusterName, ClusterPools> _clusters = new();

    /// <summary>
    /// A connection to a database of the cluster (null: the one of the credentials). Give it back before asking for another: two at once by
    /// everybody would lock up when the cluster's bound is reached.
    /// </summary>
    /// <exception cref="ClusterFault">There is no way in now.</exception>
    public async Task<ClusterConnection> OpenAsync(
            ClusterName name, string? database, CancellationToken cancellationToken, string? reader = null, bool pooled = true)
    {
        var cluster = _clusters.GetOrAdd(name, key => new ClusterPools(key, options));
        await cluster.Slots.WaitAsync(cancellationToken);
        return await OpenInSlotAsync(cluster, database, reader, pooled, cancellationToken);
    }

    /// <summary>
    /// A second connection for who has one already: null when all are in use, since waiting for one while holding another could last for
    /// ever.
    /// </summary>
    /// <exception cref="ClusterFault">There is no way in now.</exception>
    public async Task<ClusterConnection?> OpenIfFreeAsync(ClusterName name, string? database, CancellationToken cancellationToken)
    {
        var cluster = _clusters.GetOrAdd(name, key => new ClusterPools(key, options));
        return cluster.Slots.Wait(0, CancellationToken.None)
            ? await OpenInSlotAsync(cluster, database, reader: null, pooled: true, cancellationToken) : null;
    }

    /// <summary>
    /// One by itself, to a database that may allow few sessions: one of those may be an idle one of ours, and that goes first.
    /// </summary>
    /// <exception cref="ClusterFault">There is no way in now.</exception>
    public async Task<ClusterConnection> OpenAloneAsync(ClusterName name, string database, CancellationToken cancellationToken)
    {
        try
        {
            return await OpenAsync(name, database, cancellationToken, pooled: false);
        }
        catch (ClusterFault full) when (full.SqlState == PostgresErrorCodes.TooManyConnections)
        {
            await using (var elsewhere = await OpenAsync(name, null, cancellationToken)) elsewhere.DropPool();
            // The server needs a moment to notice.
            await Task.Delay(TimeSpan.FromMilliseconds(200), clock, cancellationToken);
            return await OpenAsync(name, database, cancellationToken, pooled: false);
        }
    }

    private async Task<ClusterConnection> OpenInSlotAsync(
        ClusterPools cluster, string? database, string? reader, bool pooled, CancellationToken cancellationToken)
    {
        var name = cluster.Name;
        try
        {
            var credential = await FindAsync(name, fresh: false, cancellationToken);
            if (cluster.RejectedWith(credential, clock.GetUtcNow()) is { } before) throw Rejected(name, before);

            for (var attempt = 1; ;)
            {
                NpgsqlConnection? connection = null;
                ClusterPool? pool = null;
                try
                {
                    pool = cluster.Take(credential, database ?? credential.Database, reader, pooled);
                    connection = pool.Source.CreateConnection();
                    await connection.OpenAsync(cancellationToken);
                    if (cluster.Learn(connection.PostgreSqlVersion.Major))
                    {
                        await connection.DisposeAsync();
                        cluster.PutBack(pool);
                        continue;
                    }
                    return new ClusterConnection(connection, credential, cluster, pool, reader);
                }
                catch (Exception failure)
                {
                    if (connection is not null) await connection.DisposeAsync();
                    if (pool is not null) cluster.PutBack(pool);
                    if (failure is OperationCanceledException) throw;
                    if (failure is PostgresException { SqlState: PostgresErrorCodes.UndefinedObject } && cluster.Forget()) continue;
                    if (!ClusterFault.IsRejection(failure)) throw NoWayIn(failure, name, database, credential);

                    // The password may have been rotated behind our back: ask once more, and only then give up.
                    var known = credential;
                    credential = attempt == 1 ? await FindAsync(name, fresh: true, cancellationToken) : known;
                    if (attempt++ == 1 && !ClusterPools.Same(known, credential)) continue;

                    var code = ((PostgresException)failure).SqlState;
                    cluster.Reject(credential, clock.GetUtcNow() + RejectionPause, code);
                    throw Rejected(name, code);
                }
            }
        }
        catch
        {
            cluster.Slots.Release();
            throw;
        }
    }

    /// <summary>The readers of a cluster, as its credentials list them.</summary>
    public async Task<AdminCredential> CredentialAsync(ClusterName name, CancellationToken cancellationToken) =>
        await FindAsync(name, fresh: false, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        foreach (var cluster in _clusters.Values) await cluster.DisposeAsync();
    }

    private async Task<AdminCredential> FindAsync(ClusterName name, bool fresh, CancellationToken cancellationToken)
    {
        var found = await credentials.FindAsync(name, fresh, cancellationToken);
        return found.Refusal is { } refusal ? throw new ClusterFault(refusal, mayPass: true) : found.Value;
    }

    private static ClusterFault NoWayIn(Exception failure, ClusterName name, string? database, AdminCredential credential) => failure switch
    {
        PostgresException => ClusterFault.From(failure, name, database ?? credential.Database),
        NpgsqlException when failure.Message.Contains("authentication method", StringComparison.Ordinal) =>
            new(ClusterWords.NotAsked(name.Value, credential.SslMode), mayPass: true),
        NpgsqlException { InnerException: null } when credential.SslMode is not ("disable" or "allow" or "prefer") => new(
            new Error("postgres.tls",
                $"Cluster {name} does not offer TLS, which sslmode " +
                $"{(credential.SslMode.Length == 0 ? "verify-full" : credential.SslMode)} in its administrator credentials asks for."),
            mayPass: true),
        _ => ClusterFault.From(failure, name, database ?? credential.Database),
    };

    private static ClusterFault Rejected(ClusterName name, string code) =>
        ClusterFault.From(new PostgresException("", "FATAL", "FATAL", code), name, "");
}
