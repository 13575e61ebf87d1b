using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Text;
using System.Threading.Channels;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace DbAccess.TestKit.Aws;

/// <summary>
/// The Lambda Runtime API of one environment, in this process and on loopback. It gives events one at a time, keeps what comes back, and answers
/// like the real one: 202 for the event in hand, 400 for any other.
/// </summary>
public sealed class FakeRuntimeApi : IAsyncDisposable
{
    private const string Prefix = "/2018-06-01/runtime";

    private static readonly TimeSpan Longest = Patience.Limit;

    private readonly WebApplication _app;
    private readonly Channel<Pending> _events = Channel.CreateUnbounded<Pending>();
    private readonly ConcurrentQueue<Reply> _initErrors = new();
    private readonly TaskCompletionSource _firstNext = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Pending? _inHand;
    private int _next;

    private FakeRuntimeApi(WebApplication app) => _app = app;

    /// <summary>What a function answered.</summary>
    /// <param name="ErrorType">Null for a response; the error's type from the header otherwise.</param>
    public sealed record Reply(string RequestId, string? ErrorType, string Body)
    {
        public bool IsError => ErrorType is not null;
    }

    /// <summary>The value of AWS_LAMBDA_RUNTIME_API.</summary>
    public string Address => new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First()).Authority;

    public IReadOnlyList<Reply> InitErrors => [.. _initErrors];

    /// <summary>How often the next event was asked for.</summary>
    public int Asked => Volatile.Read(ref _next);

    public Task FirstAsked => _firstNext.Task;

    /// <summary>While set, asking for the next event is answered with this status.</summary>
    public HttpStatusCode? NextFails { get; set; }

    /// <summary>Cuts the connection this many times when the next event is asked for.</summary>
    public int CutNext { get; set; }

    public static async Task<FakeRuntimeApi> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var api = new FakeRuntimeApi(app);
        app.MapGet($"{Prefix}/invocation/next", api.NextAsync);
        app.MapPost($"{Prefix}/invocation/{{id}}/response", (HttpContext http, string id) => api.TakeAsync(http, id, error: false));
        app.MapPost($"{Prefix}/invocation/{{id}}/error", (HttpContext http, string id) => api.TakeAsync(http, id, error: true));
        app.MapPost($"{Prefix}/init/error", api.InitErrorAsync);
        await app.StartAsync();
        return api;
    }

    /// <summary>Gives an event and waits for what comes back.</summary>
    public async Task<Reply> InvokeAsync(string json, DateTimeOffset deadline, string? requestId = null, string? traceId = null, CancellationToken cancellationToken = default)
    {
        var pending = new Pending(requestId ?? Guid.NewGuid().ToString(), json, deadline, traceId);
        await _events.Writer.WriteAsync(pending, cancellationToken);
        // An answer that comes after the deadline is an answer still; only nothing at all is a fault of the test.
        var patience = deadline - DateTimeOffset.UtcNow + TimeSpan.FromSeconds(10);
        return await pending.Answer.Task.WaitAsync(patience > Longest ? patience : Longest, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        _events.Writer.TryComplete();
        using var soon = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(soon.Token);
        await _app.DisposeAsync();
    }

    private async Task NextAsync(HttpContext http)
    {
        Interlocked.Increment(ref _next);
        _firstNext.TrySetResult();
        if (CutNext > 0)
        {
            CutNext--;
            http.Abort();
            return;
        }

        if (NextFails is { } status)
        {
            http.Response.StatusCode = (int)status;
            return;
        }

        Pending pending;
        try
        {
            pending = await _events.Reader.ReadAsync(http.RequestAborted);
        }
        catch (Exception over) when (over is OperationCanceledException or ChannelClosedException)
        {
            http.Abort();
            return;
        }

        _inHand = pending;
        http.Response.Headers["Lambda-Runtime-Aws-Request-Id"] = pending.RequestId;
        http.Response.Headers["Lambda-Runtime-Deadline-Ms"] = pending.Deadline.ToUnixTimeMilliseconds().ToString(CultureInfo.InvariantCulture);
        http.Response.Headers["Lambda-Runtime-Invoked-Function-Arn"] = "arn:aws:lambda:eu-west-1:123456789012:function:dbaccess";
        http.Response.Headers["X-Not-Known-Yet"] = "1";
        if (pending.TraceId is { } trace) http.Response.Headers["Lambda-Runtime-Trace-Id"] = trace;
        http.Response.ContentType = "application/json";
        await http.Response.WriteAsync(pending.Json, http.RequestAborted);
    }

    private async Task TakeAsync(HttpContext http, string id, bool error)
    {
        var body = await ReadAsync(http);
        if (Interlocked.Exchange(ref _inHand, null) is not { } pending || pending.RequestId != id)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        http.Response.StatusCode = StatusCodes.Status202Accepted;
        pending.Answer.TrySetResult(new Reply(id, error ? ErrorType(http) : null, body));
    }

    private async Task InitErrorAsync(HttpContext http)
    {
        _initErrors.Enqueue(new Reply("init", ErrorType(http), await ReadAsync(http)));
        http.Response.StatusCode = StatusCodes.Status202Accepted;
    }

    private static string ErrorType(HttpContext http) => http.Request.Headers["Lambda-Runtime-Function-Error-Type"].ToString();

    private static async Task<string> ReadAsync(HttpContext http)
    {
        using var reader = new StreamReader(http.Request.Body, Encoding.UTF8);
        return await reader.ReadToEndAsync(http.RequestAborted);
    }

    private sealed record Pending(string RequestId, string Json, DateTimeOffset Deadline, string? TraceId)
    {
        public TaskCompletionSource<Reply> Answer { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
