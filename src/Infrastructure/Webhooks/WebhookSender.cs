using System.Globalization;
using System.Net;
using System.Runtime.CompilerServices;
using DbAccess.Application;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Webhooks;

/// <summary>How a delivery went.</summary>
/// <param name="Sent">How many events the other system took.</param>
/// <param name="Why">Why it took no more; null when there were no more.</param>
/// <param name="RetryAfter">When it wants to be asked again, where it said so.</param>
internal sealed record Delivered(int Sent, string? Why, TimeSpan? RetryAfter);

/// <summary>
/// Follows the evidence log for one webhook. How far the other system came is a mark in the store, so the log itself is what waits for it:
/// nothing is held in memory, and nothing is lost when it is down for days. At least once, in the order of the log: an answer that got lost
/// is a batch that comes again, and whoever takes them knows it by <c>metadata.uid</c>.
/// </summary>
internal sealed class WebhookSender(
    Webhook webhook, IEvidenceLog log, HttpClient http, Installation installation, TimeProvider clock, ILogger<WebhookSender> logger)
{
    private const int AtOnce = 100;

    // One process at a time, so that not every copy sends every event.
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private readonly string _me = Guid.NewGuid().ToString("N");

    public int Number => webhook.Number;

    /// <summary>How many events it has taken, as last seen here.</summary>
    public long Next { get; private set; }

    private string CursorMark => Marks.WebhookCursor(webhook.Number);

    private string HolderMark => FormattableString.Invariant($"webhook:{webhook.Number}:holder");

    /// <summary>Sends what is there, batch by batch, until the end of the log or the first failure.</summary>
    public async Task<Delivered> DeliverAsync(CancellationToken cancellationToken)
    {
        var sent = 0;
        while (await TryHoldAsync(cancellationToken))
        {
            var mark = await log.ReadMarkAsync(CursorMark, cancellationToken);
            Next = mark is null ? 0 : await BelievedAsync(mark, cancellationToken);
            // One reading for all batches: a store reads ahead by thousands.
            await foreach (var batch in BatchesAsync(Next, cancellationToken))
            {
                if (!await TryHoldAsync(cancellationToken)) return new Delivered(sent, null, null);
                if (await PostAsync(batch, cancellationToken) is { } failed) return failed with { Sent = sent };

                sent += batch.Count;
                var next = (batch[^1].Place + 1).ToString(CultureInfo.InvariantCulture);
                // Somebody set it back meanwhile, to have events again: from there it goes on.
                if (!await log.TryWriteMarkAsync(CursorMark, mark, next, cancellationToken)) break;
                (mark, Next) = (next, batch[^1].Place + 1);
            }

            if (mark == await log.ReadMarkAsync(CursorMark, cancellationToken)) break;
        }

        return new Delivered(sent, null, null);
    }

    /// <summary>At least once: what cannot be how far it came is no reason to leave an event out.</summary>
    private async Task<long> BelievedAsync(string mark, CancellationToken cancellationToken)
    {
        if (long.TryParse(mark, NumberStyles.None, CultureInfo.InvariantCulture, out var next)
            && next <= ((await log.ReadEndAsync(cancellationToken)).Signed?.Checkpoint.Size ?? 0)) return next;

        logger.LogCritical("What webhook {Webhook} was sent last is past the end of the evidence log, or no number: everything is sent " +
            "again. Was an older store put back, or who can write to it?", webhook.Number);
        return 0;
    }

    private async IAsyncEnumerable<List<PlacedEvent>> BatchesAsync(long from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        List<PlacedEvent> batch = [];
        await foreach (var placed in log.ReadAsync(from, cancellationToken))
        {
            if (placed.Body is not null) batch.Add(placed);
            if (batch.Count < AtOnce) continue;
            yield return batch;
            batch = [];
        }

        if (batch.Count > 0) yield return batch;
    }

    private async Task<Delivered?> PostAsync(IReadOnlyList<PlacedEvent> batch, CancellationToken cancellationToken)
    {
        try
        {
            using var request = webhook.Request(OcsfEvents.Write($"dbaccess/{installation.Name}", batch), clock.GetUtcNow());
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            if (answer.IsSuccessStatusCode) return null;

            var pause = answer.Headers.RetryAfter is { } said ? said.Delta ?? said.Date - clock.GetUtcNow() : null;
            return Failed($"it answered {(int)answer.StatusCode}", answer.StatusCode is HttpStatusCode.TooManyRequests
                or HttpStatusCode.ServiceUnavailable ? pause : null, batch[0].Place);
        }
        catch (Exception failure) when (failure is HttpRequestException
            || (failure is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            return Failed(failure is HttpRequestException { HttpRequestError: var error } ? $"it cannot be reached ({error})"
                : "it did not answer in time", null, batch[0].Place);
        }
    }

    private Delivered Failed(string why, TimeSpan? retryAfter, long place)
    {
        logger.LogWarning("Webhook {Webhook} does not take event {Place} and those behind it; trying again: {Why}", webhook.Number,
            place, why);
        return new Delivered(0, why, retryAfter);
    }

    private async Task<bool> TryHoldAsync(CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var held = await log.ReadMarkAsync(HolderMark, cancellationToken);
        if (held?.Split(' ') is [var holder, var until] && holder != _me
            && long.TryParse(until, NumberStyles.None, CultureInfo.InvariantCulture, out var ms) && ms > now.ToUnixTimeMilliseconds()
            // One that reaches further (a clock that was wrong, a hand in the store) holds nobody up.
            && ms <= (now + Lease + LogEnd.ClocksDiffer).ToUnixTimeMilliseconds()) return false;

        var mine = string.Create(CultureInfo.InvariantCulture, $"{_me} {(now + Lease).ToUnixTimeMilliseconds()}");
        return held == mine || await log.TryWriteMarkAsync(HolderMark, held, mine, cancellationToken);
    }
}
