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
        var (events, newest, keys) = (0L, (SignedCheckpoint?)null, new List<LogKey>());
        await foreach (var day in LogDay.ListAsync(log, 0, DateOnly.MinValue, cancellationToken))
        {
            StreamWriter? file = null;
            try
            {
                await foreach (var placed in EventsAsync(day, cancellationToken))
                {
                    // A day without events has no file: the log is short then, and whoever verifies sees that by the checkpoint.
                    file ??= new StreamWriter(make($"log/{day.Path}.jsonl"), new UTF8Encoding(false));
                    await file.WriteAsync(Line(placed));
                    if (KeyOf(placed) is { } key) keys.Insert(0, key);
                    if (++events % 1_000 == 0) progress?.Invoke(events);
                }
            }
            finally
            {
                if (file is not null) await file.DisposeAsync();
            }

            foreach (var (path, signed) in day.Checkpoints) await WriteAsync(make, path, signed.Note());
            newest = day.Last;
        }

        if (newest is not null) await WriteAsync(make, "key.pem", string.Concat(keys.Select(key => key.ToPem())));
        return new Exported(events, newest, keys);
    }

    /// <summary>What there is of a day's events, in order.</summary>
    internal async IAsyncEnumerable<PlacedEvent> EventsAsync(LogDay day, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var placed in log.ReadAsync(day.First, cancellationToken))
        {
            if (placed.Place >= day.Last.Checkpoint.Size) yield break;
            if (placed.Body is not null) yield return placed;
        }
    }

    /// <summary>The events of the store as lines of an export, with the hashes that the store has; for verifying it where it is.</summary>
    /// <param name="size">Of the newest checkpoint: what stands behind it is not vouched for yet.</param>
    public async IAsyncEnumerable<string> LinesAsync(long size, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var placed in log.ReadAsync(0, cancellationToken))
        {
            if (placed.Place >= size) yield break;
            if (placed.Body is not null) yield return Line(placed);
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
        return LogKey.FromBase64(json.RootElement.GetProperty("what").GetProperty("key").GetString());
    }

    internal static async Task WriteAsync(MakeFile make, string path, string content)
    {
        await using var file = make(path);
        await file.WriteAsync(Encoding.UTF8.GetBytes(content));
    }
}
