using System.Security.Cryptography;
using DbAccess.Infrastructure.Files;

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
    /// <summary>Null, with a fault that never shows what the file holds, when it cannot be used.</summary>
    public static SealKey? Open(Settings settings, string setting, string path, bool make = true)
    {
        try
        {
            return (make ? Make(path) : null) ?? Read(settings, setting, path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            settings.Fault($"{setting} is '{path}', which cannot be read or made ({failure.GetType().Name}).");
            return null;
        }
    }

    private static SealKey? Make(string path)
    {
        var key = SealKey.Random();
        return PrivateFile.TryMake(path, SealKey.Write(key)) ? new SealKey(key, IsNew: true) : null;
    }

    private static SealKey? Read(Settings settings, string setting, string path)
    {
        if (PrivateFile.Exposed(path) is { } exposed)
        {
            settings.Fault($"{setting} is {exposed}.");
            return null;
        }

        if (SealKey.Read(File.ReadAllText(path)) is { } key) return new SealKey(key, IsNew: false);

        settings.Fault($"{setting} is '{path}', which holds no key: {HmacSeal.KeyBytes} bytes in base64. Was it cut or edited?");
        return null;
    }
}
