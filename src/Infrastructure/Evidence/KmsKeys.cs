using Amazon.KeyManagementService;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Aws;

namespace DbAccess.Infrastructure.Evidence;

/// <summary>Keys in AWS KMS by their names; a client is made when the first is asked for.</summary>
internal sealed class KmsKeys(Func<IAmazonKeyManagementService> client) : IKeysByName
{
    public ICheckpointSigner? Find(string name) => KmsKeyName.IsOne(name) ? new KmsSigner(client(), name) : null;
}
