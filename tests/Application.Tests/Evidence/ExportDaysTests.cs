using System.Text;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.TestKit;

namespace DbAccess.Application.Tests.Evidence;

/// <summary>Days that are over go out once, as they were signed.</summary>
public sealed class ExportDaysTests : IDisposable
{
    private readonly FakeExportPlace _place = new();
    private readonly Stage _stage;

    public ExportDaysTests() => _stage = new Stage { Export = _place };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _stage.Signer.Dispose();

    [Fact]
    public async Task A_day_is_exported_once_when_it_is_over_and_is_what_a_whole_export_holds()
    {
        await DayAsync();
        await ExportAsync();
        Assert.Empty(_place.Files);

        await NextDayAsync();
        await DayAsync();
        await ExportAsync();
        var first = _place.Files.Keys.Order(StringComparer.Ordinal).ToList();
        Assert.Equal([$"checkpoints/{Path(-1)}.txt", "key.pem", $"log/{Path(-1)}.jsonl"], first);
        var writes = _place.Writes;
        await ExportAsync();
        Assert.Equal(writes, _place.Writes);

        await NextDayAsync();
        await ExportAsync();
        Assert.Equal(5, _place.Files.Count);
        Assert.Equal(await WholeAsync(), _place.Files);
        Assert.Null((await VerifyAsync()).Fault);
    }

    [Fact]
    public async Task Days_on_which_nothing_happened_have_no_file_and_are_not_looked_for_again()
    {
        await DayAsync();
        for (var day = 0; day < 3; day++) await NextDayAsync();
        await ExportAsync();
        Assert.Equal(3, _place.Files.Count);

        await DayAsync();
        await NextDayAsync();
        await ExportAsync();

        Assert.Equal(await WholeAsync(), _place.Files);
    }

    [Fact]
    public async Task Whoever_dies_at_any_point_leaves_what_the_next_one_completes()
    {
        await DayAsync();
        await NextDayAsync();
        await DayAsync();
        await NextDayAsync();

        for (var step = 0; step < 24; step++)
        {
            await Assert.ThrowsAnyAsync<IOException>(() => _stage.Start(new DyingLog(_stage.Audit, step)).SendAsync(new ExportDays()));
            _stage.Clock.Advance(TimeSpan.FromMinutes(2));
            if (_place.Files.Count == 5 && await _stage.Audit.ReadMarkAsync("exported", Stop) is { } mark && mark.StartsWith(Day(-1), StringComparison.Ordinal)) break;
        }

        await ExportAsync();
        Assert.Equal(await WholeAsync(), _place.Files);
        Assert.DoesNotContain(_stage.Audit.Records, happened => happened.Type == "audit.export_differs");
    }

    [Theory]
    [InlineData("log/{0}.jsonl")]
    [InlineData("checkpoints/{0}.txt")]
    public async Task A_file_that_is_there_and_differs_is_an_alarm_once_on_record_and_nothing_goes_on_behind_it(string file)
    {
        await DayAsync();
        var path = string.Format(System.Globalization.CultureInfo.InvariantCulture, file, Path(0));
        _place.Files[path] = "something else";
        await NextDayAsync();

        Assert.Equal("audit.export_differs", (await _stage.First.SendAsync(new ExportDays())).Refusal?.Code);
        Assert.Equal("audit.export_differs", (await _stage.First.SendAsync(new ExportDays())).Refusal?.Code);

        Assert.Equal("something else", _place.Files[path]);
        Assert.Single(_stage.Audit.Records, happened => happened.Type == "audit.export_differs");
        Assert.Contains(_stage.Log.Lines, line => line.Contains(path, StringComparison.Ordinal) && line.Contains(" Critical ", StringComparison.Ordinal));
        Assert.Null(await _stage.Audit.ReadMarkAsync("exported", Stop));
    }

    [Fact]
    public async Task What_is_not_what_was_signed_is_never_exported()
    {
        await DayAsync();
        await NextDayAsync();
        _stage.Audit.Edit(2, body => body with { Json = body.Json.Replace("\"type\":\"", "\"type\":\"x", StringComparison.Ordinal) });

        Assert.Equal("audit.broken", (await _stage.First.SendAsync(new ExportDays())).Refusal?.Code);

        Assert.Empty(_place.Files);
        Assert.Contains(_stage.Log.Lines, line => line.Contains("not exported: events 0 to", StringComparison.Ordinal) && line.Contains(" Critical ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_place_that_cannot_be_reached_is_said_and_tried_again()
    {
        await DayAsync();
        await NextDayAsync();
        _place.Fails = "AWS denies it";

        Assert.Equal(new("audit.not_exported", "AWS denies it"), (await _stage.First.SendAsync(new ExportDays())).Refusal);
        Assert.Contains(_stage.Log.Lines, line => line.Contains("is not exported", StringComparison.Ordinal) && line.Contains("AWS denies it", StringComparison.Ordinal));

        _place.Fails = null;
        await ExportAsync();
        Assert.Equal(3, _place.Files.Count);
    }

    [Fact]
    public async Task Until_ten_minutes_past_midnight_a_day_may_still_get_a_checkpoint()
    {
        await DayAsync();
        _stage.Clock.SetUtcNow(new DateTimeOffset(_stage.Now.UtcDateTime.Date, TimeSpan.Zero).AddDays(1).AddMinutes(10).AddTicks(-1));
        await ExportAsync();
        Assert.Empty(_place.Files);

        _stage.Clock.Advance(TimeSpan.FromTicks(1));
        await ExportAsync();
        Assert.Equal(3, _place.Files.Count);
    }

    [Fact]
    public async Task A_clock_that_goes_back_puts_no_event_into_a_day_that_is_exported()
    {
        await DayAsync();
        await NextDayAsync();
        await ExportAsync();
        _stage.Clock.SetUtcNow(_stage.Now.AddDays(1));
        // A checkpoint of a process that is a day behind.
        var behind = _stage.Now.AddDays(-2);
        await AppendAsync(behind);
        await ExportAsync();
        _stage.Clock.Advance(TimeSpan.FromDays(1));
        await ExportAsync();

        Assert.Null((await VerifyAsync()).Fault);
        Assert.Equal(_stage.Audit.ReadAsync(0, Stop).ToBlockingEnumerable(Stop).Count(), _place.Files.Where(file => file.Key.StartsWith("log/", StringComparison.Ordinal)).Sum(file => file.Value.Count(letter => letter == '\n')));
    }

    [Fact]
    public async Task A_key_that_comes_in_is_put_before_those_that_were_there()
    {
        await DayAsync();
        await NextDayAsync();
        await ExportAsync();
        var first = _place.Files["key.pem"];
        var old = _stage.Signer.Key;
        _stage.Signer.Replace();
        await _stage.Audit.RecordAsync(new LogEvent
        {
            At = _stage.Now, Type = "audit.key", By = new Domain.Principals.Actor.Sweep(), Way = Way.Worker,
            What = [new Fact.Text("key", Convert.ToBase64String([.. _stage.Signer.Key.Spki]))],
        }, Stop);
        await _stage.First.SendAsync(new SequenceEvents(TakeKey: true));
        await NextDayAsync();
        await ExportAsync();

        Assert.Equal(_stage.Signer.Key.ToPem() + old.ToPem(), _place.Files["key.pem"]);
        Assert.Equal(old.ToPem(), first);
    }

    [Fact]
    public async Task A_grant_may_go_when_all_that_happened_to_it_is_exported_400_days_after_the_last_of_it()
    {
        var grant = await _stage.GivenAsync();
        var other = await _stage.AskedAsync(requester: Some.OtherEngineer);
        await _stage.First.SendAsync(new SequenceEvents());
        var last = (await _stage.Store.ListEventsAsync(grant, Stop)).Max(happened => happened.At);
        await ExportAsync();
        Assert.Empty(_stage.Store.MayGo);
        var purged = _stage.Store.PurgedAt;

        await NextDayAsync();
        _place.Fails = "AWS denies it";
        await _stage.First.SendAsync(new ExportDays());
        Assert.Empty(_stage.Store.MayGo);
        Assert.Equal(purged, _stage.Store.PurgedAt);

        _place.Fails = null;
        await ExportAsync();
        Assert.Equal([other, grant], _stage.Store.MayGo.Keys.OrderBy(id => id == grant));
        Assert.Equal(last.AddDays(400), _stage.Store.MayGo[grant], TimeSpan.FromMilliseconds(1));
        Assert.Equal(_stage.Now, _stage.Store.PurgedAt);
    }

    [Theory]
    [InlineData("days that never went out")]
    [InlineData("a day that is to come")]
    [InlineData("a root of its own")]
    [InlineData("nonsense")]
    public async Task A_mark_that_the_place_does_not_bear_out_is_an_alarm_and_everything_is_exported_again(string forged)
    {
        await DayAsync();
        await NextDayAsync();
        await ExportAsync();
        await DayAsync();
        await NextDayAsync();
        await DayAsync();
        var (kept, end) = (await _stage.Audit.ReadMarkAsync("exported", Stop), TreeHead.Read((await _stage.Audit.ReadEndAsync(Stop)).Head!)!);
        await NextDayAsync();
        await NextDayAsync();
        var purged = _stage.Store.PurgedAt;
        await _stage.Audit.TryWriteMarkAsync("exported", kept, forged switch
        {
            "days that never went out" => $"{Day(-2)} {Day(-2)}\n{end.Write()}\n",
            "a day that is to come" => $"{Day(30)}\n{end.Write()}\n",
            "a root of its own" => $"{Day(-2)}\n{TreeHead.Empty.Add(new byte[32]).Write()}\n",
            _ => "nonsense",
        }, Stop);

        _place.Fails = "AWS denies it";
        await _stage.First.SendAsync(new ExportDays());
        Assert.Equal(purged, _stage.Store.PurgedAt);
        _place.Fails = null;
        await ExportAsync();
        await _stage.First.SendAsync(new SequenceEvents());
        await NextDayAsync();
        await ExportAsync();

        Assert.Equal(await WholeAsync(), _place.Files);
        Assert.Null((await VerifyAsync()).Fault);
        Assert.Single(_stage.Audit.Records, happened => happened.Type == "audit.broken");
        Assert.Contains(_stage.Log.Lines, line => line.Contains("the mark of what was exported", StringComparison.Ordinal) && line.Contains(" Critical ", StringComparison.Ordinal));
        Assert.True(end.Size < _stage.Store.Exported);
    }

    [Fact]
    public async Task A_day_that_was_taken_out_of_the_place_is_put_there_again()
    {
        await DayAsync();
        await NextDayAsync();
        await ExportAsync();
        _place.Files.Remove($"log/{Path(-1)}.jsonl");
        await NextDayAsync();

        await ExportAsync();

        Assert.Contains($"log/{Path(-2)}.jsonl", _place.Files.Keys);
        Assert.Null((await VerifyAsync()).Fault);
    }

    [Fact]
    public async Task Without_a_place_nothing_is_exported()
    {
        using var signer = new Stage().Signer;
        Assert.Null((await new Stage().First.SendAsync(new ExportDays())).Refusal);
    }

    private async Task DayAsync()
    {
        await _stage.GivenAsync();
        Assert.Null((await _stage.First.SendAsync(new SequenceEvents())).Refusal);
    }

    private async Task NextDayAsync()
    {
        _stage.Clock.Advance(TimeSpan.FromDays(1));
        await Task.CompletedTask;
    }

    private async Task ExportAsync() => Assert.Null((await _stage.First.SendAsync(new ExportDays())).Refusal);

    private async Task AppendAsync(DateTimeOffset at)
    {
        await _stage.GivenAsync();
        var end = await _stage.Audit.ReadEndAsync(Stop);
        var head = TreeHead.Read(end.Head!)!;
        var first = head.Size;
        List<(UnplacedEvent, byte[])> batch = [];
        foreach (var waiting in await _stage.Audit.ListUnplacedAsync(1_000, Stop))
        {
            var hash = MerkleTree.LeafHash(Encoding.UTF8.GetBytes(waiting.Body.Leaf(head.Size)));
            head = head.Add(hash);
            batch.Add((waiting, hash));
        }

        var checkpoint = new Checkpoint($"dbaccess/{Some.Installation}", head.Size, head.Root(), at);
        var signed = SignedCheckpoint.Of(checkpoint, _stage.Signer.Key.KeyId, await _stage.Signer.SignAsync(checkpoint.Body(), Stop));
        Assert.True(await _stage.Audit.TryAppendAsync(end, first, batch, new LogEnd(end.Version + 1, head.Write(), signed.Note()), at, Stop));
    }

    /// <summary>The days that are over, as <c>audit export</c> writes them.</summary>
    private async Task<Dictionary<string, string>> WholeAsync()
    {
        Dictionary<string, MemoryStream> files = [];
        await new LogExport(_stage.Audit, []).WriteAsync(path => files[path] = new MemoryStream(), null, Stop);
        return files.ToDictionary(file => file.Key, file => Encoding.UTF8.GetString(file.Value.ToArray()), StringComparer.Ordinal);
    }

    private async Task<Verdict> VerifyAsync()
    {
        var log = Files("log/").Select(file => new EvidenceFile(file.Path, () => new MemoryStream(file.Content)));
        var checkpoints = Files("checkpoints/").Select(file => new CheckpointFile(file.Path, file.Content)).ToList();
        return await new LogVerifier([_stage.Signer.Key]).VerifyAsync(log, checkpoints, [], null, Stop);

        IEnumerable<(string Path, byte[] Content)> Files(string kind) => _place.Files.Where(file => file.Key.StartsWith(kind, StringComparison.Ordinal))
            .OrderBy(file => file.Key, StringComparer.Ordinal).Select(file => (file.Key, Encoding.UTF8.GetBytes(file.Value)));
    }

    private string Path(int days) => _stage.Now.AddDays(days).UtcDateTime.ToString("yyyy'/'MM'/'dd", System.Globalization.CultureInfo.InvariantCulture);

    private string Day(int days) => Path(days).Replace('/', '-');
}

/// <summary>A place that remembers.</summary>
internal sealed class FakeExportPlace : IExportPlace
{
    public Dictionary<string, string> Files { get; } = new(StringComparer.Ordinal);

    public int Writes { get; private set; }

    public string? Fails { get; set; }

    public string Name => "the place";

    public async Task<bool> TryAddAsync(string path, IAsyncEnumerable<string> lines, CancellationToken cancellationToken)
    {
        if (Fails is { } why) throw new ExportException(why);
        var content = string.Concat(await lines.ToListAsync(cancellationToken));
        Writes++;
        return Files.TryAdd(path, content) || Files[path] == content;
    }

    public Task<bool> HoldsAsync(string path, string? content, CancellationToken cancellationToken) => Fails is { } why ? throw new ExportException(why)
        : Task.FromResult(Files.TryGetValue(path, out var there) && (content is null || there == content));

    public Task PutAsync(string path, string content, CancellationToken cancellationToken)
    {
        if (Fails is { } why) throw new ExportException(why);
        Writes++;
        Files[path] = content;
        return Task.CompletedTask;
    }
}
