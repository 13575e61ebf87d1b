using System.Text;
using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Evidence;

/// <summary>
/// Whether what waits for its place may have one. A row that somebody wrote into the store by hand would otherwise stop the log, make it
/// one that no verifier takes any more, or bring in a key that is not ours.
/// </summary>
/// <param name="keys">That an event may bring in.</param>
internal sealed class Admission(IReadOnlyList<LogKey> keys)
{
    private readonly EventLineReader _reader = new(withProof: false);

    /// <summary>Its leaf and its hash at that place; or, in words, why it gets none.</summary>
    public (byte[]? Hash, string? Fault) Judge(EventBody body, long place)
    {
        if (body.TryLeaf(place) is not { } leaf) return (null, "it is not an event");
        var line = Encoding.UTF8.GetBytes(ExportLine.Of(leaf, body.Open));
        if (line.Length > EventLines.LongestLine) return (null, "it is longer than 1 MiB");
        var read = _reader.Read(line.AsSpan(0, line.Length - 1));
        if (read.Form is not LineForm.Canonical || read.Place != place) return (null, "it is not an event");
        if (read.NotAsRecorded is { } name) return (null, $"what is shown as {name} is not what was recorded");
        if (read.ShownValues < read.SealedValues) return (null, "what is sealed in it is gone");
        if (read.BringsKey && LogKey.FromBase64(read.KeyOrOrigin) is var key && !keys.Any(ours => ours.Id == key?.Id))
            return (null, $"it brings in the key {key?.Id ?? "?"}, which is not set here");
        return (read.LeafHash, null);
    }
}
