using System.Security.Cryptography;
using System.Text;
using DbAccess.Domain.Evidence;
using DbAccess.Infrastructure.Tests.Files;
using static DbAccess.Infrastructure.Tests.Evidence.SyntheticLog;

namespace DbAccess.Infrastructure.Tests.Evidence;

/// <summary>A folder that is spoiled, and two verifiers that have to say the same about it, word by word.</summary>
public abstract class Tampering : IDisposable
{
    private readonly TemporaryDirectory _directory = new();
    private readonly List<string> _kept = [];

    private protected SyntheticLog Log { get; } = new();

    private protected ECDsa Stranger { get; } = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    private protected string Folder => _directory.File("export");

    public void Dispose()
    {
        Log.Dispose();
        Stranger.Dispose();
        _directory.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected async Task AssertBothSayAsync(Answer answer)
    {
        var expected = answer with { Words = answer.Words.Replace("KEPT", _kept.FirstOrDefault() ?? "", StringComparison.Ordinal) };
        Assert.Equal(expected, await Verifiers.OursAsync(Folder, KeyOf(Log.Old).ToPem(), [.. _kept]));
        Assert.Equal(expected, await Verifiers.PythonAsync(Folder, KeyFile(KeyOf(Log.Old)), [.. _kept]));
    }

    private protected string KeyFile(LogKey key)
    {
        Write(_directory.Path, $"{key.Id}.pem", key.ToPem());
        return _directory.File($"{key.Id}.pem");
    }

    private protected string In(string path) => Path.Combine(Folder, path);

    private protected void Delete(string path) => File.Delete(In(path));

    private protected void Text(string path, Func<string, string> edit) => Write(Folder, path, edit(File.ReadAllText(In(path))));

    private protected void Bytes(string path, byte[] before, byte[] after)
    {
        var text = Encoding.Latin1.GetString(File.ReadAllBytes(In(path)));
        File.WriteAllBytes(In(path), Encoding.Latin1.GetBytes(text.Replace(
            Encoding.Latin1.GetString(before), Encoding.Latin1.GetString(after), StringComparison.Ordinal)));
    }

    private protected void Lines(string path, Action<List<string>> edit) => Text(path, text =>
    {
        var lines = text[..^1].Split('\n').ToList();
        edit(lines);
        return string.Join('\n', lines) + "\n";
    });

    private protected void Line(string path, int index, Func<string, string> edit) =>
        Lines(path, lines => lines[index] = edit(lines[index]));

    private protected void Edit(string path, int index, string before, string after) => Line(path, index, line =>
    {
        Assert.Contains(before, line, StringComparison.Ordinal);
        return line.Replace(before, after, StringComparison.Ordinal);
    });

    private protected void EditMended(string path, int index, string before, string after)
    {
        Edit(path, index, before, after);
        Line(path, index, line => ExportLine.Of(LeafOf(line), null)[..^1]);
    }

    private static string LeafOf(string line)
    {
        var end = line.IndexOf(",\"open\":{", StringComparison.Ordinal);
        return line[(line.IndexOf("\"leaf\":", StringComparison.Ordinal) + 7)..(end < 0 ? line.Length - 1 : end)];
    }

    private protected void Keep(string note)
    {
        _kept.Add(_directory.File($"kept-{_kept.Count}"));
        File.WriteAllText(_kept[^1], note);
    }

    /// <summary>A stranger's signature with the id of the key that is held.</summary>
    private protected string Misnamed(int size)
    {
        var signed = SignedCheckpoint.Parse(Log.Note(size, Stranger))!;
        return (signed with { Signatures = [signed.Signatures[0] with { KeyId = KeyOf(Log.Old).KeyId }] }).Note();
    }
}
