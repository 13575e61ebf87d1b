using System.Text.RegularExpressions;
using Amazon.S3;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Aws;
using DbAccess.Infrastructure.Files;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.S3;

/// <summary>The policy and the administrator credentials, from S3.</summary>
public static partial class S3Registration
{
    /// <summary><c>Credentials:S3:Bucket</c> (required) and <c>Credentials:S3:Prefix</c> (default none): <c>s3://bucket/prefix&lt;cluster&gt;.json</c>.</summary>
    public static IServiceCollection AddS3Credentials(this IServiceCollection services, Settings settings)
    {
        var bucket = settings.Required("Credentials:S3:Bucket");
        if (bucket.Length > 0 && !BucketName().IsMatch(bucket)) settings.Fault($"Credentials:S3:Bucket is '{bucket}', which is not the name of a bucket.");
        var prefix = settings.Optional("Credentials:S3:Prefix", "");
        if (prefix.StartsWith('/')) settings.Fault($"Credentials:S3:Prefix is '{prefix}'; keys in S3 do not start with a slash.");

        services.TryAddSingleton<IAmazonS3>(_ => Client());
        return services.AddSingleton<IAdminCredentials>(provider => new S3AdminCredentials(
            provider.GetRequiredService<IAmazonS3>(), bucket, prefix, provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>Reads the policy now; with faults, what is registered here cannot be used: the start ends.</summary>
    /// <param name="address"><c>s3://bucket/key</c></param>
    public static IServiceCollection AddS3Policy(this IServiceCollection services, Settings settings, string address)
    {
        var (bucket, key, start, etag) = ReadAtStart(Client, settings, address);
        services.TryAddSingleton<IAmazonS3>(_ => Client());
        return services.AddSingleton<IWatchedPolicy>(provider => new S3PolicySource(
            provider.GetRequiredService<IAmazonS3>(), bucket, key, start, etag, provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<S3PolicySource>>()));
    }

    internal static (string Bucket, string Key, PolicyReading Start, string ETag) ReadAtStart(Func<IAmazonS3> create, Settings settings, string address)
    {
        var nothing = new PolicyReading(null, [], []);
        if (Address().Match(address) is not { Success: true } parts)
        {
            settings.Fault($"Policy:Path is '{address}'; an object in S3 is named s3://bucket/key.");
            return ("", "", nothing, "");
        }

        var (bucket, key) = (parts.Groups["bucket"].Value, parts.Groups["key"].Value);
        try
        {
            using var client = create();
            // Settings are read before anything runs, and nothing waits for this thread.
            var reading = S3Objects.ReadAsync(client, bucket, key, PolicyYaml.LongestFile, null, CancellationToken.None).GetAwaiter().GetResult();
            if (reading is S3Reading.Found found)
            {
                var policy = PolicyYaml.Read(found.Content);
                foreach (var fault in policy.Faults) settings.Fault($"Policy:Path ({address}) {fault}");
                return (bucket, key, policy, found.ETag);
            }

            settings.Fault($"Policy:Path is '{address}', which cannot be read: {(reading as S3Reading.Failed)?.Why}.");
        }
        catch (AwsSettingsException failure)
        {
            settings.Fault($"Policy:Path is '{address}'. {failure.Message}");
        }

        return (bucket, key, nothing, "");
    }

    private static AmazonS3Client Client() => AwsClients.Create(() => new AmazonS3Client(AwsClients.S3()));

    [GeneratedRegex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex BucketName();

    [GeneratedRegex("^s3://(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?<key>[^/].*[^/]|[^/])\\z", RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Address();
}
