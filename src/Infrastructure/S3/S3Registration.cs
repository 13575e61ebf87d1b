using System.Text;
using System.Text.RegularExpressions;
using Amazon.S3;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure.Aws;
using DbAccess.Infrastructure.Files;
using DbAccess.Infrastructure.Policies;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.S3;

/// <summary>The policy, the administrator credentials and secrets of the settings, from S3.</summary>
public static partial class S3Registration
{
    // A token or signing secret is a line of less than a hundred letters.
    internal const int LongestSecret = 1024;

    /// <summary>
    /// <c>Credentials:S3:Bucket</c> (required) and <c>Credentials:S3:Prefix</c> (default none):
    /// <c>s3://bucket/prefix&lt;cluster&gt;.json</c>.
    /// </summary>
    public static IServiceCollection AddS3Credentials(this IServiceCollection services, Settings settings)
    {
        var bucket = settings.Required("Credentials:S3:Bucket");
        if (bucket.Length > 0 && !BucketName().IsMatch(bucket))
            settings.Fault($"Credentials:S3:Bucket is '{bucket}', which is not the name of a bucket.");
        var prefix = settings.Optional("Credentials:S3:Prefix", "");
        if (prefix.StartsWith('/')) settings.Fault($"Credentials:S3:Prefix is '{prefix}'; keys in S3 do not start with a slash.");

        services.TryAddSingleton<IAmazonS3>(_ => Client());
        return services.AddSingleton<IAdminCredentials>(provider => new S3AdminCredentials(
            provider.GetRequiredService<IAmazonS3>(), bucket, prefix, provider.GetRequiredService<TimeProvider>()));
    }

    /// <summary>
    /// Reads the policy now. One with faults, or one that cannot be read, does not end the start: an upload must not keep a copy from
    /// taking the place of another, nor a function from ending what is due. There is no policy then, until a good one is there.
    /// </summary>
    /// <param name="address"><c>s3://bucket/key</c></param>
    public static IServiceCollection AddS3Policy(this IServiceCollection services, Settings settings, string address)
    {
        var (bucket, key, start, etag) = ReadAtStart(Client, settings, address);
        services.TryAddSingleton<IAmazonS3>(_ => Client());
        return services.AddSingleton<WatchedPolicy>(provider => new S3PolicySource(
            provider.GetRequiredService<IAmazonS3>(), bucket, key, start, etag, provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ILogger<S3PolicySource>>()));
    }

    internal static (string Bucket, string Key, PolicyStart Start, string? ETag) ReadAtStart(
            Func<IAmazonS3> create, Settings settings, string address)
    {
        var (bucket, key, reading) = ReadAtStart(create, settings, "Policy:Path", address, PolicyYaml.LongestFile);
        return reading switch
        {
            S3Reading.Found found => (bucket, key, PolicyStart.Of(PolicyYaml.Read(found.Content)), found.ETag),
            S3Reading.Failed { Missing: true } failed => (bucket, key, PolicyStart.Refused(failed.Why), null),
            _ => (bucket, key, PolicyStart.CannotRead((reading as S3Reading.Failed)?.Why ?? "it was not looked for"), null),
        };
    }

    /// <summary>For <see cref="Settings"/>: secrets that are kept at <c>s3://bucket/key</c>, read now.</summary>
    public static Secret? SecretAt(Settings settings, string setting, string address) =>
        ReadSecretAtStart(Client, settings, setting, address);

    /// <summary>
    /// A setting's secret that is kept in an object of its own, as one line of text; null, with a fault, when it cannot be had.
    /// </summary>
    internal static Secret? ReadSecretAtStart(Func<IAmazonS3> create, Settings settings, string setting, string address)
    {
        var reading = ReadAtStart(create, settings, setting, address, LongestSecret).Reading;
        if (FoundOrFault(settings, setting, address, reading) is not { } found) return null;

        // Editors end a line.
        var text = Encoding.UTF8.GetString(found.Content).Trim();
        if (text.Length is > 0 and < LongestSecret && !text.Any(letter => char.IsWhiteSpace(letter) || char.IsControl(letter)))
            return new Secret(text);

        settings.Fault(
            $"{setting} is kept at '{address}', and what is there is not one word: the object holds the secret and nothing else.");
        return null;
    }

    /// <summary>What was read; null, with a fault, when it was not.</summary>
    internal static S3Reading.Found? FoundOrFault(Settings settings, string setting, string address, S3Reading? reading)
    {
        if (reading is S3Reading.Failed failed) settings.Fault($"{setting} is '{address}', which cannot be read: {failed.Why}.");
        return reading as S3Reading.Found;
    }

    internal static AmazonS3Client Client() => AwsClients.Create(() => new AmazonS3Client(AwsClients.S3()));

    /// <summary>Null, with a fault, when it cannot be asked for.</summary>
    internal static (string Bucket, string Key, S3Reading? Reading) ReadAtStart(
            Func<IAmazonS3> create, Settings settings, string setting, string address, int longest)
    {
        if (Address().Match(address) is not { Success: true } parts)
        {
            settings.Fault($"{setting} is '{address}'; an object in S3 is named s3://bucket/key.");
            return ("", "", null);
        }

        var (bucket, key) = (parts.Groups["bucket"].Value, parts.Groups["key"].Value);
        try
        {
            using var client = create();
            // Settings are read before anything runs, and nothing waits for this thread.
            return (bucket, key, S3Objects.ReadAsync(client, bucket, key, longest, null, TimeProvider.System, CancellationToken.None)
                .GetAwaiter().GetResult());
        }
        catch (AwsSettingsException failure)
        {
            settings.Fault($"{setting} is '{address}'. {failure.Message}");
        }

        return (bucket, key, null);
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex BucketName();

    [GeneratedRegex("^s3://(?<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])/(?<key>[^/].*[^/]|[^/])\\z",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Address();
}
