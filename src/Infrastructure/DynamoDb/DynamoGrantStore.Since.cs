using System.Runtime.CompilerServices;
using Amazon.DynamoDBv2.Model;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Stores;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>How it is looked back.</summary>
internal sealed partial class DynamoGrantStore
{
    // As many as are read at once.
    private const int Chunk = 100;

    /// <summary>
    /// Goes through the index of persons, where every grant that is kept stands (about 120 bytes each: 100,000 grants are 12 MB, 1,500 read
    /// units), and reads those of that time. No index has them by time, since every write would go to its one key.
    /// </summary>
    public async IAsyncEnumerable<Grant> ReadSinceAsync(
        DateTimeOffset since, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var request = new ScanRequest
        {
            IndexName = DynamoTable.PersonIndex,
            FilterExpression = "created_at >= :since",
            ExpressionAttributeValues = new(StringComparer.Ordinal) { [":since"] = DynamoItem.Number(StoreTime.Milliseconds(since)) },
        };
        await foreach (var entries in table.ReadIndexAsync(request, cancellationToken))
        {
            foreach (var some in entries.Chunk(Chunk))
            {
                var confirmed = await ConfirmAsync(
                    [.. some], some.Length, grant => grant.State.CreatedAt >= since, cancellationToken);
                foreach (var grant in confirmed) yield return grant;
            }
        }
    }
}
