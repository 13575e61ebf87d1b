using System.Collections.Concurrent;
using System.Text.RegularExpressions;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Application.Tests;

/// <summary>The use cases behind the real mediator, with ports in memory and a clock that stands still. Several workers (processes) can share it.</summary>
internal sealed class Stage : IPolicySource, IGrantDispatcher
{
    private readonly ConcurrentQueue<GrantId> _dispatched = new();

    public Stage()
    {
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

    public FakeDirectory Directory { get; } = new();

    public InMemoryAuditTrail Audit { get; } = new();

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
    public Worker Start()
    {
        var gate = new Gate();
        var services = new ServiceCollection();
        services.AddLogging(logging => logging.SetMinimumLevel(LogLevel.Trace).AddProvider(Log));
        services.AddSingleton<TimeProvider>(Clock);
        services.AddSingleton<IGrantStore>(new GatedStore(Store, gate));
        services.AddSingleton<IRoleAdministrator>(new GatedRoles(Roles, gate));
        services.AddSingleton<IRoleInventory>(Inventory);
        services.AddSingleton<ISeal>(Seal);
        services.AddSingleton<ICredentialDelivery>(new GatedDelivery(Delivery, gate));
        services.AddSingleton<IChat>(new GatedChat(Chat, gate));
        services.AddSingleton<IDirectory>(Directory);
        services.AddSingleton<IAuditTrail>(Audit);
        services.AddSingleton<IPolicySource>(this);
        services.AddSingleton<IGrantDispatcher>(this);
        services.AddApplication(new Installation(Some.Installation));
        return new Worker(services.BuildServiceProvider(validateScopes: true).GetRequiredService<IMediator>(), gate);
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

/// <summary>One process.</summary>
internal sealed class Worker(IMediator mediator, Gate gate)
{
    public Gate Gate => gate;

    public Task<T> SendAsync<T>(IRequest<T> request, CancellationToken? cancellationToken = null) => mediator.Send(request, cancellationToken ?? TestContext.Current.CancellationToken);

    public async Task ProvisionAsync(GrantId id, CancellationToken? cancellationToken = null) => Assert.Null((await SendAsync(new ProvisionGrant(id), cancellationToken)).Refusal);

    public async Task<SweepReport> SweepAsync(CancellationToken? cancellationToken = null) => (await SendAsync(new ExpireGrants(), cancellationToken)).Value;

    /// <summary>The step as a process takes it that dies at the given boundary: before its first call to a port (0), after it (1), before the second (2), … False when it came through alive.</summary>
    public async Task<bool> DiesAtAsync(int boundary, Func<Task> step)
    {
        gate.DiesAt = boundary;
        try
        {
            await step();
        }
        catch (Crash)
        {
            // Nobody is left to catch it.
        }

        var died = gate.Dead;
        gate.Revive();
        return died;
    }
}

/// <summary>The process is gone: whatever it still wants to do fails.</summary>
internal sealed class Crash() : Exception("The process died.");

/// <summary>Stands before and behind every call of a worker to a port.</summary>
internal sealed class Gate
{
    private int _passed;

    public int? DiesAt { get; set; }

    public bool Dead { get; private set; }

    /// <summary>Runs at every boundary, with the port's method and whether the call is over.</summary>
    public Func<string, bool, Task>? At { get; set; }

    /// <summary>Set, this grant can be read but not saved.</summary>
    public GrantId? Stuck { get; set; }

    public void Revive()
    {
        (DiesAt, Dead, _passed) = (null, false, 0);
    }

    public async Task<T> PassAsync<T>(string method, Func<Task<T>> call)
    {
        await StopAsync(method, over: false);
        var answer = await call();
        await StopAsync(method, over: true);
        return answer;
    }

    private async Task StopAsync(string method, bool over)
    {
        if (Dead || _passed++ == DiesAt)
        {
            Dead = true;
            throw new Crash();
        }

        if (At is { } stop) await stop(method, over);
    }
}

internal sealed class GatedStore(IGrantStore inner, Gate gate) : IGrantStore
{
    public Task<SaveOutcome> AddAsync(Grant grant, CancellationToken cancellationToken) => gate.PassAsync("Add", () => inner.AddAsync(grant, cancellationToken));

    public Task<SaveOutcome> SaveAsync(Grant grant, CancellationToken cancellationToken) =>
        gate.PassAsync("Save", () => grant.Id == gate.Stuck ? throw new IOException("The record cannot be written.") : inner.SaveAsync(grant, cancellationToken));

    public Task<Grant?> FindAsync(GrantId id, CancellationToken cancellationToken) => gate.PassAsync("Find", () => inner.FindAsync(id, cancellationToken));

    public Task<IReadOnlyList<Grant>> ListDueAsync(DateTimeOffset now, int limit, CancellationToken cancellationToken) => gate.PassAsync("ListDue", () => inner.ListDueAsync(now, limit, cancellationToken));

    public Task<DateTimeOffset?> NextDueAsync(CancellationToken cancellationToken) => inner.NextDueAsync(cancellationToken);

    public Task<IReadOnlyList<Grant>> ListByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken) => inner.ListByRequesterAsync(requester, limit, cancellationToken);

    public Task<IReadOnlyList<Grant>> ListLiveByRequesterAsync(PrincipalId requester, int limit, CancellationToken cancellationToken) => inner.ListLiveByRequesterAsync(requester, limit, cancellationToken);

    public Task<IReadOnlyList<Grant>> ListLiveAsync(DatabaseName? database, int limit, CancellationToken cancellationToken) => inner.ListLiveAsync(database, limit, cancellationToken);

    public Task<IReadOnlyList<GrantEvent>> ListEventsAsync(GrantId id, CancellationToken cancellationToken) => inner.ListEventsAsync(id, cancellationToken);

    public Task<IReadOnlyList<GrantId>> ListLiveIdsAsync(int limit, CancellationToken cancellationToken) => inner.ListLiveIdsAsync(limit, cancellationToken);

    public Task<IReadOnlyDictionary<ClusterName, DateTimeOffset>> ListLatelyEndedAsync(DateTimeOffset since, CancellationToken cancellationToken) => inner.ListLatelyEndedAsync(since, cancellationToken);

    public Task<IReadOnlyDictionary<GrantStatus, long>> CountByStatusAsync(CancellationToken cancellationToken) => inner.CountByStatusAsync(cancellationToken);

    public int CountUnreadable() => inner.CountUnreadable();

    public Task<long> CountQuarantinedAsync(CancellationToken cancellationToken) => inner.CountQuarantinedAsync(cancellationToken);
}

internal sealed class GatedRoles(IRoleAdministrator inner, Gate gate) : IRoleAdministrator
{
    public Task<RoleMaking> MakeAsync(RoleOrder order, Secret password, CancellationToken cancellationToken) => gate.PassAsync("Make", () => inner.MakeAsync(order, password, cancellationToken));

    public Task<RoleRemoval> RemoveAsync(RoleToRemove role, CancellationToken cancellationToken) => gate.PassAsync("RemoveRole", () => inner.RemoveAsync(role, cancellationToken));
}

internal sealed class GatedDelivery(ICredentialDelivery inner, Gate gate) : ICredentialDelivery
{
    public Task<Delivery> DeliverAsync(Grant grant, Credential credential, CancellationToken cancellationToken) => gate.PassAsync("Deliver", () => inner.DeliverAsync(grant, credential, cancellationToken));
}

internal sealed class GatedChat(IChat inner, Gate gate) : IChat
{
    public Task<Post> TellAsync(PrincipalId to, ChatMessage message, CancellationToken cancellationToken) => gate.PassAsync("Tell", () => inner.TellAsync(to, message, cancellationToken));

    public Task<Post> ReplyAsync(ReplyAddress to, ChatMessage message, CancellationToken cancellationToken) => inner.ReplyAsync(to, message, cancellationToken);

    public Task<Post> RemoveAsync(MessageRef message, CancellationToken cancellationToken) => gate.PassAsync("RemoveMessage", () => inner.RemoveAsync(message, cancellationToken));

    public Task<Post> OpenFormAsync(Secret trigger, ChatForm form, CancellationToken cancellationToken) => inner.OpenFormAsync(trigger, form, cancellationToken);

    public Task<Post> RedrawFormAsync(string view, string? hash, ChatForm form, CancellationToken cancellationToken) => inner.RedrawFormAsync(view, hash, form, cancellationToken);
}

/// <summary>Everything that was logged, as it would be written, exceptions and single values included.</summary>
internal sealed class CapturedLog : ILoggerProvider, ILogger
{
    private readonly ConcurrentQueue<string> _lines = new();

    public bool Off { get; set; }

    public IReadOnlyList<string> Lines => [.. _lines];

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => !Off;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        var values = state is IEnumerable<KeyValuePair<string, object?>> pairs ? string.Join(' ', pairs.Select(pair => $"{pair.Key}={pair.Value}")) : "";
        _lines.Enqueue($"{logLevel}: {formatter(state, exception)} {values} {exception}");
    }

    public void Dispose()
    {
    }
}

/// <summary>A policy with one rule of each kind.</summary>
internal static class Policies
{
    public static readonly AccessPolicy Ordinary = new(
        "hash-of-the-policy",
        new[] { "orders", "billing" }.ToDictionary(name => Name(name), name => new PolicyDatabase(
            new DatabaseTarget(Name(name), ClusterName.Parse($"{name}-prod")!, name),
            new Dictionary<string, string>(StringComparer.Ordinal),
            name == "orders" ? [.. new[] { "read", "fix", "migrate", "frozen", "ticketed", "unruled" }.Select(scope => ScopeName.Parse(scope)!)] : [ScopeName.Parse("read")!])),
        new[] { "read", "fix", "migrate", "frozen", "ticketed", "unruled" }.ToDictionary(name => ScopeName.Parse(name)!, name => Some.ReadScope() with
        {
            Name = ScopeName.Parse(name)!,
            RunAs = name == "migrate" ? "orders_owner" : null,
        }),
        new Dictionary<string, PolicyGroup>(StringComparer.Ordinal)
        {
            ["oncall"] = new("oncall", new HashSet<string>(StringComparer.Ordinal), "S0ONCALL1"),
            ["dba"] = new("dba", new HashSet<string>(StringComparer.Ordinal) { Some.Dba.User }, null),
        },
        [new ForbidRule("freeze", new RuleSubject(["everyone"], ["*"], ["frozen"]), null, null)],
        [
            Rule("oncall-read", ["oncall"], "*", "read"),
            Rule("fix-it", ["everyone"], "orders", "fix") with { Approval = new Approval([new ApprovalStage(1, ["dba"])], TimeSpan.FromHours(1), null) },
            Rule("migrations", ["everyone"], "orders", "migrate"),
            Rule("frozen", ["everyone"], "orders", "frozen"),
            Rule("ticketed", ["everyone"], "orders", "ticketed") with { Require = new Requirements(15, new Regex(@"^INC-\d+$", RegexOptions.None, TimeSpan.FromSeconds(1))) },
        ]);

    private static AccessRule Rule(string id, IReadOnlyList<string> who, string database, string scope) => new(
        id, new RuleSubject(who, [database], [scope]),
        new Lifetime(TimeSpan.FromHours(1), TimeSpan.FromHours(4), null, 0, TimeSpan.Zero), new Requirements(0, null), null);

    private static DatabaseName Name(string name) => DatabaseName.Parse(name)!;
}
