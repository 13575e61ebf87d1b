using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Home;
using DbAccess.Application.Reconciling;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;

namespace DbAccess.Application.Tests.Home;

public sealed class GetHomeTests
{
    private readonly Stage _stage = new();

    public GetHomeTests()
    {
        _stage.Roles.PlanHash = _ => Plan.Hash;
        _stage.Inventory.Plan = Plan;
        _stage.Current = Policies.Ordinary with { Admins = ["dba"] };
    }

    private static PrivilegePlan Plan { get; } = new(
        ScopeName.Parse("fix")!,
        [new PlannedObject("orders", "table", "public.orders", "app", ["select"], new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal), 10, 16_384)],
        [], [], null);

    [Fact]
    public async Task What_waits_stands_with_whoever_asked_and_with_whoever_may_decide_and_nowhere_else()
    {
        var id = await AskedAsync("fix");

        Assert.Equal([id], Ids((await HomeAsync(Some.Engineer)).Waiting));
        Assert.Empty((await HomeAsync(Some.Engineer)).ToDecide);
        Assert.Equal([id], Ids((await HomeAsync(Some.Dba)).ToDecide));
        Assert.Empty((await HomeAsync(Some.Dba)).Waiting);
        var stranger = await HomeAsync(Some.OtherEngineer);
        Assert.Empty(stranger.ToDecide);
        Assert.Empty(stranger.Waiting);
        Assert.Null(stranger.Office);
    }

    [Fact]
    public async Task Nobody_is_shown_as_theirs_to_decide_what_is_their_own()
    {
        _stage.Current = _stage.Current with
        {
            Groups = new Dictionary<string, PolicyGroup>(Policies.Ordinary.Groups, StringComparer.Ordinal)
            {
                ["dba"] = new("dba", new HashSet<string>(StringComparer.Ordinal) { Some.Dba.User, Some.Person("U0DBA0002").User }, null),
            },
        };
        var id = await AskedAsync("fix", Some.Dba, by: Some.OtherEngineer);

        Assert.Empty((await HomeAsync(Some.Dba)).ToDecide);
        // Both may cancel.
        Assert.Equal([id], Ids((await HomeAsync(Some.Dba)).Waiting));
        Assert.Equal([id], Ids((await HomeAsync(Some.OtherEngineer)).Waiting));
    }

    [Fact]
    public async Task What_is_agreed_to_moves_from_waiting_to_live_and_from_live_to_recent()
    {
        Extendable();
        var id = await AskedAsync("fix");
        Assert.Null((await _stage.First.SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await SettleAsync();

        var live = await HomeAsync(Some.Engineer);
        Assert.Equal([id], Ids(live.Live));
        Assert.Empty(live.Waiting);
        Assert.Equal(TimeSpan.FromMinutes(30), live.Extends[id]);
        Assert.Empty((await HomeAsync(Some.Dba)).ToDecide);

        Assert.Null((await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, id))).Refusal);
        await SettleAsync();
        var over = await HomeAsync(Some.Engineer);
        Assert.Empty(over.Live);
        Assert.Equal([id], Ids(over.Recent));
    }

    [Fact]
    public async Task Longer_is_offered_only_as_often_as_the_rule_says_and_not_while_it_is_asked()
    {
        Extendable();
        var id = await AskedAsync("fix");
        Assert.Null((await _stage.First.SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await SettleAsync();

        Assert.Null((await _stage.First.SendAsync(new ExtendGrant(Some.Engineer, id, null))).Refusal);
        await SettleAsync();
        var asked = await HomeAsync(Some.Engineer);
        Assert.Empty(asked.Extends);
        Assert.Equal([id], Ids(asked.Waiting));
        Assert.Equal([id], Ids((await HomeAsync(Some.Dba)).ToDecide));

        Assert.Null((await _stage.First.SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await SettleAsync();
        Assert.Empty((await HomeAsync(Some.Engineer)).Extends);
    }

    [Fact]
    public async Task Administrators_see_what_everybody_has_and_what_needs_somebody()
    {
        var id = await _stage.GivenAsync();
        _stage.Health.Rejected = "line 3: there is no scope reed";
        _stage.Store.MakeUnreadable(await _stage.GivenAsync());

        var office = (await HomeAsync(Some.Dba)).Office!;

        Assert.Equal([id], Ids(office.Live));
        Assert.Contains(office.Troubles, trouble => trouble.Contains("reed", StringComparison.Ordinal));
        Assert.Contains(office.Troubles, trouble => trouble.Contains("cannot be read", StringComparison.Ordinal));
        Assert.Null((await HomeAsync(Some.Engineer)).Office);
    }

    [Fact]
    public async Task A_review_that_is_owed_waits_for_those_who_may_give_it_also_when_the_access_is_over()
    {
        _stage.Current = _stage.Current with
        {
            Allow = [.. Policies.Ordinary.Allow.Select(rule => rule.Id != "fix-it" ? rule : rule with { Approval = null, BreakGlass = new BreakGlass(null, new ApprovalStage(1, ["dba"]), TimeSpan.FromHours(24)) })],
        };
        var id = await AskedAsync("fix", breakGlass: true);
        Assert.Equal([id], Ids((await HomeAsync(Some.Dba)).ToReview));
        Assert.Equal([id], Ids((await HomeAsync(Some.Dba)).Office!.Unreviewed));

        Assert.Null((await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, id))).Refusal);
        await SettleAsync();
        Assert.Equal(GrantStatus.Ended, _stage.Of(id).Status);
        Assert.Equal([id], Ids((await HomeAsync(Some.Dba)).ToReview));

        Assert.Null((await _stage.First.SendAsync(new ReviewGrant(Some.Dba, id, null))).Refusal);
        Assert.Empty((await HomeAsync(Some.Dba)).ToReview);
    }

    [Fact]
    public async Task A_review_that_is_late_stays_with_administrators_after_the_end_and_they_are_told_again_after_a_week()
    {
        _stage.Current = _stage.Current with
        {
            Allow = [.. Policies.Ordinary.Allow.Select(rule => rule.Id != "fix-it" ? rule : rule with { Approval = null, BreakGlass = new BreakGlass(null, new ApprovalStage(1, ["dba"]), TimeSpan.FromHours(24)) })],
        };
        var id = await AskedAsync("fix", breakGlass: true);
        await _stage.SettleAsync(_stage.First, _stage.Now.AddDays(3));
        Assert.Equal((GrantStatus.Ended, true), (_stage.Of(id).Status, _stage.Of(id).Review!.Escalated));
        var told = _stage.Chat.SaidTo(Some.Dba).Count;

        Assert.Equal([id], Ids((await HomeAsync(Some.Dba)).Office!.Unreviewed));
        Assert.Equal([id], Ids((await HomeAsync(Some.Dba)).ToReview));

        await _stage.SettleAsync(_stage.First, _stage.Now.AddDays(9));
        Assert.Equal(told + 1, _stage.Chat.SaidTo(Some.Dba).Count);
        Assert.Null((await _stage.First.SendAsync(new ReviewGrant(Some.Dba, id, null))).Refusal);
        Assert.Empty((await HomeAsync(Some.Dba)).Office!.Unreviewed);
        Assert.Null(_stage.Of(id).Review!.LateAt);
    }

    [Fact]
    public async Task What_a_comparison_found_and_did_not_mend_is_shown_until_a_later_one_does_not_find_it()
    {
        var line = new ReconcileLine(ClusterName.Parse("orders-prod")!, FindingKind.Drifted, "dbaccess_scope_1", FindingOutcome.Reported, "scope role dbaccess_scope_1 gives DELETE on public.orders, which its scope does not");
        var open = new OpenFindings(_stage.Audit);
        await open.WriteAsync(new ReconcileReport(1, 1, [line, line with { Outcome = FindingOutcome.Mended, Words = "mended" }, line with { Kind = FindingKind.Unneeded, Words = "unneeded" }]), _stage.Now, TestContext.Current.CancellationToken);

        var trouble = Assert.Single((await HomeAsync(Some.Dba)).Office!.Troubles);
        Assert.Contains("orders-prod: scope role dbaccess_scope_1 gives DELETE", trouble, StringComparison.Ordinal);

        await open.WriteAsync(new ReconcileReport(1, 1, Enumerable.Repeat(line, 20).ToList()), _stage.Now, TestContext.Current.CancellationToken);
        Assert.Contains("and 5 more", (await HomeAsync(Some.Dba)).Office!.Troubles[^1], StringComparison.Ordinal);

        Assert.Null((await _stage.First.SendAsync(new ReconcileRoles())).Refusal);
        Assert.Empty((await HomeAsync(Some.Dba)).Office!.Troubles);
    }

    [Fact]
    public async Task While_nobody_can_say_who_somebody_is_they_still_see_what_is_theirs_and_nothing_of_others()
    {
        var id = await _stage.GivenAsync();
        await AskedAsync("fix");
        _stage.Directory.IsDown();

        var mine = await HomeAsync(Some.Engineer);
        Assert.Equal([id], Ids(mine.Live));
        Assert.NotNull(mine.Trouble);
        var dba = await HomeAsync(Some.Dba);
        Assert.Empty(dba.ToDecide);
        Assert.Null(dba.Office);
    }

    [Fact]
    public async Task Whoever_may_not_act_here_is_shown_nothing()
    {
        _stage.Directory.Refuses(Some.Engineer);

        Assert.Equal("directory.guest", (await _stage.First.SendAsync(new GetHome(Some.Engineer))).Refusal?.Code);
    }

    private void Extendable() => _stage.Current = _stage.Current with
    {
        Allow = [.. Policies.Ordinary.Allow.Select(rule => rule with { Lifetime = rule.Lifetime with { ExtendTimes = 1, ExtendBy = TimeSpan.FromMinutes(30) } })],
    };

    private async Task<HomeFacts> HomeAsync(PrincipalId person)
    {
        var home = await _stage.First.SendAsync(new GetHome(person));
        Assert.Null(home.Refusal);
        return home.Value;
    }

    private async Task<GrantId> AskedAsync(string scope, PrincipalId? requester = null, PrincipalId? by = null, bool breakGlass = false)
    {
        var ask = Stage.Ask(scope, requester: requester);
        var filed = await _stage.First.SendAsync(ask with { AskedBy = by, Wish = ask.Wish with { BreakGlass = breakGlass } });
        Assert.Null(filed.Refusal);
        await SettleAsync();
        return filed.Value.Id;
    }

    private Task SettleAsync() => _stage.SettleAsync(_stage.First, _stage.Now);

    private static IReadOnlyList<GrantId> Ids(IEnumerable<GrantSnapshot> grants) => [.. grants.Select(grant => grant.Id)];
}
