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
