using DbAccess.Application.Ports;

namespace DbAccess.Application.Steps;

/// <summary>How late we are: the figure that an alarm is built on.</summary>
public static class Lateness
{
    // A step that failed is due again some seconds later and would look as if nothing were late; while a role may still be usable the next
    // try is never further away than half a minute, nor the end of a lease than three quarters of one.
    private static readonly TimeSpan Postponed = TimeSpan.FromMinutes(1);

    private const int Most = 1_000;

    /// <summary>
    /// How long the step that has waited longest has been waiting: from the expiry, say, and not from the last try to end it.
    /// </summary>
    public static async Task<TimeSpan> LongestAsync(IGrantStore store, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var due = await store.ListDueAsync(now + Postponed, Most, cancellationToken);
        return due.Select(grant => grant.State.LatenessAt(now)).DefaultIfEmpty().Max();
    }
}
