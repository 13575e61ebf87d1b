using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Application.Tests.Grants;

/// <summary>What is run on a target is on the grant's record, in the write of what came of it.</summary>
public sealed class RecordedStatementsTests
{
    private static readonly string[] Begun = ["grant.requested", "grant.approved", "grant.provisioning"];

    private readonly Stage _stage = new();
    private int _calls;

    public RecordedStatementsTests() => _stage.Roles.Before = _ =>
    {
        RanStatements.Present!.Add("orders at db:5432", [$"-- call {++_calls};"], 1);
        return Task.CompletedTask;
    };

    [Fact]
    public async Task A_making_is_told_with_the_role_and_once()
    {
        var id = await _stage.GivenAsync();

        Assert.Equal([.. Begun, "grant.statements", "grant.role_made", "grant.activated"], await _stage.StoryAsync(id));
        Assert.Equal(["call 1"], await CallsAsync(id));
    }

    [Fact]
    public async Task A_making_that_is_postponed_is_told_with_that()
    {
        var id = await _stage.AskedAsync();
        _stage.Roles.MakingFails = _ => FakeRoleAdministrator.NotNow();

        await _stage.First.ProvisionAsync(id);

        Assert.Equal([.. Begun, "grant.statements", "grant.step_failed"], await _stage.StoryAsync(id));
    }

    [Fact]
    public async Task A_making_that_throws_is_told_with_the_failure()
    {
        var id = await _stage.AskedAsync();
        _stage.Roles.ThrowAfterMaking = new IOException("lost at COMMIT");

        await _stage.First.ProvisionAsync(id);

        Assert.Equal([.. Begun, "grant.statements", "grant.step_failed"], await _stage.StoryAsync(id));
    }

    [Fact]
    public async Task A_making_that_is_refused_is_told_and_so_is_its_undoing()
    {
        var id = await _stage.AskedAsync();
        _stage.Roles.MakingFails = _ => FakeRoleAdministrator.Impossible();

        await _stage.First.ProvisionAsync(id);

        Assert.Equal(
            [.. Begun, "grant.statements", "grant.abandoned", "grant.step_failed", "grant.statements", "grant.failed"],
            (await _stage.StoryAsync(id)).Where(type => type.StartsWith("grant.", StringComparison.Ordinal)));
        Assert.Equal(["call 1", "call 2"], await CallsAsync(id));
    }

    [Fact]
    public async Task A_making_that_was_revoked_meanwhile_is_told_all_the_same()
    {
        var id = await _stage.AskedAsync();
        WhileMaking(id, grant => Assert.Null(grant.Abandon("revoked", new Actor.Sweep(), _stage.Now).Refusal));

        await _stage.First.ProvisionAsync(id);

        Assert.Equal(["call 1", "call 2"], await CallsAsync(id));
        Assert.Equal(GrantStatus.Failed, _stage.Of(id).Status);
    }

    [Fact]
    public async Task A_making_whose_grant_another_worker_has_by_now_is_told_all_the_same()
    {
        var id = await _stage.AskedAsync();
        WhileMaking(id, grant => Assert.Null(grant.BeginProvisioning(grant.State.Role!, _stage.Now.AddMinutes(1), TimeSpan.FromSeconds(45)).Refusal));

        await _stage.First.ProvisionAsync(id);

        Assert.Equal([.. Begun, "grant.provisioning", "grant.statements"], await _stage.StoryAsync(id));
    }

    [Fact]
    public async Task Every_try_of_a_removal_is_told_and_the_last_before_the_end()
    {
        var id = await _stage.GivenAsync();
        _stage.Clock.Advance(TimeSpan.FromHours(1));
        _stage.Roles.NextRemovals.Enqueue(_ => FakeRoleAdministrator.RemovalNotNow());

        await _stage.First.ProvisionAsync(id);
        _stage.Clock.Advance(TimeSpan.FromMinutes(1));
        await _stage.First.ProvisionAsync(id);

        Assert.Equal(GrantStatus.Ended, _stage.Of(id).Status);
        Assert.Equal(
            ["grant.revoking", "grant.statements", "grant.step_failed", "grant.statements", "grant.ended"],
            (await _stage.StoryAsync(id)).SkipWhile(type => type != "grant.revoking").Where(type => type.StartsWith("grant.", StringComparison.Ordinal)));
        Assert.Equal(["call 1", "call 2", "call 3"], await CallsAsync(id));
    }

    [Fact]
    public async Task Where_the_server_was_not_reached_nothing_is_told()
    {
        _stage.Roles.Before = null;
        var id = await _stage.AskedAsync();
        _stage.Roles.MakingFails = _ => FakeRoleAdministrator.NotNow();

        await _stage.First.ProvisionAsync(id);

        Assert.DoesNotContain(GrantEvent.Statements, await _stage.StoryAsync(id));
    }

    private void WhileMaking(GrantId id, Action<Grant> change) => _stage.First.Gate.At = async boundary =>
    {
        if (boundary is not { Call: "RoleAdministrator.Make", Over: true }) return;

        _stage.First.Gate.At = null;
        var grant = await _stage.Store.FindAsync(id, TestContext.Current.CancellationToken);
        change(grant!);
        Assert.Equal(SaveOutcome.Saved, await _stage.Store.SaveAsync(grant!, TestContext.Current.CancellationToken));
    };

    private async Task<IEnumerable<string>> CallsAsync(GrantId id) =>
        (await _stage.Store.ListEventsAsync(id, TestContext.Current.CancellationToken)).Where(one => one.Type == GrantEvent.Statements)
            .SelectMany(one => one.Note!.Split('\n')).Where(line => line.StartsWith("-- call", StringComparison.Ordinal)).Select(line => line[3..^1]);
}
