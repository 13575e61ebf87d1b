using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>A scope that somebody may ask for.</summary>
/// <param name="Approval">Null when the rule decides at once.</param>
public sealed record ScopeOffer(ScopeName Scope, string Description, bool HighRisk, string Rule, Lifetime Lifetime, Approval? Approval)
{
    /// <summary>The owner that sessions act as, or null.</summary>
    public string? RunAs { get; init; }

    /// <summary>What the policy says it gives; what that means on the database today is another question.</summary>
    public IReadOnlyList<PrivilegeRule> Privileges { get; init; } = [];
}

/// <summary>A database and what may be asked for on it.</summary>
public sealed record DatabaseOffer(DatabaseName Database, IReadOnlyList<ScopeOffer> Scopes);

/// <summary>What a person may ask for, and every name there is, so that a near miss can be told from a thing that is not theirs.</summary>
public sealed record Offers(IReadOnlyList<DatabaseOffer> Databases, PolicyNames Names)
{
    /// <summary>The zone of the person's clock; null when nobody knows.</summary>
    public string? Zone { get; init; }
}

/// <summary>What may this person ask for now? The form, the help and the reading of typed words all come from here.</summary>
/// <param name="BreakGlass">What they may take by break-glass instead.</param>
public sealed record ListOffers(PrincipalId Person, bool BreakGlass = false) : IRequest<Result<Offers>>
{
    internal sealed class Handler(IDirectory directory, Membership membership, IPolicySource policies, TimeProvider clock)
        : IRequestHandler<ListOffers, Result<Offers>>
    {
        public async Task<Result<Offers>> Handle(ListOffers query, CancellationToken cancellationToken)
        {
            if (policies.Missing is { } none) return none;
            var person = await directory.FindAsync(query.Person, cancellationToken);
            if (person.Refusal is { } stranger) return stranger;

            var policy = policies.Current;
            var standing = await membership.StandingOfAsync(query.Person, policy, cancellationToken);
            var now = clock.GetUtcNow();
            return new Offers(
                [.. policy.OfferedDatabases(standing.Groups, query.BreakGlass)
                    .Select(database => new DatabaseOffer(database, Scopes(policy, standing.Groups, database, now, query.BreakGlass)))
                    .Where(offer => offer.Scopes.Count > 0)],
                PolicyNames.Of(policy, complete: true)) { Zone = person.Value.Zone };
        }

        private static IReadOnlyList<ScopeOffer> Scopes(
                AccessPolicy policy, IReadOnlySet<string> groups, DatabaseName database, DateTimeOffset now, bool breakGlass) =>
        [
            .. policy.OfferedScopes(groups, database, now, breakGlass).Select(name =>
            {
                var rule = policy.RuleFor(groups, database, name, now, breakGlass)!;
                var scope = policy.Scopes[name];
                return new ScopeOffer(
                    name, scope.Description, scope.HighRisk, rule.Id, rule.Lifetime, rule.Approval)
                {
                    RunAs = scope.RunAs, Privileges = scope.Privileges,
                };
            }),
        ];
    }
}
