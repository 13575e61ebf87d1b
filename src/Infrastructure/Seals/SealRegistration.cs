using System.Diagnostics.CodeAnalysis;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
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

    /// <summary>
    /// <c>Grants:SealKey</c>: a file (default <c>data/seal-key</c>, made at the first start with mode 600), or <c>s3://bucket/key</c>,
    /// which is made too where this process may write there. Whoever can write to the store must not be able to read it.
    /// </summary>
    /// <param name="hosted">This process seals, once, what was decided before there was a key.</param>
    /// <param name="orWithout">Without the key nothing is given, and everything ends all the same: for what takes away.</param>
    public static IServiceCollection AddSeal(this IServiceCollection services, Settings settings, bool hosted, bool orWithout = false)
    {
        var place = settings.Optional(Setting, "data/seal-key");
        SealKey? Open() => place.StartsWith("s3://", StringComparison.OrdinalIgnoreCase)
            ? S3SealKey.Open(S3Registration.Client, settings, Setting, place)
            : SealKeyFile.Open(settings, Setting, place);

        var (key, why) = orWithout ? settings.OrWithout(Open) : (Open(), null);
        if (key is null) return why is null ? services : services.AddSingleton<ISeal>(new MissingSeal(why));

        services.AddSingleton<ISeal>(new HmacSeal(key.Key));
        if (hosted && key.IsNew) services.AddHostedService<SealOnce>();
        return services;
    }

    /// <summary>
    /// The inbox of a store, sealed: what the store hands out as accepted requests is one only when this installation accepted it.
    /// </summary>
    internal static IServiceCollection AddSealedInbox<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this IServiceCollection services)
        where T : class, IInbox => services.AddSingleton<T>().AddSingleton<IInbox>(provider => new SealedInbox(
            provider.GetRequiredService<T>(), provider.GetRequiredService<ISeal>(),
            provider.GetRequiredService<ILogger<SealedInbox>>()));

    /// <summary>Nobody can say what is ours: whoever wants to give waits.</summary>
    private sealed class MissingSeal(string why) : ISeal
    {
        public string Of(string kind, string text) => throw new InvalidOperationException(why);

        public bool Fits(string kind, string text, string? seal) => throw new InvalidOperationException(why);
    }

    /// <summary>The upgrade: what was decided and not yet given has no seal, and the key was not there when it was decided.</summary>
    private sealed class SealOnce(IGrantStore store, GrantSeal seal, ILogger<SealOnce> log) : IHostedService
    {
        private const int Most = 10_000;

        public async Task StartAsync(CancellationToken cancellationToken)
        {
            List<GrantId> sealedNow = [];
            foreach (var grant in await store.ListLiveAsync(null, Most, cancellationToken))
            {
                if (grant.State.Seal is not null) continue;
                if (await store.SaveAsync(seal.Seal(grant), cancellationToken) is SaveOutcome.Saved) sealedNow.Add(grant.Id);
            }

            log.LogWarning(
                "The key of the seals is new. {Count} grants from before it were sealed as they stand in the store, once: {Grants}",
                sealedNow.Count, string.Join(", ", sealedNow.Take(100)));
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
