namespace DbAccess.Domain.Scopes;

/// <summary>What PostgreSQL refused somebody, as far as its error says: it names a table without its schema.</summary>
/// <param name="Kind">What kind of thing; null when the error does not say.</param>
/// <param name="Column">The column, where it was about one.</param>
/// <param name="Wanted">What was tried; null when that is not known, and reading is assumed.</param>
/// <param name="AsOwner">It takes the owner: no privilege is enough.</param>
public sealed record DeniedObject(ObjectKind? Kind, string Name, string? Column = null, Privilege? Wanted = null, bool AsOwner = false)
{
    /// <summary>The schema that it is in; null when that is not known, and any may be meant.</summary>
    public string? Schema { get; init; }

    /// <summary>Whether a scope lets into it, as far as names tell; whether it exists is found out on the database.</summary>
    public bool IsGivenBy(PrivilegeScope scope) => AsOwner ? scope.RunAs is not null : scope.RunAs is not null || Rules(scope).Any();

    /// <summary>The rules of a scope that give it.</summary>
    public IEnumerable<PrivilegeRule> Rules(PrivilegeScope scope) => scope.Privileges.Where(IsGivenBy);

    /// <summary>Whether a scope speaks of it by name, and not of everything in some schema.</summary>
    public bool IsNamedBy(PrivilegeScope scope) => SchemasIn(scope).Any();

    /// <summary>The schemas in which a scope speaks of it by name.</summary>
    public IEnumerable<string> SchemasIn(PrivilegeScope scope) =>
        scope.Privileges.Where(rule => rule.On.Name == Name && IsGivenBy(rule with { Allow = Wanted is { } wanted ? [wanted] : [] }))
            .Select(rule => rule.On.Schema);

    /// <summary>
    /// How much a scope gives, to be compared: acting as an owner is most, then changing things, then whole schemas, then the number of
    /// privileges.
    /// </summary>
    public static (int, int, int, int) SizeOf(PrivilegeScope scope) => (
        scope.RunAs is null ? 0 : 1,
        scope.Privileges.Sum(rule => rule.Allow.Count(one => one is not (Privilege.Select or Privilege.Usage))),
        scope.Privileges.Count(rule => rule.On.Kind is not ObjectKind.Schema && rule.On.Name is null),
        scope.Privileges.Sum(rule => rule.Allow.Count));

    private bool IsGivenBy(PrivilegeRule rule)
    {
        // A view is a relation like a table to whoever is refused it, and a scope may name it as either.
        var covers = Kind switch
        {
            ObjectKind.Schema => rule.On.CoversSchema(Name),
            ObjectKind.Table => rule.On.Kind is ObjectKind.Table && rule.On.Covers(Name),
            ObjectKind.View => rule.On.Kind is ObjectKind.Table or ObjectKind.View && rule.On.Covers(Name),
            // Sequences of a table's columns are called after it.
            ObjectKind.Sequence => rule.On.Kind is ObjectKind.Sequence && rule.On.Covers(Name)
                && (rule.On.OfTable is not { } table || Name.StartsWith($"{table}_", StringComparison.Ordinal)),
            { } kind => rule.On.Kind == kind && rule.On.Covers(Name),
            null => rule.On.Kind is ObjectKind.Table or ObjectKind.View or ObjectKind.Sequence && rule.On.Covers(Name),
        };
        var relation = Kind is ObjectKind.Table or ObjectKind.View or null;
        return covers && (Schema is null || rule.On.CoversSchema(Schema))
            && (!relation || Wanted is not { } wanted || rule.Allow.Contains(wanted))
            && (Column is null || rule.Columns.Count == 0 || rule.Columns.Contains(Column, StringComparer.Ordinal));
    }
}
