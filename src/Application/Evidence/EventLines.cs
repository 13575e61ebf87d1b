using System.Buffers;
using System.Runtime.CompilerServices;

namespace DbAccess.Application.Evidence;

/// <summary>
/// Reads a file in large blocks of whole lines, judges the blocks on all processors, and gives them back in order. What it holds does not
/// grow with the file.
/// </summary>
internal static class EventLines
{
    /// <summary>Of a line, without its line feed.</summary>
    internal const int LongestLine = 1 << 20;

    private const int BlockBytes = 2 * LongestLine;

    /// <summary>The lines up to the end, or up to and including the first that is not canonical JSON and an event.</summary>
    public static async IAsyncEnumerable<IReadOnlyList<EventLine>> ReadAsync(
        EvidenceFile file, bool withProof, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var stream = file.Open();
        await using var _ = stream.ConfigureAwait(false);
        var inWork = new Queue<Task<List<EventLine>>>();
        var block = ArrayPool<byte>.Shared.Rent(BlockBytes);
        var length = 0;
        var more = true;
        try
        {
            while (more || inWork.Count > 0)
            {
                while (more && inWork.Count < Environment.ProcessorCount + 1)
                {
                    var read = await stream.ReadAtLeastAsync(
                        block.AsMemory(length, BlockBytes - length), BlockBytes - length, throwOnEndOfStream: false, cancellationToken);
                    more = length + read == BlockBytes;
                    length += read;
                    if (length == 0) break;

                    // The last line goes with the next block, where it is complete; unless there is none.
                    var whole = more ? block.AsSpan(0, length).LastIndexOf((byte)'\n') + 1 : length;
                    more &= whole >= length - LongestLine;
                    if (!more) whole = length;
                    var (full, fullLength) = (block, whole);
                    block = ArrayPool<byte>.Shared.Rent(BlockBytes);
                    full.AsSpan(whole, length - whole).CopyTo(block);
                    length -= whole;
                    inWork.Enqueue(Task.Run(() => Judge(full, fullLength, withProof), CancellationToken.None));
                }

                if (inWork.Count == 0) break;
                var lines = await inWork.Dequeue();
                yield return lines;
                if (lines[^1].Form is not LineForm.Canonical) yield break;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
            await Task.WhenAll(inWork);
        }
    }

    private static List<EventLine> Judge(byte[] block, int length, bool withProof)
    {
        try
        {
            var reader = new EventLineReader(withProof);
            var lines = new List<EventLine>();
            ReadOnlySpan<byte> rest = block.AsSpan(0, length);
            while (!rest.IsEmpty && (lines.Count == 0 || lines[^1].Form is LineForm.Canonical))
            {
                var end = rest.IndexOf((byte)'\n');
                var line = end < 0 ? rest : rest[..end];
                lines.Add(line.Length > LongestLine ? new EventLine { Form = LineForm.TooLong }
                    : end < 0 ? new EventLine { Form = LineForm.CutOff }
                    : reader.Read(line));
                rest = end < 0 ? [] : rest[(end + 1)..];
            }

            return lines;
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(block);
        }
    }
}
