using System.Security.Cryptography;
using System.Text;

namespace DbAccess.Infrastructure.Seals;

/// <summary>A key, and whether it was made just now: then what was decided before it is sealed once.</summary>
internal sealed record SealKey(byte[] Key, bool IsNew)
{
    public static byte[] Random() => RandomNumberGenerator.GetBytes(HmacSeal.KeyBytes);

    public static string Write(byte[] key) => Convert.ToBase64String(key) + "\n";

    /// <summary>Null when it is not what <see cref="Write"/> wrote.</summary>
    public static byte[]? Read(string text)
    {
        var key = new byte[HmacSeal.KeyBytes];
        return Convert.TryFromBase64String(text.Trim(), key, out var length) && length == HmacSeal.KeyBytes ? key : null;
    }
}

/// <summary>The key in a file that only its owner may read; made when there is none.</summary>
internal static class SealKeyFile
{
    private const UnixFileMode Mine = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    /// <summary>Null, with a fault that never shows what the file holds, when it cannot be used.</summary>
    public static SealKey? Open(Settings settings, string setting, string path)
    {
        try
        {
            return Make(path) ?? Read(settings, setting, path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            settings.Fault($"{setting} is '{path}', which cannot be read or made ({failure.GetType().Name}).");
            return null;
        }
    }

    private static SealKey? Make(string path)
    {
        if (File.Exists(path)) return null;
        if (Path.GetDirectoryName(Path.GetFullPath(path)) is { } folder) Directory.CreateDirectory(folder);

        // Whole under another name first: of two processes that start at once one takes the place, and the other finds a whole file there.
        var key = SealKey.Random();
        var made = $"{path}.{Guid.NewGuid():N}";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = Mine;
        using (var file = new FileStream(made, options)) file.Write(Encoding.ASCII.GetBytes(SealKey.Write(key)));
        try
        {
            File.Move(made, path, overwrite: false);
            return new SealKey(key, IsNew: true);
        }
        catch (IOException) when (File.Exists(path))
        {
            File.Delete(made);
            return null;
        }
    }

    private static SealKey? Read(Settings settings, string setting, string path)
    {
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(path) & ~Mine) != UnixFileMode.None)
        {
            settings.Fault($"{setting} is '{path}', which others may read or write: run chmod 600 {path}.");
            return null;
        }

        if (SealKey.Read(File.ReadAllText(path)) is { } key) return new SealKey(key, IsNew: false);

        settings.Fault($"{setting} is '{path}', which holds no key: {HmacSeal.KeyBytes} bytes in base64. Was it cut or edited?");
        return null;
    }
}
