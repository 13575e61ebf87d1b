using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Policies;

/// <summary>What the policy says to a request.</summary>
public abstract record AccessVerdict
{
    private AccessVerdict()
    {
    }

    /// <summary>Allowed on these terms: at once, or if those agree whom the rule names (<see cref="AccessRule.Approval"/>).</summary>
    public sealed record Terms(AccessRule Rule, DatabaseTarget Target, PrivilegeScope Scope, TimeSpan Duration, string? Ticket)
        : AccessVerdict
    {
        /// <summary>True when nobody has to agree.</summary>
        public bool AtOnce => Rule.Approval is null;
    }

    /// <summary>Not allowed; the refusal names the rule, or the nearest thing that is allowed.</summary>
    public sealed record Refused(Error Refusal) : AccessVerdict;
}
