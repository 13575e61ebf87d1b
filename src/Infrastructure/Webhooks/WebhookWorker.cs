using System.Diagnostics.Metrics;
using DbAccess.Application;
using DbAccess.Application.Evidence;
using DbAccess.Domain;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Webhooks;

/// <summary>
/// Delivers to each webhook by itself: one that is down or slow holds up neither the others nor anything that gives or takes access.
/// </summary>
internal sealed class WebhookWorker(IReadOnlyList<WebhookSender> senders, LogWatch watch, TimeProvider clock, ILogger<WebhookWorker> log)
    : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(5);
    private static readonly Backoff Patiently = new(TimeSpan.FromSeconds(5), TimeSpan.FromMinutes(5));

    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Telemetry.Meter.CreateObservableGauge("dbaccess.webhook.behind",
            () => senders.Select(sender => new Measurement<long>(Math.Max(0, watch.Size - sender.Next),
                new KeyValuePair<string, object?>("webhook", sender.Number))), null,
            "Events in the log that a webhook has not taken yet, as far as this process knows.");
        return Task.WhenAll(senders.Select(sender => FollowAsync(sender, stoppingToken)));
    }

    private async Task FollowAsync(WebhookSender sender, CancellationToken stoppingToken)
    {
        for (var failures = 0; !stoppingToken.IsCancellationRequested;)
        {
            var pause = Interval;
            try
            {
                var delivered = await sender.DeliverAsync(stoppingToken);
                failures = delivered.Why is null ? 0 : delivered.Sent > 0 ? 1 : failures + 1;
                if (delivered.Why is not null) pause = Longest(Patiently.After(failures), delivered.RetryAfter);
            }
            catch (Exception failure) when (!stoppingToken.IsCancellationRequested)
            {
                log.LogError(failure, "Webhook {Webhook} could not be served; trying again", sender.Number);
                pause = Patiently.After(++failures);
            }
            catch (OperationCanceledException)
            {
                return;
            }

            await Task.Delay(pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Nobody makes us wait for longer than an hour.
    private static TimeSpan Longest(TimeSpan one, TimeSpan? other) =>
        other is { } asked && asked > one ? asked < TimeSpan.FromHours(1) ? asked : TimeSpan.FromHours(1) : one;
}
