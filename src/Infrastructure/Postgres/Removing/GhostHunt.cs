using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.Postgres.Connections;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// Ends sessions whose role is gone, on the writer and every reader of the clusters where a role was removed lately. A client can hide from
/// <c>pg_stat_activity</c> while it logs in (<c>post_auth_delay</c>) and come out when its role has long been proved gone; a reader can let
/// one in before it has heard of the end. Clusters where nothing ended are left asleep.
/// </summary>
internal sealed class GhostHunt(ClusterConnections connections, IAuditTrail audit, TimeProvider clock, ILogger<GhostHunt> logger)
    : IGhostHunt, IAsyncDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<ClusterName, DateTimeOffset> _until = new();
    private long _lastTicks;
    private readonly SemaphoreSlim _one = new(1);

    public void Follow(ClusterName cluster, DateTimeOffset removedAt)
    {
        var until = removedAt + IGhostHunt.Lately;
        _until.AddOrUpdate(cluster, until, (_, known) => known > until ? known : until);
    }

    public async Task RunDueAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow().UtcTicks;
        var last = Interlocked.Read(ref _lastTicks);
        // A second less than the interval, so that a timer of exactly that is never too early by its own imprecision.
        if (_until.IsEmpty || now - last < (Interval - TimeSpan.FromSeconds(1)).Ticks
            || Interlocked.CompareExchange(ref _lastTicks, now, last) != last) return;

        await RunAsync(cancellationToken);
    }

    /// <summary>One round. Answers how many sessions were ended; what cannot be reached is asked again by the next round.</summary>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await _one.WaitAsync(cancellationToken);
        try
        {
            var ended = 0L;
            foreach (var (cluster, until) in _until)
            {
                if (until < clock.GetUtcNow())
                {
                    _until.TryRemove(KeyValuePair.Create(cluster, until));
                    continue;
                }
                ended += await OnAsync(cluster, null, cancellationToken);
                foreach (var reader in await ReadersAsync(cluster, cancellationToken))
                    ended += await OnAsync(cluster, reader, cancellationToken);
            }
            return (int)ended;
        }
        finally
        {
            _one.Release();
        }
    }

    public ValueTask DisposeAsync()
    {
        _one.Dispose();
        return ValueTask.CompletedTask;
    }

    private async Task<long> OnAsync(ClusterName cluster, string? reader, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await connections.OpenAsync(cluster, null, cancellationToken, reader);
            var ended = await connection.DoingFirstAsync(
                SessionStatements.EndGhosts, [], row => row.GetFieldValue<string[]>(0), cancellationToken);
            if (ended.Length > 0) await TellAsync(cluster, RemovalCase.Instance(connection), ended);
            return ended.Length;
        }
        catch (Exception failure) when (failure is ClusterFault or NpgsqlException)
        {
            logger.LogWarning("Sessions of roles that no longer exist could not be looked for on {Cluster} {Instance}: {Code}",
                cluster.Value, reader ?? "writer", ClusterFault.From(failure, cluster, "").Error.Code);
            return 0;
        }
    }

    /// <summary>They belong to no grant any more. That they are gone does not wait for the record.</summary>
    private async Task TellAsync(ClusterName cluster, string instance, string[] ended)
    {
        logger.LogWarning("{Ended} sessions of roles that no longer exist were ended on {Cluster} {Instance}", ended.Length, cluster.Value,
            instance);
        try
        {
            await audit.RecordAsync(new LogEvent
            {
                At = clock.GetUtcNow(), Type = "ghosts.ended", By = new Actor.Sweep(), Way = Way.Current, Trace = Way.Trace,
                What =
                [
                    new Fact.Text("cluster", cluster.Value), new Fact.Number("sessions_ended", ended.Length),
                    new Fact.Texts("sessions",
                        [.. ended.Take(RemovalReceipt.MostSessions).Select(ghost => SessionWords.Ghost(instance, ghost)).OfType<string>()]),
                ],
            }, CancellationToken.None);
        }
        catch (Exception failure)
        {
            logger.LogError(failure, "That they were ended could not be recorded");
        }
    }

    private async Task<IReadOnlyList<string>> ReadersAsync(ClusterName cluster, CancellationToken cancellationToken)
    {
        try
        {
            return (await connections.CredentialAsync(cluster, cancellationToken)).Readers;
        }
        catch (ClusterFault)
        {
            return [];
        }
    }
}
