using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using DbAccess.Domain.Databases;
using DbAccess.Infrastructure.Postgres.Connections;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// Instances that follow the writer without being listed as readers: Aurora adds some by itself, and people forget. By
/// <c>aurora_replica_status()</c>, or by who receives the writer's log; the latter tells an address and no port, so that of the writer is
/// tried.
/// </summary>
internal sealed class Followers(ClusterConnections connections, TimeProvider clock)
{
    /// <summary>One that did not answer is not tried with every removal.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(10);

    private readonly ConcurrentDictionary<(ClusterName Cluster, string Instance), long> _silent = new();

    /// <summary>Those that can be swept like listed ones (<c>host:port</c>), and the others in words.</summary>
    internal sealed record Found(IReadOnlyList<string> Answering, IReadOnlyList<string> Silent)
    {
        public static Found None { get; } = new([], []);
    }

    /// <summary>Never fails: what cannot be found out is among the silent.</summary>
    public async Task<Found> FindAsync(
        ClusterConnection writer, ClusterName name, RoleState left, IReadOnlyList<string> listed, CancellationToken cancellationToken)
    {
        if (!left.IsAurora && left.Receivers <= listed.Count) return Found.None;

        var (instances, unknown) = left.IsAurora
            ? await OfAuroraAsync(writer, listed, cancellationToken) : await ReceivingAsync(writer, listed, cancellationToken);
        List<string> answering = [];
        List<string> silent = [.. unknown];
        foreach (var instance in instances)
        {
            if (await AnswersAsync(name, instance, cancellationToken)) answering.Add(instance);
            else silent.Add($"an instance at {instance}");
        }
        return new Found(answering, silent);
    }

    /// <summary>
    /// The endpoint of an instance of Aurora, by that of its cluster or of another instance: they differ in the first name, and that of a
    /// cluster has a second one more. Null when the host has a name of its own.
    /// </summary>
    internal static string? AuroraEndpoint(string writer, string server)
    {
        var names = writer.Split('.');
        var domain = Array.FindIndex(names, name => name == "rds");
        // <name>.[cluster-]<id>.<region>.rds.amazonaws.com
        if (domain != 3 || !writer.Contains(".rds.amazonaws.com", StringComparison.OrdinalIgnoreCase)) return null;

        var id = names[1].StartsWith("cluster-", StringComparison.Ordinal) ? names[1]["cluster-".Length..] : names[1];
        return $"{server}.{id}.{string.Join('.', names[2..])}";
    }

    private static async Task<(IEnumerable<string> Instances, IEnumerable<string> Unknown)> OfAuroraAsync(
        ClusterConnection writer, IReadOnlyList<string> listed, CancellationToken cancellationToken)
    {
        var servers = await writer.RowsAsync(AuroraReaders, [], row => row.GetString(0), cancellationToken);
        var host = writer.Credential.Host;
        var unknown = servers.Where(server => AuroraEndpoint(host, server) is null)
            // A listed one may be it, under a name of its own.
            .Skip(listed.Count).Select(server => $"the instance {server}");
        return (servers.Select(server => AuroraEndpoint(host, server)).OfType<string>()
            .Where(endpoint => !listed.Any(one => one.StartsWith(endpoint, StringComparison.OrdinalIgnoreCase)))
            .Select(endpoint => At(endpoint, writer)), unknown);
    }

    private static async Task<(IEnumerable<string> Instances, IEnumerable<string> Unknown)> ReceivingAsync(
        ClusterConnection writer, IReadOnlyList<string> listed, CancellationToken cancellationToken)
    {
        var followers = await writer.RowsAsync(Receivers, [], row => row.GetString(0), cancellationToken);
        if (followers.Count <= listed.Count) return ([], []);

        HashSet<string> known = new(StringComparer.Ordinal);
        foreach (var one in listed)
        {
            var host = one.LastIndexOf(':') is > 0 and var colon && !one.EndsWith(']') ? one[..colon] : one;
            try
            {
                known.UnionWith((await Dns.GetHostAddressesAsync(host.Trim('[', ']'), cancellationToken))
                    .Select(address => (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString()));
            }
            catch (SocketException)
            {
                // It will be told that it does not answer.
            }
        }
        var unlisted = followers.Where(address => !known.Contains(address)).ToList();
        return (unlisted.Where(address => IPAddress.TryParse(address, out _)).Select(address => At(
                address.Contains(':', StringComparison.Ordinal) ? $"[{address}]" : address, writer)),
            unlisted.Where(address => !IPAddress.TryParse(address, out _)).Select(_ => "an instance whose address we may not see"));
    }

    /// <summary>The readers of an Aurora cluster, as it knows them itself.</summary>
    private const string AuroraReaders =
        "SELECT server_id::text FROM aurora_replica_status() WHERE session_id::text <> 'MASTER_SESSION_ID' ORDER BY 1";

    /// <summary>
    /// Who receives the log as a whole, and so may be a reader: address, or that it may not be seen. Not a backup, and nobody who decodes.
    /// Asked only where more receive it than are listed, so that no other removal waits for it.
    /// </summary>
    private const string Receivers = """
        SELECT coalesce(host(a.client_addr), 'hidden')
          FROM pg_stat_get_wal_senders() w JOIN pg_stat_get_activity(NULL) a ON a.pid = w.pid
         WHERE coalesce(w.state, 'streaming') IN ('streaming', 'catchup')
           AND NOT EXISTS (SELECT FROM pg_get_replication_slots() s WHERE s.active_pid = w.pid AND s.slot_type = 'logical')
        """;

    private async Task<bool> AnswersAsync(ClusterName name, string instance, CancellationToken cancellationToken)
    {
        if (_silent.TryGetValue((name, instance), out var at) && clock.GetElapsedTime(at) < Rest) return false;

        try
        {
            await using var there = await connections.OpenAsync(name, null, cancellationToken, instance, pooled: false);
            // Behind a proxy the same address may lead to the writer.
            if (await there.FirstAsync("SELECT pg_is_in_recovery()", [], row => row.GetBoolean(0), cancellationToken)) return true;
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            // Told on the receipt.
        }
        _silent[(name, instance)] = clock.GetTimestamp();
        return false;
    }

    private static string At(string host, ClusterConnection writer) =>
        $"{host}:{writer.Credential.Port.ToString(CultureInfo.InvariantCulture)}";
}
