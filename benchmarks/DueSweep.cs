using System.Diagnostics;
using DbAccess.Application;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using DbAccess.TestKit.Postgres;
using MediatR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace DbAccess.Benchmarks;

/// <summary>The real sweep over a real store (SQLite, waiting for the disk) with so many grants whose end has come, each with its role on the server. Only Slack is stood in for.</summary>
internal sealed class DueSweep : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("dbaccess-bench-").FullName;
    private readonly ServiceProvider _services;
    private readonly Watched _administrator;

    private DueSweep(IRoleAdministrator administrator)
    {
        _administrator = new Watched(administrator);
        Way = new ProductWay(_administrator);
        var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["Grants:Sqlite:Path"] = Path.Combine(_directory, "dbaccess.db") }).Build());
        var services = new ServiceCollection();
        services.AddLogging().AddSingleton(TimeProvider.System).AddApplication(new Installation(Some.Installation)).AddWarrants().AddStores(settings)
            .AddSingleton<IRoleAdministrator>(_administrator).AddFakeSlack().AddSingleton<ICredentialDelivery>(new FakeCredentialDelivery()).AddSingleton<IRoleInventory>(new FakeRoleInventory());
        _services = services.BuildServiceProvider();
    }

    /// <summary>Through the same connections as the sweep: who asks for a new grant stands in the same line.</summary>
    public IRoleWay Way { get; }

    /// <summary>From the start of the sweep until the last of its roles was proved gone.</summary>
    public TimeSpan LastGone { get; private set; }

    private int _count;

    public static async Task<DueSweep> PrepareAsync(RoleServer server, TestDatabase database, int count)
    {
        var sweep = new DueSweep(server.Administrator());
        sweep._count = count;
        var store = sweep._services.GetRequiredService<IGrantStore>();
        var created = DateTimeOffset.UtcNow.AddHours(-2);
        await Parallel.ForEachAsync(Enumerable.Range(0, count), new ParallelOptions { MaxDegreeOfParallelism = 8 }, async (_, token) =>
        {
            var grant = Grant.RequestAllowed(GrantId.New(), Some.Installation, Some.Request(TimeSpan.FromHours(1), target: Some.Target(database.Name)), created);
            var role = RoleName.ForGrant(Some.Installation, grant.Id, "erin");
            var order = RoleServer.Order(database) with { Grant = grant.Id, Role = role };
            var made = (RoleMaking.Made)await sweep._administrator.MakeAsync(order, RoleServer.Password, token);
            Done(grant.BeginProvisioning(role, created, TimeSpan.FromMinutes(1)));
            Done(grant.RoleMade(made.Oid, Some.Plan, created));
            Done(grant.Activate(new MessageRef("D0ENGDM01", "1767225601.000200"), created));
            await store.AddAsync(grant, token);
        });
        return sweep;
    }

    public async Task RunAsync()
    {
        var started = Stopwatch.GetTimestamp();
        var report = (await _services.GetRequiredService<IMediator>().Send(new SweepGrants())).Value;
        LastGone = Stopwatch.GetElapsedTime(started, _administrator.LastGone);
        if (report.Count(StepOutcome.Ended) != _count || report.Failed.Count > 0) throw new InvalidOperationException($"The sweep did not end all {_count}: {report}");
    }

    public async ValueTask DisposeAsync()
    {
        await _services.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private static void Done(Domain.Result result)
    {
        if (result.Refusal is { } refusal) throw new InvalidOperationException(refusal.Message);
    }

    /// <summary>Notes when the last removal was proved.</summary>
    private sealed class Watched(IRoleAdministrator inner) : IRoleAdministrator
    {
        private long _lastGone;

        public long LastGone => Interlocked.Read(ref _lastGone);

        public Task<RoleMaking> MakeAsync(RoleOrder order, Domain.Secret password, CancellationToken cancellationToken) => inner.MakeAsync(order, password, cancellationToken);

        public Task<Domain.Result> MoveEndAsync(RoleToRemove role, DateTimeOffset expiry, CancellationToken cancellationToken) => inner.MoveEndAsync(role, expiry, cancellationToken);

        public Task<OpenSessions> CountOpenAsync(RoleToRemove role, CancellationToken cancellationToken) => inner.CountOpenAsync(role, cancellationToken);

        public Task<IReadOnlyDictionary<Domain.Grants.GrantId, OpenSessions>> ListOpenAsync(Domain.Databases.ClusterName cluster, IReadOnlyList<RoleToRemove> those, CancellationToken cancellationToken) =>
            inner.ListOpenAsync(cluster, those, cancellationToken);

        public Task<Domain.Result> SetPasswordAsync(RoleToRemove role, Domain.Secret password, CancellationToken cancellationToken) => inner.SetPasswordAsync(role, password, cancellationToken);

        public async Task<RoleRemoval> RemoveAsync(RoleToRemove role, CancellationToken cancellationToken)
        {
            var removal = await inner.RemoveAsync(role, cancellationToken);
            if (removal is RoleRemoval.Gone) Interlocked.Exchange(ref _lastGone, Stopwatch.GetTimestamp());
            return removal;
        }
    }
}
