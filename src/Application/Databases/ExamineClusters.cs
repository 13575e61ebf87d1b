using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Application.Reconciling;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Databases;

/// <summary>Everything that was looked at; as ill as its worst part.</summary>
public sealed record Examination(IReadOnlyList<Check> Checks)
{
    public Health Health => Checks.Count == 0 ? Health.Ok : Checks.Max(check => check.Health);
}

/// <summary>
/// Can everything be reached, and may the administrator do what is needed, on each cluster of the policy? Changes nothing.
/// </summary>
public sealed record ExamineClusters : IRequest<Result<Examination>>
{
    internal sealed class Handler(
        IClusterDoctor doctor,
        IAdminCredentials credentials,
        IPolicySource policies,
        IPolicyHealth policyHealth,
        IChatHealth chat,
        GroupHealth groups,
        IGrantStore store,
        RoleReconciler reconciler,
        Installation installation,
        TimeProvider clock,
        ILogger<Handler> log) : IRequestHandler<ExamineClusters, Result<Examination>>
    {
        private const int ClustersAtOnce = 4;

        public async Task<Result<Examination>> Handle(ExamineClusters query, CancellationToken cancellationToken)
        {
            var policy = policies.Current;
            List<Check> checks = [await StoreAsync(cancellationToken), await SlackAsync(cancellationToken)];
            // That Slack cannot be asked was said before.
            if (checks[^1].Health is Health.Ok && policies.Missing is null) checks.AddRange(await GroupsAsync(policy, cancellationToken));
            checks.AddRange(Policy(policy));

            var clusters = policy.Databases.Values.GroupBy(database => database.Target.Cluster)
                .OrderBy(group => group.Key.Value, StringComparer.Ordinal).ToList();
            var examined = new IReadOnlyList<Check>[clusters.Count];
            await Parallel.ForEachAsync(
                Enumerable.Range(0, clusters.Count),
                new ParallelOptions { MaxDegreeOfParallelism = ClustersAtOnce, CancellationToken = cancellationToken },
                async (i, token) => examined[i] = await ClusterAsync(clusters[i].Key, [.. clusters[i]], policy, token));
            checks.AddRange(examined.SelectMany(part => part));

            if (policies.Missing is null) checks.AddRange(await DriftAsync([.. clusters.Select(group => group.Key)], cancellationToken));
            return new Examination(checks);
        }

        private async Task<IReadOnlyList<Check>> ClusterAsync(
                ClusterName cluster, IReadOnlyList<PolicyDatabase> databases, AccessPolicy policy, CancellationToken cancellationToken)
        {
            // Asked here first, so that a bad file is told as what it is and not as a cluster that does not answer.
            var found = await credentials.FindAsync(cluster, fresh: true, cancellationToken);
            if (found.Refusal is { } refusal)
                return [new(cluster.Value, "credentials", Health.Fail, refusal.Message, "Put the file right; it counts at once.")];

            List<Check> checks = [new(cluster.Value, "credentials", Health.Ok, $"The administrator {found.Value.Username} is known.")];
            try
            {
                checks.AddRange(await doctor.ExamineAsync(
                    cluster, installation.Name,
                    [.. databases.OrderBy(database => database.Target.Name.Value, StringComparer.Ordinal)
                        .Select(database => new DatabaseToExamine(
                        database.Target, [.. database.Scopes.Where(policy.Scopes.ContainsKey).Select(scope => policy.Scopes[scope])]))],
                    cancellationToken));
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogError(failure, "Examining cluster {Cluster} failed", cluster.Value);
                checks.Add(new(cluster.Value, "examination", Health.Fail,
                    $"It could not be examined to the end ({failure.GetType().Name}); the log says more."));
            }
            return checks;
        }

        private async Task<IReadOnlyList<Check>> DriftAsync(IReadOnlyList<ClusterName> clusters, CancellationToken cancellationToken)
        {
            var report = await reconciler.RunAsync(dryRun: true, confirmed: false, ReconcileReach.All, cancellationToken);
            List<Check> checks = [];
            foreach (var cluster in clusters.Concat(report.Lines.Select(line => line.Cluster)).Distinct())
            {
                var lines = report.Lines.Where(line => line.Cluster == cluster).ToList();
                // That it cannot be reached was said before.
                if (lines.Any(line => line.Kind is FindingKind.Unlisted) && clusters.Contains(cluster)) continue;
                if (lines.Count == 0) checks.Add(new(cluster.Value, "drift", Health.Ok, "Its roles and the record agree."));
                checks.AddRange(lines.Select(line => new Check(
                    cluster.Value, $"drift.{line.Kind.ToString().ToLowerInvariant()}", line.Outcome is FindingOutcome.Failed
                        ? Health.Fail : Health.Warn, line.Words,
                    line.Outcome is FindingOutcome.WouldMend ? "dbaccess sweep --reconcile" : null) { Remedy = line.Remedy }));
            }
            return checks;
        }

        private async Task<Check> StoreAsync(CancellationToken cancellationToken)
        {
            try
            {
                var next = await store.NextDueAsync(cancellationToken);
                var late = next is { } due ? clock.GetUtcNow() - due : TimeSpan.Zero;
                return late > TimeSpan.FromMinutes(11)
                    ? new("store", "store", Health.Warn,
                        $"The store answers; a step has been due for {(int)late.TotalMinutes} minutes, so no sweep may be running.",
                        "Start `dbaccess serve`, or run `dbaccess sweep` from cron.")
                    : new("store", "store", Health.Ok, "The store answers.");
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogError(failure, "The store does not answer");
                return new("store", "store", Health.Fail,
                    $"The store does not answer ({failure.GetType().Name}). Nothing works without it.");
            }
        }

        private async Task<Check> SlackAsync(CancellationToken cancellationToken)
        {
            try
            {
                var outcome = await chat.CheckAsync(cancellationToken);
                return outcome.Refusal is { } refusal
                    ? new("slack", "slack", Health.Fail, refusal.Message)
                    : new("slack", "slack", Health.Ok, "Slack takes our token, and it is for the workspace of the settings.");
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogError(failure, "Slack could not be asked");
                return new("slack", "slack", Health.Fail, $"Slack could not be asked ({failure.GetType().Name}).");
            }
        }

        private async Task<IEnumerable<Check>> GroupsAsync(AccessPolicy policy, CancellationToken cancellationToken)
        {
            var asked = policy.Groups.Values.Count(group => group.SlackUsergroup is not null);
            if (asked == 0) return [];

            var unreadable = await groups.ListAsync(cancellationToken);
            return unreadable.Count == 0
                ? [new("slack", "slack.groups", Health.Ok, $"The user groups of the policy ({asked}) can be read.")]
                : unreadable.Select(group => new Check("slack", "slack.groups", Health.Fail,
                    $"Group {group.Name}: {group.Why} What it allows is closed, and what forbids by it forbids everybody.",
                    "Mend its slack_usergroup in the policy, or give the app the scope usergroups:read."));
        }

        private IEnumerable<Check> Policy(AccessPolicy policy)
        {
            if (policies.Missing is { } none)
            {
                yield return new("policy", "policy.file", Health.Fail, $"{none.Message} ({policyHealth.Rejected})", "dbaccess policy lint");
                yield break;
            }

            if (policyHealth.Rejected is { } fault)
                yield return new("policy", "policy.file", Health.Fail,
                    $"The policy file as it is was not taken, and the last good one is in force: {fault}", "dbaccess policy lint");
            foreach (var oddity in policyHealth.Oddities) yield return new("policy", "policy.warning", Health.Warn, oddity);
            if (policy.Databases.Count == 0)
                yield return new("policy", "policy", Health.Warn, "The policy names no database, so nobody can ask for anything.");
            else if (policyHealth.Rejected is null && policyHealth.Oddities.Count == 0)
                yield return new("policy", "policy", Health.Ok,
                    $"The policy names {policy.Databases.Count} databases and {policy.Scopes.Count} scopes, and nothing in it is without " +
                    "effect.");
        }
    }
}
