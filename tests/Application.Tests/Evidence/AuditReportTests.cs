using System.Globalization;
using DbAccess.Application.Evidence;
using DbAccess.Application.Evidence.Pages;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;
using DbAccess.TestKit.Evidence;

namespace DbAccess.Application.Tests.Evidence;

public sealed class AuditReportTests
{
    private static readonly DateTimeOffset At = SomeMonth.From.AddDays(9).AddHours(10);

    [Fact]
    public void An_empty_period_says_that_nothing_happened()
    {
        var files = Files([]);

        Assert.Contains("Nothing happened in this period.", files["report.html"], StringComparison.Ordinal);
        Assert.Contains("Nobody broke the glass.", files["report.html"], StringComparison.Ordinal);
        Assert.Equal("requests,0", Line(files["counts.csv"], 2));
        Assert.Equal("person_name,person,asked,given,held_seconds\r\n", files["access-by-person.csv"]);
        Assert.DoesNotContain("proposed-scopes.yaml", files.Keys);
    }

    [Fact]
    public void One_grant_counts_for_its_person_database_scope_and_rule()
    {
        var files = Files(new SomeLog().Grant(new GrantPlot { At = At }));

        Assert.Equal("erin,T0ACME001/U0ERIN001,1,1,3599.64", Line(files["access-by-person.csv"], 1));
        Assert.Equal("orders,1,1,3599.64", Line(files["access-by-database.csv"], 1));
        Assert.Equal("fix-orders,1,1,3599.64", Line(files["access-by-scope.csv"], 1));
        Assert.Equal("prod-fix,1,1,3599.64", Line(files["access-by-rule.csv"], 1));
        Assert.Equal("day_from,person,given\r\n2026-11-10,T0ACME001/U0ERIN001,1\r\n", files["access-by-person-over-time.csv"]);
        Assert.Contains("By person", files["report.html"], StringComparison.Ordinal);
        Assert.Contains("Grants given for each day by person: erin 1.", files["report.html"], StringComparison.Ordinal);
    }

    [Fact]
    public void What_lies_before_the_period_tells_whose_a_grant_is_and_counts_for_nothing_else()
    {
        var log = new SomeLog().Grant(new GrantPlot { At = SomeMonth.From.AddMinutes(-30) });

        var files = Files(log);

        Assert.Equal("erin,T0ACME001/U0ERIN001,0,0,1801.12", Line(files["access-by-person.csv"], 1));
        Assert.Contains("requests,0\r\n", files["counts.csv"], StringComparison.Ordinal);
        Assert.Contains("grants ended,1\r\n", files["counts.csv"], StringComparison.Ordinal);
        Assert.Contains("begun before what was read,0\r\n", files["counts.csv"], StringComparison.Ordinal);
    }

    [Fact]
    public void A_grant_whose_beginning_was_not_read_is_counted_as_unknown()
    {
        var log = new SomeLog().Grant(new GrantPlot { At = SomeMonth.From.AddMinutes(-30) });

        var files = Files(log.Events.Where(one => one.At >= SomeMonth.From));

        Assert.Contains("begun before what was read,1\r\n", files["counts.csv"], StringComparison.Ordinal);
        Assert.Contains("1 step of grants that began before the events read here", files["report.html"], StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_live_at_the_end_of_the_period_was_held_up_to_it()
    {
        var files = Files(new SomeLog().Grant(new GrantPlot { At = SomeMonth.Until.AddMinutes(-20), IsOver = false }));

        Assert.Equal("erin,T0ACME001/U0ERIN001,1,1,1198.52", Line(files["access-by-person.csv"], 1));
        Assert.Contains("still live at the end of the period,1\r\n", files["counts.csv"], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(4.999, 1)]
    [InlineData(5, 0)]
    public void A_yes_within_five_seconds_of_the_card_is_listed(double seconds, int listed)
    {
        var files = Files(new SomeLog().Grant(new GrantPlot
        {
            At = At, Yes = ["U0DANA001"], Stages = ["1 of dba"], Thinks = TimeSpan.FromSeconds(seconds),
        }));

        Assert.Contains($"approvals in under five seconds,{listed}\r\n", files["counts.csv"], StringComparison.Ordinal);
        Assert.Equal(1 + listed, Lines(files["fast-approvals.csv"]));
    }

    [Fact]
    public void The_second_of_a_stage_had_the_card_as_long_as_the_first_and_the_next_stage_had_not()
    {
        // All press three seconds after each other: 3 s, 6 s, and the next stage, which sees it when the first is full, 3 s.
        var files = Files(new SomeLog().Grant(new GrantPlot
        {
            At = At, Yes = ["U0DANA001", "U0ALI0001", "U0SEC0001"], Stages = ["2 of dba", "1 of security"], Thinks = TimeSpan.FromSeconds(3),
        }));

        Assert.Equal(3, Lines(files["fast-approvals.csv"]));
        Assert.DoesNotContain("U0ALI0001", files["fast-approvals.csv"], StringComparison.Ordinal);
    }

    [Fact]
    public void A_grant_is_called_unused_only_where_the_server_counted_nothing()
    {
        var files = Files(new SomeLog()
            .Grant(new GrantPlot { Id = "AAAA-AC", At = At, Ran = [] })
            .Grant(new GrantPlot { Id = "AAAA-AD", At = At, Ran = null })
            .Grant(new GrantPlot { Id = "AAAA-AE", At = At })
            .Grant(new GrantPlot { Id = "AAAA-AF", At = At, Ran = [], Summary = "no privileges of its own in orders, acting as orders_owner" }));

        Assert.Equal(2, Lines(files["unused-grants.csv"]));
        Assert.StartsWith("AAAA-AC,", Line(files["unused-grants.csv"], 1), StringComparison.Ordinal);
        Assert.Contains("Of 4 grants that ended, the server counted what ran for 2. Of the other 2 nobody can say.", files["report.html"], StringComparison.Ordinal);
    }

    [Fact]
    public void Sessions_that_outlived_their_grant_are_listed_the_longest_first()
    {
        var files = Files(new SomeLog()
            .Grant(new GrantPlot { Id = "AAAA-AC", At = At, Overrun = TimeSpan.FromSeconds(0.4) })
            .Grant(new GrantPlot { Id = "AAAA-AD", At = At, Overrun = TimeSpan.FromMinutes(3) })
            .Grant(new GrantPlot { Id = "AAAA-AE", At = At }));

        Assert.StartsWith("AAAA-AD,", Line(files["overruns.csv"], 1), StringComparison.Ordinal);
        Assert.EndsWith(",180", Line(files["overruns.csv"], 1), StringComparison.Ordinal);
        Assert.StartsWith("AAAA-AC,", Line(files["overruns.csv"], 2), StringComparison.Ordinal);
        Assert.Equal(3, Lines(files["overruns.csv"]));
        Assert.Contains("1 grant had a session for more than a second after its end", files["report.html"], StringComparison.Ordinal);
    }

    [Fact]
    public void An_emergency_is_listed_until_somebody_has_reviewed_it()
    {
        var files = Files(new SomeLog()
            .Grant(new GrantPlot { Id = "AAAA-AC", At = At, BreakGlass = true, ReviewedBy = "U0SEC0001" })
            .Grant(new GrantPlot { Id = "AAAA-AD", At = At, BreakGlass = true })
            .Grant(new GrantPlot { Id = "AAAA-AE", At = SomeMonth.Until.AddHours(-2), BreakGlass = true, ReviewedBy = "U0SEC0001" }));

        // The last one's review came after the period.
        Assert.Equal(3, Lines(files["break-glass-without-review.csv"]));
        Assert.DoesNotContain("AAAA-AC", files["break-glass-without-review.csv"], StringComparison.Ordinal);
    }

    [Fact]
    public void Refusals_are_counted_by_code_and_person()
    {
        var log = new SomeLog();
        log.Attempt(At, "command.create_grant", "U0ERIN001", "policy.no_rule");
        log.Attempt(At.AddDays(1), "command.create_grant", "U0ERIN001", "policy.no_rule");
        log.Attempt(At, "press.refused", "U0SAM0001", "approval.own");
        log.Attempt(At, "command.create_grant", "U0SAM0001", "failed");
        log.Attempt(At, "command.create_grant", "U0SAM0001", "done");

        var files = Files(log);

        Assert.Equal("code,person,person_name,times,last_at", Line(files["refusals.csv"], 0));
        Assert.Equal("policy.no_rule,T0ACME001/U0ERIN001,U0ERIN001,2,2026-11-11T10:00:00.000Z", Line(files["refusals.csv"], 1));
        Assert.Equal(3, Lines(files["refusals.csv"]));
        Assert.Contains("attempts,5\r\n", files["counts.csv"], StringComparison.Ordinal);
        Assert.Contains("attempts failed,1\r\n", files["counts.csv"], StringComparison.Ordinal);
    }

    [Fact]
    public void Tables_that_no_statement_mentions_are_listed_and_the_scope_is_proposed_without_them()
    {
        var files = Files(new SomeLog().Grant(new GrantPlot { At = At, Yes = ["U0DANA001"] }));

        Assert.Equal("fix-orders,orders,table,public.order_items,insert,false", Line(files["unused-privileges.csv"], 1));
        Assert.Equal("fix-orders,orders,table,public.refunds,select,true", Line(files["unused-privileges.csv"], 2));
        Assert.Equal(3, Lines(files["unused-privileges.csv"]));
        Assert.Contains("on: \"table public.orders\", allow: [update], columns: [\"status\", \"updated_at\"]", files["proposed-scopes.yaml"], StringComparison.Ordinal);
        Assert.Contains("on: \"table public.order_items\", allow: [select]", files["proposed-scopes.yaml"], StringComparison.Ordinal);
        Assert.DoesNotContain("refunds", files["proposed-scopes.yaml"], StringComparison.Ordinal);
    }

    /// <summary>Nobody was asked, so there is no card that shows the plan: what it gives stands with the first role of it, for all others.</summary>
    [Fact]
    public void A_scope_that_a_rule_gives_alone_is_proposed_smaller_too()
    {
        var told = new GrantPlot { Id = "AAAA-AC", At = At, TellsWithRole = true };

        var files = Files(new SomeLog().Grant(told).Grant(told with { Id = "AAAA-AD", At = At.AddHours(2), TellsWithRole = false }));
        var untold = Files(new SomeLog().Grant(told with { TellsWithRole = false }));

        Assert.Equal("fix-orders,orders,table,public.refunds,select,true", Line(files["unused-privileges.csv"], 2));
        Assert.DoesNotContain("refunds", files["proposed-scopes.yaml"], StringComparison.Ordinal);
        Assert.Contains("without a list of what they gave", untold["scopes.csv"], StringComparison.Ordinal);
    }

    [Fact]
    public void What_one_grant_used_is_not_called_unused_for_another()
    {
        var files = Files(new SomeLog()
            .Grant(new GrantPlot { Id = "AAAA-AC", At = At, Yes = ["U0DANA001"] })
            .Grant(new GrantPlot
            {
                Id = "AAAA-AD", At = At, Yes = ["U0DANA001"],
                Ran = ["1 1 select * from Refunds", "1 1 INSERT INTO \"order_items\" VALUES ($1)"],
            }));

        Assert.Equal(1, Lines(files["unused-privileges.csv"]));
        Assert.DoesNotContain("proposed-scopes.yaml", files.Keys);
    }

    [Theory]
    [InlineData("no digest", "1 grant of 2 without a digest of all that ran")]
    [InlineData("withheld", "1 grant of 2 without a digest of all that ran")]
    [InlineData("cut statement", "1 grant of 2 without a digest of all that ran")]
    [InlineData("no plan", "1 grant of 2 without a list of what they gave")]
    [InlineData("as owner", "its sessions act as an owner, and count as that one")]
    public void Of_a_scope_that_is_not_known_whole_nothing_is_called_unused(string case_, string why)
    {
        var log = new SomeLog().Grant(new GrantPlot { Id = "AAAA-AC", At = At, Yes = ["U0DANA001"] });
        var other = new GrantPlot { Id = "AAAA-AD", At = At, Yes = ["U0DANA001"], Summary = "another plan" };
        log.Grant(case_ switch
        {
            "no digest" => other with { Ran = null },
            "cut statement" => other with { Ran = ["1 1 SELECT a, b, c FROM…"] },
            "no plan" => other with { Gives = null },
            "as owner" => other with { Gives = ["acts as orders_owner"] },
            _ => other,
        }, withhold: case_ is "withheld");

        var files = Files(log);

        Assert.Contains($"cannot be said: {why}", files["scopes.csv"], StringComparison.Ordinal);
        Assert.Equal(1, Lines(files["unused-privileges.csv"]));
        Assert.DoesNotContain("proposed-scopes.yaml", files.Keys);
    }

    [Fact]
    public void Values_cannot_be_formulas_and_keep_their_commas_and_quotes()
    {
        var files = Files(new SomeLog()
            .Grant(new GrantPlot { Id = "AAAA-AC", At = At, Database = "=HYPERLINK(\"http://x\",\"y\")" })
            .Grant(new GrantPlot { Id = "AAAA-AD", At = At, Database = " @sum", Who = ("U0SAM0001", "+1") })
            .Grant(new GrantPlot { Id = "AAAA-AE", At = At, Database = "two\r\nlines" }));

        Assert.Contains("\"'=HYPERLINK(\"\"http://x\"\",\"\"y\"\")\",1,1,", files["access-by-database.csv"], StringComparison.Ordinal);
        Assert.Contains("\r\n' @sum,1,1,", files["access-by-database.csv"], StringComparison.Ordinal);
        Assert.Contains("\r\n\"two\r\nlines\",1,1,", files["access-by-database.csv"], StringComparison.Ordinal);
        Assert.Contains("\r\n'+1,T0ACME001/U0SAM0001,", files["access-by-person.csv"], StringComparison.Ordinal);
    }

    [Fact]
    public void Words_from_outside_are_encoded_on_the_page_too()
    {
        var page = Files(new SomeLog().Grant(new GrantPlot { At = At, Database = "<script>x</script>", Scope = "\" onload='x" }))["report.html"];

        Assert.Contains("&lt;script&gt;x&lt;/script&gt;", page, StringComparison.Ordinal);
        Assert.DoesNotMatch("<script| onload='|https?://", page);
    }

    [Fact]
    public void Ten_thousand_events_come_to_the_same_sums_in_every_table()
    {
        var log = SomeMonth.Of(1_000);
        Assert.True(log.Events.Count >= 10_000, $"Only {log.Events.Count} events.");

        var files = Files(log);

        var given = log.Events.Count(one => one.Type == "grant.activated");
        Assert.Contains($"grants given,{given}\r\n", files["counts.csv"], StringComparison.Ordinal);
        foreach (var by in (string[])["person", "database", "scope", "rule"])
        {
            Assert.Equal(given, Column(files[$"access-by-{by}.csv"], "given").Sum());
            Assert.Equal(given, Column(files[$"access-by-{by}-over-time.csv"], "given").Sum());
        }

        Assert.Equal(log.Events.Count(one => one.Outcome is not (null or "done")), Column(files["refusals.csv"], "times").Sum());
    }

    [Fact]
    public void Lists_end_somewhere_and_say_how_many_more_there_are()
    {
        var log = new SomeLog();
        for (var i = 0; i < 40; i++) log.Attempt(At, "press.refused", $"U0{i:00}", "approval.own");

        var files = Files(log);

        Assert.Contains("And 15 more, in <code>refusals.csv</code>", files["report.html"], StringComparison.Ordinal);
        Assert.Equal(41, Lines(files["refusals.csv"]));
    }

    [Theory]
    [InlineData(1, "day", 1)]
    [InlineData(31, "day", 31)]
    [InlineData(60, "week", 9)]
    [InlineData(365, "month", 13)]
    [InlineData(3_000, "year", 9)]
    public void A_period_is_cut_into_parts_that_can_be_drawn(int days, string unit, int parts)
    {
        var period = new ReportPeriod(SomeMonth.From, SomeMonth.From.AddDays(days));
        var log = new SomeLog();
        for (var day = 0; day < days; day++) log.Grant(new GrantPlot { At = SomeMonth.From.AddDays(day).AddHours(12), Length = TimeSpan.FromMinutes(5) });

        var files = Files(log.Events, period);

        Assert.Equal(unit, period.Unit);
        Assert.Equal($"{unit}_from,rule,given", Line(files["access-by-rule-over-time.csv"], 0));
        Assert.InRange(Lines(files["access-by-rule-over-time.csv"]) - 1, parts - 1, parts + 1);
        Assert.Equal(days, Column(files["access-by-rule-over-time.csv"], "given").Sum());
    }

    [Fact]
    public void Policies_and_verbs_are_counted()
    {
        var log = new SomeLog();
        foreach (var type in (string[])["policy.in_force", "verb.revoke", "verb.audit"])
            log.Add(new LogEvent { At = At, Type = type, By = new Actor.Operator("root"), Way = Way.CommandLine });

        var counts = Files(log)["counts.csv"];

        Assert.Contains("policies that came into force,1\r\n", counts, StringComparison.Ordinal);
        Assert.Contains("verbs of the command line,2\r\n", counts, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Files(SomeLog log) => Files(log.Events);

    private static Dictionary<string, string> Files(IEnumerable<LoggedEvent> events, ReportPeriod? period = null)
    {
        var report = new AuditReport("dbaccess/prod", period ?? new ReportPeriod(SomeMonth.From, SomeMonth.Until));
        foreach (var one in events) report.Add(one);
        return ReportFile.Of(report).ToDictionary(file => file.Name, file =>
        {
            using var writer = new StringWriter(CultureInfo.InvariantCulture);
            file.Write(writer);
            return writer.ToString();
        }, StringComparer.Ordinal);
    }

    private static string Line(string csv, int at) => csv.Split("\r\n")[at];

    private static int Lines(string csv) => csv.Split("\r\n").Length - 1;

    /// <summary>Of files without quotes.</summary>
    private static IEnumerable<int> Column(string csv, string header)
    {
        var at = Array.IndexOf(Line(csv, 0).Split(','), header);
        return csv.Split("\r\n", StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(line => int.Parse(line.Split(',')[at], CultureInfo.InvariantCulture));
    }
}
