namespace DbAccess.Application.Evidence.Pages;

/// <summary>
/// What a scope gave in the period against what its roles ran. It is only said where every grant of the scope has both on record; the
/// server counts no statement inside a function and none of a session that acts as another role.
/// </summary>
internal sealed class ScopeUse(string scope)
{
    private const int MostThings = 5_000;

    /// <summary>Privileges whose use shows in a statement, and by which words. Of the others only a mention of the thing tells.</summary>
    private static readonly Dictionary<string, string[]> Shown = new(StringComparer.Ordinal)
    {
        ["insert"] = ["insert", "merge", "copy"],
        ["update"] = ["update", "merge", "share"],
        ["delete"] = ["delete", "merge"],
        ["truncate"] = ["truncate"],
    };

    private readonly Dictionary<(string Database, string Kind, string Name), ThingUse> _things = [];

    public string Scope { get; } = scope;

    /// <summary>Those that ended in the period.</summary>
    public int Grants { get; private set; }

    public int WithoutDigest { get; private set; }

    public int WithoutGives { get; private set; }

    public bool ActsAsOwner { get; private set; }

    public bool TooMany { get; private set; }

    public HashSet<string> Later { get; } = new(StringComparer.Ordinal);

    /// <summary>What keeps it from being said; null when nothing does.</summary>
    public string? Unknown => this switch
    {
        { ActsAsOwner: true } => "its sessions act as an owner, and count as that one",
        { WithoutDigest: > 0 } => $"{PageWords.Count(WithoutDigest, "grant")} of {Grants} without a digest of all that ran",
        { WithoutGives: > 0 } => $"{PageWords.Count(WithoutGives, "grant")} of {Grants} without a list of what they gave",
        { TooMany: true } => "it gives more than can be compared here",
        { Grants: 0 } => "no grant of it ended in the period",
        _ => null,
    };

    public IEnumerable<ThingUse> Things => _things.Values.OrderBy(thing => thing.Database, StringComparer.Ordinal)
        .ThenBy(thing => thing.Kind, StringComparer.Ordinal).ThenBy(thing => thing.Name, StringComparer.Ordinal);

    /// <summary>Tables and views that are never mentioned, and privileges on others that no statement shows.</summary>
    public IEnumerable<(ThingUse Thing, IReadOnlyList<string> Privileges)> Unused => Things.Where(thing => thing.IsRelation)
        .Select(thing => (Thing: thing, Privileges: thing.Unused)).Where(one => one.Privileges.Count > 0);

    /// <param name="gives">What the grant gave; null when that is not on record.</param>
    /// <param name="ran">What its role ran; null when that is not on record, or not all of it.</param>
    public void Add(IReadOnlyList<string>? gives, IReadOnlyList<string>? ran, bool actsAsOwner)
    {
        Grants++;
        if (actsAsOwner) ActsAsOwner = true;
        if (ran is null) WithoutDigest++;
        if (gives is null) WithoutGives++;
        if (gives is null || ran is null || actsAsOwner || TooMany) return;

        var statements = ran.Select(StatementWords.Of).ToList();
        foreach (var entry in gives)
        {
            if (Given.Parse(entry) is not { } given)
            {
                if (Later.Count < MostThings) Later.Add(entry);
                continue;
            }

            var key = (given.Database, given.Kind, given.Name);
            if (!_things.TryGetValue(key, out var thing))
            {
                if (_things.Count >= MostThings)
                {
                    TooMany = true;
                    return;
                }

                _things[key] = thing = new ThingUse(given.Database, given.Kind, given.Name, given.IsRelation);
            }

            var mentioned = statements.Where(words => words.Contains(thing.Bare));
            thing.Add(given, Shown.TryGetValue(given.Privilege, out var shown)
                ? mentioned.Any(words => shown.Any(words.Contains)) : mentioned.Any());
        }
    }
}

/// <summary>One thing that a scope gave, by privilege and column whether a statement shows its use.</summary>
internal sealed class ThingUse(string database, string kind, string name, bool isRelation)
{
    private readonly Dictionary<(string Privilege, string? Column), bool> _used = [];

    public string Database { get; } = database;

    public string Kind { get; } = kind;

    public string Name { get; } = name;

    public string Bare { get; } = StatementWords.Bare(name);

    public bool IsRelation { get; } = isRelation;

    public bool IsMentioned => _used.Values.Any(used => used);

    /// <summary>Privileges that no statement shows, not even on one column.</summary>
    public IReadOnlyList<string> Unused => [.. _used.GroupBy(one => one.Key.Privilege, one => one.Value, StringComparer.Ordinal)
        .Where(same => same.All(used => !used)).Select(same => same.Key).Order(StringComparer.Ordinal)];

    /// <summary>What a smaller scope would keep.</summary>
    public IEnumerable<(string Privilege, string? Column)> Kept => _used.Where(one => one.Value || !IsRelation).Select(one => one.Key)
        .OrderBy(one => one.Privilege, StringComparer.Ordinal).ThenBy(one => one.Column, StringComparer.Ordinal);

    public void Add(Given given, bool used)
    {
        var key = (given.Privilege, given.Column);
        _used[key] = used || (_used.TryGetValue(key, out var before) && before);
    }
}
