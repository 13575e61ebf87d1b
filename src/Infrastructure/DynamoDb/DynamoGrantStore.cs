using System.Globalization;
using Amazon.DynamoDBv2.Model;
using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.Infrastructure.Stores;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>
/// Grants in the DynamoDB table: <c>GRANT#id</c>/<c>GRANT</c> is the state, its story stands in the journal (<see cref="JournalKey"/>),
/// both written in one transaction over the version that was loaded; the state knows the instants of its events, and so where they are.
/// Lists come from the indexes, a moment late, and are confirmed by reading the grants themselves: a grant that was made this moment may be
/// missing from a list, and one that no longer belongs there never is in it.
/// </summary>
internal sealed partial class DynamoGrantStore(DynamoTable table, DynamoTexts texts, UnreadableGrants unreadable)
    : IGrantStore, IGrantRetention
{
    /// <summary>
    /// How many parts the index of what is due has. One part takes 1,000 writes a second, so four bear 4,000, and a sweep asks each.
    /// Changing it needs both sets read until the old one is empty.
    /// </summary>
    internal const int DueShards = 4;

    // Roles that are locked out and cannot be dropped yet stand in a part of their own, so that counting them costs by their number.
    private const string Quarantine = "GRANT#QUARANTINE";

    /// <summary>The parts of the index that a sweep asks.</summary>
    internal static readonly IReadOnlyList<string> DueParts = [.. Enumerable.Range(0, DueShards).Select(ShardName), Quarantine];

    // Ended grants are counted as they end, in one of several counters, so that ends at the same moment seldom meet.
    private const int Counters = 16;

    // Entries that turn out to be out of date must not make a list shorter than it need be.
    private const int Spare = 25;

    private const string GrantSk = "GRANT";

    // The instants of its events, in order.
    private const string Moments = "moments";

    // What a save may take away from an item.
    private static readonly string[] Optional =
        [
            "role", "expires_at", "due_shard", "due_at", "live_database", DynamoTable.PurgeAttribute, "document",
            DynamoPacking.Packed("document"),
        ];
    private const string CountPk = "COUNT";

    // With a cluster's name behind it: when a grant with a role there was last counted as ended.
    private const string EndedOn = "ended_on:";

    private static readonly GrantStatus[] Over =
        [GrantStatus.Ended, GrantStatus.Denied, GrantStatus.Cancelled, GrantStatus.Lapsed, GrantStatus.Failed];

    public Task<SaveOutcome> AddAsync(Grant grant, CancellationToken cancellationToken)
    {
        var ends = Over.Contains(grant.Status);
        return WriteAsync(grant, grant.State with { Version = 1 }, ends, "attribute_not_exists(pk)", null, cancellationToken);
    }

    public Task<SaveOutcome> SaveAsync(Grant grant, CancellationToken cancellationToken)
    {
        var loaded = grant.State.Version;
        var ends = grant.NewEvents.Any(happened => Over.Contains(happened.To) && !(happened.From is { } from && Over.Contains(from)));
        var values = new Dictionary<string, AttributeValue>(StringComparer.Ordinal) { [":loaded"] = DynamoItem.Number(loaded) };
        return WriteAsync(grant, grant.State with { Version = loaded + 1 }, ends, "version = :loaded", values, cancellationToken);
    }

    public Task MayGoAsync(GrantId grant, DateTimeOffset at, CancellationToken cancellationToken) => table.TryUpdateAsync(
        new UpdateItemRequest
        {
            Key = DynamoTable.Key(Pk(grant.ToString()), GrantSk),
            UpdateExpression = $"SET {DynamoTable.PurgeAttribute} = :at",
            ConditionExpression = $"#status IN ({string.Join(", ", Over.Select(status => $":{status}"))})",
            ExpressionAttributeNames = new(StringComparer.Ordinal) { ["#status"] = "status" },
            ExpressionAttributeValues = new(
                Over.Select(status => KeyValuePair.Create($":{status}", DynamoItem.Text(status.ToString())))
                    .Append(KeyValuePair.Create(":at", DynamoItem.Number(at.ToUnixTimeSeconds()))), StringComparer.Ordinal),
        }, cancellationToken);

    /// <summary>DynamoDB does it, by the attribute, within two days.</summary>
    public Task PurgeAsync(DateTimeOffset now, long exported, CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task<Grant?> FindAsync(GrantId id, CancellationToken cancellationToken) =>
        await table.FindAsync(Pk(id.ToString()), GrantSk, cancellationToken) is { } item ? Read(item) : null;

    public async Task<IReadOnlyList<Grant>> ListDueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken)
    {
        var until = StoreTime.Milliseconds(now);
        // The index may be a moment old, and its instants are rounded up: the grant itself knows whether it is due.
        var due = await ConfirmAsync(
            async enough =>
            {
                var parts = await Task.WhenAll(DueParts.Select(part => QueryPartAsync(part, until, enough, cancellationToken)));
                var longestFirst = parts.SelectMany(items => items).OrderBy(item => item.NumberOf("due_at"))
                    .ThenBy(item => item["pk"].S, StringComparer.Ordinal);
                return ([.. longestFirst], Array.Exists(parts, items => items.Count == enough));
            },
            limit, grant => grant.State.DueAt <= now, cancellationToken);
        return [.. due.OrderBy(grant => grant.State.DueAt).ThenBy(grant => grant.Id.ToString(), StringComparer.Ordinal)];
    }

    public async Task<DateTimeOffset?> NextDueAsync(CancellationToken cancellationToken)
    {
        var leftOut = unreadable.Ids;
        var firsts = await Task.WhenAll(DueParts.Select(part => QueryPartAsync(part, null, 1 + leftOut.Count, cancellationToken)));
        return firsts.SelectMany(items => items).Where(item => !leftOut.Contains(IdOf(item)))
            .Min(item => item.NumberOf("due_at")) is { } due ? DateTimeOffset.FromUnixTimeMilliseconds(due) : null;
    }

    public async Task<IReadOnlyList<Grant>> ListByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken)
    {
        return NewestFirst(await ConfirmAsync(
            async enough =>
            {
                var entries = await table.QueryAsync(
                    NewestFirst(DynamoTable.PersonIndex, "person", requester.ToString()), enough, cancellationToken);
                return (entries, entries.Count == enough);
            },
            limit, grant => grant.State.Requester == requester, cancellationToken));
    }

    /// <summary>
    /// Reads the person's grants of as long as ended ones are kept: no index has only a person's live ones, and one that is written with
    /// every grant would cost more than this does the few who have hundreds (about one read unit a grant).
    /// </summary>
    public async Task<IReadOnlyList<Grant>> ListLiveByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken)
    {
        var entries =
            await table.QueryAsync(NewestFirst(DynamoTable.PersonIndex, "person", requester.ToString()), int.MaxValue, cancellationToken);
        return NewestFirst(await ConfirmAsync(
            entries, limit, grant => grant.State.Requester == requester && grant.State.EndedAt is null, cancellationToken));
    }

    /// <summary>
    /// Of one database: reads as many index entries as asked for. Of all: reads the index of live grants from end to end (about 100 bytes a
    /// grant), since a list over all databases would need one key that every write goes to.
    /// </summary>
    public async Task<IReadOnlyList<Grant>> ListLiveAsync(DatabaseName? database, int limit, CancellationToken cancellationToken)
    {
        return NewestFirst(await ConfirmAsync(
            async enough =>
            {
                var entries = database is null
                    ? await table.ScanIndexAsync(DynamoTable.LiveIndex, int.MaxValue, cancellationToken)
                    : await table.QueryAsync(
                        NewestFirst(DynamoTable.LiveIndex, "live_database", database.Value), enough, cancellationToken);
                var newestFirst = entries.OrderByDescending(item => item.NumberOf("created_at"))
                    .ThenBy(item => item["pk"].S, StringComparer.Ordinal);
                return ([.. newestFirst], database is not null && entries.Count == enough);
            },
            limit, grant => grant.State.EndedAt is null, cancellationToken));
    }

    public async Task<IReadOnlyList<GrantId>> ListLiveIdsAsync(int limit, CancellationToken cancellationToken) =>
        [.. (await table.ScanIndexAsync(DynamoTable.LiveIndex, limit, cancellationToken)).Select(entry => ReadId(IdOf(entry)))];

    /// <summary>
    /// From the counters: the write that ends a grant leaves the time with its cluster's name there. They are some dozens, whatever there
    /// is of grants.
    /// </summary>
    public async Task<IReadOnlyDictionary<ClusterName, DateTimeOffset>> ListLatelyEndedAsync(
            DateTimeOffset since, CancellationToken cancellationToken)
    {
        var ended = new Dictionary<ClusterName, DateTimeOffset>();
        foreach (var (name, value) in (await ListCountersAsync(cancellationToken)).SelectMany(counter => counter))
        {
            if (!name.StartsWith(EndedOn, StringComparison.Ordinal) || ClusterName.Parse(name[EndedOn.Length..]) is not { } cluster)
                continue;
            var at = DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(value.N, CultureInfo.InvariantCulture));
            if (at >= since && (!ended.TryGetValue(cluster, out var other) || other < at)) ended[cluster] = at;
        }

        return ended;
    }

    public async Task<IReadOnlyList<GrantEvent>> ListEventsAsync(GrantId id, CancellationToken cancellationToken)
    {
        var grant = await table.FindAsync(Pk(id.ToString()), GrantSk, cancellationToken);
        if (grant is null) return [];

        var (moments, first) = MomentsOf(grant);
        var keys = moments.Select((at, i) => JournalKey.Of(id, first + i, at)).Select(key => (key.Pk, key.Sk));
        var found = await table.FindManyAsync(keys, cancellationToken);
        await texts.ReadyAsync(found, cancellationToken);
        var events = found.Select(item => DynamoJournal.Body(item, texts)).OfType<EventBody>()
            .Select(body => EventReading.GrantEvent(id, body));
        return [.. first > 1 ? await ListEarlierAsync(id, cancellationToken) : [], .. events];
    }

    /// <summary>What was written before there was a journal.</summary>
    private async Task<IEnumerable<GrantEvent>> ListEarlierAsync(GrantId id, CancellationToken cancellationToken)
    {
        var request = new QueryRequest
        {
            KeyConditionExpression = "pk = :pk AND begins_with(sk, :events)",
            ExpressionAttributeValues =
                new(StringComparer.Ordinal) { [":pk"] = DynamoItem.Text(Pk(id.ToString())), [":events"] = DynamoItem.Text("EVENT#") },
            ConsistentRead = true,
        };
        return (await table.QueryAsync(request, int.MaxValue, cancellationToken)).Select(item => ReadEvent(id, item))
            .OrderBy(happened => happened.Sequence);
    }

    /// <summary>Of the events in the journal, with the number of the first of them.</summary>
    private static (IReadOnlyList<DateTimeOffset> At, int First) MomentsOf(Dictionary<string, AttributeValue> grant)
    {
        List<DateTimeOffset> at = [.. (grant.GetValueOrDefault(Moments)?.L ?? [])
            .Select(moment => DateTimeOffset.FromUnixTimeMilliseconds(long.Parse(moment.N, CultureInfo.InvariantCulture)))];
        return (at, Read(grant).State.Events - at.Count + 1);
    }

    /// <summary>
    /// Live grants are counted in the index of what is due, where every one of them stands (about 100 bytes each: 100,000 live grants are
    /// 12 MB, 1,500 read units); ended ones by the counters that the ending write adds to. Neither costs by what has ever existed. Grants
    /// that were purged stay counted.
    /// </summary>
    public async Task<IReadOnlyDictionary<GrantStatus, long>> CountByStatusAsync(CancellationToken cancellationToken)
    {
        var counts = new Dictionary<GrantStatus, long>();
        var parts = await Task.WhenAll(DueParts.Select(part => QueryPartAsync(part, null, int.MaxValue, cancellationToken)));
        foreach (var item in parts.SelectMany(items => items))
        {
            // A status of a newer version is counted by that one.
            if (Enum.TryParse<GrantStatus>(item.TextOf("status"), out var status) && !Over.Contains(status))
                counts[status] = counts.GetValueOrDefault(status) + 1;
        }

        foreach (var item in await ListCountersAsync(cancellationToken))
        {
            if (Enum.TryParse<GrantStatus>(item["sk"].S.Split('#')[0], out var status))
                counts[status] = counts.GetValueOrDefault(status) + (item.NumberOf("total") ?? 0);
        }

        return counts;
    }

    public int CountUnreadable() => unreadable.Ids.Count;

    public async Task<long> CountQuarantinedAsync(CancellationToken cancellationToken) =>
        (await QueryPartAsync(Quarantine, null, int.MaxValue, cancellationToken)).Count;

    internal static string Shard(string id) => ShardName(DynamoTable.Part(id, DueShards));

    private static string ShardName(int shard) => string.Create(CultureInfo.InvariantCulture, $"GRANT#{shard}");

    private static string Pk(string id) => $"GRANT#{id}";

    private Task<List<Dictionary<string, AttributeValue>>> ListCountersAsync(CancellationToken cancellationToken) => table.QueryAsync(
        new QueryRequest { KeyConditionExpression = "pk = :pk", ExpressionAttributeValues =
            new(StringComparer.Ordinal) { [":pk"] = DynamoItem.Text(CountPk) } }, int.MaxValue, cancellationToken);

    private Task<List<Dictionary<string, AttributeValue>>> QueryPartAsync(
            string part, long? until, int limit, CancellationToken cancellationToken)
    {
        var request = new QueryRequest
        {
            IndexName = DynamoTable.DueIndex,
            KeyConditionExpression = until is null ? "due_shard = :shard" : "due_shard = :shard AND due_at <= :until",
            ExpressionAttributeValues = new(StringComparer.Ordinal) { [":shard"] = DynamoItem.Text(part) },
            ScanIndexForward = true,
        };
        if (until is { } number) request.ExpressionAttributeValues[":until"] = DynamoItem.Number(number);
        return table.QueryAsync(request, limit, cancellationToken);
    }

    private static QueryRequest NewestFirst(string index, string attribute, string value) => new()
    {
        IndexName = index,
        KeyConditionExpression = $"{attribute} = :value",
        ExpressionAttributeValues = new(StringComparer.Ordinal) { [":value"] = DynamoItem.Text(value) },
        ScanIndexForward = false,
    };

    /// <summary>
    /// Reads the grants that the entries of an index point to, as they are now, until enough of them belong. Entries that are out of date,
    /// or whose grants cannot be read, hide nothing that stands behind them: then more entries are asked for.
    /// </summary>
    /// <param name="ask">Answers that many entries, in order, and whether there may be more.</param>
    private async Task<List<Grant>> ConfirmAsync(
        Func<int, Task<(List<Dictionary<string, AttributeValue>> Entries, bool More)>> ask, int limit, Func<Grant, bool> belongs,
            CancellationToken cancellationToken)
    {
        for (long spare = Spare + unreadable.Ids.Count; ; spare *= 4)
        {
            var (entries, more) = await ask((int)Math.Min(limit + spare, int.MaxValue));
            var confirmed = await ConfirmAsync(entries, limit, belongs, cancellationToken);
            if (confirmed.Count >= limit || !more) return confirmed;
        }
    }

    private async Task<List<Grant>> ConfirmAsync(
            List<Dictionary<string, AttributeValue>> entries, int limit, Func<Grant, bool> belongs, CancellationToken cancellationToken)
    {
        var confirmed = new List<Grant>();
        var left = new Queue<string>(entries.Select(entry => entry["pk"].S));
        while (left.Count > 0 && confirmed.Count < limit)
        {
            var next = new List<(string, string)>();
            while (next.Count < Math.Min(100, limit - confirmed.Count) && left.TryDequeue(out var pk)) next.Add((pk, GrantSk));
            confirmed.AddRange((await table.FindManyAsync(next, cancellationToken))
                .Select(item => unreadable.TryRead(IdOf(item), () => Read(item))).OfType<Grant>().Where(belongs));
        }

        return confirmed;
    }

    private static List<Grant> NewestFirst(IEnumerable<Grant> grants) =>
        [.. grants.OrderByDescending(grant => grant.State.CreatedAt).ThenBy(grant => grant.Id.ToString(), StringComparer.Ordinal)];

    private static string IdOf(Dictionary<string, AttributeValue> item) => item["pk"].S["GRANT#".Length..];

    private static GrantId ReadId(string id) => GrantId.Parse(id) ?? throw new GrantDocumentException(id, "its id is none.");

    // The attribute is what saves are compared with, so it is the version that counts.
    private static Grant Read(Dictionary<string, AttributeValue> item)
    {
        var id = IdOf(item);
        return item.PackedTextOf("document") is { } document && item.NumberOf("version") is { } version
            ? new Grant(GrantJson.Read(id, document) with { Version = version })
            : throw new GrantDocumentException(id, "its item has no document or no version.");
    }

    internal static GrantEvent ReadEvent(GrantId id, Dictionary<string, AttributeValue> item)
    {
        var sequence = int.Parse(item["sk"].S["EVENT#".Length..], CultureInfo.InvariantCulture);
        return new GrantEvent(
            sequence,
            StoreTime.Parse(item["at"].S),
            item["type"].S,
            Actor.Parse(item["by"].S) ?? throw new GrantDocumentException(
                id.ToString(), string.Create(CultureInfo.InvariantCulture, $"event {sequence} does not say who did it.")),
            item.TextOf("from") is { } from ? Enum.Parse<GrantStatus>(from) : null,
            Enum.Parse<GrantStatus>(item["to"].S),
            item.TextOf("note"));
    }
}
