using System.Text.RegularExpressions;
using DbAccess.Application.Evidence;
using DbAccess.Domain.Evidence;

namespace DbAccess.Infrastructure.Evidence;

/// <summary>A folder that <c>audit export</c> wrote: the whole log, or a pack (<c>docs/audit-format.md</c>).</summary>
public sealed partial class ExportFolder
{
    private const string Description = "pack.json";

    private readonly string _folder;

    /// <exception cref="DirectoryNotFoundException">There is no such folder.</exception>
    public ExportFolder(string folder)
    {
        if (!Directory.Exists(folder)) throw new DirectoryNotFoundException($"{folder} is not a folder");
        _folder = folder;
    }

    /// <summary>Some grants' events with their proofs, instead of the whole log.</summary>
    public bool IsPack => File.Exists(In(Description));

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
            var checkpoints = Days("checkpoints", ".txt").Select(path => ReadCheckpoint(In(path), path));
            var log = Days("log", ".jsonl").Select(path => new EvidenceFile(path, () => Read(In(path))));
            return await new LogVerifier(keys).VerifyAsync(
                log, [.. checkpoints], [.. kept.Select(path => ReadCheckpoint(path, path))], progress, cancellationToken);
        }

        if (kept.Count > 0) throw new NotSupportedException("a checkpoint that you kept can be held against the whole log; this is a pack");
        const string events = "events.jsonl", checkpoint = "checkpoint.txt";
        return await new PackVerifier(keys).VerifyAsync(
            await File.ReadAllBytesAsync(In(Description), cancellationToken),
            File.Exists(In(checkpoint)) ? ReadCheckpoint(In(checkpoint), checkpoint) : null,
            new EvidenceFile(events, () => File.Exists(In(events)) ? Read(In(events)) : Stream.Null), progress, cancellationToken);
    }

    private static FileStream Read(string path) =>
        new(path, new FileStreamOptions { Options = FileOptions.SequentialScan, BufferSize = 0 });

    private static CheckpointFile ReadCheckpoint(string path, string name)
    {
        using var file = Read(path);
        var note = new byte[SignedCheckpoint.MaximalLength + 1];
        return new CheckpointFile(name, note.AsMemory(0, file.ReadAtLeast(note, note.Length, throwOnEndOfStream: false)));
    }

    private List<string> Days(string kind, string ending)
    {
        var root = In(kind);
        if (!Directory.Exists(root)) return [];
        return
        [
            .. Directory.EnumerateFiles(root, "*" + ending, SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(_folder, path).Replace(Path.DirectorySeparatorChar, '/'))
                .Where(path => Day().IsMatch(path[kind.Length..^ending.Length]))
                .Order(StringComparer.Ordinal),
        ];
    }

    private string In(string path) => Path.Combine(_folder, path);

    [GeneratedRegex(@"\A/[0-9]{4}/[0-9]{2}/[0-9]{2}\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Day();
}
