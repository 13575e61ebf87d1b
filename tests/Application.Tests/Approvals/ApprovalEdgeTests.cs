using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using MediatR;

namespace DbAccess.Application.Tests.Approvals;

/// <summary>What an attacker, somebody impatient or a crash in a bad moment make of it.</summary>
public sealed class ApprovalEdgeTests : IDisposable
{
    private static readonly PrincipalId Second = Some.Person("U0DBA0002");
    private static readonly PrincipalId Guard = Some.Person("U0SECUR01");
    private static readonly BreakGlass Glass = new("C0SECURITY", new ApprovalStage(1, ["security"]), TimeSpan.FromHours(24));
    private readonly Stage _stage = new();

    public ApprovalEdgeTests()
    {
        _stage.Directory.Named(Some.Dba, "dana").Named(Second, "ali").Named(Guard, "mei");
        _stage.Roles.PlanHash = _ => Plan().Hash;
        _stage.Inventory.Plan = Plan();
        With(fix => fix with { Approval = Of(new ApprovalStage(1, ["dba"])) });
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => NotificationTests.CheckCards(_stage);

    [Fact]
    public async Task One_person_fills_one_place_also_by_an_offer_and_a_yes()
    {
        With(fix => fix with { Approval = Of(new ApprovalStage(2, ["dba"])) });
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new OfferLess(Some.Dba, id, null, [], TimeSpan.FromMinutes(15)))).Refusal);
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);

        Assert.Null((await SendAsync(new AnswerOffer(Some.Engineer, id, true))).Refusal);
        await SettleAsync();

        Assert.Equal(GrantStatus.Pending, _stage.Of(id).Status);
        Assert.Null((await SendAsync(new ApproveGrant(Second, id))).Refusal);
        Assert.Equal((GrantStatus.Approved, TimeSpan.FromMinutes(15)), (_stage.Of(id).Status, _stage.Of(id).Duration));
    }

    [Fact]
    public async Task What_others_decide_cannot_be_offered()
    {
        With(fix => fix with { Approval = Of(new ApprovalStage(1, ["dba"])) }, migrate => migrate with { Approval = Of(new ApprovalStage(1, ["security"])) });
        var id = await AskedAsync();

        Assert.Equal("approval.offer_not_less", (await SendAsync(new OfferLess(Some.Dba, id, ScopeName.Parse("migrate"), [], null))).Refusal?.Code);
        Assert.Null(_stage.Of(id).Asking!.Offer);
    }

    [Fact]
    public async Task An_offer_is_not_taken_after_the_request_has_lapsed()
    {
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new OfferLess(Some.Dba, id, null, [], TimeSpan.FromMinutes(15)))).Refusal);
        _stage.Clock.Advance(TimeSpan.FromHours(2));

        Assert.NotNull((await SendAsync(new AnswerOffer(Some.Engineer, id, true))).Refusal);
        Assert.Equal(GrantStatus.Pending, _stage.Of(id).Status);
    }

    [Fact]
    public async Task An_offer_is_not_declined_after_the_request_is_closed()
    {
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new OfferLess(Some.Dba, id, null, [], TimeSpan.FromMinutes(15)))).Refusal);
        Assert.Null((await SendAsync(new DenyGrant(Second, id, "no"))).Refusal);

        Assert.NotNull((await SendAsync(new AnswerOffer(Some.Engineer, id, false))).Refusal);
        await SettleAsync(_stage.Now.AddHours(3));
        Assert.Null(_stage.Of(id).StepDueAt);
    }

    [Fact]
    public async Task Broken_glass_is_no_twin_of_what_waits()
    {
        With(fix => fix with { Approval = Of(new ApprovalStage(1, ["dba"])) });
        _stage.Current = _stage.Current with { Allow = [.. _stage.Current.Allow, _stage.Current.Allow.Single(rule => rule.Id == "fix-it") with { Id = "emergency", Approval = null, BreakGlass = Glass }] };
        var waits = await AskedAsync(another: false);

        var id = await AskedAsync(breakGlass: true, another: false);

        Assert.NotEqual(waits, id);
        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
    }

    [Fact]
    public async Task Two_glasses_are_not_broken_in_one_go()
    {
        With(fix => fix with { BreakGlass = Glass });
        Assert.Null((await _stage.First.SendAsync(Ask(breakGlass: true))).Refusal);

        Assert.Equal("grant.review_first", (await _stage.First.SendAsync(Ask(breakGlass: true))).Refusal?.Code);
    }

    [Fact]
    public async Task A_day_s_cap_is_not_passed_by_being_quick()
    {
        With(fix => fix with { Caps = new Caps(Day: 1, AtOnce: null) });
        Assert.Null((await _stage.First.SendAsync(Ask())).Refusal);

        Assert.Equal("policy.cap_day", (await _stage.First.SendAsync(Ask())).Refusal?.Code);
    }

    [Fact]
    public async Task What_begins_later_is_not_given_when_it_is_approved_after_its_end()
    {
        With(fix => fix with { Approval = Of(new ApprovalStage(1, ["dba"])) with { Lapse = TimeSpan.FromHours(4) } });
        var start = _stage.Now.AddMinutes(10);
        var id = await AskedAsync(startsAt: start);

        await SettleAsync(start.AddHours(1).AddSeconds(1));
        Assert.NotNull((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await SettleAsync();

        Assert.Equal(GrantStatus.Lapsed, _stage.Of(id).Status);
        Assert.Empty(_stage.Roles.Makes);
    }

    [Fact]
    public async Task What_begins_later_is_not_made_once_its_time_is_over()
    {
        With(fix => fix with { Approval = null });
        var start = _stage.Now.AddMinutes(10);
        var id = await AskedAsync(startsAt: start, duration: TimeSpan.FromMinutes(5));
        _stage.Roles.MakingFails = _ => FakeRoleAdministrator.NotNow();
        await SettleAsync(start.AddMinutes(5));
        _stage.Roles.MakingFails = null;

        await SettleAsync(start.AddMinutes(6));

        Assert.Empty(_stage.Roles.Roles);
        Assert.Equal(GrantStatus.Failed, _stage.Of(id).Status);
        Assert.Empty(_stage.Delivery.Delivered);
    }

    [Fact]
    public async Task A_forged_end_is_not_moved_to()
    {
        var id = await GivenAsync();
        var window = _stage.Of(id).Window!;
        await ForgeAsync(id, grant => grant with { Window = window with { Expiry = window.Expiry.AddYears(1) }, EndMoved = true, StepDueAt = _stage.Now, Extended = TimeSpan.FromDays(366) });
        await SettleAsync();

        Assert.DoesNotContain(_stage.Roles.Roles, role => role.Order.Expiry > window.Expiry);
    }

    [Fact]
    public async Task An_end_that_the_server_does_not_take_ends_on_record_all_the_same()
    {
        With(fix => fix);
        var id = await AskedAsync();
        await SettleAsync();
        _stage.Roles.MovingFails = new Error("postgres.unreachable", "It does not answer.");
        Assert.Null((await SendAsync(new ExtendGrant(Some.Engineer, id, null))).Refusal);
        var end = _stage.Of(id).Window!.Expiry;
        await SettleAsync(end.AddSeconds(-1));
        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
        await SettleAsync(end.AddSeconds(1));
        Assert.Equal(GrantStatus.Ended, _stage.Of(id).Status);
    }

    [Fact]
    public async Task A_forged_plan_hides_nothing_that_has_grown()
    {
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await ForgeAsync(id, grant => grant with { Asking = grant.Asking! with { Plan = grant.Asking.Plan! with { Gives = AgreedPlan.Of(Plan("refunds")).Gives } } });
        Grow();
        await SettleAsync();

        Assert.NotEqual(GrantStatus.Active, _stage.Of(id).Status);
    }

    [Fact]
    public async Task Forged_words_are_not_agreed_to()
    {
        var id = await AskedAsync();
        await ForgeAsync(id, grant => grant with { Asking = grant.Asking! with { Plan = grant.Asking.Plan! with { Words = ["nothing much"], Summary = "nothing" } } });

        Assert.Equal("grant.not_ours", (await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal?.Code);
    }

    [Fact]
    public async Task More_time_that_nobody_decided_about_is_said_as_it_is()
    {
        With(fix => fix with { Approval = Of(new ApprovalStage(1, ["dba"])) with { Lapse = TimeSpan.FromMinutes(10) } });
        var id = await GivenAsync();
        Assert.Null((await SendAsync(new ExtendGrant(Some.Engineer, id, null))).Refusal);
        await SettleAsync(_stage.Now.AddMinutes(11));

        var told = _stage.Chat.Told.Last(told => told.Message.Summary.Contains("does not last longer", StringComparison.Ordinal));
        Assert.Contains("nobody decided", told.Message.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_extension_that_is_denied_is_not_called_given()
    {
        With(fix => fix with { Approval = Of(new ApprovalStage(1, ["dba"])), Lifetime = fix.Lifetime with { ExtendTimes = 2, ExtendBy = TimeSpan.FromMinutes(30) } });
        var id = await GivenAsync();
        Assert.Null((await SendAsync(new ExtendGrant(Some.Engineer, id, null))).Refusal);
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await SettleAsync();
        Assert.Null((await SendAsync(new ExtendGrant(Some.Engineer, id, null))).Refusal);
        Assert.Null((await SendAsync(new DenyGrant(Some.Dba, id, "enough"))).Refusal);
        await SettleAsync();

        var told = _stage.Chat.Told.Last(told => told.Message.Summary.Contains("does not last longer", StringComparison.Ordinal));
        Assert.Contains("enough", told.Message.Summary, StringComparison.Ordinal);
        Assert.DoesNotContain("Extended.", told.Message.Summary, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_deleted_card_of_what_is_settled_worries_nobody()
    {
        _stage.Current = _stage.Current with { Admins = ["security"] };
        var id = await AskedAsync();
        _stage.Cards.Delete(_stage.Cards.All.Single().Ref);
        Assert.Null((await SendAsync(new DenyGrant(Some.Dba, id, "no"))).Refusal);
        await SettleAsync();

        Assert.DoesNotContain(_stage.Chat.Told, told => told.To == Guard);
    }

    [Fact]
    public async Task A_line_that_a_crash_repeats_is_recognisable_as_the_same()
    {
        for (var boundary = 0; ; boundary++)
        {
            var worker = _stage.Start();
            var id = await AskedAsync();
            Assert.Null((await SendAsync(new OfferLess(Some.Dba, id, null, [], TimeSpan.FromMinutes(15)))).Refusal);
            var died = await worker.DiesAtAsync(boundary, () => worker.ProvisionAsync(id));
            await SettleAsync(_stage.Now.AddMinutes(5));
            Assert.InRange(_stage.Cards.Of(id).Select(card => card.Mark.Key).Distinct(StringComparer.Ordinal).Count(), 1, 1);
            Assert.Single(_stage.Cards.Of(id).SelectMany(card => card.Thread).Select(line => line.Mark.Key).Distinct(StringComparer.Ordinal));
            await _stage.First.SendAsync(new CancelGrant(Some.Engineer, id));
            await SettleAsync();
            if (!died) return;
        }
    }

    [Fact]
    public async Task A_card_of_a_worker_that_was_too_slow_is_not_forgotten()
    {
        var (other, held) = (_stage.Start(), false);
        _stage.First.Gate.At = async boundary =>
        {
            if (boundary is not { Call: "Cards.Post", Over: true } || held) return;
            held = true;
            _stage.Clock.Advance(TimeSpan.FromMinutes(2));
            await _stage.SettleAsync(other, _stage.Now);
        };
        var id = await AskedAsync();
        _stage.First.Gate.At = null;
        Assert.Equal(2, _stage.Cards.All.Count);

        Assert.Null((await SendAsync(new DenyGrant(Some.Dba, id, "no"))).Refusal);
        await SettleAsync();
        Assert.All(_stage.Cards.All, card => Assert.Empty(card.Actions));
    }

    [Fact]
    public async Task What_may_not_be_decided_is_said_before_anything_else()
    {
        var id = await AskedAsync();
        _stage.Current = _stage.Current with { Allow = [] };

        Assert.Equal("approval.own", (await SendAsync(new ApproveGrant(Some.Engineer, id))).Refusal?.Code);
        Assert.Equal("approval.not_approver", (await SendAsync(new ApproveGrant(Some.OtherEngineer, id))).Refusal?.Code);
    }

    [Fact]
    public async Task A_plan_that_is_the_same_when_it_is_looked_at_again_does_not_spin()
    {
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        _stage.Roles.PlanHash = _ => "another";

        await SettleAsync(_stage.Now.AddMinutes(20));

        Assert.Equal(GrantStatus.Failed, _stage.Of(id).Status);
        Assert.InRange(_stage.Roles.Makes.Count, 2, 200);
    }

    [Fact]
    public async Task What_has_grown_is_not_agreed_to_before_the_card_shows_it()
    {
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        Grow();
        _stage.Cards.IsBusy();
        await SettleAsync();
        Assert.Equal(GrantStatus.Pending, _stage.Of(id).Status);

        Assert.Equal("approval.card_changed", (await SendAsync(new ApproveGrant(Second, id))).Refusal?.Code);
        _stage.Cards.Works();
        await SettleAsync(_stage.Now.AddMinutes(1));
        Assert.Null((await SendAsync(new ApproveGrant(Second, id))).Refusal);
    }

    [Fact]
    public async Task A_yes_of_somebody_who_left_is_dropped_also_when_another_grant_cannot_be_saved()
    {
        With(fix => fix with { Approval = Of(new ApprovalStage(2, ["dba"])) });
        GrantId[] ids = [await AskedAsync(), await AskedAsync()];
        foreach (var id in ids) Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        _stage.Directory.Refuses(Some.Dba, "directory.deactivated");

        foreach (var (stuck, id) in new[] { (ids[0], ids[1]), (ids[1], ids[0]) })
        {
            _stage.First.Gate.At = Stage.CannotBeSaved(stuck);
            await _stage.First.SendAsync(new ReviewHolders());
            Assert.Empty(_stage.Of(id).Asking!.Agreements);
        }
    }

    [Fact]
    public async Task What_begins_later_and_is_revoked_before_is_over_at_once()
    {
        var id = await AskedAsync(startsAt: _stage.Now.AddHours(8));
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);

        Assert.Null((await _stage.First.SendAsync(new RevokeGrant(new Actor.Person(Second), new RevokeTarget.One(id), "not tonight"))).Refusal);
        await SettleAsync();

        Assert.Equal(GrantStatus.Failed, _stage.Of(id).Status);
    }

    [Fact]
    public async Task A_review_that_is_not_all_right_reaches_administrators_also_when_access_ends_in_that_moment()
    {
        With(fix => fix with { BreakGlass = Glass });
        _stage.Current = _stage.Current with { Admins = ["dba"] };
        var id = await AskedAsync(breakGlass: true);
        Assert.Null((await SendAsync(new ReviewGrant(Guard, id, "read addresses"))).Refusal);
        Assert.Null((await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, id))).Refusal);
        await SettleAsync();

        Assert.Contains(_stage.Chat.Told, told => told.To == Some.Dba && told.Message.Summary.Contains("read addresses", StringComparison.Ordinal));
    }

    [Fact]
    public async Task That_nobody_reviewed_is_told_also_long_after_the_end_and_at_the_second_try()
    {
        With(fix => fix with { BreakGlass = Glass with { Within = TimeSpan.FromHours(72) } });
        _stage.Current = _stage.Current with { Admins = ["dba"] };
        var (tries, late) = (0, _stage.Now.AddHours(73));
        await AskedAsync(breakGlass: true);
        await SettleAsync(late.AddHours(-2));
        _stage.Chat.Answer = () => tries++ < 2 ? new Post.NotNow("slack: busy", null) : null;
        await SettleAsync(late);

        Assert.Contains(_stage.Chat.Told, told => told.To == Some.Dba && told.Message.Summary.Contains("Nobody has reviewed", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_review_says_what_was_not_all_right()
    {
        With(fix => fix with { BreakGlass = Glass });
        var id = await AskedAsync(breakGlass: true);

        foreach (var why in new[] { " ", "a\0b", new string('x', 3001) })
        {
            Assert.Equal("request.invalid", (await SendAsync(new ReviewGrant(Guard, id, why))).Refusal?.Code);
            Assert.True(_stage.Of(id).Review!.IsOwed);
        }
    }

    [Fact]
    public async Task Access_crashes_at_any_boundary_between_yes_and_having_and_is_given_once()
    {
        for (var boundary = 0; ; boundary++)
        {
            var worker = _stage.Start();
            var id = await AskedAsync();
            var died = await worker.DiesAtAsync(boundary, async () =>
            {
                await worker.SendAsync(new ApproveGrant(Some.Dba, id));
                await _stage.SettleAsync(worker, _stage.Now);
            });
            await SettleAsync(_stage.Now.AddMinutes(5));
            if (_stage.Of(id).Status is GrantStatus.Pending) Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
            await SettleAsync(_stage.Now.AddMinutes(5));
            Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
            Assert.Single(_stage.Roles.Roles);
            Assert.Null((await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, id))).Refusal);
            await SettleAsync();
            Assert.Empty(_stage.Roles.Roles);
            if (!died) return;
        }
    }

    [Fact]
    public async Task Asking_again_crashes_at_any_boundary_and_leaves_no_role()
    {
        for (var boundary = 0; ; boundary++)
        {
            var worker = _stage.Start();
            (_stage.Inventory.Plan, _stage.Roles.PlanHash) = (Plan(), _ => Plan().Hash);
            var id = await AskedAsync();
            Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
            Grow();
            var died = await worker.DiesAtAsync(boundary, () => _stage.SettleAsync(worker, _stage.Now));
            await SettleAsync(_stage.Now.AddMinutes(5));
            Assert.Equal(GrantStatus.Pending, _stage.Of(id).Status);
            Assert.Empty(_stage.Roles.Roles);
            Assert.Null((await SendAsync(new ApproveGrant(Second, id))).Refusal);
            await SettleAsync();
            Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
            Assert.Null((await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, id))).Refusal);
            await SettleAsync();
            if (!died) return;
        }
    }

    [Fact]
    public void A_plan_that_is_kept_fits_an_item_of_a_store_however_long_its_names_are()
    {
        string Long(int n) => $"{n:D4}{new string('x', 59)}";
        var columns = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal) { ["select"] = [.. Enumerable.Range(0, 49).Select(Long)] };
        var plan = new PrivilegePlan(
            ScopeName.Parse("fix")!,
            [.. Enumerable.Range(0, 8).Select(n => new PlannedObject(Long(n), "table", $"{Long(n)}.{Long(n)}", "app", [], columns, 10, 16_384))], [], [], null);

        var kept = AgreedPlan.Of(plan);

        Assert.InRange(kept.Words.Sum(line => line.Length) + (kept.Gives ?? []).Sum(line => line.Length), 1, 50_000);
    }

    private static Approval Of(params ApprovalStage[] stages) => new(stages, TimeSpan.FromHours(1), "C0APPROVE");

    private static CreateGrant Ask(bool breakGlass = false, DateTimeOffset? startsAt = null, TimeSpan? duration = null, bool another = true)
    {
        var ask = Stage.Ask("fix", duration: duration);
        return ask with { Wish = ask.Wish with { BreakGlass = breakGlass, StartsAt = startsAt, Another = another } };
    }

    private async Task<GrantId> AskedAsync(bool breakGlass = false, DateTimeOffset? startsAt = null, TimeSpan? duration = null, bool another = true)
    {
        var filed = await _stage.First.SendAsync(Ask(breakGlass, startsAt, duration, another));
        Assert.Null(filed.Refusal);
        await SettleAsync();
        return filed.Value.Id;
    }

    private async Task<GrantId> GivenAsync()
    {
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await SettleAsync();
        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
        return id;
    }

    /// <summary>Somebody who can write to the store writes.</summary>
    private async Task ForgeAsync(GrantId id, Func<GrantSnapshot, GrantSnapshot> forge) =>
        Assert.Equal(SaveOutcome.Saved, await _stage.Store.SaveAsync(new Grant(forge(_stage.Of(id))), Cancellation));

    private void Grow() => (_stage.Inventory.Plan, _stage.Roles.PlanHash) = (Plan("refunds"), _ => Plan("refunds").Hash);

    private Task<Result<GrantDecided>> SendAsync(IRequest<Result<GrantDecided>> command) => _stage.First.SendAsync(command);

    private Task SettleAsync(DateTimeOffset? until = null) => _stage.SettleAsync(_stage.First, until ?? _stage.Now);

    private static PrivilegePlan Plan(params string[] more) => new(
        ScopeName.Parse("fix")!,
        [.. new[] { "orders" }.Concat(more).Select(table => new PlannedObject("orders", "table", $"public.{table}", "app", ["select"], new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal), 10, 16_384))],
        [], [], null);

    private void With(Func<AccessRule, AccessRule> fix, Func<AccessRule, AccessRule>? migrate = null) => _stage.Current = Policies.Ordinary with
    {
        Groups = new Dictionary<string, PolicyGroup>(Policies.Ordinary.Groups, StringComparer.Ordinal)
        {
            ["dba"] = new("dba", new HashSet<string>([Some.Dba.User, Second.User], StringComparer.Ordinal), null),
            ["security"] = new("security", new HashSet<string>([Guard.User], StringComparer.Ordinal), null),
        },
        Allow =
        [
            .. Policies.Ordinary.Allow.Select(rule => rule.Id switch
            {
                "fix-it" => fix(rule with { Approval = null, Lifetime = rule.Lifetime with { ExtendTimes = 1, ExtendBy = TimeSpan.FromMinutes(30) } }),
                "migrations" when migrate is not null => migrate(rule),
                _ => rule,
            }),
        ],
    };
}
