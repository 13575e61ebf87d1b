using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Grants;

/// <summary>What a request says, once it is typed and judged.</summary>
public sealed record GrantRequest(
    string Key,
    PrincipalId Requester,
    string Handle,
    DatabaseTarget Target,
    PrivilegeScope Scope,
    TimeSpan Duration,
    string Reason,
    string? Ticket,
    string Rule,
    string PolicyHash,
    string? Correlation = null)
{
    /// <summary>Who asks on behalf of the requester; null when they ask themselves.</summary>
    public PrincipalId? AskedBy { get; init; }

    /// <summary>When its time begins; null: as soon as it can.</summary>
    public DateTimeOffset? StartsAt { get; init; }

    /// <summary>What is owed for taking it without asking; null when it is not taken so.</summary>
    public BreakGlass? BreakGlass { get; init; }
}
