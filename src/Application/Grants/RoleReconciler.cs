using System.Collections.Concurrent;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Grants;

/// <summary>What came of a finding.</summary>
public enum FindingOutcome
{
    /// <summary>Nothing is to be done by us, or not yet.</summary>
    Reported,

    /// <summary>A dry run: this is what would be done.</summary>
    WouldMend,

    Mended,

    /// <summary>It was tried and did not work; the next pass tries again.</summary>
    Failed,
}

/// <summary>One finding and what came of it.</summary>
/// <param name="Role">The role, or empty when it is about the cluster.</param>
/// <param name="Words">All of it, for people.</param>
public sealed record ReconcileLine(ClusterName Cluster, FindingKind Kind, string Role, FindingOutcome Outcome, string Words)
{
    public override string ToString() => $"{Cluster}: {Words}";
}

/// <summary>What a comparison of the record with the clusters found and did.</summary>
public sealed record ReconcileReport(int Clusters, int Roles, IReadOnlyList<ReconcileLine> Lines)
{
    public int Count(FindingOutcome outcome) => Lines.Count(line => line.Outcome == outcome);

    public int Count(FindingKind kind) => Lines.Count(line => line.Kind == kind);

    public override string ToString() =>
        $"{Clusters} clusters, {Roles} roles; {Lines.Count} findings: {Count(FindingOutcome.Mended)} mended, {Count(FindingOutcome.WouldMend)} would be mended, {Count(FindingOutcome.Reported)} reported, {Count(FindingOutcome.Failed)} failed";
}

/// <summary>What passes of one process remember of each other: since when a scope role is unneeded, and which clusters were busy lately.</summary>
internal sealed class ReconcileMemory
{
    private readonly ConcurrentDictionary<ClusterName, IReadOnlyDictionary<uint, DateTimeOffset>> _unneeded = new();
    private readonly ConcurrentDictionary<ClusterName, DateTimeOffset> _busy = new();

    public IReadOnlyDictionary<uint, DateTimeOffset> UnneededSince(ClusterName cluster) =>
        _unneeded.TryGetValue(cluster, out var known) ? known : new Dictionary<uint, DateTimeOffset>();

    /// <summary>Forgets what is needed again: the grace starts anew then.</summary>
    public void SetUnneeded(ClusterName cluster, IEnumerable<uint> oids, DateTimeOffset now)
    {
        var before = UnneededSince(cluster);
        _unneeded[cluster] = oids.ToDictionary(oid => oid, oid => before.TryGetValue(oid, out var since) ? since : now);
    }

    public void WasBusy(ClusterName cluster, DateTimeOffset now) => _busy[cluster] = now;

    public IEnumerable<ClusterName> BusySince(DateTimeOffset since) => _busy.Where(entry => entry.Value >= since).Select(entry => entry.Key);
}

/// <summary>
/// Compares the record with the clusters and mends what may be mended; shared by the command and, as a dry run, by the examination of clusters.
/// One cluster that fails does not stop the others.
/// </summary>
internal sealed class RoleReconciler(
    IGrantStore store,
    IRoleInventory inventory,
    IRoleAdministrator roles,
    IPolicySource policies,
    IAuditTrail audit,
    IGrantDispatcher dispatcher,
    ReconcileMemory memory,
    Installation installation,
    TimeProvider clock,
    ILogger<RoleReconciler> log)
{
    private const int ClustersAtOnce = 4;
    private const int MendingsAtOnce = 4;

    /// <summary>A cheap pass follows a cluster for so long after its last live grant: past the grace, so that a late orphan is seen.</summary>
    private static readonly TimeSpan Lately = TimeSpan.FromMinutes(30);

    /// <summary>More live grants than this are left to the hourly pass: reading them all with every sweep would not be cheap.</summary>
    private const int MostForCheapPass = 5_000;

    /// <param name="onlyBusy">Only clusters with live or lately ended grants, so that no sleeping cluster is woken.</param>
    public async Task<ReconcileReport> RunAsync(bool dryRun, bool confirmed, bool onlyBusy, CancellationToken cancellationToken)
    {
        if (onlyBusy && (await store.CountByStatusAsync(cancellationToken)).Where(entry => IsLive(entry.Key)).Sum(entry => entry.Value) > MostForCheapPass)
            return new ReconcileReport(0, 0, []);

        var now = clock.GetUtcNow();
        var live = (await store.ListLiveAsync(null, int.MaxValue, cancellationToken)).Select(grant => grant.State).ToList();
        var busy = live.Where(grant => grant.Role is not null).Select(grant => grant.Target.Cluster).ToHashSet();
        foreach (var cluster in busy) memory.WasBusy(cluster, now);

        List<ClusterName> clusters =
        [
            .. (onlyBusy ? busy.Concat(memory.BusySince(now - Lately)) : busy.Concat(policies.Current.Databases.Values.Select(database => database.Target.Cluster)))
                .Distinct().OrderBy(cluster => cluster.Value, StringComparer.Ordinal),
        ];
        var lines = new ConcurrentBag<ReconcileLine>();
        var seen = 0;
        await Parallel.ForEachAsync(
            clusters,
            new ParallelOptions { MaxDegreeOfParallelism = ClustersAtOnce, CancellationToken = cancellationToken },
            async (cluster, token) =>
            {
                try
                {
                    Interlocked.Add(ref seen, await ReconcileAsync(cluster, [.. live.Where(grant => grant.Target.Cluster == cluster)], dryRun, confirmed, lines, token));
                }
                catch (Exception failure) when (failure is not OperationCanceledException)
                {
                    log.LogError(failure, "Reconciling cluster {Cluster} failed", cluster.Value);
                    lines.Add(new ReconcileLine(cluster, FindingKind.Unlisted, "", FindingOutcome.Failed, $"it could not be compared ({failure.GetType().Name}); the log says more"));
                }
            });

        List<ReconcileLine> sorted = [.. lines.OrderBy(line => line.Cluster.Value, StringComparer.Ordinal).ThenBy(line => line.Words, StringComparer.Ordinal)];
        foreach (var line in sorted) Telemetry.Finding(line.Kind.ToString(), line.Outcome.ToString());
        if (!dryRun)
        {
            foreach (var line in sorted)
                log.Log(line.Outcome is FindingOutcome.Failed ? LogLevel.Error : LogLevel.Warning, "Reconcile {Finding} on {Cluster}, role {Role}: {Outcome}: {Words}", line.Kind, line.Cluster.Value, line.Role, line.Outcome, line.Words);
        }
        return new ReconcileReport(clusters.Count, seen, sorted);
    }

    private async Task<int> ReconcileAsync(ClusterName cluster, IReadOnlyList<GrantSnapshot> liveBefore, bool dryRun, bool confirmed, ConcurrentBag<ReconcileLine> lines, CancellationToken cancellationToken)
    {
        var listed = await inventory.ListAsync(cluster, installation.Name, [.. liveBefore.Select(grant => grant.RoleOid).OfType<uint>()], cancellationToken);
        if (listed.Refusal is { } refusal)
        {
            lines.Add(new ReconcileLine(cluster, FindingKind.Unlisted, "", FindingOutcome.Failed, $"its roles could not be listed, so nothing was decided: {refusal.Message}"));
            return 0;
        }

        // After the listing: a role whose grant is on record by now was no orphan when it was listed.
        var listing = listed.Value;
        var known = new Dictionary<GrantId, GrantSnapshot>();
        foreach (var id in listing.Roles.Select(role => role.Mark).OfType<RoleMark.Login>().Select(mark => mark.Grant).Concat(liveBefore.Select(grant => grant.Id)).Distinct())
        {
            if (await store.FindAsync(id, cancellationToken) is { } grant) known[id] = grant.State;
        }

        var (now, policy) = (clock.GetUtcNow(), policies.Current);
        var state = new ClusterState(
            cluster,
            installation.Name,
            listing,
            known,
            liveBefore.Where(grant => grant.Status is GrantStatus.Active).Select(grant => grant.Id).ToHashSet(),
            NeededScopes(policy, cluster, known.Values.Where(grant => grant.EndedAt is null)),
            policy.Databases.Values.Where(database => database.Target.Cluster == cluster).GroupBy(database => database.Target.Database, StringComparer.Ordinal)
                .ToDictionary(group => group.Key, group => group.First().Target.Name, StringComparer.Ordinal),
            memory.UnneededSince(cluster),
            now,
            confirmed);
        var findings = Reconciliation.Decide(state);
        if (!dryRun)
        {
            var unneeded = findings.Where(finding => finding.Kind is FindingKind.Unneeded).Select(finding => finding.Role).ToHashSet(StringComparer.Ordinal);
            memory.SetUnneeded(cluster, listing.Roles.Where(role => unneeded.Contains(role.Name)).Select(role => role.Oid), now);
        }

        await Parallel.ForEachAsync(
            findings,
            new ParallelOptions { MaxDegreeOfParallelism = MendingsAtOnce, CancellationToken = cancellationToken },
            async (finding, token) => lines.Add(await SettleAsync(cluster, finding, dryRun, token)));
        return listing.Roles.Count;
    }

    private async Task<ReconcileLine> SettleAsync(ClusterName cluster, Finding finding, bool dryRun, CancellationToken cancellationToken)
    {
        var lead = finding.Role.Length > 0 ? $"{finding.Role} {finding.What}" : $"it {finding.What}";
        if (finding.Mend is not { } mend) return Line(FindingOutcome.Reported, finding.Instead is null ? lead : $"{lead}. {finding.Instead}.");
        if (dryRun) return Line(FindingOutcome.WouldMend, $"{lead}. {Would(mend)}.");

        try
        {
            // On the audit record before anything happens, and what came of it after.
            await AuditAsync(finding, "begun");
            var outcome = await MendAsync(cluster, mend, cancellationToken);
            await AuditAsync(finding, outcome.Refusal?.Code ?? "done");
            return outcome.Refusal is { } refusal ? Line(FindingOutcome.Failed, $"{lead}. {refusal.Message}") : Line(FindingOutcome.Mended, $"{lead}. {Did(mend)}.");
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogError(failure, "Mending {Role} on {Cluster} failed", finding.Role, cluster.Value);
            return Line(FindingOutcome.Failed, $"{lead}. It could not be mended ({failure.GetType().Name}); the next pass tries again.");
        }

        ReconcileLine Line(FindingOutcome outcome, string words) => new(cluster, finding.Kind, finding.Role, outcome, words);
    }

    private async Task<Result> MendAsync(ClusterName cluster, Mending mend, CancellationToken cancellationToken)
    {
        switch (mend)
        {
            case Mending.Remove remove:
                return await roles.RemoveAsync(remove.Role, cancellationToken) switch
                {
                    RoleRemoval.Gone => Result.Done,
                    RoleRemoval.LockedOut { Blockers: var blockers } => new Error("reconcile.locked_out", $"It is locked out but cannot be dropped yet: {string.Join("; ", blockers)}"),
                    RoleRemoval.NotNow { Why: var why } => why,
                    _ => throw new InvalidOperationException("A removal ends in one of its three ways."),
                };

            case Mending.Supersede supersede:
                if (await store.FindAsync(supersede.Grant, cancellationToken) is not { } grant) return GrantErrors.Unknown(supersede.Grant.ToString());
                var (_, outcome) = await store.ChangeAsync(grant, newest => newest.Supersede(supersede.Why, clock.GetUtcNow()), cancellationToken);
                if (outcome.Refusal is null) dispatcher.Dispatch(supersede.Grant);
                return outcome;

            case Mending.Lock locked:
                return await inventory.LockAsync(cluster, installation.Name, locked.Role, cancellationToken);

            case Mending.TakeBack takeBack:
                return await inventory.TakeBackAsync(cluster, installation.Name, takeBack.Role, takeBack.Member, cancellationToken);

            case Mending.DropScope drop:
                return await inventory.DropScopeAsync(cluster, installation.Name, drop.Role, cancellationToken);

            default:
                throw new InvalidOperationException("A mending is one of five.");
        }
    }

    private Task AuditAsync(Finding finding, string outcome) => audit.AppendAsync(
        new AuditRecord(clock.GetUtcNow(), $"Reconcile{finding.Kind}", new Actor.Sweep(), finding.Role, outcome, System.Diagnostics.Activity.Current?.TraceId.ToString()), CancellationToken.None);

    private HashSet<string> NeededScopes(AccessPolicy policy, ClusterName cluster, IEnumerable<GrantSnapshot> live)
    {
        var names = live.Where(grant => grant.Target.Cluster == cluster).Select(grant => Name(grant.Scope, grant.Target.Database)).ToHashSet(StringComparer.Ordinal);
        foreach (var database in policy.Databases.Values.Where(database => database.Target.Cluster == cluster))
        {
            foreach (var scope in database.Scopes.Where(policy.Scopes.ContainsKey)) names.Add(Name(policy.Scopes[scope], database.Target.Database));
        }
        return names;

        string Name(Domain.Scopes.PrivilegeScope scope, string database) => RoleName.ForScope(installation.Name, scope.Name.Value, scope.Fingerprint(database)).Value;
    }

    private static bool IsLive(GrantStatus status) =>
        status is GrantStatus.Pending or GrantStatus.Approved or GrantStatus.Provisioning or GrantStatus.Active or GrantStatus.Revoking or GrantStatus.Quarantined;

    private static string Would(Mending mend) => mend switch
    {
        Mending.Remove => "It would be removed",
        Mending.Supersede => "The grant would be ended, and its holder told",
        Mending.Lock => "Its login and password would be taken away",
        Mending.TakeBack => "The membership would be taken back",
        _ => "It would be dropped",
    };

    private static string Did(Mending mend) => mend switch
    {
        Mending.Remove => "It was removed, and that was checked",
        Mending.Supersede => "The grant is being ended, and its holder is told",
        Mending.Lock => "Its login and password were taken away",
        Mending.TakeBack => "The membership was taken back",
        _ => "It was dropped",
    };
}
