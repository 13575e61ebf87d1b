using DbAccess.Application.Databases;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using MediatR;
using Microsoft.Extensions.DependencyInjection;

namespace DbAccess.Application.Tests;

/// <summary>What <c>doctor</c> says about Slack: of no cluster is anything known here.</summary>
public sealed class ExamineClustersTests : IClusterDoctor, IAdminCredentials, IPolicyHealth, IChatHealth
{
    private readonly Stage _stage = new();
    private Error? _slack;

    public IReadOnlyList<string> Oddities => [];

    public string? Rejected => null;

    [Fact]
    public async Task Each_user_group_of_the_policy_is_asked_for()
    {
        var check = Assert.Single(await GroupsAsync());

        Assert.Equal((Health.Ok, "The user groups of the policy (1) can be read."), (check.Health, check.What));
    }

    [Fact]
    public async Task A_group_that_cannot_be_read_fails_and_says_what_to_do()
    {
        _stage.Current = Policies.Ordinary with
        {
            Groups = Policies.Ordinary.Groups.ToDictionary(
                group => group.Key, group => group.Key == "oncall" ? group.Value with { SlackUsergroup = "S0NOWHERE" } : group.Value, StringComparer.Ordinal),
        };

        var check = Assert.Single(await GroupsAsync());

        Assert.Equal(Health.Fail, check.Health);
        Assert.Contains("S0NOWHERE", check.What, StringComparison.Ordinal);
        Assert.NotNull(check.Mend);
    }

    [Fact]
    public async Task That_Slack_does_not_answer_is_said_once()
    {
        _slack = new Error("slack.unhealthy", "Slack answered invalid_auth to auth.test.");
        _stage.Directory.IsDown();

        Assert.Equal("Slack answered invalid_auth to auth.test.", Assert.Single(await ExamineAsync(), check => check.About == "slack").What);
    }

    [Fact]
    public async Task Without_a_policy_there_are_no_groups_to_ask_for()
    {
        _stage.WithoutPolicy = true;

        Assert.Empty(await GroupsAsync());
    }

    public Task<Result> CheckAsync(CancellationToken cancellationToken) => Task.FromResult(_slack is { } refusal ? refusal : Result.Done);

    public Task<Result<AdminCredential>> FindAsync(ClusterName cluster, bool fresh, CancellationToken cancellationToken) =>
        Task.FromResult(Result<AdminCredential>.Refuse(new Error("credentials.missing", "There are none.")));

    public Task<IReadOnlyList<Check>> ExamineAsync(
        ClusterName cluster, string installation, IReadOnlyList<DatabaseToExamine> databases, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<Check>>([]);

    private async Task<IReadOnlyList<Check>> GroupsAsync() => [.. (await ExamineAsync()).Where(check => check.Name == "slack.groups")];

    private async Task<IReadOnlyList<Check>> ExamineAsync()
    {
        await using var services = new ServiceCollection().AddLogging().AddApplication(new Installation(Some.Installation))
            .AddSingleton<TimeProvider>(_stage.Clock).AddFakeSlack()
            .AddSingleton<IClusterDoctor>(this).AddSingleton<IAdminCredentials>(this).AddSingleton<IPolicyHealth>(this).AddSingleton<IChatHealth>(this)
            .AddSingleton<IDirectory>(_stage.Directory).AddSingleton<IPolicySource>(_stage).AddSingleton<IGrantDispatcher>(_stage)
            .AddSingleton<IGrantStore>(_stage.Store).AddSingleton<IRoleAdministrator>(_stage.Roles).AddSingleton<IRoleInventory>(_stage.Inventory)
            .AddSingleton<ISeal>(_stage.Seal).AddSingleton<ICredentialDelivery>(_stage.Delivery).AddFakeEvidence(_stage.Audit)
            .BuildServiceProvider();
        return (await services.GetRequiredService<IMediator>().Send(new ExamineClusters(), TestContext.Current.CancellationToken)).Value.Checks;
    }
}
