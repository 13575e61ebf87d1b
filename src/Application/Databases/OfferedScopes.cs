using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Application.Databases;

/// <summary>A scope on a database, as the policy in force has it.</summary>
internal sealed record OfferedScope(DatabaseTarget Target, PrivilegeScope Scope, string PolicyHash);

/// <summary>May this person ask for that now? Of what they may not ask for, nobody is told what is there.</summary>
internal sealed class OfferedScopes(IDirectory directory, Membership membership, IPolicySource policies, TimeProvider clock)
{
    public async Task<Result<OfferedScope>> FindAsync(
        PrincipalId person, DatabaseName database, ScopeName scope, CancellationToken cancellationToken)
    {
        if (policies.Missing is { } none) return none;
        var known = await directory.FindAsync(person, cancellationToken);
        if (known.Refusal is { } stranger) return stranger;

        var policy = policies.Current;
        var standing = await membership.StandingOfAsync(person, policy, cancellationToken);
        return policy.OfferedScopes(standing.Groups, database, clock.GetUtcNow()).Contains(scope)
            ? new OfferedScope(policy.Databases[database].Target, policy.Scopes[scope], policy.Hash)
            : new Error("policy.no_rule", $"You cannot ask for {scope} on {database}.");
    }
}
