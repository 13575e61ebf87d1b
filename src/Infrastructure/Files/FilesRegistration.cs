using DbAccess.Application.Ports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Files;

/// <summary>The policy and the administrator credentials, from files.</summary>
public static class FilesRegistration
{
    /// <summary>
    /// Reads the policy now, so that its faults are told together with those of all other settings. With faults, nothing that is registered
    /// here can be used: the start ends.
    /// </summary>
    public static IServiceCollection AddFiles(this IServiceCollection services, Settings settings)
    {
        services.TryAddSingleton(TimeProvider.System);

        var path = settings.Optional("Policy:Path", "policy/access-policy.yaml");
        PolicyReading? start = null;
        if (path.StartsWith("s3://", StringComparison.OrdinalIgnoreCase)) settings.Fault($"Policy:Path is '{path}': a policy in S3 is not available yet; use the path of a file.");
        else start = FilePolicySource.ReadAtStart(path, settings);

        services.AddSingleton(provider => new FilePolicySource(
            path,
            start ?? throw new InvalidOperationException("There is no policy to start with."),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<FilePolicySource>>()));
        services.AddSingleton<IPolicySource>(provider => provider.GetRequiredService<FilePolicySource>());
        services.AddSingleton<IPolicyHealth>(provider => provider.GetRequiredService<FilePolicySource>());

        settings.Choice("Credentials:Source", "File", ["File"], "S3");
        var directory = settings.Optional("Credentials:File:Directory", "data/credentials");
        services.AddSingleton<IAdminCredentials>(provider => new FileAdminCredentials(directory, provider.GetRequiredService<TimeProvider>()));

        services.AddHostedService<FilesAtStart>();
        return services;
    }

    /// <summary>
    /// Says in the log which policy is in force, and which clusters cannot be reached for want of credentials. That is no reason not to start:
    /// the other clusters' grants have to end on time, and a file that is put right counts at once.
    /// </summary>
    private sealed class FilesAtStart(FilePolicySource policies, IAdminCredentials credentials, ILogger<FilesAtStart> log) : IHostedService
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
