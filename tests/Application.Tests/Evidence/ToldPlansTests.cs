using DbAccess.Application.Evidence;
using DbAccess.TestKit;

namespace DbAccess.Application.Tests.Evidence;

/// <summary>What a plan gives is on the log once, with the first role that was made by it.</summary>
public sealed class ToldPlansTests : IDisposable
{
    private readonly Stage _stage = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _stage.Signer.Dispose();

    [Fact]
    public async Task With_the_first_role_of_it_and_with_no_other_of_this_process_or_the_next()
    {
        _stage.Roles.Gives = ["select on table public.orders in orders"];
        var first = await _stage.GivenAsync();
        var second = await _stage.GivenAsync(requester: Some.OtherEngineer);
        await _stage.First.SendAsync(new SequenceEvents());

        Assert.Contains("\"gives\":[\"select on table public.orders in orders\"]", await MadeAsync(first), StringComparison.Ordinal);
        Assert.DoesNotContain("\"gives\"", await MadeAsync(second), StringComparison.Ordinal);
        Assert.Equal("told", await _stage.Audit.ReadMarkAsync($"plan:{_stage.Of(first).Plan!.Hash}", Stop));
        // No part of the grant itself, which is written with everything that happens.
        Assert.Null(_stage.Of(first).Plan!.Gives);
    }

    [Fact]
    public async Task More_than_is_kept_is_left_out()
    {
        var id = await _stage.GivenAsync();
        await _stage.First.SendAsync(new SequenceEvents());

        Assert.DoesNotContain("\"gives\"", await MadeAsync(id), StringComparison.Ordinal);
    }

    private async Task<string> MadeAsync(Domain.Grants.GrantId id) => (await _stage.Audit.ReadGrantAsync(id, Stop).ToListAsync(Stop))
        .Select(placed => placed.Body!.Json).Single(json => json.Contains("\"type\":\"grant.role_made\"", StringComparison.Ordinal));
}
