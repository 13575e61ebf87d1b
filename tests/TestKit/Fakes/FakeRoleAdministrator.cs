using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;

namespace DbAccess.TestKit.Fakes;

/// <summary>
/// Clusters in memory, under the same contract suite as the real adapter. Set <see cref="NextMakes"/> or <see cref="NextRemovals"/> (once each) or
/// <see cref="MakingFails"/> or <see cref="RemovalFails"/> (until set back) to have it answer something else; throw from them to have it throw.
/// </summary>
public sealed class FakeRoleAdministrator(TimeProvider clock) : IRoleAdministrator
{
    private readonly Lock _gate = new();
    private readonly Dictionary<(string Cluster, string Role), FakeRole> _roles = [];
    private uint _lastOid = 16_400;

    /// <summary>A role that exists, as the server would know it.</summary>
    /// <param name="Password">Kept in clear, since a fake cannot log in.</param>
    /// <param name="Sessions">How many sessions it has open; a test sets it.</param>
    public sealed record FakeRole(uint Oid, RoleOrder Order, string Password, bool CanLogIn, int Sessions)
    {
        public int Transactions { get; init; }
    }

    /// <summary>Every call of <see cref="MakeAsync"/>, also those that failed.</summary>
    public ConcurrentQueue<RoleOrder> Makes { get; } = new();

    /// <summary>Every call of <see cref="RemoveAsync"/>, also those that failed.</summary>
    public ConcurrentQueue<RoleToRemove> Removals { get; } = new();

    /// <summary>Answers for the next calls of <see cref="MakeAsync"/>, one each; a null takes the ordinary way.</summary>
    public ConcurrentQueue<Func<RoleOrder, RoleMaking>?> NextMakes { get; } = new();

    /// <summary>Answers for the next calls of <see cref="RemoveAsync"/>, one each; a null takes the ordinary way.</summary>
    public ConcurrentQueue<Func<RoleToRemove, RoleRemoval>?> NextRemovals { get; } = new();

    /// <summary>While set, no role is made and this is the answer (null from it takes the ordinary way).</summary>
    public Func<RoleOrder, RoleMaking?>? MakingFails { get; set; }

    /// <summary>While set, no role is removed and this is the answer (null from it takes the ordinary way).</summary>
    public Func<RoleToRemove, RoleRemoval?>? RemovalFails { get; set; }

    /// <summary>Makes the role, and then throws as a connection does that is lost at COMMIT. Once.</summary>
    public Exception? ThrowAfterMaking { get; set; }

    /// <summary>Runs before every call, for tests that interleave two workers.</summary>
    public Func<CancellationToken, Task>? Before { get; set; }

    public string Host { get; set; } = "orders-prod.example";

    /// <summary>The roles there are now.</summary>
    public IReadOnlyList<FakeRole> Roles
    {
        get
        {
            lock (_gate) return [.. _roles.Values];
        }
    }

    public static RoleMaking NotNow(string why = "The cluster orders-prod does not answer.") => new RoleMaking.NotNow(new Error("postgres.unreachable", why));

    public static RoleMaking Impossible(string why = "Table public.orders belongs to somebody else.") => new RoleMaking.Impossible(new Error("postgres.cannot_grant", why));

    public static RoleRemoval RemovalNotNow(string why = "The cluster orders-prod does not answer.") => new RoleRemoval.NotNow(new Error("postgres.unreachable", why));

    public FakeRole? Find(RoleName role, ClusterName? cluster = null)
    {
        lock (_gate) return _roles.Values.FirstOrDefault(r => r.Order.Role == role && (cluster is null || r.Order.Target.Cluster == cluster));
    }

    /// <summary>Whether the server would let this name and password in now.</summary>
    public bool CanLogIn(RoleName role, string password) =>
        Find(role) is { CanLogIn: true } found && found.Password == password && clock.GetUtcNow() < found.Order.Expiry;

    public void OpenSessions(RoleName role, int sessions) => Change(role, found => found with { Sessions = sessions });

    public void OpenTransactions(RoleName role, int sessions, int transactions) =>
        Change(role, found => found with { Sessions = sessions, Transactions = transactions });

    /// <summary>As a person with psql would drop it, behind our back.</summary>
    public void DropByHand(RoleName role)
    {
        lock (_gate)
        {
            foreach (var key in _roles.Keys.Where(key => key.Role == role.Value).ToList()) _roles.Remove(key);
        }
    }

    public async Task<RoleMaking> MakeAsync(RoleOrder order, Secret password, CancellationToken cancellationToken)
    {
        Makes.Enqueue(order);
        cancellationToken.ThrowIfCancellationRequested();
        if (Before is { } before) await before(cancellationToken);
        if (NextMakes.TryDequeue(out var next) && next is not null) return next(order);
        if (MakingFails?.Invoke(order) is { } failure) return failure;

        if (order.AgreedPlan is { } agreed && PlanHash?.Invoke(order) is { } now && now != agreed) return new RoleMaking.Differs();

        RoleMaking.Made made;
        lock (_gate)
        {
            if (clock.GetUtcNow() > order.NotAfter) return NotNow("The lease is over.");

            var key = (order.Target.Cluster.Value, order.Role.Value);
            if (_roles.TryGetValue(key, out var there) && (there.Order.Grant != order.Grant || there.Order.Installation != order.Installation))
                return new RoleMaking.NameTaken();

            var oid = there?.Oid ?? ++_lastOid;
            _roles[key] = new FakeRole(oid, order, SecretLedger.Made(password.Reveal()), CanLogIn: true, there?.Sessions ?? 0);
            made = new RoleMaking.Made(oid, Host, 5432, "verify-full", new PlanOnRecord(order.Scope.Fingerprint(order.Target.Database), "12 tables in orders").Giving(Gives));
        }
        if (ThrowAfterMaking is not { } lost) return made;

        ThrowAfterMaking = null;
        throw lost;
    }

    /// <summary>While set, this is the answer when an end is to be moved.</summary>
    public Error? MovingFails { get; set; }

    public Task<Result> MoveEndAsync(RoleToRemove role, DateTimeOffset expiry, CancellationToken cancellationToken)
    {
        if (MovingFails is { } failure) return Task.FromResult<Result>(failure);
        if (Find(role.Role, role.Target.Cluster) is not { CanLogIn: true } there || there.Order.Grant != role.Grant)
            return Task.FromResult<Result>(new Error("postgres.role_gone", "It is not there."));

        Change(role.Role, found => found with { Order = found.Order with { Expiry = expiry } });
        return Task.FromResult(Result.Done);
    }

    /// <summary>While set, this is the answer when a password is to be set.</summary>
    public Error? SettingFails { get; set; }

    public async Task<Result> SetPasswordAsync(RoleToRemove role, Secret password, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (Before is { } before) await before(cancellationToken);
        if (SettingFails is { } failure) return failure;
        if (Find(role.Role, role.Target.Cluster) is not { CanLogIn: true } there || there.Order.Grant != role.Grant)
            return new Error("postgres.role_gone", "It is not there.");

        Change(role.Role, found => found with { Password = SecretLedger.Made(password.Reveal()) });
        return Result.Done;
    }

    /// <summary>Answers what a role has open: a fault, a wait; null: what a test opened.</summary>
    public Func<CancellationToken, Task<OpenSessions>>? Open { get; set; }

    public Task<OpenSessions> CountOpenAsync(RoleToRemove role, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Open is { } answer ? answer(cancellationToken)
            : Task.FromResult(Find(role.Role, role.Target.Cluster) is { } found
                ? new OpenSessions(found.Sessions, found.Transactions, null) : new OpenSessions(0, 0, null));
    }

    public async Task<IReadOnlyDictionary<GrantId, OpenSessions>> ListOpenAsync(
        ClusterName cluster, IReadOnlyList<RoleToRemove> those, CancellationToken cancellationToken)
    {
        Dictionary<GrantId, OpenSessions> found = [];
        foreach (var role in those.Where(role => Find(role.Role, cluster) is not null))
            found[role.Grant] = await CountOpenAsync(role, cancellationToken);
        return found;
    }

    /// <summary>What a role would get, by its hash; null: whatever was agreed to.</summary>
    public Func<RoleOrder, string>? PlanHash { get; set; }

    /// <summary>What every role gives; null for more than is kept.</summary>
    public IReadOnlyList<string>? Gives { get; set; }

    public async Task<RoleRemoval> RemoveAsync(RoleToRemove role, CancellationToken cancellationToken)
    {
        Removals.Enqueue(role);
        cancellationToken.ThrowIfCancellationRequested();
        if (Before is { } before) await before(cancellationToken);
        if (NextRemovals.TryDequeue(out var next) && next is not null) return next(role);
        if (RemovalFails?.Invoke(role) is { } failure)
        {
            // Whatever keeps it from being dropped, it is locked out.
            if (failure is RoleRemoval.LockedOut) Change(role.Role, found => found with { CanLogIn = false, Sessions = 0 });
            return failure;
        }

        lock (_gate)
        {
            var now = clock.GetUtcNow();
            var found = _roles.FirstOrDefault(entry => entry.Key.Cluster == role.Target.Cluster.Value
                && (role.Oid is { } oid ? entry.Value.Oid == oid : entry.Key.Role == role.Role.Value)
                && entry.Value.Order.Grant == role.Grant && entry.Value.Order.Installation == role.Installation);
            if (found.Value is null) return new RoleRemoval.Gone(new RemovalReceipt(now, 0, now, now, Existed: false, []));

            _roles.Remove(found.Key);
            return new RoleRemoval.Gone(new RemovalReceipt(now, found.Value.Sessions, now, now, Existed: true, []));
        }
    }

    private void Change(RoleName role, Func<FakeRole, FakeRole> change)
    {
        lock (_gate)
        {
            foreach (var key in _roles.Keys.Where(key => key.Role == role.Value).ToList()) _roles[key] = change(_roles[key]);
        }
    }
}
