using System.Security.Cryptography;
using DbAccess.Domain.Policies;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Policies;

/// <summary>
/// The policy file, looked at once a second at most: an edit counts within some two seconds. A file that is gone is as one with faults.
/// </summary>
internal sealed class FilePolicySource(string path, PolicyStart start, TimeProvider clock, ILogger<FilePolicySource> log)
    : WatchedPolicy(path, start, BetweenLooks, clock, log)
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    // A file written this recently may be half written, and half a policy can look like a whole one that lacks its last rules. It counts
    // once it is older, or once two looks found the same.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private const string Nothing = "";

    private readonly string _path = path;
    private string _judged = start.Policy?.Hash ?? AccessPolicy.Nothing.Hash;
    private string? _candidate;

    /// <summary>
    /// Reads the file for the first time; every fault goes to <paramref name="settings"/>, unless it starts without a policy as well.
    /// </summary>
    internal static PolicyStart ReadAtStart(string path, Settings settings, bool orWithout = false)
    {
        try
        {
            var reading = PolicyYaml.Read(ReadFile(path).Bytes);
            if (!orWithout) foreach (var fault in reading.Faults) settings.Fault($"Policy:Path ({path}) {fault}");
            return PolicyStart.Of(reading);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
        {
            var gone = failure is FileNotFoundException or DirectoryNotFoundException;
            if (!orWithout)
                settings.Fault(gone ? $"Policy:Path is '{path}', and there is no such file."
                    : $"Policy:Path is '{path}', which cannot be read ({failure.GetType().Name}).");
            return gone ? PolicyStart.Refused("there is no such file")
                : PolicyStart.CannotRead($"the file cannot be read ({failure.GetType().Name})");
        }
    }

    protected override Task LookAsync()
    {
        try
        {
            LookAtFile();
        }
        catch (Exception failure)
        {
            // Nobody would see an exception here.
            InForce.CannotRead($"looking at it failed ({failure.GetType().Name})");
        }

        return Task.CompletedTask;
    }

    private void LookAtFile()
    {
        // The content is compared, not its time stamp: a file moved over the old one may carry any stamp.
        var (bytes, writtenAt, problem, gone) = TryReadFile(_path);
        var found = bytes is null ? Nothing : Convert.ToHexStringLower(SHA256.HashData(bytes));
        if (found == _judged)
        {
            _candidate = null;
            return;
        }

        // Editors and config maps take a file away before they put the new one there: its absence, too, has to be seen twice.
        var settled = bytes is not null && Clock.GetUtcNow() - writtenAt >= Settling;
        if (!settled && _candidate != found)
        {
            _candidate = found;
            return;
        }

        (_candidate, _judged) = (null, found);
        if (bytes is not null) InForce.Judge(bytes);
        else if (gone) InForce.Refuse(problem!);
        else InForce.CannotRead(problem!);
    }

    private static (byte[]? Bytes, DateTimeOffset WrittenAt, string? Problem, bool Gone) TryReadFile(string path)
    {
        try
        {
            var (bytes, writtenAt) = ReadFile(path);
            return (bytes, writtenAt, null, false);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            return (null, default, "the file is gone", true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return (null, default, $"the file cannot be read ({failure.GetType().Name})", false);
        }
    }

    private static (byte[] Bytes, DateTimeOffset WrittenAt) ReadFile(string path)
    {
        // Content and stamp of one and the same file, whatever is moved over the path meanwhile.
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var writtenAt = File.GetLastWriteTimeUtc(file);
        // One byte more than the longest, so that the reader sees that it is too long.
        var bytes = new byte[PolicyYaml.LongestFile + 1];
        var length = 0;
        while (length < bytes.Length && RandomAccess.Read(file, bytes.AsSpan(length), length) is var read and > 0) length += read;
        return (bytes[..length], new DateTimeOffset(writtenAt));
    }
}
