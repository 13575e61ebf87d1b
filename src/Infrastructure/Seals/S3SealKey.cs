using System.Net;
using System.Text;
using Amazon.Runtime;
using Amazon.S3;
using Amazon.S3.Model;
using DbAccess.Infrastructure.Aws;
using DbAccess.Infrastructure.S3;

namespace DbAccess.Infrastructure.Seals;

/// <summary>The key of the seals in an object of its own; made where there is none and this process may write there.</summary>
internal static class S3SealKey
{
    /// <summary>Null, with a fault that never shows what the object holds, when it cannot be used.</summary>
    public static SealKey? Open(Func<IAmazonS3> create, Settings settings, string setting, string address, bool make = true)
    {
        var (bucket, key, reading) = S3Registration.ReadAtStart(create, settings, setting, address, S3Registration.LongestSecret);
        if (make && reading is S3Reading.Failed { Missing: true }) return Make(create, settings, setting, address, bucket, key);
        if (S3Registration.FoundOrFault(settings, setting, address, reading) is not { } found) return null;
        if (SealKey.Read(Encoding.UTF8.GetString(found.Content)) is { } sealKey) return new SealKey(sealKey, IsNew: false);

        settings.Fault($"{setting} is '{address}', which holds no key: {HmacSeal.KeyBytes} bytes in base64. Was it cut or edited?");
        return null;
    }

    private static SealKey? Make(
        Func<IAmazonS3> create, Settings settings, string setting, string address, string bucket, string key)
    {
        var made = SealKey.Random();
        try
        {
            using var client = create();
            // Of two processes that start at once one makes it; settings are read before anything runs, and nothing waits for this thread.
            client.PutObjectAsync(new PutObjectRequest
            {
                BucketName = bucket, Key = key, ContentBody = SealKey.Write(made), ContentType = "text/plain", IfNoneMatch = "*",
            }).GetAwaiter().GetResult();
            return new SealKey(made, IsNew: true);
        }
        catch (AmazonServiceException failure)
            when (failure.StatusCode is HttpStatusCode.PreconditionFailed or HttpStatusCode.Conflict)
        {
            return Open(create, settings, setting, address);
        }
        catch (Exception failure) when (AwsFault.Is(failure, CancellationToken.None))
        {
            settings.Fault(
                $"{setting} is '{address}'. There is no such object, and it cannot be made from here: {AwsFault.Say(failure)}. " +
                "The web application makes it when it starts, if it may write it there (s3:PutObject on that one key).");
            return null;
        }
    }
}
