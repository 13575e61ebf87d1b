using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;

namespace DbAccess.TestKit.Fakes;

/// <summary>Where there are no clusters.</summary>
public sealed class NoGhosts : IGhostHunt
{
    public void Follow(ClusterName cluster, DateTimeOffset removedAt)
    {
    }

    public Task RunDueAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
