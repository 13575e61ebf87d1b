using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Application.Databases;

/// <summary>What a request would give, in one line.</summary>
public sealed record Preview(string Gives);

/// <summary>
/// What would this person be able to do, asked before they ask for it? Looked up on the live database, up to a minute ago. Refuses what they
/// may not ask for.
/// </summary>
/// <param name="Only">The tables it is narrowed to; empty for the whole scope.</param>
public sealed record GetPreview(PrincipalId Person, DatabaseName Database, ScopeName Scope, IReadOnlyList<TableMention> Only)
    : IRequest<Result<Preview>>
{
    internal sealed class Handler(OfferedScopes offered, LiveCatalog catalog) : IRequestHandler<GetPreview, Result<Preview>>
    {
        public async Task<Result<Preview>> Handle(GetPreview query, CancellationToken cancellationToken)
        {
            var found = await offered.FindAsync(query.Person, query.Database, query.Scope, cancellationToken);
            if (found.Refusal is { } mayNot) return mayNot;

            var scope = found.Value.Scope;
            if (query.Only.Count > 0)
            {
                var narrowed = TableMention.Narrow(scope, query.Only);
                if (narrowed.Refusal is { } outside) return outside;
                scope = narrowed.Value;
            }

            var plan = await catalog.PlanAsync(found.Value, scope, cancellationToken);
            return plan.Refusal is { } refusal ? refusal : new Preview(plan.Value.Summary);
        }
    }
}
