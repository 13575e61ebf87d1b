using System.IO.Pipelines;
using System.Text;

namespace DbAccess.Application.Evidence;

/// <param name="Path">Inside the folder, with <c>/</c>: what a complaint names.</param>
/// <param name="Open">From its beginning; whoever opens it disposes of it.</param>
public sealed record EvidenceFile(string Path, Func<Stream> Open)
{
    /// <summary>What a store holds, as if it had been exported: the same verifier reads it, a little at a time.</summary>
    /// <param name="path">What a complaint is to name.</param>
    /// <param name="lines">As <see cref="Domain.Evidence.ExportLine"/> makes them; read no further than to the first fault.</param>
    public static EvidenceFile Of(string path, IAsyncEnumerable<string> lines) => new(path, () =>
    {
        var pipe = new Pipe();
        _ = FillAsync(pipe.Writer, lines);
        return pipe.Reader.AsStream();
    });

    private static async Task FillAsync(PipeWriter pipe, IAsyncEnumerable<string> lines)
    {
        try
        {
            await foreach (var line in lines)
                if ((await pipe.WriteAsync(Encoding.UTF8.GetBytes(line))).IsCompleted) break;
            await pipe.CompleteAsync();
        }
        catch (Exception fault)
        {
            // Whoever reads gets it.
            await pipe.CompleteAsync(fault);
        }
    }
}

/// <param name="Path">As a complaint names it.</param>
/// <param name="Note">All bytes of it; of a file that is longer than a checkpoint can be, the first of them are enough.</param>
public sealed record CheckpointFile(string Path, ReadOnlyMemory<byte> Note);
