using System.Text;
using System.Text.Json;

namespace DbAccess.Benchmarks;

/// <summary>
/// Counts requests to DynamoDB and the units they cost, from what goes over the wire, by the rules of AWS's documentation: reads in 4 KB, half of it
/// where it need not be consistent; writes in 1 KB, by the larger of the item before and after, twice that in a transaction; and every entry of an index
/// that is made, changed, moved or taken away. The emulator's own figures are not used: it does not keep to these rules.
/// </summary>
internal sealed class DynamoMeter
{
    // The keys of the table's indexes; the first also carries the status.
    private static readonly (string Hash, string Range, string? Carries)[] Indexes = [("due_shard", "due_at", "status"), ("person", "created_at", null), ("live_database", "created_at", null)];

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Dictionary<string, JsonElement>> _items = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, (int Writes, double Units)> _written = new(StringComparer.Ordinal);

    public int Requests { get; private set; }

    public double ReadUnits { get; private set; }

    public double WriteUnits { get; private set; }

    /// <summary>What AWS bills for the storage of what was written and is of this kind, the newest of each item once: its bytes and a hundred more.</summary>
    /// <param name="is">Of a key (<c>pk|sk</c>).</param>
    public long StoredOf(Func<string, bool> @is)
    {
        lock (_gate) return _items.Where(item => @is(item.Key)).Sum(item => Size(item.Value) + 100L);
    }

    /// <summary>What the write units went into: each event by its type, and the rest by the kind of item.</summary>
    public IReadOnlyList<(string What, int Writes, double Units)> Written()
    {
        lock (_gate) return [.. _written.Select(pair => (pair.Key, pair.Value.Writes, pair.Value.Units))];
    }

    public void Forget()
    {
        lock (_gate)
        {
            (Requests, ReadUnits, WriteUnits) = (0, 0, 0);
            _items.Clear();
            _written.Clear();
        }
    }

    public void See(string operation, byte[] request, byte[] response)
    {
        lock (_gate)
        {
            Requests++;
            // What is kept of it is read until the meter forgets.
            var body = JsonElement.Parse(request);
            var answer = JsonElement.Parse(response.Length > 0 ? response : "{}"u8.ToArray());
            switch (operation)
            {
                case "Query" or "Scan":
                    ReadUnits += Read(Items(answer, "Items").Sum(Size), Flag(body));
                    break;
                case "GetItem":
                    ReadUnits += Read(answer.TryGetProperty("Item", out var item) ? Size(Item(item)) : 0, Flag(body));
                    break;
                case "BatchGetItem":
                    var consistent = body.GetProperty("RequestItems").EnumerateObject().Any(table => Flag(table.Value));
                    foreach (var table in answer.GetProperty("Responses").EnumerateObject()) ReadUnits += table.Value.EnumerateArray().Sum(found => Read(Size(Item(found)), consistent));
                    break;
                case "TransactWriteItems":
                    // Refused as a whole, it wrote nothing; it is not free, but none of ours is.
                    foreach (var part in body.GetProperty("TransactItems").EnumerateArray())
                    {
                        if (part.TryGetProperty("Put", out var put)) Write(Item(put.GetProperty("Item")), 2);
                        else if (part.TryGetProperty("Update", out var update)) Write(Updated(update), 2);
                        else if (part.TryGetProperty("Delete", out var delete)) Delete(delete, 2);
                    }

                    break;
                case "PutItem":
                    Write(Item(body.GetProperty("Item")), 1);
                    break;
                case "UpdateItem":
                    Write(Updated(body), 1);
                    break;
                case "DeleteItem":
                    Delete(body, 1);
                    break;
            }
        }
    }

    /// <summary>
    /// By the documentation of item sizes: names and texts in UTF-8, bytes as they are, a number half a byte for each digit and one more, a list or
    /// map three and one for each element.
    /// </summary>
    internal static int Size(Dictionary<string, JsonElement> item) => item.Sum(pair => Encoding.UTF8.GetByteCount(pair.Key) + Size(pair.Value));

    private static int Size(JsonElement attribute)
    {
        var typed = attribute.EnumerateObject().Single();
        return typed.Name switch
        {
            "S" => Encoding.UTF8.GetByteCount(typed.Value.GetString()!),
            "B" => typed.Value.GetBytesFromBase64().Length,
            "N" => Digits(typed.Value.GetString()!),
            "L" => 3 + typed.Value.EnumerateArray().Sum(one => 1 + Size(one)),
            "M" => 3 + typed.Value.EnumerateObject().Sum(one => 1 + Encoding.UTF8.GetByteCount(one.Name) + Size(one.Value)),
            "SS" => typed.Value.EnumerateArray().Sum(one => Encoding.UTF8.GetByteCount(one.GetString()!)),
            "NS" => typed.Value.EnumerateArray().Sum(one => Digits(one.GetString()!)),
            "BS" => typed.Value.EnumerateArray().Sum(one => one.GetBytesFromBase64().Length),
            _ => 1,
        };
    }

    private static int Digits(string number)
    {
        var digits = number.Replace("-", "", StringComparison.Ordinal).Replace(".", "", StringComparison.Ordinal).Trim('0').Length;
        return ((digits + 1) / 2) + 1 + (number.StartsWith('-') ? 1 : 0);
    }

    /// <summary>What an item is after an update: what was set is set, appended or counted; what was removed is gone.</summary>
    private Dictionary<string, JsonElement> Updated(JsonElement update)
    {
        var item = Item(update.GetProperty("Key"));
        if (_items.GetValueOrDefault(Key(item)) is { } before) item = new(before, StringComparer.Ordinal);
        var names = update.TryGetProperty("ExpressionAttributeNames", out var named) ? named : JsonElement.Parse("{}");
        var values = update.TryGetProperty("ExpressionAttributeValues", out var valued) ? valued : JsonElement.Parse("{}");
        string Name(string word) => word.StartsWith('#') ? names.GetProperty(word).GetString()! : word;

        var words = update.GetProperty("UpdateExpression").GetString()!
            .Split([' ', ',', '(', ')', '='], StringSplitOptions.RemoveEmptyEntries);
        var (clause, target) = ("", "");
        foreach (var word in words)
        {
            if (word is "SET" or "REMOVE" or "ADD" or "DELETE") (clause, target) = (word, "");
            else if (clause is "REMOVE") item.Remove(Name(word));
            else if (word is "list_append" or "if_not_exists" or "+" or "-") continue;
            else if (!word.StartsWith(':')) target = target.Length > 0 && Name(word) == target ? target : Name(word);
            else if (values.TryGetProperty(word, out var value)) item[target] = item.TryGetValue(target, out var there) ? Joined(there, value) : value;
        }

        return item;
    }

    private static JsonElement Joined(JsonElement before, JsonElement added) => before.TryGetProperty("L", out var list) && added.TryGetProperty("L", out var more)
        ? JsonSerializer.SerializeToElement(new { L = list.EnumerateArray().Concat(more.EnumerateArray()).ToArray() }) : added;

    private void Write(Dictionary<string, JsonElement> item, int times)
    {
        var key = Key(item);
        var before = _items.GetValueOrDefault(key);
        _items[key] = item;
        var bytes = Math.Max(Size(item), before is null ? 0 : Size(before));
        Count(Kind(item), (times * Math.Max(1, Math.Ceiling(bytes / 1024.0))) + Indexes.Sum(index => Entry(before, item, index)));
    }

    private void Delete(JsonElement delete, int times)
    {
        var key = Item(delete.GetProperty("Key"));
        _items.Remove(Key(key), out var before);
        var bytes = before is null ? 0 : Size(before);
        Count(Kind(before ?? key), (times * Math.Max(1, Math.Ceiling(bytes / 1024.0))) + (before is null ? 0 : Indexes.Count(index => Key(before, index) is not null)));
    }

    private void Count(string kind, double units)
    {
        WriteUnits += units;
        var (writes, sum) = _written.GetValueOrDefault(kind);
        _written[kind] = (writes + 1, sum + units);
    }

    private static string Kind(Dictionary<string, JsonElement> item)
    {
        if (item.TryGetValue("body", out var body) && body.TryGetProperty("S", out var json) && json.GetString()!.StartsWith('{'))
            return $"event {JsonElement.Parse(json.GetString()!).GetProperty("type").GetString()}";
        // Whose text is compressed, too.
        if (item.ContainsKey("body_br")) return "event, packed";
        // Of before the log.
        if (item.TryGetValue("type", out var type) && type.TryGetProperty("S", out var name)) return $"event {name.GetString()}";
        var (pk, sk) = (Text(item["pk"]).Split('#')[0], Text(item["sk"]).Split('#')[0]);
        return pk == "GRANT" ? sk == "GRANT" ? "the grant" : $"{pk} {sk}" : pk is "LOG" or "MARK" ? $"{pk} {sk}" : pk;
    }

    private static string Key(Dictionary<string, JsonElement> item) => $"{Text(item["pk"])}|{Text(item["sk"])}";

    private static string Text(JsonElement attribute) => attribute.EnumerateObject().Single().Value.GetString()!;

    /// <summary>Nothing for an entry that stays as it is, one unit for one that is made, changed or taken away, two for one that moves.</summary>
    private static int Entry(Dictionary<string, JsonElement>? before, Dictionary<string, JsonElement> after, (string Hash, string Range, string? Carries) index)
    {
        var (was, now) = (before is null ? null : Key(before, index), Key(after, index));
        if (was is null && now is null) return 0;
        if (was is null || now is null) return 1;
        if (was != now) return 2;
        return index.Carries is { } carries && before!.GetValueOrDefault(carries).ToString() != after.GetValueOrDefault(carries).ToString() ? 1 : 0;
    }

    private static string? Key(Dictionary<string, JsonElement> item, (string Hash, string Range, string? Carries) index) =>
        item.TryGetValue(index.Hash, out var hash) && item.TryGetValue(index.Range, out var range) ? $"{Text(hash)}|{Text(range)}" : null;

    private static double Read(int bytes, bool consistent) => Math.Max(1, Math.Ceiling(bytes / 4096.0)) * (consistent ? 1 : 0.5);

    private static bool Flag(JsonElement body) => body.TryGetProperty("ConsistentRead", out var flag) && flag.ValueKind is JsonValueKind.True;

    private static IEnumerable<Dictionary<string, JsonElement>> Items(JsonElement answer, string name) =>
        answer.TryGetProperty(name, out var items) ? items.EnumerateArray().Select(Item) : [];

    private static Dictionary<string, JsonElement> Item(JsonElement item) =>
        item.EnumerateObject().ToDictionary(attribute => attribute.Name, attribute => attribute.Value, StringComparer.Ordinal);
}
