using Amazon.Runtime;

namespace DbAccess.Infrastructure.Aws;

/// <summary>
/// What went wrong with a call to AWS, in words for the operator. The texts of AWS's own errors stay behind: that of a bad signature quotes
/// the request with its session token.
/// </summary>
internal static class AwsFault
{
    /// <summary>True for failures of the call itself; a caller's own cancelling is none.</summary>
    public static bool Is(Exception failure, CancellationToken cancellationToken) => failure switch
    {
        OperationCanceledException => !cancellationToken.IsCancellationRequested,
        AmazonServiceException or AmazonClientException or HttpRequestException or TimeoutException or IOException => true,
        _ => false,
    };

    public static bool IsThrottling(Exception failure) => failure is AmazonServiceException
    {
        ErrorCode: "ProvisionedThroughputExceededException" or "ThrottlingException" or "Throttling" or "RequestLimitExceeded"
            or "SlowDown" or "TooManyRequestsException"
    };

    /// <summary>A clause that goes after "cannot be read:" or the like.</summary>
    public static string Say(Exception failure) => failure switch
    {
        AmazonServiceException { ErrorCode: "ExpiredToken" or "ExpiredTokenException" or "RequestExpired" or "TokenRefreshRequired" } =>
            "the AWS credentials of this process have expired",
        AmazonServiceException { ErrorCode: "RequestTimeTooSkewed" } => "this machine's clock differs too much from AWS's",
        AmazonServiceException
        {
            ErrorCode: "UnrecognizedClientException" or "InvalidClientTokenId" or "InvalidAccessKeyId" or "SignatureDoesNotMatch"
                or "InvalidSignatureException"
                or "IncompleteSignature" or "MissingAuthenticationToken" or "MissingAuthenticationTokenException" or "InvalidToken"
                    or "AuthFailure"
        } service => $"AWS does not accept the credentials of this process ({service.ErrorCode})",
        AmazonServiceException { ErrorCode: "AccessDenied" or "AccessDeniedException" or "AllAccessDisabled" or "Forbidden" } =>
            "AWS denies it to the role of this process",
        _ when IsThrottling(failure) => "AWS is throttling, and went on after several tries",
        AmazonServiceException service => $"{Kind(service)}, request {service.RequestId ?? "unknown"}",
        AmazonClientException => "AWS does not answer, or this process has no AWS credentials",
        _ => $"AWS does not answer ({failure.GetType().Name})",
    };

    /// <summary>The same for each failure of its kind: what tells it from another of the same is left out.</summary>
    public static string Kind(Exception failure) => failure is AmazonServiceException service
        ? $"AWS answered {Code(service)} (HTTP {(int)service.StatusCode})" : failure.GetType().Name;

    private static string Code(AmazonServiceException service) => string.IsNullOrEmpty(service.ErrorCode)
        ? "with an error" : service.ErrorCode;
}
