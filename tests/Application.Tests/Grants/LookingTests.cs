using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Policies;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;

namespace DbAccess.Application.Tests.Grants;

/// <summary>What people look at, and what they ask for otherwise than at once and for themselves.</summary>
public sealed class LookingTests
{
    private static readonly PrincipalId Omar = Some.Person("U0ENGINE3");
    private readonly Stage _stage = new();

    public LookingTests() => _stage.Directory.Named(Some.Dba, "dana").Named(Omar, "omar");

    [Fact]
    public async Task For_somebody_else_their_groups_decide_and_who_asked_must_be_one_of_us()
    {
        var ask = Stage.Ask(requester: Omar) with { AskedBy = Some.Engineer };
        Assert.Equal("policy.no_rule", (await _stage.First.SendAsync(ask)).Refusal?.Code);

        _stage.Directory.Group("S0ONCALL1", Omar);
        var filed = await _stage.First.SendAsync(ask);
        Assert.Equal(("omar", Omar, Some.Engineer), (filed.Value.For, _stage.Of(filed.Value.Id).Requester, _stage.Of(filed.Value.Id).AskedBy!));

        _stage.Directory.Refuses(Some.Engineer);
        Assert.Equal("directory.guest", (await _stage.First.SendAsync(Stage.Ask(requester: Omar) with { AskedBy = Some.Engineer })).Refusal?.Code);
        _stage.Directory.Accepts(Some.Engineer).Refuses(Omar);
        Assert.Equal("directory.guest", (await _stage.First.SendAsync(Stage.Ask(requester: Omar) with { AskedBy = Some.Engineer })).Refusal?.Code);
    }

    [Fact]
    public async Task Whoever_asked_and_whoever_is_to_have_it_may_both_take_it_back()
    {
        foreach (var by in (PrincipalId[])[Some.Engineer, Omar])
        {
            var filed = await _stage.First.SendAsync(Stage.Ask("fix", requester: Omar) with { AskedBy = Some.Engineer });
            Assert.Equal("grant.not_holder", (await _stage.First.SendAsync(new CancelGrant(Some.OtherEngineer, filed.Value.Id))).Refusal?.Code);
            Assert.Null((await _stage.First.SendAsync(new CancelGrant(by, filed.Value.Id))).Refusal);
            Assert.Equal(GrantStatus.Cancelled, _stage.Of(filed.Value.Id).Status);
        }
    }

    [Fact]
    public async Task It_begins_at_most_seven_days_ahead_and_a_beginning_that_has_passed_is_now()
    {
        var week = _stage.Now.AddDays(7);
        Assert.Equal("request.too_far", (await _stage.First.SendAsync(Later(week.AddSeconds(1)))).Refusal?.Code);
        Assert.Equal(week, (await _stage.First.SendAsync(Later(week))).Value.StartsAt);
        Assert.Null((await _stage.First.SendAsync(Later(_stage.Now.AddHours(-1)))).Value.StartsAt);
    }

    [Fact]
    public async Task A_button_that_lay_about_has_no_hours_judged_at_a_time_that_is_over()
    {
        // 14:00 is within them; at 20:00 it is over.
        var office = new Calendar("office", new HashSet<DayOfWeek>([DayOfWeek.Monday]), new TimeOnly(9, 0), new TimeOnly(18, 0), "UTC", new HashSet<DateOnly>());
        _stage.Current = _stage.Current with
        {
            Allow = [.. _stage.Current.Allow.Select(rule => rule.Id == "oncall-read" ? rule with { When = new CalendarUse(office, Not: false) } : rule)],
        };
        var start = _stage.Now.AddHours(1);
        Assert.Null((await _stage.First.SendAsync(Later(start))).Refusal);

        _stage.Clock.Advance(TimeSpan.FromHours(6));
        Assert.Equal("policy.outside_hours", (await _stage.First.SendAsync(Later(start))).Refusal?.Code);
    }

    [Fact]
    public async Task What_may_be_taken_by_break_glass_is_offered_to_whoever_says_so_and_to_nobody_else()
    {
        _stage.Directory.In(Some.Engineer, "Europe/Istanbul");
        _stage.Current = _stage.Current with
        {
            Allow = [.. _stage.Current.Allow.Select(rule => rule.Id != "migrations" ? rule
                : rule with { BreakGlass = new BreakGlass(null, new ApprovalStage(1, ["dba"]), TimeSpan.FromHours(1)) })],
        };

        var usual = (await _stage.First.SendAsync(new ListOffers(Some.Engineer))).Value;
        var glass = (await _stage.First.SendAsync(new ListOffers(Some.Engineer, BreakGlass: true))).Value;

        Assert.DoesNotContain("migrate", usual.Databases.SelectMany(offer => offer.Scopes).Select(offer => offer.Scope.Value));
        Assert.Equal(["migrate"], glass.Databases.SelectMany(offer => offer.Scopes).Select(offer => offer.Scope.Value));
        Assert.Equal("Europe/Istanbul", usual.Zone);
    }

    [Fact]
    public async Task What_would_be_decided_is_told_with_who_would_be_asked_and_nothing_is_filed()
    {
        var asked = (await _stage.First.SendAsync(new GetExplanation(Some.Engineer, Wish("fix")))).Value;
        Assert.Equal((PolicyOutcome.Approval, "fix-it"), (asked.Answer.Outcome, asked.Answer.Rule));
        Assert.Equal(["dana"], asked.Asked);
        Assert.Contains(asked.Answer.Trace, line => line is { Decides: true, Id: "fix-it" });

        Assert.Equal(PolicyOutcome.Allowed, (await _stage.First.SendAsync(new GetExplanation(Some.Engineer, Wish("read")))).Value.Answer.Outcome);
        Assert.Equal("policy.no_rule", (await _stage.First.SendAsync(new GetExplanation(Omar, Wish("read")))).Value.Answer.Code);
        Assert.Equal("policy.too_long", (await _stage.First.SendAsync(new GetExplanation(Some.Engineer, Wish("read") with { Duration = TimeSpan.FromHours(5) }))).Value.Answer.Code);
        // Nobody but the requester could agree.
        Assert.Equal("approval.nobody", (await _stage.First.SendAsync(new GetExplanation(Some.Dba, Wish("fix")))).Value.Answer.Code);
        Assert.Empty(_stage.Store.Stored);
    }

    [Fact]
    public async Task What_a_rule_wants_of_a_reason_is_told_besides_and_a_cap_is_a_refusal()
    {
        var ticketed = (await _stage.First.SendAsync(new GetExplanation(Some.Engineer, Wish("ticketed")))).Value;
        Assert.Equal(PolicyOutcome.Allowed, ticketed.Answer.Outcome);
        Assert.Contains("15 characters", ticketed.Wants, StringComparison.Ordinal);
        Assert.Equal("policy.ticket", (await _stage.First.SendAsync(new GetExplanation(Some.Engineer, Wish("ticketed") with { Reason = "a long enough reason" }))).Value.Answer.Code);

        _stage.Current = _stage.Current with { Allow = [.. _stage.Current.Allow.Select(rule => rule with { Caps = new Caps(null, 1) })] };
        await _stage.AskedAsync();
        Assert.Equal("policy.cap_at_once", (await _stage.First.SendAsync(new GetExplanation(Some.Engineer, Wish("read")))).Value.Answer.Code);
    }

    [Fact]
    public async Task A_story_is_for_those_whom_it_concerns()
    {
        _stage.Current = _stage.Current with { Admins = ["oncall"] };
        _stage.Directory.Group("S0ONCALL1", Some.Engineer);
        var id = await _stage.GivenAsync();
        var story = (await _stage.First.SendAsync(new GetStory(Some.Engineer, id))).Value;

        Assert.Equal(await _stage.StoryAsync(id), story.Events.Select(one => one.Type));
        Assert.Equal("erin", story.Called[Some.Engineer]);
        Assert.Null((await _stage.First.SendAsync(new GetStory(Some.Dba, id))).Refusal);
        Assert.Equal("grant.not_shown", (await _stage.First.SendAsync(new GetStory(Omar, id))).Refusal?.Code);
        Assert.Equal("grant.unknown", (await _stage.First.SendAsync(new GetStory(Some.Engineer, GrantId.New()))).Refusal?.Code);
    }

    [Fact]
    public async Task Administrators_see_the_history_of_everybody_and_others_their_own()
    {
        _stage.Current = _stage.Current with { Admins = ["dba"] };
        var old = await _stage.GivenAsync(TimeSpan.FromHours(1));
        await _stage.SettleAsync(_stage.First, _stage.Now.AddDays(3));
        _stage.Clock.Advance(TimeSpan.FromDays(3));
        var mine = await _stage.AskedAsync();
        var others = await _stage.AskedAsync(requester: Some.OtherEngineer, database: "billing");

        Assert.Equal([mine], await HistoryAsync(Some.Engineer, days: 1));
        Assert.Equal([mine, old], await HistoryAsync(Some.Engineer, days: 30));
        Assert.Equal([mine, old, others], (await HistoryAsync(Some.Dba, days: 30)).OrderBy(id => id == others).ThenBy(id => id == old));
        Assert.Equal([others], await HistoryAsync(Some.Dba, days: 30, database: "billing"));
        Assert.Equal([others], await HistoryAsync(Some.Dba, Some.OtherEngineer));
        Assert.Equal([others], await HistoryAsync(Some.OtherEngineer, Some.OtherEngineer));
        Assert.Equal("history.not_admin", (await _stage.First.SendAsync(new ListHistory(Some.Engineer, Some.OtherEngineer, null, TimeSpan.FromDays(1)))).Refusal?.Code);
    }

    [Fact]
    public async Task What_ended_of_people_who_hold_nothing_and_are_in_no_group_is_part_of_it_and_what_is_too_much_is_counted()
    {
        _stage.Current = _stage.Current with { Admins = ["dba"] };
        var gone = Some.Active(_stage.Now.AddHours(-1), requester: Some.Person("U0LEFT001"));
        gone = new Grant(gone.State with { Status = GrantStatus.Ended, EndedAt = _stage.Now });
        await _stage.Store.AddAsync(gone, TestContext.Current.CancellationToken);

        Assert.Equal([gone.Id], await HistoryAsync(Some.Dba, days: 1));

        for (var i = 0; i < 30; i++) await _stage.Store.AddAsync(Some.Allowed(_stage.Now.AddMinutes(i)), TestContext.Current.CancellationToken);
        var history = (await _stage.First.SendAsync(new ListHistory(Some.Dba, null, null, TimeSpan.FromDays(1)))).Value;
        Assert.Equal((25, 6), (history.Grants.Count, history.More));
        Assert.Equal(_stage.Now.AddMinutes(29), history.Grants[0].CreatedAt);
        Assert.Equal(_stage.Now.AddMinutes(5), history.Grants[^1].CreatedAt);
    }

    [Fact]
    public async Task What_somebody_asked_for_can_be_asked_for_again_by_them_alone()
    {
        Assert.Equal("grant.never_asked", (await _stage.First.SendAsync(new GetAgain(Some.Engineer, null))).Refusal?.Code);
        var id = await _stage.AskedAsync();

        Assert.Equal(id, (await _stage.First.SendAsync(new GetAgain(Some.Engineer, null))).Value.Grant.Id);
        Assert.Equal(id, (await _stage.First.SendAsync(new GetAgain(Some.Engineer, id))).Value.Grant.Id);
        Assert.Equal("grant.not_asker", (await _stage.First.SendAsync(new GetAgain(Omar, id))).Refusal?.Code);
    }

    [Fact]
    public async Task The_smallest_scope_that_gives_what_was_refused_is_found_by_its_rules()
    {
        WithScopes(
            Scope("read", new PrivilegeRule(new(ObjectKind.Table, "public", null), [], [Privilege.Select])),
            Scope("ticketed", new PrivilegeRule(new(ObjectKind.Table, "public", "invoices"), [], [Privilege.Select])),
            Scope("fix", new PrivilegeRule(new(ObjectKind.Table, "internal", "payment_tokens"), [], [Privilege.Select, Privilege.Update])),
            Scope("migrate") with { RunAs = "orders_owner" });

        var named = await FindAsync(new DeniedObject(ObjectKind.Table, "invoices"));
        Assert.Equal(("public.invoices", "ticketed", null), (named.What, named.Mine!.Scope.Value, named.Mine.Waits));
        Assert.Equal("read", (await FindAsync(new DeniedObject(ObjectKind.Table, "customers"))).Mine!.Scope.Value);
        var waits = await FindAsync(new DeniedObject(ObjectKind.Table, "payment_tokens", Wanted: Privilege.Update));
        Assert.Equal(("internal.payment_tokens", "fix", "1 of dba"), (waits.What, waits.Mine!.Scope.Value, waits.Mine.Waits));
        // Nothing but the owner may change the rest.
        Assert.Equal("migrate", (await FindAsync(new DeniedObject(ObjectKind.Table, "customers", Wanted: Privilege.Delete))).Mine!.Scope.Value);
        Assert.Equal("migrate", (await FindAsync(new DeniedObject(null, "customers", AsOwner: true))).Mine!.Scope.Value);
        Assert.Equal("fix", (await FindAsync(null, "payment_tokens", "xyz")).Mine!.Scope.Value);
        Assert.Equal("scope.which_table", (await _stage.First.SendAsync(new GetSmallestScope(Some.Engineer, null, null, ["xyz"]))).Refusal?.Code);
    }

    [Fact]
    public async Task What_only_others_may_have_is_told_with_whose_it_is()
    {
        WithScopes(Scope("read", new PrivilegeRule(new(ObjectKind.Table, "public", "invoices"), [], [Privilege.Select])));

        var found = (await _stage.First.SendAsync(new GetSmallestScope(Omar, DatabaseName.Parse("orders"), new DeniedObject(ObjectKind.Table, "invoices"), []))).Value;

        Assert.Null(found.Mine);
        Assert.Contains("oncall", found.Others, StringComparison.Ordinal);
        Assert.Null((await _stage.First.SendAsync(new GetSmallestScope(Omar, DatabaseName.Parse("orders"), new DeniedObject(ObjectKind.Table, "nothing"), []))).Value.Others);
    }

    private async Task<ScopeSearch> FindAsync(DeniedObject? denied, params string[] names) =>
        (await _stage.First.SendAsync(new GetSmallestScope(Some.Engineer, DatabaseName.Parse("orders"), denied, names))).Value;

    private async Task<IReadOnlyList<GrantId>> HistoryAsync(PrincipalId person, PrincipalId? of = null, int days = 30, string? database = null) =>
        [.. (await _stage.First.SendAsync(new ListHistory(person, of, DatabaseName.Parse(database), TimeSpan.FromDays(days)))).Value.Grants.Select(grant => grant.Id)];

    private static CreateGrant Later(DateTimeOffset start)
    {
        var ask = Stage.Ask();
        return ask with { Wish = ask.Wish with { StartsAt = start } };
    }

    private static AccessWish Wish(string scope) => new(DatabaseName.Parse("orders")!, ScopeName.Parse(scope)!, null, "");

    private static PrivilegeScope Scope(string name, params PrivilegeRule[] rules) =>
        Some.ReadScope() with { Name = ScopeName.Parse(name)!, Privileges = rules };

    private void WithScopes(params PrivilegeScope[] scopes) =>
        _stage.Current = _stage.Current with { Scopes = scopes.ToDictionary(scope => scope.Name) };
}
