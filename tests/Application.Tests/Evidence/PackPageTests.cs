using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using DbAccess.Application.Evidence.Pages;
using DbAccess.Domain.Evidence;
using DbAccess.TestKit.Evidence;

namespace DbAccess.Application.Tests.Evidence;

public sealed partial class PackPageTests
{
    [Fact]
    public void It_answers_first_who_had_what_when_why_by_whom_and_that_it_is_gone()
    {
        var log = new SomeLog().Grant(new GrantPlot { Yes = ["U0DANA001"], Stages = ["1 of dba"], Overrun = TimeSpan.FromSeconds(2.5) });

        var said = Words(log.Pack("K7Q3-MD"));

        Assert.Contains("erin had fix-orders on orders from 29 Nov 2026, 14:00:42.4 to 15:00:42.1 UTC, for 1 h.", said, StringComparison.Ordinal);
        Assert.Contains("Why INC-4711 fix the status of order 8841", said, StringComparison.Ordinal);
        Assert.Contains("rule prod-fix (policy 3e1f786a0b3c) and U0DANA001, 41 s after it was asked for", said, StringComparison.Ordinal);
        Assert.Contains("when its time was over; the last session was gone 2.5 s after its time was over", said, StringComparison.Ordinal);
        Assert.Contains("Proved gone 29 Nov 2026, 15:00:44.7 UTC: no role, no session", said, StringComparison.Ordinal);
        Assert.Contains("its events 1 to 10 with the end, none missing", said, StringComparison.Ordinal);
        Assert.Contains("select, update (status, updated_at)", said, StringComparison.Ordinal);
        Assert.Contains("agreed, stage 1 (1 of dba)", said, StringComparison.Ordinal);
        Assert.Contains("dbaccess audit verify --from DIR --key key.pem", said, StringComparison.Ordinal);
        Assert.Contains("python3 verify_audit.py DIR --key key.pem", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Returned", "U0ERIN001", null, "given back by erin")]
    [InlineData("Revoked", "U0DANA001", "she left the team", "revoked by U0DANA001: she left the team")]
    [InlineData("Superseded", null, "the rule is gone", "since what it rested on was gone: the rule is gone")]
    public void How_it_ended_is_said_with_who_and_why(string reason, string? by, string? note, string expected) => Assert.Contains(expected,
        Words(new SomeLog().Grant(new GrantPlot { Ends = reason, EndedBy = by, EndNote = note }).Pack("K7Q3-MD")), StringComparison.Ordinal);

    [Fact]
    public void What_was_never_given_is_not_told_as_if_it_had_been()
    {
        var said = Words(new SomeLog().Grant(new GrantPlot { Stages = ["1 of dba"], No = ("U0DANA001", "ask for read") }).Pack("K7Q3-MD"));

        Assert.Contains("erin asked for fix-orders on orders and never had it: U0DANA001 said no.", said, StringComparison.Ordinal);
        Assert.Contains("Denied because ask for read", said, StringComparison.Ordinal);
        Assert.Contains("What it would have given", said, StringComparison.Ordinal);
        Assert.DoesNotContain("Proved gone", said, StringComparison.Ordinal);
        Assert.DoesNotContain("What the role ran", said, StringComparison.Ordinal);
    }

    [Fact]
    public void What_goes_on_is_told_as_going_on()
    {
        var said = Words(new SomeLog().Grant(new GrantPlot { IsOver = false }).Pack("K7Q3-MD"));

        Assert.Contains("erin has fix-orders on orders since 29 Nov 2026", said, StringComparison.Ordinal);
        Assert.Contains("none missing; it was not over yet", said, StringComparison.Ordinal);
        Assert.Contains("0 of 1 grant from the first event to the end", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "nobody has reviewed it")]
    [InlineData("U0SEC0001", "all right, says U0SEC0001")]
    public void After_an_emergency_the_review_is_told_or_that_there_is_none(string? reviewer, string expected)
    {
        var said = Words(new SomeLog().Grant(new GrantPlot { BreakGlass = true, ReviewedBy = reviewer }).Pack("K7Q3-MD"));

        Assert.Contains("as an emergency: nobody was asked before", said, StringComparison.Ordinal);
        Assert.Contains(expected, said, StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_withheld_is_said_to_be_left_out()
    {
        var said = Words(new SomeLog().Grant(new GrantPlot(), withhold: true).Pack("K7Q3-MD"));

        Assert.Contains("Why left out of this export", said, StringComparison.Ordinal);
        Assert.Contains("4 statements: left out of this export", said, StringComparison.Ordinal);
        Assert.Contains("The statements: left out of this export", said, StringComparison.Ordinal);
        Assert.Contains("words of 3 events", said, StringComparison.Ordinal);
        Assert.DoesNotContain("INC-4711", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(null, "Not known: the server does not count statements")]
    [InlineData(0, "Nothing: the server counted no statement of this role")]
    public void Where_nothing_was_run_or_counted_that_is_said(int? statements, string expected) => Assert.Contains(expected,
        Words(new SomeLog().Grant(new GrantPlot { Ran = statements is null ? null : [] }).Pack("K7Q3-MD")), StringComparison.Ordinal);

    [Fact]
    public void A_hole_in_the_events_is_not_passed_over()
    {
        var whole = new SomeLog().Grant(new GrantPlot()).Pack("K7Q3-MD");

        var said = Words(whole with { Events = [.. whole.Events.Where(one => one.Event.Number is not 4)] });

        Assert.Contains("incomplete: its event 4 is missing", said, StringComparison.Ordinal);
        Assert.Contains("0 of 1 grant from the first event to the end", said, StringComparison.Ordinal);
    }

    [Fact]
    public void Several_grants_have_a_list_and_a_part_each()
    {
        var log = new SomeLog().Grant(new GrantPlot()).Grant(new GrantPlot { Id = "AAAA-CD", Who = ("U0SAM0001", "sam"), No = ("U0DANA001", "no") });

        var html = Html(log.Pack("K7Q3-MD", "AAAA-CD"));

        Assert.Contains("<h1>Evidence of 2 grants</h1>", html, StringComparison.Ordinal);
        Assert.Contains("<a href=\"#grant-K7Q3-MD\">", html, StringComparison.Ordinal);
        Assert.Contains("id=\"grant-AAAA-CD\"", html, StringComparison.Ordinal);
        Assert.Contains("never held: U0DANA001 said no", html, StringComparison.Ordinal);
        Assert.Contains("<h3>Timeline</h3>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void A_pack_of_nothing_says_so() =>
        Assert.Contains("No event of any grant is in this pack.", Words(new SomeLog().Pack()), StringComparison.Ordinal);

    [Fact]
    public void Events_of_a_kind_that_is_not_known_yet_are_shown_as_they_are()
    {
        var log = new SomeLog().Grant(new GrantPlot());
        log.Attempt(DateTimeOffset.UnixEpoch, "command.teleport_grant", "U0ERIN001", "grant.too_far", "K7Q3-MD");

        Assert.Contains("command.teleport_grant, refused: grant.too_far", Words(log.Pack("K7Q3-MD")), StringComparison.Ordinal);
    }

    [Fact]
    public void What_was_carried_over_from_before_the_log_is_marked()
    {
        var log = new SomeLog();
        log.Step(new GrantPlot(), DateTimeOffset.UnixEpoch, "grant.ended", "sweep", "worker", withhold: false,
            new Fact.Flag("carried", true), new Fact.Text("to", "Ended"));

        Assert.Contains("Ended (recorded before the log began)", Words(log.Pack("K7Q3-MD")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;")]
    [InlineData("\" onload='x'", "&quot; onload=&#39;x&#39;")]
    [InlineData("a\u202Eb\u2066c", "a⟨U+202E⟩b⟨U+2066⟩c")]
    [InlineData("a\u200Bb\uFEFFc\u00ADd\U000E0041", "a⟨U+200B⟩b⟨U+FEFF⟩c⟨U+00AD⟩d⟨U+E0041⟩")]
    [InlineData("a\u0007b\u001B[31m", "a⟨U+0007⟩b⟨U+001B⟩[31m")]
    [InlineData("注文 Заказы \U0001F9EF", "注文 Заказы \U0001F9EF")]
    public void Words_from_outside_are_encoded_and_hide_nothing(string reason, string expected)
    {
        var html = Html(new SomeLog().Grant(new GrantPlot { Reason = reason }).Pack("K7Q3-MD"));

        Assert.Contains($"<q>{expected}</q>", html, StringComparison.Ordinal);
    }

    [Fact]
    public void It_has_nothing_from_outside_and_runs_nothing()
    {
        var html = Html(new SomeLog().Grant(new GrantPlot()).Pack("K7Q3-MD"));

        Assert.Contains("content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\"", html, StringComparison.Ordinal);
        Assert.DoesNotMatch("<script|<link|<img|<iframe|src=|@import|url\\(|https?://| on[a-z]+=", html);
        Assert.StartsWith("<!doctype html>\n<html lang=\"en\">", html, StringComparison.Ordinal);
    }

    private static string Html(PackStory story)
    {
        using var page = new StringWriter(CultureInfo.InvariantCulture);
        PackPage.Write(page, story);
        return page.ToString();
    }

    /// <summary>What somebody reads: without tags, on one line. The style draws the quotes.</summary>
    private static string Words(PackStory story) =>
        Spaces().Replace(WebUtility.HtmlDecode(Tags().Replace(Inline().Replace(Html(story), ""), " ")), " ");

    [GeneratedRegex("</?(b|q|code|span|time|bdi)( [^>]*)?>")]
    private static partial Regex Inline();

    [GeneratedRegex("<[^>]*>")]
    private static partial Regex Tags();

    [GeneratedRegex("\\s+")]
    private static partial Regex Spaces();
}
