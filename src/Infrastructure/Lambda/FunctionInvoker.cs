using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using Amazon.Runtime;
using Amazon.Runtime.Identity;
using Amazon.Runtime.Internal.Auth;

namespace DbAccess.Infrastructure.Lambda;

/// <summary>How an invocation ended that was asked for.</summary>
internal enum Invocation
{
    /// <summary>The event is in the function's queue.</summary>
    Accepted,

    /// <summary>Throttled, a fault of the service, or no answer: asking again may help, and asking twice does no harm.</summary>
    TryAgain,

    /// <summary>Not allowed, no such function, an event that is refused: asking again changes nothing.</summary>
    Refused,
}

/// <summary>What AWS said, without anything of the request in it.</summary>
internal sealed record InvocationOutcome(Invocation Kind, string Why);

/// <summary>
/// Invokes one function asynchronously (<c>InvocationType: Event</c>) with a request signed by the SDK's own signer: the package for Lambda
/// could not be had in a version that fits the other AWS packages, and this one call is all that is needed of it.
/// </summary>
internal sealed class FunctionInvoker(
        HttpClient http, LambdaOptions options, Func<CancellationToken, Task<ImmutableCredentials>> credentials, TimeProvider clock)
{
    private const string Service = "lambda";

    // How far AWS's clock is ahead of this machine's, as far as that was ever told.
    private long _aheadTicks;

    public async Task<InvocationOutcome> InvokeAsync(byte[] json, CancellationToken cancellationToken)
    {
        try
        {
            using var request = await SignedAsync(json, cancellationToken);
            using var answer = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken);
            var status = (int)answer.StatusCode;
            var kind = answer.Headers.TryGetValues("x-amzn-errortype", out var types) ? types.First().Split(':')[0] : "";
            var why = kind.Length == 0 ? $"HTTP {status}" : $"HTTP {status} {kind}";
            return status switch
            {
                >= 200 and < 300 => new InvocationOutcome(Invocation.Accepted, why),
                429 or >= 500 => new InvocationOutcome(Invocation.TryAgain, why),
                // Keys that ran out, or a clock that is off: the next request is signed anew, with what the credentials' source gives then
                // and by AWS's clock.
                403 when kind is "ExpiredTokenException" or "InvalidSignatureException" or "RequestExpired" => SetClockBy(answer, why),
                _ => new InvocationOutcome(Invocation.Refused, why),
            };
        }
        catch (Exception failure) when (failure is HttpRequestException or AmazonClientException or OperationCanceledException
            && !cancellationToken.IsCancellationRequested)
        {
            return new InvocationOutcome(Invocation.TryAgain, failure.GetType().Name);
        }
    }

    private InvocationOutcome SetClockBy(HttpResponseMessage answer, string why)
    {
        if (answer.Headers.Date is { } theirs) Interlocked.Exchange(ref _aheadTicks, (theirs - clock.GetUtcNow()).Ticks);
        return new InvocationOutcome(Invocation.TryAgain, why);
    }

    private async Task<HttpRequestMessage> SignedAsync(byte[] json, CancellationToken cancellationToken)
    {
        var keys = await credentials(cancellationToken);
        var now = (clock.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _aheadTicks))).UtcDateTime;
        // An ARN has colons: the path carries them encoded, and the signature, as for every service but S3, encodes the path once more.
        var path = $"/2015-03-31/functions/{Uri.EscapeDataString(options.Function)}/invocations";
        var address = new Uri(options.Endpoint, path);
        var hash = Convert.ToHexStringLower(AWS4Signer.ComputeHash(json));

        var headers = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["content-type"] = "application/json",
            ["host"] = address.IsDefaultPort ? address.Host : $"{address.Host}:{address.Port}",
            ["x-amz-content-sha256"] = hash,
            ["x-amz-date"] = now.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture),
            ["x-amz-invocation-type"] = "Event",
        };
        if (keys.UseToken) headers["x-amz-security-token"] = keys.Token;

        var names = string.Join(';', headers.Keys);
        var canonical = new StringBuilder("POST\n")
            .Append(string.Join('/', path.Split('/').Select(Uri.EscapeDataString))).Append("\n\n")
            .AppendJoin("", headers.Select(header => $"{header.Key}:{header.Value}\n")).Append('\n')
            .Append(names).Append('\n')
            .Append(hash);
        var signature = AWS4Signer.ComputeSignature(keys, options.Region, now, Service, names, canonical.ToString());

        var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(json) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        foreach (var (name, value) in headers)
        {
            if (name is not ("host" or "content-type")) request.Headers.TryAddWithoutValidation(name, value);
        }

        request.Headers.TryAddWithoutValidation("Authorization", signature.ForAuthorizationHeader);
        return request;
    }
}
