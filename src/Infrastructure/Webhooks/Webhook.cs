using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using DbAccess.Domain;

namespace DbAccess.Infrastructure.Webhooks;

/// <summary>Another system that is sent every event of the evidence log, in its order.</summary>
/// <param name="Number">Of <c>Audit:Webhooks</c>.</param>
internal sealed record Webhook(int Number, Uri Url, Secret Secret)
{
    /// <summary>Carries <c>t=UNIX-SECONDS,v1=HEX</c>: HMAC-SHA-256 with the secret over <c>t.BODY</c>.</summary>
    public const string SignatureHeader = "X-DbAccess-Signature";

    public HttpRequestMessage Request(byte[] body, DateTimeOffset now)
    {
        var at = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        var request = new HttpRequestMessage(HttpMethod.Post, Url) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.Add(SignatureHeader, $"t={at},v1={Sign(at, body)}");
        return request;
    }

    private string Sign(string at, byte[] body)
    {
        byte[] signed = [.. Encoding.ASCII.GetBytes($"{at}."), .. body];
        return Convert.ToHexStringLower(HMACSHA256.HashData(Encoding.UTF8.GetBytes(Secret.Reveal()), signed));
    }
}
