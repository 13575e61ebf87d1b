using System.Globalization;
using System.Text;
using Amazon.DynamoDBv2;
using Amazon.DynamoDBv2.Model;
using DbAccess.Infrastructure.Aws;
using DbAccess.Infrastructure.Stores;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>
/// The one table: how it is made, and how it is talked to. Keys are <c>pk</c> and <c>sk</c>; three sparse indexes carry little more than
/// keys, so that most writes do not touch them. What is read from an index may be a moment old: callers read the items themselves,
/// consistently, before they decide anything.
/// </summary>
internal sealed partial class DynamoTable(IAmazonDynamoDB client, string name, TimeProvider clock) : IStoreSetup
{
    /// <summary><c>due_shard</c>, <c>due_at</c>: what is to be done next. Also counts live grants, hence the status in it.</summary>
    public const string DueIndex = "due";

    /// <summary><c>person</c>, <c>created_at</c>: a person's grants.</summary>
    public const string PersonIndex = "person";

    /// <summary><c>live_database</c>, <c>created_at</c>: the grants of a database that have not ended.</summary>
    public const string LiveIndex = "live";

    public const string PurgeAttribute = "purge_at";

    // A transaction that met another one is tried again; at the longest pause this is about four seconds in all.
    private const int Tries = 10;
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(800);

    // DynamoDB's limits.
    private const int MostWritesAtOnce = 100;
    private const int MostReadsAtOnce = 100;

    private static readonly (string Index, string Hash, string Range, string? Carries)[] Indexes =
    [
        (DueIndex, "due_shard", "due_at", "status"),
        (PersonIndex, "person", "created_at", null),
        (LiveIndex, "live_database", "created_at", null),
    ];

    public string Name => name;

    public async Task OpenAsync(CancellationToken cancellationToken) =>
        Check(await Guarded(() => client.DescribeTableAsync(name, cancellationToken), cancellationToken));

    public async Task CreateAsync(CancellationToken cancellationToken)
    {
        try
        {
            await client.CreateTableAsync(AsItIsMade(), cancellationToken);
        }
        catch (ResourceInUseException)
        {
            // It is there; whether it is ours is checked below.
        }
        catch (Exception failure) when (AwsFault.Is(failure, cancellationToken))
        {
            throw new DynamoStoreException($"The DynamoDB table {name} cannot be made: {AwsFault.Say(failure)}.");
        }

        await WaitUntilReadyAsync(cancellationToken);
        await Guarded(
            async () =>
            {
                var ttl = (await client.DescribeTimeToLiveAsync(name, cancellationToken)).TimeToLiveDescription?.TimeToLiveStatus;
                if (ttl != TimeToLiveStatus.ENABLED && ttl != TimeToLiveStatus.ENABLING)
                {
                    var purge = new TimeToLiveSpecification { AttributeName = PurgeAttribute, Enabled = true };
                    await client.UpdateTimeToLiveAsync(
                        new UpdateTimeToLiveRequest { TableName = name, TimeToLiveSpecification = purge }, cancellationToken);
                }

                // Any second of the last weeks can be had back.
                return await client.UpdateContinuousBackupsAsync(
                    new UpdateContinuousBackupsRequest
                    {
                        TableName = name,
                        PointInTimeRecoverySpecification = new PointInTimeRecoverySpecification { PointInTimeRecoveryEnabled = true },
                    },
                    cancellationToken);
            },
            cancellationToken);
    }

    private CreateTableRequest AsItIsMade() => new()
    {
        TableName = name,
        BillingMode = BillingMode.PAY_PER_REQUEST,
        AttributeDefinitions =
        [
            new("pk", ScalarAttributeType.S), new("sk", ScalarAttributeType.S),
            new("due_shard", ScalarAttributeType.S), new("due_at", ScalarAttributeType.N),
            new("person", ScalarAttributeType.S), new("live_database", ScalarAttributeType.S),
            new("created_at", ScalarAttributeType.N),
        ],
        KeySchema = [new("pk", KeyType.HASH), new("sk", KeyType.RANGE)],
        GlobalSecondaryIndexes = [.. Indexes.Select(index => new GlobalSecondaryIndex
        {
            IndexName = index.Index,
            KeySchema = [new(index.Hash, KeyType.HASH), new(index.Range, KeyType.RANGE)],
            Projection = index.Carries is null
                ? new Projection { ProjectionType = ProjectionType.KEYS_ONLY }
                : new Projection { ProjectionType = ProjectionType.INCLUDE, NonKeyAttributes = [index.Carries] },
        })],
        SSESpecification = new SSESpecification { Enabled = true, SSEType = SSEType.KMS },
        DeletionProtectionEnabled = true,
    };

    /// <summary>Two minutes at most; then whether it is as it has to be is said of what is there.</summary>
    private async Task WaitUntilReadyAsync(CancellationToken cancellationToken)
    {
        for (var tries = 0; ; tries++)
        {
            var found = await Guarded(() => client.DescribeTableAsync(name, cancellationToken), cancellationToken);
            if (IsReady(found.Table) || tries == 120)
            {
                Check(found);
                return;
            }

            await Task.Delay(TimeSpan.FromSeconds(1), clock, cancellationToken);
        }
    }

    /// <summary>Which of so many parts something belongs to.</summary>
    public static int Part(string id, int parts)
    {
        // FNV-1a: the same in every process and version, unlike a string's own hash code.
        var hash = Encoding.UTF8.GetBytes(id).Aggregate(2166136261u, (hash, letter) => unchecked((hash ^ letter) * 16777619u));
        return (int)(hash % (uint)parts);
    }

    public static Dictionary<string, AttributeValue> Key(string pk, string sk) =>
        new(StringComparer.Ordinal) { ["pk"] = DynamoItem.Text(pk), ["sk"] = DynamoItem.Text(sk) };

    /// <summary>
    /// All of it or nothing; false when a condition did not hold. Meeting another transaction and being throttled are tried again.
    /// Cancelling works between tries and never during one, since whether the write is in would then be known to nobody.
    /// </summary>
    /// <param name="write">Makes the items, anew for each try.</param>
    public async Task<bool> TryWriteAsync(Func<List<TransactWriteItem>> write, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var items = write();
            Weigh(items);
            try
            {
                // The token makes the client's own retries of this request one write, whatever became of the answers. The next try has
                // another: it follows a definite refusal, and may carry other items.
                var request = new TransactWriteItemsRequest { TransactItems = items, ClientRequestToken = Guid.NewGuid().ToString("N") };
                await client.TransactWriteItemsAsync(request, CancellationToken.None);
                return true;
            }
            catch (TransactionCanceledException cancelled)
            {
                var reasons = cancelled.CancellationReasons?.Select(reason => reason.Code ?? "None").Where(code => code != "None")
                    .Distinct().ToList() ?? [];
                if (reasons.Contains("ConditionalCheckFailed")) return false;
                var passing = reasons.Count > 0
                    && reasons.TrueForAll(code => code is "TransactionConflict" or "ThrottlingError" or "ProvisionedThroughputExceeded");
                if (!passing || attempt == Tries)
                    throw new DynamoStoreException(
                        $"The DynamoDB table {name} cannot be written: the transaction was cancelled " +
                        $"({(reasons.Count > 0 ? string.Join(", ", reasons) : "no reason given")}).");
            }
            catch (Exception failure)
                when (attempt < Tries && (failure is TransactionInProgressException || AwsFault.IsThrottling(failure)))
            {
                // Below: a pause, and again.
            }
            catch (Exception failure) when (AwsFault.Is(failure, CancellationToken.None))
            {
                throw Explain(failure);
            }

            await PauseAsync(attempt, cancellationToken);
        }
    }

    /// <summary>
    /// One item; false when the condition did not hold. As with <see cref="TryWriteAsync"/>, a try is not cancelled once it is on its way.
    /// </summary>
    public async Task<bool> TryPutAsync(Dictionary<string, AttributeValue> item, string condition, CancellationToken cancellationToken)
    {
        Weigh(item);
        var request = new PutItemRequest { TableName = name, Item = item, ConditionExpression = condition };
        return await TryAsync(() => client.PutItemAsync(request, CancellationToken.None), cancellationToken) is not null;
    }

    /// <summary>Null when the condition did not hold.</summary>
    public Task<UpdateItemResponse?> TryUpdateAsync(UpdateItemRequest request, CancellationToken cancellationToken)
    {
        request.TableName = name;
        return TryAsync(() => client.UpdateItemAsync(request, CancellationToken.None), cancellationToken);
    }

    /// <summary>Null when the condition did not hold.</summary>
    public Task<DeleteItemResponse?> TryDeleteAsync(DeleteItemRequest request, CancellationToken cancellationToken)
    {
        request.TableName = name;
        return TryAsync(() => client.DeleteItemAsync(request, CancellationToken.None), cancellationToken);
    }

    public Put Put(Dictionary<string, AttributeValue> item, string condition, Dictionary<string, AttributeValue>? values = null) =>
        new() { TableName = name, Item = item, ConditionExpression = condition, ExpressionAttributeValues = values };

    private async Task<T?> TryAsync<T>(Func<Task<T>> call, CancellationToken cancellationToken)
        where T : class
    {
        for (var attempt = 1; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return await call();
            }
            catch (ConditionalCheckFailedException)
            {
                return null;
            }
            catch (Exception failure) when (attempt < Tries && (failure is TransactionConflictException || AwsFault.IsThrottling(failure)))
            {
                await PauseAsync(attempt, cancellationToken);
            }
            catch (Exception failure) when (AwsFault.Is(failure, CancellationToken.None))
            {
                throw Explain(failure);
            }
        }
    }

    private async Task<T> Guarded<T>(Func<Task<T>> call, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                return await call();
            }
            catch (Exception failure) when (attempt < Tries && AwsFault.IsThrottling(failure))
            {
                await PauseAsync(attempt, cancellationToken);
            }
            catch (Exception failure) when (AwsFault.Is(failure, cancellationToken))
            {
                throw Explain(failure);
            }
        }
    }

    // Full jitter: those who collided once would else collide again.
    private Task PauseAsync(int attempt, CancellationToken cancellationToken)
    {
        var longest = Math.Min(LongestPause.TotalMilliseconds, 20 * Math.Pow(2, attempt));
        return Task.Delay(TimeSpan.FromMilliseconds(1 + (Random.Shared.NextDouble() * longest)), clock, cancellationToken);
    }

    private DynamoStoreException Explain(Exception failure) => failure switch
    {
        // Said as a fault of the request by DynamoDB, and as a missing thing by emulators. Only the words tell it from others.
        AmazonDynamoDBException refused when refused.Message.Contains("specified index", StringComparison.Ordinal)
            || refused.Message.Contains("Invalid index", StringComparison.Ordinal) =>
            new($"The DynamoDB table {name} lacks an index that DbAccess needs " +
                $"({string.Join(", ", Indexes.Select(index => index.Index))}). Terraform makes them."),
        ResourceNotFoundException =>
            new($"The DynamoDB table {name} does not exist in this account and region. Terraform makes it, or: dbaccess store init."),
        _ => new($"The DynamoDB table {name} cannot be used: {AwsFault.Say(failure)}."),
    };

    private void Check(DescribeTableResponse found)
    {
        var faults = new List<string>();
        if (!Keyed(found.Table.KeySchema, "pk", "sk")) faults.Add("its key is not (pk, sk)");
        foreach (var index in Indexes)
        {
            var made = found.Table.GlobalSecondaryIndexes?.Find(made => made.IndexName == index.Index);
            if (made is null || !Keyed(made.KeySchema, index.Hash, index.Range))
                faults.Add($"it lacks the index {index.Index} ({index.Hash}, {index.Range})");
            else if (index.Carries is not null && made.Projection?.ProjectionType != ProjectionType.ALL
                && made.Projection?.NonKeyAttributes?.Contains(index.Carries) != true)
                faults.Add($"its index {index.Index} does not carry {index.Carries}");
        }

        if (faults.Count > 0)
            throw new DynamoStoreException(
                $"The DynamoDB table {name} is not one of DbAccess, or of another version: {string.Join("; ", faults)}.");
        if (!IsReady(found.Table))
            throw new DynamoStoreException(
                $"The DynamoDB table {name} is not ready yet ({found.Table.TableStatus}); try again in a minute.");
    }

    private static bool Keyed(List<KeySchemaElement>? schema, string hash, string range) =>
        schema is { Count: 2 } && schema.Exists(key => key.AttributeName == hash && key.KeyType == KeyType.HASH)
            && schema.Exists(key => key.AttributeName == range && key.KeyType == KeyType.RANGE);

    // A table whose throughput or backups are being changed can be used all the same, and so can one with an index of somebody else's that
    // is being built.
    private static bool IsReady(TableDescription table) =>
        (table.TableStatus == TableStatus.ACTIVE || table.TableStatus == TableStatus.UPDATING)
        && (table.GlobalSecondaryIndexes ?? []).Where(made => Indexes.Any(ours => ours.Index == made.IndexName)).All(
            index => index.IndexStatus is null || index.IndexStatus == IndexStatus.ACTIVE || index.IndexStatus == IndexStatus.UPDATING);

    private static void Weigh(List<TransactWriteItem> items)
    {
        if (items.Count > MostWritesAtOnce)
            throw new DynamoStoreException(
                $"DynamoDB writes at most {MostWritesAtOnce} items at once, and this write has {items.Count}. Nothing was written.");
        foreach (var item in items)
        {
            if (item.Put is { } put) Weigh(put.Item);
        }
    }

    private static void Weigh(Dictionary<string, AttributeValue> item)
    {
        var size = DynamoItem.Size(item);
        if (size > DynamoItem.Largest)
            throw new DynamoStoreException(
                $"{item["pk"].S} {item["sk"].S} has {size / 1024} KB, and DynamoDB keeps at most 400 KB in one item. Nothing was written.");
    }
}
