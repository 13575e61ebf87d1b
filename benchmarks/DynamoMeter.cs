using System.Text;
using System.Text.Json;

namespace DbAccess.Benchmarks;

/// <summary>
/// Counts requests to DynamoDB and the units they cost, from what goes over the wire, by the rules of AWS's documentation: reads in 4 KB, half of it
/// where it need not be consistent; writes in 1 KB, twice that in a transaction; and every entry of an index that is made, changed, moved or taken away.
/// The emulator's own figures are not used: it does not keep to these rules.
/// </summary>
internal sealed class DynamoMeter
{
    // The keys of the table's indexes; the first also carries the status.
    private static readonly (string Hash, string Range, string? Carries)[] Indexes = [("due_shard", "due_at", "status"), ("person", "created_at", null), ("live_database", "created_at", null)];

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Dictionary<string, string>> _items = new(StringComparer.Ordinal);

    public int Requests { get; private set; }

    public double ReadUnits { get; private set; }

    public double WriteUnits { get; private set; }

    /// <summary>What AWS bills for the storage of what was written and is of this kind, the newest of each item once: its bytes and a hundred more.</summary>
    /// <param name="is">Of a key (<c>pk|sk</c>).</param>
    public long StoredOf(Func<string, bool> @is)
    {
        lock (_gate) return _items.Where(item => @is(item.Key)).Sum(item => Size(item.Value) + 100L);
    }

    public void Forget()
    {
        lock (_gate)
        {
            (Requests, ReadUnits, WriteUnits) = (0, 0, 0);
            _items.Clear();
        }
    }

    public void See(string operation, byte[] request, byte[] response)
    {
        lock (_gate)
        {
            Requests++;
            using var asked = JsonDocument.Parse(request);
            using var answered = JsonDocument.Parse(response.Length > 0 ? response : "{}"u8.ToArray());
            var (body, answer) = (asked.RootElement, answered.RootElement);
            switch (operation)
            {
                case "Query" or "Scan":
                    ReadUnits += Read(Items(answer, "Items").Sum(Size), Flag(body));
                    break;
                case "GetItem":
                    ReadUnits += Read(answer.TryGetProperty("Item", out var item) ? Size(Flatten(item)) : 0, Flag(body));
                    break;
                case "BatchGetItem":
                    var consistent = body.GetProperty("RequestItems").EnumerateObject().Any(table => Flag(table.Value));
                    foreach (var table in answer.GetProperty("Responses").EnumerateObject()) ReadUnits += table.Value.EnumerateArray().Sum(found => Read(Size(Flatten(found)), consistent));
                    break;
                case "TransactWriteItems":
                    foreach (var part in body.GetProperty("TransactItems").EnumerateArray())
                        WriteUnits += part.TryGetProperty("Put", out var put) ? Write(Flatten(put.GetProperty("Item")), 2)
                            : part.TryGetProperty("Update", out var update) && Updated(update) is { } whole ? Write(whole, 2) : 2;
                    break;
                case "PutItem":
                    WriteUnits += Write(Flatten(body.GetProperty("Item")), 1);
                    break;
                case "UpdateItem" or "DeleteItem":
                    WriteUnits++;
                    break;
            }
        }
    }

    /// <summary>A grant that is written over, but for the instants of its events; null for an update that sets a field or two.</summary>
    private static Dictionary<string, string>? Updated(JsonElement update)
    {
        var (item, values) = (Flatten(update.GetProperty("Key")), update.GetProperty("ExpressionAttributeValues"));
        foreach (var name in update.GetProperty("ExpressionAttributeNames").EnumerateObject())
            if (values.TryGetProperty($":{name.Name[1..]}", out var value)) item[name.Value.GetString()!] = value.EnumerateObject().Single().Value.ToString();
        return item.ContainsKey("document") ? item : null;
    }

    private double Write(Dictionary<string, string> item, int times)
    {
        var key = $"{item["pk"]}|{item["sk"]}";
        var before = _items.GetValueOrDefault(key);
        _items[key] = item;
        return (times * Math.Ceiling(Size(item) / 1024.0)) + Indexes.Sum(index => Entry(before, item, index));
    }

    /// <summary>Nothing for an entry that stays as it is, one unit for one that is made, changed or taken away, two for one that moves.</summary>
    private static int Entry(Dictionary<string, string>? before, Dictionary<string, string> after, (string Hash, string Range, string? Carries) index)
    {
        var (was, now) = (before is null ? null : Key(before, index), Key(after, index));
        if (was is null && now is null) return 0;
        if (was is null || now is null) return 1;
        if (was != now) return 2;
        return index.Carries is { } carries && before!.GetValueOrDefault(carries) != after.GetValueOrDefault(carries) ? 1 : 0;
    }

    private static string? Key(Dictionary<string, string> item, (string Hash, string Range, string? Carries) index) =>
        item.TryGetValue(index.Hash, out var hash) && item.TryGetValue(index.Range, out var range) ? $"{hash}|{range}" : null;

    private static double Read(int bytes, bool consistent) => Math.Max(1, Math.Ceiling(bytes / 4096.0)) * (consistent ? 1 : 0.5);

    private static bool Flag(JsonElement body) => body.TryGetProperty("ConsistentRead", out var flag) && flag.ValueKind is JsonValueKind.True;

    private static IEnumerable<Dictionary<string, string>> Items(JsonElement answer, string name) =>
        answer.TryGetProperty(name, out var items) ? items.EnumerateArray().Select(Flatten) : [];

    private static Dictionary<string, string> Flatten(JsonElement item) =>
        item.EnumerateObject().ToDictionary(attribute => attribute.Name, attribute => attribute.Value.EnumerateObject().Single().Value.ToString(), StringComparer.Ordinal);

    private static int Size(Dictionary<string, string> item) => item.Sum(pair => Encoding.UTF8.GetByteCount(pair.Key) + Encoding.UTF8.GetByteCount(pair.Value));
}
