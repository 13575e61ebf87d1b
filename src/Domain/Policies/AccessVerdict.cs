using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Policies;

/// <summary>What the policy says to a request.</summary>
public abstract record AccessVerdict
{
    private AccessVerdict()
    {
    }

    /// <summary>Allowed at once.</summary>
    public sealed record Allowed(AccessRule Rule, DatabaseTarget Target, PrivilegeScope Scope, TimeSpan Duration, string? Ticket)
        : AccessVerdict;

    /// <summary>Allowed if approvers agree.</summary>
    public sealed record NeedsApproval(AccessRule Rule, DatabaseTarget Target, PrivilegeScope Scope, TimeSpan Duration, string? Ticket)
        : AccessVerdict;

    /// <summary>Not allowed; the refusal names the rule, or the nearest thing that is allowed.</summary>
    public sealed record Refused(Error Refusal) : AccessVerdict;
}

/// <summary>What somebody asks the policy.</summary>
/// <param name="Groups">The names of the policy's groups that the requester is in, <c>everyone</c> included.</param>
/// <param name="Duration">How long, or null for the rule's own default.</param>
public sealed record AccessQuestion(
    IReadOnlySet<string> Groups,
    DatabaseName Database,
    ScopeName Scope,
    TimeSpan? Duration,
    string Reason,
    DateTimeOffset Now);
