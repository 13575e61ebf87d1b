using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Roles;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>
/// What a scope comes to in one of the databases of a grant: the scope role there, by its name and its tag, and its rules as the statements
/// read them.
/// </summary>
internal sealed class ScopePart(
    string installation, DatabaseTarget target, string database, PrivilegeScope scope, string? role = null)
{
    private readonly List<PrivilegeRule> _rules = [.. scope.RulesFor(database)];
    private readonly string _fingerprint = scope.Fingerprint(database);

    public DatabaseTarget Target { get; } = target;

    public string Database { get; } = database;

    public PrivilegeScope Scope { get; } = scope;

    /// <summary>For people: the name they know, and the database where there are several.</summary>
    public string Place => Target.Also.Count == 0 ? Target.Name.Value : $"{Target.Name} ({Database})";

    public string Installation { get; } = installation;

    /// <summary>The scope role's name as its privileges give it.</summary>
    public string FirstRole => field ??= RoleName.ForScope(Installation, Scope.Name.Value, _fingerprint).Value;

    /// <summary>The scope role that is used: mostly the first.</summary>
    public string Role => role ?? FirstRole;

    public string Tag => field ??= RoleTag.Scope(Installation, Database, Scope.Name.Value, _fingerprint);

    /// <summary>The rules as <see cref="ScopeStatements.Differences"/> reads them.</summary>
    public string Rules => field ??= JsonSerializer.Serialize(
        [
            .. _rules.Select((rule, n) => new RuleRow(
                n, rule.On.Kind.ToString().ToLowerInvariant(), rule.On.Schema, rule.On.SchemaIsPattern ? Like(rule.On.Schema) : null,
                rule.On.Name, rule.On.Name is null
                    ? Like(rule.On.Pattern) : null, rule.On.OfTable,
                rule.Columns.Count == 0 ? null : rule.Columns,
                rule.On.Kind == ObjectKind.Schema ? [] : [.. rule.Allow.Select(p => p.ToString().ToUpperInvariant())],
                Scope.NarrowedTo.Count > 0)),
        ],
        RuleShape.Relaxed.RuleRowArray);

    public string[] Schemas => field ??= SchemasOf(_rules.Select(rule => rule.On));

    /// <summary>What the names of further schemas are like.</summary>
    public string[] SchemaPatterns => field ??= SchemaPatternsOf(_rules.Select(rule => rule.On));

    public bool HasFunctions => _rules.Any(rule => rule.On.Kind == ObjectKind.Function);

    public bool HasColumns => _rules.Any(rule => rule.Columns.Count > 0);

    /// <summary>Which sequence belongs to which table is nothing that a mark would see.</summary>
    public bool CanBeMarked => _rules.All(rule => rule.On.OfTable is null);

    /// <summary>The parts of an order's scope, the first database's first.</summary>
    public static IReadOnlyList<ScopePart> Of(RoleOrder order) => Of(order.Installation, order.Target, order.Scope);

    public static IReadOnlyList<ScopePart> Of(string installation, DatabaseTarget target, PrivilegeScope scope) =>
        [.. scope.DatabasesOf(target).Select(database => new ScopePart(installation, target, database, scope))];

    /// <summary>The same, given through another scope role.</summary>
    public ScopePart As(string other) => new(Installation, Target, Database, Scope, other);

    /// <summary>The schemas that are named.</summary>
    public static string[] SchemasOf(IEnumerable<ObjectSelector> selectors) =>
        [.. selectors.Where(on => !on.SchemaIsPattern).Select(on => on.Schema).Distinct(StringComparer.Ordinal)];

    /// <summary>As LIKE takes them.</summary>
    public static string[] SchemaPatternsOf(IEnumerable<ObjectSelector> selectors) =>
        [.. selectors.Where(on => on.SchemaIsPattern).Select(on => Like(on.Schema)!).Distinct(StringComparer.Ordinal)];

    /// <summary>What LIKE takes for our * and ?.</summary>
    private static string? Like(string? pattern) => pattern?
        .Replace("\\", "\\\\", StringComparison.Ordinal).Replace("%", "\\%", StringComparison.Ordinal)
            .Replace("_", "\\_", StringComparison.Ordinal)
        .Replace('*', '%').Replace('?', '_');
}

/// <summary>One rule of a scope, as the statements read it.</summary>
internal sealed record RuleRow(int N, string Kind, string Nsp, string? Nsppat, string? Name, string? Pat, string? Oftable,
    IReadOnlyList<string>? Cols, IReadOnlyList<string> Privs, bool Narrowed);

// Generated code: the functions are compiled ahead of time.
[JsonSerializable(typeof(RuleRow[]))]
internal sealed partial class RuleShape : JsonSerializerContext
{
    public static readonly RuleShape Relaxed = new(new JsonSerializerOptions { PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
