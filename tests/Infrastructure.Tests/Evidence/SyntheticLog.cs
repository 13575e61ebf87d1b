using System.Security.Cryptography;
using System.Text;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.TestKit;

namespace DbAccess.Infrastructure.Tests.Evidence;

/// <summary>
/// A log of three days with keys of its own: 29 events, of three grants; what was carried over stands at its beginning, the key changes
/// on the second day, and the first checkpoint after that is signed with both.
/// </summary>
internal sealed class SyntheticLog : IDisposable
{
    public const string Origin = "dbaccess/test";
    public const string A = "AAAA-AA";
    public const string C = "CCCC-CC";
    public const string D = "DDDD-DD";

    private readonly List<EventBody> _bodies = [];
    private readonly List<int> _daysEnd = [];
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);

    public SyntheticLog()
    {
        Add("audit.begun", null, new Fact.Text("origin", Origin), new Fact.Number("carried", 2));
        AddKey(Old);
        Add("carried.attempt", C, new Fact.Flag("carried", true), new Fact.Text("action", "CreateGrant"));
        AddOwn("grant.requested", A, new Fact.Text("to", "Pending"), new Fact.Sealed("reason", "INC-1 stuck orders"),
            new Fact.Sealed("note", "“quoted”\tand\n\u0001 é 😀"));
        Add("command.create_grant", A, new Fact.Number("ms", 12));
        AddOwn("grant.approved", A, new Fact.Text("to", "Approved"), new Fact.Texts("agreed", ["T0DBACME1/U0LEAD1", "T0DBACME1/U0LEAD2"]));
        AddOwn("grant.requested", D, new Fact.Text("to", "Pending"), new Fact.Sealed("reason", "look"));
        AddOwn("grant.activated", A, new Fact.Text("to", "Active"));
        EndDay(); // 8 events

        // A grant of the version before: its numbers go on from where they were.
        _numbers[C] = 4;
        AddOwn("grant.revoking", C, new Fact.Text("to", "Revoking"));
        AddOwn("grant.ended", C, new Fact.Text("to", "Ended"));
        AddOwn("notice.told", A);
        AddKey(Now);
        for (var i = 0; i < 6; i++) AddOwn("grant.extended", A, new Fact.Number("extensions", i));
        EndDay(); // 18

        AddOwn("grant.revoking", A, new Fact.Text("to", "Revoking"));
        AddOwn("grant.ended", A, new Fact.Text("to", "Ended"), new Fact.Sealed("run", "1 1 SELECT 1"));
        AddOwn("notice.told", A);
        for (var i = 0; i < 7; i++) AddOwn("notice.told", D);
        Add("policy.in_force", null, new Fact.Texts("difference", []));
        EndDay(); // 29
    }

    public ECDsa Old { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public ECDsa Now { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public int Size => _bodies.Count;

    public static LogKey KeyOf(ECDsa key) => LogKey.From(key.ExportSubjectPublicKeyInfo())!;

    public static string Day(int day) => $"log/2026/11/0{day + 1}.jsonl";

    public static string CheckpointOf(int day) => $"checkpoints/2026/11/0{day + 1}.txt";

    public string Leaf(int place) => _bodies[place].Leaf(place);

    public string Line(int place, bool withhold = false) => ExportLine.Of(Leaf(place), withhold ? null : _bodies[place].Open);

    /// <summary>Of the first so many events.</summary>
    public byte[] Root(int size) =>
        Enumerable.Range(0, size).Aggregate(TreeHead.Empty, (tree, place) => tree.Add(Hash(place))).Root();

    public byte[] Hash(int place) => MerkleTree.LeafHash(Encoding.UTF8.GetBytes(Leaf(place)));

    public string Note(int size, params ECDsa[] keys) => Note(Origin, size, Root(size), keys);

    public static string Note(string origin, int size, byte[] root, params ECDsa[] keys)
    {
        var checkpoint = new Checkpoint(origin, size, root, Some.Now.AddMinutes(size));
        return new SignedCheckpoint(checkpoint, [.. keys.Select(key => Sign(checkpoint, key))]).Note();
    }

    public void Export(string folder)
    {
        var from = 0;
        for (var day = 0; day < _daysEnd.Count; day++)
        {
            Write(folder, Day(day), string.Concat(Enumerable.Range(from, _daysEnd[day] - from).Select(place => Line(place))));
            from = _daysEnd[day];
            Write(folder, CheckpointOf(day), Note(from, day switch { 0 => [Old], 1 => [Old, Now], _ => [Now] }));
        }

        Write(folder, "key.pem", KeyOf(Now).ToPem() + KeyOf(Old).ToPem());
    }

    /// <summary>The events of one grant, those that only name it included.</summary>
    public void Pack(string folder, string grant, int events, bool over)
    {
        Write(folder, "events.jsonl", string.Concat(Enumerable.Range(0, Size)
            .Where(place => Leaf(place).Contains($"\"grant\":\"{grant}\"", StringComparison.Ordinal)).Select(PackLine)));
        Write(folder, "checkpoint.txt", Note(Size, Now));
        var grants = $$"""[{"events":{{events}},"grant":"{{grant}}","over":{{(over ? "true" : "false")}}}]""";
        Write(folder, "pack.json", $$"""{"grants":{{grants}},"origin":"{{Origin}}","size":{{Size}},"v":1}""");
    }

    public string PackLine(int place)
    {
        var proofs = new TreeProofs(Size, [place], []);
        for (var i = 0; i < Size; i++) proofs.Add(Hash(i));
        return ExportLine.Of(Leaf(place), _bodies[place].Open, proofs.Inclusion(place));
    }

    public void Dispose()
    {
        Old.Dispose();
        Now.Dispose();
    }

    public static void Write(string folder, string path, string text)
    {
        var file = Path.Combine(folder, path);
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        File.WriteAllText(file, text);
    }

    private static CheckpointSignature Sign(Checkpoint checkpoint, ECDsa key) => new(checkpoint.Origin, KeyOf(key).KeyId,
        key.SignData(Encoding.UTF8.GetBytes(checkpoint.Body()), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));

    private void EndDay() => _daysEnd.Add(_bodies.Count);

    private void AddKey(ECDsa key) =>
        Add("audit.key", null,
            new Fact.Text("key", Convert.ToBase64String(key.ExportSubjectPublicKeyInfo())), new Fact.Text("key_id", KeyOf(key).Id));

    private void AddOwn(string type, string grant, params Fact[] what)
    {
        _numbers[grant] = _numbers.GetValueOrDefault(grant) + 1;
        Add(type, grant, _numbers[grant], what);
    }

    private void Add(string type, string? grant, params Fact[] what) => Add(type, grant, null, what);

    private void Add(string type, string? grant, int? number, Fact[] what) => _bodies.Add(EventBody.Of(new LogEvent
    {
        At = Some.Now.AddSeconds(_bodies.Count), Type = type, By = new Actor.Sweep(), Way = Way.Worker,
        Grant = grant is null ? null : GrantId.Parse(grant), Number = number, What = what,
    }));
}
