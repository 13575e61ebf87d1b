using System.Text;
using DbAccess.Application.Evidence;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Principals;
using DbAccess.TestKit;
using static DbAccess.Infrastructure.Tests.Evidence.SyntheticLog;

namespace DbAccess.Infrastructure.Tests.Evidence;

/// <summary>A log that is read in several blocks, with lines up to the longest that there may be.</summary>
public sealed class LongLogTests : Tampering
{
    private const int LongestLine = 1 << 20;
    private const int Places = 400;
    private const string Path = "log/2026/11/01.jsonl";

    // A fixed seed: the same lengths in every run. Some are exactly as long as a line may be.
    private readonly List<string> _lines = Made(new Random(6962));
    private readonly byte[] _root;

    public LongLogTests() => _root = _lines
        .Select(line => line[(line.IndexOf("\"leaf\":", StringComparison.Ordinal) + 7)..^2])
        .Aggregate(TreeHead.Empty, (tree, leaf) => tree.Add(MerkleTree.LeafHash(Encoding.UTF8.GetBytes(leaf)))).Root();

    [Fact]
    public async Task It_is_whole_wherever_the_blocks_end()
    {
        Export();
        var time = File.ReadAllLines(In("checkpoints/2026/11/01.txt"))[3];

        await AssertBothSayAsync(new Answer($"""
            the log is whole
            events: {Places}
            checkpoints: 1
            newest checkpoint: size {Places}, root {Convert.ToBase64String(_root)}, {time}
            signed by: {KeyOf(Log.Old).Id} 1
            sealed values: 0 shown, 0 withheld
            """, 0));
    }

    [Fact]
    public async Task A_store_is_verified_as_if_it_had_been_exported_and_read_to_the_first_fault()
    {
        var note = new CheckpointFile("checkpoint", Encoding.UTF8.GetBytes(Note(Origin, Places, _root, Log.Old)));
        Assert.Null(await FaultAsync());

        _lines.RemoveAt(5);
        Assert.Equal("event 5 is missing: event 6 stands in its place", await FaultAsync());

        _lines.Clear();
        await Assert.ThrowsAsync<IOException>(FaultAsync);

        async Task<string?> FaultAsync() => (await new LogVerifier([KeyOf(Log.Old)]).VerifyAsync(
            [EvidenceFile.Of("store", StoredAsync())], [note], [], null, TestContext.Current.CancellationToken)).Fault;

        async IAsyncEnumerable<string> StoredAsync()
        {
            if (_lines.Count == 0) throw new IOException("the store is gone");
            foreach (var line in _lines)
            {
                await Task.Yield();
                yield return line;
            }
        }
    }

    [Fact]
    public async Task The_first_of_two_faults_is_told_also_when_the_second_is_met_before()
    {
        _lines[350] = "hello\n";
        _lines[300] = _lines[300].Replace("xx\"", "xy\"", StringComparison.Ordinal);
        Export();

        await AssertBothSayAsync(new Answer("event 300 was changed: it does not have the hash beside it", 1));
    }

    private static List<string> Made(Random random)
    {
        var lines = new List<string>();
        for (var place = 0; place < Places; place++)
        {
            var least = Line(place, 2).Length - 2;
            var longest = LongestLine + 1 - least;
            lines.Add(Line(place, place % 50 == 49 ? longest : 2 + random.Next(place % 7 == 0 ? 200_000 : 2_000)));
        }

        return lines;
    }

    private static string Line(int place, int length) => ExportLine.Of(EventBody.Of(new LogEvent
    {
        At = Some.Now, Type = "verb.export", By = new Actor.Sweep(), Way = Way.Worker,
        What = [new Fact.Text("arguments", new string('x', length))],
    }).Leaf(place), null);

    private void Export()
    {
        Write(Folder, Path, string.Concat(_lines));
        Write(Folder, "checkpoints/2026/11/01.txt", Note(Origin, Places, _root, Log.Old));
    }
}
