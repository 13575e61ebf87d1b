using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace DbAccess.Domain.Policies;

/// <summary>
/// What is in a policy, each thing by its name with a short hash of what the file says of it: enough to say in words what another policy
/// has changed, and small enough to be remembered from one start to the next.
/// </summary>
public sealed class PolicyOutline
{
    private const int Longest = 300_000;
    private const int MostWords = 200;

    private readonly SortedDictionary<string, string> _things;

    private PolicyOutline(string hash, SortedDictionary<string, string> things) => (Hash, _things) = (hash, things);

    /// <summary>Of the policy.</summary>
    public string Hash { get; }

    public static PolicyOutline Of(AccessPolicy policy)
    {
        var things = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var database in policy.Databases.Values)
            Add($"database {database.Target.Name}", database.Target.Cluster.Value, Join(database.Target.All()),
                database.Target.AllowPublicCreate ? "public" : "", Join(database.Scopes.Select(scope => scope.Value)),
                Join(database.Tags.OrderBy(tag => tag.Key, StringComparer.Ordinal).Select(tag => $"{tag.Key}={tag.Value}")));
        foreach (var scope in policy.Scopes.Values)
            Add($"scope {scope.Name}", scope.InFull(), scope.Description, scope.HighRisk ? "high" : "");
        foreach (var group in policy.Groups.Values)
            Add($"group {group.Name}", Join(group.Users.Order(StringComparer.Ordinal)), group.SlackUsergroup ?? "");
        foreach (var calendar in policy.Calendars.Values)
            Add($"calendar {calendar.Name}", Join(calendar.Days.Order().Select(day => $"{day}")), $"{calendar.From:O}",
                $"{calendar.Until:O}", calendar.Zone, Join(calendar.Except.Order().Select(day => $"{day:O}")));
        foreach (var (place, forbid) in policy.Forbid.Index())
            Add($"rule {forbid.Id}", "forbid", $"{place}", Of(forbid.Subject), $"{forbid.From:O}", $"{forbid.Until:O}");
        foreach (var (place, rule) in policy.Allow.Index()) Add($"rule {rule.Id}", [$"{place}", .. Of(rule)]);
        foreach (var (cluster, hints) in policy.Connect) Add($"cluster {cluster}", hints.ToString());
        Add("the list of administrators", [.. policy.Admins]);
        return new PolicyOutline(policy.Hash, things);

        void Add(string name, params string[] said) => things[name] =
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Canonical.Join(said))).AsSpan(0, 4));
    }

    /// <summary>To be remembered. Of a very large policy only its hash, and then the next difference cannot be said.</summary>
    public string Write()
    {
        var text = string.Join('\n', _things.Select(thing => $"{thing.Value} {thing.Key}").Prepend(Hash));
        return text.Length > Longest ? Hash : text;
    }

    public static PolicyOutline Read(string text)
    {
        var lines = text.Split('\n');
        var things = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var line in lines.Skip(1).Where(line => line.Length > 9)) things[line[9..]] = line[..8];
        return new PolicyOutline(lines[0], things);
    }

    /// <summary>What this one has changed, in words; null when it cannot be said.</summary>
    public IReadOnlyList<string>? Since(PolicyOutline before)
    {
        if (before._things.Count == 0) return null;

        List<string> words =
        [
            .. _things.Keys.Except(before._things.Keys, StringComparer.Ordinal).Select(name => $"{name} was added"),
            .. before._things.Keys.Except(_things.Keys, StringComparer.Ordinal).Select(name => $"{name} was removed"),
            .. _things.Where(thing => before._things.TryGetValue(thing.Key, out var was) && was != thing.Value)
                .Select(thing => $"{thing.Key} was changed"),
        ];
        // Comments, tests, white space.
        if (words.Count == 0) return ["nothing that is decided by"];
        return words.Count <= MostWords ? words
            : [.. words.Take(MostWords), string.Create(CultureInfo.InvariantCulture, $"and {words.Count - MostWords} more")];
    }

    private static IEnumerable<string> Of(AccessRule rule)
    {
        yield return Of(rule.Subject);
        yield return rule.Lifetime.ToString();
        yield return string.Create(CultureInfo.InvariantCulture, $"{rule.Require.ReasonMin} {rule.Require.Ticket}");
        yield return rule.Approval is { } approval
            ? Canonical.Join([$"{approval.Lapse:c}", approval.Channel ?? "", Join(approval.Stages.Select(Of)),
                Join(approval.Remind.Select(after => $"{after:c}"))]) : "";
        yield return rule.BreakGlass is { } glass ? Canonical.Join([glass.Tell ?? "", Of(glass.Review), $"{glass.Within:c}"]) : "";
        yield return rule.Caps?.ToString() ?? "";
        yield return rule.When is { } when ? $"{when.Not} {when.Calendar.Name}" : "";
    }

    private static string Of(ApprovalStage stage) => string.Create(CultureInfo.InvariantCulture, $"{stage.Any} {Join(stage.Of)}");

    private static string Of(RuleSubject subject) =>
        Canonical.Join([Join(subject.Who), Join(subject.Databases), Join(subject.Scopes)]);

    private static string Join(IEnumerable<string> pieces) => Canonical.Join([.. pieces]);
}
