using DbAccess.Domain.Databases;
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
    string? Correlation = null);
