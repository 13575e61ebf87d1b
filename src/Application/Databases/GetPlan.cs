using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Application.Databases;

/// <summary>
/// What would a role of this scope be able to do on this database, today? Expands the scope on the live database, changes nothing and makes
/// no role. Asks no rule: it is a question about the scope, for whoever keeps the policy.
/// </summary>
/// <param name="Only">The tables that somebody would narrow it to; empty for the whole scope.</param>
public sealed record GetPlan(DatabaseName Database, ScopeName Scope, IReadOnlyList<TableMention> Only) : IRequest<Result<PrivilegePlan>>
{
    internal sealed class Handler(IPolicySource policies, IRoleInventory inventory, Installation installation)
        : IRequestHandler<GetPlan, Result<PrivilegePlan>>
    {
        public async Task<Result<PrivilegePlan>> Handle(GetPlan query, CancellationToken cancellationToken)
        {
            if (policies.Missing is { } none) return none;
            var policy = policies.Current;
            if (!policy.Databases.TryGetValue(query.Database, out var database))
                return new Error("policy.unknown_database",
                    $"There is no database {query.Database} in the policy. It has: " +
                    $"{Names(policy.Databases.Keys.Select(name => name.Value))}.");
            if (!policy.Scopes.TryGetValue(query.Scope, out var scope))
                return new Error("policy.unknown_scope",
                    $"There is no scope {query.Scope} in the policy. It has: {Names(policy.Scopes.Keys.Select(name => name.Value))}.");
            if (!database.Scopes.Contains(query.Scope))
                return new Error("policy.scope_not_offered",
                    $"{query.Scope} is not offered on {query.Database}. Offered are: {Names(database.Scopes.Select(name => name.Value))}.");

            if (query.Only.Count > 0)
            {
                var narrowed = TableMention.Narrow(scope, query.Only);
                if (narrowed.Refusal is { } refusal) return refusal;
                scope = narrowed.Value;
            }

            return await inventory.PlanAsync(installation.Name, database.Target, scope, cancellationToken);
        }

        private static string Names(IEnumerable<string> names) => string.Join(", ", names.Order(StringComparer.Ordinal));
    }
}
