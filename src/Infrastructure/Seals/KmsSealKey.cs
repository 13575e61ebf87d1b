using Amazon.KeyManagementService;
using Amazon.KeyManagementService.Model;
using Amazon.Runtime;
using DbAccess.Infrastructure.Aws;

namespace DbAccess.Infrastructure.Seals;

/// <summary>
/// The key of the seals out of an HMAC key in AWS KMS (<c>HMAC_256</c>, <c>GENERATE_VERIFY_MAC</c>), which nobody can take out of there: it
/// is what KMS answers to one text. So it lies nowhere, and who may not ask KMS does not have it. It is asked for once, at the start, and
/// not for each seal: that would be a call for every row of the inbox and every step of a grant, and an outage of KMS one of the brake.
/// </summary>
internal static class KmsSealKey
{
    public const string Scheme = "kms://";

    private static readonly byte[] _text = "dbaccess seal key v1"u8.ToArray();

    private const string Wanted = "seals take one of HMAC_256 for GENERATE_VERIFY_MAC";

    /// <summary>Null, with a fault, when it cannot be had. KMS makes no key here: who may make one could make another.</summary>
    public static SealKey? Open(Func<IAmazonKeyManagementService> create, Settings settings, string setting, string address)
    {
        var key = address[Scheme.Length..];
        if (!KmsKeyName.IsOne(key))
        {
            settings.Fault($"{setting} is '{address}'; a key in KMS is named kms:// and its id, its ARN or its alias (alias/…).");
            return null;
        }

        try
        {
            using var client = create();
            using var message = new MemoryStream(_text);
            // Settings are read before anything runs, and nothing waits for this thread.
            var answer = client.GenerateMacAsync(new GenerateMacRequest
            {
                KeyId = key, MacAlgorithm = MacAlgorithmSpec.HMAC_SHA_256, Message = message,
            }).GetAwaiter().GetResult();
            if (answer.Mac.ToArray() is { Length: HmacSeal.KeyBytes } mac) return new SealKey(mac, IsNew: false);

            settings.Fault($"{setting} is '{address}', whose answer is of another length; {Wanted}.");
        }
        catch (AwsSettingsException failure)
        {
            settings.Fault($"{setting} is '{address}'. {failure.Message}");
        }
        catch (Exception failure) when (AwsFault.Is(failure, CancellationToken.None))
        {
            settings.Fault($"{setting} is '{address}', which cannot be used: {Say(failure)}.");
        }
        return null;
    }

    private static string Say(Exception failure) => (failure as AmazonServiceException)?.ErrorCode switch
    {
        "NotFoundException" => "there is no such key or alias in this region",
        "DisabledException" => "it is disabled",
        "KMSInvalidStateException" => "it cannot be used in the state that it is in (is it to be deleted?)",
        "InvalidKeyUsageException" => $"it is not for seals; {Wanted}",
        "AccessDeniedException" => $"{AwsFault.Say(failure)}, which needs kms:GenerateMac on it",
        _ => AwsFault.Say(failure),
    };
}
