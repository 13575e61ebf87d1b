using System.Net;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using DbAccess.Application;
using DbAccess.Infrastructure.Aws;

namespace DbAccess.Infrastructure.S3;

/// <summary>What became of reading an object.</summary>
internal abstract record S3Reading
{
    private S3Reading()
    {
    }

    public sealed record Found(byte[] Content, string ETag) : S3Reading;

    /// <summary>It is the one that the caller has.</summary>
    public sealed record Unchanged : S3Reading;

    /// <param name="Missing">The object is not there, as opposed to: it cannot be read.</param>
    /// <param name="Why">A clause, without secrets.</param>
    public sealed record Failed(bool Missing, string Why) : S3Reading
    {
        /// <summary>The same each time that the same happens: without the number that AWS gives each request.</summary>
        public string Kind { get; init; } = Why;
    }
}

/// <summary>Reads small objects whole. Encryption with a KMS key is S3's affair, as long as the role may use the key.</summary>
internal static class S3Objects
{
    /// <summary>
    /// From the question to the last byte, with all tries. The client's own limit ends with the headers: a body may stop on its way for
    /// good.
    /// </summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <param name="longest">In bytes; one byte more is read, so that the caller sees that it is too long.</param>
    /// <param name="etag">What the caller has already; null when nothing.</param>
    public static async Task<S3Reading> ReadAsync(
            IAmazonS3 client, string bucket, string key, int longest, string? etag, TimeProvider clock, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(Patience, clock, cancellationToken);
        try
        {
            return await ReadAsync(client, bucket, key, longest, etag, deadline.Token);
        }
        catch (OperationCanceledException) when (deadline.Token.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return new S3Reading.Failed(false, $"S3 did not send all of it within {Patience.TotalSeconds} seconds");
        }
    }

    private static async Task<S3Reading> ReadAsync(
            IAmazonS3 client, string bucket, string key, int longest, string? etag, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await client.GetObjectAsync(
                new GetObjectRequest { BucketName = bucket, Key = key, EtagToNotMatch = etag }, cancellationToken);
            if (answer.HttpStatusCode is HttpStatusCode.NotModified) return new S3Reading.Unchanged();

            var content = new byte[longest + 1];
            var length = 0;
            // The last bytes may bring a checksum error, so the stream is read to its end.
            while (length < content.Length
                && await answer.ResponseStream.ReadAsync(content.AsMemory(length), cancellationToken) is var read and > 0) length += read;
            return new S3Reading.Found(content[..length], answer.ETag);
        }
        catch (AmazonServiceException failure) when (failure.StatusCode is HttpStatusCode.NotModified)
        {
            return new S3Reading.Unchanged();
        }
        catch (AmazonServiceException failure) when (failure.ErrorCode is "NoSuchKey" or "NotFound")
        {
            return new S3Reading.Failed(true, "there is no such object");
        }
        catch (AmazonServiceException failure) when (failure.ErrorCode is "NoSuchBucket")
        {
            return new S3Reading.Failed(false, "there is no such bucket");
        }
        catch (AmazonServiceException failure) when (failure.ErrorCode is "AccessDenied" or "AccessDeniedException"
            || failure.StatusCode is HttpStatusCode.Forbidden && string.IsNullOrEmpty(failure.ErrorCode))
        {
            // S3 answers the same for an object that does not exist to whoever may not list the bucket.
            return new S3Reading.Failed(false,
                "AWS denies it to the role of this process, which needs s3:GetObject there and kms:Decrypt for the bucket's key; or the " +
                "object is simply missing, which AWS says only to a role with s3:ListBucket");
        }
        catch (Exception failure) when (AwsFault.Is(failure, cancellationToken))
        {
            return new S3Reading.Failed(false, AwsFault.Say(failure)) { Kind = AwsFault.Kind(failure) };
        }
    }
}
