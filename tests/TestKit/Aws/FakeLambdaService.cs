using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DbAccess.TestKit.Aws;

/// <summary>Lambda's Invoke as a caller meets it. It checks the signature with its own reading of AWS's rules, from the bytes that arrived.</summary>
public sealed class FakeLambdaService(string secretKey, string region) : IAsyncDisposable
{
    private readonly ConcurrentQueue<Invoked> _invoked = new();
    private WebApplication _app = null!;

    public sealed record Invoked(string Path, string InvocationType, string Body, string? Token, bool SignatureIsRight, DateTimeOffset SignedAt);

    public IReadOnlyList<Invoked> Invocations => [.. _invoked];

    /// <summary>Answers for the next invocations, one each: a status and an error type. Afterwards everything is accepted.</summary>
    public ConcurrentQueue<(HttpStatusCode Status, string? ErrorType)> Next { get; } = new();

    /// <summary>The functions there are; null for any. Others are answered as AWS answers for what does not exist.</summary>
    public IReadOnlyCollection<string>? Functions { get; set; }

    /// <summary>Set, this is how far its clock is ahead of this machine's: what was signed more than five minutes off is refused, as AWS does it.</summary>
    public TimeSpan? Ahead { get; set; }

    /// <summary>While set, every invocation is answered with this status.</summary>
    public HttpStatusCode? Refuses { get; set; }

    /// <summary>Runs for each invocation that is accepted, as the function would, later.</summary>
    public Func<string, Task> Accepted { get; set; } = _ => Task.CompletedTask;

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        _app.Run(AnswerAsync);
        await _app.StartAsync();
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext http)
    {
        using var memory = new MemoryStream();
        await http.Request.Body.CopyToAsync(memory, http.RequestAborted);
        var path = http.Features.Get<IHttpRequestFeature>()!.RawTarget;
        var body = Encoding.UTF8.GetString(memory.ToArray());
        _invoked.Enqueue(new Invoked(path, http.Request.Headers["X-Amz-Invocation-Type"].ToString(), body, http.Request.Headers["X-Amz-Security-Token"].FirstOrDefault(), IsSigned(http, path, memory.ToArray()), SignedAt(http) ?? default));
        if (Ahead is { } ahead)
        {
            var now = TimeProvider.System.GetUtcNow() + ahead;
            http.Response.Headers.Date = now.ToString("R", CultureInfo.InvariantCulture);
            if (SignedAt(http) is not { } signed || (signed - now).Duration() > TimeSpan.FromMinutes(5))
            {
                http.Response.StatusCode = StatusCodes.Status403Forbidden;
                http.Response.Headers["x-amzn-ErrorType"] = "InvalidSignatureException";
                return;
            }
        }

        if (Next.TryDequeue(out var answer))
        {
            http.Response.StatusCode = (int)answer.Status;
            if (answer.ErrorType is { } type) http.Response.Headers["x-amzn-ErrorType"] = type;
            return;
        }

        if (Refuses is { } status)
        {
            http.Response.StatusCode = (int)status;
            return;
        }

        if (Functions?.Contains(Uri.UnescapeDataString(path.Split('/')[3]), StringComparer.Ordinal) is false)
        {
            http.Response.StatusCode = StatusCodes.Status404NotFound;
            http.Response.Headers["x-amzn-ErrorType"] = "ResourceNotFoundException";
            return;
        }

        http.Response.StatusCode = StatusCodes.Status202Accepted;
        await Accepted(body);
    }

    private static DateTimeOffset? SignedAt(HttpContext http) =>
        DateTimeOffset.TryParseExact(http.Request.Headers["X-Amz-Date"].ToString(), "yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at) ? at : null;

    // Signature version 4, from its description: canonical request, string to sign, derived key.
    private bool IsSigned(HttpContext http, string path, byte[] body)
    {
        var parts = http.Request.Headers.Authorization.ToString().Replace("AWS4-HMAC-SHA256 ", "", StringComparison.Ordinal)
            .Split(',', StringSplitOptions.TrimEntries).Select(part => part.Split('=', 2)).ToDictionary(part => part[0], part => part[1], StringComparer.Ordinal);
        var scope = parts["Credential"].Split('/', 2)[1];
        var signed = parts["SignedHeaders"];
        var hash = Convert.ToHexStringLower(SHA256.HashData(body));
        var date = http.Request.Headers["X-Amz-Date"].ToString();
        if (http.Request.Headers["X-Amz-Content-Sha256"] != hash || scope != $"{date[..8]}/{region}/lambda/aws4_request") return false;
        if (SignedAt(http) is null) return false;

        var canonical = new StringBuilder("POST\n").Append(string.Join('/', path.Split('/').Select(Uri.EscapeDataString))).Append("\n\n");
        foreach (var name in signed.Split(';')) canonical.Append(name).Append(':').Append(http.Request.Headers[name].ToString().Trim()).Append('\n');
        canonical.Append('\n').Append(signed).Append('\n').Append(hash);
        var text = $"AWS4-HMAC-SHA256\n{date}\n{scope}\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())))}";
        var key = Encoding.UTF8.GetBytes("AWS4" + secretKey);
        foreach (var step in scope.Split('/')) key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(step));
        return parts["Signature"] == Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text)));
    }
}
