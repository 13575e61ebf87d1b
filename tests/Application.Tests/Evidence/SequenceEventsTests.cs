using System.Text;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.TestKit;

namespace DbAccess.Application.Tests.Evidence;

/// <summary>How recorded events get their place: once, in an order that keeps each grant's own, under a checkpoint that holds.</summary>
public sealed class SequenceEventsTests
{
    private readonly Stage _stage = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Everything_recorded_gets_its_place_and_the_checkpoint_fits()
    {
        var id = await _stage.GivenAsync();

        var sequenced = (await _stage.First.SendAsync(new SequenceEvents())).Value;

        var log = await LogAsync();
        Assert.Equal(Enumerable.Range(0, log.Count).Select(place => (long)place), log.Select(one => one.Place));
        Assert.Equal((log.Count, log.Count), (sequenced.Placed, sequenced.Size));
        Assert.Equal(["audit.begun", "audit.key"], log.Select(Type).Where(type => type.StartsWith("audit.", StringComparison.Ordinal)));
        Assert.Equal(await _stage.StoryAsync(id), log.Select(Type).Where(type => type.StartsWith("grant.", StringComparison.Ordinal)));
        AssertFits(sequenced.Checkpoint!, log);
        Assert.Equal($"dbaccess/{Some.Installation}", sequenced.Checkpoint!.Checkpoint.Origin);
    }

    [Fact]
    public async Task A_log_begins_by_saying_which_it_is_however_much_was_recorded_before()
    {
        for (var i = 0; i < 1_500; i++)
            await _stage.Audit.RecordAsync(new LogEvent { At = _stage.Now, Type = "carried.attempt", By = new Domain.Principals.Actor.Sweep(), Way = Way.Worker, What = [] }, Stop);

        var sequenced = (await _stage.First.SendAsync(new SequenceEvents())).Value;

        var log = await LogAsync();
        Assert.Equal("audit.begun", Type(log[0]));
        Assert.Equal((1_502, 1_502), (sequenced.Size, log.Count));
        AssertFits(sequenced.Checkpoint!, log);
    }

    [Fact]
    public async Task What_comes_later_goes_on_from_there_and_nothing_is_signed_when_nothing_came()
    {
        await _stage.GivenAsync();
        var first = (await _stage.First.SendAsync(new SequenceEvents())).Value;
        var signed = _stage.Signer.Signed;

        Assert.Equal(0, (await _stage.First.SendAsync(new SequenceEvents())).Value.Placed);
        Assert.Equal(signed, _stage.Signer.Signed);
        await _stage.GivenAsync();
        var second = (await _stage.First.SendAsync(new SequenceEvents())).Value;

        Assert.Equal(first.Size + second.Placed, second.Size);
        AssertFits(second.Checkpoint!, await LogAsync());
        AssertFits(first.Checkpoint!, (await LogAsync()).Take((int)first.Size).ToList());
    }

    /// <summary>The product dies at every step of a sequencing in turn; whoever comes next goes on, without a gap, a double or a fork.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    [InlineData(8)]
    [InlineData(9)]
    public async Task A_crash_at_any_step_leaves_nothing_that_the_next_does_not_mend(int step)
    {
        await _stage.GivenAsync();
        var dying = new DyingLog(_stage.Audit, step);
        await Assert.ThrowsAnyAsync<IOException>(() => _stage.Start(dying).SendAsync(new SequenceEvents()));
        // The lease of whoever died is over.
        _stage.Clock.Advance(TimeSpan.FromMinutes(2));
        await _stage.GivenAsync();

        var sequenced = (await _stage.Start().SendAsync(new SequenceEvents())).Value;

        var log = await LogAsync();
        Assert.Equal(log.Count, log.Select(one => one.Body!.Json).Distinct().Count());
        Assert.Equal(sequenced.Size, log.Count);
        Assert.Empty(await _stage.Audit.ListUnplacedAsync(10, Stop));
        AssertFits(sequenced.Checkpoint!, log);
        await foreach (var note in _stage.Audit.ReadCheckpointsAsync(0, Stop))
        {
            var checkpoint = SignedCheckpoint.Parse(note)!;
            AssertFits(checkpoint, log.Take((int)checkpoint.Checkpoint.Size).ToList());
        }
    }

    [Fact]
    public async Task Of_two_at_once_one_waits_for_the_next_time()
    {
        await _stage.GivenAsync();
        Assert.True(await _stage.Audit.TryHoldAsync("another process", _stage.Now, _stage.Now.AddMinutes(1), Stop));

        Assert.Equal("audit.held", (await _stage.First.SendAsync(new SequenceEvents())).Refusal?.Code);

        _stage.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null((await _stage.First.SendAsync(new SequenceEvents())).Refusal);
    }

    /// <summary>The lease ran out while this one was frozen, and another went on: what this one had computed is thrown away.</summary>
    [Fact]
    public async Task Whoever_comes_back_too_late_changes_nothing()
    {
        await _stage.GivenAsync();
        var other = _stage.Start();
        SignedCheckpoint? theirs = null;
        _stage.Signer.Signing = () =>
        {
            _stage.Signer.Signing = null;
            theirs = other.SendAsync(new SequenceEvents()).GetAwaiter().GetResult().Value.Checkpoint;
        };

        Assert.Equal("audit.held", (await _stage.First.SendAsync(new SequenceEvents())).Refusal?.Code);

        AssertFits(theirs!, await LogAsync());
        Assert.Single(await _stage.Audit.ReadCheckpointsAsync(0, Stop).ToListAsync(Stop));
    }

    [Theory]
    [InlineData("changed")]
    [InlineData("removed")]
    public async Task An_event_that_was_edited_by_hand_is_noticed_by_the_next_sequencing_and_alarmed(string how)
    {
        await _stage.GivenAsync();
        await _stage.First.SendAsync(new SequenceEvents());
        _stage.Audit.Edit(3, body => how is "removed" ? null : body with { Json = body.Json.Replace("sweep", "swept", StringComparison.Ordinal).Replace("U0ENGINE1", "U0ENGINE2", StringComparison.Ordinal) });
        await _stage.GivenAsync();

        Assert.Null((await _stage.First.SendAsync(new SequenceEvents())).Refusal);

        Assert.Contains(_stage.Log.Lines, line => line.Contains($"The evidence log was tampered with: event 3 {(how is "removed" ? "is missing" : "was changed")}", StringComparison.Ordinal));
        Assert.Single(_stage.Audit.Records, record => record.Type == "audit.broken");
        // It goes on, and says it each time, but puts it on record once.
        Assert.Empty(await _stage.Audit.ListUnplacedAsync(10, Stop));
        await _stage.First.SendAsync(new SequenceEvents());
        Assert.Single(_stage.Audit.Records, record => record.Type == "audit.broken");
    }

    [Fact]
    public async Task An_end_that_was_written_by_hand_is_not_gone_on_from()
    {
        await _stage.GivenAsync();
        await _stage.First.SendAsync(new SequenceEvents());
        var shorter = TreeHead.Empty.Add(MerkleTree.LeafHash([1]));
        _stage.Audit.RewriteEnd(end => end with { Head = shorter.Write() });
        await _stage.GivenAsync();

        Assert.Equal("audit.broken", (await _stage.First.SendAsync(new SequenceEvents())).Refusal?.Code);
        Assert.NotEmpty(await _stage.Audit.ListUnplacedAsync(10, Stop));
    }

    /// <summary>Whoever holds back the log by one row, or makes it one that nobody can verify, is said and passed over.</summary>
    [Theory]
    [InlineData("", null)]
    [InlineData("\0", null)]
    [InlineData("{\"no\":\"type\"}", null)]
    [InlineData("{\"type\" : \"grant.approved\"}", null)]
    [InlineData("{\"a\":1,\"type\":\"x\",\"v\":1}", null)]
    [InlineData("as it was recorded", "{\"note\":{\"salt\":\"00\",\"value\":\"another\"}}")]
    [InlineData("as it was recorded", "not JSON")]
    [InlineData("larger than a line may be", null)]
    public async Task A_row_that_is_no_event_keeps_no_other_from_its_place_and_is_alarmed(string json, string? open)
    {
        await _stage.GivenAsync();
        await _stage.First.SendAsync(new SequenceEvents());
        _stage.Audit.Insert(json switch
        {
            "as it was recorded" => EventBody.Of(Happened(new Fact.Sealed("note", "one"))) with { Open = open },
            "larger than a line may be" => EventBody.Of(Happened(new Fact.Text("subject", new string('x', 1 << 20)))),
            _ => new EventBody(json, open),
        });
        await _stage.GivenAsync();

        var sequenced = await _stage.First.SendAsync(new SequenceEvents());

        Assert.Null(sequenced.Refusal);
        Assert.Single(await _stage.Audit.ListUnplacedAsync(10, Stop));
        AssertFits(sequenced.Value.Checkpoint!, await LogAsync());
        Assert.Contains(_stage.Log.Lines, line => line.Contains("The evidence log was tampered with", StringComparison.Ordinal));
        Assert.Single(_stage.Audit.Records, record => record.Type == "audit.broken");
        await _stage.First.SendAsync(new SequenceEvents());
        Assert.Single(_stage.Audit.Records, record => record.Type == "audit.broken");
    }

    /// <summary>Every verifier trusts what an <c>audit.key</c> brings in: one that somebody put into the store would sign as we do.</summary>
    [Fact]
    public async Task A_key_that_is_not_ours_is_not_brought_in()
    {
        await _stage.GivenAsync();
        await _stage.First.SendAsync(new SequenceEvents());
        using var theirs = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var key = theirs.ExportSubjectPublicKeyInfo();
        _stage.Audit.Insert(EventBody.Of(Happened(new Fact.Text("key", Convert.ToBase64String(key))) with { Type = "audit.key" }));

        await _stage.First.SendAsync(new SequenceEvents());

        Assert.DoesNotContain(await LogAsync(), one => one.Body!.Json.Contains(Convert.ToBase64String(key), StringComparison.Ordinal));
        Assert.Contains(_stage.Log.Lines, line => line.Contains("The evidence log was tampered with", StringComparison.Ordinal)
            && line.Contains(LogKey.From(key)!.Id, StringComparison.Ordinal));
    }

    /// <summary>The key's file is another one since the key was read: its signature under the old key's id would fit nothing.</summary>
    [Fact]
    public async Task A_signature_of_another_key_than_it_says_is_not_put_on_the_log()
    {
        await _stage.GivenAsync();
        await _stage.First.SendAsync(new SequenceEvents());
        await _stage.GivenAsync();
        _stage.Signer.Signing = _stage.Signer.Replace;

        Assert.Equal("audit.no_key", (await _stage.First.SendAsync(new SequenceEvents())).Refusal?.Code);

        Assert.Single(await _stage.Audit.ReadCheckpointsAsync(0, Stop).ToListAsync(Stop));
    }

    [Theory]
    [InlineData("event 1 was changed: what is shown as note is not what was recorded", false)]
    [InlineData("event 1 was changed: what was sealed in it is gone", true)]
    public async Task A_sealed_value_that_was_edited_by_hand_is_noticed(string fault, bool gone)
    {
        await _stage.Audit.RecordAsync(Happened(new Fact.Sealed("note", "as it was")), Stop);
        await _stage.First.SendAsync(new SequenceEvents());
        // Behind the event by which the log begins.
        _stage.Audit.Edit(1, body => body with
        {
            Open = gone ? null : body.Open!.Replace("as it was", "as I like it", StringComparison.Ordinal),
        });

        await _stage.First.SendAsync(new SequenceEvents());

        Assert.Contains(_stage.Log.Lines, line => line.Contains($"The evidence log was tampered with: {fault}", StringComparison.Ordinal));
    }

    /// <summary>Exports go by the days of checkpoints, and are to be read in order.</summary>
    [Fact]
    public async Task A_clock_that_goes_back_gives_no_checkpoint_from_before_the_one_before()
    {
        await _stage.GivenAsync();
        var before = (await _stage.First.SendAsync(new SequenceEvents())).Value.Checkpoint!;
        var behind = _stage.StartBehind(TimeSpan.FromDays(1));
        await _stage.GivenAsync();

        var after = (await behind.SendAsync(new SequenceEvents())).Value.Checkpoint!;

        Assert.True(after.Checkpoint.Size > before.Checkpoint.Size);
        Assert.Equal(before.Checkpoint.At, after.Checkpoint.At);
    }

    /// <summary>A store that fails each time is a trouble that is seen, and not only in the log.</summary>
    [Fact]
    public async Task Why_events_get_no_place_is_known_where_the_store_fails()
    {
        await _stage.GivenAsync();
        var worker = _stage.Start(new DyingLog(_stage.Audit, 2));

        await Assert.ThrowsAnyAsync<IOException>(() => worker.SendAsync(new SequenceEvents()));

        Assert.NotNull(worker.Watch.Trouble);
    }

    [Theory]
    [InlineData("lost")]
    [InlineData("another")]
    public async Task Without_the_key_nothing_gets_a_place_and_it_is_said(string how)
    {
        await _stage.GivenAsync();
        await _stage.First.SendAsync(new SequenceEvents());
        if (how is "lost") _stage.Signer.Lose();
        else _stage.Signer.Replace();
        await _stage.GivenAsync();

        Assert.Equal("audit.no_key", (await _stage.First.SendAsync(new SequenceEvents())).Refusal?.Code);

        Assert.NotEmpty(await _stage.Audit.ListUnplacedAsync(10, Stop));
        Assert.Contains(_stage.Log.Lines, line => line.Contains("without a place in the evidence log", StringComparison.Ordinal) && line.Contains(" Critical ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_newest_checkpoint_is_witnessed_once_a_day()
    {
        using var stage = new WitnessedStage();
        await stage.It.GivenAsync();
        await stage.It.First.SendAsync(new SequenceEvents());

        await stage.It.First.SendAsync(new WitnessCheckpoint());
        await stage.It.First.SendAsync(new WitnessCheckpoint());
        var note = (await stage.It.Audit.ReadEndAsync(Stop)).Checkpoint!;
        var posted = Assert.Single(stage.It.Cards.All).Versions[0];
        Assert.Contains(posted.Parts.OfType<ChatPart.Code>(), code => code.Words == note);

        stage.It.Clock.Advance(TimeSpan.FromDays(1));
        await stage.It.First.SendAsync(new WitnessCheckpoint());
        Assert.Equal(2, stage.It.Cards.All.Count);
    }

    private LogEvent Happened(params Fact[] what) => new()
    {
        At = _stage.Now, Type = "command.show_grant", By = new Domain.Principals.Actor.Sweep(), Way = Way.Current, What = what,
    };

    private void AssertFits(SignedCheckpoint signed, IReadOnlyList<PlacedEvent> log)
    {
        var head = log.Aggregate(TreeHead.Empty, (head, one) => head.Add(MerkleTree.LeafHash(Encoding.UTF8.GetBytes(one.Body!.Leaf(one.Place)))));
        Assert.Equal((head.Size, Convert.ToHexString(head.Root())), (signed.Checkpoint.Size, Convert.ToHexString(signed.Checkpoint.Root)));
        Assert.True(_stage.Signer.Key.Fits(signed.Checkpoint.Body(), Assert.Single(signed.Signatures).Signature));
    }

    private async Task<List<PlacedEvent>> LogAsync() => await _stage.Audit.ReadAsync(0, Stop).ToListAsync(Stop);

    private static string Type(PlacedEvent placed) =>
        System.Text.Json.JsonDocument.Parse(placed.Body!.Json).RootElement.GetProperty("type").GetString()!;

    private sealed class WitnessedStage : IDisposable
    {
        public Stage It { get; } = new() { WitnessChannel = "C0WITNESS" };

        public void Dispose() => It.Signer.Dispose();
    }
}
