using System.Text.RegularExpressions;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using Microsoft.Extensions.DependencyInjection;

namespace DbAccess.Infrastructure.Evidence;

/// <summary>What the evidence log needs besides its store.</summary>
public static partial class EvidenceRegistration
{
    /// <summary>
    /// <c>Audit:Key</c>: the private key that checkpoints are signed with (default <c>data/audit-key.pem</c>, made with the first
    /// checkpoint, mode 600). <c>Audit:WitnessChannel</c>: the id of a Slack channel where the newest checkpoint is posted once a day.
    /// </summary>
    public static IServiceCollection AddEvidence(this IServiceCollection services, Settings settings)
    {
        var path = settings.Optional("Audit:Key", "data/audit-key.pem");
        var channel = settings.Optional("Audit:WitnessChannel", "");
        if (channel.Length > 0 && !SlackChannel().IsMatch(channel))
            settings.Fault($"Audit:WitnessChannel is '{channel}'; it must be the id of a channel (C…), not its name.");
        services.AddSingleton(new WitnessTerms(channel.Length > 0 ? channel : null));
        services.AddSingleton<IKeptKey>(new FileSigner(path));
        return services.AddSingleton<ICheckpointSigner>(provider => provider.GetRequiredService<IKeptKey>());
    }

    [GeneratedRegex("^[CG][A-Z0-9]{2,20}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex SlackChannel();
}
