using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Steps;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using MediatR;

namespace DbAccess.Application.Tests.Approvals;

/// <summary>What nobody can finish any more, and what is judged again when it comes to be given.</summary>
public sealed class StuckTests : IDisposable
{
    private static readonly PrincipalId Second = Some.Person("U0DBA0002");
    private static readonly PrincipalId Guard = Some.Person("U0SECUR01");
    private readonly Stage _stage = new();

    public StuckTests()
    {
        _stage.Directory.Named(Some.Dba, "dana").Named(Second, "ali").Named(Guard, "mei");
        _stage.Roles.PlanHash = _ => Plan.Hash;
        _stage.Inventory.Plan = Plan;
    }

    private static PrivilegePlan Plan { get; } = new(
        ScopeName.Parse("fix")!,
        [new PlannedObject("orders", "table", "public.orders", "app", ["select"], new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal), 10, 16_384)],
        [], [], null);

    public void Dispose() => NotificationTests.CheckCards(_stage);

    [Fact]
    public async Task Whoever_is_needed_for_a_later_stage_does_not_use_themselves_up_in_an_earlier_one()
    {
        With([new ApprovalStage(1, ["dba"]), new ApprovalStage(1, ["security"])], dba: [Some.Dba, Second], security: [Some.Dba]);
        var id = await AskedAsync();

        Assert.Equal("approval.needed_later", (await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal?.Code);
        Assert.Empty(_stage.Of(id).Asking!.Agreements);

        Assert.Null((await SendAsync(new ApproveGrant(Second, id))).Refusal);
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        Assert.Equal(GrantStatus.Approved, _stage.Of(id).Status);
    }

    [Fact]
    public async Task What_nobody_can_finish_any_more_is_over_and_whoever_asked_is_told_why()
    {
        With([new ApprovalStage(2, ["dba"])], dba: [Some.Dba, Second], security: []);
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await _stage.First.SendAsync(new ReviewHolders());
        Assert.Equal(GrantStatus.Pending, _stage.Of(id).Status);

        With([new ApprovalStage(2, ["dba"])], dba: [Some.Dba], security: []);
        await _stage.First.SendAsync(new ReviewHolders());
        await SettleAsync();

        Assert.Equal((GrantStatus.Cancelled, EndReason.Superseded), (_stage.Of(id).Status, _stage.Of(id).EndReason));
        Assert.Contains(_stage.Chat.SaidTo(Some.Engineer), said => said.Contains("not enough of them who could still agree", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_group_that_was_renamed_while_it_was_asked_does_not_keep_anybody_waiting()
    {
        With([new ApprovalStage(1, ["dba"])], dba: [Some.Dba], security: []);
        var id = await AskedAsync();

        With([new ApprovalStage(1, ["dbas"])], dba: [Some.Dba], security: [], called: "dbas");
        await _stage.First.SendAsync(new ReviewHolders());

        Assert.Equal(GrantStatus.Cancelled, _stage.Of(id).Status);
        Assert.Null((await _stage.First.SendAsync(Stage.Ask("fix"))).Refusal);
    }

    [Fact]
    public async Task While_a_group_cannot_be_read_nothing_is_ended_for_it()
    {
        With([new ApprovalStage(1, ["dba"])], dba: [], security: [], usergroup: "S0DBADMIN");
        _stage.Directory.Group("S0DBADMIN", Some.Dba);
        var id = await AskedAsync();
        _stage.Directory.IsDown();

        await _stage.First.SendAsync(new ReviewHolders());

        Assert.Equal(GrantStatus.Pending, _stage.Of(id).Status);
    }

    [Fact]
    public async Task More_time_that_nobody_can_decide_about_is_not_given_and_what_is_live_stays()
    {
        With([new ApprovalStage(1, ["dba"])], dba: [Some.Dba], security: []);
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await SettleAsync();
        Assert.Null((await SendAsync(new ExtendGrant(Some.Engineer, id, null))).Refusal);
        await SettleAsync();

        With([new ApprovalStage(1, ["dba"])], dba: [], security: []);
        await _stage.First.SendAsync(new ReviewHolders());
        await SettleAsync();

        Assert.Equal((GrantStatus.Active, null), (_stage.Of(id).Status, _stage.Of(id).ExtendBy));
        Assert.Contains(await _stage.StoryAsync(id), type => type == "grant.extension_withdrawn");
    }

    [Fact]
    public async Task A_days_cap_counts_again_when_what_waited_comes_to_be_given()
    {
        With([new ApprovalStage(1, ["dba"])], dba: [Some.Dba], security: [], caps: new Caps(1, null));
        var (first, second) = (await AskedAsync(), await AskedAsync());
        foreach (var id in (GrantId[])[second, first]) Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);

        await _stage.First.ProvisionAsync(second);
        await SettleAsync();

        // Both were asked for in one instant, and one of them is first.
        var (given, not) = _stage.Of(first).Status is GrantStatus.Active ? (first, second) : (second, first);
        Assert.Equal((GrantStatus.Active, GrantStatus.Failed), (_stage.Of(given).Status, _stage.Of(not).Status));
        Assert.Contains("gives 1 in 24 hours", _stage.Of(not).AbandonedBecause, StringComparison.Ordinal);
        Assert.Single(_stage.Roles.Makes);
    }

    [Fact]
    public async Task An_emergency_that_was_revoked_in_the_instant_in_which_it_was_delivered_owes_its_review_all_the_same()
    {
        With(null, dba: [Some.Dba], security: [Guard], glass: new BreakGlass("C0SECURITY", new ApprovalStage(1, ["security"]), TimeSpan.FromHours(24)));
        _stage.Current = _stage.Current with { Admins = ["dba"] };
        GrantId? id = null;
        _stage.Delivery.Meanwhile = async (grant, _) =>
        {
            id = grant.Id;
            Assert.Null((await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Some.Dba), new RevokeTarget.One(grant.Id), "not now"))).Refusal);
        };

        await AskedAsync(breakGlass: true);
        await SettleAsync(_stage.Now.AddMinutes(10));

        Assert.Equal((GrantStatus.Failed, true), (_stage.Of(id!).Status, _stage.Of(id!).Review!.IsOwed));
        Assert.NotEmpty(_stage.Cards.In("C0SECURITY"));
        Assert.Equal("grant.review_first", (await _stage.First.SendAsync(Ask(breakGlass: true))).Refusal?.Code);
        Assert.Null((await SendAsync(new ReviewGrant(Guard, id!, null))).Refusal);
    }

    [Fact]
    public async Task A_review_that_was_written_into_the_store_settles_nothing()
    {
        With(null, dba: [Some.Dba], security: [Guard], glass: new BreakGlass("C0SECURITY", new ApprovalStage(1, ["security"]), TimeSpan.FromHours(24)));
        var id = await AskedAsync(breakGlass: true);
        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);

        await ForgeAsync(id, grant => grant with { Review = grant.Review! with { By = Guard, Called = "mei", At = _stage.Now, AllRight = true } });
        Assert.Equal("grant.review_first", (await _stage.First.SendAsync(Ask(breakGlass: true))).Refusal?.Code);
        await ForgeAsync(id, grant => grant with { Review = null });
        Assert.Equal("grant.review_first", (await _stage.First.SendAsync(Ask(breakGlass: true))).Refusal?.Code);
    }

    [Fact]
    public async Task A_review_by_those_whom_somebody_wrote_into_the_store_settles_nothing()
    {
        With(null, dba: [Some.Dba], security: [Guard], glass: new BreakGlass("C0SECURITY", new ApprovalStage(1, ["security"]), TimeSpan.FromHours(24)));
        var id = await AskedAsync(breakGlass: true);
        await ForgeAsync(id, grant => grant with { Review = grant.Review! with { Reviewers = new ApprovalStage(1, ["dba"]) } });

        await SendAsync(new ReviewGrant(Some.Dba, id, null));

        Assert.Equal("grant.review_first", (await _stage.First.SendAsync(Ask(breakGlass: true))).Refusal?.Code);
    }

    [Fact]
    public async Task A_review_that_was_given_settles_it()
    {
        With(null, dba: [Some.Dba], security: [Guard], glass: new BreakGlass("C0SECURITY", new ApprovalStage(1, ["security"]), TimeSpan.FromHours(24)));
        var id = await AskedAsync(breakGlass: true);

        Assert.Null((await SendAsync(new ReviewGrant(Guard, id, null))).Refusal);
        Assert.Null((await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, id))).Refusal);
        await SettleAsync();

        Assert.Null((await _stage.First.SendAsync(Ask(breakGlass: true))).Refusal);
    }

    [Theory]
    [InlineData(5, 45, 45)]
    [InlineData(8, 55, 55)]
    [InlineData(8, 90, 60)]
    [InlineData(8, 5, null)]
    public async Task A_rule_that_became_shorter_counts_from_the_beginning_that_was_asked_for(int late, int most, int? end)
    {
        With(null, dba: [Some.Dba], security: []);
        var start = _stage.Now.AddHours(2);
        var ask = Stage.Ask("fix");
        var filed = await _stage.First.SendAsync(ask with { Wish = ask.Wish with { StartsAt = start, Duration = TimeSpan.FromHours(1) } });
        Assert.Null(filed.Refusal);
        _stage.Current = _stage.Current with
        {
            Allow = [.. _stage.Current.Allow.Select(rule => rule with { Lifetime = rule.Lifetime with { Max = TimeSpan.FromMinutes(most), Default = TimeSpan.FromMinutes(1) } })],
        };
        // The database came back late.
        _stage.Clock.SetUtcNow(start.AddMinutes(late));

        await SettleAsync();

        Assert.Equal(end is { } minutes ? (GrantStatus.Active, start.AddMinutes(minutes)) : (GrantStatus.Failed, default),
            (_stage.Of(filed.Value.Id).Status, end is null ? default : _stage.Of(filed.Value.Id).Window!.Expiry));
    }

    private static CreateGrant Ask(bool breakGlass = false)
    {
        var ask = Stage.Ask("fix");
        return ask with { Wish = ask.Wish with { BreakGlass = breakGlass } };
    }

    private async Task<GrantId> AskedAsync(bool breakGlass = false)
    {
        var filed = await _stage.First.SendAsync(Ask(breakGlass));
        Assert.Null(filed.Refusal);
        await SettleAsync();
        return filed.Value.Id;
    }

    private async Task ForgeAsync(GrantId id, Func<GrantSnapshot, GrantSnapshot> forge) => await _stage.Store.SaveAsync(new Grant(forge(_stage.Of(id))), TestContext.Current.CancellationToken);

    private Task<Result<GrantDecided>> SendAsync(IRequest<Result<GrantDecided>> command) => _stage.First.SendAsync(command);

    private Task SettleAsync(DateTimeOffset? until = null) => _stage.SettleAsync(_stage.First, until ?? _stage.Now);

    private void With(IReadOnlyList<ApprovalStage>? stages, PrincipalId[] dba, PrincipalId[] security, string called = "dba", string? usergroup = null, Caps? caps = null, BreakGlass? glass = null) => _stage.Current = Policies.Ordinary with
    {
        Hash = Guid.NewGuid().ToString("N"),
        Groups = new Dictionary<string, PolicyGroup>(StringComparer.Ordinal)
        {
            ["oncall"] = Policies.Ordinary.Groups["oncall"],
            [called] = new(called, dba.Select(person => person.User).ToHashSet(StringComparer.Ordinal), usergroup),
            ["security"] = new("security", security.Select(person => person.User).ToHashSet(StringComparer.Ordinal), null),
        },
        Allow =
        [
            .. Policies.Ordinary.Allow.Select(rule => rule.Id != "fix-it" ? rule : rule with
            {
                Approval = stages is null ? null : new Approval(stages, TimeSpan.FromHours(1), "C0APPROVE"), Caps = caps, BreakGlass = glass,
                Lifetime = rule.Lifetime with { ExtendTimes = 1, ExtendBy = TimeSpan.FromMinutes(30) },
            }),
        ],
    };
}
