using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Amazon.DynamoDBv2.Model;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Stores;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>
/// The evidence log in the DynamoDB table. Events stand in the journal (<see cref="JournalKey"/>); their places in batches,
/// <c>LOG</c>/<c>BATCH#first place</c>: where the events are, their leaf hashes, the tree's peaks and the checkpoint. A batch is put only
/// where there is none, and where it stands is said by the one before it, so of two that go on from the same end one is refused.
/// </summary>
internal sealed class DynamoEvidenceLog(DynamoTable table, DynamoTexts texts, TimeProvider clock) : IAuditTrail, IEvidenceLog
{
    private const string LogPk = "LOG";
    private const string LeaseSk = "LEASE";
    private const string LastSk = "BATCH#~";
    private const string MarkPk = "MARK";
    private const string Settled = "settled";

    // A write is stamped before it is sent, and its answer may be lost: what is stamped now is looked for for this long. A request that is
    // signed is taken for five minutes.
    private static readonly TimeSpan Slack = TimeSpan.FromMinutes(10);

    // A process may be frozen for longer, in the middle of its tries.
    private static readonly TimeSpan DeepSlack = TimeSpan.FromHours(26);

    // Clocks of processes differ.
    private static readonly TimeSpan Ahead = TimeSpan.FromMinutes(2);

    private DateTimeOffset? _settled;
    private DateTimeOffset _deep = DateTimeOffset.MinValue;

    public async Task RecordAsync(LogEvent happened, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var (key, write, body) = (JournalKey.Attempt(happened.Grant, happened.At), Guid.NewGuid().ToString("N"), EventBody.Of(happened));
        await texts.KeepAsync(body, cancellationToken);
        if (!await table.TryPutAsync(DynamoJournal.Item(key, body, write), "attribute_not_exists(pk)", cancellationToken)
            && (await table.FindAsync(key.Pk, key.Sk, CancellationToken.None))?.TextOf("write_id") != write)
            throw new DynamoStoreException("An event could not be recorded: something else stands in its place.");
    }

    public async Task<bool> TryHoldAsync(string holder, DateTimeOffset now, DateTimeOffset until, CancellationToken cancellationToken)
    {
        var request = new UpdateItemRequest
        {
            Key = DynamoTable.Key(LogPk, LeaseSk),
            ConditionExpression = "attribute_not_exists(held_by) OR held_by = :me OR held_until <= :now OR held_until > :beyond",
            UpdateExpression = "SET held_by = :me, held_until = :until",
            ExpressionAttributeValues = new(StringComparer.Ordinal)
            {
                [":me"] = DynamoItem.Text(holder), [":now"] = DynamoItem.Number(now.ToUnixTimeMilliseconds()),
                [":until"] = DynamoItem.Number(until.ToUnixTimeMilliseconds()),
                [":beyond"] = DynamoItem.Number((until + LogEnd.ClocksDiffer).ToUnixTimeMilliseconds()),
            },
        };
        // Also the first time, so that what was recorded from then on is found however long nobody looks.
        request.UpdateExpression += _settled is null ? $", {Settled} = if_not_exists({Settled}, :settled)" : $", {Settled} = :settled";
        request.ExpressionAttributeValues[":settled"] = DynamoItem.Number((_settled ?? now - DeepSlack).ToUnixTimeMilliseconds());

        return await table.TryUpdateAsync(request, cancellationToken) is not null;
    }

    public async Task<LogEnd> ReadEndAsync(CancellationToken cancellationToken) =>
        await LastItemAsync(LastSk, cancellationToken) is { } item && Read(item) is var last
            ? new LogEnd(last.Next, last.Head, last.Checkpoint) : new LogEnd(0, null, null);

    public async Task<IReadOnlyList<UnplacedEvent>> ListUnplacedAsync(int limit, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var lease = await table.FindAsync(LogPk, LeaseSk, cancellationToken);
        var begin = CarriedEarlier.IsDone(lease) ? []
            : await CarriedEarlier.ListAsync(
                table, texts, lease, await PlacedSinceAsync(DateTimeOffset.UnixEpoch, cancellationToken), limit, cancellationToken);
        if (begin.Count >= limit) return begin;

        // Nobody has looked yet: the first process that records anything looks a moment later.
        var settled = lease?.NumberOf(Settled) is { } ms ? DateTimeOffset.FromUnixTimeMilliseconds(ms) : now - DeepSlack;
        if (_settled > settled) settled = _settled.Value;
        var deep = now - _deep >= TimeSpan.FromHours(1);
        var from = settled - (deep ? DeepSlack : Slack);

        var known = await PlacedSinceAsync(from - Slack, cancellationToken);
        var waiting = new List<Dictionary<string, AttributeValue>>();
        // What a clock far ahead stamped waits until then: it would be looked for for longer than the batch that it stands in is known.
        var until = now + Ahead;
        foreach (var hour in JournalKey.Between(from, until).Chunk(16))
            waiting.AddRange((await Task.WhenAll(hour.Select(pk => QueryHourAsync(pk, from, until, cancellationToken))))
                .SelectMany(items => items)
                .Where(item => !known.Contains(DynamoJournal.Key(item).ToString())));
        if (waiting.Count == 0)
        {
            _settled = now - Slack;
            if (deep) _deep = now;
        }

        // Of one grant, the instants never go back; what is equal is put in order by the number.
        List<Dictionary<string, AttributeValue>> next =
            [.. waiting.OrderBy(item => item["sk"].S, StringComparer.Ordinal).Take(limit - begin.Count)];
        await texts.ReadyAsync(next, cancellationToken);
        return [.. begin, .. next.Select(item => DynamoJournal.Unplaced(item, texts))];
    }

    public async Task<bool> TryAppendAsync(LogEnd over, long firstPlace, IReadOnlyList<(UnplacedEvent Event, byte[] Hash)> placed,
        LogEnd end,
        DateTimeOffset at, CancellationToken cancellationToken)
    {
        if (over.Version != firstPlace) return false;
        var (item, write) = (DynamoTable.Key(LogPk, BatchSk(firstPlace)), Guid.NewGuid().ToString("N"));
        item["next"] = DynamoItem.Number(firstPlace + placed.Count);
        item["at"] = DynamoItem.Number(at.ToUnixTimeMilliseconds());
        item["events"] = DynamoItem.Text(string.Join('\n', placed.Select(one => one.Event.Key)));
        item["hashes"] = DynamoItem.Bytes([.. placed.SelectMany(one => one.Hash)]);
        item["write_id"] = DynamoItem.Text(write);
        item.SetText("head", end.Head);
        item.SetText("checkpoint", end.Checkpoint);
        return await table.TryPutAsync(item, "attribute_not_exists(pk)", cancellationToken)
            || (await table.FindAsync(LogPk, BatchSk(firstPlace), CancellationToken.None))?.TextOf("write_id") == write;
    }

    /// <summary>Needs <c>dynamodb:DeleteItem</c> on <c>LOG</c>, which no role of the product has: whoever repairs brings it.</summary>
    public async Task GoBackAsync(LogEnd end, long place, DateTimeOffset at, CancellationToken cancellationToken)
    {
        var now = at.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        await foreach (var item in table.ReadAsync(BatchesFrom(BatchSk(place)), cancellationToken))
        {
            await KeepAsideAsync(item, now, cancellationToken);
            await table.TryDeleteAsync(
                new DeleteItemRequest { Key = DynamoTable.Key(LogPk, item["sk"].S) }, cancellationToken);
        }

        if (await LastItemAsync(LastSk, cancellationToken) is { } last
            && (last.TextOf("head"), last.TextOf("checkpoint"), last.NumberOf("next")) != (end.Head, end.Checkpoint, place))
        {
            await KeepAsideAsync(last, now, cancellationToken);
            await table.TryUpdateAsync(new UpdateItemRequest
            {
                Key = DynamoTable.Key(LogPk, last["sk"].S),
                UpdateExpression = "SET #head = :head, #checkpoint = :checkpoint, #next = :next",
                ExpressionAttributeNames =
                    new(StringComparer.Ordinal) { ["#head"] = "head", ["#checkpoint"] = "checkpoint", ["#next"] = "next" },
                ExpressionAttributeValues = new(StringComparer.Ordinal)
                {
                    [":head"] = DynamoItem.Text(end.Head!), [":checkpoint"] = DynamoItem.Text(end.Checkpoint!),
                    [":next"] = DynamoItem.Number(place),
                },
            }, cancellationToken);
        }

        // What lost its place was recorded about when that was signed, or later.
        _settled = end.Signed!.Checkpoint.At - DeepSlack;
        _deep = DateTimeOffset.MinValue;
        await table.TryUpdateAsync(new UpdateItemRequest
        {
            Key = DynamoTable.Key(LogPk, LeaseSk), UpdateExpression = $"SET {Settled} = :settled",
            ExpressionAttributeValues =
                new(StringComparer.Ordinal) { [":settled"] = DynamoItem.Number(_settled.Value.ToUnixTimeMilliseconds()) },
        }, cancellationToken);
        await CarriedEarlier.GoBackAsync(table, cancellationToken);
    }

    private Task<bool> KeepAsideAsync(Dictionary<string, AttributeValue> item, string now, CancellationToken cancellationToken)
    {
        var aside = new Dictionary<string, AttributeValue>(item, StringComparer.Ordinal);
        (aside["pk"], aside["sk"]) = (DynamoItem.Text(MarkPk), DynamoItem.Text($"aside:{item["sk"].S}:{now}"));
        return table.TryPutAsync(aside, "attribute_not_exists(pk)", cancellationToken);
    }

    public IAsyncEnumerable<PlacedEvent> ReadAsync(long from, CancellationToken cancellationToken) =>
        ReadAsync(from, null, cancellationToken);

    /// <summary>Reads where all events are (about 110 bytes each), and then those of the grant.</summary>
    public IAsyncEnumerable<PlacedEvent> ReadGrantAsync(GrantId grant, CancellationToken cancellationToken) =>
        ReadAsync(0, grant.ToString(), cancellationToken);

    public async IAsyncEnumerable<string> ReadCheckpointsAsync(
        long past, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var batch in BatchesAsync(past, cancellationToken))
            if (batch.Checkpoint is { } note && batch.Next > past) yield return note;
    }

    public async Task<(long Events, DateTimeOffset? Since)> CountUnplacedAsync(CancellationToken cancellationToken)
    {
        var waiting = await ListUnplacedAsync(int.MaxValue, cancellationToken);
        return (waiting.Count, waiting.Count == 0
            ? null : DateTimeOffset.FromUnixTimeMilliseconds(waiting.Min(one => JournalKey.MillisecondsOf(one.Key))));
    }

    public async Task<string?> ReadMarkAsync(string name, CancellationToken cancellationToken) =>
        (await table.FindAsync(MarkPk, name, cancellationToken))?.TextOf("value");

    public async Task<bool> TryWriteMarkAsync(string name, string? over, string value, CancellationToken cancellationToken)
    {
        var request = new UpdateItemRequest
        {
            Key = DynamoTable.Key(MarkPk, name),
            ConditionExpression = over is null ? "attribute_not_exists(pk)" : "#value = :over",
            UpdateExpression = "SET #value = :value",
            ExpressionAttributeNames = new(StringComparer.Ordinal) { ["#value"] = "value" },
            ExpressionAttributeValues = new(StringComparer.Ordinal) { [":value"] = DynamoItem.Text(value) },
        };
        if (over is not null) request.ExpressionAttributeValues[":over"] = DynamoItem.Text(over);
        return await table.TryUpdateAsync(request, cancellationToken) is not null;
    }

    private async Task<HashSet<string>> PlacedSinceAsync(DateTimeOffset since, CancellationToken cancellationToken)
    {
        var placed = new HashSet<string>(StringComparer.Ordinal);
        var request = Batches("pk = :pk AND begins_with(sk, :batch)", forward: false);
        request.ExpressionAttributeValues[":batch"] = DynamoItem.Text("BATCH#");
        await foreach (var item in table.ReadAsync(request, cancellationToken))
        {
            var batch = Read(item);
            if (batch.At < since) break;
            placed.UnionWith(batch.Events);
        }

        return placed;
    }

    private async IAsyncEnumerable<PlacedEvent> ReadAsync(
        long from, string? grant, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var batch in BatchesAsync(from, cancellationToken))
        {
            List<(long Place, JournalKey Key, byte[] Hash)> wanted = [];
            for (var i = 0; i < batch.Events.Count; i++)
            {
                var (place, key) = (batch.First + i, JournalKey.Parse(batch.Events[i]));
                if (place >= from && (grant is null || key.Grant == grant)) wanted.Add((place, key, batch.Hash(i)));
            }

            foreach (var some in wanted.Chunk(500))
            {
                var found = (await table.FindManyAsync(some.Select(one => (one.Key.Pk, one.Key.Sk)), cancellationToken))
                    .ToDictionary(item => DynamoJournal.Key(item));
                await texts.ReadyAsync(found.Values, cancellationToken);
                foreach (var (place, key, hash) in some)
                    yield return new PlacedEvent(place, DynamoJournal.Body(found.GetValueOrDefault(key), texts), hash);
            }
        }
    }

    /// <summary>From the batch that holds that place on.</summary>
    private async IAsyncEnumerable<Batch> BatchesAsync(long from, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var first = await LastItemAsync(BatchSk(from), cancellationToken);
        if (first is null) yield break;

        // One that was edited by hand is left out: whoever reads sees that events are missing.
        await foreach (var item in table.ReadAsync(BatchesFrom(first["sk"].S), cancellationToken))
            if (Batch.TryRead(item) is { } batch) yield return batch;
    }

    /// <summary>The newest batch that begins at a place or before it.</summary>
    private async Task<Dictionary<string, AttributeValue>?> LastItemAsync(string upTo, CancellationToken cancellationToken)
    {
        var request = Batches("pk = :pk AND sk BETWEEN :first AND :upTo", forward: false);
        request.ExpressionAttributeValues[":first"] = DynamoItem.Text("BATCH#");
        request.ExpressionAttributeValues[":upTo"] = DynamoItem.Text(upTo);
        return await table.QueryAsync(request, 1, cancellationToken) is [var item] ? item : null;
    }

    private static QueryRequest BatchesFrom(string sk)
    {
        var request = Batches("pk = :pk AND sk BETWEEN :from AND :last", forward: true);
        request.ExpressionAttributeValues[":from"] = DynamoItem.Text(sk);
        request.ExpressionAttributeValues[":last"] = DynamoItem.Text(LastSk);
        return request;
    }

    private static Batch Read(Dictionary<string, AttributeValue> item) =>
        Batch.TryRead(item) ?? throw new LogBrokenException($"{LogPk} {item["sk"].S} is not as it was written");

    private Task<List<Dictionary<string, AttributeValue>>> QueryHourAsync(string pk, DateTimeOffset from, DateTimeOffset until,
        CancellationToken cancellationToken)
    {
        var since = string.Create(CultureInfo.InvariantCulture, $"{from.ToUnixTimeMilliseconds():D13}");
        var last = string.Create(CultureInfo.InvariantCulture, $"{until.ToUnixTimeMilliseconds():D13}~");
        return table.QueryAsync(new QueryRequest
        {
            KeyConditionExpression = "pk = :pk AND sk BETWEEN :since AND :last", ConsistentRead = true,
            ExpressionAttributeValues =
                new(StringComparer.Ordinal)
                {
                    [":pk"] = DynamoItem.Text(pk), [":since"] = DynamoItem.Text(since), [":last"] = DynamoItem.Text(last),
                },
        }, int.MaxValue, cancellationToken);
    }

    private static string BatchSk(long first) => string.Create(CultureInfo.InvariantCulture, $"BATCH#{first:D15}");

    private static QueryRequest Batches(string condition, bool forward) => new()
    {
        KeyConditionExpression = condition, ScanIndexForward = forward, ConsistentRead = true,
        ExpressionAttributeValues = new(StringComparer.Ordinal) { [":pk"] = DynamoItem.Text(LogPk) },
    };

    /// <summary>Places that were given together.</summary>
    private sealed record Batch(
        long First, long Next, DateTimeOffset At, IReadOnlyList<string> Events, byte[] Hashes, string? Head, string? Checkpoint)
    {
        public byte[] Hash(int i) => Hashes[(i * MerkleTree.HashBytes)..((i + 1) * MerkleTree.HashBytes)];

        /// <summary>Null when it is not as an append left it.</summary>
        public static Batch? TryRead(Dictionary<string, AttributeValue> item)
        {
            if (!long.TryParse(item["sk"].S.AsSpan("BATCH#".Length), NumberStyles.None, CultureInfo.InvariantCulture, out var first)
                || item.NumberOf("next") is not { } next || item.NumberOf("at") is not { } at || item.TextOf("events") is not { } events
                || item.GetValueOrDefault("hashes")?.B?.ToArray() is not { } hashes) return null;
            var keys = events.Split('\n');
            return keys.Length == next - first && hashes.Length == keys.Length * MerkleTree.HashBytes
                && keys.All(key => key.Count(letter => letter == '|') == 1)
                && at >= 0 && at <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
                ? new Batch(first, next, DateTimeOffset.FromUnixTimeMilliseconds(at), keys, hashes, item.TextOf("head"),
                    item.TextOf("checkpoint")) : null;
        }
    }
}
