using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Application.Tests.Grants;

public sealed class SweepGrantsTests
{
    private static readonly RemovalReceipt Locked = new(Some.Now, 1, Some.Now, null, Existed: true, []);

    private readonly Stage _stage = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_grant_ends_at_its_expiry_and_not_a_second_before()
    {
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        _stage.Roles.OpenSessions(_stage.Of(id).Role!, 3);
        _stage.Clock.Advance(TimeSpan.FromMinutes(10) - TimeSpan.FromSeconds(1));
        Assert.Equal(0, (await _stage.First.SweepAsync()).Count(StepOutcome.Ended));
        Assert.True(_stage.HolderCanLogIn(id));

        _stage.Clock.Advance(TimeSpan.FromSeconds(1));
        var report = await _stage.First.SweepAsync();

        Assert.Equal(1, report.Count(StepOutcome.Ended));
        var state = _stage.Of(id);
        Assert.Equal((GrantStatus.Ended, EndReason.Expired, 3), (state.Status, state.EndReason!.Value, state.Receipt!.SessionsEnded));
        Assert.NotNull(state.Receipt.ProvedAt);
        Assert.Empty(_stage.Roles.Roles);
        Assert.Equal([$"read on orders for 10m ends soon ({id}).", $"read on orders for 10m has ended ({id})."], _stage.Chat.SaidTo(Some.Engineer));
    }

    [Fact]
    public async Task A_scope_that_was_narrowed_for_a_grant_goes_with_it_and_any_other_stays()
    {
        var scope = Some.ReadScope().NarrowTo([new TableName("public", "orders")]).Value;
        foreach (var wanted in (PrivilegeScope[])[Some.ReadScope(), scope])
        {
            var grant = Grant.RequestAllowed(GrantId.New(), Some.Installation, Some.Request(TimeSpan.FromMinutes(10), scope: wanted), _stage.Clock.GetUtcNow());
            await _stage.Store.AddAsync(grant, Cancellation);
        }
        await _stage.First.SweepAsync();
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));

        Assert.Equal(2, (await _stage.First.SweepAsync()).Count(StepOutcome.Ended));

        Assert.Equal("drop unused public.orders", Assert.Single(_stage.Inventory.Mendings));
    }

    [Fact]
    public async Task How_late_we_are_counts_from_the_expiry_however_often_the_end_is_put_off()
    {
        await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(TimeSpan.Zero, await Lateness.LongestAsync(_stage.Store, _stage.Now, Cancellation));
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        _stage.Roles.RemovalFails = _ => FakeRoleAdministrator.RemovalNotNow();

        for (var i = 0; i < 20; i++)
        {
            await _stage.First.SweepAsync();
            Assert.Equal(TimeSpan.FromSeconds(30 * i), await Lateness.LongestAsync(_stage.Store, _stage.Now, Cancellation));
            _stage.Clock.Advance(TimeSpan.FromSeconds(30));
        }

        _stage.Roles.RemovalFails = null;
        await _stage.First.SweepAsync();
        Assert.Equal(TimeSpan.Zero, await Lateness.LongestAsync(_stage.Store, _stage.Now, Cancellation));
    }

    [Fact]
    public async Task What_a_removal_found_before_it_had_to_be_given_up_is_on_the_receipt()
    {
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        var lockedOut = _stage.Now;
        _stage.Roles.NextRemovals.Enqueue(_ => new RoleRemoval.NotNow(
            new Error("postgres.reader", "A reader does not answer."), new RemovalReceipt(lockedOut, 2, lockedOut, null, Existed: true, ["table public.left"]) { Remarks = ["a remark"] }));
        await _stage.First.SweepAsync();
        _stage.Clock.Advance(TimeSpan.FromHours(5));
        _stage.Roles.NextRemovals.Enqueue(_ => new RoleRemoval.Gone(new RemovalReceipt(_stage.Now, 0, _stage.Now, _stage.Now, Existed: false, [])));
        await _stage.First.SweepAsync();

        var receipt = (await _stage.Store.FindAsync(id, Cancellation))!.State.Receipt!;

        Assert.Equal((2, lockedOut, lockedOut, true, TimeSpan.Zero), (receipt.SessionsEnded, receipt.LockedOutAt, receipt.LastSessionGoneAt, receipt.Existed, receipt.Overrun));
        Assert.Equal(["table public.left"], receipt.HandedOver);
        Assert.Equal(["a remark"], receipt.Remarks);
        Assert.NotNull(receipt.ProvedAt);
    }

    [Fact]
    public async Task What_is_locked_out_and_waits_to_be_dropped_is_no_delay()
    {
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        _stage.Roles.RemovalFails = _ => new RoleRemoval.LockedOut(Locked, ["it owns something"]);
        for (var i = 0; i < 5; i++)
        {
            await _stage.First.SweepAsync();
            Assert.Equal(TimeSpan.Zero, await Lateness.LongestAsync(_stage.Store, _stage.Now, Cancellation));
            _stage.Clock.SetUtcNow(_stage.Of(id).StepDueAt!.Value);
        }
    }

    [Fact]
    public async Task That_it_ends_is_on_record_before_anything_is_taken_away()
    {
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        GrantStatus? seen = null;
        _stage.First.Gate.At = boundary =>
        {
            if (boundary is { Call: "RoleAdministrator.Remove", Over: false }) seen = _stage.Of(id).Status;
            return Task.CompletedTask;
        };

        await _stage.First.SweepAsync();

        Assert.Equal(GrantStatus.Revoking, seen);
    }

    [Fact]
    public async Task The_message_with_the_credentials_is_taken_away_at_the_end()
    {
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        var message = _stage.Of(id).CredentialsMessage;
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));

        await _stage.First.SweepAsync();

        Assert.Equal(message, Assert.Single(_stage.Chat.Removed));
        Assert.Null(_stage.Of(id).CredentialsMessage);
    }

    [Fact]
    public async Task A_holder_is_warned_twice_and_each_time_once()
    {
        var id = await _stage.GivenAsync(TimeSpan.FromHours(1));
        _stage.Clock.Advance(TimeSpan.FromMinutes(45));
        await _stage.First.SweepAsync();
        await _stage.First.SweepAsync();
        Assert.Contains("ends soon", Assert.Single(_stage.Chat.SaidTo(Some.Engineer)), StringComparison.Ordinal);
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));

        await _stage.First.SweepAsync();
        await _stage.First.SweepAsync();
        _stage.Clock.Advance(TimeSpan.FromMinutes(1));
        await _stage.First.SweepAsync();

        Assert.Equal(2, _stage.Chat.SaidTo(Some.Engineer).Count);
        Assert.Equal(2, _stage.Delivery.Updated.Count(drawn => drawn.Message == _stage.Of(id).CredentialsMessage));
        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
    }

    [Fact]
    public async Task Run_twice_it_finds_nothing_to_do()
    {
        await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        await _stage.First.SweepAsync();
        var before = (_stage.Roles.Removals.Count, _stage.Chat.Calls);

        var again = await _stage.First.SweepAsync();

        Assert.Empty(again.Steps);
        Assert.Empty(again.Failed);
        Assert.Equal(before, (_stage.Roles.Removals.Count, _stage.Chat.Calls));
    }

    [Fact]
    public async Task A_role_that_cannot_be_dropped_is_quarantined_told_once_and_again_with_the_proof_when_it_is_gone()
    {
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        _stage.Roles.RemovalFails = _ => new RoleRemoval.LockedOut(Locked, ["table public.orders: somebody holds a lock"]);
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        await _stage.First.SweepAsync();
        Assert.Equal(GrantStatus.Quarantined, _stage.Of(id).Status);
        Assert.Equal(["table public.orders: somebody holds a lock"], _stage.Of(id).Blockers);
        Assert.False(_stage.HolderCanLogIn(id));
        Assert.Single(_stage.Chat.Told);
        await _stage.SettleAsync(_stage.First, _stage.Now.AddHours(6));
        _stage.Roles.RemovalFails = null;

        await _stage.SettleAsync(_stage.First, DateTimeOffset.MaxValue);

        Assert.Equal(GrantStatus.Ended, _stage.Of(id).Status);
        Assert.Empty(_stage.Roles.Roles);
        Assert.Equal(2, _stage.Chat.Told.Count);
        Assert.Single(_stage.Chat.Removed.Distinct());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_server_that_is_away_is_asked_again_for_ever(bool throws)
    {
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        _stage.Roles.RemovalFails = _ => throws ? throw new TimeoutException("no answer") : FakeRoleAdministrator.RemovalNotNow();
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        foreach (var pause in (int[])[5, 10, 20, 30, 30])
        {
            await _stage.First.SweepAsync();
            Assert.Equal((GrantStatus.Revoking, _stage.Now.AddSeconds(pause)), (_stage.Of(id).Status, _stage.Of(id).StepDueAt!.Value));
            _stage.Clock.Advance(TimeSpan.FromSeconds(pause));
        }

        await _stage.SettleAsync(_stage.First, _stage.Now.AddHours(6));
        Assert.Equal(GrantStatus.Revoking, _stage.Of(id).Status);
        _stage.Roles.RemovalFails = null;
        await _stage.SettleAsync(_stage.First, _stage.Now.AddHours(1));

        Assert.Equal(GrantStatus.Ended, _stage.Of(id).Status);
    }

    [Fact]
    public async Task What_was_put_off_is_tried_at_once_when_somebody_asks_for_it_and_what_a_worker_holds_is_left_to_it()
    {
        var stuck = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        var (held, fine) = (await _stage.GivenAsync(TimeSpan.FromMinutes(10)), await _stage.GivenAsync(TimeSpan.FromHours(2)));
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        _stage.Roles.RemovalFails = role => role.Grant == stuck ? FakeRoleAdministrator.RemovalNotNow() : null;
        _stage.First.Gate.Revive();
        await _stage.First.DiesAtAsync("before RoleAdministrator.Remove", () => _stage.First.ProvisionAsync(held));
        await _stage.First.SweepAsync();
        _stage.Roles.RemovalFails = null;
        Assert.True(_stage.Of(stuck).IsPostponed(_stage.Now));
        Assert.True(_stage.Of(held).Leased);

        Assert.Equal(0, (await _stage.First.SweepAsync()).Count(StepOutcome.Ended));
        Assert.Single((await _stage.First.SendAsync(new PreviewSweep(Postponed: true))).Value.Lines, line => line.Contains($"{stuck}", StringComparison.Ordinal));
        var asked = (await _stage.First.SendAsync(new SweepGrants(Postponed: true))).Value;

        Assert.Equal(1, asked.Count(StepOutcome.Ended));
        Assert.Equal(GrantStatus.Ended, _stage.Of(stuck).Status);
        Assert.True(_stage.Of(held).Leased);
        Assert.Equal(GrantStatus.Active, _stage.Of(fine).Status);
    }

    [Fact]
    public async Task One_failing_grant_does_not_stop_the_others()
    {
        var ids = new List<GrantId>();
        for (var i = 0; i < 5; i++) ids.Add(await _stage.GivenAsync(TimeSpan.FromMinutes(10)));
        _stage.Roles.RemovalFails = role => role.Grant == ids[1] ? throw new TimeoutException("no answer") : role.Grant == ids[3] ? FakeRoleAdministrator.RemovalNotNow() : null;
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));

        var report = await _stage.First.SweepAsync();

        Assert.Equal((3, 2), (report.Count(StepOutcome.Ended), report.Count(StepOutcome.Postponed)));
        Assert.All(ids, id => Assert.Equal(id == ids[1] || id == ids[3] ? GrantStatus.Revoking : GrantStatus.Ended, _stage.Of(id).Status));
    }

    [Fact]
    public async Task However_many_are_due_on_a_cluster_that_does_not_answer_the_others_end_in_time()
    {
        for (var i = 0; i < 250; i++) await _stage.Store.AddAsync(Some.Active(duration: TimeSpan.FromMinutes(9)), Cancellation);
        var other = await _stage.GivenAsync(TimeSpan.FromMinutes(10), database: "billing");
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        TaskCompletionSource held = new(), full = new();
        var waiting = 0;
        _stage.First.Gate.At = async boundary =>
        {
            if (boundary is not { Call: "RoleAdministrator.Remove", Over: false, Arguments: [RoleToRemove { Target.Cluster.Value: "orders-prod" }, ..] }) return;

            if (Interlocked.Increment(ref waiting) == 8) full.SetResult();
            await held.Task;
        };
        Task<SweepReport>[] standing = [_stage.First.SweepAsync(), _stage.First.SweepAsync()];
        await full.Task.WaitAsync(Cancellation);

        await _stage.First.SweepAsync();

        Assert.Equal(GrantStatus.Ended, _stage.Of(other).Status);
        held.SetResult();
        await Task.WhenAll(standing);
        Assert.DoesNotContain(_stage.Store.Stored, grant => grant.EndedAt is null);
    }

    [Fact]
    public async Task A_grant_that_cannot_be_read_does_not_keep_the_others_from_their_end()
    {
        var newer = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        _stage.Store.MakeUnreadable(newer);
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));

        var report = await _stage.First.SweepAsync();

        Assert.Equal((1, 0, false), (report.Count(StepOutcome.Ended), report.Failed.Count, report.CutShort));
        Assert.Equal(GrantStatus.Ended, _stage.Of(id).Status);
    }

    [Fact]
    public async Task A_grant_whose_record_cannot_be_written_is_named_once_and_the_others_are_done()
    {
        var ids = new List<GrantId>();
        for (var i = 0; i < 3; i++) ids.Add(await _stage.GivenAsync(TimeSpan.FromMinutes(10)));
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        _stage.First.Gate.At = Stage.CannotBeSaved(ids[0]);

        var report = await _stage.First.SweepAsync();

        Assert.Equal([ids[0]], report.Failed);
        Assert.All(ids.Skip(1), id => Assert.Equal((GrantStatus.Ended, null), (_stage.Of(id).Status, _stage.Of(id).DueAt)));
    }

    [Fact]
    public async Task A_step_that_fails_again_and_again_is_tried_after_growing_pauses_for_ever()
    {
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        _stage.First.Gate.At = Stage.CannotBeSaved(id);
        var tries = new List<TimeSpan>();
        var from = _stage.Clock.GetUtcNow();

        // As the worker does it: a look every half second, for five minutes.
        for (; _stage.Clock.GetUtcNow() - from < TimeSpan.FromMinutes(5); _stage.Clock.Advance(TimeSpan.FromSeconds(0.5)))
        {
            if ((await _stage.First.SweepAsync()).Failed.Count > 0) tries.Add(_stage.Clock.GetUtcNow() - from);
        }

        double[] expected = [0, 0.5, 1.5, 3.5, 7.5, 15.5, 31.5, 63.5, 123.5, 183.5, 243.5];
        Assert.Equal(expected, tries.Select(at => at.TotalSeconds));

        // Whoever asks for it by hand does not wait, and neither does what else is due.
        var other = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        _stage.First.Gate.At = null;
        Assert.Equal(2, (await _stage.First.SweepAsync()).Count(StepOutcome.Ended));
        Assert.All([id, other], ended => Assert.Equal(GrantStatus.Ended, _stage.Of(ended).Status));
    }

    [Fact]
    public async Task Three_hundred_that_are_due_are_all_done_in_one_sweep()
    {
        var ids = new List<GrantId>();
        for (var i = 0; i < 300; i++) ids.Add(await _stage.GivenAsync(TimeSpan.FromMinutes(10), database: i % 2 == 0 ? "orders" : "billing"));
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));

        var report = await _stage.First.SweepAsync();

        Assert.Equal(300, report.Count(StepOutcome.Ended));
        Assert.Empty(_stage.Roles.Roles);
        Assert.Equal(300, _stage.Chat.Told.Count);
        Assert.Null(await _stage.Store.NextDueAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Lost_races_are_left_to_the_winner_and_nothing_is_lost()
    {
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        _stage.Store.LoseNextRace();
        await _stage.First.SweepAsync();
        Assert.Empty(_stage.Roles.Removals);

        await _stage.First.SweepAsync();

        Assert.Equal(GrantStatus.Ended, _stage.Of(id).Status);
    }

    [Fact]
    public async Task Two_sweeps_at_once_remove_each_role_once()
    {
        var ids = new List<GrantId>();
        for (var i = 0; i < 40; i++) ids.Add(await _stage.GivenAsync(TimeSpan.FromMinutes(10)));
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        var other = _stage.Start();
        other.Gate.At = _stage.First.Gate.At = async _ => await Task.Yield();

        await Task.WhenAll(Task.Run(() => _stage.First.SweepAsync(), Cancellation), Task.Run(() => other.SweepAsync(), Cancellation));

        Assert.Equal(40, _stage.Roles.Removals.Count);
        Assert.All(ids, id => Assert.Equal(GrantStatus.Ended, _stage.Of(id).Status));
        Assert.Equal(40, _stage.Chat.Told.Count);
    }

    [Fact]
    public async Task A_message_that_fails_changes_nothing_that_is_on_record()
    {
        foreach (var fail in (Action<FakeChat>[])[chat => chat.IsBusy(TimeSpan.FromSeconds(30)), chat => chat.Breaks(), chat => chat.RefusesForGood()])
        {
            var stage = new Stage();
            var id = await stage.GivenAsync(TimeSpan.FromMinutes(10));
            fail(stage.Chat);
            stage.Clock.Advance(TimeSpan.FromMinutes(10));

            await stage.First.SweepAsync();

            Assert.Equal(GrantStatus.Ended, stage.Of(id).Status);
            Assert.Empty(stage.Chat.Told);
            stage.Chat.Works();
            await stage.SettleAsync(stage.First, stage.Now.AddHours(1));
            Assert.Null(stage.Of(id).DueAt);
        }
    }

    [Fact]
    public async Task A_busy_chat_is_asked_again_when_it_said()
    {
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(10));
        _stage.Chat.IsBusy(TimeSpan.FromSeconds(30));
        _stage.Clock.Advance(TimeSpan.FromMinutes(10));
        await _stage.First.SweepAsync();
        Assert.Equal(_stage.Now.AddSeconds(30), _stage.Of(id).DueAt);
        _stage.Chat.Works();
        _stage.Clock.Advance(TimeSpan.FromSeconds(30));

        await _stage.First.SweepAsync();

        Assert.Single(_stage.Chat.Told);
        Assert.Single(_stage.Chat.Removed);
    }

    [Fact]
    public async Task A_process_that_dies_at_any_call_leaves_a_removal_that_the_next_one_finishes()
    {
        var deaths = 0;
        for (var boundary = 0; boundary < 100; boundary++)
        {
            var stage = new Stage();
            var id = await stage.GivenAsync(TimeSpan.FromMinutes(10));
            stage.Clock.Advance(TimeSpan.FromMinutes(10));
            stage.First.Gate.Revive();
            if (!await stage.First.DiesAtAsync(boundary, async () =>
            {
                await stage.First.ProvisionAsync(id);
                await stage.First.ProvisionAsync(id);
            })) break;
            deaths++;

            stage.Clock.Advance(TimeSpan.FromMinutes(1));
            await stage.Start().SweepAsync();

            Assert.Equal((GrantStatus.Ended, null), (stage.Of(id).Status, stage.Of(id).DueAt));
            Assert.Empty(stage.Roles.Roles);
            Assert.InRange(stage.Chat.Told.Count, 1, 2);
        }

        Assert.InRange(deaths, 24, 99);
    }

    [Fact]
    public async Task A_request_that_nobody_decides_lapses()
    {
        var grant = Grant.RequestApproval(GrantId.New(), Some.Installation, Some.Request(), Some.Asking(_stage.Now.AddHours(1)), _stage.Now);
        await _stage.Store.AddAsync(grant, TestContext.Current.CancellationToken);
        _stage.Clock.Advance(TimeSpan.FromHours(1));

        await _stage.First.SweepAsync();

        Assert.Equal((GrantStatus.Lapsed, null), (_stage.Of(grant.Id).Status, _stage.Of(grant.Id).DueAt));
    }
}
