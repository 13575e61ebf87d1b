using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Connections;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>Expands a scope on one database: reads only, and waits for nobody's locks on tables.</summary>
internal static class PlanReader
{
    /// <param name="sizes">With what is for people only: estimates of rows and sizes, and what PUBLIC has.</param>
    public static async Task<PrivilegePlan> ReadAsync(
            ClusterConnection cluster, ScopePart part, bool sizes, CancellationToken cancellationToken)
    {
        var rows = await cluster.RowsAsync(PlanStatements.Plan, [part.Role, part.Rules, sizes], PlanRow.Read, cancellationToken);
        List<PublicPrivilege> everybody = [];
        if (sizes)
        {
            string[] opened = [.. rows.Where(row => row.Kind == "schema").Select(row => row.Name)];
            everybody = await cluster.RowsAsync(PlanStatements.PublicHas, [opened],
                row => new PublicPrivilege(part.Database, row.GetString(0), row.GetString(1), row.GetString(2)), cancellationToken);
        }

        const string later = "later ";
        return new PrivilegePlan(
            part.Scope.Name,
            [
                .. rows.Where(row => !row.Kind.StartsWith(later, StringComparison.Ordinal)).GroupBy(row => (row.Kind, row.Name))
                    .OrderBy(thing => Order(thing.Key.Kind)).ThenBy(thing => thing.Key.Name, StringComparer.Ordinal)
                    .Select(thing => new PlannedObject(
                        part.Database, thing.Key.Kind, thing.Key.Name, thing.First().Owner,
                        Sorted(thing.Where(row => row.Column is null).Select(row => row.Privilege)),
                        thing.Where(row => row.Column is not null).GroupBy(row => row.Privilege!, StringComparer.Ordinal)
                            .ToDictionary(group => group.Key, group => Sorted(group.Select(row => row.Column!)), StringComparer.Ordinal),
                        thing.First().Rows, thing.First().Bytes)),
            ],
            [
                .. rows.Where(row => row.Kind.StartsWith(later, StringComparison.Ordinal)).GroupBy(row => (row.Owner, row.Name, row.Kind))
                    .OrderBy(group => group.Key.Name, StringComparer.Ordinal).ThenBy(group => group.Key.Kind, StringComparer.Ordinal)
                        .ThenBy(group => group.Key.Owner, StringComparer.Ordinal)
                    .Select(group => new PlannedLater(part.Database, group.Key.Owner, group.Key.Name, group.Key.Kind[later.Length..],
                        Sorted(group.Select(row => row.Privilege)))),
            ],
            everybody,
            part.Scope.RunAs)
        {
            Remarks = rows.Exists(row => row.IsRemarkable) ? await PlanRemarks.ReadAsync(cluster, part, cancellationToken) : [],
        };

        static IReadOnlyList<string> Sorted(IEnumerable<string?> words) =>
            [.. words.OfType<string>().Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
        static int Order(string kind) => kind switch { "database" => 0, "schema" => 1, "table" => 2, _ => 3 };
    }
}
