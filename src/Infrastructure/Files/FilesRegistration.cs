using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Policies;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Files;

/// <summary>The policy and the administrator credentials, from files.</summary>
public static class FilesRegistration
{
    /// <summary>
    /// Reads the policy now, so that its faults are told together with those of all other settings. With faults, what is registered here
    /// cannot be used: the start ends.
    /// </summary>
    /// <param name="orWithout">A file that is missing or faulty is no fault of the settings: there is no policy then.</param>
    public static IServiceCollection AddPolicyFile(this IServiceCollection services, Settings settings, string path, bool orWithout = false)
    {
        var start = FilePolicySource.ReadAtStart(path, settings, orWithout);
        return services.AddSingleton<WatchedPolicy>(provider => new FilePolicySource(
            path, start, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<FilePolicySource>>()));
    }

    /// <summary><c>Credentials:File:Directory</c> holds <c>&lt;cluster&gt;.json</c> (default <c>data/credentials</c>).</summary>
    public static IServiceCollection AddCredentialFiles(this IServiceCollection services, Settings settings)
    {
        var directory = settings.Optional("Credentials:File:Directory", "data/credentials");
        return services.AddSingleton<IAdminCredentials>(
            provider => new FileAdminCredentials(directory, provider.GetRequiredService<TimeProvider>()));
    }
}
