using DbAccess.Domain.Evidence;
using static DbAccess.Infrastructure.Tests.Evidence.SyntheticLog;

namespace DbAccess.Infrastructure.Tests.Evidence;

/// <summary>A pack with one thing wrong: both verifiers say the same about it. The log that it comes from is nowhere near.</summary>
public sealed class PackTamperingTests : Tampering
{
    private const string Events = "events.jsonl";
    private const string Note = "checkpoint.txt";
    private const string Json = "pack.json";

    private static readonly List<(string Name, string Fault, Action<PackTamperingTests> Edit)> Cases =
    [
        ("a proof edited",
            "event 5 is not in the tree that the checkpoint signed",
            t => t.Line(Events, 2, line => line[..^4] + (line[^4] == '0' ? '1' : '0') + line[^3..])),
        ("a proof without its last hash",
            "event 5 is not in the tree that the checkpoint signed",
            t => t.Line(Events, 2, line => line[..line.LastIndexOf(',')] + "]}")),
        ("a proof of another event",
            "event 5 is not in the tree that the checkpoint signed",
            t => t.Line(Events, 2, line => line[..line.IndexOf("\"proof\"", StringComparison.Ordinal)] + ProofOf(t.Log.PackLine(6)))),
        ("no proof",
            "events.jsonl line 3 is not an event",
            t => t.Line(Events, 2, _ => t.Log.Line(5)[..^1])),
        ("a proof that is no hash",
            "events.jsonl line 3 is not an event",
            t => t.Line(Events, 2, line => line[..^4] + "\"]}")),
        ("an event removed",
            "grant AAAA-AA: its event 2 is missing",
            t => t.Lines(Events, lines => lines.RemoveAt(2))),
        ("the first event removed",
            "grant AAAA-AA: its event 1 is missing",
            t => t.Lines(Events, lines => lines.RemoveAt(0))),
        ("the last event removed",
            "grant AAAA-AA: its event 13 is missing",
            t => t.Lines(Events, lines => lines.RemoveAt(lines.Count - 1))),
        ("all events removed",
            "grant AAAA-AA: its event 1 is missing",
            t => t.Text(Events, _ => "")),
        ("no file of events",
            "grant AAAA-AA: its event 1 is missing",
            t => t.Delete(Events)),
        ("the end removed, and the count mended",
            "grant AAAA-AA: its end is missing",
            t =>
            {
                t.Lines(Events, lines => lines.RemoveRange(12, 2));
                t.Text(Json, text => text.Replace(":13,", ":11,", StringComparison.Ordinal));
            }),
        ("more events than it says",
            "pack.json does not describe this pack",
            t => t.Text(Json, text => text.Replace(":13,", ":12,", StringComparison.Ordinal))),
        ("an event of another grant's",
            "event 6 is about grant DDDD-DD, which this pack is not about",
            t => t.Lines(Events, lines => lines.Insert(3, t.Log.PackLine(6)[..^1]))),
        ("an event that was given to another grant",
            "event 5 was changed: it does not have the hash beside it",
            t => t.Edit(Events, 2, A, D)),
        ("an event there twice",
            "event 5 stands where event 6 belongs: it is there twice, or out of order",
            t => t.Lines(Events, lines => lines.Insert(3, lines[2]))),
        ("two swapped",
            "event 4 stands where event 6 belongs: it is there twice, or out of order",
            t => t.Lines(Events, lines => (lines[1], lines[2]) = (lines[2], lines[1]))),
        ("two of the grant's own swapped",
            "grant AAAA-AA: its event 2 is missing",
            t => t.Lines(Events, lines => (lines[2], lines[3]) = (lines[3], lines[2]))),
        ("an opened value edited",
            "event 3 was changed: what is shown as reason is not what was recorded",
            t => t.Edit(Events, 0, "INC-1", "INC-2")),
        ("white space",
            "events.jsonl line 2 is not canonical",
            t => t.Edit(Events, 1, ",\"proof\"", ", \"proof\"")),
        ("a line cut",
            "events.jsonl line 14 is cut off",
            t => t.Text(Events, text => text[..^1])),
        ("no checkpoint",
            "there is no checkpoint",
            t => t.Delete(Note)),
        ("not a checkpoint",
            "checkpoint.txt is not a checkpoint",
            t => t.Text(Note, _ => "hello\n")),
        ("the checkpoint of an older tree",
            "event 3 is not in the tree that the checkpoint signed",
            t => t.Text(Note, _ => t.Log.Note(18, t.Log.Old))),
        ("the checkpoint of another log",
            "the checkpoint of size 29 is of another log: dbaccess/other",
            t => t.Text(Note, _ => SyntheticLog.Note("dbaccess/other", 29, t.Log.Root(29), t.Log.Old))),
        ("a checkpoint that a stranger signed",
            "the checkpoint of size 29 is signed by no key that you hold",
            t => t.Text(Note, _ => t.Log.Note(29, t.Stranger))),
        ("a checkpoint with a bad signature",
            "the checkpoint of size 29 has a bad signature",
            t => t.Text(Note, _ => t.Misnamed(29))),
        ("another size in the description",
            "pack.json does not describe this pack",
            t => t.Text(Json, text => text.Replace(":29,", ":30,", StringComparison.Ordinal))),
        ("no JSON as the description",
            "pack.json does not describe this pack",
            t => t.Text(Json, _ => "hello")),
        ("another version of the description",
            "pack.json does not describe this pack",
            t => t.Text(Json, text => text.Replace("\"v\":1", "\"v\":true", StringComparison.Ordinal))),
        ("a grant twice in the description",
            "pack.json does not describe this pack",
            t => t.Text(Json, text => Also(text, A, 13))),
        ("a grant that is not there",
            "grant CCCC-CC: its event 1 is missing",
            t => t.Text(Json, text => Also(text, C, 6))),
    ];

    public static TheoryData<string> Names => [.. Cases.Select(it => it.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Both_verifiers_complain_in_the_same_words(string tampering)
    {
        var (_, fault, edit) = Cases.Find(it => it.Name == tampering);
        Pack(A, 13, over: true);
        edit(this);

        await AssertBothSayAsync(new Answer(fault, 1));
    }

    [Theory]
    [InlineData(A, 13, true, 14, 3)]
    [InlineData(C, 6, true, 3, 0)]
    [InlineData(D, 8, false, 8, 1)]
    public async Task A_pack_that_nobody_touched_is_whole(string grant, int own, bool over, int events, int values)
    {
        Pack(grant, own, over);

        await AssertBothSayAsync(new Answer($"""
            the pack is whole
            events: {events}
            grant {grant}: events {own}, {(over ? "over" : "not over")}
            checkpoint: size 29, root {Convert.ToBase64String(Log.Root(29))}, {File.ReadAllLines(In(Note))[3]}
            signed by: {KeyOf(Log.Old).Id} 1
            sealed values: {values} shown, 0 withheld
            """, 0));
    }

    [Fact]
    public async Task Over_is_not_said_of_a_grant_that_has_no_end()
    {
        Pack(D, 8, over: true);

        await AssertBothSayAsync(new Answer("grant DDDD-DD: its end is missing", 1));
    }

    [Fact]
    public async Task A_checkpoint_that_was_kept_cannot_be_held_against_a_pack()
    {
        Pack(A, 13, over: true);
        var (answer, errors) = await Verifiers.RunAsync([Folder, "--key", KeyFile(KeyOf(Log.Old)), "--checkpoint", In(Note)]);

        Assert.Equal(new Answer("", 2), answer);
        var ours = await Assert.ThrowsAsync<NotSupportedException>(() => Verifiers.OursAsync(Folder, KeyOf(Log.Old).ToPem(), In(Note)));
        Assert.Equal(ours.Message, errors.TrimEnd('\n'));
    }

    [Theory]
    [InlineData(0, "--help")]
    [InlineData(2)]
    [InlineData(2, "no-such-folder")]
    [InlineData(2, "no-such-folder", "--key", "no-such-file")]
    [InlineData(2, ".", "--key", "/dev/null")]
    public async Task Misuse_of_the_script_ends_with_2_and_a_word_about_it(int exitCode, params string[] arguments)
    {
        var (answer, errors) = await Verifiers.RunAsync(arguments);

        Assert.Equal(exitCode, answer.ExitCode);
        Assert.NotEqual("", exitCode == 0 ? answer.Words : errors);
        Assert.DoesNotContain("Traceback", errors, StringComparison.Ordinal);
    }

    private static string Also(string description, string grant, int events) =>
        description.Replace("}]", $$"""},{"events":{{events}},"grant":"{{grant}}","over":true}]""", StringComparison.Ordinal);

    private static string ProofOf(string line) => line[line.IndexOf("\"proof\"", StringComparison.Ordinal)..^1];

    private void Pack(string grant, int events, bool over)
    {
        Log.Pack(Folder, grant, events, over);
        Write(Folder, Note, Log.Note(Log.Size, Log.Old));
    }
}
