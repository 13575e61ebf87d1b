using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres;
using DbAccess.Infrastructure.Postgres.Removing;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using DbAccess.TestKit.Postgres;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Npgsql;

namespace DbAccess.Infrastructure.Tests.Postgres;

/// <summary>When it is looked for ghosts, and when nobody is woken. That they are found and ended is shown with the removals.</summary>
public sealed class GhostHuntTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow);
    private LoopbackProxy _proxy = null!;
    private RoleHouse _house = null!;
    private GhostHunt _hunt = null!;
    private int _asked;

    public async ValueTask InitializeAsync()
    {
        _house = new RoleHouse(await postgres.CreateDatabaseAsync("hunt"));
        _proxy = new LoopbackProxy(_house.Database.Server.Port);
        _house.Credentials.Current = _house.Credentials.Current with { Port = _proxy.Port };
        _hunt = new GhostHunt(_house.Connections, _house.Audit, _clock, NullLogger<GhostHunt>.Instance);
    }

    public async ValueTask DisposeAsync()
    {
        if (_hunt is not null) await _hunt.DisposeAsync();
        if (_house is not null) await _house.DisposeAsync();
        if (_proxy is not null) await _proxy.DisposeAsync();
    }

    [Fact]
    public async Task A_cluster_where_nothing_ended_lately_is_not_woken()
    {
        await _hunt.RunDueAsync(RoleHouse.Cancellation);
        Assert.Equal(0, _proxy.Connections);

        _hunt.Follow(_house.Order().Target.Cluster, _clock.GetUtcNow());
        _clock.Advance(IGhostHunt.Lately + TimeSpan.FromSeconds(1));
        await _hunt.RunDueAsync(RoleHouse.Cancellation);

        Assert.Equal(0, _proxy.Connections);
    }

    [Fact]
    public async Task One_where_something_did_is_asked_once_a_minute_whoever_asks()
    {
        _hunt.Follow(_house.Order().Target.Cluster, _clock.GetUtcNow());
        CountAsked();

        for (var second = 0; second < 120; second += 10)
        {
            await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => _hunt.RunDueAsync(RoleHouse.Cancellation)));
            _clock.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.Equal(2, _asked);
    }

    [Fact]
    public async Task A_sweep_looks_where_another_process_removed_a_role_lately_and_wakes_nobody_later()
    {
        var store = new InMemoryGrantStore();
        // One process removes, over a way of its own; the sweep runs in another.
        await using var removing = new RoleHouse(_house.Database);
        await using var remover = Process(store, removing.Administrator, removing.Ghosts);
        await using var sweeper = Process(store, _house.Administrator, _hunt);
        CountAsked();
        var order = removing.Order();
        await store.AddAsync(await ReturnedAsync(removing, order), RoleHouse.Cancellation);
        await remover.GetRequiredService<IMediator>().Send(new TakeNextStep(order.Grant), RoleHouse.Cancellation);
        Assert.Equal(GrantStatus.Ended, (await store.FindAsync(order.Grant, RoleHouse.Cancellation))!.Status);
        Assert.Equal(0, _proxy.Connections);

        await SweepAsync();
        Assert.Equal(1, _asked);
        _clock.Advance(IGhostHunt.Lately - TimeSpan.FromMinutes(1));
        await SweepAsync();
        Assert.Equal(2, _asked);
        _clock.Advance(TimeSpan.FromMinutes(2));
        await SweepAsync();

        Assert.Equal(2, _asked);

        Task SweepAsync() => sweeper.GetRequiredService<IMediator>().Send(new SweepGrants(), RoleHouse.Cancellation);
    }

    [Fact]
    public async Task One_that_does_not_answer_is_left_to_the_next_round()
    {
        _hunt.Follow(_house.Order().Target.Cluster, _clock.GetUtcNow());
        _proxy.Refuse();

        Assert.Equal(0, await _hunt.RunAsync(RoleHouse.Cancellation));
        _proxy.Refuse(false);
        Assert.Equal(0, await _hunt.RunAsync(RoleHouse.Cancellation));

        Assert.True(_proxy.Connections > 1);
    }

    [Fact]
    public async Task A_session_whose_role_is_gone_is_on_record_by_name()
    {
        _hunt.Follow(_house.Order().Target.Cluster, _clock.GetUtcNow());
        for (var attempt = 0; ; attempt++)
        {
            var role = $"ghost_{Guid.NewGuid():N}";
            await _house.AskAsync($"CREATE ROLE {role} LOGIN PASSWORD '{RoleHouse.Password.Reveal()}'; SELECT 1");
            await using var session = new NpgsqlConnection(_house.Database.ConnectionStringFor(role, RoleHouse.Password.Reveal()) + ";Pooling=false;Application Name=psql on a laptop");
            await session.OpenAsync(RoleHouse.Cancellation);
            var oid = await _house.AskAsync($"SELECT oid FROM pg_roles WHERE rolname = '{role}'");
            await _house.AskAsync($"DROP ROLE {role}; SELECT 1");

            await _hunt.RunAsync(RoleHouse.Cancellation);

            var told = _house.Audit.Records.Where(happened => happened.Type == "ghosts.ended").SelectMany(happened => happened.What.OfType<Fact.Texts>()).SelectMany(texts => texts.Values)
                .FirstOrDefault(words => words.Contains($"pid {session.ProcessID} of a role that no longer exists (OID {oid})", StringComparison.Ordinal));
            if (told is not null)
            {
                Assert.EndsWith(" as psql on a laptop", told, StringComparison.Ordinal);
                break;
            }

            // Another test's removal on this server ended it first.
            Assert.True(attempt < 20, "No ghost was ever told of.");
        }
    }

    private void CountAsked() => _proxy.BeforePassing = piece =>
    {
        if (System.Text.Encoding.ASCII.GetString(piece.Span).Contains("pg_terminate_backend", StringComparison.Ordinal)) _asked++;
        return Task.CompletedTask;
    };

    /// <summary>A grant whose role is there and that its holder has given back.</summary>
    private async Task<Grant> ReturnedAsync(RoleHouse house, RoleOrder order)
    {
        var now = _clock.GetUtcNow();
        var grant = Grant.RequestAllowed(order.Grant, order.Installation, Some.Request(target: order.Target, scope: order.Scope), now);
        grant.BeginProvisioning(order.Role, now, TimeSpan.FromMinutes(1));
        grant.RoleMade((await house.MakeAsync(order)).Oid, Some.Plan, now);
        grant.Activate(new MessageRef("D0ENGDM01", "1.2"), now);
        grant.Return(grant.State.Requester, now);
        return grant;
    }

    private ServiceProvider Process(IGrantStore store, IRoleAdministrator roles, GhostHunt ghosts) => new ServiceCollection()
        .AddLogging()
        .AddApplication(new Installation(_house.Installation)).AddWarrants()
        .AddSingleton<TimeProvider>(_clock)
        .AddSingleton(store)
        .AddSingleton(roles)
        .AddSingleton<IGhostHunt>(ghosts)
        .AddSingleton<IRoleInventory>(new FakeRoleInventory())
        .AddSingleton<ICredentialDelivery>(new FakeCredentialDelivery())
        .AddFakeSlack()
        .AddFakeEvidence()
        .BuildServiceProvider();
}
