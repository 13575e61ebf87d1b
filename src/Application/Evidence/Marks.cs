using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Evidence;

/// <summary>What followers of the log remember in the store.</summary>
public static class Marks
{
    /// <summary>How far a webhook came: the place of the next event that it is sent.</summary>
    public static string WebhookCursor(int webhook) => FormattableString.Invariant($"webhook:{webhook}:next");

    /// <summary>An instant as marks have it, in milliseconds since 1970; null for anything else.</summary>
    internal static DateTimeOffset? Instant(string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds) && milliseconds < 253_402_300_800_000
            ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) : null;

    /// <summary>Of two that write in one instant either is kept. Writes nothing where it stands there already.</summary>
    internal static async Task SetMarkAsync(this IEvidenceLog log, string mark, string value, CancellationToken cancellationToken)
    {
        var before = await log.ReadMarkAsync(mark, cancellationToken);
        if (before != value) await log.TryWriteMarkAsync(mark, before, value, cancellationToken);
    }

    /// <summary>
    /// Records what several processes come to know at once, by one of them: whoever writes the mark does. Where it cannot be recorded the
    /// mark is put back, so that the next time tries again.
    /// </summary>
    /// <param name="over">What the mark was when it was read; null when there was none.</param>
    /// <returns>False when another was quicker.</returns>
    internal static async Task<bool> TryRecordAsync(this IEvidenceLog log, IAuditTrail audit, string mark, string? over, string value,
        LogEvent happened, CancellationToken cancellationToken)
    {
        if (!await log.TryWriteMarkAsync(mark, over, value, cancellationToken)) return false;
        try
        {
            await audit.RecordAsync(happened, cancellationToken);
            return true;
        }
        catch
        {
            await log.TryWriteMarkAsync(mark, value, over ?? "", CancellationToken.None);
            throw;
        }
    }
}
