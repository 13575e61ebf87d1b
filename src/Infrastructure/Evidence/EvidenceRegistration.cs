using Amazon.KeyManagementService;
using Amazon.S3;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Aws;
using DbAccess.Infrastructure.S3;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace DbAccess.Infrastructure.Evidence;

/// <summary>What the evidence log needs besides its store.</summary>
public static class EvidenceRegistration
{
    /// <summary>
    /// <c>Audit:KmsKey</c>: the KMS key that checkpoints are signed with (id, ARN or alias). Without it <c>Audit:Key</c>: a private key in
    /// a file (default <c>data/audit-key.pem</c>, made with the first checkpoint, mode 600). <c>Audit:WitnessChannel</c>: the id of a Slack
    /// channel where the newest checkpoint is posted once a day. <c>Audit:Export</c>: a folder or <c>s3://bucket/prefix</c> where complete
    /// days of the log are exported to. <c>Retention:Ended</c> (<c>400d</c>): how long grants are kept that are over and exported.
    /// </summary>
    /// <param name="keepsFiles">False in a function, where a key that is made would be gone with it: it signs with KMS or not at all.
    /// </param>
    public static IServiceCollection AddEvidence(this IServiceCollection services, Settings settings, bool keepsFiles)
    {
        services.AddSingleton(new WitnessTerms(settings.OptionalChannel("Audit:WitnessChannel")));

        var kmsKey = settings.Optional("Audit:KmsKey", "");
        if (kmsKey.Length > 0 && !KmsKeyName.IsOne(kmsKey))
            settings.Fault($"Audit:KmsKey is '{kmsKey}'; it must be the id, the ARN or the alias (alias/…) of a key in KMS.");
        // With a key in KMS, too: it is what signed before there was that one.
        services.AddSingleton<IKeptKey>(new FileSigner(settings.Optional("Audit:Key", "data/audit-key.pem")));
        services.TryAddSingleton<IAmazonKeyManagementService>(_ =>
            AwsClients.Create(() => new AmazonKeyManagementServiceClient(AwsClients.Kms())));
        services.AddSingleton<IKeysByName>(provider =>
            new KmsKeys(() => provider.GetRequiredService<IAmazonKeyManagementService>()));
        if (kmsKey.Length > 0)
        {
            services.AddSingleton<ICheckpointSigner>(provider =>
                new KmsSigner(provider.GetRequiredService<IAmazonKeyManagementService>(), kmsKey));
        }
        else if (keepsFiles)
        {
            services.AddSingleton<ICheckpointSigner>(provider => provider.GetRequiredService<IKeptKey>());
        }

        return services.AddExport(settings);
    }

    private static IServiceCollection AddExport(this IServiceCollection services, Settings settings)
    {
        var place = settings.Optional("Audit:Export", "");
        var keep = settings.Duration("Retention:Ended", TimeSpan.FromDays(400), TimeSpan.FromDays(1), TimeSpan.FromDays(36_500));
        if (place.Length == 0) return services.AddSingleton(new ExportTerms(null, keep));
        if (!place.StartsWith("s3://", StringComparison.OrdinalIgnoreCase))
            return services.AddSingleton(new ExportTerms(new FolderExportPlace(place), keep));

        if (ExportAddress.Read(place) is not { } address)
        {
            settings.Fault($"Audit:Export is '{place}'; a place in S3 is named s3://bucket/prefix.");
            return services.AddSingleton(new ExportTerms(null, keep));
        }

        services.TryAddSingleton<IAmazonS3>(_ => S3Registration.Client());
        return services.AddSingleton(provider => new ExportTerms(
            new S3ExportPlace(provider.GetRequiredService<IAmazonS3>(), address.Bucket, address.Prefix), keep));
    }
}
