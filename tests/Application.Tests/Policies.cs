using System.Text.RegularExpressions;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;

namespace DbAccess.Application.Tests;

/// <summary>A policy with one rule of each kind.</summary>
internal static class Policies
{
    public static readonly AccessPolicy Ordinary = new(
        "hash-of-the-policy",
        new[] { "orders", "billing" }.ToDictionary(name => Name(name), name => new PolicyDatabase(
            new DatabaseTarget(Name(name), ClusterName.Parse($"{name}-prod")!, name),
            new Dictionary<string, string>(StringComparer.Ordinal),
            name == "orders" ? [.. new[] { "read", "fix", "migrate", "frozen", "ticketed", "unruled" }.Select(scope => ScopeName.Parse(scope)!)] : [ScopeName.Parse("read")!])),
        new[] { "read", "fix", "migrate", "frozen", "ticketed", "unruled" }.ToDictionary(name => ScopeName.Parse(name)!, name => Some.ReadScope() with
        {
            Name = ScopeName.Parse(name)!,
            RunAs = name == "migrate" ? "orders_owner" : null,
        }),
        new Dictionary<string, PolicyGroup>(StringComparer.Ordinal)
        {
            ["oncall"] = new("oncall", new HashSet<string>(StringComparer.Ordinal), "S0ONCALL1"),
            ["dba"] = new("dba", new HashSet<string>(StringComparer.Ordinal) { Some.Dba.User }, null),
        },
        [new ForbidRule("freeze", new RuleSubject(["everyone"], ["*"], ["frozen"]), null, null)],
        [
            Rule("oncall-read", ["oncall"], "*", "read"),
            Rule("fix-it", ["everyone"], "orders", "fix") with { Approval = new Approval([new ApprovalStage(1, ["dba"])], TimeSpan.FromHours(1), null) },
            Rule("migrations", ["everyone"], "orders", "migrate"),
            Rule("frozen", ["everyone"], "orders", "frozen"),
            Rule("ticketed", ["everyone"], "orders", "ticketed") with { Require = new Requirements(15, new Regex(@"^INC-\d+$", RegexOptions.None, TimeSpan.FromSeconds(1))) },
        ]);

    private static AccessRule Rule(string id, IReadOnlyList<string> who, string database, string scope) => new(
        id, new RuleSubject(who, [database], [scope]),
        new Lifetime(TimeSpan.FromHours(1), TimeSpan.FromHours(4), null, 0, TimeSpan.Zero), new Requirements(0, null), null);

    private static DatabaseName Name(string name) => DatabaseName.Parse(name)!;
}
