using Amazon.S3;
using DbAccess.Infrastructure.Files;
using DbAccess.Infrastructure.Policies;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.S3;

/// <summary>
/// The policy as an object in S3, asked for by its ETag, every 10 seconds at most: an edit counts within some ten seconds.
/// </summary>
internal sealed class S3PolicySource(
    IAmazonS3 client, string bucket, string key, PolicyStart start, string? etag, TimeProvider clock, ILogger<S3PolicySource> log)
    : WatchedPolicy($"s3://{bucket}/{key}", start, TimeSpan.FromSeconds(10), clock, log)
{
    private string? _etag = etag;
    private string? _problem;

    protected override async Task LookAsync()
    {
        try
        {
            Take(await S3Objects.ReadAsync(client, bucket, key, PolicyYaml.LongestFile, _etag, Clock, CancellationToken.None));
        }
        catch (Exception failure)
        {
            Take(new S3Reading.Failed(false, $"looking at it failed ({failure.GetType().Name})"));
        }
    }

    private void Take(S3Reading reading)
    {
        switch (reading)
        {
            case S3Reading.Found found:
                (_etag, _problem) = (found.ETag, null);
                InForce.Judge(found.Content);
                break;

            case S3Reading.Failed failed when failed.Kind != _problem:
                _problem = failed.Kind;
                // The object is judged anew when it can be read again, so its tag is forgotten.
                _etag = null;
                if (failed.Missing) InForce.Refuse(failed.Why);
                else InForce.CannotRead(failed.Why);
                break;
        }
    }
}
