using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DbAccess.TestKit.Aws;

/// <summary>
/// The address under which several processes reach the emulated AWS. It counts what goes through, and lets writes to DynamoDB in one after the
/// other: the emulator undoes a transaction that fails by putting back a copy of the whole table, and with it loses what others wrote meanwhile.
/// Objects that are to be added only where there are none, too: it looks first and writes then.
/// </summary>
public sealed class AwsDoor : IAsyncDisposable
{
    // What belongs to a connection, not to what is said over it.
    private static readonly HashSet<string> NotPassedOn = new(StringComparer.OrdinalIgnoreCase) { "Host", "Connection", "Transfer-Encoding", "Content-Length", "Expect", "Keep-Alive" };

    private readonly SemaphoreSlim _writes = new(1, 1);
    private readonly ConcurrentDictionary<string, int> _operations = new(StringComparer.Ordinal);
    private readonly HttpClient _inside;
    private readonly WebApplication _app;

    private AwsDoor(Uri inside, WebApplication app)
    {
        _app = app;
        _inside = new HttpClient(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = inside, Timeout = TimeSpan.FromMinutes(5) };
    }

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <summary>How often each operation was asked for: DynamoDB's by name, everything else by its HTTP method.</summary>
    public IReadOnlyDictionary<string, int> Operations => _operations;

    public void Forget() => _operations.Clear();

    /// <summary>Sees each request and answer of DynamoDB: operation, request, response.</summary>
    public Action<string, byte[], byte[]>? Seen { get; set; }

    /// <param name="certificate">With one it speaks TLS, as AWS does.</param>
    public static async Task<AwsDoor> OpenAsync(Uri inside, X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(options => options.Listen(IPAddress.Loopback, 0, listen =>
        {
            if (certificate is not null) listen.UseHttps(certificate);
        }));
        var app = builder.Build();
        var door = new AwsDoor(inside, app);
        app.Run(door.PassAsync);
        await app.StartAsync();
        return door;
    }

    public async ValueTask DisposeAsync()
    {
        using (var soon = new CancellationTokenSource(TimeSpan.FromSeconds(1))) await _app.StopAsync(soon.Token);
        await _app.DisposeAsync();
        _inside.Dispose();
        _writes.Dispose();
    }

    private async Task PassAsync(HttpContext http)
    {
        using var body = new MemoryStream();
        await http.Request.Body.CopyToAsync(body, http.RequestAborted);
        var operation = http.Request.Headers["X-Amz-Target"].ToString() is { Length: > 0 } target ? target.Split('.')[1] : http.Request.Method;
        _operations.AddOrUpdate(operation, 1, (_, count) => count + 1);

        // What is on its way is not called back when a caller gives up: AWS does not, either.
        var writes = operation is "TransactWriteItems" or "PutItem" or "UpdateItem" or "DeleteItem" || http.Request.Headers.ContainsKey("If-None-Match");
        if (writes) await _writes.WaitAsync();
        try
        {
            using var request = new HttpRequestMessage(new HttpMethod(http.Request.Method), new Uri(http.Features.Get<IHttpRequestFeature>()!.RawTarget, UriKind.Relative))
            {
                Content = body.Length > 0 ? new ByteArrayContent(body.ToArray()) : null,
            };
            foreach (var (name, values) in http.Request.Headers)
            {
                if (!NotPassedOn.Contains(name) && !request.Headers.TryAddWithoutValidation(name, values.ToArray())) request.Content?.Headers.TryAddWithoutValidation(name, values.ToArray());
            }

            using var answer = await _inside.SendAsync(request);
            var content = await answer.Content.ReadAsByteArrayAsync();
            if (http.Request.Headers.ContainsKey("X-Amz-Target")) Seen?.Invoke(operation, body.ToArray(), content);
            http.Response.StatusCode = (int)answer.StatusCode;
            foreach (var (name, values) in answer.Headers.Concat(answer.Content.Headers))
            {
                if (!NotPassedOn.Contains(name)) http.Response.Headers[name] = values.ToArray();
            }

            if (answer.StatusCode is HttpStatusCode.NoContent or HttpStatusCode.NotModified || HttpMethods.IsHead(http.Request.Method)) return;
            http.Response.ContentLength = content.Length;
            await http.Response.Body.WriteAsync(content);
        }
        finally
        {
            if (writes) _writes.Release();
        }
    }
}
