using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.TestKit;

namespace DbAccess.Domain.Tests.Grants;

/// <summary>What a grant remembers, owes and refuses besides its status.</summary>
public sealed class GrantStoryTests
{
    private static readonly DateTimeOffset Now = Some.Now;
    private static readonly DateTimeOffset Expiry = Grants.Expiry;

    [Fact]
    public void A_request_that_a_rule_allows_tells_who_asked_and_which_rule_said_yes()
    {
        var grant = Some.Allowed();

        Assert.Equal(
            [(1, "grant.requested", "T0DBACME1/U0ENGINE1", null, GrantStatus.Pending), (2, "grant.approved", "rule:oncall-read", GrantStatus.Pending, GrantStatus.Approved)],
            grant.NewEvents.Select(e => (e.Sequence, e.Type, e.By.ToString()!, e.From, e.To)));
        Assert.Equal((Now, 0L), (grant.State.ApprovedAt!.Value, grant.State.Version));
    }

    [Fact]
    public void Events_are_numbered_on_across_saves()
    {
        var grant = Some.Allowed();
        grant.Saved(1);
        Assert.Empty(grant.NewEvents);

        Grants.After(grant, g => g.Abandon("nobody wants it", new Actor.Sweep(), Now), g => g.Fail(null, Now));

        Assert.Equal([3, 4], grant.NewEvents.Select(e => e.Sequence));
        Assert.Equal(1, grant.State.Version);
    }

    [Fact]
    public void Nobody_approves_or_denies_their_own_request()
    {
        var grant = Grants.Pending();

        Assert.Equal("approval.own", grant.Agree(Grants.Decider(Some.Engineer), Now).Refusal?.Code);
        Assert.Equal("approval.own", grant.Deny(Grants.Decider(Some.Engineer), "no", Now).Refusal?.Code);

        Assert.Equal(GrantStatus.Pending, grant.Status);
    }

    [Fact]
    public void Only_the_holder_cancels_or_gives_back_and_only_others_revoke()
    {
        Assert.Equal("grant.not_holder", Grants.Pending().Cancel(Some.Dba, Now).Refusal?.Code);
        Assert.Equal("grant.not_holder", Some.Active().Return(Some.OtherEngineer, Now).Refusal?.Code);
        Assert.Equal("grant.not_holder", Some.Provisioning().Return(Some.OtherEngineer, Now).Refusal?.Code);
        Assert.Equal("grant.own", Some.Active().Revoke(new Actor.Person(Some.Engineer), "done", Now).Refusal?.Code);
        Assert.Equal("grant.own", Some.Provisioning().Revoke(new Actor.Person(Some.Engineer), "done", Now).Refusal?.Code);
    }

    [Fact]
    public void Every_way_to_the_end_is_told_with_its_reason()
    {
        Assert.Equal(EndReason.Returned, Grants.After(Some.Active(), g => g.Return(Some.Engineer, Now)).State.EndReason);
        Assert.Equal(EndReason.Superseded, Grants.After(Some.Active(), g => g.Supersede("gone", Now)).State.EndReason);
        var revoked = Grants.After(Some.Active(), g => g.Revoke(new Actor.Person(Some.Dba), "incident over", Now));
        Assert.Equal((EndReason.Revoked, "Revoked: incident over"), (revoked.State.EndReason!.Value, revoked.NewEvents[^1].Note));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Given_back_or_revoked_before_it_is_ready_it_is_given_up_and_its_lease_is_left_alone(bool revoked)
    {
        foreach (var grant in (Grant[])[Some.Allowed(), Some.Provisioning()])
        {
            var (due, leased) = (grant.State.StepDueAt, grant.State.Leased);

            Grants.After(grant, g => revoked ? g.Revoke(new Actor.Person(Some.Dba), "wrong database", Now) : g.Return(Some.Engineer, Now));

            Assert.Equal(revoked ? "revoked: wrong database" : "its holder gave it back before it was ready", grant.State.AbandonedBecause);
            Assert.Equal((due, leased), (grant.State.StepDueAt, grant.State.Leased));
            Assert.Equal("grant.abandoned", grant.Activate(Grants.Message, Now).Refusal?.Code);
        }
    }

    [Fact]
    public void Credentials_that_went_out_in_vain_are_remembered_until_the_holder_was_told()
    {
        var grant = Grants.After(
            Some.Provisioning(),
            g => g.Return(Some.Engineer, Now),
            g => g.DeliveredInVain(Grants.Message, Now),
            g => g.Fail(null, Now));
        Assert.Equal(Grants.Message, grant.State.CredentialsMessage);
        Assert.Equal([NoticeKind.Failed], grant.State.Notices);

        Grants.After(grant, g => g.Told(NoticeKind.Failed, null, Now));

        Assert.Null(grant.State.CredentialsMessage);
    }

    [Fact]
    public void The_end_is_told_once_while_its_role_stays_and_once_more_with_the_proof()
    {
        var grant = Grants.Quarantined();
        Assert.Equal([NoticeKind.Ended], grant.State.Notices);
        Grants.After(grant, g => g.BeginTelling(Expiry, Grants.Lease), g => g.Told(NoticeKind.Ended, null, Expiry));

        Grants.After(grant, g => g.Quarantine(Grants.Receipt(null), ["a table"], Expiry));
        Assert.Empty(grant.State.Notices);

        Grants.After(grant, g => g.End(Grants.Receipt(Expiry), Expiry));
        Assert.Equal([NoticeKind.Ended], grant.State.Notices);
        Assert.Equal(Expiry, grant.State.DueAt);
    }

    [Fact]
    public void What_is_still_to_be_told_stays_owed_when_a_quarantine_ends_first()
    {
        var grant = Grants.After(Grants.Quarantined(), g => g.End(Grants.Receipt(Expiry), Expiry));

        Assert.Equal([NoticeKind.Ended], grant.State.Notices);
        Assert.NotNull(grant.State.DueAt);
    }

    [Fact]
    public void A_warning_that_was_not_told_yet_is_dropped_when_access_ends()
    {
        var grant = Grants.After(Some.Active(), g => g.Warn(Expiry.AddMinutes(-5)), g => g.Return(Some.Engineer, Expiry.AddMinutes(-4)));

        Assert.Empty(grant.State.Notices);
        Assert.Null(grant.State.NoticeDueAt);
    }

    [Fact]
    public void A_warning_that_failed_after_access_ended_leaves_nothing_due()
    {
        var grant = Grants.After(
            Some.Active(),
            g => g.Warn(Expiry.AddMinutes(-5)),
            g => g.BeginTelling(Expiry.AddMinutes(-5), Grants.Lease),
            g => g.Return(Some.Engineer, Expiry.AddMinutes(-5)),
            g => g.End(Grants.Receipt(Expiry.AddMinutes(-5)), Expiry.AddMinutes(-5)),
            g => g.Told(NoticeKind.Ended, null, Expiry.AddMinutes(-5)));

        Assert.Equal("grant.nothing", grant.TellingFailed(NoticeKind.Ending, "slack: internal_error", Expiry.AddMinutes(-4), null).Refusal?.Code);
        Assert.Equal("grant.nothing", grant.Told(NoticeKind.Ending, null, Expiry.AddMinutes(-4)).Refusal?.Code);

        Assert.Null(grant.State.DueAt);
    }

    [Fact]
    public void A_message_that_cannot_be_sent_is_tried_again_with_growing_pauses_and_given_up_after_a_day()
    {
        var grant = Grants.After(Grants.Revoking(), g => g.End(Grants.Receipt(Expiry), Expiry));
        var (now, tries) = (Expiry, 0);
        var pauses = new List<double>();

        while (grant.State.NoticeDueAt is { } due && tries++ < 200)
        {
            now = due;
            Grants.After(grant, g => g.BeginTelling(now, Grants.Lease), g => g.TellingFailed(NoticeKind.Ended, "slack: internal_error", now, null));
            if (grant.State.NoticeDueAt is { } next) pauses.Add((next - now).TotalSeconds);
        }

        Assert.Equal([5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 3600], pauses.Take(11));
        Assert.InRange(now - Expiry, TimeSpan.FromDays(1), TimeSpan.FromHours(25));
        Assert.Equal(("notice.untold", "Ended: slack: internal_error"), (grant.NewEvents[^1].Type, grant.NewEvents[^1].Note));
        Assert.Equal(GrantStatus.Ended, grant.Status);
        Assert.Null(grant.State.DueAt);
    }

    [Fact]
    public void A_grant_does_not_end_without_proof() =>
        Assert.Throws<ArgumentException>(() => Grants.Revoking().End(Grants.Receipt(provedAt: null), Expiry));

    [Fact]
    public void Receipts_of_several_tries_add_up_to_one()
    {
        var grant = Grants.After(
            Grants.Revoking(),
            g => g.Quarantine(new RemovalReceipt(Expiry, 2, Expiry.AddSeconds(1), null, Existed: true, ["table a"]), ["table b"], Expiry.AddSeconds(2)),
            g => g.End(new RemovalReceipt(Expiry.AddHours(1), 0, Expiry.AddHours(1), Expiry.AddHours(1), Existed: false, ["table b"]), Expiry.AddHours(1)));

        var receipt = grant.State.Receipt!;
        Assert.Equal(
            (Expiry, 2, Expiry.AddSeconds(1), Expiry.AddHours(1), true),
            (receipt.LockedOutAt, receipt.SessionsEnded, receipt.LastSessionGoneAt, receipt.ProvedAt!.Value, receipt.Existed));
        Assert.Equal(["table a", "table b"], receipt.HandedOver);
        Assert.Empty(grant.State.Blockers);
    }

    [Fact]
    public void The_last_word_on_what_is_left_is_the_newest_and_what_was_seen_on_each_server_adds_up()
    {
        var digest = new ActivityDigest(1, 2, 3, []);
        var grant = Grants.After(
            Grants.Revoking(),
            g => g.Quarantine(new RemovalReceipt(Expiry, 2, Expiry, null, true, []) { Instances = [new("w:1", true, 2, 1, Expiry), new("r:2", false, 1, 1, Expiry)], Left = new(1, 0, 3, 0, 0, 0), Activity = digest, Dropped = ["a"], Remarks = ["b"] }, ["t"], Expiry),
            g => g.End(new RemovalReceipt(Expiry, 0, Expiry, Expiry.AddHours(1), true, []) { Instances = [new("w:1", true, 1, 1, Expiry.AddHours(1))], Left = new(0, 0, 0, 0, 0, 0), Dropped = ["c"] }, Expiry.AddHours(1)));

        var receipt = grant.State.Receipt!;
        Assert.Equal([new("w:1", true, 3, 2, Expiry.AddHours(1)), new InstanceCheck("r:2", false, 1, 1, Expiry)], receipt.Instances);
        Assert.Equal(new RemovalProof(0, 0, 0, 0, 0, 0), receipt.Left);
        Assert.Equal(digest, receipt.Activity);
        Assert.Equal(["a", "c"], receipt.Dropped);
        Assert.Equal(["b"], receipt.Remarks);
    }

    [Theory]
    [InlineData(-90, 0)]
    [InlineData(0, 0)]
    [InlineData(2.5, 2.5)]
    public void Overrun_is_from_the_end_of_the_window_to_the_last_session(double lastGone, double overrun)
    {
        var grant = Grants.After(Grants.Revoking(), g => g.End(new RemovalReceipt(Expiry.AddSeconds(-90), 1, Expiry.AddSeconds(lastGone), Expiry.AddHours(1), true, []), Expiry.AddHours(1)));

        Assert.Equal(TimeSpan.FromSeconds(overrun), grant.State.Receipt!.Overrun);
    }

    [Fact]
    public void A_grant_is_open_while_something_can_still_be_expected_of_it() =>
        Assert.Equal(
            ["Active", "Approved", "Pending", "Provisioning"],
            Enum.GetNames<GrantStatus>().Where(status => Grants.In(status).Grant.IsOpen).Order(StringComparer.Ordinal));

    [Fact]
    public void Every_refusal_about_a_grant_names_it_and_what_can_be_done_is_said_in_words()
    {
        var id = GrantId.New();

        foreach (var status in Enum.GetValues<GrantStatus>())
        {
            var refusal = GrantErrors.CannotMove(id, status, GrantStatus.Active);
            Assert.Contains(id.ToString(), refusal.Message, StringComparison.Ordinal);
        }
    }
}
