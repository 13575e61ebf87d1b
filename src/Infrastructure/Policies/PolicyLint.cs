using DbAccess.Application.Grants;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Infrastructure.Policies;

/// <summary>Where each thing of a policy file stands, by name.</summary>
internal sealed class PolicyLines
{
    public Dictionary<string, YamlNode> Clusters { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, YamlNode> Databases { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, YamlNode> Scopes { get; } = new(StringComparer.Ordinal);

    /// <summary>By scope and place in its list, from 0.</summary>
    public Dictionary<(string Scope, int Index), YamlNode> Privileges { get; } = [];

    public Dictionary<string, YamlNode> Groups { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, YamlNode> Rules { get; } = new(StringComparer.Ordinal);
}

/// <summary>Finds what a policy says without effect: it can be read, but its author probably meant something else.</summary>
internal static class PolicyLint
{
    public static IEnumerable<PolicyFault> Look(AccessPolicy policy, PolicyLines lines) =>
        [.. Rules(policy, lines), .. Approvals(policy, lines), .. Groups(policy, lines), .. Offers(policy, lines), .. Places(policy, lines),
            .. Owners(policy, lines)];

    private static IEnumerable<PolicyFault> Rules(AccessPolicy policy, PolicyLines lines)
    {
        var forbidden = policy.Forbid.Where(rule => rule is { From: null, Until: null }).Select(rule => (rule.Id, rule.Subject)).ToList();
        foreach (var rule in policy.Forbid)
        {
            if (!Pairs(policy, rule.Subject).Any())
                yield return At(lines.Rules[rule.Id], $"forbid.{rule.Id} can never match: none of its scopes is offered on its databases");
        }

        for (var i = 0; i < policy.Allow.Count; i++)
        {
            var rule = policy.Allow[i];
            if (!Pairs(policy, rule.Subject).Any())
            {
                yield return At(lines.Rules[rule.Id], $"allow.{rule.Id} can never match: none of its scopes is offered on its databases");
                continue;
            }

            (string Id, RuleSubject Subject)[] before =
                [.. forbidden, .. policy.Allow.Take(i).Select(earlier => (earlier.Id, earlier.Subject))];
            if (Hidden(policy, rule.Subject, before) is { Count: > 0 } hiders)
                yield return At(lines.Rules[rule.Id],
                    $"allow.{rule.Id} can never match: {string.Join(", ", hiders)} {(hiders.Count == 1 ? "comes" : "come")} before it " +
                    "and covers everything it covers");
        }
    }

    /// <summary>The rules that together leave nothing to this one; null when something is left.</summary>
    private static List<string>? Hidden(AccessPolicy policy, RuleSubject subject, (string Id, RuleSubject Subject)[] before)
    {
        var hiders = new List<string>();
        foreach (var (database, scope) in Pairs(policy, subject))
        {
            foreach (var who in subject.Who)
            {
                var hider = before.FirstOrDefault(rule => (rule.Subject.Who.Contains(who)
                    || rule.Subject.Who.Contains(AccessPolicy.Everyone)) && rule.Subject.Covers(database, scope)).Id;
                if (hider is null) return null;
                if (!hiders.Contains(hider, StringComparer.Ordinal)) hiders.Add(hider);
            }
        }

        return hiders;
    }

    private static IEnumerable<PolicyFault> Approvals(AccessPolicy policy, PolicyLines lines)
    {
        foreach (var rule in policy.Allow.Where(rule => rule.Approval is not null))
        {
            var wanted = 0;
            var everybody = new HashSet<string>(StringComparer.Ordinal);
            var known = true;
            foreach (var stage in rule.Approval!.Stages)
            {
                var people = People(policy, stage.Of);
                wanted += stage.Any;
                known &= people is not null;
                everybody.UnionWith(people ?? []);
                if (people is not null && people.Count < stage.Any)
                {
                    yield return At(lines.Rules[rule.Id],
                        $"allow.{rule.Id} can never be approved: it wants {stage.Any} of {string.Join(", ", stage.Of)}, where " +
                        $"{people.Count} {(people.Count == 1 ? "person is" : "people are")} listed");
                    known = false;
                }
            }

            // One person fills one slot, over all stages.
            if (known && everybody.Count < wanted)
                yield return At(lines.Rules[rule.Id],
                    $"allow.{rule.Id} can never be approved: its stages want {wanted} different people, and {everybody.Count} are listed");
        }
    }

    /// <summary>Null when Slack decides how many they are.</summary>
    private static HashSet<string>? People(AccessPolicy policy, IReadOnlyList<string> groups)
    {
        var people = new HashSet<string>(StringComparer.Ordinal);
        foreach (var name in groups)
        {
            if (!policy.Groups.TryGetValue(name, out var group) || group.SlackUsergroup is not null) return null;
            people.UnionWith(group.Users);
        }

        return people;
    }

    private static IEnumerable<PolicyFault> Groups(AccessPolicy policy, PolicyLines lines)
    {
        foreach (var group in policy.Groups.Values.Where(group => group.Users.Count == 0 && group.SlackUsergroup is null))
            yield return At(lines.Groups[group.Name], $"groups.{group.Name} has nobody in it: give it 'users' or a 'slack_usergroup'");
    }

    private static IEnumerable<PolicyFault> Offers(AccessPolicy policy, PolicyLines lines)
    {
        var offered = policy.Databases.Values.SelectMany(database => database.Scopes).ToHashSet();
        foreach (var scope in policy.Scopes.Keys.Where(scope => !offered.Contains(scope)))
            yield return At(lines.Scopes[scope.Value], $"scopes.{scope} is offered on no database");

        foreach (var (name, database) in policy.Databases)
        {
            if (database.Scopes.Count == 0)
                yield return At(lines.Databases[name.Value], $"databases.{name} offers no scope, so nobody can ask for it");
            else if (!database.Scopes.Any(scope => policy.Allow.Any(rule => rule.Subject.Covers(name, scope))))
                yield return At(lines.Databases[name.Value], $"databases.{name} is allowed by no rule, so nobody can ask for it");
        }

        var used = policy.Databases.Values.Select(database => database.Target.Cluster.Value).ToHashSet(StringComparer.Ordinal);
        foreach (var (name, at) in lines.Clusters.Where(cluster => !used.Contains(cluster.Key)))
            yield return At(at, $"clusters.{name} has no database");
    }

    /// <summary>Rules for one database (<c>database:</c>), against the databases that people who get the scope are led to.</summary>
    private static IEnumerable<PolicyFault> Places(AccessPolicy policy, PolicyLines lines)
    {
        foreach (var scope in policy.Scopes.Values.Where(scope => scope.Privileges.Any(rule => rule.Database is not null)))
        {
            var entries = policy.Databases.Values.Where(entry => entry.Scopes.Contains(scope.Name)).ToList();
            var reached = entries.SelectMany(entry => entry.Target.All()).Distinct(StringComparer.Ordinal).ToList();
            for (var i = 0; i < scope.Privileges.Count; i++)
            {
                if (scope.Privileges[i].Database is not { } database) continue;

                var at = lines.Privileges[(scope.Name.Value, i)];
                var without = entries.Where(entry => !entry.Target.All().Contains(database, StringComparer.Ordinal))
                    .Select(entry => entry.Target.Name.Value).ToList();
                if (!reached.Contains(database, StringComparer.Ordinal))
                    yield return At(at,
                        $"scopes.{scope.Name}.privileges[{i + 1}].database is '{Show.Text(database)}', where no entry that offers " +
                        $"{scope.Name} leads, so the rule gives nothing{Show.Hint(database, reached)}");
                else if (without.Count > 0)
                    yield return At(at,
                        $"scopes.{scope.Name}.privileges[{i + 1}].database is '{Show.Text(database)}', where " +
                        $"{string.Join(", ", without)} {(without.Count == 1 ? "does" : "do")} not lead, so the rule gives nothing there");
            }

            foreach (var (entry, database) in entries.SelectMany(entry => entry.Target.All().Select(database => (entry, database)))
                .Where(pair => scope.RunAs is null && !scope.RulesFor(pair.database).Any()))
                yield return At(lines.Databases[entry.Target.Name.Value],
                    $"databases.{entry.Target.Name} offers {scope.Name}, which has no rule for its database '{Show.Text(database)}': " +
                    "people get in there and may do nothing");
        }
    }

    private static IEnumerable<PolicyFault> Owners(AccessPolicy policy, PolicyLines lines)
    {
        foreach (var scope in policy.Scopes.Values.Where(scope => scope.RunAs is not null))
        {
            if (scope.RunAs is "postgres")
                yield return At(lines.Scopes[scope.Name.Value],
                    $"scopes.{scope.Name} acts as postgres, which is the superuser of most servers and is refused there; name the role " +
                    "that owns the tables");
            // A session is the owner, and nobody else at the same time.
            if (scope.Privileges.Count > 0)
                yield return At(lines.Scopes[scope.Name.Value],
                    $"scopes.{scope.Name} has both run_as and privileges: its sessions act as {Show.Text(scope.RunAs!)} and have what " +
                    "that role has, so the privileges add nothing");
        }
    }

    private static IEnumerable<(Domain.Databases.DatabaseName Database, Domain.Scopes.ScopeName Scope)> Pairs(
            AccessPolicy policy, RuleSubject subject) =>
        from database in policy.Databases
        from scope in database.Value.Scopes
        where subject.Covers(database.Key, scope)
        select (database.Key, scope);

    private static PolicyFault At(YamlNode node, string sentence) => new(node.Line, node.Column, sentence);
}
