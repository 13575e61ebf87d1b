using System.Text;
using DbAccess.Application.Ports;

namespace DbAccess.Infrastructure.Evidence;

/// <summary>A folder, best on a disk that others read.</summary>
internal sealed class FolderExportPlace(string folder) : IExportPlace
{
    public string Name => folder;

    public async Task<bool> TryAddAsync(string path, IAsyncEnumerable<string> lines, CancellationToken cancellationToken)
    {
        var file = In(path);
        var made = $"{file}.{Guid.NewGuid():N}";
        try
        {
            await WriteAsync(made, lines, cancellationToken);
            try
            {
                File.Move(made, file, overwrite: false);
                return true;
            }
            catch (IOException) when (File.Exists(file))
            {
                return await AreSameAsync(made, file, cancellationToken);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Fault(path, failure);
        }
        finally
        {
            Remove(made);
        }
    }

    public async Task<bool> HoldsAsync(string path, string? content, CancellationToken cancellationToken)
    {
        try
        {
            return File.Exists(In(path)) && (content is null || await File.ReadAllTextAsync(In(path), cancellationToken) == content);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Fault(path, failure, "read");
        }
    }

    public async Task PutAsync(string path, string content, CancellationToken cancellationToken)
    {
        var file = In(path);
        var made = $"{file}.{Guid.NewGuid():N}";
        try
        {
            await WriteAsync(made, new[] { content }.ToAsyncEnumerable(), cancellationToken);
            File.Move(made, file, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw Fault(path, failure);
        }
        finally
        {
            Remove(made);
        }
    }

    // Whole under another name first: what dies on the way leaves no half day under its own.
    private static async Task WriteAsync(string made, IAsyncEnumerable<string> lines, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(made)!);
        await using var file = new FileStream(made, FileMode.CreateNew, FileAccess.Write);
        await using (var writer = new StreamWriter(file, new UTF8Encoding(false), 1 << 16, leaveOpen: true))
            await foreach (var line in lines.WithCancellation(cancellationToken))
                await writer.WriteAsync(line.AsMemory(), cancellationToken);
        file.Flush(flushToDisk: true);
    }

    private static async Task<bool> AreSameAsync(string one, string other, CancellationToken cancellationToken)
    {
        await using var first = File.OpenRead(one);
        await using var second = File.OpenRead(other);
        return await ExportHash.OfAsync(first, cancellationToken) == await ExportHash.OfAsync(second, cancellationToken);
    }

    private static void Remove(string made)
    {
        try
        {
            File.Delete(made);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Its name is none that anybody reads.
        }
    }

    private static ExportException Fault(string path, Exception failure, string done = "written") =>
        new($"{path} cannot be {done} ({failure.GetType().Name})");

    private string In(string path) => Path.Combine(folder, path.Replace('/', Path.DirectorySeparatorChar));
}
