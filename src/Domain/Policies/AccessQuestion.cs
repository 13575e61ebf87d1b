using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Policies;

/// <summary>What somebody asks the policy.</summary>
/// <param name="Groups">The names of the policy's groups that the requester is in, <c>everyone</c> included.</param>
/// <param name="Duration">How long, or null for the rule's own default.</param>
public sealed record AccessQuestion(
    IReadOnlySet<string> Groups,
    DatabaseName Database,
    ScopeName Scope,
    TimeSpan? Duration,
    string Reason,
    DateTimeOffset Now)
{
    /// <summary>
    /// Groups of which nobody can say now whether the requester is in them. What forbids by such a group forbids, what allows by it does
    /// not, and it does not let anybody slip to a rule that asks for less.
    /// </summary>
    public IReadOnlySet<string> Unreadable { get; init; } = new HashSet<string>();

    /// <summary>The person said <c>break-glass</c>: rules for that are looked at, and no others.</summary>
    public bool BreakGlass { get; init; }

    /// <summary>When the access is to start; null for now. Forbids and calendars are asked about the start.</summary>
    public DateTimeOffset? StartsAt { get; init; }

    internal DateTimeOffset Start => StartsAt ?? Now;

    /// <summary>Hours are asked about the start, however long ago it was; what is forbidden by now is forbidden.</summary>
    internal DateTimeOffset Latest => Start > Now ? Start : Now;
}
