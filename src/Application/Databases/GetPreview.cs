using System.Globalization;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Application.Databases;

/// <summary>What a request would give, in one line.</summary>
public sealed record Preview(string Gives);

/// <summary>
/// What would this person be able to do, asked before they ask for it? Looked up on the live database, up to a minute ago. Refuses what
/// they may not ask for. Whoever looks at it may look for tables next, so they begin to be read.
/// </summary>
/// <param name="Only">The tables it is narrowed to; empty for the whole scope.</param>
public sealed record GetPreview(PrincipalId Person, DatabaseName Database, ScopeName Scope, IReadOnlyList<TableMention> Only)
    : IRequest<Result<Preview>>
{
    internal sealed class Handler(OfferedScopes offered, LiveCatalog catalog) : IRequestHandler<GetPreview, Result<Preview>>
    {
        // What differs from table to table in more ways than these is for the plan's own lines.
        private const int MostGroups = 4;

        public async Task<Result<Preview>> Handle(GetPreview query, CancellationToken cancellationToken)
        {
            var found = await offered.FindAsync(query.Person, query.Database, query.Scope, cancellationToken);
            if (found.Refusal is { } mayNot) return mayNot;

            catalog.Expect(found.Value);
            var scope = found.Value.Scope;
            if (query.Only.Count > 0)
            {
                var narrowed = TableMention.Narrow(scope, query.Only);
                if (narrowed.Refusal is { } outside) return outside;
                scope = narrowed.Value;
            }

            var plan = await catalog.PlanAsync(found.Value, scope, cancellationToken);
            return plan.Refusal is { } refusal ? refusal : new Preview(Words(plan.Value));
        }

        /// <summary><c>select on 3 tables, 1 view; update (status) on table public.orders</c>.</summary>
        private static string Words(PrivilegePlan plan)
        {
            var groups = plan.Objects.Where(thing => thing.Kind is not ("database" or "schema"))
                .GroupBy(Rights, StringComparer.Ordinal).Select(group => $"{group.Key} on {Things([.. group])}").ToList();
            var what = groups.Count == 0 ? plan.Summary : string.Join("; ", groups.Take(MostGroups));
            var more = groups.Count > MostGroups ? "; and other things" : "";
            return $"{what}{more}{(plan.RunAs is { } owner && groups.Count > 0 ? $", acting as the owner {owner}" : "")}";
        }

        private static string Rights(PlannedObject thing) => string.Join(
            ", ", [.. thing.Privileges, .. thing.Columns.Select(entry => $"{entry.Key} ({string.Join(", ", entry.Value)})")]);

        private static string Things(IReadOnlyList<PlannedObject> things) => things is [var one] ? $"{one.Kind} {one.Name}"
            : string.Join(", ", things.GroupBy(thing => thing.Kind, StringComparer.Ordinal).Select(kind => string.Create(
                CultureInfo.InvariantCulture, $"{kind.Count():N0} {kind.Key}{(kind.Count() == 1 ? "" : "s")}")));
    }
}
