using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Application.Databases;

/// <summary>Tables and views as they are typed (<c>public.orders</c>), by name.</summary>
public sealed record TableList(IReadOnlyList<string> Names);

/// <summary>
/// To which tables could this person narrow the scope? Looked up on the live database, lately: what is shown may be some minutes old, and
/// is looked up again then. Refuses what they may not ask for.
/// </summary>
public sealed record ListTables(PrincipalId Person, DatabaseName Database, ScopeName Scope) : IRequest<Result<TableList>>
{
    internal sealed class Handler(OfferedScopes offered, LiveCatalog catalog) : IRequestHandler<ListTables, Result<TableList>>
    {
        public async Task<Result<TableList>> Handle(ListTables query, CancellationToken cancellationToken)
        {
            var scope = await offered.FindAsync(query.Person, query.Database, query.Scope, cancellationToken);
            if (scope.Refusal is { } mayNot) return mayNot;

            var tables = await catalog.TablesAsync(scope.Value, cancellationToken);
            return tables.Refusal is { } refusal ? refusal : new TableList(tables.Value);
        }
    }
}
