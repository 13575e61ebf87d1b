using DbAccess.Api;
using DbAccess.Api.Commands;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Policies;
using DbAccess.TestKit;

namespace DbAccess.Api.Tests;

public sealed class PolicyCommandTests
{
    private const string Text = """
        version: 1
        clusters: { main: { } }
        databases:
          orders: { cluster: main, database: orders, tags: {env: prod}, scopes: [read, fix] }
        scopes:
          read: { privileges: [{ on: "table public.orders", allow: [select] }] }
          fix: { privileges: [{ on: "tables in schema public", allow: [update] }] }
        groups: { oncall: { users: [U0ENGINE1] }, dba: { users: [U0DBA0001] } }
        calendars:
          office: { days: [mon, tue, wed, thu, fri], from: "09:00", until: "18:00", zone: Europe/Istanbul }
        allow:
          - { id: oncall-read, who: [oncall], databases: [orders], scopes: [read], lifetime: {default: 1h, max: 4h}, approval: none }
          - id: prod-fix
            who: [oncall]
            databases: [orders]
            scopes: [fix]
            when: office
            lifetime: {default: 1h, max: 2h}
            require: {ticket: "^INC-\\d+$"}
            approval: {stages: [{any: 1, of: dba}]}
          - { id: glass, who: [oncall], databases: ["tag:env=prod"], scopes: [fix], lifetime: {default: 30m, max: 1h}, break_glass: {review: {any: 1, of: dba}} }
        """;

    private static readonly DateTimeOffset Tuesday = DateTimeOffset.Parse("2026-12-01T10:00:00Z");

    [Theory]
    [InlineData("orders read 2h because x", "oncall", "allowed", "oncall-read", null)]
    [InlineData("orders read because x", "oncall", "allowed", "oncall-read", null)]
    [InlineData("orders read", "oncall", "allowed", "oncall-read", null)]
    [InlineData("read on orders for 2h please because x", "oncall", "allowed", "oncall-read", null)]
    [InlineData("orders read 2h because x", "", "refused", null, "policy.no_rule")]
    [InlineData("orders read 5h because x", "oncall", "refused", "oncall-read", "policy.too_long")]
    [InlineData("orders fix 1h because INC-1", "oncall", "approval", "prod-fix", null)]
    [InlineData("orders fix 1h because of nothing", "oncall", "refused", "prod-fix", "policy.ticket")]
    [InlineData("break-glass orders fix 30m because x", "oncall", "allowed", "glass", null)]
    [InlineData("Break-Glass orders fix because x", "oncall", "allowed", "glass", null)]
    [InlineData("break-glass orders read 30m because x", "oncall", "refused", null, "policy.no_rule")]
    [InlineData("orders read 1h only public.orders because x", "oncall", "allowed", "oncall-read", null)]
    [InlineData("orders read 1h only public.items because x", "oncall", "refused", "oncall-read", "scope.not_in_scope")]
    [InlineData("nonsense read 1h because x", "oncall", "refused", null, "request.unreadable")]
    [InlineData("read", "oncall", "refused", null, "request.unreadable")]
    [InlineData("", "oncall", "refused", null, "request.unreadable")]
    public void A_policy_is_asked_in_the_words_of_Slack(string ask, string groups, string word, string? rule, string? code)
    {
        var answer = PolicyAsk.Judge(Policy(), ask, groups.Split(',', StringSplitOptions.RemoveEmptyEntries), Tuesday);

        Assert.Equal((word, rule, code), (answer.Word, answer.Rule, answer.Code));
    }

    [Fact]
    public void Outside_the_hours_the_answer_is_another()
    {
        var answer = PolicyAsk.Judge(Policy(), "orders fix 1h because INC-1", ["oncall"], Tuesday.AddHours(10));

        Assert.Equal("policy.outside_hours", answer.Code);
        Assert.Contains("next from 2026-12-02 06:00 UTC (Wed 09:00 Europe/Istanbul)", answer.Words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Explain_says_the_answer_in_one_word_and_then_every_rule()
    {
        var explain = Assert.IsType<Verb.PolicyExplain>(CommandLine.Read(
            ["policy", "explain", "--as", "U0ENGINE1", "--in", "oncall", "orders fix 1h because INC-1", "--at", "2026-12-01T10:00:00Z"]));

        using var output = new StringWriter();

        Assert.Equal(ExitCode.Success, await PolicyExplainVerb.RunAsync(explain, Policy(), Some.Now, output));

        Assert.Equal(
            [
                "approval fix on orders for 1h by rule prod-fix: 1 of dba",
                "    allow.oncall-read: is about read",
                "  * allow.prod-fix: covers fix on orders for oncall",
                "    allow.glass: only for requests that say break-glass",
            ],
            Lines(output));
    }

    [Fact]
    public async Task Explain_knows_the_groups_of_the_policy_and_no_others()
    {
        var explain = new Verb.PolicyExplain(null, ["onkall"], "orders read", null, null);

        Assert.Equal(ExitCode.Misuse, await PolicyExplainVerb.RunAsync(explain, Policy(), Some.Now, TextWriter.Null));
    }

    [Theory]
    [InlineData("expect: allowed", null)]
    [InlineData("expect: allowed, rule: oncall-read", null)]
    [InlineData("expect: approval", "tests[1]: expected approval, was allowed by oncall-read")]
    [InlineData("expect: allowed, rule: glass", "tests[1]: expected allowed by glass, was allowed by oncall-read")]
    [InlineData("expect: refused, code: policy.no_rule", "tests[1]: expected refused with policy.no_rule, was allowed by oncall-read")]
    public void A_test_that_fails_says_what_it_expected_and_what_was(string expected, string? sentence)
    {
        var policy = Policy($$"""
            {{Text}}
            tests:
              - { ask: "orders read 2h because x", in: [oncall], {{expected}} }
            """);

        var failed = PolicyLintVerb.FailedTests(policy, Tuesday).ToList();

        Assert.Equal(sentence, failed.SingleOrDefault()?.Sentence);
        if (sentence is not null) Assert.Equal(23, failed[0].Line);
    }

    [Fact]
    public void A_failed_test_fails_lint_and_is_counted()
    {
        var reading = PolicyYaml.Read($$"""
            {{Text}}
            tests:
              - { ask: "orders read 2h because x", expect: refused }
              - { ask: "orders read 2h because x", in: [oncall], expect: refused }
            """);
        using var output = new StringWriter();

        Assert.False(PolicyLintVerb.Run(new Verb.PolicyLint(null), "p.yaml", reading, Tuesday, output));
        Assert.Equal("p.yaml:24:5: error: tests[2]: expected refused, was allowed by oncall-read", Lines(output)[0]);
        Assert.StartsWith("p.yaml: 1 database, 2 scopes, 3 rules; 2 tests, 1 failed; 0 warnings; sha256 ", Lines(output)[1], StringComparison.Ordinal);
    }

    [Fact]
    public void A_report_has_a_line_for_each_finding_and_one_to_close()
    {
        var bad = PolicyReport.Lines("policy.yaml", PolicyYaml.Read(Text.Replace("cluster: main", "cluster: mian", StringComparison.Ordinal)), []);
        var good = PolicyReport.Lines("policy.yaml", PolicyYaml.Read(Text.Replace("{ main: { } }", "{ main: { }, spare: { } }", StringComparison.Ordinal)), []);

        Assert.Equal(
            ["policy.yaml:4:22: error: databases.orders.cluster names 'mian', which is not a cluster; did you mean 'main'?", "policy.yaml: 1 error; the file would not be taken"],
            bad);
        Assert.Equal("policy.yaml:2:24: warning: clusters.spare has no database", good[0]);
        Assert.StartsWith("policy.yaml: 1 database, 2 scopes, 3 rules; 1 warning; sha256 ", good[1], StringComparison.Ordinal);
    }

    [Fact]
    public void Every_policy_of_the_repository_passes_its_own_tests()
    {
        foreach (var text in (string[])[File.ReadAllText(Repository("policy/access-policy.yaml")), File.ReadAllText(Repository("docs/policy.md")).Split("```yaml\n")[1].Split("```")[0]])
        {
            var policy = Policy(text);

            Assert.NotEmpty(policy.Tests);
            Assert.Empty(PolicyLintVerb.FailedTests(policy, Some.Now));
        }
    }

    [Fact]
    public void The_page_names_every_code_that_tests_may_expect()
    {
        var page = File.ReadAllText(Repository("docs/policy.md"));

        Assert.All(RefusalCodes.All, code => Assert.Contains($"`{code}`", page, StringComparison.Ordinal));
    }

    [Fact]
    public void A_policy_that_decides_otherwise_is_told_request_by_request()
    {
        var same = Recorded("read", "oncall-read", TimeSpan.FromHours(1));
        var tooLong = Recorded("read", "oncall-read", TimeSpan.FromHours(5));
        var asked = Recorded("fix", "fixers", TimeSpan.FromHours(1));
        var stranger = Recorded("read", "oncall-read", TimeSpan.FromHours(1)) with { Requester = PrincipalId.Parse("T0DBACME1", "U0STRANGE")! };

        var lines = Differences(Policy(), [same, tooLong, asked, stranger], null).ToList();

        Assert.Equal(3, lines.Count);
        Assert.StartsWith($"{tooLong.Id} allowed by oncall-read → refused by oncall-read: policy.too_long: The longest for read on orders is 4h", lines[0], StringComparison.Ordinal);
        Assert.StartsWith($"{asked.Id} allowed by fixers → approval by prod-fix: fix on orders for 1h", lines[1], StringComparison.Ordinal);
        Assert.StartsWith($"{stranger.Id} allowed by oncall-read → refused: policy.no_rule: ", lines[2], StringComparison.Ordinal);
        // As they were asked for: in an emergency, and for another hour than that of asking.
        var emergency = Recorded("fix", "glass", TimeSpan.FromMinutes(30)) with { BreakGlass = true };
        var tonight = Recorded("fix", "prod-fix", TimeSpan.FromHours(1)) with { ApprovedAt = null, StartsAt = Tuesday.AddHours(10) };
        Assert.Empty(Differences(Policy(), [emergency, tonight with { StartsAt = null }], null));
        Assert.Contains("approval by prod-fix → refused: policy.outside_hours: ", Assert.Single(Differences(Policy(), [tonight], null)), StringComparison.Ordinal);
        // Taken as members all of them, the stranger may.
        Assert.Equal(2, Differences(Policy(), [same, tooLong, asked, stranger], ["oncall"]).Count);
    }

    [Theory]
    [InlineData("table public.orders", "table", "public.orders", true)]
    [InlineData("table public.orders", "table", "public.items", false)]
    [InlineData("tables in schema public", "view", "public.totals", true)]
    [InlineData("tables public.ord*", "table", "public.\"Orders\"", false)]
    [InlineData("table public.\"Order Items\"", "table", "public.\"Order Items\"", true)]
    [InlineData("views in schema public", "table", "public.orders", false)]
    [InlineData("function api.refund", "function", "api.refund(integer, text)", true)]
    [InlineData("functions in schema api", "function", "public.refund()", false)]
    [InlineData("schema api", "schema", "api", true)]
    [InlineData("sequences of table public.orders", "table", "public.orders", true)]
    public void A_rule_that_leads_to_nothing_on_the_live_database_is_found(string on, string kind, string name, bool leads)
    {
        var scope = new PrivilegeScope(ScopeName.Parse("read")!, "", [new PrivilegeRule(SelectorWords.Read(on).Selector!, [], [Privilege.Select])], new Dictionary<string, string>(), 2, null, false);
        var plan = new PrivilegePlan(scope.Name, [new PlannedObject("orders", kind, name, "owner", ["select"], new Dictionary<string, IReadOnlyList<string>>(), null, null)], [], [], null);

        var empty = PolicyLintVerb.Empty(scope, new DatabaseTarget(DatabaseName.Parse("orders")!, ClusterName.Parse("main")!, "orders"), plan);

        Assert.Equal(leads ? [] : [$"'{on}' names nothing in database orders"], empty);
    }

    private static GrantSnapshot Recorded(string scope, string rule, TimeSpan duration)
    {
        var now = Tuesday;
        return Some.Allowed().State with
        {
            Id = GrantId.New(), Requester = PrincipalId.Parse("T0DBACME1", "U0ENGINE1")!, Scope = Policy().Scopes[ScopeName.Parse(scope)!], Reason = "INC-1 stuck",
            Target = Policy().Databases[DatabaseName.Parse("orders")!].Target, Rule = rule, Duration = duration, CreatedAt = now, ApprovedAt = now,
        };
    }

    private static AccessPolicy Policy(string? text = null)
    {
        var reading = PolicyYaml.Read(text ?? Text);
        Assert.Empty(reading.Faults);
        return reading.Policy!;
    }

    private static string[] Lines(StringWriter output) => output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);

    private static string Repository(string path)
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "DbAccess.sln"))) directory = directory.Parent;
        return Path.Combine(directory!.FullName, path);
    }

    private static IReadOnlyList<string> Differences(AccessPolicy policy, IEnumerable<GrantSnapshot> grants, IReadOnlyList<string>? groups) =>
        [.. grants.Select(grant => PolicyReplayVerb.Difference(policy, grant, groups)).OfType<string>()];
}
