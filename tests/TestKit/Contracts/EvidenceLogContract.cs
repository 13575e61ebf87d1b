using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using Xunit;

namespace DbAccess.TestKit.Contracts;

/// <summary>What every store must do of events that belong to no grant's state, and of giving all of them their places.</summary>
public abstract class EvidenceLogContract
{
    private static readonly byte[] AnyHash = MerkleTree.LeafHash([1]);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>The log of this test, empty when first opened; a second one over the same data when called again.</summary>
    protected abstract ValueTask<(IAuditTrail Trail, IEvidenceLog Log, IGrantStore Grants)> OpenAsync();

    /// <summary>What the store's clock says.</summary>
    protected virtual DateTimeOffset Now => Some.Now;

    [Fact]
    public async Task What_was_recorded_waits_for_its_place_as_it_is()
    {
        var (trail, log, _) = await OpenAsync();
        var happened = Attempt("orders/read") with
        {
            By = new Actor.Rule(MaximalGrant.HostileText), Rule = MaximalGrant.HostileText,
            What = [new Fact.Text("subject", MaximalGrant.HostileText), new Fact.Sealed("note", MaximalGrant.HostileText)],
        };

        await trail.RecordAsync(happened, Stop);

        var waiting = Assert.Single(await log.ListUnplacedAsync(10, Stop));
        var again = EventBody.Of(happened);
        // The salts differ each time; all else is the same.
        Assert.Equal(Unsalted(again.Json), Unsalted(waiting.Body.Json));
        Assert.Contains("\"value\":", waiting.Body.Open, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_lost_when_many_record_at_once()
    {
        (IAuditTrail Trail, IEvidenceLog Log, IGrantStore Grants)[] houses = [await OpenAsync(), await OpenAsync()];

        await Task.WhenAll(Enumerable.Range(0, 64).Select(i => Task.Run(() => houses[i % 2].Trail.RecordAsync(Attempt($"s{i}"), Stop), Stop)));

        Assert.Equal(64, (await houses[0].Log.ListUnplacedAsync(100, Stop)).Select(one => one.Body.Json).Distinct().Count());
        Assert.Equal(64, (await houses[1].Log.CountUnplacedAsync(Stop)).Events);
    }

    [Fact]
    public async Task A_cancelled_record_writes_nothing()
    {
        var (trail, log, _) = await OpenAsync();
        await trail.RecordAsync(Attempt("kept"), Stop);

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => trail.RecordAsync(Attempt("not"), new CancellationToken(canceled: true)));

        Assert.Single(await log.ListUnplacedAsync(10, Stop));
    }

    [Fact]
    public async Task A_grants_events_wait_with_the_save_that_they_tell_of_and_in_their_order()
    {
        var (_, log, grants) = await OpenAsync();
        var grant = Some.Allowed(Now);
        Assert.Equal(SaveOutcome.Saved, await grants.AddAsync(grant, Stop));
        var loser = (await grants.FindAsync(grant.Id, Stop))!;
        Assert.Null(grant.Abandon("first", new Actor.Sweep(), Now).Refusal);
        Assert.Equal(SaveOutcome.Saved, await grants.SaveAsync(grant, Stop));
        Assert.Null(loser.Abandon("second", new Actor.Sweep(), Now).Refusal);
        Assert.Equal(SaveOutcome.LostRace, await grants.SaveAsync(loser, Stop));

        var waiting = await log.ListUnplacedAsync(10, Stop);

        Assert.Equal(["grant.requested", "grant.approved", "grant.abandoned"], waiting.Select(one => TypeOf(one.Body)));
        Assert.Equal((await grants.ListEventsAsync(grant.Id, Stop)).Select(happened => happened.Type), waiting.Select(one => TypeOf(one.Body)));
    }

    [Fact]
    public async Task Places_are_given_once_and_read_back_in_order()
    {
        var (trail, log, grants) = await OpenAsync();
        var grant = Some.Allowed(Now);
        await grants.AddAsync(grant, Stop);
        await trail.RecordAsync(Attempt("other"), Stop);
        await trail.RecordAsync(Attempt(grant.Id.ToString()) with { Grant = grant.Id }, Stop);

        var end = await AppendAsync(log, "one");
        await trail.RecordAsync(Attempt("later"), Stop);
        await AppendAsync(log, "two");

        Assert.Empty(await log.ListUnplacedAsync(10, Stop));
        var (_, fresh, _) = await OpenAsync();
        Assert.Empty(await fresh.ListUnplacedAsync(10, Stop));
        var all = await fresh.ReadAsync(0, Stop).ToListAsync(Stop);
        Assert.Equal([0, 1, 2, 3, 4], all.Select(one => one.Place));
        Assert.All(all, one => Assert.Equal(MerkleTree.LeafHash(Leaf(one.Body!, one.Place)), one.Hash));
        Assert.Equal([3, 4], (await fresh.ReadAsync(3, Stop).ToListAsync(Stop)).Select(one => one.Place));
        Assert.Equal(3, (await fresh.ReadGrantAsync(grant.Id, Stop).ToListAsync(Stop)).Count);
        Assert.Equal(["one", "two"], await fresh.ReadCheckpointsAsync(0, Stop).ToListAsync(Stop));
        Assert.Equal(["one", "two"], await fresh.ReadCheckpointsAsync(3, Stop).ToListAsync(Stop));
        Assert.Equal(["two"], await fresh.ReadCheckpointsAsync(4, Stop).ToListAsync(Stop));
        Assert.Empty(await fresh.ReadCheckpointsAsync(5, Stop).ToListAsync(Stop));
        Assert.Equal("two", (await fresh.ReadEndAsync(Stop)).Checkpoint);
        Assert.Equal(5, TreeHead.Read((await fresh.ReadEndAsync(Stop)).Head!)!.Size);
        Assert.True(end.Version > 0);
    }

    /// <summary>What a repair asks of it, from an end that was edited by hand.</summary>
    [Fact]
    public async Task After_going_back_what_stood_past_it_waits_again_and_the_log_goes_on_from_there()
    {
        var (trail, log, _) = await OpenAsync();
        foreach (var subject in (string[])["a", "b", "c"]) await trail.RecordAsync(Attempt(subject), Stop);
        await AppendAsync(log, 0, Note(3));
        var kept = await log.ReadEndAsync(Stop);
        foreach (var subject in (string[])["d", "e"]) await trail.RecordAsync(Attempt(subject), Stop);
        var bodies = (await log.ListUnplacedAsync(10, Stop)).Select(one => one.Body).ToList();
        await AppendAsync(log, 3, Note(5));

        for (var again = 0; again < 2; again++) await log.GoBackAsync(kept with { Version = 0 }, 3, Now, Stop);

        var end = await log.ReadEndAsync(Stop);
        Assert.Equal((kept.Head, kept.Checkpoint), (end.Head, end.Checkpoint));
        Assert.Equal([0, 1, 2], (await log.ReadAsync(0, Stop).ToListAsync(Stop)).Select(one => one.Place));
        Assert.Equal([kept.Checkpoint!], await log.ReadCheckpointsAsync(0, Stop).ToListAsync(Stop));
        Assert.Equal(bodies, (await log.ListUnplacedAsync(10, Stop)).Select(one => one.Body));
        await AppendAsync(log, 3, Note(5));
        Assert.Equal([0, 1, 2, 3, 4], (await log.ReadAsync(0, Stop).ToListAsync(Stop)).Select(one => one.Place));
        Assert.Equal(bodies, (await log.ReadAsync(3, Stop).ToListAsync(Stop)).Select(one => one.Body));
    }

    private string Note(long size) => SignedCheckpoint.Of(new Checkpoint("dbaccess/test", size, AnyHash, Now), new byte[4], [1]).Note();

    private async Task AppendAsync(IEvidenceLog log, long first, string note)
    {
        var (end, waiting) = (await log.ReadEndAsync(Stop), await log.ListUnplacedAsync(10, Stop));
        Assert.True(await log.TryAppendAsync(end, first, [.. waiting.Select(one => (one, AnyHash))], new LogEnd(end.Version + 1, $"head {first + waiting.Count}", note), Now, Stop));
    }

    [Fact]
    public async Task Of_two_that_go_on_from_the_same_end_one_is_refused()
    {
        var (trail, log, _) = await OpenAsync();
        var (_, other, _) = await OpenAsync();
        await trail.RecordAsync(Attempt("a"), Stop);
        var (end, waiting) = (await log.ReadEndAsync(Stop), await log.ListUnplacedAsync(10, Stop));
        var (otherEnd, others) = (await other.ReadEndAsync(Stop), await other.ListUnplacedAsync(10, Stop));

        Assert.True(await log.TryAppendAsync(end, 0, [(waiting[0], AnyHash)], new LogEnd(end.Version + 1, "h", "first"), Now, Stop));
        Assert.False(await other.TryAppendAsync(otherEnd, 0, [(others[0], AnyHash)], new LogEnd(end.Version + 1, "h", "second"), Now, Stop));

        Assert.Equal("first", (await other.ReadEndAsync(Stop)).Checkpoint);
        Assert.Equal(["first"], await other.ReadCheckpointsAsync(0, Stop).ToListAsync(Stop));
    }

    [Fact]
    public async Task One_at_a_time_has_it_until_it_gives_it_back_or_its_time_is_over()
    {
        var (_, log, _) = await OpenAsync();

        Assert.True(await log.TryHoldAsync("one", Now, Now.AddMinutes(1), Stop));
        Assert.True(await log.TryHoldAsync("one", Now, Now.AddMinutes(1), Stop));
        Assert.False(await log.TryHoldAsync("two", Now.AddSeconds(59), Now.AddMinutes(2), Stop));
        Assert.True(await log.TryHoldAsync("two", Now.AddMinutes(1), Now.AddMinutes(2), Stop));
        Assert.True(await log.TryHoldAsync("two", Now.AddMinutes(1), Now.AddMinutes(1), Stop));
        Assert.True(await log.TryHoldAsync("one", Now.AddMinutes(1), Now.AddMinutes(2), Stop));
    }

    /// <summary>A clock that was a day ahead, or a hand in the store, would otherwise stop the log for as long, and look like work.</summary>
    [Fact]
    public async Task Nobody_has_it_for_longer_than_clocks_differ()
    {
        var (_, log, _) = await OpenAsync();

        Assert.True(await log.TryHoldAsync("ahead", Now.AddDays(1), Now.AddDays(1).AddMinutes(1), Stop));

        Assert.True(await log.TryHoldAsync("right", Now, Now.AddMinutes(1), Stop));
        Assert.False(await log.TryHoldAsync("behind", Now.AddMinutes(-9), Now.AddMinutes(-8), Stop));
    }

    [Fact]
    public async Task A_mark_is_written_only_over_what_was_read()
    {
        var (_, log, _) = await OpenAsync();

        Assert.Null(await log.ReadMarkAsync("m", Stop));
        Assert.True(await log.TryWriteMarkAsync("m", null, "1", Stop));
        Assert.False(await log.TryWriteMarkAsync("m", null, "2", Stop));
        Assert.False(await log.TryWriteMarkAsync("m", "x", "2", Stop));
        Assert.True(await log.TryWriteMarkAsync("m", "1", "2", Stop));
        Assert.Equal("2", await log.ReadMarkAsync("m", Stop));
    }

    /// <summary>All that waits, as a sequencer would.</summary>
    private async Task<LogEnd> AppendAsync(IEvidenceLog log, string checkpoint)
    {
        var end = await log.ReadEndAsync(Stop);
        var head = end.Head is null ? TreeHead.Empty : TreeHead.Read(end.Head)!;
        var first = head.Size;
        List<(UnplacedEvent, byte[])> placed = [];
        foreach (var waiting in await log.ListUnplacedAsync(100, Stop))
        {
            var hash = MerkleTree.LeafHash(Leaf(waiting.Body, head.Size));
            head = head.Add(hash);
            placed.Add((waiting, hash));
        }

        Assert.True(await log.TryAppendAsync(end, first, placed, new LogEnd(end.Version + 1, head.Write(), checkpoint), Now, Stop));
        return await log.ReadEndAsync(Stop);
    }

    private LogEvent Attempt(string subject) => new()
    {
        At = Now, Type = "command.create_grant", By = new Actor.Person(Some.Engineer), Way = Way.SlackCommand, Outcome = "done",
        What = [new Fact.Text("subject", subject)],
    };

    private static byte[] Leaf(EventBody body, long place) => System.Text.Encoding.UTF8.GetBytes(body.Leaf(place));

    private static string TypeOf(EventBody body) =>
        System.Text.Json.JsonDocument.Parse(body.Json).RootElement.GetProperty("type").GetString()!;

    private static string Unsalted(string json) =>
        System.Text.RegularExpressions.Regex.Replace(json, "\"sha256\":\"[0-9a-f]{64}\"", "", default, TimeSpan.FromSeconds(1));
}
