using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Policies;

/// <summary>
/// A policy that is read again when it changes, wherever it is kept. Whoever asks for it sets off a look, if the last one is long enough
/// ago, and takes what is in force meanwhile: nobody waits for a disk or a network. PolicyWatch asks all the time. What has faults, or
/// cannot be read, leaves the last good policy in force.
/// </summary>
/// <param name="place">Where it is kept, for the log.</param>
internal abstract class WatchedPolicy(string place, PolicyStart start, TimeSpan betweenLooks, TimeProvider clock, ILogger log)
    : IPolicySource, IPolicyHealth
{
    private readonly Lock _gate = new();
    private long _lookedAt = clock.GetTimestamp();

    public AccessPolicy Current
    {
        get
        {
            lock (_gate)
            {
                if (Looking.IsCompleted && Clock.GetElapsedTime(_lookedAt) >= betweenLooks)
                {
                    _lookedAt = Clock.GetTimestamp();
                    Looking = Task.Run(LookAsync);
                }
            }

            InForce.Remind();
            return InForce.Current;
        }
    }

    public Error? Missing
    {
        get
        {
            // Who asks for this alone sets off a look as well.
            _ = Current;
            return InForce.Missing;
        }
    }

    /// <summary>When the policy in force was read.</summary>
    public DateTimeOffset LoadedAt => InForce.LoadedAt;

    /// <summary>Why what was found last is not the policy in force; null when it is. For health and metrics.</summary>
    public string? LastFault => InForce.LastFault;

    IReadOnlyList<string> IPolicyHealth.Oddities => InForce.Oddities;

    string? IPolicyHealth.Rejected => InForce.LastFault;

    /// <summary>The look that is under way, or the last one; for tests, which do not want to wait by the clock.</summary>
    internal Task Looking { get; private set; } = Task.CompletedTask;

    protected TimeProvider Clock { get; } = clock;

    protected PolicyInForce InForce { get; } = new(place, start, clock, log);

    /// <summary>Says in the log which policy is in force, and what is odd about it.</summary>
    public void Announce() => InForce.Announce();

    /// <summary>One at a time. Ends in a state, in bounded time, and never in an exception: nobody would see one.</summary>
    protected abstract Task LookAsync();
}
