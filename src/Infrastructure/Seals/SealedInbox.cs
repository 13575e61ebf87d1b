using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Infrastructure.Stores;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Seals;

/// <summary>
/// Seals what is accepted, and hands out nothing that is not sealed: whoever can write to the store could put a request of anybody there.
/// What somebody else put there is said once and finished, so that nobody looks at it again.
/// </summary>
internal sealed class SealedInbox(IInbox inbox, ISeal seal, ILogger<SealedInbox> log) : IInbox
{
    private const string Kind = "inbox";

    public Task<bool> TryAddAsync(InboxItem item, string? alias, CancellationToken cancellationToken) =>
        inbox.TryAddAsync(item with { Seal = seal.Of(Kind, Text(item)) }, alias, cancellationToken);

    public async Task<IReadOnlyList<InboxItem>> ListWaitingAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        List<InboxItem> ours = [];
        foreach (var item in await inbox.ListWaitingAsync(now, cancellationToken))
        {
            if (seal.Fits(Kind, Text(item), item.Seal))
            {
                ours.Add(item);
                continue;
            }

            log.LogError(
                "The inbox holds a {Kind} of {Person} that DbAccess did not accept, or that was changed; it is not done. Who can " +
                "write to the store?", Show.Text(item.Kind), item.From.ToString());
            await inbox.FinishAsync(item.Key, cancellationToken);
        }

        return ours;
    }

    public Task<bool> TryHoldAsync(string key, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken) =>
        inbox.TryHoldAsync(key, now, until, cancellationToken);

    public Task FinishAsync(string key, CancellationToken cancellationToken) => inbox.FinishAsync(key, cancellationToken);

    public int CountUnreadable() => inbox.CountUnreadable();

    public Task PurgeAsync(DateTimeOffset before, CancellationToken cancellationToken) => inbox.PurgeAsync(before, cancellationToken);

    private static string Text(InboxItem item) => Canonical.Join(
        [item.Key, item.Kind, item.From.ToString(), item.Channel ?? "", item.Text, StoreTime.Text(item.ReceivedAt)]);
}
