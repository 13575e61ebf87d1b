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

/// <summary>From asking to having, where people decide: through the real mediator, with ports in memory and a clock that stands still.</summary>
public sealed class ApprovalTests : IDisposable
{
    private static readonly PrincipalId Second = Some.Person("U0DBA0002");
    private static readonly PrincipalId Guard = Some.Person("U0SECUR01");
    private readonly Stage _stage = new();

    public ApprovalTests()
    {
        _stage.Directory.Named(Some.Dba, "dana").Named(Second, "ali").Named(Guard, "mei");
        _stage.Roles.PlanHash = order => Plan().Hash;
        With(new Approval([new ApprovalStage(1, ["dba"])], TimeSpan.FromHours(1), "C0APPROVE") { Remind = [TimeSpan.FromMinutes(10)] });
    }

    private IEnumerable<ChatMessage> Lines => _stage.Cards.All.SelectMany(card => card.Thread).Select(entry => entry.Line);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => NotificationTests.CheckCards(_stage);

    [Fact]
    public async Task What_needs_approval_is_asked_of_those_whom_the_rule_names_and_given_when_they_agree()
    {
        var id = await AskedAsync();

        var card = Assert.Single(_stage.Cards.All);
        Assert.Equal(new CardPlace.Channel("C0APPROVE"), card.Place);
        Assert.Equal(GrantStatus.Pending, _stage.Of(id).Status);
        Assert.Contains("INC-4711", FakeChat.Words(card.Now), StringComparison.Ordinal);
        Assert.Empty(_stage.Roles.Makes);

        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await SettleAsync();

        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
        Assert.True(_stage.HolderCanLogIn(id));
        Assert.Single(_stage.Cards.All);
        Assert.Contains("Approved by dana", FakeChat.Words(card.Now), StringComparison.Ordinal);
        var attempt = Assert.Single(_stage.Audit.Records, record => record.Type == "command.approve_grant");
        Assert.Equal((_stage.Of(id).Rule, _stage.Of(id).Asking!.Plan!.Hash), (attempt.Rule, attempt.PlanHash));
    }

    [Fact]
    public async Task Neither_who_asks_nor_who_gets_it_decides_and_nobody_of_another_group_does()
    {
        _stage.Current = _stage.Current with
        {
            Groups = new Dictionary<string, PolicyGroup>(_stage.Current.Groups, StringComparer.Ordinal)
            {
                ["dba"] = new("dba", Users(Some.Dba, Some.Engineer, Second), null),
            },
        };
        var id = await AskedAsync(askedBy: Second);

        Assert.Equal("approval.own", (await SendAsync(new ApproveGrant(Some.Engineer, id))).Refusal?.Code);
        Assert.Equal("approval.own", (await SendAsync(new ApproveGrant(Second, id))).Refusal?.Code);
        Assert.Equal("approval.not_approver", (await SendAsync(new ApproveGrant(Some.OtherEngineer, id))).Refusal?.Code);
        Assert.Equal("approval.not_approver", (await SendAsync(new DenyGrant(Some.OtherEngineer, id, "no"))).Refusal?.Code);
        _stage.Directory.Refuses(Some.Dba);
        Assert.Equal("directory.guest", (await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal?.Code);
        Assert.Equal(GrantStatus.Pending, _stage.Of(id).Status);
    }

    [Fact]
    public async Task Stages_are_asked_in_order_and_one_person_fills_one_place()
    {
        With(new Approval([new ApprovalStage(2, ["dba"]), new ApprovalStage(1, ["security"])], TimeSpan.FromHours(1), "C0APPROVE"));
        var id = await AskedAsync();

        Assert.Equal("approval.not_your_turn", (await SendAsync(new ApproveGrant(Guard, id))).Refusal?.Code);
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        Assert.Equal("approval.already", (await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal?.Code);
        Assert.Null((await SendAsync(new ApproveGrant(Second, id))).Refusal);
        Assert.Equal(GrantStatus.Pending, _stage.Of(id).Status);
        await SettleAsync();
        Assert.Null((await SendAsync(new ApproveGrant(Guard, id))).Refusal);
        await SettleAsync();

        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
        Assert.Equal("approval.decided", (await SendAsync(new ApproveGrant(Guard, id))).Refusal?.Code);
        Assert.Contains(Lines, line => line.Summary.Contains("Now it waits for 1 of security", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_no_ends_it_and_whoever_asked_is_told_why()
    {
        var id = await AskedAsync();

        Assert.Null((await SendAsync(new DenyGrant(Some.Dba, id, "use read instead"))).Refusal);
        await SettleAsync();

        Assert.Equal(GrantStatus.Denied, _stage.Of(id).Status);
        Assert.Contains(_stage.Chat.Told, told => told.To == Some.Engineer && told.Message.Summary.Contains("use read instead", StringComparison.Ordinal));
        Assert.Equal("grant.cannot_move", (await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal?.Code);
        Assert.Empty(_stage.Roles.Makes);
    }

    [Fact]
    public async Task Those_who_are_asked_are_reminded_once_and_what_nobody_decided_lapses()
    {
        var (id, asked) = (await AskedAsync(), _stage.Now);

        await SettleAsync(asked.AddMinutes(59));
        Assert.Single(Lines, line => line.Summary.Contains("still waits", StringComparison.Ordinal));

        await SettleAsync(asked.AddMinutes(60));
        Assert.Equal(GrantStatus.Lapsed, _stage.Of(id).Status);
        Assert.Contains(_stage.Chat.Told, told => told.To == Some.Engineer && told.Message.Summary.Contains("lapsed", StringComparison.Ordinal));
        Assert.Equal("grant.cannot_move", (await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal?.Code);
    }

    [Fact]
    public async Task Less_is_offered_taken_with_one_press_and_given()
    {
        var id = await AskedAsync();

        Assert.Null((await SendAsync(new OfferLess(Some.Dba, id, null, [], TimeSpan.FromMinutes(15)))).Refusal);
        await SettleAsync();
        Assert.Contains(_stage.Chat.Told, told => told.To == Some.Engineer && FakeChat.Words(told.Message).Contains("15m instead of", StringComparison.Ordinal));
        Assert.Equal("grant.not_holder", (await SendAsync(new AnswerOffer(Some.OtherEngineer, id, true))).Refusal?.Code);

        Assert.Null((await SendAsync(new AnswerOffer(Some.Engineer, id, true))).Refusal);
        await SettleAsync();

        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
        Assert.Equal(TimeSpan.FromMinutes(15), _stage.Of(id).Duration);
    }

    [Fact]
    public async Task The_full_request_stays_open_while_less_is_offered()
    {
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new OfferLess(Some.Dba, id, null, [], TimeSpan.FromMinutes(15)))).Refusal);

        Assert.Null((await SendAsync(new ApproveGrant(Second, id))).Refusal);

        Assert.Equal((GrantStatus.Approved, TimeSpan.FromHours(1)), (_stage.Of(id).Status, _stage.Of(id).Duration));
        Assert.Equal("approval.no_offer", (await SendAsync(new AnswerOffer(Some.Engineer, id, true))).Refusal?.Code);
    }

    [Fact]
    public async Task What_would_give_more_than_was_approved_is_asked_again_with_the_difference()
    {
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        _stage.Inventory.Plan = Plan("refunds");
        _stage.Roles.PlanHash = _ => Plan("refunds").Hash;

        await SettleAsync();

        Assert.Equal(GrantStatus.Pending, _stage.Of(id).Status);
        Assert.Empty(_stage.Of(id).Asking!.Agreements);
        Assert.Empty(_stage.Roles.Roles);
        Assert.Contains("public.refunds", FakeChat.Words(_stage.Cards.All.Single().Now), StringComparison.Ordinal);

        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await SettleAsync();
        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
    }

    [Theory]
    [InlineData("more than was agreed to")]
    [InlineData("an extension")]
    public async Task A_yes_that_was_said_before_something_was_asked_is_none_to_it(string asked)
    {
        var id = await AskedAsync();
        var press = new ApproveGrant(Some.Dba, id) { SaidAt = _stage.Now };
        if (asked is "more than was agreed to")
        {
            _stage.Inventory.Plan = Plan("refunds");
            _stage.Roles.PlanHash = _ => Plan("refunds").Hash;
        }

        Assert.Null((await SendAsync(press)).Refusal);
        _stage.Clock.Advance(TimeSpan.FromMinutes(1));
        await SettleAsync();
        if (asked is "an extension") Assert.Null((await SendAsync(new ExtendGrant(Some.Engineer, id, null))).Refusal);
        await SettleAsync();

        // The same press again: a copy, or somebody who can write to the store says that it was not done yet.
        Assert.Equal("approval.card_changed", (await SendAsync(press)).Refusal?.Code);
        Assert.Empty(_stage.Of(id).Asking!.Agreements);
        Assert.Null((await SendAsync(press with { SaidAt = _stage.Now })).Refusal);
    }

    [Fact]
    public async Task What_would_give_less_is_given()
    {
        _stage.Inventory.Plan = Plan("refunds");
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        _stage.Inventory.Plan = Plan();

        await SettleAsync();

        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
        Assert.Equal((Plan().Hash, true), (_stage.Of(id).Asking!.Plan!.Hash, _stage.Of(id).Asking!.Shrank));
    }

    [Fact]
    public async Task Nobody_can_approve_what_cannot_be_shown()
    {
        _stage.Inventory.PlanRefusal = new Error("postgres.unreachable", "The cluster orders-prod does not answer.");
        var id = await AskedAsync();

        Assert.Contains("does not answer", FakeChat.Words(_stage.Cards.All.Single().Now), StringComparison.Ordinal);
        Assert.Equal("approval.no_plan", (await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal?.Code);

        _stage.Inventory.PlanRefusal = null;
        await SettleAsync(_stage.Now.AddMinutes(1));
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
    }

    [Fact]
    public async Task A_rule_that_nobody_else_can_approve_refuses_at_once()
    {
        With(new Approval([new ApprovalStage(2, ["dba"]), new ApprovalStage(1, ["dba"])], TimeSpan.FromHours(1), null));

        var filed = await _stage.First.SendAsync(Ask());

        Assert.Equal("approval.nobody", filed.Refusal?.Code);
    }

    [Fact]
    public async Task A_forged_yes_gives_nothing()
    {
        var id = await AskedAsync();
        var forged = _stage.Of(id) with { Status = GrantStatus.Approved, ApprovedAt = _stage.Now, StepDueAt = _stage.Now };
        await _stage.Store.SaveAsync(new Grant(forged), Cancellation);

        await SettleAsync();

        Assert.Equal(GrantStatus.Failed, _stage.Of(id).Status);
        Assert.Empty(_stage.Roles.Makes);
    }

    [Fact]
    public async Task Where_the_channel_is_gone_those_who_decide_are_asked_directly_and_administrators_are_told()
    {
        _stage.Current = _stage.Current with { Admins = ["security"] };
        _stage.Cards.Archive("C0APPROVE");
        var id = await AskedAsync();

        Assert.Equal([new CardPlace.Direct(Some.Dba), new CardPlace.Direct(Second)], _stage.Cards.All.Select(card => card.Place));
        Assert.Contains(_stage.Chat.Told, told => told.To == Guard && told.Message.Summary.Contains("is_archived", StringComparison.Ordinal));
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
    }

    [Fact]
    public async Task A_request_of_somebody_who_left_is_withdrawn_and_what_they_decided_does_not_count()
    {
        With(new Approval([new ApprovalStage(2, ["dba"])], TimeSpan.FromHours(1), "C0APPROVE"));
        var (one, other) = (await AskedAsync(), await AskedAsync(requester: Some.OtherEngineer));
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, one))).Refusal);

        _stage.Directory.Refuses(Some.Dba, "directory.deactivated").Refuses(Some.OtherEngineer, "directory.deactivated");
        await _stage.First.SendAsync(new ReviewHolders());
        await SettleAsync();

        Assert.Empty(_stage.Of(one).Asking!.Agreements);
        Assert.Equal(GrantStatus.Cancelled, _stage.Of(other).Status);
    }

    [Fact]
    public async Task A_rule_that_is_gone_is_seen_when_somebody_presses()
    {
        var id = await AskedAsync();
        _stage.Current = _stage.Current with { Allow = [] };

        Assert.Equal("approval.withdrawn", (await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal?.Code);
        await SettleAsync();

        Assert.Equal(GrantStatus.Cancelled, _stage.Of(id).Status);
        Assert.Contains(_stage.Chat.Told, told => told.To == Some.Engineer && told.Message.Summary.Contains("withdrawn", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Of_two_who_decide_in_one_instant_one_does()
    {
        for (var round = 0; round < 20; round++)
        {
            var id = await AskedAsync();
            var (other, one) = (_stage.Start(), _stage.First);
            var both = await Task.WhenAll(
                Task.Run(() => one.SendAsync(new ApproveGrant(Some.Dba, id)), Cancellation),
                Task.Run(() => other.SendAsync(new DenyGrant(Second, id, "no")), Cancellation));

            Assert.Single(both, outcome => outcome.Refusal is null);
            await _stage.First.SendAsync(new CancelGrant(Some.Engineer, id));
        }
    }

    [Fact]
    public async Task It_is_extended_on_the_rule_s_terms_and_asks_again_where_the_rule_asks()
    {
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await SettleAsync();
        var end = _stage.Of(id).Window!.Expiry;

        Assert.Equal("grant.extension_too_long", (await SendAsync(new ExtendGrant(Some.Engineer, id, TimeSpan.FromHours(1)))).Refusal?.Code);
        Assert.Equal("grant.not_holder", (await SendAsync(new ExtendGrant(Some.OtherEngineer, id, null))).Refusal?.Code);
        Assert.Null((await SendAsync(new ExtendGrant(Some.Engineer, id, null))).Refusal);
        await SettleAsync();
        Assert.Equal(end, _stage.Of(id).Window!.Expiry);

        Assert.Null((await SendAsync(new ApproveGrant(Second, id))).Refusal);
        await SettleAsync();

        Assert.Equal(end.AddMinutes(30), _stage.Of(id).Window!.Expiry);
        Assert.Equal(end.AddMinutes(30), _stage.Roles.Roles.Single().Order.Expiry);
        Assert.Equal("grant.no_more_extensions", (await SendAsync(new ExtendGrant(Some.Engineer, id, null))).Refusal?.Code);
        await SettleAsync(end.AddMinutes(29));
        Assert.True(_stage.HolderCanLogIn(id));
        await SettleAsync(end.AddMinutes(31));
        Assert.Equal(GrantStatus.Ended, _stage.Of(id).Status);
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(0, 30)]
    public async Task More_time_than_the_rule_gives_by_now_is_not_given_whoever_agrees(int times, int minutes)
    {
        var id = await AskedAsync();
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);
        await SettleAsync();
        var end = _stage.Of(id).Window!.Expiry;
        Assert.Null((await SendAsync(new ExtendGrant(Some.Engineer, id, null))).Refusal);
        await SettleAsync();
        _stage.Current = _stage.Current with
        {
            Allow = [.. _stage.Current.Allow.Select(rule => rule with { Lifetime = rule.Lifetime with { ExtendTimes = times, ExtendBy = TimeSpan.FromMinutes(minutes) } })],
        };

        Assert.Equal("approval.withdrawn", (await SendAsync(new ApproveGrant(Second, id))).Refusal?.Code);
        await SettleAsync();

        Assert.Equal((GrantStatus.Active, null, end), (_stage.Of(id).Status, _stage.Of(id).ExtendBy, _stage.Of(id).Window!.Expiry));
        Assert.Contains("gives", _stage.Of(id).EndNote, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_to_begin_later_is_asked_now_and_given_then()
    {
        var start = _stage.Now.AddHours(8);
        var id = await AskedAsync(startsAt: start);
        Assert.Null((await SendAsync(new ApproveGrant(Some.Dba, id))).Refusal);

        await SettleAsync(start.AddSeconds(-1));
        Assert.Equal(GrantStatus.Approved, _stage.Of(id).Status);
        Assert.Empty(_stage.Roles.Makes);

        await SettleAsync(start.AddSeconds(1));
        Assert.Equal((GrantStatus.Active, start.AddHours(1)), (_stage.Of(id).Status, _stage.Of(id).Window!.Expiry));
    }

    [Fact]
    public async Task Broken_glass_is_given_at_once_told_and_owes_a_review_that_keeps_from_the_next()
    {
        With(null, new BreakGlass("C0SECURITY", new ApprovalStage(1, ["security"]), TimeSpan.FromHours(24)));
        _stage.Current = _stage.Current with { Admins = ["dba"] };

        Assert.Equal("policy.no_rule", (await _stage.First.SendAsync(Ask())).Refusal?.Code);
        var id = await AskedAsync(breakGlass: true);
        await SettleAsync();

        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
        Assert.Equal(new CardPlace.Channel("C0SECURITY"), _stage.Cards.All.Single().Place);
        Assert.Equal("grant.review_first", (await _stage.First.SendAsync(Ask(breakGlass: true))).Refusal?.Code);
        Assert.Equal("approval.not_approver", (await SendAsync(new ReviewGrant(Some.Dba, id, null))).Refusal?.Code);

        await SettleAsync(_stage.Now.AddHours(25));
        Assert.Contains(_stage.Chat.Told, told => told.To == Some.Dba && told.Message.Summary.Contains("Nobody has reviewed", StringComparison.Ordinal));
        Assert.Equal("grant.review_first", (await _stage.First.SendAsync(Ask(breakGlass: true))).Refusal?.Code);

        Assert.Null((await SendAsync(new ReviewGrant(Guard, id, "read customers' addresses"))).Refusal);
        await SettleAsync();
        Assert.Contains(_stage.Chat.Told, told => told.To == Some.Dba && told.Message.Summary.Contains("addresses", StringComparison.Ordinal));
        Assert.Null((await _stage.First.SendAsync(Ask(breakGlass: true))).Refusal);
    }

    [Fact]
    public async Task A_rule_gives_one_person_no_more_than_it_says()
    {
        With(null, caps: new Caps(Day: 2, AtOnce: 1));
        var first = await AskedAsync();
        Assert.Equal("policy.cap_at_once", (await _stage.First.SendAsync(Ask())).Refusal?.Code);
        await SettleAsync();
        Assert.Null((await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, first))).Refusal);
        await SettleAsync();

        var second = await AskedAsync();
        await SettleAsync();
        Assert.Null((await _stage.First.SendAsync(new ReturnGrant(Some.Engineer, second))).Refusal);
        await SettleAsync();
        Assert.Equal("policy.cap_day", (await _stage.First.SendAsync(Ask())).Refusal?.Code);

        _stage.Clock.Advance(TimeSpan.FromHours(25));
        Assert.Null((await _stage.First.SendAsync(Ask())).Refusal);
    }

    private static CreateGrant Ask(PrincipalId? requester = null, PrincipalId? askedBy = null, bool breakGlass = false, DateTimeOffset? startsAt = null)
    {
        var ask = Stage.Ask("fix", requester: requester);
        return ask with { AskedBy = askedBy, Wish = ask.Wish with { BreakGlass = breakGlass, StartsAt = startsAt } };
    }

    private async Task<GrantId> AskedAsync(PrincipalId? requester = null, PrincipalId? askedBy = null, bool breakGlass = false, DateTimeOffset? startsAt = null)
    {
        var filed = await _stage.First.SendAsync(Ask(requester, askedBy, breakGlass, startsAt));
        Assert.Null(filed.Refusal);
        await SettleAsync();
        return filed.Value.Id;
    }

    private Task<Result<GrantDecided>> SendAsync(IRequest<Result<GrantDecided>> command) => _stage.First.SendAsync(command);

    private Task SettleAsync(DateTimeOffset? until = null) => _stage.SettleAsync(_stage.First, until ?? _stage.Now);

    private static IReadOnlySet<string> Users(params PrincipalId[] people) => people.Select(person => person.User).ToHashSet(StringComparer.Ordinal);

    private static PrivilegePlan Plan(params string[] more) => new(
        ScopeName.Parse("fix")!,
        [.. new[] { "orders" }.Concat(more).Select(table => new PlannedObject("orders", "table", $"public.{table}", "app", ["select"], new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal), 10, 16_384))],
        [], [], null);

    private void With(Approval? approval, BreakGlass? glass = null, Caps? caps = null)
    {
        _stage.Inventory.Plan = Plan();
        _stage.Current = Policies.Ordinary with
        {
            Groups = new Dictionary<string, PolicyGroup>(Policies.Ordinary.Groups, StringComparer.Ordinal)
            {
                ["dba"] = new("dba", Users(Some.Dba, Second), null),
                ["security"] = new("security", Users(Guard), null),
            },
            Allow =
            [
                .. Policies.Ordinary.Allow.Select(rule => rule.Id != "fix-it" ? rule : rule with
                {
                    Approval = approval, BreakGlass = glass, Caps = caps,
                    Lifetime = rule.Lifetime with { ExtendTimes = 1, ExtendBy = TimeSpan.FromMinutes(30) },
                }),
            ],
        };
    }
}
