using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;

namespace DbAccess.TestKit.Fakes;

/// <summary>The roles of one cluster, as a test says they are; remembers what was mended.</summary>
public sealed class FakeRoleInventory : IRoleInventory
{
    /// <summary>Not one of ours, and who asks.</summary>
    public const string Administrator = "dbaccess_admin";

    public List<FoundRole> Roles { get; } = [];

    public DateTimeOffset ServerNow { get; set; } = Some.Now;

    /// <summary>While set, no cluster of that name can be listed.</summary>
    public ClusterName? Unlisted { get; set; }

    /// <summary>Runs after the listing is taken and before it is handed over.</summary>
    public Func<Task>? AfterListing { get; set; }

    public ConcurrentQueue<ClusterName> Listings { get; } = new();

    /// <summary>Lines like <c>lock dba_…_s_read_…</c>.</summary>
    public ConcurrentQueue<string> Mendings { get; } = new();

    public async Task<Result<RoleListing>> ListAsync(ClusterName cluster, string installation, IReadOnlyCollection<uint> also, CancellationToken cancellationToken)
    {
        Listings.Enqueue(cluster);
        if (cluster == Unlisted) return new Error("postgres.unreachable", $"Cluster {cluster} cannot be reached.");

        var listing = new RoleListing(Administrator, ServerNow, [.. Roles.Where(role => role.HasPrefix || role.Mark is not RoleMark.None || also.Contains(role.Oid))]);
        if (AfterListing is { } after) await after();
        return listing;
    }

    public Task<Result> LockAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken) => MendAsync($"lock {role.Name}");

    public Task<Result> TakeBackAsync(ClusterName cluster, string installation, FoundRole role, RoleLink member, CancellationToken cancellationToken) => MendAsync($"take {role.Name} from {member.Role}");

    public Task<Result> DropScopeAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken) => MendAsync($"drop {role.Name}");

    private Task<Result> MendAsync(string what)
    {
        Mendings.Enqueue(what);
        return Task.FromResult(Result.Done);
    }
}
