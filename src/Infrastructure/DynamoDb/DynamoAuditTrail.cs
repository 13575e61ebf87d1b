using System.Globalization;
using Amazon.DynamoDBv2.Model;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Stores;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>
/// The audit trail in the DynamoDB table: <c>AUDIT</c>/<c>ROW#seq</c>, each row with a hash over the row before, as in the SQLite file. A
/// row is put only where there is none yet, which makes the sequence the order of appending for all processes together. Each append waits
/// for the one before it, so all processes together write some hundred rows a second: far above what people ask for.
/// </summary>
internal sealed class DynamoAuditTrail(DynamoTable table) : IAuditTrail, IDisposable
{
    private const string Pk = "AUDIT";

    // Each lost turn means that another process has written its row.
    private const int Turns = 200;

    private readonly SemaphoreSlim _appending = new(1, 1);
    private (long Sequence, byte[] Hash)? _last;

    public async Task AppendAsync(AuditRecord record, CancellationToken cancellationToken)
    {
        await _appending.WaitAsync(cancellationToken);
        try
        {
            var write = Guid.NewGuid().ToString("N");
            for (var turn = 0; turn < Turns; turn++)
            {
                var (sequence, previous) = _last ?? await LastAsync(cancellationToken);
                var row = AuditRow.Of(sequence + 1, record);
                var hash = row.Hash(previous);
                if (await table.TryPutAsync(Item(row, hash, write), "attribute_not_exists(pk)", cancellationToken)
                    || await IsOursAsync(row, write))
                {
                    _last = (row.Sequence, hash);
                    return;
                }

                _last = null;
            }

            throw new DynamoStoreException("The audit trail could not be written: other processes were quicker every time.");
        }
        catch
        {
            // What happened to the row is not known; the next append looks.
            _last = null;
            throw;
        }
        finally
        {
            _appending.Release();
        }
    }

    /// <summary>Reads the whole trail and follows its chain.</summary>
    public async Task<AuditVerdict> VerifyAsync(CancellationToken cancellationToken)
    {
        var (rows, previous, firstBroken) = (0L, AuditRow.Beginning, (long?)null);
        foreach (var (row, hash) in await ReadAsync(cancellationToken))
        {
            rows++;
            if (firstBroken is null && (row.Sequence != rows || !row.Hash(previous).AsSpan().SequenceEqual(hash))) firstBroken = rows;
            previous = hash;
        }

        return new AuditVerdict(rows, firstBroken, Convert.ToHexStringLower(previous));
    }

    public void Dispose() => _appending.Dispose();

    /// <summary>All rows in order, each with its hash.</summary>
    internal async Task<IReadOnlyList<(AuditRow Row, byte[] Hash)>> ReadAsync(CancellationToken cancellationToken) =>
        [.. (await table.QueryAsync(Rows(forward: true), int.MaxValue, cancellationToken))
            .Select(item => (Read(item), item["hash"].B.ToArray()))];

    private async Task<(long Sequence, byte[] Hash)> LastAsync(CancellationToken cancellationToken) =>
        await table.QueryAsync(Rows(forward: false), 1, cancellationToken) is [var item]
            ? (Read(item).Sequence, item["hash"].B.ToArray()) : (0, AuditRow.Beginning);

    // An answer that was lost makes the client send the row again, which then meets itself.
    private async Task<bool> IsOursAsync(AuditRow row, string write) =>
        (await table.FindAsync(Pk, Sk(row.Sequence), CancellationToken.None))?.TextOf("write_id") == write;

    private static string Sk(long sequence) => string.Create(CultureInfo.InvariantCulture, $"ROW#{sequence:D12}");

    private static QueryRequest Rows(bool forward) => new()
    {
        KeyConditionExpression = "pk = :pk",
        ExpressionAttributeValues = new(StringComparer.Ordinal) { [":pk"] = DynamoItem.Text(Pk) },
        ScanIndexForward = forward,
        ConsistentRead = true,
    };

    private static Dictionary<string, AttributeValue> Item(AuditRow row, byte[] hash, string write)
    {
        var item = DynamoTable.Key(Pk, Sk(row.Sequence));
        item["at"] = DynamoItem.Text(row.At);
        item["action"] = DynamoItem.Text(row.Action);
        item["by"] = DynamoItem.Text(row.By);
        item["subject"] = DynamoItem.Text(row.Subject);
        item["outcome"] = DynamoItem.Text(row.Outcome);
        item["hash"] = DynamoItem.Bytes(hash);
        item["write_id"] = DynamoItem.Text(write);
        item.SetText("correlation", row.Correlation);
        return item;
    }

    private static AuditRow Read(Dictionary<string, AttributeValue> item) => new(
        long.Parse(item["sk"].S["ROW#".Length..], CultureInfo.InvariantCulture),
        item["at"].S, item["action"].S, item["by"].S, item["subject"].S ?? "", item["outcome"].S ?? "", item.TextOf("correlation"));
}
