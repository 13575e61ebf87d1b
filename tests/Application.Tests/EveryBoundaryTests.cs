using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Steps;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using DbAccess.TestKit.Faults;

namespace DbAccess.Application.Tests;

/// <summary>
/// Every act of a grant's life, and in it every boundary between the process and any of its ports, in turn: there it dies, or the
/// connection is lost, or what is sent arrives twice. The inbox then gives the same request to the next process, as it does with whatever
/// it has no "finished" for. In the end it was done, once.
/// </summary>
public sealed class EveryBoundaryTests
{
    private static readonly TimeSpan LongestLease = TimeSpan.FromMinutes(1);

    private static readonly Dictionary<string, Act> Acts = new(StringComparer.Ordinal)
    {
        ["ask"] = new(
            _ => Task.FromResult<GrantId>(null!), (worker, _) => worker.SendAsync(Stage.Ask(key: "command:1")), GivenOnce),
        ["make"] = new(stage => stage.AskedAsync(), (worker, id) => worker.SendAsync(new TakeNextStep(id)), GivenOnce),
        ["agree"] = new(WaitingAsync, (worker, id) => worker.SendAsync(new ApproveGrant(Some.Dba, id)), GivenOnce),
        ["deny"] = new(
            WaitingAsync, (worker, id) => worker.SendAsync(new DenyGrant(Some.Dba, id, "not today")),
            (stage, id) => Nothing(stage, id, GrantStatus.Denied)),
        ["cancel"] = new(
            WaitingAsync, (worker, id) => worker.SendAsync(new CancelGrant(Some.Engineer, id)),
            (stage, id) => Nothing(stage, id, GrantStatus.Cancelled)),
        ["offer less"] = new(
            WaitingAsync, (worker, id) => worker.SendAsync(new OfferLess(Some.Dba, id, null, [], TimeSpan.FromMinutes(15))),
            (stage, id) => Assert.Equal(TimeSpan.FromMinutes(15), stage.Of(id).Asking?.Offer?.Duration)),
        ["new password"] = new(
            stage => stage.GivenAsync(), (worker, id) => worker.SendAsync(new RenewPassword(Some.Engineer, id)), GivenOnce),
        ["extend"] = new(
            stage => stage.GivenAsync(), (worker, id) => worker.SendAsync(new ExtendGrant(Some.Engineer, id, null) { Key = "press:1" }),
            (stage, id) =>
            {
                Assert.Equal((1, TimeSpan.FromMinutes(30), false), (stage.Of(id).Extensions, stage.Of(id).Extended, stage.Of(id).EndMoved));
                GivenOnce(stage, id);
            }),
        ["give back"] = new(
            stage => stage.GivenAsync(), (worker, id) => worker.SendAsync(new ReturnGrant(Some.Engineer, id)), Ended),
        ["give back what is being made"] = new(
            stage => stage.AskedAsync(), (worker, id) => worker.SendAsync(new ReturnGrant(Some.Engineer, id)),
            (stage, id) => Nothing(stage, id, GrantStatus.Failed)),
        ["revoke"] = new(
            stage => stage.GivenAsync(),
            (worker, id) => worker.SendAsync(new RevokeGrant(new Actor.Person(Some.Dba), new RevokeTarget.One(id), "incident over")), Ended),
        ["end by the clock"] = new(OverAsync, (worker, _) => worker.SendAsync(new SweepGrants()), Ended),
        ["end with its reason"] = new(
            async stage =>
            {
                var id = await stage.GivenAsync();
                stage.Directory.Refuses(Some.Engineer, "directory.deactivated");
                return id;
            },
            (worker, _) => worker.SendAsync(new ReviewHolders()), Ended),
        ["lapse"] = new(
            async stage =>
            {
                var id = await WaitingAsync(stage);
                stage.Clock.Advance(TimeSpan.FromHours(1));
                return id;
            },
            (worker, _) => worker.SendAsync(new SweepGrants()), (stage, id) => Nothing(stage, id, GrantStatus.Lapsed)),
    };

    public enum Fault
    {
        Dies,
        Loses,
        Repeats,
    }

    public static TheoryData<string, Fault> All =>
        [.. Acts.Keys.SelectMany(act => Enum.GetValues<Fault>().Select(fault => new TheoryDataRow<string, Fault>(act, fault)))];

    [Theory]
    [MemberData(nameof(All))]
    public async Task What_is_cut_off_anywhere_is_finished_by_the_next_and_was_done_once(string name, Fault fault)
    {
        var act = Acts[name];
        for (var boundary = 0; ; boundary++)
        {
            var stage = new Stage { Current = Policy };
            var id = await act.Before(stage);
            var gate = stage.First.Gate;
            gate.Revive();
            gate.DiesAt = fault is Fault.Dies ? boundary : null;
            gate.LosesAt = fault is Fault.Loses ? boundary : null;
            gate.RepeatsAt = fault is Fault.Repeats ? boundary : null;
            try
            {
                await act.Do(stage.First, id);
            }
            catch (Exception failure) when (failure is CrashException or IOException)
            {
                // Nobody is left to catch it, or the inbox does.
            }

            var (happened, reached) = (gate.Happened, gate.Passed.Count >= boundary);
            var where = gate.Passed.Count == 0 ? "the first call" : $"{gate.Passed[^1]}";
            stage.First.Gate.Revive();
            stage.Clock.Advance(LongestLease);
            var next = stage.Start();
            var grant = stage.Store.Stored.SingleOrDefault();
            try
            {
                await act.Do(next, id);
                await stage.SettleAsync(next, stage.Now.AddMinutes(5));
                grant = Assert.Single(stage.Store.Stored);
                act.Then(stage, grant.Id);
                var events = await stage.Store.ListEventsAsync(grant.Id, TestContext.Current.CancellationToken);
                Assert.Equal(Enumerable.Range(1, grant.Events), events.Select(e => e.Sequence));
            }
            catch (Xunit.Sdk.XunitException wrong)
            {
                Assert.Fail($"It {fault} at boundary {boundary}, near {where}: {wrong.Message}\n{grant}");
            }

            // Of a repeated call only the front is a boundary.
            if (happened || (fault is Fault.Repeats && reached)) continue;
            Assert.InRange(boundary, 6, 400);
            return;
        }
    }

    private sealed record Act(Func<Stage, Task<GrantId>> Before, Func<Worker, GrantId, Task> Do, Action<Stage, GrantId> Then);

    private static AccessPolicy Policy { get; } = Policies.Ordinary with
    {
        Allow =
        [
            .. Policies.Ordinary.Allow.Select(rule =>
                rule with { Lifetime = rule.Lifetime with { ExtendTimes = 2, ExtendBy = TimeSpan.FromMinutes(30) } }),
        ],
    };

    /// <summary>Approvers are asked.</summary>
    private static async Task<GrantId> WaitingAsync(Stage stage)
    {
        var plan = new PrivilegePlan(
            ScopeName.Parse("fix")!,
            [
                new PlannedObject(
                    "orders", "table", "public.orders", "app", ["select"],
                    new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal), 10, 16_384),
            ],
            [], [], null);
        (stage.Inventory.Plan, stage.Roles.PlanHash) = (plan, _ => plan.Hash);
        var filed = await stage.First.SendAsync(Stage.Ask("fix"));
        Assert.Null(filed.Refusal);
        await stage.SettleAsync(stage.First, stage.Now);
        Assert.Equal(GrantStatus.Pending, stage.Of(filed.Value.Id).Status);
        return filed.Value.Id;
    }

    private static async Task<GrantId> OverAsync(Stage stage)
    {
        var id = await stage.GivenAsync(TimeSpan.FromMinutes(10));
        stage.Clock.Advance(TimeSpan.FromMinutes(10));
        return id;
    }

    /// <summary>There is one role, one password opens it, and that is the last one the holder was sent.</summary>
    private static void GivenOnce(Stage stage, GrantId id)
    {
        Assert.Equal(GrantStatus.Active, stage.Of(id).Status);
        Assert.Single(stage.Roles.Roles);
        Assert.True(stage.HolderCanLogIn(id), "The last message does not open the role.");
        Assert.Single(
            stage.Delivery.Attempted.Select(sent => sent.Credential.Password.Reveal()).Distinct(StringComparer.Ordinal),
            password => stage.Roles.CanLogIn(stage.Of(id).Role!, password));
    }

    private static void Ended(Stage stage, GrantId id)
    {
        Assert.Equal((GrantStatus.Ended, null), (stage.Of(id).Status, stage.Of(id).DueAt));
        Assert.NotNull(stage.Of(id).Receipt?.ProvedAt);
        Assert.Empty(stage.Roles.Roles);
        Assert.All(stage.Delivery.Attempted, sent => Assert.False(stage.Roles.CanLogIn(sent.Credential.Role, sent.Credential.Password.Reveal())));
    }

    private static void Nothing(Stage stage, GrantId id, GrantStatus status)
    {
        Assert.Equal((status, null), (stage.Of(id).Status, stage.Of(id).DueAt));
        Assert.Empty(stage.Roles.Roles);
        Assert.Empty(stage.Delivery.Attempted);
    }
}
