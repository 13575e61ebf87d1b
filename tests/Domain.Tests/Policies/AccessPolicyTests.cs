using System.Text.RegularExpressions;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Tests.Policies;

public sealed class AccessPolicyTests
{
    private static readonly DateTimeOffset Noon = new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero);

    private static readonly Lifetime Hours = new(TimeSpan.FromHours(1), TimeSpan.FromHours(4), null, 0, TimeSpan.Zero);

    private static readonly Requirements Nothing = new(0, null);

    [Fact]
    public void A_rule_that_covers_the_request_allows_it_and_says_where_it_leads()
    {
        var policy = Policy(Rule("oncall-read", ["oncall"], ["*"], ["read"]));

        var allowed = Assert.IsType<AccessVerdict.Terms>(policy.Decide(Question()));

        Assert.Equal("oncall-read", allowed.Rule.Id);
        Assert.Equal("orders_main", allowed.Target.Database);
        Assert.Equal("read", allowed.Scope.Name.Value);
        Assert.Null(allowed.Ticket);
    }

    [Fact]
    public void A_rule_with_approvers_asks_them()
    {
        var approval = new Approval([new ApprovalStage(1, ["dba"])], TimeSpan.FromHours(1), null);
        var policy = Policy(Rule("r", ["oncall"], ["orders"], ["read"]) with { Approval = approval });

        var verdict = Assert.IsType<AccessVerdict.Terms>(policy.Decide(Question()));

        Assert.Same(approval, verdict.Rule.Approval);
        Assert.Equal(TimeSpan.FromHours(1), verdict.Duration);
    }

    [Fact]
    public void An_unknown_database_is_refused_with_those_that_this_person_can_ask_for()
    {
        var policy = Policy(Rule("r", ["oncall"], ["orders"], ["read"]), Rule("s", ["dba"], ["stock"], ["read"]));

        Assert.Equal(
            new Error("policy.unknown_database", "There is no database oders. You can ask for: orders."),
            Refusal(policy, Question(database: "oders")));
    }

    [Fact]
    public void An_unknown_scope_is_refused_with_those_that_this_person_can_ask_for()
    {
        var policy = Policy(Rule("r", ["oncall"], ["orders"], ["fix", "read"]), Rule("s", ["dba"], ["orders"], ["admin"]));

        Assert.Equal(
            new Error("policy.unknown_scope", "There is no scope raed. On orders you can ask for: read, fix."),
            Refusal(policy, Question(scope: "raed")));
    }

    [Fact]
    public void A_scope_that_the_database_does_not_offer_is_refused_even_where_a_rule_says_all()
    {
        var policy = Policy(Rule("r", ["oncall"], ["*"], ["*"]));

        Assert.Equal(
            new Error("policy.scope_not_offered", "admin is not offered on stock. On stock you can ask for: read."),
            Refusal(policy, Question(database: "stock", scope: "admin")));
    }

    [Fact]
    public void Without_a_rule_the_nearest_one_is_named_with_what_this_person_can_ask_for()
    {
        var policy = Policy(Rule("fixers", ["dba", "leads"], ["orders"], ["fix"]), Rule("r", ["oncall"], ["orders"], ["read"]));

        Assert.Equal(
            new Error("policy.no_rule", "fix on orders is for dba, leads (rule fixers), and you are not among them. On orders you can ask for: read."),
            Refusal(policy, Question(scope: "fix")));
    }

    [Fact]
    public void Where_no_rule_allows_it_to_anybody_that_is_said_with_other_databases()
    {
        var policy = Policy(Rule("r", ["oncall"], ["stock"], ["read"]));

        Assert.Equal(
            new Error("policy.no_rule", "No rule allows fix on orders to anybody. You can ask for: stock."),
            Refusal(policy, Question(scope: "fix")));
    }

    [Fact]
    public void Without_any_rule_nobody_gets_anything()
    {
        Assert.Equal(
            new Error("policy.no_rule", "No rule allows read on orders to anybody. There is nothing you can ask for here; ask whoever keeps the access policy."),
            Refusal(Policy(), Question()));
    }

    [Fact]
    public void The_first_rule_that_covers_the_request_decides_alone()
    {
        var policy = Policy(
            Rule("dba-only", ["dba"], ["orders"], ["read"]) with { Lifetime = Hours with { Max = TimeSpan.FromHours(9) } },
            Rule("first", ["oncall"], ["orders"], ["read"]),
            Rule("second", ["oncall"], ["*"], ["*"]) with { Lifetime = Hours with { Max = TimeSpan.FromHours(8) } });

        Assert.Equal("first", Assert.IsType<AccessVerdict.Terms>(policy.Decide(Question())).Rule.Id);
        // The second would give eight hours, and rules are never mixed.
        Assert.Equal("policy.too_long", Refusal(policy, Question(duration: TimeSpan.FromHours(5))).Code);
        Assert.Equal("dba-only", Assert.IsType<AccessVerdict.Terms>(policy.Decide(Question(groups: ["everyone", "oncall", "dba"]))).Rule.Id);
    }

    [Theory]
    [InlineData("everyone", true, "everyone")]
    [InlineData("oncall", true, "everyone", "oncall")]
    [InlineData("oncall", false, "everyone")]
    [InlineData("oncall", false, "everyone", "Oncall")]
    [InlineData("oncall", false)]
    public void Who_is_in_a_group_of_the_rule_is_covered_by_it(string who, bool covered, params string[] groups)
    {
        var policy = Policy(Rule("r", ["nobody", who], ["orders"], ["read"]));

        Assert.Equal(covered, policy.Decide(Question(groups: groups)) is AccessVerdict.Terms);
    }

    [Theory]
    [InlineData("2026-12-23T23:59:59Z", true)]
    [InlineData("2026-12-24T00:00:00Z", false)]
    [InlineData("2026-12-26T23:59:59Z", false)]
    [InlineData("2026-12-27T00:00:00Z", true)]
    [InlineData("2026-12-24T00:59:59+01:00", true)]
    [InlineData("2026-12-24T01:00:00+01:00", false)]
    public void A_forbid_is_in_force_from_its_first_day_up_to_its_last(string now, bool allowed)
    {
        var policy = Policy(Rule("r", ["oncall"], ["*"], ["*"])) with
        {
            Forbid = [new ForbidRule("freeze", new RuleSubject(["everyone"], ["orders"], ["fix"]), Day(24), Day(27))],
        };

        var verdict = policy.Decide(Question(scope: "fix", now: DateTimeOffset.Parse(now)));

        Assert.Equal(allowed, verdict is AccessVerdict.Terms);
    }

    [Fact]
    public void A_forbid_wins_over_every_rule_and_says_until_when_and_what_is_left()
    {
        var policy = Policy(Rule("r", ["oncall"], ["*"], ["read", "fix"])) with
        {
            Forbid = [new ForbidRule("freeze", new RuleSubject(["everyone"], ["orders"], ["fix"]), Day(24), Day(27))],
        };

        Assert.Equal(
            new Error("policy.forbidden", "fix on orders is forbidden until 2026-12-27 00:00 UTC (rule freeze). On orders you can still ask for: read."),
            Refusal(policy, Question(scope: "fix", now: Day(25))));
    }

    [Theory]
    [InlineData(null, null, true)]
    [InlineData(24, null, true)]
    [InlineData(26, null, false)]
    [InlineData(null, 26, true)]
    [InlineData(null, 25, false)]
    public void A_forbid_may_lack_either_end(int? from, int? until, bool inForce)
    {
        var rule = new ForbidRule("f", new RuleSubject(["everyone"], ["*"], ["*"]), from is { } first ? Day(first) : null, until is { } last ? Day(last) : null);

        Assert.Equal(inForce, rule.IsInForce(Day(25)));
    }

    [Theory]
    [InlineData("dba", "*", "*")]
    [InlineData("everyone", "stock", "*")]
    [InlineData("everyone", "*", "fix")]
    public void A_forbid_about_something_else_forbids_nothing(string who, string database, string scope)
    {
        var policy = Policy(Rule("r", ["oncall"], ["*"], ["*"])) with
        {
            Forbid = [new ForbidRule("f", new RuleSubject([who], [database], [scope]), null, null)],
        };

        Assert.IsType<AccessVerdict.Terms>(policy.Decide(Question()));
    }

    [Fact]
    public void Without_a_wish_the_rules_own_length_counts()
    {
        Assert.Equal(TimeSpan.FromHours(1), Assert.IsType<AccessVerdict.Terms>(Policy(Rule("r", ["oncall"], ["*"], ["*"])).Decide(Question())).Duration);
    }

    [Theory]
    [InlineData(1, null)]
    [InlineData(14_400, null)]
    [InlineData(14_401, "The longest for read on orders is 4h (rule r); you asked for 4h1s. Ask for 4h or less.")]
    [InlineData(86_400, "The longest for read on orders is 4h (rule r); you asked for 1d. Ask for 4h or less.")]
    public void Nothing_is_longer_than_the_rules_longest(int seconds, string? sentence)
    {
        var verdict = Policy(Rule("r", ["oncall"], ["*"], ["*"])).Decide(Question(duration: TimeSpan.FromSeconds(seconds)));

        Assert.Equal(sentence is null ? null : new Error("policy.too_long", sentence) { Meant = "4h" }, (verdict as AccessVerdict.Refused)?.Refusal);
        if (sentence is null) Assert.Equal(TimeSpan.FromSeconds(seconds), Assert.IsType<AccessVerdict.Terms>(verdict).Duration);
    }

    [Theory]
    [InlineData(599, "The shortest for read on orders is 10m (rule r). Ask for 10m or more.")]
    [InlineData(600, null)]
    public void Nothing_is_shorter_than_a_shortest_that_the_rule_sets(int seconds, string? sentence)
    {
        var policy = Policy(Rule("r", ["oncall"], ["*"], ["*"]) with { Lifetime = Hours with { Min = TimeSpan.FromMinutes(10) } });

        var verdict = policy.Decide(Question(duration: TimeSpan.FromSeconds(seconds)));

        Assert.Equal(sentence is null ? null : new Error("policy.too_short", sentence) { Meant = "10m" }, (verdict as AccessVerdict.Refused)?.Refusal);
    }

    [Theory]
    [InlineData("123456789", false)]
    [InlineData("1234567890", true)]
    [InlineData("  123456789  ", false)]
    public void A_reason_is_as_long_as_the_rule_wants_without_the_blanks_around_it(string reason, bool allowed)
    {
        var policy = Policy(Rule("r", ["oncall"], ["*"], ["*"]) with { Require = new Requirements(10, null) });

        var verdict = policy.Decide(Question(reason: reason));

        Assert.Equal(allowed ? null : "policy.reason_too_short", (verdict as AccessVerdict.Refused)?.Refusal.Code);
    }

    [Theory]
    [InlineData("INC-4711 stuck orders", "INC-4711")]
    [InlineData("stuck orders (INC-4711)", "INC-4711")]
    [InlineData("stuck orders: INC-4711, see there", "INC-4711")]
    [InlineData("two\nlines INC-1 INC-2", "INC-1")]
    [InlineData("stuck orders", null)]
    [InlineData("INC-", null)]
    [InlineData("XINC-4711", null)]
    [InlineData("INC-4711x", null)]
    [InlineData("", null)]
    public void A_ticket_is_the_first_word_of_the_reason_that_looks_like_one(string reason, string? ticket)
    {
        var pattern = new Regex("^INC-\\d+$", RegexOptions.NonBacktracking);
        var policy = Policy(Rule("r", ["oncall"], ["*"], ["*"]) with { Require = new Requirements(0, pattern) });

        var verdict = policy.Decide(Question(reason: reason));

        Assert.Equal(ticket, (verdict as AccessVerdict.Terms)?.Ticket);
        Assert.Equal(ticket is null ? "policy.ticket" : null, (verdict as AccessVerdict.Refused)?.Refusal.Code);
    }

    [Fact]
    public void What_is_offered_is_what_somebody_could_be_given_and_at_a_time_without_what_is_forbidden_then()
    {
        var policy = Policy(Rule("r", ["oncall"], ["orders"], ["fix", "read"]), Rule("s", ["dba"], ["*"], ["*"])) with
        {
            Forbid = [new ForbidRule("freeze", new RuleSubject(["everyone"], ["*"], ["fix"]), Day(24), Day(27))],
        };
        var oncall = new HashSet<string>(StringComparer.Ordinal) { "everyone", "oncall" };
        var orders = DatabaseName.Parse("orders")!;

        Assert.Equal(["orders"], policy.OfferedDatabases(oncall).Select(name => name.Value));
        Assert.Equal(["orders", "stock"], policy.OfferedDatabases(new HashSet<string>(StringComparer.Ordinal) { "dba" }).Select(name => name.Value));
        Assert.Equal(["read", "fix"], policy.OfferedScopes(oncall, orders).Select(name => name.Value));
        Assert.Equal(["read"], policy.OfferedScopes(oncall, orders, Day(24)).Select(name => name.Value));
        Assert.Empty(policy.OfferedScopes(oncall, DatabaseName.Parse("stock")!));
        Assert.Empty(policy.OfferedScopes(oncall, DatabaseName.Parse("none")!));
        Assert.Equal("r", policy.RuleFor(oncall, orders, ScopeName.Parse("fix")!)?.Id);
        Assert.Null(policy.RuleFor(oncall, orders, ScopeName.Parse("admin")!));
    }

    private static DateTimeOffset Day(int day) => new(2026, 12, day, 0, 0, 0, TimeSpan.Zero);

    private static AccessRule Rule(string id, string[] who, string[] databases, string[] scopes) =>
        new(id, new RuleSubject(who, databases, scopes), Hours, Nothing, null);

    [Fact]
    public void An_unreadable_group_closes_what_rests_on_it_and_nothing_else()
    {
        var policy = Policy(Rule("oncall-only", ["away"], ["stock"], ["read"]), Rule("r", ["oncall"], ["orders"], ["read"])) with
        {
            Forbid = [new ForbidRule("no-fix", new RuleSubject(["away"], ["orders"], ["fix"]), null, null)],
        };
        var away = new HashSet<string> { "away" };

        Assert.Equal("r", Assert.IsType<AccessVerdict.Terms>(policy.Decide(Question() with { Unreadable = away })).Rule.Id);
        Assert.Equal("policy.forbidden", Refusal(policy, Question(scope: "fix") with { Unreadable = away }).Code);
        Assert.Equal("policy.group_unreadable", Refusal(policy, Question(database: "stock") with { Unreadable = away }).Code);
    }

    [Fact]
    public void An_unreadable_group_lets_nobody_slip_past_a_rule_that_asks_for_approval()
    {
        var approval = new Approval([new ApprovalStage(1, ["dba"])], TimeSpan.FromHours(1), null);
        var policy = Policy(Rule("contractors", ["away"], ["orders"], ["read"]) with { Approval = approval }, Rule("r", ["oncall"], ["*"], ["*"]));

        var refusal = Refusal(policy, Question() with { Unreadable = new HashSet<string> { "away" } });

        Assert.Equal("policy.group_unreadable", refusal.Code);
        Assert.Contains("away", refusal.Message, StringComparison.Ordinal);
        Assert.IsType<AccessVerdict.Terms>(policy.Decide(Question()));
    }

    [Theory]
    // Monday noon in UTC is within the hours, Sunday is not; what counts is when it starts.
    [InlineData("2026-03-02T12:00:00Z", null, false, "office")]
    [InlineData("2026-03-01T12:00:00Z", null, false, null)]
    [InlineData("2026-03-01T12:00:00Z", "2026-03-02T12:00:00Z", false, "office")]
    [InlineData("2026-03-02T12:00:00Z", "2026-03-02T20:00:00Z", false, null)]
    // What began within them goes on.
    [InlineData("2026-03-02T20:00:00Z", "2026-03-02T12:00:00Z", false, "office")]
    [InlineData("2026-03-02T20:00:00Z", null, true, "office")]
    [InlineData("2026-03-02T12:00:00Z", null, true, null)]
    public void A_rule_with_hours_covers_what_starts_within_them(string now, string? starts, bool not, string? rule)
    {
        var policy = Policy(Rule("office", ["oncall"], ["orders"], ["read"]) with { When = new CalendarUse(Office, not) });

        var verdict = policy.Decide(Question(now: DateTimeOffset.Parse(now)) with { StartsAt = starts is null ? null : DateTimeOffset.Parse(starts) });

        Assert.Equal(rule, (verdict as AccessVerdict.Terms)?.Rule.Id);
    }

    [Fact]
    public void Outside_its_hours_a_rule_leaves_the_request_to_the_next()
    {
        var policy = Policy(
            Rule("day", ["oncall"], ["orders"], ["read"]) with { When = new CalendarUse(Office, Not: false) },
            Rule("night", ["oncall"], ["orders"], ["read"]));

        Assert.Equal("day", Assert.IsType<AccessVerdict.Terms>(policy.Decide(Question())).Rule.Id);
        Assert.Equal("night", Assert.IsType<AccessVerdict.Terms>(policy.Decide(Question(now: Noon.AddHours(10)))).Rule.Id);
    }

    [Fact]
    public void Who_asks_outside_the_hours_is_told_when_they_begin()
    {
        var policy = Policy(
            Rule("day", ["oncall"], ["orders"], ["fix"]) with { When = new CalendarUse(Office, Not: false) },
            Rule("r", ["oncall"], ["orders"], ["read"]));

        Assert.Equal(
            new Error("policy.outside_hours",
                "fix on orders is yours at other times (rule day: office, which is mon, tue, wed, thu, fri 09:00–18:00 UTC); next from 2026-03-03 09:00 UTC (Tue 09:00 UTC). On orders you can ask for: read."),
            Refusal(policy, Question(scope: "fix", now: Noon.AddHours(6))));
        // Who would not be covered within them either, hears of the rule and not of the hours.
        Assert.Equal("policy.no_rule", Refusal(policy, Question(scope: "fix", groups: ["everyone"], now: Noon.AddHours(6))).Code);
    }

    [Fact]
    public void What_is_outside_a_rules_hours_is_not_offered_and_the_rule_that_answers_then_is_another()
    {
        var policy = Policy(
            Rule("day", ["oncall"], ["orders"], ["*"]) with { When = new CalendarUse(Office, Not: false) },
            Rule("always", ["oncall"], ["orders"], ["read"]));
        var (oncall, orders, read) = (new HashSet<string> { "oncall" }, DatabaseName.Parse("orders")!, ScopeName.Parse("read")!);

        Assert.Equal(["read", "fix", "admin"], policy.OfferedScopes(oncall, orders, Noon).Select(name => name.Value));
        Assert.Equal(["read"], policy.OfferedScopes(oncall, orders, Noon.AddHours(10)).Select(name => name.Value));
        Assert.Equal("day", policy.RuleFor(oncall, orders, read, Noon)?.Id);
        Assert.Equal("always", policy.RuleFor(oncall, orders, read, Noon.AddHours(10))?.Id);
    }

    [Fact]
    public void A_forbid_is_asked_about_the_start()
    {
        var policy = Policy(Rule("r", ["oncall"], ["*"], ["*"])) with
        {
            Forbid = [new ForbidRule("freeze", new RuleSubject(["everyone"], ["*"], ["*"]), Day(24), Day(27))],
        };

        Assert.Equal("policy.forbidden", Refusal(policy, Question() with { StartsAt = Day(25) }).Code);
        Assert.IsType<AccessVerdict.Terms>(policy.Decide(Question(now: Day(25)) with { StartsAt = Day(27) }));
        // What began before is forbidden from now on all the same.
        Assert.Equal("policy.forbidden", Refusal(policy, Question(now: Day(25)) with { StartsAt = Day(23) }).Code);
    }

    [Theory]
    [InlineData(false, false, true)]
    [InlineData(false, true, false)]
    [InlineData(true, false, false)]
    [InlineData(true, true, true)]
    public void Break_glass_looks_at_its_own_rules_and_nothing_else_sees_them(bool rule, bool asked, bool covered)
    {
        var glass = new BreakGlass("C0SECURITY", new ApprovalStage(1, ["security"]), TimeSpan.FromHours(24));
        var policy = Policy(Rule("r", ["oncall"], ["orders"], ["read"]) with { BreakGlass = rule ? glass : null });

        var verdict = policy.Decide(Question() with { BreakGlass = asked });

        Assert.Equal(covered, verdict is AccessVerdict.Terms { AtOnce: true });
        if (!covered) Assert.Equal("policy.no_rule", Assert.IsType<AccessVerdict.Refused>(verdict).Refusal.Code);
        Assert.Equal(!rule, policy.OfferedDatabases(new HashSet<string> { "oncall" }).Count == 1);
    }

    [Fact]
    public void A_forbid_wins_over_break_glass()
    {
        var glass = new BreakGlass(null, new ApprovalStage(1, ["security"]), TimeSpan.FromHours(24));
        var policy = Policy(Rule("r", ["oncall"], ["*"], ["*"]) with { BreakGlass = glass }) with
        {
            Forbid = [new ForbidRule("never", new RuleSubject(["everyone"], ["orders"], ["read"]), null, null)],
        };

        Assert.Equal("policy.forbidden", Refusal(policy, Question() with { BreakGlass = true }).Code);
    }

    [Fact]
    public void A_rule_for_break_glass_whose_group_cannot_be_read_does_not_stop_other_requests()
    {
        var glass = new BreakGlass(null, new ApprovalStage(1, ["security"]), TimeSpan.FromHours(24));
        var policy = Policy(Rule("glass", ["away"], ["orders"], ["read"]) with { BreakGlass = glass });
        var question = Question() with { Unreadable = new HashSet<string> { "away" } };

        Assert.Equal("policy.no_rule", Refusal(policy, question).Code);
        Assert.Equal("policy.group_unreadable", Refusal(policy, question with { BreakGlass = true }).Code);
    }

    [Fact]
    public void A_rule_is_about_the_databases_of_its_tags()
    {
        var tagged = new RuleSubject(["oncall"], ["tag:env=prod"], ["read"]) { Tagged = new HashSet<string> { "orders" } };
        var policy = Policy(new AccessRule("r", tagged, Hours, Nothing, new Approval([new ApprovalStage(1, ["dba"])], TimeSpan.FromHours(1), null)));

        Assert.IsType<AccessVerdict.Terms>(policy.Decide(Question()));
        Assert.Equal("policy.no_rule", Refusal(policy, Question(database: "stock")).Code);
        Assert.Equal(["dba"], policy.Revokers(DatabaseName.Parse("orders")!));
        Assert.Empty(policy.Revokers(DatabaseName.Parse("stock")!));
    }

    [Fact]
    public void The_trace_says_of_every_rule_why_it_did_or_did_not_cover()
    {
        var policy = Policy(
            Rule("glass", ["oncall"], ["*"], ["*"]) with { BreakGlass = new BreakGlass(null, new ApprovalStage(1, ["dba"]), TimeSpan.FromHours(1)) },
            Rule("other", ["oncall"], ["stock"], ["read"]),
            Rule("fixers", ["oncall"], ["orders"], ["fix"]),
            Rule("admins", ["dba"], ["orders"], ["read"]),
            Rule("nights", ["oncall"], ["orders"], ["read"]) with { When = new CalendarUse(Office, Not: true) },
            Rule("r", ["oncall"], ["orders"], ["read"]),
            Rule("late", ["everyone"], ["orders"], ["read"])) with
        {
            Forbid = [new ForbidRule("freeze", new RuleSubject(["everyone"], ["*"], ["*"]), Day(24), Day(27))],
        };

        Assert.Equal(
            [
                "  forbid.freeze: not in force then",
                "  allow.glass: only for requests that say break-glass",
                "  allow.other: is about stock",
                "  allow.fixers: is about fix",
                "  allow.admins: is for dba",
                "  allow.nights: outside its hours (not office: mon, tue, wed, thu, fri 09:00–18:00 UTC)",
                "* allow.r: covers read on orders for oncall",
                "  allow.late: covers read on orders for everyone, but r comes before it",
            ],
            PolicyTrace.Of(policy, Question()).Select(line => line.ToString()));
        Assert.Equal("freeze", Assert.Single(PolicyTrace.Of(policy, Question(now: Day(25))), line => line.Decides).Id);
        Assert.Empty(PolicyTrace.Of(policy, Question(database: "nowhere")));
    }

    private static readonly Calendar Office = new("office",
        new HashSet<DayOfWeek> { DayOfWeek.Monday, DayOfWeek.Tuesday, DayOfWeek.Wednesday, DayOfWeek.Thursday, DayOfWeek.Friday },
        new TimeOnly(9, 0), new TimeOnly(18, 0), "UTC", new HashSet<DateOnly>());

    private static Error Refusal(AccessPolicy policy, AccessQuestion question) => Assert.IsType<AccessVerdict.Refused>(policy.Decide(question)).Refusal;

    private static AccessQuestion Question(
        string database = "orders",
        string scope = "read",
        TimeSpan? duration = null,
        string reason = "stuck orders",
        DateTimeOffset? now = null,
        string[]? groups = null) =>
        new(new HashSet<string>(groups ?? ["everyone", "oncall"], StringComparer.Ordinal), DatabaseName.Parse(database)!, ScopeName.Parse(scope)!, duration, reason, now ?? Noon);

    /// <summary>Databases orders (read, fix, admin) and stock (read), with these rules.</summary>
    private static AccessPolicy Policy(params AccessRule[] allow)
    {
        var scopes = new[] { "read", "fix", "admin" }.Select(name => ScopeName.Parse(name)!).ToDictionary(name => name, name =>
            new PrivilegeScope(name, name.Value, [new PrivilegeRule(new ObjectSelector(ObjectKind.Table, "public", null), [], [Privilege.Select])], new Dictionary<string, string>(StringComparer.Ordinal), 2, null, false));
        var databases = new[] { Database("orders", "orders_main", "read", "fix", "admin"), Database("stock", "stock", "read") }.ToDictionary(database => database.Target.Name);
        return new AccessPolicy("hash", databases, scopes, new Dictionary<string, PolicyGroup>(StringComparer.Ordinal), [], allow);

        static PolicyDatabase Database(string name, string database, params string[] offered) => new(
            new DatabaseTarget(DatabaseName.Parse(name)!, ClusterName.Parse("main")!, database),
            new Dictionary<string, string>(StringComparer.Ordinal),
            [.. offered.Select(scope => ScopeName.Parse(scope)!)]);
    }
}
