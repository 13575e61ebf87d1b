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

    public Dictionary<string, YamlNode> Calendars { get; } = new(StringComparer.Ordinal);

    public Dictionary<string, YamlNode> Rules { get; } = new(StringComparer.Ordinal);
}

/// <summary>Finds what a policy says without effect: it can be read, but its author probably meant something else.</summary>
internal static class PolicyLint
{
    public static IEnumerable<PolicyFault> Look(AccessPolicy policy, PolicyLines lines) =>
        [.. Rules(policy, lines), .. Approvals(policy, lines), .. Groups(policy, lines), .. Offers(policy, lines), .. Places(policy, lines),
            .. Hours(policy, lines), .. Owners(policy, lines)];

    private static IEnumerable<PolicyFault> Rules(AccessPolicy policy, PolicyLines lines)
    {
        var pairs = new PolicyPairs(policy);
        // Requests that say break-glass see other rules than all others, and both see the forbids.
        var (usual, breakGlass) = (new PolicyCover(pairs), new PolicyCover(pairs));
        foreach (var rule in policy.Forbid)
        {
            if (PolicyPairs.IsEmpty(pairs.Of(rule.Subject)))
                yield return At(lines.Rules[rule.Id], $"forbid.{rule.Id} can never match: none of its scopes is offered on its databases");
            if (rule is not { From: null, Until: null }) continue;
            usual.Add(rule.Id, rule.Subject);
            breakGlass.Add(rule.Id, rule.Subject);
        }

        foreach (var rule in policy.Allow)
        {
            var cover = rule.BreakGlass is null ? usual : breakGlass;
            if (PolicyPairs.IsEmpty(pairs.Of(rule.Subject)))
                yield return At(lines.Rules[rule.Id], $"allow.{rule.Id} can never match: none of its scopes is offered on its databases");
            else if (cover.Hiders(rule.Subject) is { Count: > 0 } hiders)
                yield return At(lines.Rules[rule.Id],
                    $"allow.{rule.Id} can never match: {string.Join(", ", hiders)} " +
                    $"{(hiders.Count == 1 ? "comes before it and covers" : "come before it and cover")} everything it covers");
            // Outside its hours it leaves everything to the next.
            if (rule.When is null) cover.Add(rule.Id, rule.Subject);
        }
    }

    private static IEnumerable<PolicyFault> Approvals(AccessPolicy policy, PolicyLines lines)
    {
        foreach (var rule in policy.Allow.Where(rule => rule.BreakGlass is not null))
        {
            var (review, people) = (rule.BreakGlass!.Review, People(policy, rule.BreakGlass.Review.Of));
            if (people?.Count < review.Any)
                yield return At(lines.Rules[rule.Id],
                    $"allow.{rule.Id} can never be reviewed: it wants {review.Any} of {string.Join(", ", review.Of)}, where " +
                    $"{people.Count} {(people.Count == 1 ? "person is" : "people are")} listed");
        }

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

        var pairs = new PolicyPairs(policy);
        var allowed = pairs.None;
        foreach (var rule in policy.Allow) PolicyPairs.Add(allowed, pairs.Of(rule.Subject));
        foreach (var (name, database) in policy.Databases)
        {
            if (database.Scopes.Count == 0)
                yield return At(lines.Databases[name.Value], $"databases.{name} offers no scope, so nobody can ask for it");
            else if (!PolicyPairs.Share(allowed, pairs.Of(name)))
                yield return At(lines.Databases[name.Value], $"databases.{name} is allowed by no rule, so nobody can ask for it");
        }

        var used = policy.Databases.Values.Select(database => database.Target.Cluster.Value).ToHashSet(StringComparer.Ordinal);
        foreach (var (name, at) in lines.Clusters.Where(cluster => !used.Contains(cluster.Key)))
            yield return At(at, $"clusters.{name} has no database");
    }

    private static IEnumerable<PolicyFault> Hours(AccessPolicy policy, PolicyLines lines)
    {
        var used = policy.Allow.Select(rule => rule.When?.Calendar.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var name in policy.Calendars.Keys.Where(name => !used.Contains(name)))
            yield return At(lines.Calendars[name], $"calendars.{name} is used by no rule");
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

    private static PolicyFault At(YamlNode node, string sentence) => new(node.Line, node.Column, sentence);
}
