using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using DbAccess.Application;

namespace DbAccess.Api.Lambda;

/// <summary>One event and what the platform says about it.</summary>
/// <param name="Deadline">When the platform kills the function, by the platform's clock.</param>
/// <param name="TraceId">X-Ray's trace header; null where tracing is off.</param>
internal sealed record LambdaInvocation(string RequestId, DateTimeOffset Deadline, string? TraceId, ReadOnlyMemory<byte> Event);

/// <summary>
/// An error whose words may be shown to whoever invoked the function: they hold nothing that came from a database, a library or the event.
/// </summary>
internal sealed class LambdaError(string type, string message) : Exception(message)
{
    /// <summary>What alarms and people filter by, such as <c>Event.Unreadable</c>.</summary>
    public string Type { get; } = type;
}

/// <summary>
/// The Lambda Runtime API (2018-06-01): takes the next event, has it handled and gives back the answer or the error, one event at a time.
/// It moves bytes and knows nothing of what they mean.
/// </summary>
internal sealed class LambdaRuntime : IDisposable
{
    public const string AddressVariable = "AWS_LAMBDA_RUNTIME_API";

    private const int Tries = 3;

    // Time to hand leases back and to answer, out of what the platform gives; of a very short time, a part.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(2);

    // The API is on this machine: whatever takes longer than this is not going to come.
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(5);

    private readonly HttpClient _http;
    private readonly TimeProvider _clock;

    public LambdaRuntime(Uri address, TimeProvider clock)
    {
        _clock = clock;
        // Asking for the next event waits until there is one, however long: the machine is frozen meanwhile and its clock with it.
        _http = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false })
        {
            BaseAddress = new Uri(address, "/2018-06-01/runtime/"),
            Timeout = Timeout.InfiniteTimeSpan,
        };
    }

    /// <summary>The API's address as the platform gives it (<c>127.0.0.1:9001</c>); null when this is not one.</summary>
    public static Uri? ParseAddress(string? hostAndPort) =>
        !string.IsNullOrWhiteSpace(hostAndPort)
        && Uri.TryCreate($"http://{hostAndPort.Trim()}/", UriKind.Absolute, out var address)
        && address is { PathAndQuery: "/", UserInfo: "", Fragment: "" }
            ? address
            : null;

    /// <summary>
    /// Handles events until <paramref name="stop"/> or until the API cannot be reached any more (which throws: the platform starts a new
    /// environment). The token that the handler gets ends a margin before the deadline; on <paramref name="stop"/> it ends at once, and
    /// what the handler makes of it is still answered.
    /// </summary>
    public async Task RunAsync(Func<LambdaInvocation, CancellationToken, Task<byte[]>> handle, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            LambdaInvocation invocation;
            try
            {
                invocation = await NextAsync(stop);
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                return;
            }

            await AnswerAsync(invocation, handle, stop);
        }
    }

    /// <summary>Says that the function could not be started, and why, so that it is not only seen to end.</summary>
    public Task FailInitAsync(LambdaError error, CancellationToken cancellationToken) =>
        PostErrorAsync("init/error", error, cancellationToken);

    public void Dispose() => _http.Dispose();

    private async Task AnswerAsync(
            LambdaInvocation invocation, Func<LambdaInvocation, CancellationToken, Task<byte[]>> handle, CancellationToken stop)
    {
        byte[] answer;
        using (var work = CancellationTokenSource.CreateLinkedTokenSource(stop))
        {
            var left = TimeToWork(invocation.Deadline - _clock.GetUtcNow());
            await using var timer =
                _clock.CreateTimer(static source => ((CancellationTokenSource)source!).Cancel(), work, left, Timeout.InfiniteTimeSpan);
            try
            {
                // The platform's convention: whatever asks the environment for the trace finds that of the event in hand.
                Environment.SetEnvironmentVariable("_X_AMZN_TRACE_ID", invocation.TraceId);
                answer = await handle(invocation, work.Token);
            }
            catch (Exception failure)
            {
                await PostErrorAsync($"invocation/{Uri.EscapeDataString(invocation.RequestId)}/error",
                    Presentable(failure, work.IsCancellationRequested), CancellationToken.None);
                return;
            }
        }

        await PostAsync($"invocation/{Uri.EscapeDataString(invocation.RequestId)}/response", answer, null, CancellationToken.None);
    }

    private static TimeSpan TimeToWork(TimeSpan left)
    {
        if (left <= TimeSpan.Zero) return TimeSpan.Zero;
        // Longer than any function may run: a deadline that is far off (or missing) must not overflow a timer.
        if (left > TimeSpan.FromHours(1)) left = TimeSpan.FromHours(1);
        var margin = Margin < left / 4 ? Margin : left / 4;
        return left - margin;
    }

    // A library's words may hold a host, a statement or worse, and an error ends up in queues and consoles: it is told by its type, and the
    // log says more.
    private static LambdaError Presentable(Exception failure, bool stopped) => failure switch
    {
        LambdaError error => error,
        OperationCanceledException when stopped =>
            new LambdaError("Deadline", "The time was over before the work was done. What is not done stays due."),
        _ => new LambdaError(failure.GetType().Name, "The event was not handled; the log says why, under this request's id."),
    };

    private async Task<LambdaInvocation> NextAsync(CancellationToken stop)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var answer = await _http.GetAsync(new Uri("invocation/next", UriKind.Relative), stop);
                answer.EnsureSuccessStatusCode();
                var id = Header(answer, "Lambda-Runtime-Aws-Request-Id")
                    ?? throw new HttpRequestException("The Lambda Runtime API gave an event without a request id.");
                var deadline = long.TryParse(
                    Header(answer, "Lambda-Runtime-Deadline-Ms"), NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds)
                    && milliseconds <= DateTimeOffset.MaxValue.ToUnixTimeMilliseconds()
                        ? DateTimeOffset.FromUnixTimeMilliseconds(milliseconds)
                        : _clock.GetUtcNow() + TimeSpan.FromMinutes(1);
                return new LambdaInvocation(
                    id, deadline, Header(answer, "Lambda-Runtime-Trace-Id"), await answer.Content.ReadAsByteArrayAsync(stop));
            }
            catch (HttpRequestException failure) when (attempt < Tries && failure.StatusCode is null)
            {
                // A connection that went stale while the environment was frozen. A status is an answer: then the platform wants a new
                // environment.
                await Task.Delay(TimeSpan.FromMilliseconds(50 * attempt), _clock, stop);
            }
        }
    }

    private Task PostErrorAsync(string path, LambdaError error, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("errorMessage", error.Message);
            json.WriteString("errorType", error.Type);
            json.WriteStartArray("stackTrace");
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return PostAsync(path, body.WrittenSpan.ToArray(), error.Type, cancellationToken);
    }

    private async Task PostAsync(string path, byte[] body, string? errorType, CancellationToken cancellationToken)
    {
        using var deadline = new Deadline(AnswerTimeout, _clock, cancellationToken);
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var request =
                    new HttpRequestMessage(HttpMethod.Post, new Uri(path, UriKind.Relative)) { Content = new ByteArrayContent(body) };
                request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
                if (errorType is not null) request.Headers.TryAddWithoutValidation("Lambda-Runtime-Function-Error-Type", errorType);
                using var answer = await _http.SendAsync(request, deadline.Token);
                // 400 and 403: the platform gave up on this event already (its deadline, for one). There is nothing to add; the next event
                // counts.
                if (answer.StatusCode is HttpStatusCode.BadRequest or HttpStatusCode.Forbidden or HttpStatusCode.RequestEntityTooLarge)
                    return;
                answer.EnsureSuccessStatusCode();
                return;
            }
            catch (HttpRequestException failure) when (attempt < Tries && failure.StatusCode is null)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(50 * attempt), _clock, deadline.Token);
            }
        }
    }

    private static string? Header(HttpResponseMessage answer, string name) =>
        answer.Headers.TryGetValues(name, out var values) && values.FirstOrDefault() is { Length: > 0 } value ? value : null;
}
