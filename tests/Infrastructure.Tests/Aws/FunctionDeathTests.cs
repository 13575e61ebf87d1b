using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain.Grants;
using DbAccess.TestKit;
using DbAccess.TestKit.Aws;
using DbAccess.TestKit.Fakes;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Infrastructure.Tests.Aws;

/// <summary>
/// Functions on DynamoDB that are killed, or cut at their deadline, between any two steps: every request to AWS and every call to the cluster and to
/// Slack. Whoever comes next finishes; nothing leaks, and nothing is given twice.
/// </summary>
public sealed class FunctionDeathTests : IDisposable
{
    private readonly MotoFixture _moto;
    private readonly List<DynamoHouse> _houses = [];
    private readonly FakeTimeProvider _clock = new(Some.Now);
    private readonly FakeCredentialDelivery _delivery = new();
    private readonly FakeChat _chat = new();
    private readonly FakeCards _cards = new();
    private readonly FakeRoleAdministrator _roles;

    public FunctionDeathTests(MotoFixture moto) => (_moto, _roles) = (moto, new FakeRoleAdministrator(_clock));

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _houses.ForEach(house => house.Dispose());

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Between_any_two_steps_of_the_making_it_may_end_and_the_next_one_gives_once(bool killed)
    {
        var boundaries = 0;
        for (var boundary = 0; ; boundary++)
        {
            var store = await OpenAsync();
            var grant = Some.Allowed(_clock.GetUtcNow());
            await store.AddAsync(grant, Stop);
            var mortal = killed ? new Mortal { DiesAt = boundary } : new Mortal { CutAt = boundary };
            await EndAsync(mortal, new TakeNextStep(grant.Id));
            if (!mortal.Met) break;

            boundaries++;
            var left = (await store.FindAsync(grant.Id, Stop))!.State;
            // Who is cut hands the lease back; who is killed cannot.
            if (!killed) Assert.False(left.Leased, $"Cut at boundary {boundary} it keeps its lease.");
            await SettleAsync(store, grant.Id, state => state.Status is GrantStatus.Active);

            var role = Assert.Single(_roles.Roles, role => role.Order.Grant == grant.Id);
            var sent = _delivery.Attempted.Where(sent => sent.Grant == grant.Id).ToList();
            Assert.True(_roles.CanLogIn(role.Order.Role, sent[^1].Credential.Password.Reveal()), $"Ended at boundary {boundary}: the last message does not open the role.");
            Assert.Single(sent, one => _roles.CanLogIn(one.Credential.Role, one.Credential.Password.Reveal()));
            Assert.Equal(sent.Count, sent.Select(one => one.Credential.Password.Reveal()).Distinct(StringComparer.Ordinal).Count());
            Assert.Single(await store.ListEventsAsync(grant.Id, Stop), happened => happened.To is GrantStatus.Active && happened.From is not GrantStatus.Active);
        }

        // Reading, leasing, making, recording, delivering, recording, looking again: before and behind each, on the wire and at the ports.
        Assert.InRange(boundaries, 14, 60);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Between_any_two_steps_of_the_removal_it_may_end_and_the_next_one_finishes(bool killed)
    {
        var boundaries = 0;
        for (var boundary = 0; ; boundary++)
        {
            var store = await OpenAsync();
            var grant = Some.Allowed(_clock.GetUtcNow(), TimeSpan.FromMinutes(10));
            await store.AddAsync(grant, Stop);
            await SettleAsync(store, grant.Id, state => state.Status is GrantStatus.Active);
            var message = (await store.FindAsync(grant.Id, Stop))!.State.CredentialsMessage!;
            _clock.Advance(TimeSpan.FromMinutes(10));
            var mortal = killed ? new Mortal { DiesAt = boundary } : new Mortal { CutAt = boundary };
            var told = _chat.Told.Count;
            await EndAsync(mortal, new SweepGrants());
            var met = mortal.Met;
            if (met) boundaries++;

            var left = (await store.FindAsync(grant.Id, Stop))!.State;
            if (!killed) Assert.False(left.Leased, $"Cut at boundary {boundary} it keeps its lease.");
            await SettleAsync(store, grant.Id, state => state.DueAt is null);

            Assert.Equal(GrantStatus.Ended, (await store.FindAsync(grant.Id, Stop))!.Status);
            Assert.DoesNotContain(_roles.Roles, role => role.Order.Grant == grant.Id);
            Assert.Contains(message, _chat.Removed);
            // A message that may not have gone out goes out again.
            Assert.InRange(_chat.Told.Count - told, 1, 2);
            Assert.Single(await store.ListEventsAsync(grant.Id, Stop), happened => happened.To is GrantStatus.Ended && happened.From is not GrantStatus.Ended);
            Assert.Equal(1, (await store.CountByStatusAsync(Stop))[GrantStatus.Ended]);
            if (!met) break;
        }

        Assert.InRange(boundaries, 18, 90);
        Assert.Empty(_roles.Roles);
    }

    [Fact]
    public async Task Of_the_same_event_in_four_functions_at_once_one_gives()
    {
        var store = await OpenAsync();
        var grant = Some.Allowed(_clock.GetUtcNow());
        await store.AddAsync(grant, Stop);
        var functions = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => StartAsync(new Mortal())));

        await Task.WhenAll(functions.Select(function => function.Send(new TakeNextStep(grant.Id), Stop)));

        Assert.Single(_roles.Makes);
        Assert.Single(_delivery.Attempted);
        Assert.Equal(GrantStatus.Active, (await store.FindAsync(grant.Id, Stop))!.Status);
    }

    [Fact]
    public async Task In_a_table_restored_to_the_past_what_was_given_since_is_not_given_again_and_what_had_ended_ends_again()
    {
        var store = await OpenAsync();
        var (given, ended, unknown) = (Some.Allowed(_clock.GetUtcNow()), Some.Allowed(_clock.GetUtcNow(), TimeSpan.FromMinutes(20)), Some.Allowed(_clock.GetUtcNow()));
        await store.AddAsync(given, Stop);
        await store.AddAsync(ended, Stop);
        await SettleAsync(store, ended.Id, state => state.Status is GrantStatus.Active);
        using var past = new DynamoHouse(_moto);
        await _houses[^1].CopyToAsync(past);

        // What the restored table does not know: one was given, one has ended, one is altogether new.
        await SettleAsync(store, given.Id, state => state.Status is GrantStatus.Active);
        await store.AddAsync(unknown, Stop);
        await SettleAsync(store, unknown.Id, state => state.Status is GrantStatus.Active);
        _clock.Advance(TimeSpan.FromMinutes(21));
        await SettleAsync(store, ended.Id, state => state.DueAt is null);
        Assert.Equal(2, _roles.Roles.Count);

        var restored = await past.GrantsAsync();
        var function = await StartAsync(new Mortal(), past);
        for (var sweep = 0; sweep < 5; sweep++)
        {
            await function.Send(new SweepGrants(), Stop);
            _clock.Advance(TimeSpan.FromMinutes(1));
        }

        // Too old to be given by now, and proved absent by the name that is on record: the role that was really made is for reconcile, and ends by itself.
        Assert.Equal(GrantStatus.Failed, (await restored.FindAsync(given.Id, Stop))!.Status);
        Assert.Equal(GrantStatus.Ended, (await restored.FindAsync(ended.Id, Stop))!.Status);
        Assert.Null(await restored.FindAsync(unknown.Id, Stop));
        Assert.Single(_delivery.Delivered, sent => sent.Grant == given.Id);
        Assert.Equal([given.Id, unknown.Id], _roles.Roles.Select(role => role.Order.Grant).OrderBy(id => id == unknown.Id));
        _clock.Advance(TimeSpan.FromHours(1));
        Assert.All(_delivery.Delivered, sent => Assert.False(_roles.CanLogIn(sent.Credential.Role, sent.Credential.Password.Reveal())));
    }

    /// <summary>An empty table, which is the one of the functions from now on: the emulator takes the longer for a write the more a table holds.</summary>
    private async Task<IGrantStore> OpenAsync()
    {
        _houses.Add(new DynamoHouse(_moto));
        return await _houses[^1].GrantsAsync();
    }

    /// <summary>Runs the step as a function does that comes to its end on the way.</summary>
    private async Task EndAsync<TAnswer>(Mortal mortal, IRequest<TAnswer> step)
    {
        var function = await StartAsync(mortal);
        try
        {
            await function.Send(step, mortal.Time.Token);
        }
        catch (Exception over) when (over is Crash or OperationCanceledException || over.InnerException is Crash)
        {
            // Nobody is left to catch it.
        }
    }

    /// <summary>Whoever comes next, as often as something is due.</summary>
    private async Task SettleAsync(IGrantStore store, GrantId id, Func<GrantSnapshot, bool> settled)
    {
        var next = await StartAsync(new Mortal());
        for (var turn = 0; turn < 20; turn++)
        {
            var state = (await store.FindAsync(id, Stop))!.State;
            if (settled(state)) return;
            if (state.DueAt > _clock.GetUtcNow()) _clock.SetUtcNow(state.DueAt.Value);
            await next.Send(new TakeNextStep(id), Stop);
        }

        Assert.Fail("It does not settle.");
    }

    private async Task<IMediator> StartAsync(Mortal mortal, DynamoHouse? house = null)
    {
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(_clock);
        services.AddSingleton<IGrantStore>(await (house ?? _houses[^1]).GrantsAsync(new AwsWire { At = mortal.PassAsync }, retries: 0));
        services.AddSingleton(mortal.Wrap<IRoleAdministrator>(_roles));
        services.AddSingleton(mortal.Wrap<ICredentialDelivery>(_delivery));
        services.AddSingleton(mortal.Wrap<IChat>(_chat));
        services.AddSingleton(mortal.Wrap<ICards>(_cards));
        services.AddSingleton(mortal.Wrap<IHome>(new FakeHome()));
        services.AddFakeEvidence();
        services.AddSingleton<IRoleInventory>(new FakeRoleInventory());
        services.AddSingleton<IDirectory>(new FakeDirectory());
        services.AddApplication(new Installation(Some.Installation)).AddWarrants();
        return services.BuildServiceProvider().GetRequiredService<IMediator>();
    }
}
