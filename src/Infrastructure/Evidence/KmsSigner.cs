using System.Text;
using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Infrastructure.Aws;

namespace DbAccess.Infrastructure.Evidence;

/// <summary>
/// Signs with a key in AWS KMS (asymmetric, ECC_NIST_P256, SIGN_VERIFY), which nobody can take out of there. Its public part is asked for
/// once in a process.
/// </summary>
/// <param name="keyId">Id, ARN or alias.</param>
internal sealed class KmsSigner(IAmazonKeyManagementService client, string keyId) : ICheckpointSigner
{
    private (string Arn, LogKey Key)? _opened;

    // KMS makes no key here: who may make one could make another.
    public async Task<LogKey> OpenAsync(bool first, CancellationToken cancellationToken) => (await OpenedAsync(cancellationToken)).Key;

    public async Task<byte[]> SignAsync(string text, CancellationToken cancellationToken)
    {
        // By the key itself, so that an alias that is moved meanwhile does not sign with a key that nobody was told of.
        var (arn, key) = await OpenedAsync(cancellationToken);
        // KMS takes texts of up to 4 KiB; a checkpoint has a few hundred bytes.
        using var message = new MemoryStream(Encoding.UTF8.GetBytes(text));
        var request = new SignRequest
        {
            KeyId = arn, Message = message, MessageType = MessageType.RAW, SigningAlgorithm = SigningAlgorithmSpec.ECDSA_SHA_256,
        };
        var signature = (await AskAsync(() => client.SignAsync(request, cancellationToken), cancellationToken)).Signature.ToArray();
        // What is appended stays for good.
        return key.Fits(text, signature) ? signature : throw Fault("what it signed does not fit its public key");
    }

    private async Task<(string Arn, LogKey Key)> OpenedAsync(CancellationToken cancellationToken)
    {
        if (_opened is { } known) return known;

        var request = new GetPublicKeyRequest { KeyId = keyId };
        var found = await AskAsync(() => client.GetPublicKeyAsync(request, cancellationToken), cancellationToken);
        // The public key itself says what kind it is; that of P-256 might be for key agreement.
        if (found.KeyUsage != KeyUsageType.SIGN_VERIFY || LogKey.From(found.PublicKey.ToArray()) is not { } key)
            throw Fault($"it is a key of {found.KeySpec?.Value ?? "another kind"} for {found.KeyUsage?.Value}; {Wanted}");

        _opened = (found.KeyId, key);
        return (found.KeyId, key);
    }

    private const string Wanted = "the log is signed by one of ECC_NIST_P256 for SIGN_VERIFY";

    private async Task<T> AskAsync<T>(Func<Task<T>> ask, CancellationToken cancellationToken)
    {
        try
        {
            return await ask();
        }
        catch (Exception failure) when (AwsFault.Is(failure, cancellationToken))
        {
            throw Fault(Say(failure));
        }
    }

    // In KMS's own words for what is wrong with a key; everything else as of all of AWS.
    private static string Say(Exception failure) => (failure as AmazonServiceException)?.ErrorCode switch
    {
        "NotFoundException" => "there is no such key or alias in this region",
        "DisabledException" => "it is disabled",
        "KMSInvalidStateException" => "it cannot be used in the state that it is in (is it to be deleted?)",
        "InvalidKeyUsageException" or "UnsupportedOperationException" => $"it is not for signing; {Wanted}",
        "AccessDeniedException" => $"{AwsFault.Say(failure)}, which needs kms:GetPublicKey and kms:Sign on it",
        _ => AwsFault.Say(failure),
    };

    private SigningKeyException Fault(string why) => new($"the audit key {keyId} in KMS cannot be used: {why}");
}
