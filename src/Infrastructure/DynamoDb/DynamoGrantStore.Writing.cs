using System.Globalization;
using Amazon.DynamoDBv2.Model;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Stores;

namespace DbAccess.Infrastructure.DynamoDb;

/// <summary>How a grant and its events are written.</summary>
internal sealed partial class DynamoGrantStore
{
    private async Task<SaveOutcome> WriteAsync(
        Grant grant, GrantSnapshot state, bool ends, string condition, Dictionary<string, AttributeValue>? values,
            CancellationToken cancellationToken)
    {
        var write = Guid.NewGuid().ToString("N");
        var events = grant.NewEvents.Select(happened => (Key: JournalKey.Of(state.Id, happened.Sequence, happened.At),
            Body: EventBody.Of(GrantFacts.Of(state, happened, Way.Current, Way.Trace)))).ToList();
        foreach (var happened in events) await texts.KeepAsync(happened.Body, cancellationToken);
        var written = await table.TryWriteAsync(
            () =>
            {
                var item = Item(state, write);
                List<AttributeValue> moments = [.. events.Select(happened => DynamoItem.Number(happened.Key.Milliseconds))];
                List<TransactWriteItem> items =
                [
                    values is null ? new() { Put = table.Put(With(item, Moments, new AttributeValue { L = moments }), condition) }
                        : new() { Update = Changed(item, moments, condition, values) },
                    .. events.Select(happened => new TransactWriteItem
                    {
                        Put = table.Put(DynamoJournal.Item(happened.Key, happened.Body, write), "attribute_not_exists(pk)"),
                    }),
                ];
                if (ends) items.Add(new() { Update = Count(state) });
                return items;
            },
            cancellationToken);

        // The answer to a write that succeeded may be lost on the way; sent again, it finds its own version there. Whether it was ours says
        // the write's id: in its first event, which nobody writes over, or in the grant where there was none.
        if (!written && !await IsOursAsync(state.Id, events.Count > 0 ? events[0].Key : null, write)) return SaveOutcome.LostRace;

        grant.Saved(state.Version);
        return SaveOutcome.Saved;
    }

    // Not cancellable: the write is past, and its outcome has to be known.
    private async Task<bool> IsOursAsync(GrantId id, JournalKey? first, string write) =>
        (await table.FindAsync(first?.Pk ?? Pk(id.ToString()), first?.Sk ?? GrantSk, CancellationToken.None))?.TextOf("write_id") == write;

    /// <summary>The whole item written over, but for the instants of earlier events, which stay.</summary>
    private Update Changed(Dictionary<string, AttributeValue> item, List<AttributeValue> moments, string condition,
        Dictionary<string, AttributeValue> values)
    {
        var update = new Update
        {
            TableName = table.Name, Key = DynamoTable.Key(item["pk"].S, item["sk"].S), ConditionExpression = condition,
            ExpressionAttributeNames = new(StringComparer.Ordinal), ExpressionAttributeValues = new(values, StringComparer.Ordinal),
        };
        List<string> sets = [];
        foreach (var (name, value) in item.Where(pair => pair.Key is not ("pk" or "sk")))
        {
            update.ExpressionAttributeNames[$"#{name}"] = name;
            update.ExpressionAttributeValues[$":{name}"] = value;
            sets.Add($"#{name} = :{name}");
        }

        update.ExpressionAttributeNames[$"#{Moments}"] = Moments;
        update.ExpressionAttributeValues[":none"] = new AttributeValue { L = [], IsLSet = true };
        update.ExpressionAttributeValues[":moments"] = new AttributeValue { L = moments, IsLSet = true };
        sets.Add($"#{Moments} = list_append(if_not_exists(#{Moments}, :none), :moments)");
        var gone = Optional.Where(name => !item.ContainsKey(name)).ToList();
        foreach (var name in gone) update.ExpressionAttributeNames[$"#{name}"] = name;
        update.UpdateExpression = $"SET {string.Join(", ", sets)}"
            + (gone.Count > 0 ? $" REMOVE {string.Join(", ", gone.Select(name => $"#{name}"))}" : "");
        return update;
    }

    private static Dictionary<string, AttributeValue> With(
        Dictionary<string, AttributeValue> item, string name, AttributeValue value)
    {
        item[name] = value;
        return item;
    }

    private Update Count(GrantSnapshot state)
    {
        var update = new Update
        {
            TableName = table.Name,
            Key = DynamoTable.Key(CountPk, string.Create(CultureInfo.InvariantCulture, $"{state.Status}#{Random.Shared.Next(Counters)}")),
            UpdateExpression = "ADD #total :one",
            ExpressionAttributeNames = new(StringComparer.Ordinal) { ["#total"] = "total" },
            ExpressionAttributeValues = new(StringComparer.Ordinal) { [":one"] = DynamoItem.Number(1) },
        };
        if (state is { Role: not null, EndedAt: { } ended })
        {
            update.UpdateExpression += " SET #ended = :ended";
            update.ExpressionAttributeNames["#ended"] = EndedOn + state.Target.Cluster.Value;
            update.ExpressionAttributeValues[":ended"] = DynamoItem.Number(StoreTime.Milliseconds(ended));
        }

        return update;
    }

    private static Dictionary<string, AttributeValue> Item(GrantSnapshot state, string write)
    {
        var id = state.Id.ToString();
        var item = DynamoTable.Key(Pk(id), GrantSk);
        item["version"] = DynamoItem.Number(state.Version);
        item["status"] = DynamoItem.Text(state.Status.ToString());
        item["installation"] = DynamoItem.Text(state.Installation);
        item["team"] = DynamoItem.Text(state.Requester.Team);
        item["requester"] = DynamoItem.Text(state.Requester.User);
        item["person"] = DynamoItem.Text(state.Requester.ToString());
        item["database"] = DynamoItem.Text(state.Target.Name.Value);
        item["scope"] = DynamoItem.Text(state.Scope.Name.Value);
        item["created_at"] = DynamoItem.Number(StoreTime.Milliseconds(state.CreatedAt));
        item["write_id"] = DynamoItem.Text(write);
        // With what else is there it is two kilobytes or three, and each costs two units, fourteen times in a grant's life.
        item.SetPacked("document", GrantJson.Write(state));
        item.SetText("role", state.Role?.Value);
        item.SetNumber("expires_at", StoreTime.Milliseconds(state.Window?.Expiry));
        if (state.DueAt is { } due)
        {
            item["due_shard"] = DynamoItem.Text(state.Status is GrantStatus.Quarantined ? Quarantine : Shard(id));
            item["due_at"] = DynamoItem.Number(StoreTime.Milliseconds(due));
        }

        // When it may go is said when it is exported (MayGoAsync); a save takes that back.
        if (state.EndedAt is null) item["live_database"] = DynamoItem.Text(state.Target.Name.Value);
        return item;
    }
}
