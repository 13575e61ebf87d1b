using Amazon.S3;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using DbAccess.Infrastructure.Files;
using DbAccess.Infrastructure.Policies;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.S3;

/// <summary>
/// The policy as an object in S3, asked for by its ETag. Whoever asks for the policy sets off a look, at most every 10 seconds, and takes
/// what is in force meanwhile: a decision never waits for S3. PolicyWatch asks all the time, so an edit counts within some ten seconds. An
/// object with faults, or one that cannot be read, leaves the last good policy in force.
/// </summary>
internal sealed class S3PolicySource : IWatchedPolicy
{
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly IAmazonS3 _client;
    private readonly string _bucket;
    private readonly string _key;
    private readonly TimeProvider _clock;
    private readonly PolicyInForce _policy;
    private long _lookedAt;
    private string? _etag;
    private string? _problem;

    public S3PolicySource(
            IAmazonS3 client, string bucket, string key, PolicyStart start, string? etag, TimeProvider clock, ILogger<S3PolicySource> log)
    {
        (_client, _bucket, _key, _etag, _clock) = (client, bucket, key, etag, clock);
        _policy = new PolicyInForce($"s3://{bucket}/{key}", start, clock, log);
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
                    Looking = Task.Run(LookAsync);
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

    /// <summary>Why the object, as it was last found, is not the policy in force; null when it is. For health and metrics.</summary>
    public string? LastFault => _policy.LastFault;

    IReadOnlyList<string> IPolicyHealth.Oddities => _policy.Oddities;

    string? IPolicyHealth.Rejected => _policy.LastFault;

    /// <summary>The look that is under way, or the last one; for tests, which do not want to wait by the clock.</summary>
    internal Task Looking { get; private set; } = Task.CompletedTask;

    public void Announce() => _policy.Announce();

    /// <summary>
    /// Its time is bounded, and it ends in a state and never in an exception: nobody would see one, and nobody may wait for a look that
    /// does not end.
    /// </summary>
    private async Task LookAsync()
    {
        try
        {
            Take(await S3Objects.ReadAsync(_client, _bucket, _key, PolicyYaml.LongestFile, _etag, _clock, CancellationToken.None));
        }
        catch (Exception failure)
        {
            Take(new S3Reading.Failed(false, $"looking at it failed ({failure.GetType().Name})"));
        }
    }

    private void Take(S3Reading reading)
    {
        switch (reading)
        {
            case S3Reading.Found found:
                (_etag, _problem) = (found.ETag, null);
                _policy.Judge(found.Content);
                break;

            case S3Reading.Failed failed when failed.Kind != _problem:
                _problem = failed.Kind;
                // The object is judged anew when it can be read again, so its tag is forgotten.
                _etag = null;
                if (failed.Missing) _policy.Refuse(failed.Why);
                else _policy.CannotRead(failed.Why);
                break;
        }
    }
}
