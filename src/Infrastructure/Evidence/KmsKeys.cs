using System.Text.RegularExpressions;
using Amazon.KeyManagementService;
using DbAccess.Application.Ports;

namespace DbAccess.Infrastructure.Evidence;

/// <summary>Keys in AWS KMS by their names; a client is made when the first is asked for.</summary>
internal sealed partial class KmsKeys(Func<IAmazonKeyManagementService> client) : IKeysByName
{
    public ICheckpointSigner? Find(string name) => IsName(name) ? new KmsSigner(client(), name) : null;

    /// <summary>Id, ARN or alias.</summary>
    public static bool IsName(string text) => Name().IsMatch(text);

    [GeneratedRegex("^(alias/[A-Za-z0-9/_-]+|arn:[a-z0-9-]+:kms:[a-z0-9-]+:[0-9]{12}:(key|alias)/[A-Za-z0-9/_-]+|[A-Za-z0-9-]{1,256})\\z",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Name();
}
