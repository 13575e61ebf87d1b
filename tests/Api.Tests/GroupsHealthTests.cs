using DbAccess.Api.Operations;
using DbAccess.Application;
using DbAccess.Application.Databases;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using MediatR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;

namespace DbAccess.Api.Tests;

/// <summary>A user group that cannot be read is named where operators look.</summary>
public sealed class GroupsHealthTests : IPolicySource, IPolicyHealth, IChatHealth, IClusterDoctor, IAdminCredentials, IGrantDispatcher
{
    private readonly FakeDirectory _directory = new FakeDirectory().Group("S0ONCALL1", Some.Engineer);

    public AccessPolicy Current { get; } = AccessPolicy.Nothing with
    {
        Groups = new[] { ("oncall", "S0ONCALL1"), ("release", "S0RELEAS1") }.ToDictionary(
            group => group.Item1, group => new PolicyGroup(group.Item1, new HashSet<string>(StringComparer.Ordinal), group.Item2), StringComparer.Ordinal),
    };

    public IReadOnlyList<string> Oddities => [];

    public string? Rejected => null;

    [Fact]
    public async Task Health_is_degraded_and_names_it()
    {
        var check = new GroupsHealth(new GroupHealth(_directory, this, TimeProvider.System));
        var ill = await check.CheckHealthAsync(new HealthCheckContext(), Stop);
        _directory.Group("S0RELEAS1");
        var well = await new GroupsHealth(new GroupHealth(_directory, this, TimeProvider.System)).CheckHealthAsync(new HealthCheckContext(), Stop);

        Assert.Equal(HealthStatus.Degraded, ill.Status);
        Assert.Contains("release: ", ill.Description, StringComparison.Ordinal);
        Assert.DoesNotContain("oncall: ", ill.Description, StringComparison.Ordinal);
        Assert.Equal(HealthStatus.Healthy, well.Status);
    }

    [Fact]
    public async Task Doctor_fails_and_names_it()
    {
        var services = new ServiceCollection().AddLogging().AddSingleton(TimeProvider.System).AddApplication(new Installation(Some.Installation))
            .AddSingleton<IPolicySource>(this).AddSingleton<IPolicyHealth>(this).AddSingleton<IChatHealth>(this).AddSingleton<IClusterDoctor>(this).AddSingleton<IAdminCredentials>(this)
            .AddSingleton<IGrantDispatcher>(this).AddSingleton<IDirectory>(_directory).AddSingleton<IGrantStore>(new InMemoryGrantStore()).AddFakeEvidence()
            .AddSingleton<IRoleInventory>(new FakeRoleInventory()).AddSingleton<IRoleAdministrator>(new FakeRoleAdministrator(TimeProvider.System)).AddSingleton<ISeal>(new FakeSeal());
        await using var provider = services.BuildServiceProvider();
        var mediator = provider.GetRequiredService<IMediator>();

        var check = Assert.Single((await mediator.Send(new ExamineClusters(), Stop)).Value.Checks, check => check.Name == "slack.groups");

        Assert.Equal(Health.Fail, check.Health);
        Assert.Contains("Group release:", check.What, StringComparison.Ordinal);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    Task<Result> IChatHealth.CheckAsync(CancellationToken cancellationToken) => Task.FromResult(Result.Done);

    Task<IReadOnlyList<Check>> IClusterDoctor.ExamineAsync(ClusterName cluster, string installation, IReadOnlyList<DatabaseToExamine> databases, CancellationToken cancellationToken) => throw new InvalidOperationException("There is no cluster.");

    Task<Result<AdminCredential>> IAdminCredentials.FindAsync(ClusterName cluster, bool fresh, CancellationToken cancellationToken) => throw new InvalidOperationException("There is no cluster.");

    void IGrantDispatcher.Dispatch(Domain.Grants.GrantId id) => throw new InvalidOperationException("There is no grant.");
}
