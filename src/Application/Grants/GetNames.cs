using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>
/// Every name of the policy in force, so that a verb can be told from a database or scope of the same name. What is not in it may exist all
/// the same while there is no policy (<paramref name="Complete"/> is false then).
/// </summary>
public sealed record PolicyNames(IReadOnlySet<DatabaseName> Databases, IReadOnlySet<ScopeName> Scopes, bool Complete)
{
    public static PolicyNames Of(AccessPolicy policy, bool complete) =>
        new(policy.Databases.Keys.ToHashSet(), policy.Scopes.Keys.ToHashSet(), complete);

    public bool IsDatabase(string word) => DatabaseName.Parse(word) is { } name && Databases.Contains(name);

    public bool IsScope(string word) => ScopeName.Parse(word) is { } name && Scopes.Contains(name);

    public bool IsName(string word) => IsDatabase(word) || IsScope(word);
}

/// <summary>
/// Which names are there? Asks neither directory nor user groups, and is answered without a policy as well: giving back, listing and
/// helping must not depend on any of them.
/// </summary>
public sealed record GetNames : IRequest<Result<PolicyNames>>
{
    internal sealed class Handler(IPolicySource policies) : IRequestHandler<GetNames, Result<PolicyNames>>
    {
        public Task<Result<PolicyNames>> Handle(GetNames query, CancellationToken cancellationToken)
        {
            return Task.FromResult(Result<PolicyNames>.Of(PolicyNames.Of(policies.Current, policies.Missing is null)));
        }
    }
}
