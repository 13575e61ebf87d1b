using System.Globalization;
using Amazon.DynamoDBv2.Model;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Stores;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>
/// The upgrade to the evidence log: events of grants (<c>GRANT#id</c>/<c>EVENT#n</c>) and attempts (<c>AUDIT</c>/<c>ROW#n</c>) of versions
/// before it are copied into a part of the journal of their own, once, and get their places from there. Safe to repeat from any point.
/// </summary>
internal static class CarriedEarlier
{
    private const string Pk = "JOURNAL#CARRIED";
    private const string State = "carried";
    private const string Copied = "copied";
    private const string Done = "done";

    /// <summary>Whether there is nothing left of it.</summary>
    public static bool IsDone(Dictionary<string, AttributeValue>? lease) => lease?.TextOf(State) == Done;

    /// <summary>What of it has no place yet; that there is nothing left is written down.</summary>
    /// <param name="placed">Everything that has a place, by where it stands.</param>
    public static async Task<IReadOnlyList<UnplacedEvent>> ListAsync(
        DynamoTable table, DynamoTexts texts, Dictionary<string, AttributeValue>? lease, IReadOnlySet<string> placed, int limit,
        CancellationToken cancellationToken)
    {
        if (lease?.TextOf(State) != Copied)
        {
            await CopyAsync(table, cancellationToken);
            await NoteAsync(table, Copied, cancellationToken);
        }

        var request = new QueryRequest
        {
            KeyConditionExpression = "pk = :pk", ConsistentRead = true,
            ExpressionAttributeValues = new(StringComparer.Ordinal) { [":pk"] = DynamoItem.Text(Pk) },
        };
        List<UnplacedEvent> left = [.. (await table.QueryAsync(request, int.MaxValue, cancellationToken))
            .Select(item => DynamoJournal.Unplaced(item, texts)).Where(one => !placed.Contains(one.Key)).Take(limit)];
        if (left.Count == 0) await NoteAsync(table, Done, cancellationToken);
        return left;
    }

    /// <summary>Some of it may have lost its place: it is looked for again.</summary>
    public static Task GoBackAsync(DynamoTable table, CancellationToken cancellationToken) =>
        NoteAsync(table, Copied, cancellationToken, over: Done);

    private static async Task CopyAsync(DynamoTable table, CancellationToken cancellationToken)
    {
        var request = new ScanRequest
        {
            FilterExpression = "begins_with(sk, :event) OR pk = :audit", ConsistentRead = true,
            ExpressionAttributeValues =
                new(StringComparer.Ordinal) { [":event"] = DynamoItem.Text("EVENT#"), [":audit"] = DynamoItem.Text("AUDIT") },
        };
        foreach (var item in await table.ScanAsync(request, cancellationToken))
        {
            var (happened, number) = item["pk"].S is "AUDIT" ? (Attempt(item), item["sk"].S) : await OfGrantAsync(table, item,
                cancellationToken);
            var key = new JournalKey(Pk, string.Create(CultureInfo.InvariantCulture,
                $"{happened.At.ToUnixTimeMilliseconds():D13}#{happened.Grant?.ToString() ?? "-"}#{number}"));
            await table.TryPutAsync(
                DynamoJournal.Item(key, EventBody.Of(happened), "carried"), "attribute_not_exists(pk)", cancellationToken);
        }
    }

    private static async Task<(LogEvent, string)> OfGrantAsync(
        DynamoTable table, Dictionary<string, AttributeValue> item, CancellationToken cancellationToken)
    {
        var id = GrantId.Parse(item["pk"].S["GRANT#".Length..])!;
        var happened = DynamoGrantStore.ReadEvent(id, item);
        GrantSnapshot? state = null;
        try
        {
            var grant = await table.FindAsync(item["pk"].S, "GRANT", cancellationToken);
            if (grant?.PackedTextOf("document") is { } document) state = GrantJson.Read(id.ToString(), document);
        }
        catch (GrantDocumentException)
        {
            // Its events are carried all the same.
        }

        return (CarriedEvent.OfGrant(id, state, happened), string.Create(CultureInfo.InvariantCulture, $"{happened.Sequence:D6}"));
    }

    private static LogEvent Attempt(Dictionary<string, AttributeValue> item) => CarriedEvent.Attempt(item["at"].S, item["action"].S,
        item["by"].S, item["subject"].S ?? "", item["outcome"].S ?? "", item.TextOf("correlation"));

    /// <param name="over">Only where this was noted; null for whatever was.</param>
    private static Task NoteAsync(DynamoTable table, string state, CancellationToken cancellationToken, string? over = null)
    {
        var request = new UpdateItemRequest
        {
            Key = DynamoTable.Key("LOG", "LEASE"), UpdateExpression = $"SET {State} = :state",
            ExpressionAttributeValues = new(StringComparer.Ordinal) { [":state"] = DynamoItem.Text(state) },
        };
        if (over is not null)
        {
            request.ConditionExpression = $"{State} = :over";
            request.ExpressionAttributeValues[":over"] = DynamoItem.Text(over);
        }

        return table.TryUpdateAsync(request, cancellationToken);
    }
}
