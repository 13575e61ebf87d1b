using System.Collections.Concurrent;
using DbAccess.Application.Evidence;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// One connection per cluster that stays open while grants are live there, and has looked their roles up. A holder can fill the server's
/// one table of locks (60,000 advisory locks do); from then on no login succeeds, since to look a role up takes a lock on what all
/// databases share, and with it no lock-out. Whoever has looked the role up before can still end its sessions by number. Where nothing is
/// live there is none, so that nothing is kept awake.
/// </summary>
internal sealed class WarmConnections(ClusterConnections connections, PostgresOptions options, ILogger<WarmConnections> logger)
    : IAsyncDisposable
{
    /// <summary>With fewer there would be too few for the work itself.</summary>
    private const int FewestConnections = 3;

    private readonly ConcurrentDictionary<ClusterName, Warm> _warm = new();
    private bool _over;

    /// <summary>Exactly these are live on the cluster, by the record. Looks all of them up again, since a change to any role may have
    /// had the server forget. Never fails: what cannot be had now is tried with the next call.</summary>
    public Task KeepAsync(ClusterName cluster, IReadOnlyCollection<uint> roles, CancellationToken cancellationToken) =>
        ChangeAsync(cluster, known =>
        {
            known.Clear();
            known.UnionWith(roles);
        }, cancellationToken);

    /// <summary>One more; in the background, since its holder need not wait.</summary>
    public void Add(ClusterName cluster, uint role) => Behind(cluster, known => known.Add(role));

    /// <summary>One less; with the last of them the connection is closed. In the background.</summary>
    public void Forget(ClusterName cluster, uint role) => Behind(cluster, known => known.Remove(role));

    /// <summary>
    /// Ends the sessions of a role without taking a lock. Answers which were ended; null when there is no such connection, or it did not
    /// know the role.
    /// </summary>
    public async Task<string[]?> EndAsync(ClusterName cluster, uint role, RoleName name, CancellationToken cancellationToken)
    {
        if (!_warm.TryGetValue(cluster, out var warm)) return null;

        await warm.One.WaitAsync(cancellationToken);
        try
        {
            if (warm.Connection is not { } connection) return null;

            return await connection.BatchAsync(
                [new(End(role, name)), Asked.Reading("SELECT nullif(current_setting('dbaccess.ended'), '')::text[]")],
                async row => await row.ReadAsync(cancellationToken) && !await row.IsDBNullAsync(0, cancellationToken)
                    ? row.GetFieldValue<string[]>(0) : null,
                cancellationToken);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            await warm.CloseAsync();
            return null;
        }
        finally
        {
            warm.One.Release();
        }
    }

    /// <summary>Whether there is one now.</summary>
    public bool IsKept(ClusterName cluster) => _warm.TryGetValue(cluster, out var warm) && warm.Connection is not null;

    /// <summary>What was begun in the background is done.</summary>
    public Task SettleAsync() => Task.WhenAll(_behind.Keys);

    public async ValueTask DisposeAsync()
    {
        _over = true;
        await SettleAsync();
        foreach (var warm in _warm.Values)
        {
            await warm.CloseAsync();
            warm.One.Dispose();
        }
    }

    private readonly ConcurrentDictionary<Task, bool> _behind = new();

    private void Behind(ClusterName cluster, Action<HashSet<uint>> change)
    {
        // It asks for the sake of all, whoever it was begun by, and may end when that one has long been told.
        using var apart = RanStatements.Aside();
        var task = ChangeAsync(cluster, change, CancellationToken.None);
        _behind[task] = true;
        _ = task.ContinueWith(done => _behind.TryRemove(done, out _), TaskScheduler.Default);
    }

    private async Task ChangeAsync(ClusterName cluster, Action<HashSet<uint>> change, CancellationToken cancellationToken)
    {
        if (_over || !options.KeepsWarm || options.MaxConnectionsPerCluster < FewestConnections) return;

        var warm = _warm.GetOrAdd(cluster, _ => new Warm());
        await warm.One.WaitAsync(cancellationToken);
        try
        {
            change(warm.Roles);
            if (warm.Roles.Count == 0)
            {
                await warm.CloseAsync();
                return;
            }
            warm.Connection ??= await connections.OpenIfFreeAsync(cluster, null, cancellationToken);
            if (warm.Connection is { } connection) await connection.RunAsync(LookUp(warm.Roles), cancellationToken);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            await warm.CloseAsync();
            logger.LogWarning("No connection could be kept to {Cluster} for the day when nobody can log in: {Code}", cluster.Value,
                ClusterFault.From(failure, cluster, "").Error.Code);
        }
        finally
        {
            warm.One.Release();
        }
    }

    /// <summary>
    /// Everything that <see cref="End"/> will ask of the catalogs. What fails is caught on the server: Npgsql gives a connection up after
    /// an error of class 53, and this is the one that must stay.
    /// </summary>
    private static string LookUp(IEnumerable<uint> roles) => $$"""
        DO $do$
        BEGIN
            PERFORM pg_get_userbyid(r.oid), pg_has_role(r.oid, 'USAGE'), pg_has_role(r.oid, 'MEMBER'),
                    pg_has_role('pg_signal_backend', 'USAGE'), pg_has_role('pg_signal_backend', 'MEMBER'),
                    pg_has_role('pg_read_all_stats', 'USAGE')
               FROM unnest('{{{string.Join(',', roles)}}}'::oid[]) r(oid);
            PERFORM set_config('dbaccess.ended', coalesce((
                SELECT array_agg(t.session) FILTER (WHERE t.ended)::text
                  FROM (SELECT pg_terminate_backend(a.pid) AS ended, concat_ws(' ', a.pid, a.backend_start) AS session
                          FROM pg_stat_get_activity(NULL) a
                         WHERE a.pid = 0 AND pg_get_userbyid(a.usesysid) = '' OFFSET 0) t), '{}'), false);
        EXCEPTION WHEN OTHERS THEN NULL;
        END
        $do$
        """;

    private static string End(uint role, RoleName name) => $$"""
        DO $do$
        BEGIN
            PERFORM set_config('dbaccess.ended', coalesce((
                SELECT array_agg(t.session) FILTER (WHERE t.ended)::text
                  FROM (SELECT pg_terminate_backend(a.pid) AS ended, concat_ws(' ', a.pid, a.backend_start) AS session
                          FROM pg_stat_get_activity(NULL) a
                         WHERE a.usesysid = {{role}} AND pg_get_userbyid(a.usesysid) = '{{name}}' OFFSET 0) t),
                '{}'), false);
        EXCEPTION WHEN OTHERS THEN
            PERFORM set_config('dbaccess.ended', '', false);
        END
        $do$
        """;

    private sealed class Warm
    {
        public SemaphoreSlim One { get; } = new(1);

        public HashSet<uint> Roles { get; } = [];

        public ClusterConnection? Connection { get; set; }

        public async Task CloseAsync()
        {
            if (Connection is not { } connection) return;

            Connection = null;
            await connection.DisposeAsync();
        }
    }
}
