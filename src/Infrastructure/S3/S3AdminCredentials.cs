using Amazon.S3;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Infrastructure.Credentials;

namespace DbAccess.Infrastructure.S3;

/// <summary>
/// Administrator credentials from one JSON object per cluster, <c>s3://bucket/prefix&lt;cluster&gt;.json</c>; no refusal shows anything of
/// what it holds.
/// </summary>
internal sealed class S3AdminCredentials(IAmazonS3 client, string bucket, string prefix, TimeProvider clock) : IAdminCredentials
{
    private readonly AdminCredentialCache _cache = new(clock);

    public Task<Result<AdminCredential>> FindAsync(ClusterName cluster, bool fresh, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return _cache.FindAsync(cluster, fresh, () => ReadAsync(cluster, cancellationToken));
    }

    private async Task<Result<AdminCredential>> ReadAsync(ClusterName cluster, CancellationToken cancellationToken)
    {
        var key = $"{prefix}{cluster}.json";
        var place = $"s3://{bucket}/{key}";
        return await S3Objects.ReadAsync(client, bucket, key, AdminCredentialJson.Longest, null, clock, cancellationToken) switch
        {
            S3Reading.Found { Content.Length: > AdminCredentialJson.Longest } =>
                AdminCredentialJson.Refuse("malformed", cluster, place, "it is longer than 64 KiB"),
            S3Reading.Found found => AdminCredentialJson.Read(found.Content, cluster, place),
            S3Reading.Failed { Missing: true } failed =>
                AdminCredentialJson.Refuse("missing", cluster, place, $"{failed.Why}; put the administrator's credentials there"),
            S3Reading.Failed failed => AdminCredentialJson.Refuse("unreadable", cluster, place, failed.Why),
            _ => AdminCredentialJson.Refuse("unreadable", cluster, place, "S3 answered that it has not changed, without having been asked"),
        };
    }
}
