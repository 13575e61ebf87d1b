using System.Collections.Concurrent;
using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Reconciling;

/// <summary>
/// Compares the record with the clusters and mends what may be mended; shared by the command and, as a dry run, by the examination of
/// clusters. One cluster that fails does not stop the others.
/// </summary>
internal sealed class RoleReconciler(
    IGrantStore store,
    IRoleInventory inventory,
    IRoleAdministrator roles,
    IPolicySource policies,
    IAuditTrail audit,
    LateRecords late,
    IGrantDispatcher dispatcher,
    ReconcileMemory memory,
    Installation installation,
    TimeProvider clock,
    ILogger<RoleReconciler> log)
{
    private const int ClustersAtOnce = 4;
    private const int MendingsAtOnce = 4;

    /// <summary>
    /// A cheap pass follows a cluster for so long after its last live grant: past the grace, so that a late orphan is seen.
    /// </summary>
    private static readonly TimeSpan Lately = TimeSpan.FromMinutes(30);

    /// <summary>
    /// More live grants than this are left to the hourly pass: even the list of their ids would not be cheap with every sweep (of so many
    /// it takes some 60 read units of DynamoDB).
    /// </summary>
    private const int MostForCheapPass = 5_000;

    /// <summary>More than this that are not remembered are read all together.</summary>
    private const int MostToReadSingly = 50;

    public async Task<ReconcileReport> RunAsync(
        bool dryRun, bool confirmed, ReconcileReach reach, CancellationToken cancellationToken)
    {
        var onlyBusy = reach is ReconcileReach.BusyCheaply;
        var now = clock.GetUtcNow();
        if ((onlyBusy ? await ListLiveCheaplyAsync(now, cancellationToken) : await ListLiveAsync(cancellationToken)) is not { } live)
            return new ReconcileReport(0, 0, []);
        memory.Remember(live.Count <= MostForCheapPass ? live : []);
        var busy = live.Where(grant => grant.Role is not null).Select(grant => grant.Target.Cluster).ToHashSet();
        foreach (var cluster in busy) memory.WasBusy(cluster, now);

        var lately = await store.ListLatelyEndedAsync(now - Lately, cancellationToken);
        List<ClusterName> clusters =
        [
            .. (reach is ReconcileReach.All ? policies.Current.Databases.Values.Select(database => database.Target.Cluster)
                : memory.BusySince(now - Lately).Concat(lately.Keys))
                .Concat(busy).Distinct().OrderBy(cluster => cluster.Value, StringComparer.Ordinal),
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
                    Interlocked.Add(ref seen, await ReconcileAsync(
                        cluster, [.. live.Where(grant => grant.Target.Cluster == cluster)], onlyBusy, dryRun, confirmed, lines, token));
                }
                catch (Exception failure) when (failure is not OperationCanceledException)
                {
                    log.LogError(failure, "Reconciling cluster {Cluster} failed", cluster.Value);
                    lines.Add(new ReconcileLine(cluster, FindingKind.Unlisted, "", FindingOutcome.Failed,
                        $"it could not be compared ({failure.GetType().Name}); the log says more"));
                }
            });

        List<ReconcileLine> sorted =
            [.. lines.OrderBy(line => line.Cluster.Value, StringComparer.Ordinal).ThenBy(line => line.Words, StringComparer.Ordinal)];
        foreach (var line in sorted) Telemetry.Finding(line.Kind.ToString(), line.Outcome.ToString());
        if (!dryRun)
        {
            foreach (var line in sorted)
                log.Log(line.Outcome is FindingOutcome.Failed
                    ? LogLevel.Error : LogLevel.Warning, "Reconcile {Finding} on {Cluster}, role {Role}: {Outcome}: {Words}", line.Kind,
                    line.Cluster.Value, line.Role, line.Outcome, line.Words);
        }
        return new ReconcileReport(clusters.Count, seen, sorted);
    }

    private async Task<List<GrantSnapshot>> ListLiveAsync(CancellationToken cancellationToken) =>
        [.. (await store.ListLiveAsync(null, int.MaxValue, cancellationToken)).Select(grant => grant.State)];

    /// <summary>
    /// By their ids, and of the grants themselves only those that the last pass did not see in use; null when there are too many. One that
    /// cannot be read is left out, as in lists: if its role is there, nothing is decided for that cluster, and the others go on.
    /// </summary>
    private async Task<List<GrantSnapshot>?> ListLiveCheaplyAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var ids = await store.ListLiveIdsAsync(MostForCheapPass + 1, cancellationToken);
        if (ids.Count > MostForCheapPass) return null;
        if (ids.Count(id => memory.InUse(id, now) is null) > MostToReadSingly) return await ListLiveAsync(cancellationToken);

        var live = new List<GrantSnapshot>();
        foreach (var id in ids)
        {
            try
            {
                if ((memory.InUse(id, now) ?? (await store.FindAsync(id, cancellationToken))?.State) is { EndedAt: null } grant)
                    live.Add(grant);
            }
            catch (GrantDocumentException unreadable)
            {
                log.LogError("Grant {UnreadableGrant} is left out: {Why}", unreadable.Grant, unreadable.Message);
            }
        }
        return live;
    }

    private async Task<int> ReconcileAsync(
        ClusterName cluster, IReadOnlyList<GrantSnapshot> liveBefore, bool onlyBusy, bool dryRun, bool confirmed,
            ConcurrentBag<ReconcileLine> lines, CancellationToken cancellationToken)
    {
        var listedAt = clock.GetUtcNow();
        var listed = await inventory.ListAsync(
            cluster, installation.Name, [.. liveBefore.Select(grant => grant.RoleOid).OfType<uint>()], cancellationToken);
        if (listed.Refusal is { } refusal)
        {
            lines.Add(new ReconcileLine(cluster, FindingKind.Unlisted, "", FindingOutcome.Failed,
                $"its roles could not be listed, so nothing was decided: {refusal.Message}"));
            return 0;
        }

        var listing = listed.Value;
        var (now, policy) = (clock.GetUtcNow(), policies.Current);
        var known = new Dictionary<GrantId, GrantSnapshot>();
        var findings = await DecideAsync(
            onlyBusy ? liveBefore.Where(grant => grant.Status is GrantStatus.Active).ToDictionary(grant => grant.Id) : []);
        // What was remembered is good enough to see that all is as it should be, and for nothing else.
        if (onlyBusy && findings.Count > 0)
        {
            findings = await DecideAsync([]);
            foreach (var grant in known.Values.Where(grant => grant.Status is not GrantStatus.Active)) memory.Forget(grant.Id);
        }

        if (!dryRun) RememberUnneeded(cluster, listing, findings, now);
        await Parallel.ForEachAsync(
            // That somebody has it in their hands is told already.
            findings.Where(finding => finding is not { Kind: FindingKind.PutAside, Mend: null }),
            new ParallelOptions { MaxDegreeOfParallelism = MendingsAtOnce, CancellationToken = cancellationToken },
            async (finding, token) => lines.Add(await SettleAsync(cluster, finding, dryRun, token)));
        await KeepScopesInLineAsync(cluster, known.Values.Where(
            grant => grant.Status is GrantStatus.Active && grant.Target.Cluster == cluster), dryRun, lines, cancellationToken);
        return listing.Roles.Count;

        async Task<IReadOnlyList<Finding>> DecideAsync(Dictionary<GrantId, GrantSnapshot> remembered)
        {
            known.Clear();
            // After the listing: a role whose grant is on record by now was no orphan when it was listed.
            foreach (var id in listing.Roles.Select(role => role.Mark).OfType<RoleMark.Login>().Select(mark => mark.Grant)
                .Concat(liveBefore.Select(grant => grant.Id)).Distinct())
            {
                if ((remembered.GetValueOrDefault(id) ?? (await store.FindAsync(id, cancellationToken))?.State) is { } grant)
                    known[id] = grant;
            }

            return Reconciliation.Decide(new ClusterState(
                cluster,
                installation.Name,
                listing,
                known,
                liveBefore.Where(grant => grant.Status is GrantStatus.Active).Select(grant => grant.Id).ToHashSet(),
                NeededScopes(policy, cluster, known.Values.Where(grant => grant.EndedAt is null)),
                NamesOfDatabases(policy, cluster),
                memory.UnneededSince(cluster),
                now,
                confirmed) { ListedAt = listedAt });
        }
    }

    private void RememberUnneeded(ClusterName cluster, RoleListing listing, IReadOnlyList<Finding> findings, DateTimeOffset now)
    {
        var unneeded = findings.Where(finding => finding.Kind is FindingKind.Unneeded or FindingKind.PutAside)
            .Select(finding => finding.Role).ToHashSet(StringComparer.Ordinal);
        memory.SetUnneeded(cluster, listing.Roles.Where(role => unneeded.Contains(role.Name)).Select(role => role.Oid), now);
    }

    /// <summary>What the policy calls the databases of a cluster, by what PostgreSQL calls them.</summary>
    private static Dictionary<string, DatabaseName> NamesOfDatabases(AccessPolicy policy, ClusterName cluster) =>
        policy.Databases.Values.Where(database => database.Target.Cluster == cluster)
            .GroupBy(database => database.Target.Database, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.First().Target.Name, StringComparer.Ordinal);

    /// <summary>
    /// What live grants rest on, compared with the databases: a table made meanwhile is let in, what somebody granted or revoked by hand is
    /// put right.
    /// </summary>
    private async Task KeepScopesInLineAsync(ClusterName cluster, IEnumerable<GrantSnapshot> active, bool dryRun,
        ConcurrentBag<ReconcileLine> lines, CancellationToken cancellationToken)
    {
        foreach (var grant in active.DistinctBy(
            grant => string.Join(',', RoleName.ForScopes(installation.Name, grant.Scope, grant.Target).Select(role => role.Value))))
        {
            var role = RoleName.ForScopes(installation.Name, grant.Scope, grant.Target)[0].Value;
            var (seen, refusal) =
                await inventory.KeepInLineAsync(installation.Name, grant.Target, grant.Scope, dryRun: true, cancellationToken);
            if (seen.Count == 0 && refusal is null) continue;

            var lead = seen.Count == 0 ? $"{role} of scope {grant.Scope.Name} could not be compared"
                : $"{role} of scope {grant.Scope.Name} is not in line: {string.Join("; ", seen)}";
            if (refusal is null && !dryRun)
            {
                var finding = new Finding(FindingKind.Drifted, role, lead, null);
                // It may give: not without a record.
                await audit.RecordAsync(Event(finding, "begun"), CancellationToken.None);
                using var ran = RanStatements.Begin(clock);
                refusal = (await inventory.KeepInLineAsync(installation.Name, grant.Target, grant.Scope, dryRun: false, cancellationToken))
                    .Refusal;
                await late.RecordAsync(Event(finding, refusal?.Code ?? "done", ran: ran));
            }

            lines.Add(new ReconcileLine(
                cluster, FindingKind.Drifted, role,
                refusal is not null ? FindingOutcome.Reported : dryRun ? FindingOutcome.WouldMend : FindingOutcome.Mended,
                refusal is not null
                    ? $"{lead}. {refusal.Message}" : $"{lead}. {(dryRun ? "It would be brought in line" : "It was brought in line")}."));
        }
    }

    private async Task<ReconcileLine> SettleAsync(ClusterName cluster, Finding finding, bool dryRun, CancellationToken cancellationToken)
    {
        var lead = finding.Role.Length > 0 ? $"{finding.Role} {finding.What}" : $"it {finding.What}";
        if (finding.Mend is not { } mend)
            return Line(FindingOutcome.Reported, finding.Instead is null ? lead : $"{lead}. {finding.Instead}.", finding.Remedy);
        if (dryRun) return Line(FindingOutcome.WouldMend, $"{lead}. {ReconcileWords.Would(mend)}.");

        try
        {
            // On the audit record before anything happens, and what came of it after. It takes away, and so goes on without one.
            await late.RecordAsync(Event(finding, "begun"));
            // No grant's record keeps what is run here.
            using var ran = RanStatements.Begin(clock);
            var (outcome, receipt) = await MendAsync(cluster, mend, cancellationToken);
            var found = receipt is null ? "" : ReconcileWords.Of(receipt);
            await late.RecordAsync(Event(finding, outcome.Refusal?.Code ?? "done", found, ran));
            return outcome.Refusal is { } refusal ? Line(FindingOutcome.Failed, $"{lead}. {refusal.Message}{found}")
                : Line(FindingOutcome.Mended, $"{lead}. {ReconcileWords.Did(mend)}.{found}");
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogError(failure, "Mending {Role} on {Cluster} failed", finding.Role, cluster.Value);
            return Line(FindingOutcome.Failed, $"{lead}. It could not be mended ({failure.GetType().Name}); the next pass tries again.");
        }

        ReconcileLine Line(FindingOutcome outcome, string words, Remedy? remedy = null) =>
            new(cluster, finding.Kind, finding.Role, outcome, words) { Remedy = remedy };
    }

    private async Task<(Result Outcome, RemovalReceipt? Receipt)> MendAsync(
            ClusterName cluster, Mending mend, CancellationToken cancellationToken)
    {
        switch (mend)
        {
            case Mending.Remove remove:
                return await roles.RemoveAsync(remove.Role, cancellationToken) switch
                {
                    RoleRemoval.Gone { Receipt: var receipt } => (Result.Done, receipt),
                    RoleRemoval.LockedOut { Receipt: var receipt, Blockers: var blockers } =>
                        (new Error("reconcile.locked_out", $"It is locked out but cannot be dropped yet: {Show.Together(blockers)}"),
                        receipt),
                    RoleRemoval.NotNow { Why: var why, SoFar: var soFar } => (why, soFar),
                    _ => throw new InvalidOperationException("A removal ends in one of its three ways."),
                };

            case Mending.Supersede supersede:
                if (await store.FindAsync(supersede.Grant, cancellationToken) is not { } grant)
                    return (GrantErrors.Unknown(supersede.Grant.ToString()), null);
                var (_, outcome) =
                    await store.ChangeAsync(grant, newest => newest.Supersede(supersede.Why, clock.GetUtcNow()), cancellationToken);
                if (outcome.Refusal is null) dispatcher.Dispatch(supersede.Grant);
                return (outcome, null);

            case Mending.Lock locked:
                return (await inventory.LockAsync(cluster, installation.Name, locked.Role, cancellationToken), null);

            case Mending.RevokeMembership membership:
                return (await inventory.RevokeMembershipAsync(
                    cluster, installation.Name, membership.Role, membership.Member, cancellationToken), null);

            case Mending.ForgetDefaults defaults:
                return (await inventory.ForgetDefaultsAsync(cluster, installation.Name, defaults.Role, cancellationToken), null);

            case Mending.DropScope drop:
                return (await inventory.DropScopeAsync(cluster, installation.Name, drop.Role, cancellationToken), null);

            case Mending.Strip strip:
                return (await inventory.StripScopeAsync(cluster, installation.Name, strip.Role, cancellationToken), null);

            default:
                throw new InvalidOperationException("A mending is one of seven.");
        }
    }

    private LogEvent Event(Finding finding, string outcome, string? found = null, RanStatements? ran = null) => new()
    {
        At = clock.GetUtcNow(), Type = $"reconcile.{EventTypes.Snake(finding.Kind.ToString())}", By = new Actor.Sweep(),
        Way = Way.Current, Outcome = outcome, Trace = Way.Trace,
        What =
        [
            new Fact.Text("role", finding.Role),
            .. found is { Length: > 0 } ? [new Fact.Sealed("found", found)] : Array.Empty<Fact>(),
            .. ran?.Text is { Length: > 0 } sql ? [new Fact.Sealed("sql", sql)] : Array.Empty<Fact>(),
        ],
    };

    private HashSet<string> NeededScopes(AccessPolicy policy, ClusterName cluster, IEnumerable<GrantSnapshot> live)
    {
        return live.Where(grant => grant.Target.Cluster == cluster).Select(grant => (grant.Scope, grant.Target))
            .Concat(policy.Databases.Values.Where(database => database.Target.Cluster == cluster)
                .SelectMany(database => database.Scopes.Where(policy.Scopes.ContainsKey)
                    .Select(scope => (Scope: policy.Scopes[scope], database.Target))))
            .SelectMany(needed => RoleName.ForScopes(installation.Name, needed.Scope, needed.Target).Select(role => role.Value))
            .ToHashSet(StringComparer.Ordinal);
    }
}
