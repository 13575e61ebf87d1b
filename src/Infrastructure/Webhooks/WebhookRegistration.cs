using DbAccess.Application;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Webhooks;

/// <summary>Other systems that follow the evidence log.</summary>
public static class WebhookRegistration
{
    private const int Most = 8;

    // A receiver that takes longer is to put it into a queue of its own.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>The mark that says how far a webhook came: the place of the next event that it is sent.</summary>
    public static string CursorMark(int webhook) => FormattableString.Invariant($"webhook:{webhook}:next");

    /// <summary>
    /// <c>Audit:Webhooks:N:Url</c> (https, or http on this machine) and <c>Audit:Webhooks:N:Secret</c>, for N from 0 to 7.
    /// </summary>
    /// <param name="hosted">False for a single pass from the command line: nothing is sent then.</param>
    public static IServiceCollection AddWebhooks(this IServiceCollection services, Settings settings, bool hosted)
    {
        List<Webhook> webhooks = [];
        for (var n = 0; n < Most; n++)
        {
            var key = FormattableString.Invariant($"Audit:Webhooks:{n}");
            if (settings.Optional($"{key}:Url", "").Length == 0) continue;

            webhooks.Add(new Webhook(n, settings.Address($"{key}:Url", "http://127.0.0.1"),
                settings.RequiredSecret($"{key}:Secret")));
        }

        if (!hosted || webhooks.Count == 0) return services;

        return services.AddHostedService(provider => new WebhookWorker(
            [.. webhooks.Select(webhook => Sender(provider, webhook))], provider.GetRequiredService<LogWatch>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<WebhookWorker>>()));
    }

    private static WebhookSender Sender(IServiceProvider provider, Webhook webhook) => new(
        webhook, provider.GetRequiredService<IEvidenceLog>(),
        new HttpClient(new SocketsHttpHandler
        {
            // A redirect would send events, and what they are signed with, to somewhere nobody set.
            AllowAutoRedirect = false, UseCookies = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        })
        {
            Timeout = Patience, MaxResponseContentBufferSize = 64 * 1024,
        },
        provider.GetRequiredService<Installation>(), provider.GetRequiredService<TimeProvider>(),
        provider.GetRequiredService<ILogger<WebhookSender>>());
}
