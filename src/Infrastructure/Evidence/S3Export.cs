using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using DbAccess.Infrastructure.Aws;
using DbAccess.Infrastructure.S3;

namespace DbAccess.Infrastructure.Evidence;

/// <summary>An export in a bucket, read by whoever verifies it, with credentials of their own.</summary>
internal sealed class S3Export(IAmazonS3 client, ExportAddress address)
{
    /// <summary>How many names are asked for at once; S3 says no more.</summary>
    public int Page { get; init; } = 1_000;

    /// <exception cref="IOException">The region is not known.</exception>
    public static S3Export Open(ExportAddress address)
    {
        try
        {
            return new S3Export(S3Registration.Client(), address);
        }
        catch (AwsSettingsException failure)
        {
            throw Unusable(failure.Message);
        }
    }

    /// <summary>Every file of it, by its path inside.</summary>
    /// <exception cref="IOException">It cannot be listed, or nothing is there.</exception>
    public async Task<HashSet<string>> ListAsync(CancellationToken cancellationToken)
    {
        var paths = new HashSet<string>(StringComparer.Ordinal);
        var request = new ListObjectsV2Request { BucketName = address.Bucket, Prefix = address.Prefix, MaxKeys = Page };
        try
        {
            ListObjectsV2Response page;
            do
            {
                page = await client.ListObjectsV2Async(request, cancellationToken);
                foreach (var found in page.S3Objects ?? []) paths.Add(found.Key[address.Prefix.Length..]);
                request.ContinuationToken = page.NextContinuationToken;
            }
            while (page.IsTruncated is true);
        }
        catch (Exception failure) when (AwsFault.Is(failure, cancellationToken))
        {
            throw Unusable($"s3://{address.Bucket}/{address.Prefix} cannot be listed: {S3ExportPlace.Say(failure)}");
        }

        return paths.Count > 0 ? paths : throw new IOException($"there is nothing at s3://{address.Bucket}/{address.Prefix}");
    }

    /// <exception cref="IOException">It cannot be read.</exception>
    public Stream Read(string path)
    {
        try
        {
            // Whoever verifies does nothing else meanwhile.
            var answer = client.GetObjectAsync(new GetObjectRequest { BucketName = address.Bucket, Key = address.Prefix + path })
                .GetAwaiter().GetResult();
            return new Content(answer.ResponseStream, path);
        }
        catch (Exception failure) when (AwsFault.Is(failure, CancellationToken.None))
        {
            throw Fault(path, failure);
        }
    }

    // AWS's own exceptions stay behind: they may quote a request with its token.
    private static IOException Unusable(string why) => new(why);

    private static IOException Fault(string path, Exception failure) => new($"{path} cannot be read: {S3ExportPlace.Say(failure)}");

    /// <summary>Whose faults on the way are such of a file: the client's own are of a kind that nobody who reads a stream knows.</summary>
    private sealed class Content(Stream inner, string path) : Stream
    {
        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            try
            {
                return await inner.ReadAsync(buffer, cancellationToken);
            }
            catch (Exception failure) when (failure is AmazonClientException or AmazonServiceException or HttpRequestException)
            {
                throw Fault(path, failure);
            }
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count)
        {
            try
            {
                return inner.Read(buffer, offset, count);
            }
            catch (Exception failure) when (failure is AmazonClientException or AmazonServiceException or HttpRequestException)
            {
                throw Fault(path, failure);
            }
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
