using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace DbAccess.SlackStandIn;

/// <summary>How the app answered one delivery. <c>Status</c> is null when it did not.</summary>
internal sealed record Answer(int? Status, string Body, string? ContentType, double AckMs, double ElapsedMs, string? Error, bool NoRetry)
{
    public bool IsGood => Status is >= 200 and < 300;

    public JsonObject Describe() => new()
    {
        ["status"] = Status, ["body"] = Body, ["contentType"] = ContentType,
        ["ackMs"] = Math.Round(AckMs, 2), ["elapsedMs"] = Math.Round(ElapsedMs, 2), ["error"] = Error,
    };
}

/// <summary>Ways in which a test bends a delivery: Slack itself never does any of this.</summary>
internal sealed record Bend
{
    public static readonly Bend None = new();

    /// <summary>Header values in place of the true ones; null leaves the header out.</summary>
    public IReadOnlyDictionary<string, string?> Headers { get; init; } = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
    public long TimestampOffset { get; init; }
    public byte[]? RawBody { get; init; }

    /// <summary>Reads <c>headers</c>, <c>timestampOffset</c> (seconds), <c>rawBody</c> or <c>rawBodyBase64</c>.</summary>
    public static Bend Read(JsonObject request)
    {
        var headers = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in request.Object("headers") ?? []) headers[name] = value?.ToString();
        return new Bend
        {
            Headers = headers,
            TimestampOffset = request.Number("timestampOffset") ?? 0,
            RawBody = request.Text("rawBodyBase64") is { } base64 ? Convert.FromBase64String(base64)
                : request.Text("rawBody") is { } raw ? Encoding.UTF8.GetBytes(raw) : null,
        };
    }
}

/// <summary>Carries signed requests to the app and waits for the answer as long as the options say.</summary>
internal sealed class Delivery(Workspace workspace, StandInOptions options) : IDisposable
{
    public const string Form = "application/x-www-form-urlencoded";
    public const string JsonType = "application/json";
    private const int LongestAnswer = 1024 * 1024;

    private readonly HttpClient _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false, UseCookies = false, UseProxy = false, ConnectTimeout = options.Patience,
        // A connection kept from before the app was restarted would fail a delivery that Slack would have made.
        PooledConnectionLifetime = TimeSpan.Zero,
    })
    {
        Timeout = Timeout.InfiniteTimeSpan,
        MaxResponseContentBufferSize = LongestAnswer,
    };

    /// <summary>The app under test; null while there is none, and nothing is delivered.</summary>
    public Uri? App { get; set; }

    /// <summary>Keeps letters, digits and - . _ ~, turns a space into +, and the rest into upper-case escapes, as Slack does.</summary>
    public static string Encode(string value) => Uri.EscapeDataString(value).Replace("%20", "+", StringComparison.Ordinal);

    public static byte[] EncodeForm(IEnumerable<(string Name, string Value)> fields) =>
        Encoding.UTF8.GetBytes(string.Join('&', fields.Select(field => $"{field.Name}={Encode(field.Value)}")));

    public static byte[] EncodePayload(JsonObject payload) => EncodeForm([("payload", payload.Write())]);

    public async Task<Answer> SendAsync(
        string kind, string path, string contentType, byte[] body, Bend bend, CancellationToken cancellationToken,
        int retry = 0, string? retryReason = null)
    {
        body = bend.RawBody ?? body;
        var started = Stopwatch.GetTimestamp();
        double ackMs = 0;
        Answer answer;
        if (App is not { } app)
        {
            answer = new Answer(null, "", null, 0, 0, "no_app", NoRetry: true);
        }
        else
        {
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            patience.CancelAfter(options.Patience);
            try
            {
                using var request = Request(new Uri(app, path), contentType, body, bend, retry, retryReason);
                using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
                ackMs = Stopwatch.GetElapsedTime(started).TotalMilliseconds;
                var text = await response.Content.ReadAsStringAsync(patience.Token);
                answer = new Answer(
                    (int)response.StatusCode, text, response.Content.Headers.ContentType?.MediaType, ackMs,
                    Stopwatch.GetElapsedTime(started).TotalMilliseconds,
                    response.IsSuccessStatusCode ? null : "http_error",
                    response.Headers.TryGetValues("X-Slack-No-Retry", out var noRetry) && noRetry.Contains("1", StringComparer.Ordinal));
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                answer = Lost("operation_timeout");
            }
            catch (Exception fault) when (fault is HttpRequestException or IOException)
            {
                answer = Lost("connection_failed");
            }
        }
        workspace.LogDelivery(kind, answer.Status, Math.Round(answer.AckMs, 2), retry, answer.Error);
        return answer;

        Answer Lost(string error) =>
            new(null, "", null, ackMs, Stopwatch.GetElapsedTime(started).TotalMilliseconds, error, NoRetry: false);
    }

    public void Dispose() => _http.Dispose();

    private HttpRequestMessage Request(Uri address, string contentType, byte[] body, Bend bend, int retry, string? retryReason)
    {
        var timestamp = (workspace.Now.ToUnixTimeSeconds() + bend.TimestampOffset).ToString(CultureInfo.InvariantCulture);
        // The signature covers the timestamp as it is sent, also when a test chose it.
        if (bend.Headers.TryGetValue("X-Slack-Request-Timestamp", out var chosen) && chosen is not null) timestamp = chosen;
        var headers = new Dictionary<string, string?>(StringComparer.OrdinalIgnoreCase)
        {
            ["User-Agent"] = "Slackbot 1.0 (+https://api.slack.com/robots)",
            ["Accept"] = "application/json,*/*",
            ["X-Slack-Request-Timestamp"] = timestamp,
            ["X-Slack-Signature"] = SlackSignature.Sign(options.SigningSecret, timestamp, body),
            ["Content-Type"] = contentType,
        };
        if (retry > 0)
        {
            headers["X-Slack-Retry-Num"] = retry.ToString(CultureInfo.InvariantCulture);
            headers["X-Slack-Retry-Reason"] = retryReason ?? "unknown_error";
        }
        foreach (var (name, value) in bend.Headers) headers[name] = value;

        var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ByteArrayContent(body) };
        foreach (var (name, value) in headers)
        {
            if (value is null) continue;
            if (!request.Headers.TryAddWithoutValidation(name, value)) request.Content.Headers.TryAddWithoutValidation(name, value);
        }
        return request;
    }
}
