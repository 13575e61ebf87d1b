using System.Text.RegularExpressions;
using DbAccess.Domain.Evidence;
using static DbAccess.Infrastructure.Tests.Evidence.SyntheticLog;

namespace DbAccess.Infrastructure.Tests.Evidence;

/// <summary>
/// An export with one thing wrong: the product's verifier and <c>tools/verify_audit.py</c> say the same, word by word, and what
/// <c>docs/audit-format.md</c> has for it.
/// </summary>
public sealed partial class ExportTamperingTests : Tampering
{
    private const string D0 = "log/2026/11/01.jsonl";
    private const string D1 = "log/2026/11/02.jsonl";
    private const string D2 = "log/2026/11/03.jsonl";
    private const string C0 = "checkpoints/2026/11/01.txt";
    private const string C1 = "checkpoints/2026/11/02.txt";
    private const string C2 = "checkpoints/2026/11/03.txt";

    public static TheoryData<string> Names => [.. Cases.Select(it => it.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Both_verifiers_complain_in_the_same_words(string tampering)
    {
        var (_, fault, edit) = Cases.Find(it => it.Name == tampering);
        Log.Export(Folder);
        edit(this);

        await AssertBothSayAsync(new Answer(fault, 1));
    }

    [Fact]
    public async Task A_log_that_nobody_touched_is_whole()
    {
        Log.Export(Folder);
        Keep(Log.Note(0, Log.Old));
        Keep(Log.Note(5, Log.Old));
        Keep(Log.Note(29, Log.Now));
        // What is no part of an export, and a witness that signs with a name of its own.
        Write(Folder, "log/2026/11/notes.jsonl", "hello");
        Text(C2, text => text + Note("witness.example", 29, Log.Root(29), Stranger).Split("\n\n")[1]);

        await AssertBothSayAsync(new Answer($"""
            the log is whole
            events: 29
            checkpoints: 3
            newest checkpoint: size 29, root {Convert.ToBase64String(Log.Root(29))}, {File.ReadAllLines(In(C2))[3]}
            signed by: {KeyOf(Log.Old).Id} 4, {KeyOf(Log.Now).Id} 3
            sealed values: 4 shown, 0 withheld
            checkpoints that you kept: 3
            """, 0));
    }

    [Fact]
    public async Task Values_that_are_withheld_leave_the_proof_whole()
    {
        Log.Export(Folder);
        Line(D0, 3, _ => Log.Line(3, withhold: true)[..^1]);

        await AssertBothSayAsync(new Answer($"""
            the log is whole
            events: 29
            checkpoints: 3
            newest checkpoint: size 29, root {Convert.ToBase64String(Log.Root(29))}, {File.ReadAllLines(In(C2))[3]}
            signed by: {KeyOf(Log.Old).Id} 2, {KeyOf(Log.Now).Id} 2
            sealed values: 2 shown, 2 withheld
            """, 0));
    }

    [Fact]
    public async Task Either_key_is_enough_since_the_log_brings_in_the_other_and_a_strangers_is_not()
    {
        Log.Export(Folder);
        Assert.Equal(0, (await Verifiers.OursAsync(Folder, KeyOf(Log.Now).ToPem())).ExitCode);
        Assert.Equal(0, (await Verifiers.PythonAsync(Folder, KeyFile(KeyOf(Log.Now)))).ExitCode);

        var stranger = KeyOf(Stranger);
        var fault = new Answer("the checkpoint of size 8 is signed by no key that you hold", 1);
        Assert.Equal(fault, await Verifiers.OursAsync(Folder, stranger.ToPem()));
        Assert.Equal(fault, await Verifiers.PythonAsync(Folder, KeyFile(stranger)));
    }

    /// <summary>Other leaves, each with the place where it stands now and the hash that is right for it.</summary>
    private void Renumber(Action<List<string>> edit)
    {
        var leaves = Enumerable.Range(0, Log.Size).Select(Log.Leaf).ToList();
        edit(leaves);
        var lines = leaves.Select((leaf, place) => ExportLine.Of(Regex.Replace(leaf, "(?<=,\"seq\":)[0-9]+", $"{place}"), null)).ToList();
        Write(Folder, D0, string.Concat(lines.Take(8)));
        Write(Folder, D1, string.Concat(lines.Skip(8).Take(10)));
        Write(Folder, D2, string.Concat(lines.Skip(18)));
    }
}
