using System.Security.Cryptography;
using System.Text;
using DbAccess.Domain.Evidence;

namespace DbAccess.Domain.Tests.Evidence;

public sealed class CheckpointTests
{
    private static readonly DateTimeOffset At = new(2026, 11, 29, 21, 15, 0, 7, TimeSpan.Zero);
    private static readonly Checkpoint Some = new("dbaccess/prod", 20852, SHA256.HashData("x"u8), At);

    [Fact]
    public void What_is_signed_has_four_lines()
    {
        Assert.Equal($"dbaccess/prod\n20852\n{Convert.ToBase64String(Some.Root)}\ntime 2026-11-29T21:15:00.007Z\n", Some.Body());
        Assert.Equal(Some, Checkpoint.Parse(Some.Body()));
        Assert.Equal(Some, Some with { At = At.ToOffset(TimeSpan.FromHours(3)).AddTicks(1) });
    }

    [Fact]
    public void A_note_with_several_signatures_comes_back_as_it_was_and_each_key_knows_its_own()
    {
        using var old = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var now = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var signed = new SignedCheckpoint(Some, [Sign(old, Some.Body()), Sign(now, Some.Body())]);

        var read = SignedCheckpoint.Parse(signed.Note())!;

        Assert.Equal(signed.Note(), read.Note());
        Assert.StartsWith($"{Some.Body()}\n— dbaccess/prod ", read.Note(), StringComparison.Ordinal);
        var (oldKey, nowKey) = (Key(old), Key(now));
        Assert.Equal([oldKey.Id, nowKey.Id], read.Signatures.Select(line => line.Key));
        Assert.True(oldKey.Fits(read.Checkpoint.Body(), read.Signatures[0].Signature));
        Assert.True(nowKey.Fits(read.Checkpoint.Body(), read.Signatures[1].Signature));
        Assert.False(nowKey.Fits(read.Checkpoint.Body(), read.Signatures[0].Signature));
        Assert.False(oldKey.Fits(read.Checkpoint.Body() + "\n", read.Signatures[0].Signature));
        Assert.False(oldKey.Fits(read.Checkpoint.Body(), [1, 2, 3]));
    }

    [Fact]
    public void A_note_that_differs_in_one_letter_from_what_we_would_write_is_none_or_says_something_else()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var note = new SignedCheckpoint(Some, [Sign(key, Some.Body())]).Note();
        Assert.Null(SignedCheckpoint.Parse(note[..^1]));
        Assert.Null(SignedCheckpoint.Parse(note + "\n"));
        Assert.Null(SignedCheckpoint.Parse(note.Replace("\n", "\r\n", StringComparison.Ordinal)));
        Assert.Null(SignedCheckpoint.Parse(note.Replace("\n20852\n", "\n020852\n", StringComparison.Ordinal)));
        Assert.Null(SignedCheckpoint.Parse(note.Replace("\ntime ", "\nmore\ntime ", StringComparison.Ordinal)));
        Assert.Null(SignedCheckpoint.Parse(Some.Body()));
        Assert.Null(SignedCheckpoint.Parse(Some.Body() + "\n"));
        Assert.Null(SignedCheckpoint.Parse(note + new string('x', SignedCheckpoint.MaximalLength)));
        for (var i = 0; i < note.Length; i++)
        {
            var other = note[..i] + (note[i] == 'A' ? 'B' : 'A') + note[(i + 1)..];
            if (SignedCheckpoint.Parse(other) is { } read) Assert.Equal(other, read.Note());
        }
    }

    [Fact]
    public void A_key_comes_back_from_its_PEM_and_what_is_no_key_on_the_curve_is_none()
    {
        using var one = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var two = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var large = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using var rsa = RSA.Create(2048);
        var strangers = $"{rsa.ExportSubjectPublicKeyInfoPem()}\n{large.ExportSubjectPublicKeyInfoPem()}";
        var pem = $"the keys\n{Key(one).ToPem()}{strangers}\n{Key(two).ToPem()}";

        Assert.Equal([Key(one).Id, Key(two).Id], LogKey.FromPem(pem).Select(key => key.Id));
        Assert.Equal(one.ExportSubjectPublicKeyInfoPem() + "\n", Key(one).ToPem());
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(one.ExportSubjectPublicKeyInfo()))[..8], Key(one).Id);
        Assert.Empty(LogKey.FromPem(""));
        Assert.Null(LogKey.From(large.ExportSubjectPublicKeyInfo()));
        var off = one.ExportSubjectPublicKeyInfo();
        off[^1] ^= 1;
        Assert.Null(LogKey.From(off));
    }

    private static LogKey Key(ECDsa key) => LogKey.From(key.ExportSubjectPublicKeyInfo())!;

    private static CheckpointSignature Sign(ECDsa key, string body) => new(Some.Origin, Key(key).KeyId,
        key.SignData(Encoding.UTF8.GetBytes(body), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
}
