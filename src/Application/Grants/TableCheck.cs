using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Grants;

/// <summary>
/// Are the tables there that a request is narrowed to? Asked of the live database before anything is filed, so that a slip of the pen is
/// answered at once and not when the role is made. It only makes the answer nicer: a database that does not say in time keeps nobody from
/// filing.
/// </summary>
internal sealed class TableCheck(IRoleInventory inventory, IPolicySource policies, TimeProvider clock, ILogger<TableCheck> log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1.5);

    /// <summary>Why the request is not to be filed, with what was probably meant; null when it is.</summary>
    public async Task<Error?> RefusalOfAsync(AccessVerdict.Terms terms, CancellationToken cancellationToken)
    {
        if (terms.Scope.NarrowedTo.Count == 0) return null;

        var wanted = terms.Scope.Privileges.Where(rule => rule.On is { Kind: ObjectKind.Table or ObjectKind.View, Name: not null })
            .Select(rule => new TableName(rule.On.Schema, rule.On.Name!)).Distinct().ToList();
        if (await FindAsync(terms, wanted, cancellationToken) is not { } found) return null;

        var missing = wanted.Except(found).ToList();
        if (missing.Count == 0) return null;

        var meant = missing.ToDictionary(table => table, table => Nearest(table, found, terms.Scope.Name));
        var near = meant.Values.OfType<TableName>().Distinct().ToList();
        var question = near.Count == 0
            ? "Names are as SQL writes them: one with capitals stands in double quotes." : $"Did you mean {Named(near)}?";
        return new Error("scope.no_such_table",
            $"{terms.Target.Name} has no {(missing.Count == 1 ? "table" : "tables")} {Named(missing)}. {question} Nothing was filed.")
        {
            // A request for fewer tables than were named is not what was meant.
            Meant = meant.Values.Any(table => table is null)
                ? null : string.Join(", ", wanted.Select(table => meant.GetValueOrDefault(table, table)).Distinct()),
        };
    }

    /// <summary>The nearest name in the same schema, if the scope gives something on it: of anything else nobody is told.</summary>
    private TableName? Nearest(TableName table, IReadOnlyList<TableName> found, ScopeName scope)
    {
        if (policies.Current.Scopes.GetValueOrDefault(scope) is not { } whole) return null;

        var given = found.Where(other => other.Schema == table.Schema && whole.NarrowTo([other]).Refusal is null);
        return Show.Nearest(table.Name, given.Select(other => other.Name)) is { } name ? table with { Name = name } : null;
    }

    private Task<IReadOnlyList<TableName>?> FindAsync(
        AccessVerdict.Terms terms, IReadOnlyList<TableName> wanted, CancellationToken cancellationToken) => Deadline.AskAsync(
            Patience, clock,
            async token =>
            {
                var found = await inventory.FindTablesAsync(
                    terms.Target.Cluster, terms.Scope.DatabasesOf(terms.Target), wanted, token);
                return found.Refusal is null ? found.Value : null;
            },
            late: () => null,
            failure =>
            {
                log.LogError(failure, "Whether tables are there could not be looked up on {Database}", terms.Target.Name.Value);
                return null;
            },
            cancellationToken);

    private static string Named(IReadOnlyCollection<TableName> tables) =>
        string.Join(", ", tables.Take(5).Select(table => $"`{table.ToString().Replace('`', '\'')}`"))
            + (tables.Count > 5 ? $" and {tables.Count - 5} more" : "");
}
