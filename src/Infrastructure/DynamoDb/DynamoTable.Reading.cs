using System.Runtime.CompilerServices;
using Amazon.DynamoDBv2.Model;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>How the table is read.</summary>
internal sealed partial class DynamoTable
{
    /// <summary>The item as it is now; null when there is none.</summary>
    public async Task<Dictionary<string, AttributeValue>?> FindAsync(string pk, string sk, CancellationToken cancellationToken)
    {
        var request = new GetItemRequest { TableName = name, Key = Key(pk, sk), ConsistentRead = true };
        var answer = await Guarded(() => client.GetItemAsync(request, cancellationToken), cancellationToken);
        return answer.Item is { Count: > 0 } item ? item : null;
    }

    /// <summary>The items as they are now, in the order of the keys; one that is gone is left out.</summary>
    public async Task<List<Dictionary<string, AttributeValue>>> FindManyAsync(
            IEnumerable<(string Pk, string Sk)> keys, CancellationToken cancellationToken)
    {
        var order = keys.Distinct().ToList();
        var found = new Dictionary<(string, string), Dictionary<string, AttributeValue>>();
        foreach (var chunk in order.Chunk(MostReadsAtOnce))
        {
            var left = new KeysAndAttributes { ConsistentRead = true, Keys = [.. chunk.Select(key => Key(key.Pk, key.Sk))] };
            for (var attempt = 1; left.Keys is { Count: > 0 }; attempt++)
            {
                var request = new BatchGetItemRequest { RequestItems = new(StringComparer.Ordinal) { [name] = left } };
                var answer = await Guarded(() => client.BatchGetItemAsync(request, cancellationToken), cancellationToken);
                foreach (var item in answer.Responses?.GetValueOrDefault(name) ?? []) found[(item["pk"].S, item["sk"].S)] = item;

                // The rest did not fit into 16 MB, or into what the table may do per second.
                left = answer.UnprocessedKeys?.GetValueOrDefault(name) ?? new KeysAndAttributes();
                if (left.Keys is not { Count: > 0 }) break;
                if (attempt == Tries)
                    throw new DynamoStoreException(
                        $"The DynamoDB table {name} cannot be read: AWS is throttling, and went on after several tries.");
                await PauseAsync(attempt, cancellationToken);
            }
        }

        return [.. order.Where(found.ContainsKey).Select(key => found[key])];
    }

    /// <summary>Reads on, page by page (DynamoDB ends one at 1 MB), until <paramref name="limit"/> items are there or no more.</summary>
    public async Task<List<Dictionary<string, AttributeValue>>> QueryAsync(
            QueryRequest request, int limit, CancellationToken cancellationToken)
    {
        var items = new List<Dictionary<string, AttributeValue>>();
        if (limit <= 0) return items;

        request.TableName = name;
        do
        {
            request.Limit = Math.Min(limit - items.Count, 1000);
            var answer = await Guarded(() => client.QueryAsync(request, cancellationToken), cancellationToken);
            items.AddRange(answer.Items ?? []);
            request.ExclusiveStartKey = answer.LastEvaluatedKey;
        }
        while (request.ExclusiveStartKey is { Count: > 0 } && items.Count < limit);
        return items;
    }

    /// <summary>The same page by page, as they are asked for.</summary>
    public async IAsyncEnumerable<Dictionary<string, AttributeValue>> ReadAsync(
        QueryRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        request.TableName = name;
        do
        {
            var answer = await Guarded(() => client.QueryAsync(request, cancellationToken), cancellationToken);
            foreach (var item in answer.Items ?? []) yield return item;
            request.ExclusiveStartKey = answer.LastEvaluatedKey;
        }
        while (request.ExclusiveStartKey is { Count: > 0 });
    }

    /// <summary>Goes through the whole table: for what is done once.</summary>
    public async Task<List<Dictionary<string, AttributeValue>>> ScanAsync(ScanRequest request, CancellationToken cancellationToken)
    {
        var items = new List<Dictionary<string, AttributeValue>>();
        request.TableName = name;
        do
        {
            var answer = await Guarded(() => client.ScanAsync(request, cancellationToken), cancellationToken);
            items.AddRange(answer.Items ?? []);
            request.ExclusiveStartKey = answer.LastEvaluatedKey;
        }
        while (request.ExclusiveStartKey is { Count: > 0 });
        return items;
    }

    /// <summary>
    /// The entries of an index that a filter lets through, page by page as they are asked for; costs by all of its entries.
    /// </summary>
    public async IAsyncEnumerable<List<Dictionary<string, AttributeValue>>> ReadIndexAsync(
        ScanRequest request, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        request.TableName = name;
        do
        {
            var answer = await Guarded(() => client.ScanAsync(request, cancellationToken), cancellationToken);
            yield return answer.Items ?? [];
            request.ExclusiveStartKey = answer.LastEvaluatedKey;
        }
        while (request.ExclusiveStartKey is { Count: > 0 });
    }

    /// <summary>Everything in a sparse index, up to <paramref name="limit"/>, in no order; costs by what is read of the index.</summary>
    public async Task<List<Dictionary<string, AttributeValue>>> ScanIndexAsync(string index, int limit, CancellationToken cancellationToken)
    {
        var items = new List<Dictionary<string, AttributeValue>>();
        var request = new ScanRequest { TableName = name, IndexName = index };
        do
        {
            if (limit < int.MaxValue) request.Limit = limit - items.Count;
            var answer = await Guarded(() => client.ScanAsync(request, cancellationToken), cancellationToken);
            items.AddRange(answer.Items ?? []);
            request.ExclusiveStartKey = answer.LastEvaluatedKey;
        }
        while (request.ExclusiveStartKey is { Count: > 0 } && items.Count < limit);
        return items;
    }
}
