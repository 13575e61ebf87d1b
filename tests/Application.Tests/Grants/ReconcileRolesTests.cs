using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Application.Reconciling;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using DbAccess.TestKit.Faults;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace DbAccess.Application.Tests.Grants;

/// <summary>The decision table of reconciliation, row by row, through the real command.</summary>
public sealed class ReconcileRolesTests : IAsyncDisposable
{
    private const uint Oid = 16_500;

    private static readonly ClusterName Cluster = Some.Target().Cluster;
    private static readonly string ScopeRole = RoleName.ForScope(Some.Installation, "read", Some.ReadScope().Fingerprint("orders")).Value;
    private static readonly RoleMark ScopeMark = new RoleMark.Scope("orders", "read", Some.ReadScope().Fingerprint("orders"));

    private readonly TestClock _clock = new(Some.Now);
    private readonly InMemoryGrantStore _store = new();
    private readonly Gate _gate = new();
    private readonly FakeRoleInventory _inventory = new();
    private readonly InMemoryEvidenceLog _audit = new();
    private readonly Dispatches _dispatches = new();
    private readonly Policies _policies = new();
    private readonly FakeRoleAdministrator _administrator;
    private readonly ServiceProvider _services;

    public ReconcileRolesTests()
    {
        _administrator = new FakeRoleAdministrator(_clock);
        _services = new ServiceCollection()
            .AddLogging()
            .AddApplication(new Installation(Some.Installation)).AddWarrants()
            .AddSingleton<TimeProvider>(_clock)
            .AddSingleton(Gated<IGrantStore>.Of(_store, _gate))
            .AddSingleton<IRoleInventory>(_inventory)
            .AddSingleton<IRoleAdministrator>(_administrator)
            .AddFakeEvidence(_audit)
            .AddSingleton<IGrantDispatcher>(_dispatches)
            .AddSingleton<IPolicySource>(_policies)
            .BuildServiceProvider();
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    [Fact]
    public async Task A_live_grant_with_its_role_is_fine()
    {
        var grant = await ActiveAsync();
        There(RoleOf(grant), Scope(member: grant));

        var report = await RunAsync();

        Assert.Empty(report.Lines);
        Assert.Equal(2, report.Roles);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_role_of_a_grant_that_cannot_be_read_is_no_orphan_even_when_confirmed_and_past_its_end(bool confirm)
    {
        var grant = await ActiveAsync();
        _store.MakeUnreadable(grant.Id);
        There(RoleOf(grant) with { Mark = new RoleMark.Login(grant.Id, "orders", Some.Now.AddDays(-1)) }, Scope(member: grant));

        var line = Assert.Single((await RunAsync(confirm: confirm)).Lines);

        Assert.Equal((FindingKind.Unlisted, FindingOutcome.Failed), (line.Kind, line.Outcome));
        Assert.Empty(_administrator.Removals);
    }

    [Fact]
    public async Task A_role_made_but_not_yet_on_record_with_its_oid_is_fine()
    {
        var grant = Some.Provisioning(Some.Now);
        await _store.AddAsync(grant, Cancellation);
        There(RoleOf(grant));

        Assert.Empty((await RunAsync()).Lines);
    }

    [Fact]
    public async Task A_role_with_another_oid_than_on_record_is_told_and_never_dropped_even_when_confirmed_and_past_its_end()
    {
        var grant = await ActiveAsync();
        There(RoleOf(grant), RoleOf(grant) with { Oid = 17_000, Name = RoleName.ForGrant(Some.Installation, grant.Id, "erin").Value, Mark = new RoleMark.Login(grant.Id, "orders", Some.Now.AddDays(-1)) }, Scope(member: grant));

        var line = Assert.Single((await RunAsync(confirm: true)).Lines);

        Assert.Equal((FindingKind.Remade, FindingOutcome.Reported), (line.Kind, line.Outcome));
        Assert.Empty(_administrator.Removals);
    }

    [Fact]
    public async Task A_renamed_role_is_told_and_left_to_its_end()
    {
        var grant = await ActiveAsync();
        There(RoleOf(grant) with { Name = "erin_keeps_this", HasPrefix = false }, Scope(member: grant));

        var line = Assert.Single((await RunAsync(confirm: true)).Lines);

        Assert.Equal((FindingKind.Renamed, FindingOutcome.Reported), (line.Kind, line.Outcome));
        Assert.Equal(GrantStatus.Active, (await _store.FindAsync(grant.Id, Cancellation))!.Status);
    }

    [Fact]
    public async Task A_role_that_lost_its_tag_is_told_and_its_grant_is_not_taken_for_dead()
    {
        var grant = await ActiveAsync();
        There(RoleOf(grant) with { Name = "erin_keeps_this", HasPrefix = false, Mark = new RoleMark.None() }, Scope(member: grant));

        var line = Assert.Single((await RunAsync()).Lines);

        Assert.Equal(FindingKind.Renamed, line.Kind);
        Assert.Empty(_dispatches.All);
    }

    [Theory]
    [InlineData(9, FindingOutcome.Reported)]
    [InlineData(10, FindingOutcome.Mended)]
    public async Task An_orphan_is_removed_by_its_oid_ten_minutes_after_its_grant_is_over_without_a_proof(int minutes, FindingOutcome outcome)
    {
        // Given up before anybody was known to have made a role, and somebody may be making it still.
        var grant = Some.Provisioning(Some.Now);
        grant.Abandon("given up", new Actor.Sweep(), Some.Now);
        grant.BeginUndo(Some.Now, TimeSpan.FromMinutes(1));
        grant.Fail(null, Some.Now);
        await _store.AddAsync(grant, Cancellation);
        There(RoleOf(grant, end: Some.Now.AddHours(5)));
        _clock.Advance(TimeSpan.FromMinutes(minutes));

        var line = Assert.Single((await RunAsync()).Lines);

        Assert.Equal((FindingKind.Orphan, outcome), (line.Kind, line.Outcome));
        Assert.Equal(outcome is FindingOutcome.Mended ? [Oid] : [], _administrator.Removals.Select(removal => removal.Oid!.Value));
        Assert.Equal(outcome is FindingOutcome.Mended ? ["begun", "done"] : [], _audit.Records.Select(record => record.Outcome));
    }

    [Fact]
    public async Task A_role_that_comes_back_after_it_was_proved_gone_is_removed_at_once_and_one_that_was_listed_just_before_is_not()
    {
        var grant = await EndedAsync();
        There(RoleOf(grant, end: Some.Now.AddHours(5)));
        // Listed before the proof: the worker was just quicker than we.
        Assert.Equal(FindingOutcome.Reported, Assert.Single((await RunAsync()).Lines).Outcome);
        _clock.Advance(TimeSpan.FromSeconds(1));

        var line = Assert.Single((await RunAsync()).Lines);

        Assert.Equal((FindingKind.Orphan, FindingOutcome.Mended), (line.Kind, line.Outcome));
        Assert.Contains("came back although it was proved gone", line.Words, StringComparison.Ordinal);
        Assert.Equal([Oid], _administrator.Removals.Select(removal => removal.Oid!.Value));
    }

    [Fact]
    public async Task A_cluster_where_nothing_is_live_is_left_asleep_also_by_the_hourly_comparison()
    {
        There(RoleOf(Some.Active(), end: Some.Now.AddHours(1)));

        Assert.Equal(0, (await RunAsync(hourly: true)).Clusters);
        Assert.Empty(_inventory.Listings);

        // Whoever asks for all is shown all; and a grant that ended lately is followed, by its record.
        Assert.Equal(1, (await RunAsync()).Clusters);
        await EndedAsync();
        Assert.Equal(1, (await RunAsync(hourly: true)).Clusters);
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.Equal(0, (await RunAsync(hourly: true)).Clusters);
    }

    [Fact]
    public async Task An_orphan_past_its_own_end_is_removed_at_once()
    {
        var grant = await EndedAsync();
        There(RoleOf(grant, end: Some.Now));

        Assert.Equal(FindingOutcome.Mended, Assert.Single((await RunAsync()).Lines).Outcome);
    }

    [Fact]
    public async Task A_dry_run_says_what_it_would_do_and_does_nothing()
    {
        var (ended, live) = (await EndedAsync(), await ActiveAsync());
        There(RoleOf(ended, end: Some.Now) with { Oid = 17_000 }, Scope() with { CanLogIn = true });

        var report = await RunAsync(dryRun: true, confirm: true);

        Assert.Equal([FindingKind.Orphan, FindingKind.Vanished, FindingKind.CanLogIn], report.Lines.Select(line => line.Kind).Order());
        Assert.All(report.Lines, line => Assert.Equal(FindingOutcome.WouldMend, line.Outcome));
        Assert.Empty(_administrator.Removals);
        Assert.Empty(_inventory.Mendings);
        Assert.Empty(_audit.Records);
        Assert.Equal(GrantStatus.Active, (await _store.FindAsync(live.Id, Cancellation))!.Status);
    }

    [Theory]
    [InlineData(false, 1, FindingOutcome.Reported)]
    [InlineData(true, 1, FindingOutcome.Mended)]
    [InlineData(false, 0, FindingOutcome.Mended)]
    public async Task A_grant_that_is_not_on_record_goes_only_when_confirmed_or_past_the_end_in_its_tag(bool confirm, int hoursLeft, FindingOutcome outcome)
    {
        var unknown = Some.Active();
        There(RoleOf(unknown, end: Some.Now.AddHours(hoursLeft)));

        var line = Assert.Single((await RunAsync(confirm: confirm)).Lines);

        Assert.Equal((FindingKind.UnknownGrant, outcome), (line.Kind, line.Outcome));
        Assert.Equal(outcome is FindingOutcome.Mended ? 1 : 0, _administrator.Removals.Count);
    }

    [Fact]
    public async Task The_end_in_a_tag_is_judged_by_the_servers_clock()
    {
        There(RoleOf(Some.Active(), end: Some.Now.AddMinutes(5)));
        _clock.Advance(TimeSpan.FromHours(1));

        Assert.Equal(FindingOutcome.Reported, Assert.Single((await RunAsync()).Lines).Outcome);
    }

    [Fact]
    public async Task A_tag_on_a_name_that_is_not_ours_is_never_believed()
    {
        There(RoleOf(Some.Active(), end: Some.Now.AddDays(-1)) with { Name = "app_owner", HasPrefix = false });

        Assert.Equal(FindingOutcome.Reported, Assert.Single((await RunAsync(confirm: true)).Lines).Outcome);
        Assert.Empty(_administrator.Removals);
    }

    [Fact]
    public async Task A_tag_without_a_readable_end_is_not_past_it()
    {
        var unknown = Some.Active();
        There(RoleOf(unknown) with { Mark = new RoleMark.Login(unknown.Id, "orders", null) });

        Assert.Equal(FindingOutcome.Reported, Assert.Single((await RunAsync()).Lines).Outcome);
    }

    [Fact]
    public async Task A_role_of_a_grant_of_another_cluster_is_a_copy_and_only_told()
    {
        var grant = await ActiveAsync(Some.Target(cluster: "elsewhere"));
        _inventory.Unlisted = ClusterName.Parse("elsewhere");
        There(RoleOf(grant, end: Some.Now.AddHours(1)));

        var line = Assert.Single((await RunAsync()).Lines, line => line.Cluster == Cluster);

        Assert.Equal((FindingKind.UnknownGrant, FindingOutcome.Reported), (line.Kind, line.Outcome));
    }

    [Fact]
    public async Task A_live_grant_whose_role_vanished_is_ended_and_its_removal_dispatched()
    {
        var grant = await ActiveAsync();
        There(Scope());

        var line = Assert.Single((await RunAsync()).Lines);

        Assert.Equal((FindingKind.Vanished, FindingOutcome.Mended), (line.Kind, line.Outcome));
        var state = (await _store.FindAsync(grant.Id, Cancellation))!.State;
        Assert.Equal((GrantStatus.Revoking, EndReason.Superseded), (state.Status, state.EndReason!.Value));
        Assert.Equal([grant.Id], _dispatches.All);
    }

    [Fact]
    public async Task A_grant_that_became_active_after_the_listing_has_not_vanished()
    {
        var grant = Some.Provisioning(Some.Now);
        await _store.AddAsync(grant, Cancellation);
        There(Scope());
        _inventory.AfterListing = async () =>
        {
            var mine = (await _store.FindAsync(grant.Id, Cancellation))!;
            mine.RoleMade(Oid, Some.Plan, Some.Now);
            mine.Activate(new MessageRef("D0ENGDM01", "1.2"), Some.Now);
            await _store.SaveAsync(mine, Cancellation);
        };

        Assert.Empty((await RunAsync()).Lines);
    }

    [Fact]
    public async Task A_grant_that_was_put_on_record_after_the_listing_is_no_unknown_one()
    {
        var grant = Some.Provisioning(Some.Now);
        There(RoleOf(grant, end: Some.Now.AddHours(-1)));
        _inventory.AfterListing = async () => await _store.AddAsync(grant, Cancellation);

        Assert.Empty((await RunAsync(confirm: true)).Lines);
        Assert.Empty(_administrator.Removals);
    }

    [Fact]
    public async Task A_grant_that_is_still_being_made_has_not_vanished()
    {
        await _store.AddAsync(Some.Provisioning(Some.Now), Cancellation);
        There(Scope());

        Assert.Empty((await RunAsync()).Lines);
    }

    [Fact]
    public async Task A_cluster_without_a_trace_of_us_is_another_server_and_ends_nothing()
    {
        var grant = await ActiveAsync();

        var line = Assert.Single((await RunAsync()).Lines);

        Assert.Equal((FindingKind.Replaced, FindingOutcome.Reported), (line.Kind, line.Outcome));
        Assert.Equal(GrantStatus.Active, (await _store.FindAsync(grant.Id, Cancellation))!.Status);
        Assert.Equal(FindingKind.Vanished, Assert.Single((await RunAsync(confirm: true)).Lines).Kind);
    }

    [Fact]
    public async Task A_cluster_that_cannot_be_listed_ends_nothing_and_stops_no_other()
    {
        var (there, gone) = (await ActiveAsync(Some.Target(cluster: "elsewhere")), await ActiveAsync());
        _inventory.Unlisted = ClusterName.Parse("elsewhere");
        There(Scope());

        var report = await RunAsync();

        Assert.Equal([FindingKind.Vanished, FindingKind.Unlisted], report.Lines.Select(line => line.Kind).Order());
        Assert.Equal(GrantStatus.Active, (await _store.FindAsync(there.Id, Cancellation))!.Status);
        Assert.Equal(GrantStatus.Revoking, (await _store.FindAsync(gone.Id, Cancellation))!.Status);
    }

    [Fact]
    public async Task A_live_role_that_was_given_more_or_less_is_told()
    {
        var grant = await ActiveAsync();
        There(RoleOf(grant) with { MemberOf = [new RoleLink(99, "pg_read_all_data", "carl")], Members = [new RoleLink(98, "reader", "carl")], CanLogIn = false, HasPowers = true });

        var lines = (await RunAsync()).Lines;

        Assert.Equal(5, lines.Count);
        Assert.All(lines, line => Assert.Equal((FindingKind.Changed, FindingOutcome.Reported), (line.Kind, line.Outcome)));
        Assert.Contains(lines, line => line.Words.Contains("pg_read_all_data by carl", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_scope_role_that_can_log_in_or_has_a_password_loses_both()
    {
        There(Scope() with { CanLogIn = true });
        Assert.Equal(FindingOutcome.Mended, Assert.Single((await RunAsync()).Lines).Outcome);

        There(Scope() with { HasPassword = true });
        Assert.Equal(FindingKind.CanLogIn, Assert.Single((await RunAsync()).Lines).Kind);

        Assert.Equal([$"lock {ScopeRole}", $"lock {ScopeRole}"], _inventory.Mendings);
    }

    [Fact]
    public async Task A_stray_member_of_a_scope_role_is_taken_back_and_named_with_its_grantor()
    {
        var grant = await ActiveAsync();
        There(RoleOf(grant), Scope(member: grant, others: [new RoleLink(77, "reader", "carl"), new RoleLink(78, FakeRoleInventory.Administrator, "postgres")]));

        var line = Assert.Single((await RunAsync()).Lines);

        Assert.Equal((FindingKind.StrayMember, FindingOutcome.Mended), (line.Kind, line.Outcome));
        Assert.Contains("reader by carl", line.Words, StringComparison.Ordinal);
        Assert.Equal([$"take {ScopeRole} from reader"], _inventory.Mendings);
    }

    [Fact]
    public async Task A_tag_of_ours_on_a_name_that_is_not_makes_nobody_a_member_of_a_scope_role()
    {
        var grant = await ActiveAsync();
        var copy = Found("reader", new RoleMark.Login(GrantId.New(), "orders", Some.Now.AddHours(1))) with { HasPrefix = false };
        There(RoleOf(grant), copy, Scope(member: grant, others: new RoleLink(copy.Oid, copy.Name, "carl")));

        var lines = (await RunAsync()).Lines;

        Assert.Equal([(FindingKind.UnknownGrant, FindingOutcome.Reported), (FindingKind.StrayMember, FindingOutcome.Mended)], lines.Select(line => (line.Kind, line.Outcome)).Order());
        Assert.Equal([$"take {ScopeRole} from reader"], _inventory.Mendings);
    }

    [Fact]
    public async Task An_unneeded_scope_role_that_owns_something_is_not_dropped_even_when_confirmed()
    {
        _policies.Scopes = [];
        There(Scope() with { OwnsIn = ["database orders"] });

        Assert.Equal(FindingKind.TooMuch, Assert.Single((await RunAsync(confirm: true)).Lines).Kind);
        Assert.Empty(_inventory.Mendings);
    }

    [Fact]
    public async Task Who_acts_as_an_owner_may_be_its_member_and_nobody_elses()
    {
        var scope = Some.ReadScope() with { RunAs = "orders_owner" };
        _policies.Scopes = [scope];
        var grant = await ActiveAsync(scope: scope);
        var scopeRole = RoleName.ForScope(Some.Installation, "read", scope.Fingerprint("orders")).Value;
        var scopeLink = new RoleLink(16_400, scopeRole, FakeRoleInventory.Administrator);
        var owned = Scope(member: grant) with { Name = scopeRole, Mark = new RoleMark.Scope("orders", "read", scope.Fingerprint("orders")) };
        There(RoleOf(grant) with { MemberOf = [scopeLink, new RoleLink(5, "orders_owner", FakeRoleInventory.Administrator)] }, owned);
        Assert.Empty((await RunAsync()).Lines);

        There(RoleOf(grant) with { MemberOf = [scopeLink, new RoleLink(6, "billing_owner", "carl")] }, owned);
        Assert.Contains("billing_owner by carl", Assert.Single((await RunAsync()).Lines).Words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_scope_role_owns_is_a_member_of_or_can_do_is_only_told()
    {
        There(Scope() with { OwnsIn = ["database orders"], MemberOf = [new RoleLink(5, "app_owner", "carl")], HasPowers = true });

        var lines = (await RunAsync(confirm: true)).Lines;

        Assert.Equal(3, lines.Count);
        Assert.All(lines, line => Assert.Equal((FindingKind.TooMuch, FindingOutcome.Reported), (line.Kind, line.Outcome)));
        Assert.Contains(lines, line => line.Words.Contains("app_owner by carl", StringComparison.Ordinal));
        Assert.Empty(_inventory.Mendings);
    }

    [Fact]
    public async Task An_unneeded_scope_role_is_dropped_when_it_was_unneeded_for_ten_minutes_and_not_when_it_was_needed_in_between()
    {
        _policies.Scopes = [];
        There(Scope());

        Assert.Equal(FindingOutcome.Reported, Assert.Single((await RunAsync()).Lines).Outcome);
        _clock.Advance(TimeSpan.FromMinutes(6));
        _policies.Scopes = [Some.ReadScope()];
        Assert.Empty((await RunAsync()).Lines);
        _clock.Advance(TimeSpan.FromMinutes(6));
        _policies.Scopes = [];
        Assert.Equal(FindingOutcome.Reported, Assert.Single((await RunAsync()).Lines).Outcome);
        _clock.Advance(TimeSpan.FromMinutes(10));
        Assert.Equal((FindingKind.Unneeded, FindingOutcome.Mended), Assert.Single((await RunAsync()).Lines) is var line ? (line.Kind, line.Outcome) : default);
        Assert.Equal([$"drop {ScopeRole}"], _inventory.Mendings);
    }

    [Fact]
    public async Task A_scope_role_in_others_hands_is_stripped_after_ten_minutes_unless_somebody_of_ours_needs_it()
    {
        var stray = new RoleLink(77, "reader", "postgres");
        There(Scope(others: stray) with { HasPrivileges = true });
        Assert.Equal([FindingKind.StrayMember], (await RunAsync()).Lines.Select(line => line.Kind));
        _clock.Advance(TimeSpan.FromMinutes(10));

        var lines = (await RunAsync()).Lines;

        Assert.Equal([(FindingKind.StrayMember, FindingOutcome.Mended), (FindingKind.PutAside, FindingOutcome.Mended)], lines.Select(line => (line.Kind, line.Outcome)).Order());
        Assert.Contains($"strip {ScopeRole}", _inventory.Mendings);
        _inventory.Mendings.Clear();
        There(Scope(others: stray));
        await RunAsync(confirm: true);
        var grant = await ActiveAsync();
        There(RoleOf(grant), Scope(member: grant, others: stray) with { HasPrivileges = true });
        await RunAsync(confirm: true);
        Assert.DoesNotContain($"strip {ScopeRole}", _inventory.Mendings);
    }

    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public async Task What_was_used_in_the_place_of_a_scope_role_goes_when_that_one_can_be_used_again(bool firstIsShared, bool goes)
    {
        var another = $"{ScopeRole}_abcdef";
        Assert.True(RoleName.IsOrAnother(another, ScopeRole));
        There(firstIsShared ? Scope(others: new RoleLink(77, "reader", "postgres")) : Scope(), Scope() with { Oid = 16_500, Name = another });

        await RunAsync(confirm: true);

        Assert.Equal(goes, _inventory.Mendings.Contains($"drop {another}"));
        Assert.DoesNotContain($"drop {ScopeRole}", _inventory.Mendings);
    }

    [Fact]
    public async Task A_scope_role_that_a_live_grant_or_a_member_needs_stays()
    {
        _policies.Scopes = [];
        var grant = await ActiveAsync();
        There(RoleOf(grant), Scope(member: grant));
        Assert.Empty((await RunAsync(confirm: true)).Lines);

        // Not on record any more, but still a member.
        await using var other = new ReconcileRolesTests();
        other._policies.Scopes = [];
        other.There(RoleOf(grant), Scope(member: grant));
        Assert.Equal(FindingKind.UnknownGrant, Assert.Single((await other.RunAsync()).Lines).Kind);
    }

    [Fact]
    public async Task What_a_live_grant_rests_on_is_brought_in_line_and_put_on_record_first()
    {
        var grant = await ActiveAsync();
        There(RoleOf(grant), Scope(member: grant));
        _inventory.Drift["read"] = new ScopeUpkeep(["delete on table public.orders is too much (given by carl)"], null);

        var dry = Assert.Single((await RunAsync(dryRun: true)).Lines);
        Assert.Equal((FindingKind.Drifted, FindingOutcome.WouldMend, ScopeRole), (dry.Kind, dry.Outcome, dry.Role));
        Assert.Empty(_inventory.Mendings);

        var line = Assert.Single((await RunAsync()).Lines);
        Assert.Equal((FindingKind.Drifted, FindingOutcome.Mended), (line.Kind, line.Outcome));
        Assert.Contains("given by carl", line.Words, StringComparison.Ordinal);
        Assert.Equal("bring in line read", Assert.Single(_inventory.Mendings));
        Assert.Equal(["begun", "done"], _audit.Records.Where(record => record.Type == "reconcile.drifted").Select(record => record.Outcome));
        Assert.Empty((await RunAsync()).Lines);
    }

    [Fact]
    public async Task What_the_administrator_cannot_give_any_more_is_told_with_the_statement()
    {
        var grant = await ActiveAsync();
        There(RoleOf(grant), Scope(member: grant));
        _inventory.Drift["read"] = new ScopeUpkeep(["select on table public.new2 is missing"], new Error("postgres.cannot_grant", "The administrator cannot give select on table public.new2 (owner carl). Run: GRANT carl TO admin;"));

        var line = Assert.Single((await RunAsync()).Lines);

        Assert.Equal((FindingKind.Drifted, FindingOutcome.Reported), (line.Kind, line.Outcome));
        Assert.Contains("owner carl", line.Words, StringComparison.Ordinal);
        Assert.Empty(_inventory.Mendings);
    }

    [Fact]
    public async Task The_scope_roles_of_every_database_of_a_grant_are_needed()
    {
        var target = Some.Target() with { Also = ["billing"] };
        var grant = await ActiveAsync(target);
        var there = RoleName.ForScope(Some.Installation, "read", Some.ReadScope().Fingerprint("billing")).Value;
        There(
            RoleOf(grant) with { MemberOf = [new RoleLink(16_400, ScopeRole, FakeRoleInventory.Administrator)] },
            Scope(member: grant),
            Found(there, new RoleMark.Scope("billing", "read", Some.ReadScope().Fingerprint("billing"))) with { CanLogIn = false });

        var line = Assert.Single((await RunAsync()).Lines);

        Assert.Equal(FindingKind.Changed, line.Kind);
        Assert.Contains($"no longer a member of {there}", line.Words, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Other_installations_are_left_alone_and_look_alikes_are_told()
    {
        var prefix = RoleName.Prefix(Some.Installation);
        var foreign = Found("dba_zzzzzz_erin_k7q3md_aaaaaaaa", new RoleMark.Foreign("theirs")) with { HasPrefix = false };
        There(foreign, Found($"{prefix}x_aaaaaa_bbbbbbbb", new RoleMark.None()), Found($"{prefix}theirs", new RoleMark.Foreign("theirs")), Found("odd", new RoleMark.Unreadable()) with { HasPrefix = false },
            Found($"{prefix}s_copy", ScopeMark) with { CanLogIn = true });

        var lines = (await RunAsync(confirm: true)).Lines;

        Assert.Equal(4, lines.Count);
        Assert.DoesNotContain(lines, line => line.Role == foreign.Name);
        Assert.All(lines, line => Assert.Equal((FindingKind.LookAlike, FindingOutcome.Reported), (line.Kind, line.Outcome)));
        Assert.Empty(_inventory.Mendings);
        Assert.Empty(_administrator.Removals);
    }

    [Fact]
    public async Task The_escrow_role_may_own_things_and_nothing_else()
    {
        var escrow = Found(RoleName.ForEscrow(Some.Installation).Value, new RoleMark.Escrow()) with { CanLogIn = false, OwnsIn = ["database orders"] };
        There(escrow);
        Assert.Empty((await RunAsync()).Lines);

        // A removal makes it a member of the role whose things it takes, for as long as that takes.
        var grant = await ActiveAsync();
        There(escrow with { MemberOf = [new RoleLink(Oid, grant.State.Role!.Value, FakeRoleInventory.Administrator)] }, RoleOf(grant), Scope(member: grant));
        Assert.Empty((await RunAsync()).Lines);
        There(escrow with { MemberOf = [new RoleLink(5, "app_owner", "carl")] }, RoleOf(grant), Scope(member: grant));
        Assert.Equal(FindingKind.TooMuch, Assert.Single((await RunAsync()).Lines).Kind);
        await EndAsync(grant);

        There(escrow with { Members = [new RoleLink(77, "reader", "carl")], CanLogIn = true });
        Assert.Equal([FindingKind.CanLogIn, FindingKind.StrayMember], (await RunAsync()).Lines.Select(line => line.Kind).Order());
    }

    [Fact]
    public async Task A_locked_out_role_that_can_log_in_again_is_removed_without_waiting_for_its_next_try()
    {
        var grant = await ActiveAsync();
        grant.Return(grant.State.Requester, Some.Now);
        grant.BeginRemoval(Some.Now, TimeSpan.FromMinutes(1));
        grant.Quarantine(new RemovalReceipt(Some.Now, 0, Some.Now, null, Existed: true, []), ["a table of somebody else"], Some.Now);
        await _store.SaveAsync(grant, Cancellation);
        There(RoleOf(grant) with { CanLogIn = false }, Scope());
        Assert.Empty((await RunAsync()).Lines);

        There(RoleOf(grant), Scope(member: grant));

        Assert.Equal((FindingKind.Changed, FindingOutcome.Mended), Assert.Single((await RunAsync()).Lines.Select(line => (line.Kind, line.Outcome))));
        Assert.Equal(grant.Id, Assert.Single(_administrator.Removals).Grant);
    }

    [Fact]
    public async Task A_cheap_pass_asks_only_clusters_with_live_or_lately_ended_grants()
    {
        Assert.Equal(0, (await RunAsync(onlyBusy: true)).Clusters);
        Assert.Empty(_inventory.Listings);

        var grant = await ActiveAsync();
        There(RoleOf(grant), Scope(member: grant));
        Assert.Equal(1, (await RunAsync(onlyBusy: true)).Clusters);

        await EndAsync(grant);
        There(Scope());
        _clock.Advance(TimeSpan.FromMinutes(29));
        Assert.Equal(1, (await RunAsync(onlyBusy: true)).Clusters);
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(0, (await RunAsync(onlyBusy: true)).Clusters);
    }

    [Fact]
    public async Task A_cheap_pass_reads_the_grants_that_it_has_not_seen_in_use_and_every_one_before_it_decides_anything()
    {
        var reads = 0;
        _gate.At = boundary =>
        {
            if (boundary is { Call: "GrantStore.Find", Over: false }) reads++;
            return Task.CompletedTask;
        };
        List<Grant> grants = [await ActiveAsync(), await ActiveAsync(oid: Oid + 1), await ActiveAsync(oid: Oid + 2)];
        There([.. grants.Select(grant => RoleOf(grant)), Scope(member: grants[0])]);

        Assert.Equal(3, await ReadsOfAsync());
        Assert.Equal(0, await ReadsOfAsync());
        grants.Add(await ActiveAsync(oid: Oid + 3));
        There([.. grants.Select(grant => RoleOf(grant)), Scope(member: grants[0])]);
        Assert.Equal(1, await ReadsOfAsync());

        // Given back meanwhile, and its role gone: by memory it has vanished, by the record all is well.
        grants[3].Return(grants[3].State.Requester, _clock.GetUtcNow());
        await _store.SaveAsync(grants[3], Cancellation);
        There([.. grants.Take(3).Select(grant => RoleOf(grant)), Scope(member: grants[0])]);
        Assert.Equal(4, await ReadsOfAsync());

        // Really vanished.
        There([.. grants.Take(2).Select(grant => RoleOf(grant)), Scope(member: grants[0])]);
        var finding = Assert.Single((await RunAsync(onlyBusy: true)).Lines);
        Assert.Equal((FindingKind.Vanished, FindingOutcome.Mended), (finding.Kind, finding.Outcome));
        Assert.Equal([grants[2].Id], _dispatches.All);

        async Task<int> ReadsOfAsync()
        {
            var before = reads;
            Assert.Empty((await RunAsync(onlyBusy: true)).Lines);
            return reads - before;
        }
    }

    [Fact]
    public async Task A_grant_that_cannot_be_read_keeps_a_cheap_pass_from_nothing_but_deciding_about_its_role()
    {
        var (vanished, unreadable) = (await ActiveAsync(), await ActiveAsync(oid: Oid + 1));
        _store.MakeUnreadable(unreadable.Id);
        There(Scope());
        Assert.Equal((FindingKind.Vanished, FindingOutcome.Mended), Assert.Single((await RunAsync(onlyBusy: true)).Lines.Select(line => (line.Kind, line.Outcome))));

        There(RoleOf(unreadable), Scope());
        Assert.Equal((FindingKind.Unlisted, FindingOutcome.Failed), Assert.Single((await RunAsync(onlyBusy: true)).Lines.Select(line => (line.Kind, line.Outcome))));
        Assert.Empty(_administrator.Removals);
    }

    [Fact]
    public async Task A_cheap_pass_with_very_many_live_grants_is_left_to_the_hourly_one()
    {
        // Ids of six letters repeat now and then, so a few more than are wanted.
        for (var i = 0; i < 5_050; i++) await ActiveAsync();

        Assert.Equal(0, (await RunAsync(onlyBusy: true)).Clusters);
        Assert.Empty(_inventory.Listings);
    }

    [Fact]
    public async Task What_cannot_be_removed_yet_is_told_and_tried_again()
    {
        var grant = await EndedAsync();
        There(RoleOf(grant, end: Some.Now));
        _administrator.NextRemovals.Enqueue(_ => FakeRoleAdministrator.RemovalNotNow());

        Assert.Equal(FindingOutcome.Failed, Assert.Single((await RunAsync()).Lines).Outcome);
        Assert.Equal(FindingOutcome.Mended, Assert.Single((await RunAsync()).Lines).Outcome);
    }

    [Fact]
    public async Task What_a_role_left_that_no_grant_knows_is_told_and_on_the_audit_record()
    {
        var grant = await EndedAsync();
        There(RoleOf(grant, end: Some.Now));
        _administrator.NextRemovals.Enqueue(_ => new RoleRemoval.Gone(new RemovalReceipt(Some.Now, 1, Some.Now, Some.Now, Existed: true, ["table public.left"]) { Dropped = ["policy p"], Remarks = ["a remark"] }));

        var line = Assert.Single((await RunAsync()).Lines);

        const string Left = "sessions cut: 1; kept under the escrow role: table public.left; went with it: policy p; a remark";
        Assert.EndsWith($"It was removed, and that was checked. {Left}", line.Words, StringComparison.Ordinal);
        Assert.Equal(["begun", "done"], _audit.Records.Select(record => record.Outcome));
        Assert.Contains(new Fact.Sealed("found", $" {Left}"), _audit.Records[1].What);
    }

    private static FoundRole Found(string name, RoleMark mark) => new(16_900 + (uint)name.Length, name, mark, true, true, false, null, [], [], []);

    private static FoundRole RoleOf(Grant grant, DateTimeOffset? end = null) => Found(grant.State.Role!.Value, new RoleMark.Login(grant.Id, "orders", end ?? Some.Now.AddHours(1))) with
    {
        Oid = grant.State.RoleOid ?? Oid,
        MemberOf = [new RoleLink(16_400, ScopeRole, FakeRoleInventory.Administrator)],
    };

    private static FoundRole Scope(Grant? member = null, params RoleLink[] others) => Found(ScopeRole, ScopeMark) with
    {
        Oid = 16_400,
        CanLogIn = false,
        Members = [.. member is null ? [] : (RoleLink[])[new RoleLink(Oid, member.State.Role!.Value, FakeRoleInventory.Administrator)], .. others],
    };

    private void There(params FoundRole[] roles)
    {
        _inventory.Roles.Clear();
        _inventory.Roles.AddRange(roles);
    }

    private async Task<Grant> ActiveAsync(DatabaseTarget? target = null, uint oid = Oid, PrivilegeScope? scope = null)
    {
        var grant = Grant.RequestAllowed(GrantId.New(), Some.Installation, Some.Request(target: target, scope: scope), Some.Now);
        grant.BeginProvisioning(RoleName.ForGrant(Some.Installation, grant.Id, "erin"), Some.Now, TimeSpan.FromMinutes(1));
        grant.RoleMade(oid, Some.Plan, Some.Now);
        grant.Activate(new MessageRef("D0ENGDM01", "1767225601.000200"), Some.Now);
        await _store.AddAsync(grant, Cancellation);
        return grant;
    }

    private async Task<Grant> EndedAsync()
    {
        var grant = await ActiveAsync();
        await EndAsync(grant);
        return grant;
    }

    private async Task EndAsync(Grant grant)
    {
        var now = _clock.GetUtcNow();
        grant.Return(grant.State.Requester, now);
        grant.BeginRemoval(now, TimeSpan.FromMinutes(1));
        grant.End(new RemovalReceipt(now, 0, now, now, Existed: true, []), now);
        await _store.SaveAsync(grant, Cancellation);
        Assert.Equal(GrantStatus.Ended, (await _store.FindAsync(grant.Id, Cancellation))!.Status);
    }

    private async Task<ReconcileReport> RunAsync(bool dryRun = false, bool confirm = false, bool onlyBusy = false, bool hourly = false) =>
        (await _services.GetRequiredService<IMediator>().Send(
            new ReconcileRoles(dryRun, confirm, onlyBusy ? ReconcileReach.BusyCheaply : hourly ? ReconcileReach.Busy : ReconcileReach.All), Cancellation)).Value;

    private sealed class TestClock(DateTimeOffset now) : TimeProvider
    {
        private DateTimeOffset _now = now;

        public override DateTimeOffset GetUtcNow() => _now;

        public void Advance(TimeSpan by) => _now += by;
    }

    private sealed class Dispatches : IGrantDispatcher
    {
        public List<GrantId> All { get; } = [];

        public void Dispatch(GrantId id) => All.Add(id);
    }

    private sealed class Policies : IPolicySource
    {
        public IReadOnlyList<PrivilegeScope> Scopes { get; set; } = [Some.ReadScope()];

        public AccessPolicy Current => new(
            "hash",
            new Dictionary<DatabaseName, PolicyDatabase> { [Some.Target().Name] = new(Some.Target(), new Dictionary<string, string>(), [.. Scopes.Select(scope => scope.Name)]) },
            Scopes.ToDictionary(scope => scope.Name),
            new Dictionary<string, PolicyGroup>(),
            [],
            []);
    }
}
