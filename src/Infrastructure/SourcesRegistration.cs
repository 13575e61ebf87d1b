using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.DynamoDb;
using DbAccess.Infrastructure.Files;
using DbAccess.Infrastructure.Policies;
using DbAccess.Infrastructure.S3;
using DbAccess.Infrastructure.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure;

/// <summary>Which of two systems does a part: the file beside the program, or AWS.</summary>
public static class SourcesRegistration
{
    /// <summary>Grants, accepted requests and the audit trail: <c>Grants:Store</c> is <c>Sqlite</c> (default) or <c>DynamoDb</c>.</summary>
    public static IServiceCollection AddStores(this IServiceCollection services, Settings settings) =>
        settings.Choice("Grants:Store", "Sqlite", ["Sqlite", "DynamoDb"]) == "DynamoDb"
            ? services.AddDynamoDb(settings) : services.AddSqlite(settings);

    /// <summary>
    /// The access policy (<c>Policy:Path</c>, a file or <c>s3://bucket/key</c>) and the administrator credentials
    /// (<c>Credentials:Source</c>, <c>File</c> or <c>S3</c>). Reads the policy now, so that a file's faults are told together with those of
    /// all other settings.
    /// </summary>
    /// <param name="orWithout">A policy file that is missing or faulty does not end the start: what takes away needs none. One in S3 never
    /// does.</param>
    public static IServiceCollection AddPolicyAndCredentials(this IServiceCollection services, Settings settings, bool orWithout = false)
    {
        services.TryAddSingleton(TimeProvider.System);

        var path = settings.Optional("Policy:Path", "policy/access-policy.yaml");
        if (path.StartsWith("s3://", StringComparison.OrdinalIgnoreCase)) services.AddS3Policy(settings, path);
        else services.AddPolicyFile(settings, path, orWithout);
        services.AddSingleton<IPolicySource>(provider => provider.GetRequiredService<WatchedPolicy>());
        services.AddSingleton<IPolicyHealth>(provider => provider.GetRequiredService<WatchedPolicy>());

        if (settings.Choice("Credentials:Source", "File", ["File", "S3"]) == "S3") services.AddS3Credentials(settings);
        else services.AddCredentialFiles(settings);

        services.AddHostedService<PolicyWatch>();
        return services.AddHostedService<SourcesAtStart>();
    }

    /// <summary>
    /// Asks for the policy now and then, so that an edit is noticed, and its faults told, where nobody else asks. For a file that is a read
    /// of a few kilobytes, for an object a question whether it has changed, at most one every ten seconds however many ask.
    /// </summary>
    internal sealed class PolicyWatch(IPolicySource policies, TimeProvider clock, ILogger<PolicyWatch> log) : BackgroundService
    {
        public static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

        protected override Task ExecuteAsync(CancellationToken stoppingToken) => Rounds.RunAsync(
            Interval, clock, _ => Task.FromResult(policies.Current), failure => log.LogError(failure, "The policy could not be asked for"),
            stoppingToken);
    }

    /// <summary>
    /// Says in the log which policy is in force, and which clusters cannot be reached for want of credentials. That is no reason not to
    /// start: the other clusters' grants have to end on time, and a file that is put right counts at once.
    /// </summary>
    private sealed class SourcesAtStart(WatchedPolicy policies, IAdminCredentials credentials, ILogger<SourcesAtStart> log)
        : IHostedService
    {
        public async Task StartAsync(CancellationToken cancellationToken)
        {
            policies.Announce();
            foreach (var cluster in policies.Current.Databases.Values.Select(database => database.Target.Cluster).Distinct())
            {
                var found = await credentials.FindAsync(cluster, fresh: true, cancellationToken);
                if (found.Refusal is { } refusal) log.LogError("{Code}: {Refusal}", refusal.Code, refusal.Message);
            }
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
