using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain.Policies;
using DbAccess.TestKit;
using DbAccess.TestKit.Fakes;
using Microsoft.Extensions.Time.Testing;

namespace DbAccess.Application.Tests.Grants;

public sealed class GroupHealthTests : IPolicySource
{
    private readonly FakeDirectory _directory = new FakeDirectory().Group("S0ONCALL1", Some.Engineer);
    private readonly FakeTimeProvider _clock = new(Some.Now);

    public AccessPolicy Current { get; set; } = Policies.Ordinary with { Groups = Groups(("oncall", "S0ONCALL1"), ("gone", "S0GONE001"), ("dba", null)) };

    [Fact]
    public async Task A_group_that_cannot_be_read_is_named_until_it_can_be_read_or_is_in_no_policy()
    {
        var health = new GroupHealth(_directory, this, _clock);

        Assert.Equal("gone", Assert.Single(await health.ListAsync(Stop)).Name);

        _directory.Group("S0GONE001");
        Assert.Single(await health.ListAsync(Stop));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Empty(await health.ListAsync(Stop));

        // What could be read is asked again too, later.
        _directory.IsDown();
        Assert.Empty(await health.ListAsync(Stop));
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(["gone", "oncall"], (await health.ListAsync(Stop)).Select(group => group.Name));
        Current = Policies.Ordinary with { Groups = Groups(("dba", null)) };
        Assert.Empty(await health.ListAsync(Stop));
    }

    [Fact]
    public async Task What_a_request_found_out_is_known_at_once()
    {
        var stage = new Stage();
        stage.Current = stage.Current with { Groups = Groups(("oncall", "S0ONCALL1")) };
        Assert.Empty(await stage.First.Groups.ListAsync(Stop));
        stage.Directory.Ungroup("S0ONCALL1");
        Assert.Empty(await stage.First.Groups.ListAsync(Stop));

        await stage.First.SendAsync(Stage.Ask());

        Assert.Equal("oncall", Assert.Single(await stage.First.Groups.ListAsync(Stop)).Name);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static Dictionary<string, PolicyGroup> Groups(params (string Name, string? Usergroup)[] groups) =>
        groups.ToDictionary(group => group.Name, group => new PolicyGroup(group.Name, new HashSet<string>(StringComparer.Ordinal), group.Usergroup), StringComparer.Ordinal);
}
