using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Evidence;

/// <summary>
/// Makes the files of an export, by their paths inside it (<c>/</c> between folders). Each is written once, from its start.
/// </summary>
public delegate Stream MakeFile(string path);

/// <summary>What was exported.</summary>
/// <param name="Events">How many.</param>
/// <param name="Checkpoint">The newest checkpoint of it; null when there is none yet, and nothing was written.</param>
/// <param name="Keys">That signed it, the newest first.</param>
public sealed record Exported(long Events, SignedCheckpoint? Checkpoint, IReadOnlyList<LogKey> Keys);

/// <summary>The evidence log as files, as <c>docs/audit-format.md</c> says. Events that no checkpoint covers yet are not in it.</summary>
/// <param name="withhold">The sealed values that are left out, by name; <c>all</c> for all of them.</param>
public sealed class LogExport(IEvidenceLog log, IReadOnlyCollection<string> withhold)
{
    /// <summary>The whole log.</summary>
    public async Task<Exported> WriteAsync(MakeFile make, Action<long>? progress, CancellationToken cancellationToken)
    {
        await using var checkpoints = log.ReadCheckpointsAsync(cancellationToken).GetAsyncEnumerator(cancellationToken);
        if (await NextAsync(checkpoints) is not { } cover) return new Exported(0, null, []);

        StreamWriter? day = null;
        string? path = null;
        var (events, newest, keys) = (0L, cover, new List<LogKey>());
        try
        {
            await foreach (var placed in log.ReadAsync(0, cancellationToken))
            {
                while (placed.Place >= cover.Checkpoint.Size && await NextAsync(checkpoints) is { } next)
                {
                    if (Day(next) != Day(cover)) await WriteAsync(make, $"checkpoints/{Day(cover)}.txt", cover.Note());
                    cover = newest = next;
                }

                if (placed.Place >= cover.Checkpoint.Size) break;
                if (path != $"log/{Day(cover)}.jsonl")
                {
                    if (day is not null) await day.DisposeAsync();
                    day = new StreamWriter(make(path = $"log/{Day(cover)}.jsonl"), new UTF8Encoding(false));
                }

                await day!.WriteAsync(Line(placed));
                if (KeyOf(placed) is { } key) keys.Insert(0, key);
                if (++events % 1_000 == 0) progress?.Invoke(events);
            }
        }
        finally
        {
            if (day is not null) await day.DisposeAsync();
        }

        // What follows covers no event that is there: the log itself is short, and whoever verifies has to see that.
        while (await NextAsync(checkpoints) is { } last) newest = last;
        if (Day(newest) != Day(cover)) await WriteAsync(make, $"checkpoints/{Day(cover)}.txt", cover.Note());
        await WriteAsync(make, $"checkpoints/{Day(newest)}.txt", newest.Note());
        await WriteAsync(make, "key.pem", string.Concat(keys.Select(key => key.ToPem())));
        return new Exported(events, newest, keys);
    }

    /// <summary>The events of the store as lines of an export, with the hashes that the store has; for verifying it where it is.</summary>
    public async Task WriteLinesAsync(Stream lines, CancellationToken cancellationToken)
    {
        var size = (await log.ReadEndAsync(cancellationToken)).Checkpoint is { } note
            ? SignedCheckpoint.Parse(note)?.Checkpoint.Size ?? 0 : 0;
        await using var writer = new StreamWriter(lines, new UTF8Encoding(false), 1 << 16, leaveOpen: true);
        await foreach (var placed in log.ReadAsync(0, cancellationToken))
        {
            if (placed.Place >= size) return;
            if (placed is { Body: not null }) await writer.WriteAsync(Line(placed));
        }
    }

    /// <summary>Events of the whole log as they are read by pages, from the first on.</summary>
    public async IAsyncEnumerable<LoggedEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var placed in log.ReadAsync(0, cancellationToken))
            if (placed.Body is not null) yield return Logged(placed);
    }

    internal LoggedEvent Logged(PlacedEvent placed) => LoggedEvent.Parse(placed.Body!.Leaf(placed.Place), Shown(placed.Body.Open));

    internal string Line(PlacedEvent placed, IReadOnlyList<byte[]>? proof = null) =>
        ExportLine.Of(placed.Body!.Leaf(placed.Place), Shown(placed.Body.Open), proof, placed.Hash);

    /// <summary>What may be shown of the sealed values; null when nothing is left.</summary>
    internal string? Shown(string? open)
    {
        if (open is null || withhold.Contains("all")) return null;
        if (withhold.Count == 0) return open;

        using var values = JsonDocument.Parse(open);
        // As they stand there, so that it stays canonical.
        var kept = values.RootElement.EnumerateObject().Where(value => !withhold.Contains(value.Name))
            .Select(value => $"\"{value.Name}\":{value.Value.GetRawText()}").ToList();
        return kept.Count == 0 ? null : $"{{{string.Join(',', kept)}}}";
    }

    /// <summary>The key that an event brings in; null of all others.</summary>
    internal static LogKey? KeyOf(PlacedEvent placed)
    {
        if (placed.Body is not { } body || !body.Json.Contains(",\"type\":\"audit.key\",", StringComparison.Ordinal)) return null;

        using var json = JsonDocument.Parse(body.Json);
        var text = json.RootElement.GetProperty("what").GetProperty("key").GetString() ?? "";
        var spki = new byte[text.Length];
        return Convert.TryFromBase64String(text, spki, out var length) ? LogKey.From(spki.AsSpan(0, length)) : null;
    }

    internal static async Task WriteAsync(MakeFile make, string path, string content)
    {
        await using var file = make(path);
        await file.WriteAsync(Encoding.UTF8.GetBytes(content));
    }

    private static async Task<SignedCheckpoint?> NextAsync(IAsyncEnumerator<string> notes)
    {
        while (await notes.MoveNextAsync())
            if (SignedCheckpoint.Parse(notes.Current) is { } signed) return signed;
        return null;
    }

    private static string Day(SignedCheckpoint signed) =>
        signed.Checkpoint.At.UtcDateTime.ToString("yyyy/MM/dd", CultureInfo.InvariantCulture);
}
