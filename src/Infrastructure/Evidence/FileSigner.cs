using System.Security.Cryptography;
using System.Text;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Infrastructure.Files;

namespace DbAccess.Infrastructure.Evidence;

/// <summary>Signs with a private key in a file (PKCS #8, PEM) that only its owner may read.</summary>
internal sealed class FileSigner(string path) : IKeptKey
{
    public Task<LogKey> OpenAsync(bool first, CancellationToken cancellationToken)
    {
        if (first) Make();
        using var key = Read();
        return Task.FromResult(PublicOf(key));
    }

    // Read anew each time: it is a few hundred bytes, and a key that was taken away is noticed.
    public Task<byte[]> SignAsync(string text, CancellationToken cancellationToken)
    {
        using var key = Read();
        return Task.FromResult(
            key.SignData(Encoding.UTF8.GetBytes(text), HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence));
    }

    public ICheckpointSigner Next => new FileSigner($"{path}.next");

    public ICheckpointSigner Aside(string id) => new FileSigner($"{path}.{id}");

    public void TakeNext()
    {
        try
        {
            if (!File.Exists($"{path}.next")) return;
            if (File.Exists(path))
            {
                using var old = Read();
                PrivateFile.TryMake($"{path}.{PublicOf(old).Id}", File.ReadAllText(path));
            }

            File.Move($"{path}.next", path, overwrite: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new SigningKeyException($"the audit key {path} cannot be changed ({failure.GetType().Name})");
        }
    }

    private void Make()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        try
        {
            PrivateFile.TryMake(path, key.ExportPkcs8PrivateKeyPem() + "\n");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new SigningKeyException($"the audit key {path} cannot be made ({failure.GetType().Name})");
        }
    }

    private ECDsa Read()
    {
        var key = ECDsa.Create();
        try
        {
            if (PrivateFile.Exposed(path) is { } exposed) throw new SigningKeyException($"the audit key is {exposed}");
            key.ImportFromPem(File.ReadAllText(path));
            return key;
        }
        catch (Exception failure)
            when (failure is IOException or UnauthorizedAccessException or CryptographicException or ArgumentException)
        {
            key.Dispose();
            throw new SigningKeyException(failure is FileNotFoundException or DirectoryNotFoundException
                ? $"the audit key {path} is lost. Put it back from where it was kept, or begin with another by `dbaccess audit key " +
                    $"--change`"
                : $"the audit key {path} cannot be read ({failure.GetType().Name})");
        }
        catch
        {
            key.Dispose();
            throw;
        }
    }

    private static LogKey PublicOf(ECDsa key) => LogKey.From(key.ExportSubjectPublicKeyInfo())
        ?? throw new SigningKeyException("the audit key is not one of ECDSA on P-256");
}
