using System.Net;
using System.Security.Cryptography;
using System.Text;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Aws;

namespace DbAccess.Infrastructure.Evidence;

/// <summary>
/// A bucket, best one with object lock. Nothing is put over: a file is added only where there is none (<c>If-None-Match</c>), and a large
/// one goes in parts, so that memory does not grow with a day.
/// </summary>
/// <param name="prefix">Ends in a slash, or is empty.</param>
internal sealed class S3ExportPlace(IAmazonS3 client, string bucket, string prefix) : IExportPlace
{
    // S3 takes parts from 5 MiB on, and 10,000 of them.
    internal const int PartBytes = 8 * 1024 * 1024;

    public string Name => $"s3://{bucket}/{prefix}";

    public async Task<bool> TryAddAsync(string path, IAsyncEnumerable<string> lines, CancellationToken cancellationToken)
    {
        using var upload = new Upload(client, bucket, prefix + path);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            await foreach (var line in lines.WithCancellation(cancellationToken))
            {
                var bytes = Encoding.UTF8.GetBytes(line);
                hash.AppendData(bytes);
                await upload.WriteAsync(bytes, cancellationToken);
            }

            await upload.CompleteAsync(cancellationToken);
            return true;
        }
        catch (AmazonServiceException there)
            when (there.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict)
        {
            await upload.DropAsync();
            return await IsThereAsync(path, Convert.ToHexStringLower(hash.GetHashAndReset()), cancellationToken);
        }
        catch (Exception failure) when (AwsFault.Is(failure, cancellationToken))
        {
            await upload.DropAsync();
            throw Fault("written", path, failure);
        }
        catch
        {
            await upload.DropAsync();
            throw;
        }
    }

    public async Task<bool> HoldsAsync(string path, string? content, CancellationToken cancellationToken)
    {
        try
        {
            if (content is not null)
                return await IsThereAsync(
                    path, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(content))), cancellationToken);

            await client.GetObjectMetadataAsync(
                new GetObjectMetadataRequest { BucketName = bucket, Key = prefix + path }, cancellationToken);
            return true;
        }
        catch (AmazonServiceException none) when (none.StatusCode is HttpStatusCode.NotFound)
        {
            return false;
        }
        catch (Exception failure) when (AwsFault.Is(failure, cancellationToken))
        {
            throw Fault("read", path, failure);
        }
    }

    public async Task PutAsync(string path, string content, CancellationToken cancellationToken)
    {
        try
        {
            await client.PutObjectAsync(new PutObjectRequest
            {
                BucketName = bucket, Key = prefix + path, ContentBody = content, ContentType = "text/plain",
            }, cancellationToken);
        }
        catch (Exception failure) when (AwsFault.Is(failure, cancellationToken))
        {
            throw Fault("written", path, failure);
        }
    }

    private async Task<bool> IsThereAsync(string path, string hash, CancellationToken cancellationToken)
    {
        try
        {
            using var answer = await client.GetObjectAsync(
                new GetObjectRequest { BucketName = bucket, Key = prefix + path }, cancellationToken);
            return await ExportHash.OfAsync(answer.ResponseStream, cancellationToken) == hash;
        }
        catch (Exception failure)
            when (AwsFault.Is(failure, cancellationToken) && failure is not AmazonServiceException { StatusCode: HttpStatusCode.NotFound })
        {
            throw Fault("compared with what is on record", path, failure);
        }
    }

    private ExportException Fault(string done, string path, Exception failure) =>
        new($"s3://{bucket}/{prefix}{path} cannot be {done}: {Say(failure)}");

    internal static string Say(Exception failure) => (failure as AmazonServiceException)?.ErrorCode switch
    {
        "NoSuchBucket" => "there is no such bucket",
        "NoSuchKey" => "there is no such object",
        _ => AwsFault.Say(failure),
    };

    /// <summary>One object, in one piece when it is small.</summary>
    private sealed class Upload(IAmazonS3 client, string bucket, string key) : IDisposable
    {
        private readonly MemoryStream _waiting = new();
        private readonly List<PartETag> _parts = [];
        private string? _id;

        public async Task WriteAsync(byte[] bytes, CancellationToken cancellationToken)
        {
            _waiting.Write(bytes);
            if (_waiting.Length >= PartBytes) await SendPartAsync(cancellationToken);
        }

        public async Task CompleteAsync(CancellationToken cancellationToken)
        {
            if (_id is null)
            {
                _waiting.Position = 0;
                await client.PutObjectAsync(new PutObjectRequest
                {
                    BucketName = bucket, Key = key, InputStream = _waiting, AutoCloseStream = false, ContentType = "text/plain",
                    IfNoneMatch = "*",
                }, cancellationToken);
                return;
            }

            if (_waiting.Length > 0) await SendPartAsync(cancellationToken);
            await client.CompleteMultipartUploadAsync(new CompleteMultipartUploadRequest
            {
                BucketName = bucket, Key = key, UploadId = _id, PartETags = _parts, IfNoneMatch = "*",
            }, cancellationToken);
        }

        /// <summary>Parts that belong to nothing cost money; the bucket's lifecycle takes what is left all the same.</summary>
        public async Task DropAsync()
        {
            if (_id is null) return;
            try
            {
                await client.AbortMultipartUploadAsync(
                    new AbortMultipartUploadRequest { BucketName = bucket, Key = key, UploadId = _id }, CancellationToken.None);
            }
            catch (Exception failure) when (AwsFault.Is(failure, CancellationToken.None))
            {
                // The fault that led here is the one to be said.
            }
        }

        public void Dispose() => _waiting.Dispose();

        private async Task SendPartAsync(CancellationToken cancellationToken)
        {
            var begin = new InitiateMultipartUploadRequest { BucketName = bucket, Key = key, ContentType = "text/plain" };
            _id ??= (await client.InitiateMultipartUploadAsync(begin, cancellationToken)).UploadId;
            _waiting.Position = 0;
            var sent = await client.UploadPartAsync(new UploadPartRequest
            {
                BucketName = bucket, Key = key, UploadId = _id, PartNumber = _parts.Count + 1, InputStream = _waiting,
                PartSize = _waiting.Length,
            }, cancellationToken);
            _parts.Add(new PartETag(sent));
            _waiting.SetLength(0);
        }
    }
}
