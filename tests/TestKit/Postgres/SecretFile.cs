namespace DbAccess.TestKit.Postgres;

/// <summary>A new file that only its owner can read, from its first byte on.</summary>
internal static class SecretFile
{
    public static async Task WriteAsync(string path, string content)
    {
        await using var stream = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        await using var writer = new StreamWriter(stream);
        await writer.WriteAsync(content);
    }
}
