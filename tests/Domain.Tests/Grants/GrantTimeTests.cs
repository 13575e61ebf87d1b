using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.TestKit;

namespace DbAccess.Domain.Tests.Grants;

/// <summary>What the clock says to a grant, by the second.</summary>
public sealed class GrantTimeTests
{
    private static readonly DateTimeOffset Now = Some.Now;

    [Theory]
    [InlineData(-1, "grant.window_open")]
    [InlineData(0, null)]
    [InlineData(1, null)]
    public void A_grant_expires_at_its_expiry_and_not_a_second_before(int seconds, string? refusal)
    {
        var grant = Some.Active();

        var result = grant.Expire(Grants.Expiry.AddSeconds(seconds));

        Assert.Equal(refusal, result.Refusal?.Code);
        Assert.Equal(refusal is null ? EndReason.Expired : null, grant.State.EndReason);
    }

    [Theory]
    [InlineData(-1, false)]
    [InlineData(0, true)]
    [InlineData(1, true)]
    public void A_window_does_not_include_its_expiry(int seconds, bool over) =>
        Assert.Equal(over, new AccessWindow(Now, Grants.Expiry).IsOver(Grants.Expiry.AddSeconds(seconds)));

    [Theory]
    [InlineData(-901, "grant.nothing")]
    [InlineData(-900, null)]
    [InlineData(-1, null)]
    [InlineData(0, "grant.nothing")]
    public void A_holder_is_warned_a_quarter_of_an_hour_before_the_end_and_not_after_it(int secondsFromExpiry, string? refusal)
    {
        var grant = Some.Active();

        Assert.Equal(refusal, grant.Warn(Grants.Expiry.AddSeconds(secondsFromExpiry)).Refusal?.Code);

        Assert.Equal(refusal is null, grant.State.Notices.Contains(NoticeKind.Ending));
    }

    [Theory]
    [InlineData(4 * 3600, 900, 300)]
    [InlineData(3600, 900, 300)]
    [InlineData(1800, 450, 150)]
    [InlineData(600, 150, 50)]
    [InlineData(120, 30, 10)]
    [InlineData(119, 29, 0)]
    [InlineData(40, 10, 0)]
    [InlineData(39, 0, 0)]
    public void Warnings_come_at_the_same_parts_of_a_shorter_window_and_never_too_late_to_be_of_use(int seconds, int first, int last)
    {
        var duration = TimeSpan.FromSeconds(seconds);
        var grant = Some.Active(duration: duration);
        var end = Now + duration;

        foreach (var before in ((int[])[first, last]).Where(before => before > 0))
        {
            Assert.Equal(end.AddSeconds(-before), grant.State.StepDueAt);
            Assert.Null(grant.Warn(end.AddSeconds(-before)).Refusal);
        }

        Assert.Equal(end, grant.State.StepDueAt);
        Assert.Equal("grant.nothing", grant.Warn(end.AddSeconds(-1)).Refusal?.Code);
    }

    [Fact]
    public void A_holder_is_warned_once_by_what_came_too_late_for_the_first_warning()
    {
        var grant = Grants.After(Some.Active(), grant => grant.Warn(Grants.Expiry.AddMinutes(-5)));

        Assert.Equal("grant.nothing", grant.Warn(Grants.Expiry.AddMinutes(-4)).Refusal?.Code);

        Assert.Equal(Grants.Expiry, grant.State.StepDueAt);
        Assert.Equal([NoticeKind.Ending], grant.State.Notices);
    }

    [Fact]
    public void A_grant_of_an_earlier_version_that_was_warned_is_not_warned_again()
    {
        var grant = new Grant(Some.Active().State with { Warned = true, WarnedEarly = false });

        Assert.Equal("grant.nothing", grant.Warn(Grants.Expiry.AddMinutes(-1)).Refusal?.Code);
    }

    [Fact]
    public void Access_that_lasts_longer_is_warned_of_its_new_end_where_there_is_still_time()
    {
        var grant = Grants.After(Some.Active(), g => g.Warn(Grants.Expiry.AddMinutes(-15)), g => g.Warn(Grants.Expiry.AddMinutes(-5)),
            g => g.AskExtension(Some.Engineer, TimeSpan.FromMinutes(10), Grants.Terms, null, Grants.Expiry.AddMinutes(-1)),
            g => g.EndKept(Grants.Expiry.AddMinutes(10), Grants.Expiry));

        Assert.Equal(Grants.Expiry.AddMinutes(5), grant.State.StepDueAt);
    }

    [Fact]
    public void A_time_that_begins_when_the_password_is_shown_begins_then_and_what_is_not_shown_is_given_back()
    {
        var (waiting, _) = Grants.In(Grants.ToBeShown);
        Assert.Equal((Now.AddHours(1), NoticeKind.Ready), (waiting.State.StepDueAt!.Value, Assert.Single(waiting.State.Notices)));
        Assert.Equal("grant.window_open", waiting.GiveBackUnrevealed(Now.AddMinutes(59)).Refusal?.Code);
        Assert.Equal("grant.not_holder", waiting.AskPassword(Some.OtherEngineer, "V1", Now).Refusal?.Code);
        Assert.Equal("grant.no_password", waiting.AskPassword(Some.Engineer, "V1", Now.AddHours(1)).Refusal?.Code);
        var asked = Now.AddMinutes(59);

        var shown = Grants.After(waiting, g => g.AskPassword(Some.Engineer, "V1", asked),
            g => g.BeginProvisioning(Name(g), asked, Grants.Lease), g => g.RoleMade(1, Some.Plan, asked), g => g.Activate(null, asked));

        Assert.Equal((new AccessWindow(asked, asked + Grants.Duration), (PasswordAsk?)null), (shown.State.Window, shown.State.Password));
    }

    [Fact]
    public void A_new_password_is_tried_three_times_and_then_said_not_to_have_come()
    {
        var (grant, now) = Grants.In(Grants.WantsPassword);
        var asked = grant.State.Password!;
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            now = grant.State.StepDueAt!.Value;
            Grants.After(grant, g => g.BeginPassword(now, Grants.Lease), g => g.PasswordFailed(asked, "the server does not answer", now));
            Assert.Equal(attempt < 3, grant.State.Password is not null);
        }

        Assert.Equal([NoticeKind.NoPassword], grant.State.Notices);
        Assert.Equal(Grants.Expiry.AddMinutes(-15), grant.State.StepDueAt);
        Assert.Equal("grant.nothing", grant.PasswordRenewed(asked, Grants.Message, now).Refusal?.Code);
    }

    [Theory]
    [InlineData(-1, "grant.lease_held")]
    [InlineData(0, null)]
    public void A_lease_keeps_others_from_the_making_until_it_ends(int secondsFromLeaseEnd, string? refusal)
    {
        var grant = Some.Provisioning();
        var again = grant.BeginProvisioning(Name(grant), Now + Grants.Lease + TimeSpan.FromSeconds(secondsFromLeaseEnd), Grants.Lease);

        Assert.Equal(refusal, again.Refusal?.Code);
    }

    [Theory]
    [InlineData(-1, "grant.lease_held")]
    [InlineData(0, null)]
    public void A_lease_keeps_others_from_the_removal_until_it_ends(int secondsFromLeaseEnd, string? refusal)
    {
        var grant = Grants.After(Grants.Revoking(), grant => grant.BeginRemoval(Grants.Expiry, Grants.Lease));

        Assert.Equal(refusal, grant.BeginRemoval(Grants.Expiry + Grants.Lease + TimeSpan.FromSeconds(secondsFromLeaseEnd), Grants.Lease).Refusal?.Code);
    }

    [Theory]
    [InlineData(-1, "grant.lease_held")]
    [InlineData(0, null)]
    public void A_lease_keeps_others_from_the_undoing_until_it_ends(int secondsFromLeaseEnd, string? refusal)
    {
        var grant = Grants.After(
            Some.Allowed(),
            grant => grant.Abandon("nobody wants it", new Actor.Sweep(), Now),
            grant => grant.BeginUndo(Now, Grants.Lease));

        Assert.Equal(refusal, grant.BeginUndo(Now + Grants.Lease + TimeSpan.FromSeconds(secondsFromLeaseEnd), Grants.Lease).Refusal?.Code);
    }

    [Theory]
    [InlineData(-1, "grant.nothing")]
    [InlineData(0, null)]
    public void A_lease_keeps_others_from_the_telling_until_it_ends(int secondsFromLeaseEnd, string? refusal)
    {
        var grant = Grants.After(Grants.Quarantined(), grant => grant.BeginTelling(Grants.Expiry, Grants.Lease));

        Assert.Equal(refusal, grant.BeginTelling(Grants.Expiry + Grants.Lease + TimeSpan.FromSeconds(secondsFromLeaseEnd), Grants.Lease).Refusal?.Code);
    }

    [Theory]
    [InlineData(-1, null)]
    [InlineData(0, "grant.too_late")]
    [InlineData(1, "grant.too_late")]
    public void A_role_is_made_within_a_quarter_of_an_hour_or_not_at_all(int secondsFromTheEndOfPatience, string? refusal)
    {
        Assert.Equal(TimeSpan.FromMinutes(15), Grant.ProvisioningPatience);
        var late = Now + Grant.ProvisioningPatience + TimeSpan.FromSeconds(secondsFromTheEndOfPatience);

        foreach (var grant in (Grant[])[Some.Allowed(), Some.Provisioning()])
        {
            Assert.Equal(refusal, grant.BeginProvisioning(Name(grant), late, Grants.Lease).Refusal?.Code);
        }
    }

    [Theory]
    [InlineData(-1, "grant.window_open")]
    [InlineData(0, null)]
    public void A_request_lapses_when_its_time_is_over(int seconds, string? refusal)
    {
        var grant = Grants.Pending(Now.AddHours(1));

        Assert.Equal(refusal, grant.Lapse(Now.AddHours(1).AddSeconds(seconds)).Refusal?.Code);
    }

    [Fact]
    public void A_second_try_keeps_the_name_and_starts_the_window_anew()
    {
        var grant = Some.Provisioning();
        var name = grant.State.Role;
        var later = Now.AddMinutes(3);

        Grants.After(grant, g => g.BeginProvisioning(Name(g), later, Grants.Lease));

        Assert.Equal(name, grant.State.Role);
        Assert.Equal(new AccessWindow(later, later + Grants.Duration), grant.State.Window);
        Assert.Equal(2, grant.State.Attempts);
    }

    [Fact]
    public void A_name_that_was_taken_is_forgotten_and_the_next_try_has_another_at_once()
    {
        var grant = Grants.After(Some.Provisioning(), g => g.RoleMade(16_777, Some.Plan, Now), g => g.ForgetRole(Now.AddSeconds(5)));

        Assert.Equal((null, null, false, Now.AddSeconds(5)), (grant.State.Role, grant.State.RoleOid, grant.State.Leased, grant.State.StepDueAt));
        var fresh = Name(grant);
        Grants.After(grant, g => g.BeginProvisioning(fresh, Now.AddSeconds(5), Grants.Lease));
        Assert.Equal(fresh, grant.State.Role);
    }

    public static TheoryData<string, double?> Dues() => new()
    {
        { nameof(GrantStatus.Pending), 600 },
        { nameof(GrantStatus.Approved), 0 },
        { nameof(GrantStatus.Provisioning), 60 },
        { nameof(GrantStatus.Active), 3600 - 900 },
        { Grants.ToBeShown, 0 },
        { Grants.WantsPassword, 0 },
        { nameof(GrantStatus.Revoking), 3600 },
        { nameof(GrantStatus.Quarantined), 3600 },
        { nameof(GrantStatus.Denied), 0 },
        { nameof(GrantStatus.Cancelled), 0 },
        { nameof(GrantStatus.Lapsed), 3600 },
        { Grants.AskedForMore, 0 },
        { Grants.Taken, 0 },
        { Grants.AbandonedWhileApproved, 0 },
        { Grants.AbandonedWhileMaking, 60 },
    };

    [Theory]
    [MemberData(nameof(Dues))]
    public void A_grant_is_due_when_its_status_says(string situation, double? secondsFromRequest)
    {
        var (grant, _) = Grants.In(situation);

        Assert.Equal(secondsFromRequest is { } seconds ? Now.AddSeconds(seconds) : null, grant.State.DueAt);
    }

    [Theory]
    [InlineData(nameof(GrantStatus.Ended), NoticeKind.Ended)]
    [InlineData(nameof(GrantStatus.Failed), NoticeKind.Failed)]
    public void A_grant_that_is_over_is_due_until_its_holder_knows(string situation, NoticeKind kind)
    {
        var (grant, now) = Grants.In(situation);
        Assert.Null(grant.State.StepDueAt);
        Assert.NotNull(grant.State.EndedAt);
        Assert.True(grant.State.DueAt <= now);

        Grants.After(grant, g => g.BeginTelling(now, Grants.Lease), g => g.Told(kind, null, now));

        Assert.Null(grant.State.DueAt);
    }

    [Fact]
    public void Of_a_step_and_a_notice_the_earlier_is_due()
    {
        var grant = Grants.After(Some.Active(), g => g.Warn(Grants.Expiry.AddMinutes(-5)));
        Assert.Equal(Grants.Expiry.AddMinutes(-5), grant.State.DueAt);

        Grants.After(grant, g => g.TellingFailed(NoticeKind.Ending, "slack: internal_error", Grants.Expiry.AddMinutes(-5), TimeSpan.FromHours(2)));

        Assert.Equal(Grants.Expiry, grant.State.DueAt);
    }

    [Fact]
    public void While_somebody_waits_the_pauses_grow_to_fifteen_seconds()
    {
        var grant = Some.Allowed();
        var now = Now;
        var pauses = new List<double>();
        for (var attempt = 0; attempt < 8; attempt++)
        {
            Grants.After(grant, g => g.BeginProvisioning(Name(g), now, Grants.Lease), g => g.StepFailed("the server does not answer", now));
            pauses.Add((grant.State.StepDueAt!.Value - now).TotalSeconds);
            now = grant.State.StepDueAt.Value;
        }

        Assert.Equal([1, 2, 4, 8, 15, 15, 15, 15], pauses);
    }

    [Fact]
    public void While_a_role_may_be_usable_its_removal_is_tried_for_ever_and_soon()
    {
        var grant = Grants.Revoking();

        var pauses = PausesOf(grant, Grants.Expiry, 5_000, (g, now) => g.BeginRemoval(now, Grants.Lease), (g, now) => g.StepFailed("the server does not answer", now));

        Assert.Equal([5, 10, 20, 30, 30], pauses.Take(5));
        Assert.All(pauses.Skip(5), pause => Assert.Equal(30, pause));
    }

    [Fact]
    public void A_quarantine_is_tried_for_ever_with_pauses_that_grow_to_an_hour()
    {
        var grant = Grants.Revoking();

        var pauses = PausesOf(grant, Grants.Expiry, 100, (g, now) => g.BeginRemoval(now, Grants.Lease), (g, now) => g.Quarantine(Grants.Receipt(null), ["a table"], now));

        Assert.Equal([5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600, 3600], pauses.Take(12));
        Assert.Equal(3600, pauses[^1]);
    }

    [Fact]
    public void An_undoing_has_the_pauses_of_a_removal()
    {
        var grant = Grants.After(Some.Allowed(), g => g.Abandon("nobody wants it", new Actor.Sweep(), Now));

        var pauses = PausesOf(grant, Now, 20, (g, now) => g.BeginUndo(now, Grants.Lease), (g, now) => g.StepFailed("the server does not answer", now));

        Assert.Equal([5, 10, 20, 30], pauses.Take(4));
        Assert.Equal(30, pauses[^1]);
    }

    [Fact]
    public void What_is_due_without_anything_to_do_is_due_again_with_what_comes_next()
    {
        var grant = Grants.After(Some.Active(), g => g.StepFailed("it was done, and nobody was told", Now));
        Assert.Equal(Now.AddSeconds(5), grant.State.DueAt);

        Grants.After(grant, g => g.Rest(Now.AddSeconds(5)));

        Assert.Equal(Grants.Expiry - Warnings.FirstBefore, grant.State.DueAt);
        Assert.Equal("grant.nothing", grant.Rest(Now.AddSeconds(5)).Refusal?.Code);
        // At its end it is not let rest.
        Assert.Equal("grant.nothing", grant.Rest(Grants.Expiry).Refusal?.Code);
    }

    [Fact]
    public void A_pause_that_the_other_side_asked_for_is_kept()
    {
        var grant = Grants.After(Some.Provisioning(), g => g.StepFailed("slack: rate_limited", Now, TimeSpan.FromSeconds(42)));

        Assert.Equal((Now.AddSeconds(42), false), (grant.State.StepDueAt!.Value, grant.State.Leased));
    }

    private static RoleName Name(Grant grant) => RoleName.ForGrant(Some.Installation, grant.Id, "erin");

    private static List<double> PausesOf(Grant grant, DateTimeOffset now, int times, Func<Grant, DateTimeOffset, Result> begin, Func<Grant, DateTimeOffset, Result> fail)
    {
        var pauses = new List<double>();
        for (var time = 0; time < times; time++)
        {
            Grants.After(grant, g => begin(g, now), g => fail(g, now));
            pauses.Add((grant.State.StepDueAt!.Value - now).TotalSeconds);
            now = grant.State.StepDueAt.Value;
        }

        return pauses;
    }
}
