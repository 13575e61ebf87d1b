using System.Collections.Concurrent;
using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Application.Home;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using DbAccess.TestKit.Faults;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Application.Tests;

/// <summary>The use cases behind the real mediator, with ports in memory and a clock that stands still. Several workers (processes) can share it.</summary>
internal sealed class Stage : IPolicySource, IGrantDispatcher
{
    private readonly ConcurrentQueue<GrantId> _dispatched = new();
    private readonly RevealTerms? _reveal;

    /// <param name="reveal">Passwords are shown instead of sent.</param>
    public Stage(RevealTerms? reveal = null)
    {
        _reveal = reveal;
        Roles = new FakeRoleAdministrator(Clock);
        Directory.Group("S0ONCALL1", Some.Engineer, Some.OtherEngineer);
        Directory.Named(Some.Engineer, "erin");
        First = Start();
    }

    public FakeTimeProvider Clock { get; } = new(Some.Now);

    public InMemoryGrantStore Store { get; } = new();

    public FakeRoleAdministrator Roles { get; }

    public FakeRoleInventory Inventory { get; } = new();

    public FakeCredentialDelivery Delivery { get; } = new();

    public FakeChat Chat { get; } = new();

    public FakeCards Cards { get; } = new();

    public FakeHome Home { get; } = new();

    public FakeDirectory Directory { get; } = new();

    public FakePolicyHealth Health { get; } = new();

    public InMemoryEvidenceLog Audit { get; } = new();

    public FakeSigner Signer { get; } = new();

    /// <summary>Where checkpoints are posted; null for nowhere.</summary>
    public string? WitnessChannel { get; init; }

    /// <summary>Where the card of who has access now is kept; null for nowhere.</summary>
    public string? NowChannel { get; set; }

    /// <summary>Where complete days are exported to; null for nowhere.</summary>
    public IExportPlace? Export { get; init; }

    public FakeSeal Seal { get; } = new();

    public CapturedLog Log { get; } = new();

    public AccessPolicy Current { get; set; } = Policies.Ordinary;

    /// <summary>No policy could be used since the start.</summary>
    public bool WithoutPolicy { get; set; }

    public Error? Missing => WithoutPolicy ? new Error("policy.none", "There is none.") : null;

    public Worker First { get; }

    public IReadOnlyList<GrantId> Dispatched => [.. _dispatched];

    public DateTimeOffset Now => Clock.GetUtcNow();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Another process on the same store, server and chat.</summary>
    public Worker Start() => Start(Audit);

    /// <summary>One whose clock goes behind.</summary>
    public Worker StartBehind(TimeSpan by) => Start(Audit, new FakeTimeProvider(Now - by));

    /// <summary>One whose evidence log has a will of its own.</summary>
    internal Worker Start<T>(T evidence, TimeProvider? clock = null)
        where T : IAuditTrail, IEvidenceLog
    {
        var gate = new Gate();
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(Log));
        services.AddSingleton(clock ?? Clock);
        services.AddSingleton(Gated<IGrantStore>.Of(Store, gate));
        services.AddSingleton(Gated<IGrantRetention>.Of(Store, gate));
        services.AddSingleton(Gated<IRoleAdministrator>.Of(Roles, gate));
        services.AddSingleton(Gated<IRoleInventory>.Of(Inventory, gate));
        services.AddSingleton(Gated<ISeal>.Of(Seal, gate));
        services.AddSingleton(Gated<ICredentialDelivery>.Of(Delivery, gate));
        services.AddSingleton(Gated<IChat>.Of(Chat, gate));
        services.AddSingleton(Gated<ICards>.Of(Cards, gate));
        services.AddSingleton(Gated<IHome>.Of(Home, gate));
        services.AddSingleton(Gated<IDirectory>.Of(Directory, gate));
        services.AddSingleton(Gated<IAuditTrail>.Of(evidence, gate));
        services.AddSingleton(Gated<IEvidenceLog>.Of(evidence, gate));
        services.AddSingleton(Gated<ICheckpointSigner>.Of(Signer, gate));
        services.AddSingleton<IGhostHunt>(new NoGhosts());
        services.AddSingleton(new EvidenceTerms(WatchedAtOnce: 1_000));
        services.AddSingleton(_ => new WitnessTerms(WitnessChannel));
        services.AddTransient(_ => new NowTerms(NowChannel));
        services.AddSingleton(_ => new ExportTerms(Export is null ? null : Gated<IExportPlace>.Of(Export, gate), TimeSpan.FromDays(400)));
        Store.Evidence = Audit;
        services.AddSingleton(Gated<IPolicySource>.Of(this, gate));
        services.AddSingleton(Gated<IPolicyHealth>.Of(Health, gate));
        services.AddSingleton(Gated<IGrantDispatcher>.Of(this, gate));
        if (_reveal is not null) services.AddSingleton(_reveal);
        services.AddApplication(new Installation(Some.Installation));
        var provider = services.BuildServiceProvider(validateScopes: true);
        return new Worker(provider.GetRequiredService<IMediator>(), gate)
        {
            Groups = provider.GetRequiredService<GroupHealth>(), Watch = provider.GetRequiredService<LogWatch>(),
        };
    }

    public void Dispatch(GrantId id) => _dispatched.Enqueue(id);

    public static CreateGrant Ask(string scope = "read", string? key = null, PrincipalId? requester = null, TimeSpan? duration = null, string reason = "INC-4711 stuck orders", string database = "orders") =>
        new(key ?? Guid.NewGuid().ToString("N"), requester ?? Some.Engineer, new AccessWish(DatabaseName.Parse(database)!, ScopeName.Parse(scope)!, duration, reason) { Another = true });

    /// <summary>A grant that was asked for and is still to be made.</summary>
    public async Task<GrantId> AskedAsync(TimeSpan? duration = null, PrincipalId? requester = null, string database = "orders")
    {
        var filed = await First.SendAsync(Ask(requester: requester, duration: duration, database: database));
        Assert.Null(filed.Refusal);
        return filed.Value.Id;
    }

    /// <summary>A grant in use.</summary>
    public async Task<GrantId> GivenAsync(TimeSpan? duration = null, PrincipalId? requester = null, string database = "orders")
    {
        var id = await AskedAsync(duration, requester, database);
        await First.ProvisionAsync(id);
        Assert.Equal(GrantStatus.Active, Of(id).Status);
        return id;
    }

    /// <summary>A record that can be read and not written, for <see cref="Gate.At"/>.</summary>
    public static Func<Boundary, Task> CannotBeSaved(GrantId id) => boundary =>
        boundary is { Call: "GrantStore.Save", Over: false, Arguments: [Grant grant, ..] } && grant.Id == id
            ? throw new IOException("The record cannot be written.") : Task.CompletedTask;

    public GrantSnapshot Of(GrantId id) => Store.Stored.Single(grant => grant.Id == id);

    public async Task<IReadOnlyList<string>> StoryAsync(GrantId id) => [.. (await Store.ListEventsAsync(id, Cancellation)).Select(e => e.Type)];

    /// <summary>Whether what was sent to the holder opens the role of the grant now.</summary>
    public bool HolderCanLogIn(GrantId id) => Delivery.Delivered.Where(sent => sent.Grant == id).Select(sent => sent.Credential).LastOrDefault() is { } credential
        && Roles.CanLogIn(credential.Role, credential.Password.Reveal());

    /// <summary>Lets time pass from one due thing to the next, and takes each, until nothing is due before <paramref name="until"/>.</summary>
    public async Task SettleAsync(Worker worker, DateTimeOffset until)
    {
        for (var turn = 0; turn < 2_000; turn++)
        {
            if (await Store.NextDueAsync(Cancellation) is not { } due || due > until) return;
            if (due > Now) Clock.SetUtcNow(due);
            foreach (var grant in await Store.ListDueAsync(Now, 1_000, Cancellation)) await worker.ProvisionAsync(grant.Id);
        }

        Assert.Fail("It does not settle.");
    }
}
