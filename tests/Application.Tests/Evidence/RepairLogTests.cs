using System.Text;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Tests.Evidence;

/// <summary>An end that was edited by hand stops sequencing; a repair has it go on from what was signed, and hides nothing.</summary>
public sealed class RepairLogTests : IDisposable
{
    private readonly Stage _stage = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _stage.Signer.Dispose();

    [Fact]
    public async Task Where_nothing_is_wrong_nothing_is_done()
    {
        await GrownAsync();
        var end = await _stage.Audit.ReadEndAsync(Stop);

        Assert.Empty((await ExamineAsync()).Value.Faults);
        Assert.Empty((await RepairAsync(end.Signed!.Checkpoint.Size)).Value.Faults);

        Assert.Equal(end, await _stage.Audit.ReadEndAsync(Stop));
        Assert.DoesNotContain(_stage.Audit.Records, happened => happened.Type == "audit.repaired");
    }

    [Theory]
    [InlineData("the tree", "the tree at its end is not the one that was signed")]
    [InlineData("the checkpoint", "the checkpoint at its end is not the newest that was signed")]
    [InlineData("an older end", "the checkpoint at its end is not the newest that was signed")]
    [InlineData("a checkpoint of nobody", "the checkpoint of size 999 is signed by no key that you hold")]
    [InlineData("no checkpoint", "a checkpoint on record is none")]
    public async Task An_end_that_was_edited_is_repaired_under_what_was_signed_and_that_stands_on_the_log(string edited, string fault)
    {
        var (older, newest) = await GrownAsync();
        var size = newest.Signed!.Checkpoint.Size;
        if (edited is "the tree") _stage.Audit.RewriteEnd(end => end with { Head = TreeHead.Empty.Add(new byte[32]).Write() });
        if (edited is "the checkpoint") _stage.Audit.RewriteEnd(end => end with { Checkpoint = "nothing" });
        if (edited is "an older end") _stage.Audit.RewriteEnd(end => older with { Version = end.Version });
        if (edited is "a checkpoint of nobody") _stage.Audit.RewriteCheckpoint(999, Foreign(newest.Signed!, 999));
        if (edited is "no checkpoint") _stage.Audit.RewriteCheckpoint(999, "nothing");

        var found = (await ExamineAsync()).Value;
        Assert.Contains(fault, found.Faults);
        Assert.Equal((size, 0), (found.Head.Size, found.TakenBack));
        Assert.Equal("audit.no_repair", (await RepairAsync(size - 1)).Refusal?.Code);
        Assert.Equal(found.Faults, (await RepairAsync(size)).Value.Faults);

        await _stage.GivenAsync();
        Assert.Null((await _stage.First.SendAsync(new SequenceEvents())).Refusal);
        Assert.Single(_stage.Audit.Records, happened => happened.Type == "audit.repaired");
        Assert.Null((await VerifyAsync(newest.Checkpoint!, older.Checkpoint!)).Fault);
    }

    /// <summary>Nothing but the store said what stood there; whoever has the checkpoint that was taken out can show whether it is the same.</summary>
    [Fact]
    public async Task What_no_checkpoint_covers_any_more_gets_its_places_anew_and_what_stood_there_is_on_record()
    {
        var (older, newest) = await GrownAsync();
        _stage.Audit.RewriteCheckpoint(newest.Signed!.Checkpoint.Size, null);
        _stage.Audit.RewriteEnd(end => end with { Checkpoint = "nothing" });

        var found = (await RepairAsync(older.Signed!.Checkpoint.Size)).Value;

        Assert.Equal(newest.Signed!.Checkpoint.Size - older.Signed!.Checkpoint.Size, found.TakenBack);
        Assert.Equal($"{newest.Signed.Checkpoint.Size} {Convert.ToBase64String(newest.Signed.Checkpoint.Root)}", found.Stood);
        Assert.Null((await VerifyAsync(newest.Checkpoint!)).Fault);
        var repaired = Assert.Single(_stage.Audit.Records, happened => happened.Type == "audit.repaired");
        Assert.Contains(repaired.What, fact => fact is Fact.Text { Name: "stood" } text && text.Value == found.Stood);
    }

    /// <summary>A checkpoint from elsewhere keeps the log from going on behind it.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_never_goes_back_behind_a_checkpoint_that_somebody_kept(bool lost)
    {
        var (older, newest) = await GrownAsync();
        var (from, size) = (older.Signed!.Checkpoint.Size, newest.Signed!.Checkpoint.Size);
        _stage.Audit.RewriteCheckpoint(size, null);
        _stage.Audit.RewriteEnd(end => older with { Version = end.Version });
        if (lost)
            for (var place = from; place < size; place++) _stage.Audit.Edit(place, _ => null);

        var found = await ExamineAsync(newest.Checkpoint!);

        Assert.Equal(lost ? $"The evidence log cannot be repaired: event {from} is missing: the log ends here, and the checkpoint of size {size} covers it." : null, found.Refusal?.Message);
        Assert.Equal(lost ? "audit.no_repair" : null, (await RepairAsync(size, newest.Checkpoint!)).Refusal?.Code);
        if (!lost) Assert.Null((await VerifyAsync(newest.Checkpoint!)).Fault);
        else Assert.DoesNotContain(_stage.Audit.Records, happened => happened.Type == "audit.repaired");
    }

    [Fact]
    public async Task An_event_that_was_edited_stays_reported()
    {
        var (_, newest) = await GrownAsync();
        _stage.Audit.Edit(2, body => body with { Json = body.Json.Replace("\"type\":\"", "\"type\":\"x", StringComparison.Ordinal) });
        _stage.Audit.RewriteEnd(end => end with { Head = "nothing" });

        var found = (await RepairAsync(newest.Signed!.Checkpoint.Size)).Value;

        Assert.Equal(["event 2 was changed: it does not have the hash beside it"], found.Changed);
        Assert.Equal("event 2 was changed: it does not have the hash beside it", (await VerifyAsync()).Fault);
        Assert.Contains(_stage.Audit.Records.Single(happened => happened.Type == "audit.repaired").What, fact => fact is Fact.Texts { Name: "changed" });
    }

    [Theory]
    [InlineData("an event is gone")]
    [InlineData("another key is set")]
    [InlineData("the key is lost")]
    public async Task What_cannot_be_borne_out_is_left_as_it_is(string how)
    {
        var (_, newest) = await GrownAsync();
        _stage.Audit.RewriteEnd(end => end with { Head = "nothing" });
        if (how is "an event is gone") _stage.Audit.Edit(1, _ => null);
        if (how is "another key is set") _stage.Signer.Replace();
        if (how is "the key is lost") _stage.Signer.Lose();

        if (how is "the key is lost") await Assert.ThrowsAsync<SigningKeyException>(() => RepairAsync(newest.Signed!.Checkpoint.Size));
        else Assert.Equal("audit.no_repair", (await RepairAsync(newest.Signed!.Checkpoint.Size)).Refusal?.Code);

        Assert.Equal("nothing", (await _stage.Audit.ReadEndAsync(Stop)).Head);
        Assert.DoesNotContain(_stage.Audit.Records, happened => happened.Type == "audit.repaired");
    }

    [Fact]
    public async Task Whoever_dies_at_any_step_has_it_ended_by_doing_it_again()
    {
        var (_, newest) = await GrownAsync();
        var size = newest.Signed!.Checkpoint.Size;
        for (var step = 0; step < 12; step++)
        {
            _stage.Audit.RewriteEnd(end => end with { Head = "nothing" });
            await Assert.ThrowsAnyAsync<IOException>(() => _stage.Start(new DyingLog(_stage.Audit, step)).SendAsync(new RepairLog(new Actor.Operator("me"), [], size)));
            _stage.Clock.Advance(TimeSpan.FromMinutes(30));
            if ((await _stage.Audit.ReadEndAsync(Stop)).Head != "nothing") break;
        }

        var found = (await ExamineAsync()).Value;
        Assert.Null((await RepairAsync(found.Good.Checkpoint.Size)).Refusal);
        Assert.Null((await _stage.First.SendAsync(new SequenceEvents())).Refusal);
        Assert.Null((await VerifyAsync(newest.Checkpoint!)).Fault);
    }

    private async Task<(LogEnd Older, LogEnd Newest)> GrownAsync()
    {
        await _stage.GivenAsync();
        await _stage.First.SendAsync(new SequenceEvents());
        var older = await _stage.Audit.ReadEndAsync(Stop);
        await _stage.GivenAsync();
        await _stage.First.SendAsync(new SequenceEvents());
        return (older, await _stage.Audit.ReadEndAsync(Stop));
    }

    private Task<Result<LogFindings>> ExamineAsync(params string[] kept) => _stage.First.SendAsync(new ExamineLog(Files(kept)));

    private Task<Result<LogFindings>> RepairAsync(long agreed, params string[] kept) =>
        _stage.First.SendAsync(new RepairLog(new Actor.Operator("me"), Files(kept), agreed));

    private async Task<Verdict> VerifyAsync(params string[] kept)
    {
        var notes = await _stage.Audit.ReadCheckpointsAsync(0, Stop).ToListAsync(Stop);
        var size = (await _stage.Audit.ReadEndAsync(Stop)).Signed!.Checkpoint.Size;
        return await new LogVerifier([_stage.Signer.Key]).VerifyAsync(
            [EvidenceFile.Of("log", new LogExport(_stage.Audit, []).LinesAsync(size, Stop))], Files(notes), Files(kept), null, Stop);
    }

    private static List<CheckpointFile> Files(IEnumerable<string> notes) => [.. notes.Select((note, i) => new CheckpointFile($"{i}", Encoding.UTF8.GetBytes(note)))];

    private static string Foreign(SignedCheckpoint like, long size) =>
        SignedCheckpoint.Of(like.Checkpoint with { Size = size }, [9, 9, 9, 9], [1]).Note();
}
