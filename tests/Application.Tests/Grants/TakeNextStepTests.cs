using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain.Grants;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Application.Tests.Grants;

public sealed class TakeNextStepTests
{
    private static readonly TimeSpan Lease = TimeSpan.FromSeconds(45);

    private readonly Stage _stage = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_going_to_happen_is_on_record_before_it_happens()
    {
        var id = await _stage.AskedAsync();
        var seen = new List<string>();
        _stage.First.Gate.At = boundary =>
        {
            var state = _stage.Of(id);
            switch ($"{boundary}")
            {
                case "before RoleAdministrator.Make":
                    Assert.Equal(GrantStatus.Provisioning, state.Status);
                    Assert.Equal((_stage.Now, _stage.Now.AddHours(1)), (state.Window!.Start, state.Window.Expiry));
                    Assert.NotNull(state.Role);
                    Assert.Null(state.RoleOid);
                    seen.Add("Make");
                    break;
                case "before CredentialDelivery.Deliver":
                    Assert.Equal(_stage.Roles.Roles.Single().Oid, state.RoleOid);
                    Assert.Equal(GrantStatus.Provisioning, state.Status);
                    seen.Add("Deliver");
                    break;
                case "after CredentialDelivery.Deliver":
                    Assert.Equal(GrantStatus.Provisioning, state.Status);
                    seen.Add("Delivered");
                    break;
            }

            return Task.CompletedTask;
        };

        await _stage.First.ProvisionAsync(id);

        Assert.Equal(["Make", "Deliver", "Delivered"], seen);
        Assert.Equal(GrantStatus.Active, _stage.Of(id).Status);
        Assert.Equal(["grant.requested", "grant.approved", "grant.provisioning", "grant.role_made", "grant.activated"], await _stage.StoryAsync(id));
        Assert.True(_stage.HolderCanLogIn(id));
    }

    [Fact]
    public async Task The_role_is_ordered_as_the_grant_says_and_the_holder_gets_what_it_takes_to_log_in()
    {
        var id = await _stage.GivenAsync(TimeSpan.FromMinutes(30));

        var (order, state) = (_stage.Roles.Makes.Single(), _stage.Of(id));
        Assert.Equal((Some.Installation, id, state.Target, state.Role, _stage.Now.AddMinutes(30)), (order.Installation, order.Grant, order.Target, order.Role, order.Expiry));
        Assert.Equal(_stage.Now + Lease, order.NotAfter);
        var credential = _stage.Delivery.Delivered.Single().Credential;
        Assert.Equal((state.Role, "orders-prod.example", 5432, "orders", "verify-full"), (credential.Role, credential.Host, credential.Port, credential.Database, credential.SslMode));
        Assert.Matches("^[A-Za-z][A-Za-z0-9_-]{31}$", credential.Password.Reveal());
    }

    [Fact]
    public async Task Doing_it_again_does_nothing()
    {
        var id = await _stage.GivenAsync();

        await _stage.First.ProvisionAsync(id);

        Assert.Single(_stage.Roles.Makes);
        Assert.Single(_stage.Delivery.Attempted);
    }

    [Fact]
    public async Task A_grant_that_does_not_exist_is_refused() =>
        Assert.Equal("grant.unknown", (await _stage.First.SendAsync(new TakeNextStep(GrantId.New()))).Refusal?.Code);

    [Fact]
    public async Task A_name_that_is_taken_is_left_alone_and_another_is_drawn()
    {
        var id = await _stage.AskedAsync();
        _stage.Roles.NextMakes.Enqueue(_ => new RoleMaking.NameTaken());

        await _stage.First.ProvisionAsync(id);
        await _stage.First.ProvisionAsync(id);

        var names = _stage.Roles.Makes.Select(order => order.Role).ToList();
        Assert.Equal(2, names.Distinct().Count());
        Assert.Equal(names[1], _stage.Of(id).Role);
        Assert.True(_stage.HolderCanLogIn(id));
    }

    [Fact]
    public async Task A_server_that_is_away_is_asked_again_after_pauses_that_grow()
    {
        var id = await _stage.AskedAsync();
        _stage.Roles.MakingFails = _ => FakeRoleAdministrator.NotNow();

        foreach (var pause in (int[])[1, 2, 4, 8, 15, 15])
        {
            await _stage.First.ProvisionAsync(id);
            Assert.Equal(_stage.Now.AddSeconds(pause), _stage.Of(id).StepDueAt);
            _stage.Clock.Advance(TimeSpan.FromSeconds(pause));
        }

        _stage.Roles.MakingFails = null;
        await _stage.First.ProvisionAsync(id);
        Assert.True(_stage.HolderCanLogIn(id));
    }

    [Fact]
    public async Task A_server_that_stays_away_for_a_quarter_of_an_hour_is_not_waited_for_and_the_holder_is_told_once_it_is_proved_absent()
    {
        var id = await _stage.AskedAsync();
        _stage.Roles.MakingFails = _ => FakeRoleAdministrator.NotNow();
        _stage.Roles.RemovalFails = _ => FakeRoleAdministrator.RemovalNotNow();
        await _stage.SettleAsync(_stage.First, _stage.Now + Grant.ProvisioningPatience + TimeSpan.FromMinutes(1));
        Assert.NotNull(_stage.Of(id).AbandonedBecause);
        // That it takes longer, and not more: whether it fails is not known before the proof.
        Assert.Contains("not ready yet", Assert.Single(_stage.Chat.Told).Message.Summary, StringComparison.Ordinal);

        (_stage.Roles.MakingFails, _stage.Roles.RemovalFails) = (null, null);
        await _stage.SettleAsync(_stage.First, DateTimeOffset.MaxValue);

        Assert.Equal(GrantStatus.Failed, _stage.Of(id).Status);
        Assert.Contains("could not be given", _stage.Chat.SaidTo(Some.Engineer)[^1], StringComparison.Ordinal);
        Assert.Empty(_stage.Delivery.Attempted);
    }

    [Fact]
    public async Task What_cannot_be_made_is_undone_and_fails_and_the_holder_is_told_why()
    {
        var id = await _stage.AskedAsync();
        _stage.Roles.MakingFails = _ => FakeRoleAdministrator.Impossible("Table public.orders belongs to somebody else.");

        await _stage.First.SweepAsync();

        Assert.Equal(GrantStatus.Failed, _stage.Of(id).Status);
        Assert.Single(_stage.Roles.Removals);
        Assert.Contains("belongs to somebody else", FakeChat.Words(Assert.Single(_stage.Chat.Told).Message), StringComparison.Ordinal);
        Assert.Null(_stage.Of(id).DueAt);
    }

    [Fact]
    public async Task Credentials_that_can_never_arrive_take_their_role_with_them()
    {
        var id = await _stage.AskedAsync();
        _stage.Delivery.CannotReach();

        await _stage.First.SweepAsync();

        Assert.Equal(GrantStatus.Failed, _stage.Of(id).Status);
        Assert.Empty(_stage.Roles.Roles);
        Assert.Single(_stage.Delivery.Attempted);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_password_whose_delivery_is_uncertain_is_never_sent_again(bool faults)
    {
        var id = await _stage.AskedAsync();
        if (faults) _stage.Delivery.Breaks();
        else _stage.Delivery.IsUnknown(TimeSpan.FromSeconds(7));
        await _stage.First.ProvisionAsync(id);
        Assert.Equal(_stage.Now.AddSeconds(faults ? 1 : 7), _stage.Of(id).StepDueAt);
        _stage.Clock.Advance(TimeSpan.FromSeconds(7));
        await _stage.First.ProvisionAsync(id);
        _stage.Clock.Advance(TimeSpan.FromSeconds(7));
        _stage.Delivery.Works();

        await _stage.First.ProvisionAsync(id);

        Assert.Equal(3, _stage.Delivery.Attempted.Select(sent => sent.Credential.Password.Reveal()).Distinct(StringComparer.Ordinal).Count());
        Assert.Single(_stage.Roles.Makes.Select(order => order.Role).Distinct());
        Assert.Single(_stage.Delivery.Attempted, sent => _stage.Roles.CanLogIn(sent.Credential.Role, sent.Credential.Password.Reveal()));
        Assert.True(_stage.HolderCanLogIn(id));
    }

    [Fact]
    public async Task A_connection_lost_at_commit_leaves_a_role_that_the_next_try_takes_over()
    {
        var id = await _stage.AskedAsync();
        _stage.Roles.ThrowAfterMaking = new IOException("The connection was lost.");
        await _stage.First.ProvisionAsync(id);
        _stage.Clock.Advance(TimeSpan.FromSeconds(1));

        await _stage.First.ProvisionAsync(id);

        Assert.Single(_stage.Roles.Roles);
        Assert.True(_stage.HolderCanLogIn(id));
    }

    [Fact]
    public async Task A_process_that_dies_at_any_call_leaves_a_grant_that_the_next_one_gives_in_full()
    {
        var deaths = 0;
        for (var boundary = 0; boundary < 100; boundary++)
        {
            var stage = new Stage();
            var id = await stage.AskedAsync();
            stage.First.Gate.Revive();
            if (!await stage.First.DiesAtAsync(boundary, () => stage.First.ProvisionAsync(id))) break;
            deaths++;

            stage.Clock.Advance(Lease);
            await stage.Start().SweepAsync();

            Assert.Equal(GrantStatus.Active, stage.Of(id).Status);
            Assert.Single(stage.Roles.Roles);
            Assert.True(stage.HolderCanLogIn(id), $"Died at boundary {boundary}: the last message does not open the role.");
            Assert.Single(stage.Delivery.Attempted, sent => stage.Roles.CanLogIn(sent.Credential.Role, sent.Credential.Password.Reveal()));
            Assert.Equal(stage.Delivery.Attempted.Count, stage.Delivery.Attempted.Select(sent => sent.Credential.Password.Reveal()).Distinct(StringComparer.Ordinal).Count());
        }

        Assert.InRange(deaths, 20, 99);
    }

    [Fact]
    public async Task A_process_that_is_asked_to_stop_at_any_call_hands_over_at_once()
    {
        var stops = 0;
        for (var boundary = 0; ; boundary++)
        {
            var stage = new Stage();
            var id = await stage.AskedAsync();
            using var stopping = new CancellationTokenSource();
            var reached = stage.First.Gate.Once(boundary, stopping.CancelAsync);
            try
            {
                await stage.First.ProvisionAsync(id, stopping.Token);
            }
            catch (OperationCanceledException)
            {
                stops++;
            }

            // Without waiting for the lease: what was begun was handed over, what was delivered is on record.
            await stage.Start().SweepAsync();

            Assert.Equal(GrantStatus.Active, stage.Of(id).Status);
            Assert.True(stage.HolderCanLogIn(id));
            Assert.Single(stage.Roles.Roles);
            if (!reached()) break;
        }

        Assert.InRange(stops, 3, 40);
    }

    [Fact]
    public async Task A_holder_who_gives_it_back_at_any_moment_of_the_making_ends_up_with_nothing()
    {
        for (var boundary = 2; ; boundary++)
        {
            var stage = new Stage();
            var other = stage.Start();
            var id = await stage.AskedAsync();
            var reached = stage.First.Gate.Once(
                boundary, async () => Assert.Null((await other.SendAsync(new ReturnGrant(Some.Engineer, id))).Refusal));

            await stage.First.ProvisionAsync(id);
            if (!reached()) break;

            await stage.SettleAsync(other, stage.Now + Lease);

            Assert.Contains(stage.Of(id).Status, (GrantStatus[])[GrantStatus.Failed, GrantStatus.Ended]);
            Assert.Empty(stage.Roles.Roles);
            Assert.Null(stage.Of(id).DueAt);
            Assert.Single(stage.Chat.Told);

            // Whatever message went out with a password was taken away again.
            Assert.Equal(stage.Delivery.Delivered.Count, stage.Chat.Removed.Count);
        }
    }

    [Fact]
    public async Task A_making_that_takes_longer_than_its_lease_is_cut_off_and_tried_again()
    {
        var id = await _stage.AskedAsync();
        _stage.Roles.Before = async token =>
        {
            _stage.Roles.Before = null;
            _stage.Clock.Advance(TimeSpan.FromSeconds(36));
            await Task.Yield();
            token.ThrowIfCancellationRequested();
        };
        await _stage.First.ProvisionAsync(id);
        Assert.Equal((GrantStatus.Provisioning, false), (_stage.Of(id).Status, _stage.Of(id).Leased));
        _stage.Clock.Advance(TimeSpan.FromSeconds(1));

        await _stage.First.ProvisionAsync(id);

        Assert.True(_stage.HolderCanLogIn(id));
    }

    [Fact]
    public async Task Of_two_workers_on_one_grant_one_makes_it()
    {
        for (var time = 0; time < 30; time++)
        {
            var stage = new Stage();
            var id = await stage.AskedAsync();
            var (first, second) = (stage.First, stage.Start());
            first.Gate.At = second.Gate.At = async _ => await Task.Yield();

            await Task.WhenAll(Task.Run(() => first.ProvisionAsync(id), Cancellation), Task.Run(() => second.ProvisionAsync(id), Cancellation));

            Assert.Single(stage.Roles.Makes);
            Assert.Single(stage.Delivery.Attempted);
            Assert.True(stage.HolderCanLogIn(id));
        }
    }

    [Fact]
    public async Task A_worker_that_was_frozen_over_its_lease_does_not_touch_what_the_next_one_made()
    {
        // Frozen at every call in turn, while another worker takes over and finishes.
        for (var boundary = 2; ; boundary++)
        {
            var stage = new Stage();
            var other = stage.Start();
            var id = await stage.AskedAsync();
            var reached = stage.First.Gate.Once(boundary, async () =>
            {
                stage.Clock.Advance(Lease + TimeSpan.FromSeconds(1));
                await other.ProvisionAsync(id);
            });

            await stage.First.ProvisionAsync(id);
            await stage.SettleAsync(other, stage.Now + Lease);

            Assert.Equal(GrantStatus.Active, stage.Of(id).Status);
            Assert.Single(stage.Delivery.Delivered, sent => stage.Roles.CanLogIn(sent.Credential.Role, sent.Credential.Password.Reveal()));
            if (!reached()) break;
        }
    }
}
