using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;

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

    public Task<Result> RevokeMembershipAsync(ClusterName cluster, string installation, FoundRole role, RoleLink member, CancellationToken cancellationToken) => MendAsync($"take {role.Name} from {member.Role}");

    public Task<Result> ForgetDefaultsAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken) => MendAsync($"forget defaults of {role.Name}");

    public Task<Result> DropScopeAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken) => MendAsync($"drop {role.Name}");

    public Task<Result> StripScopeAsync(ClusterName cluster, string installation, FoundRole role, CancellationToken cancellationToken) => MendAsync($"strip {role.Name}");

    /// <summary>What a scope comes to; null: nothing at all.</summary>
    public PrivilegePlan? Plan { get; set; }

    /// <summary>While set, no plan can be made.</summary>
    public Error? PlanRefusal { get; set; }

    /// <summary>By scope name: what differs on the databases, until it is mended.</summary>
    public ConcurrentDictionary<string, ScopeUpkeep> Drift { get; } = new(StringComparer.Ordinal);

    public Task<Result<PrivilegePlan>> PlanAsync(string installation, DatabaseTarget target, PrivilegeScope scope, CancellationToken cancellationToken) =>
        Task.FromResult(PlanRefusal is { } refusal ? refusal : (Result<PrivilegePlan>)(Plan ?? new PrivilegePlan(scope.Name, [], [], [], scope.RunAs)));

    /// <summary>The tables that there are; null: whatever is asked for.</summary>
    public IReadOnlyList<TableName>? Tables { get; set; }

    /// <summary>Runs before tables are looked up.</summary>
    public Func<CancellationToken, Task>? BeforeTables { get; set; }

    public async Task<Result<IReadOnlyList<TableName>>> FindTablesAsync(ClusterName cluster, IReadOnlyList<string> databases, IReadOnlyList<TableName> wanted, CancellationToken cancellationToken)
    {
        if (BeforeTables is { } before) await before(cancellationToken);
        return cluster == Unlisted ? new Error("postgres.unreachable", $"Cluster {cluster} cannot be reached.") : Result<IReadOnlyList<TableName>>.Of(Tables ?? wanted);
    }

    public async Task<Result<IReadOnlyList<TableName>>> ListTablesAsync(ClusterName cluster, IReadOnlyList<string> databases, IReadOnlyList<ObjectSelector> schemas, int limit, CancellationToken cancellationToken)
    {
        if (BeforeTables is { } before) await before(cancellationToken);
        return cluster == Unlisted ? new Error("postgres.unreachable", $"Cluster {cluster} cannot be reached.")
            : Result<IReadOnlyList<TableName>>.Of([.. (Tables ?? []).Where(table => schemas.Any(of => of.CoversSchema(table.Schema))).Take(limit)]);
    }

    public Task<ScopeUpkeep> KeepInLineAsync(string installation, DatabaseTarget target, PrivilegeScope scope, bool dryRun, CancellationToken cancellationToken)
    {
        if (!Drift.TryGetValue(scope.Name.Value, out var drift)) return Task.FromResult(new ScopeUpkeep([], null));
        if (dryRun || drift.Refusal is not null) return Task.FromResult(drift);

        Drift.TryRemove(scope.Name.Value, out _);
        Mendings.Enqueue($"bring in line {scope.Name}");
        return Task.FromResult(drift);
    }

    public Task<Result> DropUnusedAsync(string installation, DatabaseTarget target, PrivilegeScope scope, CancellationToken cancellationToken) => MendAsync($"drop unused {string.Join(", ", scope.NarrowedTo)}");

    private Task<Result> MendAsync(string what)
    {
        Mendings.Enqueue(what);
        return Task.FromResult(Result.Done);
    }
}
