using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Principals;
using Xunit;

namespace DbAccess.TestKit.Contracts;

/// <summary>What every audit trail must do.</summary>
public abstract class AuditTrailContract
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>The trail of this test, empty when first opened; a second one over the same data when called again.</summary>
    protected abstract ValueTask<IAuditTrail> OpenAsync();

    /// <summary>Everything that is on the trail, in the order in which it was appended.</summary>
    protected abstract ValueTask<IReadOnlyList<AuditRecord>> ReadAsync();

    [Fact]
    public async Task Records_stand_in_the_order_in_which_they_were_appended()
    {
        var trail = await OpenAsync();
        // Clocks of two processes differ: it is the order of appending that counts.
        AuditRecord[] records =
        [
            new(Some.Now.AddMinutes(2).AddTicks(7), "CreateGrant", new Actor.Person(Some.Engineer), "orders read", "done", "0HN1"),
            new(Some.Now.AddMinutes(1), "ExpireGrants", new Actor.Sweep(), "", "failed", null),
            new(Some.Now.AddMinutes(3), "ApproveGrant", new Actor.Rule("oncall-read"), "K7Q3-MD", "grant.self_approval", ""),
            new(Some.Now.AddMinutes(3), "ApproveGrant", new Actor.Rule("oncall-read"), "K7Q3-MD", "grant.self_approval", ""),
        ];

        foreach (var record in records) await trail.AppendAsync(record, Stop);

        Assert.Equal(records, await ReadAsync());
    }

    [Fact]
    public async Task Hostile_text_is_kept_as_it_is()
    {
        var trail = await OpenAsync();
        var record = new AuditRecord(Some.Now, "CreateGrant", new Actor.Rule(MaximalGrant.HostileText), MaximalGrant.HostileText, "done", MaximalGrant.HostileText);

        await trail.AppendAsync(record, Stop);

        Assert.Equal([record], await ReadAsync());
    }

    [Fact]
    public async Task Nothing_is_lost_when_many_append_at_once()
    {
        IAuditTrail[] trails = [await OpenAsync(), await OpenAsync()];

        await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(() => trails[i % 2].AppendAsync(Record($"{i}"), Stop), Stop)));

        Assert.Equal(Enumerable.Range(0, 64), (await ReadAsync()).Select(record => int.Parse(record.Subject)).Order());
    }

    [Fact]
    public async Task A_cancelled_append_writes_nothing()
    {
        var trail = await OpenAsync();
        await trail.AppendAsync(Record("kept"), Stop);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => trail.AppendAsync(Record("not kept"), new CancellationToken(canceled: true)));

        Assert.Equal(["kept"], (await ReadAsync()).Select(record => record.Subject));
    }

    private static AuditRecord Record(string subject) => new(Some.Now, "CreateGrant", new Actor.Sweep(), subject, "done", null);
}
