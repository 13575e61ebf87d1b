using Amazon.DynamoDBv2;
using Amazon.KeyManagementService;
using Amazon.Runtime;
using Amazon.S3;
using DbAccess.Infrastructure.Stores;

namespace DbAccess.Infrastructure.Aws;

/// <summary>
/// Clients as the product uses them. Region, endpoint and credentials come from where AWS's own tools look for them (<c>AWS_REGION</c>,
/// <c>AWS_ENDPOINT_URL</c>, the role of the task or function); here stands only how long to wait.
/// </summary>
internal static class AwsClients
{
    // DynamoDB answers in milliseconds. What takes seconds is lost, and asking again is cheap, since every write can be repeated.
    public static AmazonDynamoDBConfig DynamoDb() => WithPatience(new AmazonDynamoDBConfig(), TimeSpan.FromSeconds(5));

    public static AmazonS3Config S3() => WithPatience(new AmazonS3Config(), TimeSpan.FromSeconds(5));

    public static AmazonKeyManagementServiceConfig Kms() => WithPatience(new AmazonKeyManagementServiceConfig(), TimeSpan.FromSeconds(5));

    /// <exception cref="AwsSettingsException">The environment does not say which region.</exception>
    public static TClient Create<TClient>(Func<TClient> create)
    {
        try
        {
            return create();
        }
        catch (AmazonClientException)
        {
            throw new AwsSettingsException("The AWS region is not known: set AWS_REGION (and AWS_ENDPOINT_URL where AWS is emulated).");
        }
    }

    private static T WithPatience<T>(T config, TimeSpan timeout)
        where T : ClientConfig
    {
        config.Timeout = timeout;
        config.ConnectTimeout = TimeSpan.FromSeconds(2);
        config.RetryMode = RequestRetryMode.Standard;
        config.MaxErrorRetry = 3;
        return config;
    }
}

/// <summary>AWS cannot be used for want of a setting of its own environment.</summary>
public sealed class AwsSettingsException(string message) : StoreException(message);
