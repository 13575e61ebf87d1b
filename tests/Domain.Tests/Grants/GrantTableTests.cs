using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.TestKit;

namespace DbAccess.Domain.Tests.Grants;

/// <summary>
/// The state machine as a table: what every method answers in every situation, when time does not stand in the way (that is tested beside).
/// The table is the specification, so a change of it is a change of the product.
/// </summary>
public sealed class GrantTableTests
{
    private const string Undone = "Approved, given up";
    private const string Dba = "T0DBACME1/U0DBA0001";
    private const string Undoing = "Provisioning, given up";

    /// <summary>For each method: how it is called, who is said to have done it, what most situations refuse with, and what the others lead to: "status event", or "status" alone where nothing is told, or a refusal in brackets.</summary>
    private static readonly Dictionary<string, Row> Table = new(StringComparer.Ordinal)
    {
        [nameof(Grant.Planned)] = new((grant, now) => grant.Planned(Grants.Plan(), now), "sweep", "grant.nothing", []),
        [nameof(Grant.NotPlanned)] = new((grant, now) => grant.NotPlanned("the server does not answer", now), "sweep", "grant.nothing", []),
        [nameof(Grant.Agree)] = new((grant, now) => grant.Agree(Grants.Decider(), now), Dba, "grant.cannot_move", new()
        {
            [Grants.ToBeShown] = "(approval.decided)",
            [Grants.WantsPassword] = "(approval.decided)",
            ["Pending"] = "Approved grant.approved",
            [Grants.Offered] = "Approved grant.approved",
            [Grants.AskedForMore] = "Active grant.extended",
            ["Approved"] = "(approval.decided)",
            ["Provisioning"] = "(approval.decided)",
            ["Active"] = "(approval.decided)",
            [Grants.Taken] = "(approval.decided)",
            [Undone] = "(approval.decided)",
            [Undoing] = "(approval.decided)",
        }),
        [nameof(Grant.Deny)] = new((grant, now) => grant.Deny(Grants.Decider(), "not today", now), Dba, "grant.cannot_move", new()
        {
            [Grants.ToBeShown] = "(approval.decided)",
            [Grants.WantsPassword] = "(approval.decided)",
            ["Pending"] = "Denied grant.denied",
            [Grants.Offered] = "Denied grant.denied",
            [Grants.AskedForMore] = "Active grant.extension_denied",
            ["Approved"] = "(approval.decided)",
            ["Provisioning"] = "(approval.decided)",
            ["Active"] = "(approval.decided)",
            [Grants.Taken] = "(approval.decided)",
            [Undone] = "(approval.decided)",
            [Undoing] = "(approval.decided)",
        }),
        [nameof(Grant.Offer)] = new((grant, now) => grant.Offer(Grants.Decider(), grant.State.Scope, TimeSpan.FromMinutes(5), Grants.Plan(), "oncall-read", now), Dba, "grant.cannot_move", new()
        {
            [Grants.ToBeShown] = "(approval.decided)",
            [Grants.WantsPassword] = "(approval.decided)",
            ["Pending"] = "Pending grant.offered",
            [Grants.Offered] = "Pending grant.offered",
            [Grants.AskedForMore] = "(approval.offer_not_less)",
            ["Approved"] = "(approval.decided)",
            ["Provisioning"] = "(approval.decided)",
            ["Active"] = "(approval.decided)",
            [Grants.Taken] = "(approval.decided)",
            [Undone] = "(approval.decided)",
            [Undoing] = "(approval.decided)",
        }),
        // Taken, it is complete at once: a test of its own.
        [nameof(Grant.AcceptOffer)] = new((grant, now) => grant.State.Asking?.Offer is null ? grant.AcceptOffer(Some.Engineer, now) : grant.AcceptOffer(Some.Dba, now), "", "approval.no_offer", new()
        {
            [Grants.Offered] = "(grant.not_holder)",
        }),
        [nameof(Grant.DeclineOffer)] = new((grant, now) => grant.DeclineOffer(Some.Engineer, now), "T0DBACME1/U0ENGINE1", "approval.no_offer", new()
        {
            [Grants.Offered] = "Pending grant.offer_declined",
        }),
        [nameof(Grant.Remind)] = new((grant, now) => grant.Remind(now), "sweep", "grant.nothing", new()
        {
            ["Pending"] = "Pending",
            [Grants.Offered] = "Pending",
            [Grants.AskedForMore] = "Active",
        }, Some.Now.AddMinutes(10)),
        [nameof(Grant.Disregard)] = new((grant, now) => grant.Disregard(Some.Dba, now), "sweep", "grant.nothing", new()
        {
            [Grants.Offered] = "Pending grant.decision_dropped",
        }),
        [nameof(Grant.AskAgain)] = new((grant, now) => grant.AskAgain(Grants.Plan("more"), ["more"], now), "sweep", "grant.nothing", new()
        {
            ["Pending"] = "(grant.cannot_move)",
            ["Denied"] = "(grant.cannot_move)",
            ["Cancelled"] = "(grant.cannot_move)",
            ["Lapsed"] = "(grant.cannot_move)",
            [Grants.Offered] = "(grant.cannot_move)",
            [Grants.AskedForMore] = "(grant.cannot_move)",
            [Undone] = "(grant.abandoned)",
            [Undoing] = "(grant.abandoned)",
            ["Failed"] = "(grant.abandoned)",
        }),
        [nameof(Grant.Shrank)] = new((grant, now) => grant.Shrank(Grants.Plan("less"), now), "sweep", "grant.nothing", []),
        // Where a step is due although there is nothing to do: a test of its own.
        [nameof(Grant.Rest)] = new((grant, now) => grant.Rest(now), "sweep", "grant.nothing", []),
        [nameof(Grant.Withdraw)] = new((grant, now) => grant.Withdraw("the rule is gone", now), "sweep", "grant.cannot_move", new()
        {
            ["Pending"] = "Cancelled grant.withdrawn",
            [Grants.Offered] = "Cancelled grant.withdrawn",
            [Grants.AskedForMore] = "Active grant.extension_withdrawn",
        }),
        [nameof(Grant.AskExtension)] = new((grant, now) => grant.AskExtension(Some.Engineer, TimeSpan.FromMinutes(30), Grants.Terms, null, now), "T0DBACME1/U0ENGINE1", "grant.cannot_extend", new()
        {
            [Grants.WantsPassword] = "Active grant.extended",
            ["Active"] = "Active grant.extended",
            [Grants.Taken] = "Active grant.extended",
            [Grants.AskedForMore] = "(grant.extension_asked)",
        }, Some.Now),
        [nameof(Grant.EndKept)] = new((grant, now) => grant.EndKept(Grants.Expiry, now), "sweep", "grant.nothing", []),
        [nameof(Grant.Review)] = new((grant, now) => grant.Review(Grants.Decider(), null, now), Dba, "grant.no_review", new()
        {
            [Grants.Taken] = "Active grant.reviewed",
        }),
        [nameof(Grant.Escalate)] = new((grant, now) => grant.Escalate(now), "sweep", "grant.nothing", new()
        {
            [Grants.Taken] = "Active grant.review_late",
        }, Some.Now.AddHours(24)),
        [nameof(Grant.BeginDrawing)] = new((grant, now) => grant.BeginDrawing(now, Grants.Lease), "sweep", "grant.nothing", Drawn(), Some.Now.AddHours(2)),
        [nameof(Grant.Drawn)] = new((grant, now) => grant.Drawn([], [], false, null, null, grant.State.Card?.DueAt, now), "sweep", "grant.nothing", Drawn()),
        [nameof(Grant.Resend)] = new((grant, now) => grant.Resend(now), "sweep", "grant.nothing", Drawn()),
        [nameof(Grant.Redraw)] = new((grant, now) => grant.Redraw(now), "sweep", "grant.nothing", []),
        [nameof(Grant.Cancel)] = new((grant, now) => grant.Cancel(Some.Engineer, now), "T0DBACME1/U0ENGINE1", "grant.cannot_move", new()
        {
            [Grants.ToBeShown] = "Cancelled grant.cancelled",
            ["Pending"] = "Cancelled grant.cancelled",
            [Grants.Offered] = "Cancelled grant.cancelled",
            [Grants.AskedForMore] = "Active grant.extension_cancelled",
            ["Approved"] = "Cancelled grant.cancelled",
            [Undone] = "Cancelled grant.cancelled",
        }),
        [nameof(Grant.Lapse)] = new((grant, now) => grant.Lapse(now), "sweep", "grant.cannot_move", new()
        {
            ["Pending"] = "Lapsed grant.lapsed",
            [Grants.Offered] = "Lapsed grant.lapsed",
            [Grants.AskedForMore] = "Active grant.extension_lapsed",
        }, Some.Now.AddHours(1)),
        [nameof(Grant.BeginProvisioning)] = new((grant, now) => grant.BeginProvisioning(RoleName.ForGrant(Some.Installation, grant.Id, "erin"), now, Grants.Lease), "sweep", "grant.cannot_move", new()
        {
            [Grants.ToBeShown] = "(grant.no_password_yet)",
            ["Approved"] = "Provisioning grant.provisioning",
            ["Provisioning"] = "Provisioning grant.provisioning",
            [Undone] = "(grant.abandoned)",
            [Undoing] = "(grant.abandoned)",
            ["Failed"] = "(grant.abandoned)",
        }),
        [nameof(Grant.Clamp)] = new((grant, now) => grant.Clamp(TimeSpan.FromMinutes(30), now), "rule:oncall-read", "grant.nothing", new()
        {
            ["Provisioning"] = "Provisioning grant.clamped",
            [Undoing] = "(grant.abandoned)",
        }),
        [nameof(Grant.ForgetRole)] = new((grant, now) => grant.ForgetRole(now), "sweep", "grant.nothing", new()
        {
            ["Provisioning"] = "Provisioning grant.role_name_taken",
            [Undoing] = "Provisioning grant.role_name_taken",
        }),
        [nameof(Grant.RoleMade)] = new((grant, now) => grant.RoleMade(16_501, Some.Plan, now), "sweep", "grant.nothing", new()
        {
            ["Provisioning"] = "Provisioning grant.role_made",
            [Undoing] = "(grant.abandoned)",
        }),
        [nameof(Grant.DeliveredInVain)] = new((grant, now) => grant.DeliveredInVain(Grants.Message, now), "sweep", "grant.not_abandoned", new()
        {
            [Undone] = "Approved",
            [Undoing] = "Provisioning",
            ["Failed"] = "Failed",
        }),
        [nameof(Grant.Activate)] = new((grant, now) => grant.Activate(Grants.Message, now), "sweep", "grant.cannot_move", new()
        {
            ["Provisioning"] = "Active grant.activated",
            [Undone] = "(grant.abandoned)",
            [Undoing] = "(grant.abandoned)",
            ["Failed"] = "(grant.abandoned)",
        }),
        [nameof(Grant.Abandon)] = new((grant, now) => grant.Abandon("nobody wants it", new Actor.Sweep(), now), "sweep", "grant.cannot_move", new()
        {
            [Grants.ToBeShown] = "Approved grant.abandoned",
            ["Approved"] = "Approved grant.abandoned",
            ["Provisioning"] = "Provisioning grant.abandoned",
            [Undone] = "Approved",
            [Undoing] = "Provisioning",
        }),
        [nameof(Grant.BeginUndo)] = new((grant, now) => grant.BeginUndo(now, Grants.Lease), "sweep", "grant.cannot_move", new()
        {
            [Grants.ToBeShown] = "(grant.not_abandoned)",
            ["Approved"] = "(grant.not_abandoned)",
            ["Provisioning"] = "(grant.not_abandoned)",
            [Undone] = "Approved",
            [Undoing] = "Provisioning",
        }),
        [nameof(Grant.Fail)] = new((grant, now) => grant.Fail(null, now), "sweep", "grant.cannot_move", new()
        {
            [Grants.ToBeShown] = "(grant.not_abandoned)",
            ["Approved"] = "(grant.not_abandoned)",
            ["Provisioning"] = "(grant.not_abandoned)",
            [Undone] = "Failed grant.failed",
            [Undoing] = "Failed grant.failed",
        }),
        [nameof(Grant.Expire)] = new((grant, now) => grant.Expire(now), "sweep", "grant.cannot_move", new()
        {
            [Grants.WantsPassword] = "(grant.window_open)",
            [Grants.AskedForMore] = "(grant.window_open)",
            [Grants.Taken] = "Revoking grant.revoking",
            ["Active"] = "Revoking grant.revoking",
        }),
        [nameof(Grant.Return)] = new((grant, now) => grant.Return(Some.Engineer, now), "T0DBACME1/U0ENGINE1", "grant.cannot_move", new()
        {
            [Grants.ToBeShown] = "Approved grant.abandoned",
            [Grants.WantsPassword] = "Revoking grant.revoking",
            ["Pending"] = "Cancelled grant.cancelled",
            [Grants.Offered] = "Cancelled grant.cancelled",
            [Grants.AskedForMore] = "Revoking grant.revoking",
            [Grants.Taken] = "Revoking grant.revoking",
            ["Approved"] = "Approved grant.abandoned",
            ["Provisioning"] = "Provisioning grant.abandoned",
            [Undone] = "Approved",
            [Undoing] = "Provisioning",
            ["Active"] = "Revoking grant.revoking",
        }),
        [nameof(Grant.Revoke)] = new((grant, now) => grant.Revoke(new Actor.Person(Some.Dba), "incident over", now), "T0DBACME1/U0DBA0001", "grant.cannot_move", new()
        {
            [Grants.ToBeShown] = "Approved grant.abandoned",
            [Grants.WantsPassword] = "Revoking grant.revoking",
            ["Pending"] = "Denied grant.denied",
            [Grants.Offered] = "Denied grant.denied",
            [Grants.AskedForMore] = "Revoking grant.revoking",
            [Grants.Taken] = "Revoking grant.revoking",
            ["Approved"] = "Approved grant.abandoned",
            ["Provisioning"] = "Provisioning grant.abandoned",
            [Undone] = "Approved",
            [Undoing] = "Provisioning",
            ["Active"] = "Revoking grant.revoking",
        }),
        [nameof(Grant.Supersede)] = new((grant, now) => grant.Supersede("the account was deactivated", now), "sweep", "grant.cannot_move", new()
        {
            [Grants.WantsPassword] = "Revoking grant.revoking",
            [Grants.AskedForMore] = "Revoking grant.revoking",
            [Grants.Taken] = "Revoking grant.revoking",
            ["Active"] = "Revoking grant.revoking",
        }),
        [nameof(Grant.BeginRemoval)] = new((grant, now) => grant.BeginRemoval(now, Grants.Lease), "sweep", "grant.nothing", new()
        {
            ["Revoking"] = "Revoking",
            ["Quarantined"] = "Quarantined",
        }),
        [nameof(Grant.Quarantine)] = new((grant, now) => grant.Quarantine(Grants.Receipt(null), ["an owned table"], now), "sweep", "grant.cannot_move", new()
        {
            ["Revoking"] = "Quarantined grant.quarantined",
            ["Quarantined"] = "Quarantined grant.still_quarantined",
        }),
        [nameof(Grant.End)] = new((grant, now) => grant.End(Grants.Receipt(now), now), "sweep", "grant.cannot_move", new()
        {
            ["Revoking"] = "Ended grant.ended",
            ["Quarantined"] = "Ended grant.ended",
        }),
        [nameof(Grant.StepFailed)] = new((grant, now) => grant.StepFailed("the server does not answer", now), "sweep", "grant.nothing", new()
        {
            [Grants.ToBeShown] = "Approved grant.step_failed",
            [Grants.WantsPassword] = "Active grant.step_failed",
            [Grants.Offered] = "Pending grant.step_failed",
            [Grants.AskedForMore] = "Active grant.step_failed",
            [Grants.Taken] = "Active grant.step_failed",
            ["Pending"] = "Pending grant.step_failed",
            ["Approved"] = "Approved grant.step_failed",
            [Undone] = "Approved grant.step_failed",
            ["Provisioning"] = "Provisioning grant.step_failed",
            [Undoing] = "Provisioning grant.step_failed",
            ["Active"] = "Active grant.step_failed",
            ["Revoking"] = "Revoking grant.step_failed",
            ["Quarantined"] = "Quarantined grant.step_failed",
        }),
        // Wherever it stands: what was run was run.
        [nameof(Grant.Ran)] = new((grant, now) => grant.Ran("DROP ROLE x;", 1, now), "sweep", "", Grants.Situations.ToDictionary(
            situation => situation, situation => $"{Grants.In(situation).Item1.Status} grant.statements", StringComparer.Ordinal)),
        [nameof(Grant.AwaitReveal)] = new((grant, now) => grant.AwaitReveal(TimeSpan.FromHours(1), now), "sweep", "grant.nothing", new()
        {
            ["Approved"] = "Approved grant.ready",
            [Undone] = "(grant.abandoned)",
            [Undoing] = "(grant.abandoned)",
            ["Failed"] = "(grant.abandoned)",
        }),
        [nameof(Grant.GiveBackUnrevealed)] = new((grant, now) => grant.GiveBackUnrevealed(now), "sweep", "grant.nothing", new()
        {
            [Grants.ToBeShown] = "Cancelled grant.not_revealed",
        }, Some.Now.AddHours(1)),
        [nameof(Grant.AskPassword)] = new((grant, now) => grant.AskPassword(Some.Engineer, null, now), "T0DBACME1/U0ENGINE1", "grant.no_password", new()
        {
            ["Pending"] = "(grant.no_password_yet)",
            [Grants.Offered] = "(grant.no_password_yet)",
            ["Approved"] = "(grant.no_password_yet)",
            ["Provisioning"] = "(grant.no_password_yet)",
            [Undone] = "(grant.abandoned)",
            [Undoing] = "(grant.abandoned)",
            ["Failed"] = "(grant.abandoned)",
            [Grants.ToBeShown] = "Approved grant.password_asked",
            ["Active"] = "Active grant.password_asked",
            [Grants.AskedForMore] = "Active grant.password_asked",
            [Grants.Taken] = "Active grant.password_asked",
            [Grants.WantsPassword] = "(grant.password_coming)",
        }, Some.Now),
        [nameof(Grant.BeginPassword)] = new((grant, now) => grant.BeginPassword(now, Grants.Lease), "sweep", "grant.nothing", new()
        {
            [Grants.WantsPassword] = "Active",
        }),
        [nameof(Grant.PasswordRenewed)] = new((grant, now) => grant.PasswordRenewed(grant.State.Password ?? new PasswordAsk(now, null), Grants.Message, now), "sweep", "grant.nothing", new()
        {
            [Grants.WantsPassword] = "Active grant.password_renewed",
        }),
        [nameof(Grant.PasswordFailed)] = new((grant, now) => grant.PasswordFailed(grant.State.Password ?? new PasswordAsk(now, null), "the server does not answer", now), "sweep", "grant.nothing", new()
        {
            [Grants.WantsPassword] = "Active grant.step_failed",
        }),
        // At its expiry an active grant is not warned any more: it ends. The warning has a test of its own.
        [nameof(Grant.Warn)] = new((grant, now) => grant.Warn(now), "sweep", "grant.nothing", []),
        [nameof(Grant.BeginTelling)] = new((grant, now) => grant.BeginTelling(now, Grants.Lease), "sweep", "grant.nothing", new()
        {
            [Grants.ToBeShown] = "Approved",
            ["Denied"] = "Denied",
            ["Lapsed"] = "Lapsed",
            [Grants.Offered] = "Pending",
            ["Quarantined"] = "Quarantined",
            ["Ended"] = "Ended",
            ["Failed"] = "Failed",
        }),
        [nameof(Grant.Told)] = new((grant, now) => grant.Told(NoticeKind.Ended, null, now), "sweep", "grant.nothing", new()
        {
            ["Quarantined"] = "Quarantined notice.told",
            ["Ended"] = "Ended notice.told",
        }),
        [nameof(Grant.TellingFailed)] = new((grant, now) => grant.TellingFailed(NoticeKind.Ended, "slack: internal_error", now, null), "sweep", "grant.nothing", new()
        {
            ["Quarantined"] = "Quarantined",
            ["Ended"] = "Ended",
        }),
    };

    /// <summary>Where there is a card.</summary>
    private static Dictionary<string, string> Drawn() => new(StringComparer.Ordinal)
    {
        ["Denied"] = "Denied", ["Cancelled"] = "Cancelled", ["Lapsed"] = "Lapsed", [Grants.Offered] = "Pending",
        [Grants.AskedForMore] = "Active", [Grants.Taken] = "Active",
    };

    public static TheoryData<string, string> Pairs()
    {
        var pairs = new TheoryData<string, string>();
        foreach (var method in Table.Keys)
        {
            foreach (var situation in Grants.Situations) pairs.Add(method, situation);
        }

        return pairs;
    }

    [Fact]
    public void The_table_has_every_method_of_a_grant_and_names_only_situations_that_exist()
    {
        var methods = typeof(Grant).GetMethods().Where(method => method.ReturnType == typeof(Result)).Select(method => method.Name);

        Assert.Equal(methods.Order(StringComparer.Ordinal), Table.Keys.Order(StringComparer.Ordinal));
        Assert.Empty(Table.Values.SelectMany(row => row.Cells.Keys).Except(Grants.Situations, StringComparer.Ordinal));
        Assert.Equal(18, Grants.Situations.Count);
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public void A_grant_answers_as_the_table_says(string method, string situation)
    {
        var row = Table[method];
        var expected = row.Cells.GetValueOrDefault(situation) ?? $"({row.Otherwise})";
        var (grant, now) = Grants.In(situation);
        now = row.At ?? now;
        var before = grant.State;

        var result = row.Call(grant, now);

        if (expected.StartsWith('('))
        {
            Assert.Equal(expected, $"({result.Refusal?.Code})");
            Assert.True(before == grant.State, "A refused call changed the grant.");
            Assert.Empty(grant.NewEvents);
            return;
        }

        Assert.Null(result.Refusal);
        var (status, type) = expected.Split(' ') is [var to, var what] ? (to, what) : (expected, null);
        Assert.Equal(status, grant.Status.ToString());
        Assert.Equal(before.Events + (type is null ? 0 : 1), grant.State.Events);
        if (type is null)
        {
            Assert.Empty(grant.NewEvents);
            return;
        }

        var told = Assert.Single(grant.NewEvents);
        Assert.Equal((type, before.Status, grant.Status, row.By, before.Events + 1, now), (told.Type, told.From, told.To, told.By.ToString(), told.Sequence, told.At));
    }

    private sealed record Row(Func<Grant, DateTimeOffset, Result> Call, string By, string Otherwise, Dictionary<string, string> Cells, DateTimeOffset? At = null);
}
