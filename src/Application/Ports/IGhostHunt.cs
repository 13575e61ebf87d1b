using DbAccess.Domain.Databases;

namespace DbAccess.Application.Ports;

/// <summary>
/// Sessions whose role is gone: a client that hid while it logged in, or that a reader let in before it had heard of the end.
/// </summary>
public interface IGhostHunt
{
    /// <summary>
    /// How long after a removal it is looked for them. Nobody can hide for longer: the longest delay that PostgreSQL takes is 2,147
    /// seconds.
    /// </summary>
    static readonly TimeSpan Lately = TimeSpan.FromMinutes(36);

    /// <summary>A role was removed there at that time, by this process or, as the record says, by another.</summary>
    void Follow(ClusterName cluster, DateTimeOffset removedAt);

    /// <summary>
    /// Ends them on the clusters that are followed; at most once a minute, whoever asks. Clusters where nothing ended lately are not
    /// touched. What cannot be reached is left to the next round.
    /// </summary>
    Task RunDueAsync(CancellationToken cancellationToken);
}
