using System.Security.Cryptography;
using System.Text;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;

namespace DbAccess.TestKit.Fakes;

/// <summary>A real key that lives as long as the test.</summary>
public sealed class FakeSigner : ICheckpointSigner, IDisposable
{
    private ECDsa? _key;

    /// <summary>How many times it signed.</summary>
    public int Signed { get; private set; }

    /// <summary>Called before each signature, for what happens in that moment.</summary>
    public Action? Signing { get; set; }

    public LogKey Key => LogKey.From((_key ?? throw new InvalidOperationException("There is none yet.")).ExportSubjectPublicKeyInfo())!;

    public void Lose() => _key = null;

    public void Replace() => _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    /// <summary>From here on it has the other's key.</summary>
    public void TakeOver(FakeSigner other) => _key = other._key;

    public Task<LogKey> OpenAsync(bool first, CancellationToken cancellationToken)
    {
        if (_key is null && !first) throw new SigningKeyException("the audit key is lost");
        _key ??= ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Task.FromResult(Key);
    }

    public Task<byte[]> SignAsync(string text, CancellationToken cancellationToken)
    {
        Signing?.Invoke();
        Signed++;
        return Task.FromResult(_key!.SignData(Encoding.UTF8.GetBytes(text), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }

    public void Dispose() => _key?.Dispose();
}
