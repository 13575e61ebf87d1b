using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Principals;
using DbAccess.TestKit;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Infrastructure.Tests.Slack;

public sealed class SlackDirectoryTests
{
    private static readonly CancellationToken Stop = TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("""{"id":"U0ENGINE1","team_id":"T0DBACME1","name":"erin"}""", null)]
    [InlineData("""{"id":"U0ENGINE1","team_id":"T0DBACME1","name":"erin","is_email_confirmed":false,"is_admin":true}""", null)]
    [InlineData("""{"id":"W0ENGINE2","team_id":"T0OTHER01","enterprise_user":{"id":"U0ENGINE1","enterprise_id":"E0ACMECO1","teams":["T0DBACME1"]}}""", null)]
    [InlineData("""{"id":"U0ENGINE1","team_id":"T0DBACME1","enterprise_user":{"id":"W0","enterprise_id":"E0ACMECO1","teams":["T0OTHER01"]}}""", "directory.outsider")]
    [InlineData("""{"id":"U0ENGINE1","team_id":"T0OTHER01"}""", "directory.outsider")]
    [InlineData("""{"id":"U0ENGINE1","name":"erin"}""", "directory.outsider")]
    [InlineData("""{"id":"U0ENGINE1","team_id":"T0DBACME1","is_stranger":true}""", "directory.outsider")]
    [InlineData("""{"id":"U0ENGINE1","team_id":"T0DBACME1","is_restricted":true}""", "directory.guest")]
    [InlineData("""{"id":"U0ENGINE1","team_id":"T0DBACME1","is_ultra_restricted":true}""", "directory.guest")]
    [InlineData("""{"id":"U0ENGINE1","team_id":"T0DBACME1","is_restricted":"yes"}""", "directory.guest")]
    [InlineData("""{"id":"U0ENGINE1","team_id":"T0DBACME1","deleted":true}""", "directory.deactivated")]
    [InlineData("""{"id":"U0ENGINE1","team_id":"T0DBACME1","is_bot":true}""", "directory.bot")]
    [InlineData("""{"id":"U0ENGINE1","team_id":"T0DBACME1","is_workflow_bot":true}""", "directory.bot")]
    [InlineData("""{"id":"U0ENGINE1","team_id":"T0DBACME1","is_connector_bot":true}""", "directory.bot")]
    [InlineData("""{"id":"U0ENGINE1","team_id":"T0DBACME1","is_invited_user":true}""", "directory.invited")]
    [InlineData("""{"id":"U0ENGINE2","team_id":"T0DBACME1"}""", "directory.unavailable")]
    [InlineData("\"erin\"", "directory.unavailable")]
    public async Task Only_people_of_the_workspace_may_act(string user, string? refusal)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Says("users.info", ScriptedSlack.User(user));

        var result = await bench.Directory.FindAsync(Some.Engineer, Stop);

        Assert.Equal(refusal, result.Refusal?.Code);
    }

    [Theory]
    [InlineData("\"Europe/Istanbul\"", "Europe/Istanbul")]
    [InlineData("\"Europe/Atlantis\"", null)]
    [InlineData("5", null)]
    [InlineData("null", null)]
    public async Task The_zone_of_their_clock_is_known_where_there_is_such_a_zone(string zone, string? known)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Says("users.info", ScriptedSlack.User($$"""{"id":"U0ENGINE1","team_id":"T0DBACME1","name":"erin","tz":{{zone}}}"""));

        Assert.Equal(known, (await bench.Directory.FindAsync(Some.Engineer, Stop)).Value.Zone);
    }

    [Fact]
    public async Task Slackbot_is_a_bot_whatever_it_says()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);

        Assert.Equal("directory.bot", (await bench.Directory.FindAsync(Some.Person("USLACKBOT"), Stop)).Refusal?.Code);
    }

    [Fact]
    public async Task A_person_of_another_workspace_is_refused_even_if_Slack_knows_the_id_here()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);

        Assert.Equal("directory.outsider", (await bench.Directory.FindAsync(PrincipalId.Parse("T0OTHER01", "U0ENGINE1")!, Stop)).Refusal?.Code);
    }

    [Fact]
    public async Task An_organisation_wide_app_serves_the_organisation()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api, team: "E0ACMECO1");
        slack.Says("users.info", ScriptedSlack.User("""{"id":"U0ENGINE1","enterprise_user":{"id":"U0ENGINE1","enterprise_id":"E0ACMECO1","teams":[]}}"""))
            .Says("users.info", ScriptedSlack.User("""{"id":"U0ENGINE2","enterprise_user":{"id":"U0ENGINE2","enterprise_id":"E0OTHER01","teams":["T0DBACME1"]}}"""));

        Assert.Null((await bench.Directory.FindAsync(Some.Engineer, Stop)).Refusal);
        Assert.Equal("directory.outsider", (await bench.Directory.FindAsync(Some.OtherEngineer, Stop)).Refusal?.Code);
    }

    [Theory]
    [InlineData("user_not_found", "directory.not_found")]
    [InlineData("internal_error", "directory.unavailable")]
    [InlineData("invalid_auth", "directory.unavailable")]
    public async Task What_Slack_does_not_say_is_not_guessed(string code, string refusal)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Refuses("users.info", code);

        Assert.Equal(refusal, (await bench.Directory.FindAsync(Some.Engineer, Stop)).Refusal?.Code);
    }

    [Fact]
    public async Task People_are_remembered_for_a_minute_unless_they_change()
    {
        var clock = new FakeTimeProvider(Some.Now);
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api, clock);

        Assert.Equal(new Person(Some.Engineer, "erin"), (await bench.Directory.FindAsync(Some.Engineer, Stop)).Value);
        clock.Advance(TimeSpan.FromSeconds(59));
        await bench.Directory.FindAsync(Some.Engineer, Stop);
        Assert.Single(slack.Calls);
        clock.Advance(TimeSpan.FromSeconds(1));
        await bench.Directory.FindAsync(Some.Engineer, Stop);
        Assert.Equal(2, slack.Calls.Count);
        bench.Directory.Forget(Some.Engineer);
        await bench.Directory.FindAsync(Some.Engineer, Stop);
        Assert.Equal(3, slack.Calls.Count);
    }

    [Fact]
    public async Task Not_getting_an_answer_is_not_remembered()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Cuts("users.info");

        Assert.Equal("directory.unavailable", (await bench.Directory.FindAsync(Some.Engineer, Stop)).Refusal?.Code);
        Assert.Null((await bench.Directory.FindAsync(Some.Engineer, Stop)).Refusal);
    }

    [Fact]
    public async Task Many_who_ask_at_once_are_one_question_that_none_of_them_can_cancel()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        using var impatient = new CancellationTokenSource();

        var first = bench.Directory.FindAsync(Some.Engineer, impatient.Token);
        var others = Enumerable.Range(0, 20).Select(_ => bench.Directory.FindAsync(Some.Engineer, Stop)).ToList();
        await impatient.CancelAsync();
        var results = await Task.WhenAll(others);
        await Record.ExceptionAsync(() => first);

        Assert.All(results, result => Assert.Null(result.Refusal));
        Assert.Single(slack.Calls);
    }

    [Fact]
    public async Task A_groups_members_are_remembered_and_a_group_that_cannot_be_read_is_not_empty()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api);
        slack.Says("usergroups.users.list", """{"ok":false,"error":"no_such_subteam"}""").Says("usergroups.users.list", """{"ok":true,"users":"many"}""");

        var missing = await bench.Directory.ListMembersAsync("S0ONCALL1", Stop);
        var odd = await bench.Directory.ListMembersAsync("S0ONCALL1", Stop);
        var members = await bench.Directory.ListMembersAsync("S0ONCALL1", Stop);
        var again = await bench.Directory.ListMembersAsync("S0ONCALL1", Stop);
        var nonsense = await bench.Directory.ListMembersAsync("oncall", Stop);

        Assert.NotNull(missing.Refusal);
        Assert.NotNull(odd.Refusal);
        Assert.NotNull(nonsense.Refusal);
        Assert.True(members.Value.SetEquals(["U0APPROV1", "U0APPROV2"]));
        Assert.Same(members.Value, again.Value);
        Assert.Equal(3, slack.Calls.Count);
    }

    [Theory]
    [InlineData("T0DBACME1", null, "T0DBACME1")]
    [InlineData("E0ACMECO1", null, null)]
    [InlineData("E0ACMECO1", "T0DBGRID2", "T0DBGRID2")]
    [InlineData("T0DBACME1", "T0DBGRID2", "T0DBGRID2")]
    public async Task A_group_is_asked_for_in_the_workspace_that_it_belongs_to(string team, string? groups, string? asked)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api, team: team, groups: groups);

        Assert.Null((await bench.Directory.ListMembersAsync("S0ONCALL1", Stop)).Refusal);

        // A form: Slack does not look at a JSON body here.
        var call = Assert.Single(slack.CallsOf("usergroups.users.list"));
        Assert.Equal("application/x-www-form-urlencoded", call.ContentType);
        Assert.Equal(asked, (string?)call.Arguments["team_id"]);
    }

    [Theory]
    [InlineData("E0ACMECO1", true)]
    [InlineData("T0DBACME1", false)]
    public async Task An_organisations_group_that_cannot_be_read_says_which_setting_is_missing(string team, bool says)
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api, team: team);
        slack.Refuses("usergroups.users.list", "missing_argument");

        var refusal = (await bench.Directory.ListMembersAsync("S0ONCALL1", Stop)).Refusal!;

        Assert.Equal("directory.group_unreadable", refusal.Code);
        Assert.Equal(says, refusal.Message.Contains("Slack:GroupsTeamId", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Health_is_asked_once_a_minute()
    {
        var clock = new FakeTimeProvider(Some.Now);
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api, clock);

        Assert.Null((await bench.Health.CheckAsync(Stop)).Refusal);
        slack.Refuses("auth.test", "token_revoked");
        Assert.Null((await bench.Health.CheckAsync(Stop)).Refusal);
        clock.Advance(TimeSpan.FromSeconds(60));
        Assert.Contains("token_revoked", (await bench.Health.CheckAsync(Stop)).Refusal!.Message, StringComparison.Ordinal);
        Assert.Equal(2, slack.Calls.Count);
    }

    [Fact]
    public async Task A_token_of_another_workspace_is_not_healthy()
    {
        await using var slack = await ScriptedSlack.StartAsync();
        using var bench = new SlackBench(slack.Api, team: "T0OTHER01");

        Assert.Equal("slack.other_team", (await bench.Health.CheckAsync(Stop)).Refusal?.Code);
    }
}
