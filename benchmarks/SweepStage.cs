using Amazon.DynamoDBv2;
using Amazon.Runtime;
using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Application.Reconciling;
using DbAccess.Application.Steps;
using DbAccess.Demo;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure;
using DbAccess.Infrastructure.Files;
using DbAccess.Infrastructure.Policies;
using DbAccess.Infrastructure.Stores;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using MediatR;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Benchmarks;

/// <summary>The use cases on a real store, with clusters and Slack in memory and a clock that is set by hand: what is measured is the store's part.</summary>
internal sealed class SweepStage : IAsyncDisposable
{
    private readonly ServiceProvider _services;

    private SweepStage(ServiceProvider services, FakeTimeProvider clock) => (_services, Clock) = (services, clock);

    public FakeTimeProvider Clock { get; }

    public IMediator Mediator => _services.GetRequiredService<IMediator>();

    public IGrantStore Store => _services.GetRequiredService<IGrantStore>();

    public IInbox Inbox => _services.GetRequiredService<IInbox>();

    public T Get<T>()
        where T : notnull => _services.GetRequiredService<T>();

    public static SweepStage OnSqlite(string directory) => Build(new() { ["Grants:Sqlite:Path"] = Path.Combine(directory, "dbaccess.db") }, _ => { });

    public static async Task<SweepStage> OnDynamoDbAsync(Uri endpoint, string table)
    {
        var stage = Build(new() { ["Grants:Store"] = "DynamoDb", ["Grants:DynamoDb:Table"] = table }, services => services.AddSingleton<IAmazonDynamoDB>(new AmazonDynamoDBClient(
            new BasicAWSCredentials("AKIDBENCH", "not-a-secret"),
            new AmazonDynamoDBConfig { ServiceURL = endpoint.ToString(), AuthenticationRegion = "eu-west-1", Timeout = TimeSpan.FromMinutes(2), MaxErrorRetry = 0 })));
        await stage.Get<IStoreSetup>().CreateAsync(CancellationToken.None);
        return stage;
    }

    /// <summary>Grants in use until then.</summary>
    public async Task AddAsync(int count, DateTimeOffset expiry)
    {
        for (var i = 0; i < count; i++)
        {
            var grant = Some.Active(expiry - TimeSpan.FromHours(1), TimeSpan.FromHours(1));
            await Store.AddAsync(grant, CancellationToken.None);
        }
    }

    public async Task<SweepReport> SweepAsync() => (await Mediator.Send(new SweepGrants())).Value;

    /// <summary>What the function for the sweep does with each event: the sweep, what alarms look at, and the cheap comparison with the clusters.</summary>
    public async Task<SweepReport> HandleEventAsync()
    {
        var swept = await SweepAsync();
        await Store.CountQuarantinedAsync(CancellationToken.None);
        await Lateness.LongestAsync(Store, Clock.GetUtcNow(), CancellationToken.None);
        var drift = (await Mediator.Send(new ReconcileRoles(Reach: ReconcileReach.BusyCheaply))).Value;
        return drift.Lines.Count == 0 ? swept : throw new InvalidOperationException($"The comparison found something: {drift.Lines[0]}");
    }

    /// <summary>The roles of the grants that are live now stand on the cluster, so that a comparison finds nothing.</summary>
    public async Task PutRolesThereAsync()
    {
        var roles = Get<FakeRoleInventory>().Roles;
        roles.Clear();
        foreach (var grant in (await Store.ListLiveAsync(null, int.MaxValue, CancellationToken.None)).Select(grant => grant.State))
        {
            List<RoleLink> scopes = [.. RoleName.ForScopes(grant.Installation, grant.Scope, grant.Target).Select((role, i) => new RoleLink((uint)(16_400 + i), role.Value, FakeRoleInventory.Administrator))];
            roles.Add(new FoundRole(grant.RoleOid!.Value, grant.Role!.Value, new RoleMark.Login(grant.Id, grant.Target.Database, grant.Window!.Expiry), true, true, false, null, [], scopes, []));
        }
    }

    public ValueTask DisposeAsync() => _services.DisposeAsync();

    private static SweepStage Build(Dictionary<string, string?> stores, Action<IServiceCollection> more)
    {
        var settings = new Settings(new ConfigurationBuilder().AddInMemoryCollection(stores).Build());
        var clock = new FakeTimeProvider(Some.Now);
        var services = new ServiceCollection();
        services.AddLogging();
        services.AddSingleton<TimeProvider>(clock);
        services.AddApplication(new Installation(Some.Installation)).AddWarrants();
        services.AddStores(settings).AddPolicyFile(settings, Path.Combine(Repository.Root, "policy", "access-policy.yaml"));
        services.AddSingleton<IPolicySource>(provider => provider.GetRequiredService<WatchedPolicy>());
        services.AddSingleton<IRoleAdministrator>(new ToldStatements(new FakeRoleAdministrator(clock)));
        services.AddSingleton<ICredentialDelivery>(new FakeCredentialDelivery());
        services.AddFakeSlack();
        services.AddSingleton(new FakeRoleInventory());
        services.AddSingleton<IRoleInventory>(provider => provider.GetRequiredService<FakeRoleInventory>());
        services.AddSingleton<IDirectory>(new FakeDirectory().Group("S0ONCALL1", Some.Engineer).Named(Some.Engineer, "erin"));
        services.AddSingleton<IGrantDispatcher>(new Nobody());
        services.AddSingleton<ICheckpointSigner>(new FakeSigner());
        more(services);
        return settings.Faults.Count == 0 ? new SweepStage(services.BuildServiceProvider(), clock) : throw new InvalidOperationException(string.Join(' ', settings.Faults));
    }

    private sealed class Nobody : IGrantDispatcher
    {
        public void Dispatch(GrantId id)
        {
        }
    }
}
