using System.Globalization;
using System.Text;
using System.Text.Json;
using DbAccess.Application.Evidence.Pages;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Evidence.Packs;

/// <summary>Which grants a pack is about: those that fit all that is given.</summary>
/// <param name="Person">A Slack user id, of whoever holds it.</param>
/// <param name="From">Asked for at this instant or later.</param>
/// <param name="Until">Asked for before this instant.</param>
public sealed record PackSelection(GrantId? Grant, string? Person, string? Database, DateTimeOffset? From, DateTimeOffset? Until)
{
    public bool IsAll => this is { Grant: null, Person: null, Database: null, From: null, Until: null };
}

/// <summary>An event of a pack with its proof.</summary>
public sealed record PackedLeaf(PlacedEvent Event, IReadOnlyList<byte[]> Proof);

/// <summary>What a pack holds, for whoever draws its page.</summary>
public sealed record Packed(SignedCheckpoint Checkpoint, IReadOnlyList<PackedLeaf> Events, IReadOnlyList<PackedGrant> Grants);

/// <summary>The events of some grants with proofs that they are in the log. Goes through the log twice, for a single grant once; holds
/// what is selected.</summary>
public sealed class PackExport(IEvidenceLog log, LogExport lines)
{
    /// <summary>Null when there is no checkpoint yet, or no grant fits.</summary>
    /// <param name="page">Draws <c>index.html</c>.</param>
    public async Task<Packed?> WriteAsync(
        MakeFile make, PackSelection selection, Action<TextWriter, Packed> page, Action<long>? progress,
            CancellationToken cancellationToken)
    {
        if ((await log.ReadEndAsync(cancellationToken)).Signed is not { } signed) return null;

        var size = signed.Checkpoint.Size;
        var (chosen, grants) = await ChooseAsync(selection, size, progress, cancellationToken);
        if (grants.Count == 0) return null;

        var keys = new List<LogKey>();
        var proofs = new TreeProofs(size, chosen.Select(one => one.Place), []);
        await foreach (var placed in log.ReadAsync(0, cancellationToken))
        {
            if (placed.Place >= size) break;
            proofs.Add(placed.Hash);
            if (LogExport.KeyOf(placed) is { } key) keys.Insert(0, key);
            if (placed.Place % 1_000 == 0) progress?.Invoke(placed.Place);
        }

        var packed = new Packed(signed, [.. chosen.Select(one => new PackedLeaf(one, proofs.Inclusion(one.Place)))],
            [.. grants.OrderBy(grant => grant.Key, StringComparer.Ordinal).Select(grant => grant.Value)]);
        await using (var events = new StreamWriter(make("events.jsonl"), new UTF8Encoding(false)))
            foreach (var leaf in packed.Events) await events.WriteAsync(lines.Line(leaf.Event, leaf.Proof));
        await LogExport.WriteAsync(make, "checkpoint.txt", signed.Note());
        await LogExport.WriteAsync(make, "pack.json", Description(packed));
        await LogExport.WriteAsync(make, "key.pem", string.Concat(keys.Select(key => key.ToPem())));
        await using var html = new StreamWriter(make("index.html"), new UTF8Encoding(false));
        page(html, packed);
        return packed;
    }

    /// <summary>The page of a pack.</summary>
    public void Draw(TextWriter page, Packed packed)
    {
        var (signed, head) = (packed.Checkpoint, packed.Checkpoint.Checkpoint);
        PackPage.Write(page, new PackStory(
            new PackCheckpoint(head.Origin, head.Size, Convert.ToBase64String(head.Root), head.At, signed.Note()),
            [
                .. packed.Events.Select(leaf => new PackedEvent(lines.Logged(leaf.Event), Convert.ToHexStringLower(leaf.Event.Hash ?? []),
                    [.. leaf.Proof.Select(Convert.ToHexStringLower)])),
            ]));
    }

    private async Task<(List<PlacedEvent> Events, Dictionary<string, PackedGrant> Grants)> ChooseAsync(
        PackSelection selection, long size, Action<long>? progress, CancellationToken cancellationToken)
    {
        List<PlacedEvent> chosen = [];
        var grants = new Dictionary<string, PackedGrant>(StringComparer.Ordinal);
        // Of one grant the store knows where its events are.
        await foreach (var placed in selection.Grant is { } one
            ? log.ReadGrantAsync(one, cancellationToken) : log.ReadAsync(0, cancellationToken))
        {
            if (placed.Place >= size) break;
            if (placed.Place % 1_000 == 0) progress?.Invoke(placed.Place);
            if (placed.Body is not { } body || !body.Json.Contains("\"grant\":", StringComparison.Ordinal)) continue;

            using var json = JsonDocument.Parse(body.Json);
            var happened = json.RootElement;
            if (!happened.TryGetProperty("grant", out var name) || name.GetString() is not { } grant) continue;
            if (Begins(happened) && Fits(selection, grant, happened)) grants.TryAdd(grant, new PackedGrant(grant, 0, IsOver: false));
            if (!grants.TryGetValue(grant, out var known)) continue;

            chosen.Add(placed);
            if (happened.TryGetProperty("n", out _))
                grants[grant] = known with { Events = known.Events + 1, IsOver = known.IsOver || IsEnd(happened) };
        }

        return (chosen, grants);
    }

    private static bool Begins(JsonElement happened) => happened.TryGetProperty("n", out var number) && number.GetInt64() == 1;

    private static bool IsEnd(JsonElement happened) =>
        happened.GetProperty("what").TryGetProperty("to", out var to) && EventLineReader.Ends.Contains(to.GetString() ?? "");

    private static bool Fits(PackSelection selection, string grant, JsonElement asked)
    {
        var (what, at) = (asked.GetProperty("what"), asked.GetProperty("at").GetDateTimeOffset());
        return (selection.Grant is null || selection.Grant.ToString() == grant)
            && (selection.Person is null || Text(what, "requester")?.EndsWith($"/{selection.Person}", StringComparison.Ordinal) is true)
            && (selection.Database is null || Text(what, "database") == selection.Database)
            && !(at < selection.From) && !(at >= selection.Until);
    }

    private static string? Text(JsonElement what, string name) => what.TryGetProperty(name, out var value) ? value.GetString() : null;

    private static string Description(Packed packed)
    {
        var json = new StringBuilder("{\"grants\":[");
        foreach (var (i, grant) in packed.Grants.Index())
        {
            json.Append(i > 0 ? "," : "").Append(CultureInfo.InvariantCulture, $"{{\"events\":{grant.Events},\"grant\":");
            CanonicalJson.Append(json, grant.Grant);
            json.Append(grant.IsOver ? ",\"over\":true}" : ",\"over\":false}");
        }

        json.Append("],\"origin\":");
        CanonicalJson.Append(json, packed.Checkpoint.Checkpoint.Origin);
        return json.Append(CultureInfo.InvariantCulture, $",\"size\":{packed.Checkpoint.Checkpoint.Size},\"v\":1}}").ToString();
    }
}
