using DbAccess.Domain.Evidence;

namespace DbAccess.Application.Ports;

/// <summary>The key cannot be used. The message says why and what mends it, without a secret.</summary>
public sealed class SigningKeyException(string why) : Exception(why);

/// <summary>Signs checkpoints with the log's key, which never leaves where it is.</summary>
public interface ICheckpointSigner
{
    /// <summary>The public part of the key in use.</summary>
    /// <param name="first">Nothing was ever signed for this log, so a key may be made where there is none. One that was there before and is
    /// not any more is lost, and never replaced in silence.</param>
    /// <exception cref="SigningKeyException">There is none that can be used.</exception>
    Task<LogKey> OpenAsync(bool first, CancellationToken cancellationToken);

    /// <summary>ECDSA over P-256 with SHA-256 over the text, ASN.1 DER.</summary>
    /// <exception cref="SigningKeyException">It could not be signed now.</exception>
    Task<byte[]> SignAsync(string text, CancellationToken cancellationToken);
}

/// <summary>Keys that are kept elsewhere, by name, besides the one that is set: one that signed so far vouches for the next.</summary>
public interface IKeysByName
{
    /// <summary>Null when that is no name of such a key. Whether there is one is seen when it is opened.</summary>
    /// <param name="name">Of a key in KMS: its id, ARN or alias.</param>
    ICheckpointSigner? Find(string name);
}

/// <summary>A signer whose key is kept here, and can be put aside for another.</summary>
public interface IKeptKey : ICheckpointSigner
{
    /// <summary>Where the next key waits until it is used. The same one again after a change that was cut off.</summary>
    ICheckpointSigner Next { get; }

    /// <summary>Where a key lies that was put aside.</summary>
    /// <param name="id">Eight hex digits.</param>
    ICheckpointSigner Aside(string id);

    /// <summary>
    /// Keeps the present key aside, under its id, and puts the next one in its place; safe to repeat. There is a key at each moment.
    /// </summary>
    /// <exception cref="SigningKeyException">It cannot be done here.</exception>
    void TakeNext();
}
