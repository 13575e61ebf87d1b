using System.Diagnostics.CodeAnalysis;
using Amazon.KeyManagementService;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Aws;
using DbAccess.Infrastructure.S3;
using DbAccess.Infrastructure.Stores;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Seals;

/// <summary>What tells our own records from those of somebody else who can write to the store.</summary>
public static class SealRegistration
{
    private const string Setting = "Grants:SealKey";
    private const string FormerSetting = "Grants:FormerSealKey";

    /// <summary>
    /// <c>Grants:SealKey</c>: a file (default <c>data/seal-key</c>, made at the first start with mode 600), <c>s3://bucket/key</c>, which
    /// is made too where this process may write there, or <c>kms://key</c>. Whoever can write to the store must not be able to read it.
    /// <c>Grants:FormerSealKey</c> (default none): the one before it, while it is being changed.
    /// </summary>
    /// <param name="hosted">This process seals, once, what was decided before there was a key.</param>
    /// <param name="orWithout">Without the key nothing is given, and everything ends all the same: for what takes away.</param>
    public static IServiceCollection AddSeal(this IServiceCollection services, Settings settings, bool hosted, bool orWithout = false)
    {
        var (keys, why) = orWithout ? settings.OrWithout(() => OpenBoth(settings)) : (OpenBoth(settings), null);
        if (keys is null) return why is null ? services : services.AddSingleton<ISeal>(new MissingSeal(why));

        services.AddSingleton<ISeal>(new HmacSeal(keys.Current.Key, keys.Former?.Key));
        if (hosted && (keys.Current.IsNew || keys.Former is not null))
            services.AddHostedService(provider => ActivatorUtilities.CreateInstance<SealAnew>(provider, keys));
        return services;
    }

    private static Keys? OpenBoth(Settings settings)
    {
        var former = settings.Optional(FormerSetting, "");
        var before = former.Length == 0 ? null : Open(settings, FormerSetting, former, make: false);
        var current = Open(settings, Setting, settings.Optional(Setting, "data/seal-key"), make: former.Length == 0 || before is not null);
        return current is null || (before is null && former.Length > 0) ? null : new Keys(current, before);
    }

    private static AmazonKeyManagementServiceClient KmsClient() =>
        AwsClients.Create(() => new AmazonKeyManagementServiceClient(AwsClients.Kms()));

    private static SealKey? Open(Settings settings, string setting, string place, bool make) =>
        place.StartsWith("s3://", StringComparison.OrdinalIgnoreCase)
            ? S3SealKey.Open(S3Registration.Client, settings, setting, place, make)
        : place.StartsWith(KmsSealKey.Scheme, StringComparison.OrdinalIgnoreCase)
            ? KmsSealKey.Open(KmsClient, settings, setting, place)
        : SealKeyFile.Open(settings, setting, place, make);

    /// <summary>
    /// The inbox of a store, sealed: what the store hands out as accepted requests is one only when this installation accepted it.
    /// </summary>
    internal static IServiceCollection AddSealedInbox<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this IServiceCollection services)
        where T : class, IInbox => services.AddSingleton<T>().AddSingleton<IInbox>(provider => new SealedInbox(
            provider.GetRequiredService<T>(), provider.GetRequiredService<ISeal>(),
            provider.GetRequiredService<ILogger<SealedInbox>>()));

    private sealed record Keys(SealKey Current, SealKey? Former);

    /// <summary>Nobody can say what is ours: whoever wants to give waits.</summary>
    private sealed class MissingSeal(string why) : ISeal
    {
        public string Of(string kind, string text) => throw new InvalidOperationException(why);

        public bool Fits(string kind, string text, string? seal) => throw new InvalidOperationException(why);
    }

    /// <summary>
    /// What is on record and live, under the key of today. What has no seal is sealed only when there was no key before (the upgrade): it
    /// was decided before there was one. What was sealed by the former key is ours; whoever has that one can write records until the
    /// setting is gone.
    /// </summary>
    private sealed class SealAnew(Keys keys, IGrantStore store, GrantSeal seal, ILogger<SealAnew> log) : IHostedService
    {
        private const int Most = 10_000;

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            var isFirst = keys.Former is null;
            List<GrantId> sealedNow = [];
            foreach (var grant in await store.ListLiveAsync(null, Most, cancellationToken))
            {
                var before = grant.State.Seal;
                if (isFirst ? before is not null : !seal.IsOurs(grant) || seal.Seal(grant).State.Seal == before) continue;
                if (await store.SaveAsync(seal.Seal(grant), cancellationToken) is SaveOutcome.Saved) sealedNow.Add(grant.Id);
            }

            var some = string.Join(", ", sealedNow.Take(100));
            if (isFirst)
                log.LogWarning(
                    "The key of the seals is new. {Count} grants from before it were sealed as they stand in the store, once: {Grants}",
                    sealedNow.Count, some);
            else
                log.LogWarning(
                    "The key of the seals was changed. {Count} grants of the former one are sealed by the new one now: {Grants}. " +
                    "Grants:FormerSealKey can be taken out of the settings", sealedNow.Count, some);
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
