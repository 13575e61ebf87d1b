using System.Security.Cryptography;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Policies;

/// <summary>
/// The policy file, read again when it changes. Whoever asks for the policy sets off a look, at most one a second, and takes what is in
/// force meanwhile: nobody waits for a disk, or while a large file is read. PolicyWatch asks all the time, so an edit counts within some
/// two seconds. A file with faults, or one that is gone, leaves the last good policy in force.
/// </summary>
public sealed class FilePolicySource : IWatchedPolicy
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(1);

    // A file written this recently may be half written, and half a policy can look like a whole one that lacks its last rules. It counts
    // once it is older, or once two looks found the same.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    private const string Nothing = "";

    private readonly string _path;
    private readonly PolicyInForce _policy;
    private readonly TimeProvider _clock;
    private readonly Lock _gate = new();
    private string _judged;
    private string? _candidate;
    private long _lookedAt;

    internal FilePolicySource(string path, PolicyStart start, TimeProvider clock, ILogger<FilePolicySource> log)
    {
        (_path, _clock) = (path, clock);
        _policy = new PolicyInForce(path, start, clock, log);
        _judged = _policy.Current.Hash;
        _lookedAt = clock.GetTimestamp();
    }

    public AccessPolicy Current
    {
        get
        {
            lock (_gate)
            {
                if (Looking.IsCompleted && _clock.GetElapsedTime(_lookedAt) >= BetweenLooks)
                {
                    _lookedAt = _clock.GetTimestamp();
                    Looking = Task.Run(Look);
                }
            }

            _policy.Remind();
            return _policy.Current;
        }
    }

    public Error? Missing
    {
        get
        {
            // Who asks for this alone sets off a look as well.
            _ = Current;
            return _policy.Missing;
        }
    }

    /// <summary>When the policy in force was read.</summary>
    public DateTimeOffset LoadedAt => _policy.LoadedAt;

    /// <summary>Why the file, as it was last found, is not the policy in force; null when it is. For health and metrics.</summary>
    public string? LastFault => _policy.LastFault;

    /// <summary>What is probably not meant in the policy in force, or not available yet.</summary>
    public IReadOnlyList<PolicyFault> Warnings => _policy.Warnings;

    IReadOnlyList<string> IPolicyHealth.Oddities => _policy.Oddities;

    string? IPolicyHealth.Rejected => _policy.LastFault;

    /// <summary>The look that is under way, or the last one; for tests, which do not want to wait by the clock.</summary>
    internal Task Looking { get; private set; } = Task.CompletedTask;

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

    /// <summary>Says in the log which policy is in force, and what is odd about it.</summary>
    public void Announce() => _policy.Announce();

    private void Look()
    {
        try
        {
            LookAtFile();
        }
        catch (Exception failure)
        {
            // Nobody would see an exception here.
            _policy.CannotRead($"looking at it failed ({failure.GetType().Name})");
        }
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
        var settled = bytes is not null && _clock.GetUtcNow() - writtenAt >= Settling;
        if (!settled && _candidate != found)
        {
            _candidate = found;
            return;
        }

        (_candidate, _judged) = (null, found);
        if (bytes is not null) _policy.Judge(bytes);
        else if (gone) _policy.Refuse(problem!);
        else _policy.CannotRead(problem!);
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
