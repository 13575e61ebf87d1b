using System.Text;
using DbAccess.Application.Evidence;
using DbAccess.Application.Evidence.Packs;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;
using DbAccess.TestKit.Fakes;

namespace DbAccess.Application.Tests.Evidence;

/// <summary>What is exported is verified by the verifier that knows nothing of the store.</summary>
public sealed class ExportTests
{
    private readonly Stage _stage = new();
    private readonly Dictionary<string, MemoryStream> _files = new(StringComparer.Ordinal);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_log_of_some_days_with_a_changed_key_is_whole_for_whoever_holds_the_first_key()
    {
        await DayAsync();
        var first = _stage.Signer.Key;
        await ChangeKeyAsync(_stage.Signer, lost: false);
        await DayAsync();
        await DayAsync();

        var exported = await new LogExport(_stage.Audit, []).WriteAsync(Make, null, Stop);

        Assert.Equal(3, _files.Keys.Count(path => path.StartsWith("log/", StringComparison.Ordinal)));
        // And the one by which the second key is trusted.
        Assert.Equal(4, _files.Keys.Count(path => path.StartsWith("checkpoints/", StringComparison.Ordinal)));
        Assert.Equal([_stage.Signer.Key.Id, first.Id], exported.Keys.Select(key => key.Id));
        Assert.Equal([_stage.Signer.Key.Id, first.Id], LogKey.FromPem(Text("key.pem")).Select(key => key.Id));
        var verdict = await VerifyAsync(first);
        Assert.Null(verdict.Fault);
        Assert.Equal(exported.Events, verdict.Events);
    }

    [Fact]
    public async Task Nothing_vouches_for_the_key_after_one_that_was_lost()
    {
        await DayAsync();
        var first = _stage.Signer.Key;
        await ChangeKeyAsync(_stage.Signer, lost: true);
        await DayAsync();

        await new LogExport(_stage.Audit, []).WriteAsync(Make, null, Stop);

        Assert.EndsWith("is signed by no key that you hold", (await VerifyAsync(first)).Fault, StringComparison.Ordinal);
        Assert.Null((await VerifyAsync(first, _stage.Signer.Key)).Fault);
        Assert.Contains(_stage.Audit.Records, record => record.Type == "audit.key_lost");
    }

    [Fact]
    public async Task What_somebody_edited_in_the_store_shows_in_the_export()
    {
        await DayAsync();
        _stage.Audit.Edit(4, body => body with { Json = body.Json.Replace("\"v\":1", "\"v\":1", StringComparison.Ordinal).Replace("slack", "clack", StringComparison.Ordinal).Replace("worker", "walker", StringComparison.Ordinal) });

        await new LogExport(_stage.Audit, []).WriteAsync(Make, null, Stop);

        Assert.Equal("event 4 was changed: it does not have the hash beside it", (await VerifyAsync(_stage.Signer.Key)).Fault);
    }

    [Fact]
    public async Task A_pack_of_one_grant_is_whole_and_holds_nothing_of_the_others()
    {
        var id = await _stage.GivenAsync();
        await DayAsync();
        var (export, log) = (new LogExport(_stage.Audit, ["reason"]), _stage.Audit);

        var pack = new PackExport(log, export);
        var packed = await pack.WriteAsync(Make, new PackSelection(id, null, null, null, null), pack.Draw, null, Stop);

        Assert.Equal(id.ToString(), Assert.Single(packed!.Grants).Grant);
        var verdict = await new PackVerifier([_stage.Signer.Key]).VerifyAsync(
            _files["pack.json"].ToArray(), new CheckpointFile("checkpoint.txt", _files["checkpoint.txt"].ToArray()), File("events.jsonl"), null, Stop);
        Assert.Null(verdict.Fault);
        Assert.Equal(packed.Events.Count, verdict.Events);
        Assert.DoesNotContain("stuck orders", Text("events.jsonl") + Text("index.html"), StringComparison.Ordinal);
        Assert.Contains(id.ToString(), Text("index.html"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_nothing_is_signed_yet_nothing_is_exported()
    {
        Assert.Null((await new LogExport(_stage.Audit, []).WriteAsync(Make, null, Stop)).Checkpoint);
        Assert.Empty(_files);
    }

    private async Task DayAsync()
    {
        await _stage.GivenAsync();
        await _stage.First.SendAsync(new SequenceEvents());
        await _stage.GivenAsync();
        await _stage.First.SendAsync(new SequenceEvents());
        _stage.Clock.Advance(TimeSpan.FromDays(1));
    }

    private async Task ChangeKeyAsync(FakeSigner signer, bool lost)
    {
        var next = new FakeSigner();
        next.Replace();
        var key = next.Key;
        var changed = await _stage.First.SendAsync(new ChangeAuditKey(new Actor.Operator("root"), lost ? null : signer, key, () => signer.TakeOver(next)));
        Assert.Null(changed.Refusal);
        Assert.Equal(key.Id, signer.Key.Id);
    }

    private Task<Verdict> VerifyAsync(params LogKey[] keys) => new LogVerifier(keys).VerifyAsync(
        _files.Keys.Where(path => path.StartsWith("log/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(File),
        [.. _files.Keys.Where(path => path.StartsWith("checkpoints/", StringComparison.Ordinal)).Order(StringComparer.Ordinal).Select(path => new CheckpointFile(path, _files[path].ToArray()))],
        [], null, Stop);

    private EvidenceFile File(string path) => new(path, () => new MemoryStream(_files[path].ToArray()));

    private string Text(string path) => Encoding.UTF8.GetString(_files[path].ToArray());

    private MemoryStream Make(string path) => _files[path] = new MemoryStream();
}
