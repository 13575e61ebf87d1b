using System.Security.Cryptography;
using System.Text;
using Amazon.DynamoDBv2.Model;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Stores;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>
/// Accepted requests in the DynamoDB table: <c>INBOX#key</c> holds the request, <c>INBOX#alias</c> points to it, both made in one
/// transaction. What is unfinished, and what is finished and not yet purged, stands in the <c>due</c> index, in a part of its own each. The
/// list of what is unfinished is for the time after a restart, so it does no harm that the index is a moment late.
/// </summary>
internal sealed class DynamoInbox(DynamoTable table, UnreadableRequests unreadable, TimeProvider clock) : IInbox
{
    private const string Sk = "INBOX";
    private const string Unfinished = "INBOX";
    private const string Finished = "INBOX#FINISHED";

    // Purging is a call of its own; this is for an installation where nobody makes it any more.
    private static readonly TimeSpan Net = TimeSpan.FromDays(14);

    private readonly string _holder = Guid.NewGuid().ToString("N");

    public async Task<bool> TryAddAsync(InboxItem item, string? alias, CancellationToken cancellationToken)
    {
        if (alias == item.Key) alias = null;
        var write = Guid.NewGuid().ToString("N");
        bool written;
        try
        {
            written = await table.TryWriteAsync(
                () =>
                {
                    List<TransactWriteItem> items = [new() { Put = table.Put(Item(item, alias, write), "attribute_not_exists(pk)") }];
                    if (alias is not null) items.Add(new() { Put = table.Put(AliasItem(item, alias, write), "attribute_not_exists(pk)") });
                    return items;
                },
                cancellationToken);
        }
        catch (Exception failure) when (failure is DynamoStoreException or OperationCanceledException)
        {
            // No try got an answer that decides it: it may be in all the same, and a copy of it would then be taken for done.
            if (await IsOursAsync(item, write)) return true;
            throw;
        }

        // Sent twice because the first answer was lost, it meets itself.
        return written || await IsOursAsync(item, write);
    }

    public async Task<IReadOnlyList<InboxItem>> ListWaitingAsync(DateTimeOffset now, CancellationToken cancellationToken)
    {
        var entries = await table.QueryAsync(Part(Unfinished), int.MaxValue, cancellationToken);
        var items = await table.FindManyAsync(entries.Select(entry => (entry["pk"].S, entry["sk"].S)), cancellationToken);
        return unreadable.Waiting(items.Where(item => item.TextOf("finished_at") is null).Select(Row), now);
    }

    public int CountUnreadable() => unreadable.Count;

    public async Task<bool> TryHoldAsync(string key, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken) =>
        await table.TryUpdateAsync(
        new UpdateItemRequest
        {
            Key = DynamoTable.Key(Pk(key), Sk),
            ConditionExpression = "due_shard = :unfinished AND (attribute_not_exists(held_until) OR held_until <= :now OR held_by = :me)",
            UpdateExpression = "SET held_by = :me, held_until = :until",
            ExpressionAttributeValues = new(StringComparer.Ordinal)
            {
                [":unfinished"] = DynamoItem.Text(Unfinished),
                [":now"] = DynamoItem.Text(StoreTime.Text(now)),
                [":until"] = DynamoItem.Text(StoreTime.Text(until)),
                [":me"] = DynamoItem.Text(_holder),
            },
        },
        cancellationToken) is not null;

    public async Task FinishAsync(string key, CancellationToken cancellationToken) => await table.TryUpdateAsync(
        new UpdateItemRequest
        {
            Key = DynamoTable.Key(Pk(key), Sk),
            ConditionExpression = "due_shard = :unfinished",
            UpdateExpression = $"SET finished_at = :now, due_shard = :finished, {DynamoTable.PurgeAttribute} = :purge",
            ExpressionAttributeValues = new(StringComparer.Ordinal)
            {
                [":unfinished"] = DynamoItem.Text(Unfinished),
                [":finished"] = DynamoItem.Text(Finished),
                [":now"] = DynamoItem.Text(StoreTime.Text(clock.GetUtcNow())),
                [":purge"] = DynamoItem.Number((clock.GetUtcNow() + Net).ToUnixTimeSeconds()),
            },
        },
        cancellationToken);

    public async Task PurgeAsync(DateTimeOffset before, CancellationToken cancellationToken)
    {
        var request = Part(Finished);
        request.KeyConditionExpression += " AND due_at <= :before";
        request.ExpressionAttributeValues[":before"] = DynamoItem.Number(StoreTime.Milliseconds(before));
        foreach (var entry in await table.QueryAsync(request, int.MaxValue, cancellationToken))
        {
            // The index rounds; the item itself says exactly whether it is older.
            var removed = await table.TryDeleteAsync(
                new DeleteItemRequest
                {
                    Key = DynamoTable.Key(entry["pk"].S, entry["sk"].S),
                    ConditionExpression = "due_shard = :finished AND received_at < :before",
                    ExpressionAttributeValues = new(StringComparer.Ordinal) { [":finished"] = DynamoItem.Text(Finished),
                        [":before"] = DynamoItem.Text(StoreTime.Text(before)) },
                    ReturnValues = Amazon.DynamoDBv2.ReturnValue.ALL_OLD,
                },
                cancellationToken);
            // Should the process end in between, the alias runs out by itself.
            if (removed?.Attributes?.TextOf("alias") is not { } alias) continue;
            await table.TryDeleteAsync(
                new DeleteItemRequest
                {
                    Key = DynamoTable.Key(Pk(alias), Sk),
                    ConditionExpression = "alias_of = :key",
                    ExpressionAttributeValues = new(StringComparer.Ordinal) { [":key"] = DynamoItem.Text(removed.Attributes["key"].S) },
                },
                cancellationToken);
        }
    }

    // Not cancellable: the write is past, and its outcome has to be known.
    private async Task<bool> IsOursAsync(InboxItem item, string write) =>
        (await table.FindAsync(Pk(item.Key), Sk, CancellationToken.None))?.TextOf("write_id") == write;

    // Keys come from Slack and are short; one beyond what DynamoDB takes as a key goes by its hash.
    private static string Pk(string key) =>
        "INBOX#" + (Encoding.UTF8.GetByteCount(key) <= 1024
            ? key : $"sha256:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)))}");

    private static QueryRequest Part(string part) => new()
    {
        IndexName = DynamoTable.DueIndex,
        KeyConditionExpression = "due_shard = :part",
        ExpressionAttributeValues = new(StringComparer.Ordinal) { [":part"] = DynamoItem.Text(part) },
        ScanIndexForward = true,
    };

    private Dictionary<string, AttributeValue> Item(InboxItem request, string? alias, string write)
    {
        var item = DynamoTable.Key(Pk(request.Key), Sk);
        item["key"] = DynamoItem.Text(request.Key);
        item["kind"] = DynamoItem.Text(request.Kind);
        item["team"] = DynamoItem.Text(request.From.Team);
        item["user"] = DynamoItem.Text(request.From.User);
        item["text"] = DynamoItem.Text(request.Text);
        item["received_at"] = DynamoItem.Text(StoreTime.Text(request.ReceivedAt));
        item["due_shard"] = DynamoItem.Text(Unfinished);
        item["due_at"] = DynamoItem.Number(StoreTime.Milliseconds(request.ReceivedAt));
        item["write_id"] = DynamoItem.Text(write);
        item["held_by"] = DynamoItem.Text(_holder);
        item["held_until"] = DynamoItem.Text(StoreTime.Text(request.ReceivedAt + IInbox.Hold));
        item.SetText("channel", request.Channel);
        item.SetText("seal", request.Seal);
        item.SetText("alias", alias);
        return item;
    }

    private static Dictionary<string, AttributeValue> AliasItem(InboxItem request, string alias, string write)
    {
        var item = DynamoTable.Key(Pk(alias), Sk);
        item["alias_of"] = DynamoItem.Text(request.Key);
        item["write_id"] = DynamoItem.Text(write);
        item[DynamoTable.PurgeAttribute] = DynamoItem.Number((request.ReceivedAt + Net).ToUnixTimeSeconds());
        return item;
    }

    private static InboxRow Row(Dictionary<string, AttributeValue> item) => new(
        item["pk"].S, item.TextOf("key"), item.TextOf("kind"), item.TextOf("team"), item.TextOf("user"), item.TextOf("channel"),
        item.TextOf("text"), item.TextOf("received_at"), item.TextOf("held_until"), item.TextOf("seal"));
}
