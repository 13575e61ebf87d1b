using DbAccess.Infrastructure.Files;

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
    [InlineData("forbid: []", "forbid: [{ id: f, who: [oncall], databases: [orders], scopes: [write] }]", "line 9: forbid.f can never match: none of its scopes is offered on its databases")]
    public void What_has_no_effect_is_named_and_the_policy_is_taken(string piece, string by, string sentence)
    {
        var text = PolicyTexts.With(piece, by);
        if (sentence.Contains("forbid.f", StringComparison.Ordinal)) text = text.Replace("scopes:\n  read:", "scopes:\n  write: { run_as: x }\n  read:", StringComparison.Ordinal);

        var reading = PolicyYaml.Read(text);

        Assert.NotNull(reading.Policy);
        Assert.Contains(sentence, reading.Warnings.Select(warning => warning.ToString()));
    }

    [Fact]
    public void A_report_has_a_line_for_each_finding_and_one_to_close()
    {
        var bad = PolicyReport.Lines("policy.yaml", PolicyYaml.Read(PolicyTexts.With("cluster: main", "cluster: mian")));
        var good = PolicyReport.Lines("policy.yaml", PolicyYaml.Read(PolicyTexts.With("{ main: { } }", "{ main: { }, spare: { } }")));

        Assert.Equal(
            ["policy.yaml:4:22: error: databases.orders.cluster names 'mian', which is not a cluster; did you mean 'main'?", "policy.yaml: 1 error; the file would not be taken"],
            bad);
        Assert.Equal("policy.yaml:2:24: warning: clusters.spare has no database", good[0]);
        Assert.StartsWith("policy.yaml: 1 database, 1 scope, 1 rule; 1 warning; sha256 ", good[1], StringComparison.Ordinal);
    }
}
