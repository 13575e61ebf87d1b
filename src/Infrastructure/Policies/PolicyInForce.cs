using DbAccess.Domain;
using DbAccess.Domain.Policies;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Policies;

/// <summary>What a source begins with: a policy, or why there is none.</summary>
/// <param name="Unreadable">A clause, when it cannot even be said what is there.</param>
internal sealed record PolicyStart(
        AccessPolicy? Policy, IReadOnlyList<PolicyFault> Warnings, IReadOnlyList<string> Faults, string? Unreadable)
{
    public static PolicyStart Of(PolicyReading reading) =>
        new(reading.Policy, reading.Warnings, [.. reading.Faults.Select(fault => fault.ToString())], null);

    public static PolicyStart Refused(string why) => new(null, [], [why], null);

    public static PolicyStart CannotRead(string why) => new(null, [], [], why);
}

/// <summary>
/// The last good policy, or none as long as there was none, and what is wrong with what came after it. Says in the log what changes.
/// </summary>
/// <param name="place">Where the policy is kept, for the log.</param>
internal sealed class PolicyInForce(string place, PolicyStart start, TimeProvider clock, ILogger log)
{
    // An alarm that looks at five minutes hears of it twice.
    private static readonly TimeSpan BetweenReminders = TimeSpan.FromMinutes(2);

    private static readonly Error None = new(
        "policy.none",
            "There is no access policy that can be used, so nothing can be asked for or decided. Whoever keeps it has to put it right. " +
            "What was given ends on time all the same.");

    private long _saidAt;

    private volatile State _state = new(
        start.Policy, start.Warnings, clock.GetUtcNow(), start.Faults, start.Unreadable is { } why
            ? new Silence(why, clock.GetUtcNow()) : null);

    public AccessPolicy Current => _state.Policy ?? AccessPolicy.Nothing;

    public Error? Missing => _state.Policy is null ? None : null;

    public IReadOnlyList<string> Oddities => [.. _state.Warnings.Select(warning => warning.ToString())];

    public DateTimeOffset LoadedAt => _state.LoadedAt;

    public string? LastFault => _state.LastFault;

    public void Announce()
    {
        var state = _state;
        if (state.Policy is null)
        {
            Remind(state);
            foreach (var fault in state.Faults) log.LogError("Policy {Path} {Fault}", place, fault);
            return;
        }

        log.LogInformation("Policy {Hash} of {Path} is in force: {Databases} databases, {Scopes} scopes, {Rules} rules",
            state.Policy.Hash, place, state.Policy.Databases.Count, state.Policy.Scopes.Count, state.Policy.Allow.Count +
                state.Policy.Forbid.Count);
        foreach (var warning in state.Warnings) log.LogWarning("Policy {Path} {Warning}", place, warning.ToString());
    }

    /// <summary>Takes the new content if it has no fault; otherwise the last good policy stays.</summary>
    public void Judge(byte[] content)
    {
        var reading = PolicyYaml.Read(content);
        if (reading.Policy is { } policy)
        {
            _state = new State(policy, reading.Warnings, clock.GetUtcNow(), [], null);
            Announce();
            return;
        }

        Refuse([.. reading.Faults.Select(fault => fault.ToString())]);
    }

    /// <summary>What is there, or that nothing is, is the policy's own fault; the last good one stays.</summary>
    public void Refuse(params IReadOnlyList<string> faults)
    {
        _state = _state with { Faults = faults, Unreadable = null };
        Remind(_state);
        foreach (var fault in faults) log.LogError("Policy {Path} {Fault}", place, fault);
    }

    /// <summary>
    /// It cannot be said what is there: that is no fault of the policy's, whatever was found there before stays found, and the last good
    /// one stays.
    /// </summary>
    /// <param name="why">A clause.</param>
    public void CannotRead(string why)
    {
        _state = _state with { Unreadable = new Silence(why, _state.Unreadable?.Since ?? clock.GetUtcNow()) };
        Remind(_state);
    }

    /// <summary>
    /// Says again what is wrong, as long as it is, so that an alarm does not clear while nothing has changed. To be called often.
    /// </summary>
    public void Remind()
    {
        var state = _state;
        if (state.LastFault is not null && clock.GetUtcNow().UtcTicks - Interlocked.Read(ref _saidAt) >= BetweenReminders.Ticks)
            Remind(state);
    }

    private void Remind(State state)
    {
        Interlocked.Exchange(ref _saidAt, clock.GetUtcNow().UtcTicks);
        // Alarms read PolicyFaults and PolicyUnreadableSeconds (deploy/terraform/alarms.tf); a test holds the two together.
        if (state.Faults.Count > 0)
            log.LogError("Policy {Path} cannot be used; {InForce}. Faults: {PolicyFaults}", place, state.InForce, state.Faults.Count);
        if (state.Unreadable is { } silence)
        {
            log.LogError("Policy {Path} cannot be read, since {PolicyUnreadableSeconds} s; {InForce}: {Why}",
                place, (long)(clock.GetUtcNow() - silence.Since).TotalSeconds, state.InForce, silence.Why);
        }
    }

    private sealed record Silence(string Why, DateTimeOffset Since);

    private sealed record State(AccessPolicy? Policy, IReadOnlyList<PolicyFault> Warnings, DateTimeOffset LoadedAt,
        IReadOnlyList<string> Faults, Silence? Unreadable)
    {
        public string InForce => Policy is null ? "there is none in force: nothing is given" : $"{Policy.Hash} stays in force";

        public string? LastFault => Unreadable?.Why
            ?? (Faults.Count == 0 ? null : string.Join("; ", Faults.Take(5)) + (Faults.Count > 5 ? $"; and {Faults.Count - 5} more" : ""));
    }
}
