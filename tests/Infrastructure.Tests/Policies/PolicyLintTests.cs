using System.Text.RegularExpressions;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Files;
using DbAccess.Infrastructure.Policies;

namespace DbAccess.Infrastructure.Tests.Files;

public sealed class PolicyLintTests
{
    [Theory]
    [InlineData("who: [oncall]", "who: [everyone]", "id: late, who: [oncall]", "line 11: allow.late can never match: r comes before it and covers everything it covers")]
    [InlineData("databases: [orders]", "databases: [\"*\"]", "id: late, who: [oncall]", "line 11: allow.late can never match: r comes before it and covers everything it covers")]
    [InlineData("forbid: []", "forbid: [{ id: f, who: [everyone], databases: [orders], scopes: [read] }]", "id: late, who: [everyone]", "line 11: allow.late can never match: f comes before it and covers everything it covers")]
    public void A_rule_that_earlier_ones_leave_nothing_to_is_named(string piece, string by, string late, string sentence)
    {
        var text = PolicyTexts.With(piece, by) + $"\n  - {{ {late}, databases: [orders], scopes: [read], lifetime: {{default: 1h, max: 4h}}, approval: none }}";

        var reading = PolicyYaml.Read(text);

        Assert.Empty(reading.Faults);
        Assert.Contains(sentence, reading.Warnings.Select(warning => warning.ToString()));
    }

    [Fact]
    public void A_rule_for_people_whom_the_earlier_ones_leave_out_is_not_named()
    {
        var text = PolicyTexts.Small + "\n  - { id: late, who: [everyone], databases: [orders], scopes: [read], lifetime: {default: 1h, max: 4h}, approval: none }";

        Assert.Empty(PolicyYaml.Read(text).Warnings);
    }

    [Theory]
    [InlineData("calendars: { day: { days: [mon], zone: UTC } }\nforbid: []", "approval: none }", "when: day, approval: none }", "approval: none")]
    [InlineData("forbid: []", "approval: none }", "approval: none }", "break_glass: {review: {any: 1, of: oncall}}")]
    public void A_rule_with_hours_hides_nothing_and_break_glass_and_other_rules_do_not_hide_each_other(string forbid, string piece, string by, string late)
    {
        var text = PolicyTexts.Small.Replace("forbid: []", forbid, StringComparison.Ordinal).Replace(piece, by, StringComparison.Ordinal)
            + $"\n  - {{ id: late, who: [oncall], databases: [orders], scopes: [read], lifetime: {{default: 1h, max: 4h}}, {late} }}";

        var reading = PolicyYaml.Read(text);

        Assert.Empty(reading.Faults);
        Assert.Empty(reading.Warnings);
    }

    [Fact]
    public void A_rule_that_several_together_leave_nothing_to_is_named_with_all_of_them()
    {
        var text = PolicyTexts.With("who: [oncall]", "who: [everyone]")
            .Replace("scopes: [read] }", "scopes: [read, write] }", StringComparison.Ordinal)
            .Replace("scopes:\n  read:", "scopes:\n  write: { run_as: x }\n  read:", StringComparison.Ordinal)
            + "\n  - { id: second, who: [oncall], databases: [\"*\"], scopes: [write], lifetime: {default: 1h, max: 4h}, approval: none }"
            + "\n  - { id: late, who: [oncall], databases: [orders], scopes: [\"*\"], lifetime: {default: 1h, max: 4h}, approval: none }";

        Assert.Equal(
            ["line 13: allow.late can never match: r, second come before it and cover everything it covers"],
            PolicyYaml.Read(text).Warnings.Select(warning => warning.ToString()));
    }

    [Fact]
    public void A_forbid_with_dates_hides_nothing()
    {
        var text = PolicyTexts.With("forbid: []", "forbid: [{ id: f, who: [everyone], databases: [orders], scopes: [read], until: 2026-12-24 }]");

        Assert.Empty(PolicyYaml.Read(text).Warnings);
    }

    [Theory]
    [InlineData("{ users: [U0ENGINE1] }", "{ users: [] }", "line 7: groups.oncall has nobody in it: give it 'users' or a 'slack_usergroup'")]
    [InlineData("{ main: { } }", "{ main: { }, spare: { } }", "line 2: clusters.spare has no database")]
    [InlineData("  read: {", "  dream: { run_as: x }\n  read: {", "line 6: scopes.dream is offered on no database")]
    [InlineData("  orders: {", "  idle: { cluster: main, database: idle, scopes: [read] }\n  orders: {", "line 4: databases.idle is allowed by no rule, so nobody can ask for it")]
    [InlineData("  orders: {", "  idle: { cluster: main, database: idle, scopes: [] }\n  orders: {", "line 4: databases.idle offers no scope, so nobody can ask for it")]
    [InlineData("who: [oncall]", "who: [onkall]", "line 10: allow.r.who names 'onkall', which is not a group, so nobody is in it; did you mean 'oncall'?")]
    [InlineData("approval: none", "approval: {stages: [{any: 2, of: oncall}]}", "line 10: allow.r can never be approved: it wants 2 of oncall, where 1 person is listed")]
    [InlineData("approval: none", "approval: {stages: [{any: 1, of: oncall}, {any: 1, of: [oncall]}]}", "line 10: allow.r can never be approved: its stages want 2 different people, and 1 are listed")]
    [InlineData("approval: none", "break_glass: {review: {any: 2, of: oncall}}", "line 10: allow.r can never be reviewed: it wants 2 of oncall, where 1 person is listed")]
    [InlineData("forbid: []", "calendars: { day: { days: [mon], zone: UTC } }", "line 8: calendars.day is used by no rule")]
    [InlineData("databases: [orders]", "databases: [orders, \"tag:env=prod\"]", "line 10: allow.r.databases names 'tag:env=prod', and no database has that tag")]
    [InlineData("forbid: []", "forbid: [{ id: f, who: [oncall], databases: [orders], scopes: [write] }]", "line 9: forbid.f can never match: none of its scopes is offered on its databases")]
    [InlineData("allow: [select] }]", "allow: [select], database: oders }]", "line 6: scopes.read.privileges[1].database is 'oders', where no entry that offers read leads, so the rule gives nothing; did you mean 'orders'?")]
    [InlineData("database: orders,", "database: [orders, billing],", "")]
    [InlineData("  read: {", "  read: { run_as: orders_owner,", "line 6: scopes.read has both run_as and privileges: its sessions act as orders_owner and have what that role has, so the privileges add nothing")]
    [InlineData("  read: { privileges: [{ on: \"tables in schema public\", allow: [select] }] }", "  read: { run_as: postgres }", "line 6: scopes.read acts as postgres, which is the superuser of most servers and is refused there; name the role that owns the tables")]
    public void What_has_no_effect_is_named_and_the_policy_is_taken(string piece, string by, string sentence)
    {
        var text = PolicyTexts.With(piece, by);
        if (sentence.Contains("forbid.f", StringComparison.Ordinal)) text = text.Replace("scopes:\n  read:", "scopes:\n  write: { run_as: x }\n  read:", StringComparison.Ordinal);

        var reading = PolicyYaml.Read(text);

        Assert.NotNull(reading.Policy);
        if (sentence.Length == 0) Assert.Empty(reading.Warnings);
        else Assert.Contains(sentence, reading.Warnings.Select(warning => warning.ToString()));
    }

    [Fact]
    public void A_rule_for_one_database_is_held_against_every_entry_that_offers_its_scope()
    {
        var text = PolicyTexts.With("scopes: [read] }", "scopes: [read] }\n  shop: { cluster: main, database: [orders, billing], scopes: [read] }\n  till: { cluster: main, database: [till, billing], scopes: [read] }")
            .Replace("allow: [select] }]", "allow: [select], database: orders }]", StringComparison.Ordinal).Replace("databases: [orders]", "databases: [\"*\"]", StringComparison.Ordinal);

        Assert.Equal(
            [
                "line 5: databases.shop offers read, which has no rule for its database 'billing': people get in there and may do nothing",
                "line 6: databases.till offers read, which has no rule for its database 'till': people get in there and may do nothing",
                "line 6: databases.till offers read, which has no rule for its database 'billing': people get in there and may do nothing",
                "line 8: scopes.read.privileges[1].database is 'orders', where till does not lead, so the rule gives nothing there",
            ],
            PolicyYaml.Read(text).Warnings.Select(warning => warning.ToString()));
    }

    [Fact]
    public void The_page_about_the_policy_is_true()
    {
        var page = File.ReadAllText(PolicyYamlTests.Repository("docs/policy.md"));
        var example = page.Split("```yaml\n")[1].Split("```")[0];

        var reading = PolicyYaml.Read(example);

        Assert.Empty(reading.Faults);
        Assert.Empty(reading.Warnings);

        // Every word that the reader knows, from the reader itself.
        var words = Directory.GetFiles(PolicyYamlTests.Repository("src/Infrastructure/Policies"), "PolicyYaml*.cs").SelectMany(file =>
            Regex.Matches(File.ReadAllText(file), @"Fields\([^\[\r\n]*\[([^\]]*)\](?:, \[([^\]]*)\])?").SelectMany(call => Regex.Matches(call.Value, "\"([a-z_]+)\"").Select(word => word.Groups[1].Value))).ToHashSet(StringComparer.Ordinal);
        Assert.InRange(words.Count, 30, 90);
        Assert.All(words, word => Assert.Contains($"`{word}`", page, StringComparison.Ordinal));

        var rows = page.Split("## What a rule is on")[1].Split("Names are written")[0].Split('\n').Where(line => line.StartsWith("| `", StringComparison.Ordinal) && !line.StartsWith("| `on`", StringComparison.Ordinal)).ToList();
        Assert.InRange(rows.Count, 15, 40);
        Assert.All(rows, row => Assert.Null(SelectorWords.Read(row.Split('`')[1]).Wrong));
    }
}
