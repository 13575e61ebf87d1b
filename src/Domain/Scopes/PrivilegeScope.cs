using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DbAccess.Domain.Databases;

namespace DbAccess.Domain.Scopes;

/// <summary>
/// A named set of privileges and the objects they cover. It is copied onto a grant when the grant is decided, so that a later edit of the
/// policy gives nobody more.
/// </summary>
/// <param name="Description">One line for the form and the approver.</param>
/// <param name="Settings">Guard rails for honest users, set on the role (<c>statement_timeout</c>). Never a limit: the holder can change
/// them.</param>
/// <param name="Connections">How many sessions the role may have at once.</param>
/// <param name="RunAs">The owner that sessions act as (migrations), or null.</param>
/// <param name="HighRisk">Marked for approvers.</param>
public sealed record PrivilegeScope(
    ScopeName Name,
    string Description,
    IReadOnlyList<PrivilegeRule> Privileges,
    IReadOnlyDictionary<string, string> Settings,
    int Connections,
    string? RunAs,
    bool HighRisk)
{
    /// <summary>
    /// What the requester narrowed it to, in their words (<c>public.orders</c>); empty when it is the scope as the policy has it.
    /// </summary>
    public IReadOnlyList<string> NarrowedTo { get; init => field = value ?? []; } = [];

    /// <summary>The rules that concern one database (PostgreSQL's name).</summary>
    public IEnumerable<PrivilegeRule> RulesFor(string database) =>
        Privileges.Where(rule => rule.Database is null || rule.Database == database);

    /// <summary>
    /// The databases of a target that the scope lets into: the first one, and those of the others for which it has a rule or an owner to
    /// act as.
    /// </summary>
    public IReadOnlyList<string> DatabasesOf(DatabaseTarget target) =>
        [target.Database, .. target.Also.Where(database => RunAs is not null || RulesFor(database).Any())];

    /// <summary>
    /// The same scope with nothing but these tables and views, and the sequences that belong to them: for somebody who needs less than the
    /// scope gives. Refuses a table on which the scope gives nothing, as far as names tell; whether it exists is found out on the database.
    /// </summary>
    public Result<PrivilegeScope> NarrowTo(IReadOnlyList<TableName> tables)
    {
        if (RunAs is not null)
            return new Error("scope.not_narrowed",
                $"{Name} acts as the owner {RunAs}, who can do everything with its tables: it cannot be narrowed to some of them.");
        if (tables.FirstOrDefault(table => !CanBeNarrowedTo(table)) is { } outside)
            return new Error("scope.not_in_scope",
                $"{Name} gives nothing on {outside}. It gives: " +
                $"{string.Join("; ", Privileges.Take(10))}{(Privileges.Count > 10 ? "; …" : "")}.");

        var wanted = tables.Distinct().OrderBy(table => table.Schema, StringComparer.Ordinal)
            .ThenBy(table => table.Name, StringComparer.Ordinal).ToList();
        return this with
        {
            NarrowedTo = [.. wanted.Select(table => table.ToString())],
            Privileges =
            [
                .. Privileges.SelectMany(rule => rule.On.Kind switch
                {
                    ObjectKind.Table or ObjectKind.View => wanted.Where(table => IsOn(rule, table))
                        .Select(table => rule with { On = new ObjectSelector(rule.On.Kind, table.Schema, table.Name) }),
                    ObjectKind.Sequence =>
                        wanted.Where(table => rule.On.CoversSchema(table.Schema) && (rule.On.OfTable ?? table.Name) == table.Name)
                        .Select(table => rule with
                        {
                            On = rule.On with { Schema = table.Schema, SchemaIsPattern = false, OfTable = table.Name },
                        }),
                    _ => [],
                }),
            ],
        };
    }

    /// <summary>Whether it gives something on this table or view, as far as names tell, and can be had for it alone.</summary>
    public bool CanBeNarrowedTo(TableName table) => RunAs is null && Privileges.Any(rule => IsOn(rule, table));

    private static bool IsOn(PrivilegeRule rule, TableName table) =>
        rule.On.Kind is ObjectKind.Table or ObjectKind.View && rule.On.CoversSchema(table.Schema) && rule.On.Covers(table.Name);

    /// <summary>
    /// A hash of the privileges on one database (hex), never equal when different things are allowed there. Settings, description and
    /// connection limit belong to the temporary role and are not part of it.
    /// </summary>
    public string Fingerprint(string database)
    {
        string[] pieces = [database, Name.Value, RunAs ?? "", .. RulesFor(database).Select(Canonical).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)];
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Domain.Canonical.Join(pieces))));
    }

    /// <summary>Everything that a role is made from, as one text; never equal when a role would be another.</summary>
    public string InFull() => Domain.Canonical.Join(
    [
        Name.Value, RunAs ?? "", Connections.ToString(CultureInfo.InvariantCulture),
        Domain.Canonical.Join(NarrowedTo),
        Domain.Canonical.Join([.. Privileges.Select(rule => Domain.Canonical.Join([rule.Database ?? "", Canonical(rule)]))]),
        Domain.Canonical.Join([.. Settings.OrderBy(setting => setting.Key, StringComparer.Ordinal)
            .SelectMany(setting => (string[])[setting.Key, setting.Value])]),
    ]);

    private static string Canonical(PrivilegeRule rule) => Domain.Canonical.Join(
    [
        ((int)rule.On.Kind).ToString(CultureInfo.InvariantCulture), rule.On.Schema, rule.On.Name is null
            ? "all" : "one", rule.On.Name ?? "",
        Domain.Canonical.Join([.. rule.Columns.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]),
        Domain.Canonical.Join([.. rule.Allow.Distinct().Order().Select(p => p.ToString())]),
        // Only where there is such a thing, so that the scope roles of earlier versions keep their names.
        .. rule.On.Pattern is { } pattern ? (string[])["like", pattern] : [],
        .. rule.On.OfTable is { } table ? (string[])["of", table] : [],
        .. rule.On.SchemaIsPattern ? (string[])["schemas"] : [],
    ]);
}
