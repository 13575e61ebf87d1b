using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Evidence;

/// <summary>What followers of the log remember in the store.</summary>
public static class Marks
{
    /// <summary>How far a webhook came: the place of the next event that it is sent.</summary>
    public static string WebhookCursor(int webhook) => FormattableString.Invariant($"webhook:{webhook}:next");

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
