using DbAccess.Application.Ports;
using DbAccess.Domain.Policies;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Files;

/// <summary>A policy that is read again when it changes, wherever it is kept.</summary>
internal interface IWatchedPolicy : IPolicySource, IPolicyHealth
{
    /// <summary>Says in the log which policy is in force, and what is odd about it.</summary>
    void Announce();
}

/// <summary>The last good policy, and what is wrong with what came after it. Says in the log what changes.</summary>
/// <param name="place">Where the policy is kept, for the log.</param>
internal sealed class PolicyInForce(string place, PolicyReading start, TimeProvider clock, ILogger log)
{
    private volatile State _state = new(
        start.Policy ?? throw new ArgumentException("A source starts with a policy that can be used.", nameof(start)), start.Warnings, clock.GetUtcNow(), null);

    public AccessPolicy Current => _state.Policy;

    public IReadOnlyList<PolicyFault> Warnings => _state.Warnings;

    public IReadOnlyList<string> Oddities => [.. _state.Warnings.Select(warning => warning.ToString())];

    public DateTimeOffset LoadedAt => _state.LoadedAt;

    public string? LastFault => _state.LastFault;

    public void Announce()
    {
        var state = _state;
        log.LogInformation("Policy {Hash} of {Path} is in force: {Databases} databases, {Scopes} scopes, {Rules} rules",
            state.Policy.Hash, place, state.Policy.Databases.Count, state.Policy.Scopes.Count, state.Policy.Allow.Count + state.Policy.Forbid.Count);
        foreach (var warning in state.Warnings) log.LogWarning("Policy {Path} {Warning}", place, warning.ToString());
    }

    /// <summary>Takes the new content if it has no fault; otherwise the last good policy stays.</summary>
    public void Judge(byte[] content)
    {
        var reading = PolicyYaml.Read(content);
        if (reading.Policy is { } policy)
        {
            _state = new State(policy, reading.Warnings, clock.GetUtcNow(), null);
            Announce();
            return;
        }

        Refuse([.. reading.Faults.Select(fault => fault.ToString())]);
    }

    /// <summary>There is no content to judge; the last good policy stays.</summary>
    public void Refuse(params IReadOnlyList<string> faults)
    {
        _state = _state with { LastFault = string.Join("; ", faults.Take(5)) + (faults.Count > 5 ? $"; and {faults.Count - 5} more" : "") };
        log.LogError("Policy {Path} changed and cannot be used; {Hash} stays in force. Faults: {Count}", place, _state.Policy.Hash, faults.Count);
        foreach (var fault in faults) log.LogError("Policy {Path} {Fault}", place, fault);
    }

    private sealed record State(AccessPolicy Policy, IReadOnlyList<PolicyFault> Warnings, DateTimeOffset LoadedAt, string? LastFault);
}
