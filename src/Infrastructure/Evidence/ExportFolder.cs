using System.Text.RegularExpressions;
using DbAccess.Application.Evidence;
using DbAccess.Application.Evidence.Packs;
using DbAccess.Domain.Evidence;

namespace DbAccess.Infrastructure.Evidence;

/// <summary>What <c>audit export</c> or the daily export wrote: the whole log, or a pack (<c>docs/audit-format.md</c>).</summary>
public sealed partial class ExportFolder
{
    private const string Description = "pack.json";

    private readonly HashSet<string> _paths;
    private readonly Func<string, Stream> _open;

    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public ExportFolder(string folder)
    {
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"{folder} is not a folder");
        _paths = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(folder, path).Replace(Path.DirectorySeparatorChar, '/')).ToHashSet(StringComparer.Ordinal);
        _open = path => Read(Path.Combine(folder, path));
    }

    private ExportFolder(HashSet<string> paths, Func<string, Stream> open) => (_paths, _open) = (paths, open);

    /// <param name="from">A folder, or <c>s3://bucket/prefix</c>.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public static async Task<ExportFolder> FindAsync(string from, CancellationToken cancellationToken)
    {
        if (!from.StartsWith("s3://", StringComparison.OrdinalIgnoreCase)) return new ExportFolder(from);

        var address = ExportAddress.Read(from) ?? throw new IOException($"'{from}' is no place in S3, such as s3://bucket/prefix");
        return await OfAsync(S3Export.Open(address), cancellationToken);
    }

    internal static async Task<ExportFolder> OfAsync(S3Export export, CancellationToken cancellationToken) =>
        new(await export.ListAsync(cancellationToken), export.Read);

    /// <summary>Some grants' events with their proofs, instead of the whole log.</summary>
    public bool IsPack => _paths.Contains(Description);

    /// <param name="keys">Public keys that the auditor got another way.</param>
    /// <param name="kept">Files of checkpoints that the auditor kept; none with a pack.</param>
    /// <param name="progress">Is told now and then how many events are done.</param>
    /// <exception cref="IOException">Something cannot be read: nothing is known then.</exception>
    /// <exception cref="NotSupportedException">Kept checkpoints with a pack.</exception>
    public async Task<Verdict> VerifyAsync(
        IReadOnlyList<LogKey> keys, IReadOnlyList<string> kept, Action<long>? progress, CancellationToken cancellationToken)
    {
        if (!IsPack)
        {
            var log = Days("log", ".jsonl").Select(path => new EvidenceFile(path, () => _open(path)));
            return await new LogVerifier(keys).VerifyAsync(
                log, Checkpoints(), [.. kept.Select(path => Checkpoint(Read(path), path))], progress, cancellationToken);
        }

        if (kept.Count > 0) throw new NotSupportedException("a checkpoint that you kept can be held against the whole log; this is a pack");
        const string events = "events.jsonl", checkpoint = "checkpoint.txt";
        using var description = new MemoryStream();
        await using (var file = _open(Description)) await file.CopyToAsync(description, cancellationToken);
        return await new PackVerifier(keys).VerifyAsync(
            description.ToArray(), _paths.Contains(checkpoint) ? Checkpoint(_open(checkpoint), checkpoint) : null,
            new EvidenceFile(events, () => _paths.Contains(events) ? _open(events) : Stream.Null), progress, cancellationToken);
    }

    /// <summary>All checkpoints of an export of the log.</summary>
    public IReadOnlyList<CheckpointFile> Checkpoints() => [.. Days("checkpoints", ".txt").Select(path => Checkpoint(_open(path), path))];

    private static FileStream Read(string path) =>
        new(path, new FileStreamOptions { Options = FileOptions.SequentialScan, BufferSize = 0 });

    private static CheckpointFile Checkpoint(Stream file, string name)
    {
        using (file)
        {
            var note = new byte[SignedCheckpoint.MaximalLength + 1];
            return new CheckpointFile(name, note.AsMemory(0, file.ReadAtLeast(note, note.Length, throwOnEndOfStream: false)));
        }
    }

    private IEnumerable<string> Days(string kind, string ending) => _paths
        .Where(path => path.StartsWith(kind, StringComparison.Ordinal) && path.EndsWith(ending, StringComparison.Ordinal)
            && (kind == "log" ? Day() : DayAndKey()).IsMatch(path[kind.Length..^ending.Length]))
        .Order(StringComparer.Ordinal);

    [GeneratedRegex(@"\A/[0-9]{4}/[0-9]{2}/[0-9]{2}\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Day();

    // The last checkpoint of a key that was changed on that day.
    [GeneratedRegex(@"\A/[0-9]{4}/[0-9]{2}/[0-9]{2}(?:-[0-9a-f]{8})?\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex DayAndKey();
}
