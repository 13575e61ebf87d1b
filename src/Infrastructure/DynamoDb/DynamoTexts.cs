using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Amazon.DynamoDBv2.Model;
using DbAccess.Domain.Evidence;
using DbAccess.Infrastructure.Postgres.Removing;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>
/// Statements that every removal runs as they stand are a few kilobytes each: the table has them once, <c>TEXT</c>/hash, and an event's
/// sealed values refer to them there. What is read is the whole text again, so the log, its proofs and its exports know nothing of it. A
/// version of the product that has other statements adds its own; what stands there is never changed.
/// </summary>
internal sealed partial class DynamoTexts(DynamoTable table)
{
    private const string Pk = "TEXT";

    // No control character stands in JSON as it is, so this cannot be part of a value.
    private const char Mark = '\u0001';

    /// <summary>As they stand in JSON, by their hash.</summary>
    private static readonly Dictionary<string, string> Ours =
        RemovalStatements.Recurring.Concat(SessionStatements.Recurring).Select(Escaped).Distinct()
            .ToDictionary(HashOf, StringComparer.Ordinal);

    private readonly ConcurrentDictionary<string, string> _known = new(Ours, StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _kept = new(StringComparer.Ordinal);

    /// <summary>With references in the place of texts that the table has or is to have.</summary>
    public static (string Open, IReadOnlyList<string> Hashes) Shorten(string open)
    {
        List<string> hashes = [];
        foreach (var (hash, text) in Ours)
        {
            if (!open.Contains(text, StringComparison.Ordinal)) continue;
            open = open.Replace(text, $"{Mark}{hash}{Mark}", StringComparison.Ordinal);
            hashes.Add(hash);
        }

        return (open, hashes);
    }

    /// <summary>Has the table have what an event is going to refer to; each text once in a process.</summary>
    public async Task KeepAsync(EventBody happened, CancellationToken cancellationToken)
    {
        if (happened.Open is not { } open) return;

        foreach (var hash in Shorten(open).Hashes.Where(hash => !_kept.ContainsKey(hash)))
        {
            // To look costs half of what a write does that is refused.
            if (await table.FindAsync(Pk, hash, cancellationToken) is null)
            {
                var item = DynamoTable.Key(Pk, hash);
                item.SetPacked("text", Ours[hash]);
                await table.TryPutAsync(item, "attribute_not_exists(pk)", cancellationToken);
            }

            _kept[hash] = true;
        }
    }

    /// <summary>Knows from here on what those items refer to.</summary>
    public async Task ReadyAsync(IEnumerable<Dictionary<string, AttributeValue>> items, CancellationToken cancellationToken)
    {
        if (items.All(item => HashesOf(item).All(_known.ContainsKey))) return;

        var request = new QueryRequest
        {
            KeyConditionExpression = "pk = :pk", ConsistentRead = true,
            ExpressionAttributeValues = new(StringComparer.Ordinal) { [":pk"] = DynamoItem.Text(Pk) },
        };
        foreach (var item in await table.QueryAsync(request, int.MaxValue, cancellationToken))
            if (item.PackedTextOf("text") is { } text) _known.TryAdd(item["sk"].S, text);
    }

    /// <summary>The whole text again. Null when it refers to something that the table has lost.</summary>
    public string? Whole(string open)
    {
        if (!open.Contains(Mark, StringComparison.Ordinal)) return open;

        var lost = false;
        var whole = Reference().Replace(open, found =>
        {
            if (_known.TryGetValue(found.Groups["hash"].Value, out var text)) return text;
            lost = true;
            return "";
        });
        return lost ? null : whole;
    }

    /// <summary>Beside the values that refer to them, so that nothing has to be unpacked to know.</summary>
    public const string Attribute = "texts";

    private static string[] HashesOf(Dictionary<string, AttributeValue> item) =>
        item.TextOf(Attribute)?.Split(' ', StringSplitOptions.RemoveEmptyEntries) ?? [];

    private static string HashOf(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)))[..16];

    private static string Escaped(string text)
    {
        var json = new StringBuilder(text.Length + 64);
        CanonicalJson.Append(json, text);
        return json.ToString(1, json.Length - 2);
    }

    [GeneratedRegex("\u0001(?<hash>[0-9a-f]{16})\u0001", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Reference();
}
