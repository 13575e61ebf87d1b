using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Principals;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Stores;

/// <summary>An unfinished request as it stands in a store: texts that anybody may have put there.</summary>
/// <param name="Id">What it is found under.</param>
internal sealed record InboxRow(
    string Id, string? Key, string? Kind, string? Team, string? User, string? Channel, string? Text, string? ReceivedAt, string? HeldUntil,
    string? Seal);

/// <summary>
/// Requests in the inbox that cannot be read: damaged, or put there by somebody else. Each is left out, hides nothing behind it, and is
/// said in the log, again every minute as long as it is there: its sender was told that it is on record, and nobody does it.
/// </summary>
internal sealed class UnreadableRequests(TimeProvider clock, ILogger<UnreadableRequests> log)
{
    private readonly LatelyMet _met = new(clock);

    /// <summary>How many of the last minute.</summary>
    public int Count => _met.Ids.Count;

    /// <summary>Those that are in nobody's hand at <paramref name="now"/>, the oldest first.</summary>
    public IReadOnlyList<InboxItem> Waiting(IEnumerable<InboxRow> rows, DateTimeOffset now)
    {
        List<InboxItem> waiting = [];
        foreach (var row in rows)
        {
            if (Read(row, out var heldUntil) is not { } item)
            {
                if (_met.IsNews(row.Id))
                    log.LogError("A request in the inbox ({UnreadableRequest}) cannot be read and is not done: it is damaged, or " +
                        "somebody wrote it there. Delete it when you know which", Show.Text(row.Id));
            }
            else if (!(heldUntil > now))
            {
                waiting.Add(item);
            }
        }

        return [.. waiting.OrderBy(item => item.ReceivedAt)];
    }

    private static InboxItem? Read(InboxRow row, out DateTimeOffset? heldUntil)
    {
        heldUntil = StoreTime.TryParse(row.HeldUntil);
        return row is { Key: { } key, Kind: { } kind } && (row.HeldUntil is null || heldUntil is not null)
            && PrincipalId.Parse(row.Team, row.User) is { } from && StoreTime.TryParse(row.ReceivedAt) is { } received
                ? new InboxItem(key, kind, from, row.Channel, row.Text ?? "", received) { Seal = row.Seal } : null;
    }
}
