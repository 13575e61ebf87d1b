using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Policies;

namespace DbAccess.Infrastructure.Tests.Files;

/// <summary>Calendars, caps, approvals, break-glass, tags and tests, as the file says them.</summary>
public sealed class PolicyWordsTests
{
    internal const string People = """
        version: 1
        clusters: { main: { } }
        databases:
          orders: { cluster: main, database: orders, tags: {env: prod, team: shop}, scopes: [read, fix] }
          stock: { cluster: main, database: stock, tags: {env: test}, scopes: [read] }
        scopes:
          read: { privileges: [{ on: "tables in schema public", allow: [select] }] }
          fix: { privileges: [{ on: "tables in schema public", allow: [update] }] }
        calendars:
          office: { days: [mon, tue, wed, thu, fri], from: "09:00", until: "18:00", zone: Europe/Istanbul, except: [2026-12-25] }
          weekend: { days: [sat, sun], zone: UTC }
          late: { days: [mon], from: "20:00", until: "24:00", zone: UTC }
        groups: { oncall: { users: [U0ENGINE1] }, dba: { users: [U0DBA0001, U0DBA0002] }, security: { slack_usergroup: S0SECURE1 } }
        forbid:
          - { id: freeze, who: [everyone], databases: ["tag:team=shop"], scopes: [fix], from: 2026-12-24, until: 2026-12-27 }
        allow:
          - id: prod-fix
            who: [oncall]
            databases: ["tag:env=prod", stock]
            scopes: [fix, read]
            when: office
            lifetime: {default: 1h, max: 2h, extend: {times: 1, by: 30m}}
            caps: {day: 3, at_once: 1}
            approval: {stages: [{any: 1, of: dba}, {any: 2, of: [security, dba]}], lapse: 1h, remind: [30m, 10m], channel: C0APPROVE}
          - { id: quiet, who: [oncall], databases: [orders], scopes: [read], when: not office, lifetime: {default: 1h, max: 2h}, approval: none }
          - { id: free, who: [dba], databases: [orders], scopes: [read], when: weekend, lifetime: {default: 1h, max: 2h}, approval: none }
          - { id: evening, who: [dba], databases: [orders], scopes: [read], when: late, lifetime: {default: 1h, max: 2h}, approval: none }
          - id: emergency
            who: [oncall]
            databases: ["*"]
            scopes: ["*"]
            lifetime: {default: 30m, max: 1h}
            break_glass: {tell: C0SECURITY, review: {any: 1, of: security, within: 12h}}
        tests:
          - { ask: "orders fix 30m because INC-1", in: [oncall], at: "2026-12-01T10:00:00Z", expect: approval, rule: prod-fix }
          - { ask: "orders fix 3h because INC-1", in: oncall, at: "2026-12-01T13:00:00+03:00", expect: refused, code: policy.too_long }
          - { ask: "orders read because x", expect: allowed }
        """;

    [Fact]
    public void Every_word_about_people_is_understood()
    {
        var reading = PolicyYaml.Read(People);

        Assert.Empty(reading.Faults);
        Assert.Empty(reading.Warnings);
        var policy = reading.Policy!;
        var office = policy.Calendars["office"];
        Assert.Equal("mon, tue, wed, thu, fri 09:00–18:00 Europe/Istanbul", office.ToString());
        Assert.Equal([new DateOnly(2026, 12, 25)], office.Except);
        Assert.Equal("sat, sun UTC", policy.Calendars["weekend"].ToString());
        Assert.True(policy.Calendars["late"].Covers(DateTimeOffset.Parse("2026-11-30T23:59:59Z")));
        Assert.False(policy.Calendars["late"].Covers(DateTimeOffset.Parse("2026-12-01T00:00:00Z")));

        var fix = policy.Allow[0];
        Assert.Equal(("office", new Caps(3, 1)), (fix.When!.ToString(), fix.Caps));
        Assert.Equal([TimeSpan.FromMinutes(10), TimeSpan.FromMinutes(30)], fix.Approval!.Remind);
        Assert.Equal(["1 dba", "2 security dba"], fix.Approval.Stages.Select(stage => $"{stage.Any} {string.Join(' ', stage.Of)}"));
        Assert.Equal(["orders"], fix.Subject.Tagged);
        Assert.Equal("not office", policy.Allow[1].When!.ToString());
        Assert.Same(office, policy.Allow[1].When!.Calendar);

        var emergency = policy.Allow[^1];
        Assert.Null(emergency.Approval);
        Assert.Equal(("C0SECURITY", TimeSpan.FromHours(12)), (emergency.BreakGlass!.Tell, emergency.BreakGlass.Within));
        Assert.Equal((1, "security"), (emergency.BreakGlass.Review.Any, Assert.Single(emergency.BreakGlass.Review.Of)));

        Assert.Equal(["orders"], Assert.Single(policy.Forbid).Subject.Tagged);
        Assert.Equal([PolicyOutcome.Approval, PolicyOutcome.Refused, PolicyOutcome.Allowed], policy.Tests.Select(test => test.Expect));
        Assert.Equal((35, "prod-fix", DateTimeOffset.Parse("2026-12-01T10:00:00Z")), (policy.Tests[0].Line, policy.Tests[0].Rule, policy.Tests[0].At));
        Assert.Equal(("policy.too_long", "oncall", DateTimeOffset.Parse("2026-12-01T10:00:00Z")), (policy.Tests[1].Code, Assert.Single(policy.Tests[1].In), policy.Tests[1].At));
        Assert.Equal((0, null), (policy.Tests[2].In.Count, policy.Tests[2].At));
    }

    [Fact]
    public void A_policy_is_decided_by_tags_and_hours()
    {
        var policy = PolicyYaml.Read(People).Policy!;

        Assert.Equal("prod-fix", Rule("orders", "read", "2026-12-01T10:00:00Z"));
        Assert.Equal("quiet", Rule("orders", "read", "2026-12-01T20:00:00Z"));
        Assert.Equal("policy.outside_hours", Rule("stock", "read", "2026-12-01T20:00:00Z"));
        Assert.Equal("policy.forbidden", Rule("orders", "fix", "2026-12-24T10:00:00Z"));

        string Rule(string database, string scope, string at) => policy.Decide(new AccessQuestion(
            new HashSet<string>(StringComparer.Ordinal) { "everyone", "oncall" }, DatabaseName.Parse(database)!, ScopeName.Parse(scope)!, null, "x", DateTimeOffset.Parse(at))) switch
        {
            AccessVerdict.Terms terms => terms.Rule.Id,
            AccessVerdict.Refused refused => refused.Refusal.Code,
            _ => "",
        };
    }

    public static TheoryData<string, string, string> Mistakes => new()
    {
        // calendars
        { "days: [sat, sun]", "days: [sat, sunday]", "line 11: calendars.weekend.days names 'sunday', which is not a day" },
        { "days: [sat, sun]", "days: []", "line 11: calendars.weekend.days is empty" },
        { "zone: Europe/Istanbul", "zone: Europe/Istambul", "line 10: calendars.office.zone is 'Europe/Istambul', which is no time zone; did you mean 'Europe/Istanbul'? (like Europe/Istanbul)" },
        { "days: [sat, sun], zone: UTC", "days: [sat, sun]", "line 11: calendars.weekend lacks 'zone'" },
        { "from: \"09:00\", until", "from: \"9 am\", until", "line 10: calendars.office.from is '9 am', which is not a time of day like \"09:00\"" },
        { "until: \"18:00\"", "until: \"25:00\"", "line 10: calendars.office.until is '25:00', which is not a time of day like \"09:00\"" },
        { "from: \"09:00\", ", "", "line 10: calendars.office has only one of 'from' and 'until'; leave both out for whole days" },
        { "until: \"18:00\"", "until: \"09:00\"", "line 10: calendars.office.until is the same as from; leave both out for whole days" },
        { "except: [2026-12-25]", "except: [2026-12-32]", "line 10: calendars.office.except item is '2026-12-32', which is not a day like 2026-12-24" },
        { "  weekend: {", "  not: { days: [mon], zone: UTC }\n  weekend: {", "line 11: calendars has 'not', which is no name: small letters, digits, '.', '-' and '_', at most 63, and not 'not'" },
        { "when: weekend", "when: weekends", "line 26: allow.free.when is 'weekends'; it names one of 'calendars', or 'not' and one of them; did you mean 'weekend'?" },
        { "when: weekend", "when: not not weekend", "line 26: allow.free.when is 'not not weekend'; it names one of 'calendars', or 'not' and one of them; there is office, weekend, late" },
        // caps
        { "caps: {day: 3, at_once: 1}", "caps: {}", "line 23: allow.prod-fix.caps limits nothing: it needs 'day' or 'at_once'" },
        { "caps: {day: 3, at_once: 1}", "caps: {day: 0}", "line 23: allow.prod-fix.caps.day is 0; it must be a whole number from 1 to 1000" },
        { "caps: {day: 3, at_once: 1}", "caps: {week: 3}", "line 23: allow.prod-fix.caps has the unknown key 'week'; there is day, at_once" },
        // approval and break-glass
        { "remind: [30m, 10m]", "remind: [soon]", "line 24: allow.prod-fix.approval.remind item is 'soon', which is not a length of time like 45s, 30m, 2h, 1h30m or 1d (more than nothing, at most 366d)" },
        { "remind: [30m, 10m]", "remind: [1h]", "line 24: allow.prod-fix.approval.remind has 1h, when the request has lapsed (after 1h)" },
        { "remind: [30m, 10m]", "remind: [10m, 600s]", "line 24: allow.prod-fix.approval.remind names 10m twice" },
        { "remind: [30m, 10m]", "remind: 10m", "line 24: allow.prod-fix.approval.remind must be a list; write [10m]" },
        { "channel: C0APPROVE", "channel: \"#approve\"", "line 24: allow.prod-fix.approval.channel is '#approve', which is not the id of a Slack channel (like C0APPROVE)" },
        { "tell: C0SECURITY", "tell: security", "line 33: allow.emergency.break_glass.tell is 'security', which is not the id of a Slack channel (like C0APPROVE)" },
        { "tell: C0SECURITY, review: {any: 1, of: security, within: 12h}", "tell: C0SECURITY", "line 33: allow.emergency.break_glass lacks 'review'" },
        { "of: security, within: 12h", "of: sekurity, within: 12h", "line 33: allow.emergency.break_glass.review.of names 'sekurity', which is not a group; did you mean 'security'?" },
        { "within: 12h", "within: never", "line 33: allow.emergency.break_glass.review.within is 'never', which is not a length of time like 45s, 30m, 2h, 1h30m or 1d (more than nothing, at most 366d)" },
        { "    break_glass: {tell", "    approval: {stages: [{any: 1, of: dba}]}\n    break_glass: {tell", "line 34: allow.emergency has both approval and break_glass; break-glass gives at once, and owes a review instead" },
        // tags
        { "\"tag:team=shop\"", "\"tag:team=shopp\"", "line 15: forbid.freeze.databases names 'tag:team=shopp', and no database has that tag; did you mean 'team=shop'?" },
        { "\"tag:env=prod\"", "\"tag:env\"", "line 19: allow.prod-fix.databases has 'tag:env'; a tag is written tag:key=value" },
        { "\"tag:env=prod\"", "\"tag:=prod\"", "line 19: allow.prod-fix.databases has 'tag:=prod'; a tag is written tag:key=value" },
        // tests
        { "expect: allowed }", "expect: granted }", "line 37: tests[3].expect is 'granted'; it is allowed, approval, refused" },
        { "rule: prod-fix }", "rule: prod-fx }", "line 35: tests[1].rule names 'prod-fx', which is not a rule; did you mean 'prod-fix'?" },
        { "code: policy.too_long }", "code: policy.to_long }", "line 36: tests[2].code is 'policy.to_long', with which nothing is refused; did you mean 'policy.too_long'?" },
        { "rule: prod-fix }", "code: policy.no_rule }", "line 35: tests[1].code goes with 'expect: refused'" },
        { "in: oncall,", "in: onkall,", "line 36: tests[2].in names 'onkall', which is not a group; did you mean 'oncall'?" },
        { "at: \"2026-12-01T10:00:00Z\"", "at: \"2026-12-01T10:00:00\"", "line 35: tests[1].at is '2026-12-01T10:00:00', which is not an instant like 2026-12-01T10:00:00Z or 2026-12-01T13:00:00+03:00" },
        { "{ ask: \"orders read because x\", expect", "{ expect", "line 37: tests[3] lacks 'ask'" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public void A_mistake_is_told_with_its_line_and_once(string piece, string by, string sentence)
    {
        Assert.Equal(2, People.Split(piece).Length);

        var reading = PolicyYaml.Read(People.Replace(piece, by, StringComparison.Ordinal));

        Assert.Null(reading.Policy);
        Assert.Contains(sentence, Assert.Single(reading.Faults).ToString(), StringComparison.Ordinal);
    }
}
