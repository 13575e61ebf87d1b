using System.Text;

namespace DbAccess.Infrastructure.Files;

/// <summary>A file with a secret in it, which nobody but its owner may read or write.</summary>
internal static class PrivateFile
{
    private const UnixFileMode Mine = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>
    /// Makes it with this content; false when there is one. Of two processes that start at once one takes the place, and the other finds a
    /// whole file there.
    /// </summary>
    public static bool TryMake(string path, string content)
    {
        if (File.Exists(path)) return false;
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);

        // Whole under another name first.
        var made = $"{path}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = Mine;
        using (var file = new FileStream(made, options))
        {
            file.Write(Encoding.ASCII.GetBytes(content));
            file.Flush(flushToDisk: true);
        }

        try
        {
            File.Move(made, path, overwrite: false);
            return true;
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(made);
            return false;
        }
    }

    /// <summary>Why it must not be used, with what mends it; null when nobody else may read or write it.</summary>
    public static string? Exposed(string path) =>
        !OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~Mine) != UnixFileMode.None
            ? $"'{path}', which others may read or write: run chmod 600 {path}" : null;
}
