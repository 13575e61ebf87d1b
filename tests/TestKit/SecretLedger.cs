using System.Collections.Concurrent;
using System.Globalization;

namespace DbAccess.TestKit;

/// <summary>
/// Which secrets the suite made, and everything that the product wrote meanwhile: the last step of <c>scripts/test</c> looks for each of the
/// one in all of the other. The folder, which only its owner can read, is named by <c>DBACCESS_TEST_LEDGER</c>; without it nothing is kept.
/// </summary>
/// <remarks>Who starts something that writes, or stands where a secret goes by, tells it here: the fixtures do, no test has to.</remarks>
public static class SecretLedger
{
    // Shorter ones, and sentences that stand for a secret, would be found in anything.
    private const int Shortest = 16;

    private static readonly string? Folder = Environment.GetEnvironmentVariable("DBACCESS_TEST_LEDGER") is { Length: > 0 } folder ? folder : null;
    private static readonly string Process = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
    private static readonly ConcurrentDictionary<string, bool> Known = new(StringComparer.Ordinal);
    private static readonly Lock Gate = new();

    /// <summary>A password, a token or a key that was made for a test.</summary>
    public static string Made(string secret)
    {
        if (Folder is not null && secret.Length >= Shortest && !secret.Any(char.IsWhiteSpace) && Known.TryAdd(secret, true)) Append(Path.Combine("made", Process), secret);
        return secret;
    }

    /// <summary>What the product said, to a log or on its outputs.</summary>
    public static void Wrote(string text)
    {
        if (Folder is not null && text.Length > 0) Append(Path.Combine("written", $"log-{Process}"), text);
    }

    /// <summary>Files that the product wrote, before they go with their test: they are moved away, so that it costs nothing.</summary>
    /// <param name="patterns">Of their names; those of what the tests themselves put there, such as credentials, are left out.</param>
    public static void WroteIn(string folder, params string[] patterns)
    {
        if (Folder is null || !Directory.Exists(folder)) return;

        foreach (var file in patterns.SelectMany(pattern => Directory.EnumerateFiles(folder, pattern, SearchOption.AllDirectories)).Distinct().ToList())
        {
            Directory.CreateDirectory(Path.Combine(Folder, "written"));
            File.Move(file, Path.Combine(Folder, "written", $"{Guid.NewGuid():N}-{Path.GetFileName(file)}"));
        }
    }

    private static void Append(string name, string line)
    {
        var path = Path.Combine(Folder!, name);
        lock (Gate)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            using var file = new StreamWriter(new FileStream(path, new FileStreamOptions
            {
                Mode = FileMode.Append, Access = FileAccess.Write, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            }));
            file.WriteLine(line);
        }
    }
}
