using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using Microsoft.AspNetCore.Diagnostics.HealthChecks;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DbAccess.Api.Operations;

/// <summary>Is the store reachable? Everything rests on it.</summary>
internal sealed class StoreHealth(IGrantStore store) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        await store.NextDueAsync(cancellationToken);
        return HealthCheckResult.Healthy();
    }
}

/// <summary>Does Slack take our token?</summary>
internal sealed class ChatHealth(IChatHealth chat) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var outcome = await chat.CheckAsync(cancellationToken);
        return outcome.Refusal is { } refusal ? HealthCheckResult.Unhealthy(refusal.Message) : HealthCheckResult.Healthy();
    }
}

/// <summary>
/// Is there a policy to decide by? Without one every request is refused, and what was given ends. A newer file that was not taken is said
/// too, and makes nobody unready: the last good one is in force.
/// </summary>
internal sealed class PolicyHealth(IPolicySource policies, IPolicyHealth health) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult(policies.Missing is { } none ? HealthCheckResult.Unhealthy($"{none.Message} ({health.Rejected})")
            : health.Rejected is { } why ? HealthCheckResult.Degraded($"the last good one is in force; the newest was not taken: {why}")
            : HealthCheckResult.Healthy());
}

/// <summary>
/// Can the user groups of the policy be read? One that cannot closes what rests on it and nothing else, so it makes nobody unready.
/// </summary>
internal sealed class GroupsHealth(GroupHealth groups) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var unreadable = await groups.ListAsync(cancellationToken);
        return unreadable.Count == 0 ? HealthCheckResult.Healthy()
            : HealthCheckResult.Degraded($"what rests on these groups is closed: {string.Join(" ", unreadable.Take(5)
                .Select(group => $"{group.Name}: {group.Why}"))}{(unreadable.Count > 5 ? $" and {unreadable.Count - 5} more" : "")}");
    }
}

/// <summary>
/// Is the evidence log whole, and do events get their place in it? Access is given and taken all the same, so it makes nobody unready.
/// </summary>
internal sealed class EvidenceHealth(LogWatch watch) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default) =>
        Task.FromResult((watch.Broken ?? watch.PassedOver) is { } fault
            ? HealthCheckResult.Degraded($"the evidence log was tampered with: {fault}; `dbaccess audit verify` says more")
            : watch.Trouble is { } why ? HealthCheckResult.Degraded(why) : HealthCheckResult.Healthy());
}

internal static class HealthEndpoints
{
    public static void AddHealth(this IServiceCollection services) => services.AddHealthChecks()
        .AddCheck<StoreHealth>("store", tags: ["ready"], timeout: TimeSpan.FromSeconds(3))
        .AddCheck<PolicyHealth>("policy", tags: ["ready"])
        .AddCheck<GroupsHealth>("groups", tags: ["ready"], timeout: TimeSpan.FromSeconds(5))
        .AddCheck<EvidenceHealth>("evidence", tags: ["ready"])
        .AddCheck<ChatHealth>("slack", tags: ["ready"], timeout: TimeSpan.FromSeconds(5));

    /// <summary>
    /// Live says that the process is up, whatever else is down: restarting it would mend nothing. Ready says what is wrong, in words.
    /// </summary>
    public static void MapHealth(this IEndpointRouteBuilder routes)
    {
        routes.MapHealthChecks("/health/live", new HealthCheckOptions { Predicate = _ => false });
        routes.MapHealthChecks("/health/ready", new HealthCheckOptions
        {
            Predicate = check => check.Tags.Contains("ready"),
            ResponseWriter = (http, report) => http.Response.WriteAsJsonAsync(new
            {
                status = report.Status.ToString(),
                checks = report.Entries.ToDictionary(
                    entry => entry.Key,
                    // An exception's text may name hosts or paths: that it failed is enough here, the log says more.
                    entry => entry.Value.Status is HealthStatus.Healthy ? "ok" : entry.Value.Exception is { } fault
                        ? fault.GetType().Name : entry.Value.Description,
                    StringComparer.Ordinal),
            }),
        });
    }
}
