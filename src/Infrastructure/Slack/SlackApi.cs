using System.Collections.Concurrent;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DbAccess.Application;
using DbAccess.Domain;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Slack;

/// <summary>
/// Slack's Web API: one call, one typed answer. Nothing of a body, a token, a trigger or an address for answers gets into a log or an
/// exception; that is also why the client is built by hand, since the one of the factory logs addresses.
/// </summary>
internal sealed partial class SlackApi : IDisposable
{
    /// <summary>What Slack asks for when its answer does not say.</summary>
    public static readonly TimeSpan DefaultPause = TimeSpan.FromSeconds(30);

    /// <summary>Nobody is believed who wants us silent for longer than this.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(5);

    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(10);

    /// <summary>A trigger lives three seconds, and half of them are gone when we get it.</summary>
    private static readonly TimeSpan FormTimeout = TimeSpan.FromMilliseconds(1_500);

    private const int LongestAnswer = 4 * 1024 * 1024;

    /// <summary>Methods that do not look at a JSON body.</summary>
    private static readonly HashSet<string> FormMethods = new(StringComparer.Ordinal) { "users.info", "usergroups.users.list" };

    /// <summary>Methods that Slack limits by channel.</summary>
    private static readonly HashSet<string> ChannelMethods =
        new(StringComparer.Ordinal) { "chat.postMessage", "chat.postEphemeral", "chat.update", "chat.delete" };

    private const int WholeWorkspaceFrom = 4;

    private readonly ConcurrentDictionary<string, DateTimeOffset> _pauses = new(StringComparer.Ordinal);
    private readonly SlackOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<SlackApi> _log;
    private readonly HttpClient _http;

    public SlackApi(SlackOptions options, TimeProvider clock, ILogger<SlackApi> log)
    {
        _options = options;
        _clock = clock;
        _log = log;
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.All,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            // Slack moves addresses; a connection kept for ever would not follow.
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
            // Tracing would put whole addresses, response_url among them, on its spans.
            ActivityHeadersPropagator = null,
        };
        // The time limit is ours (by the method and our clock), not the client's.
        _http = new HttpClient(
            handler) { Timeout = System.Threading.Timeout.InfiniteTimeSpan, MaxResponseContentBufferSize = LongestAnswer };
    }

    public void Dispose() => _http.Dispose();

    /// <summary>
    /// Calls a method once. While Slack wants silence for this method it waits up to <paramref name="patience"/>, then calls; beyond that
    /// it answers at once.
    /// </summary>
    /// <param name="patience">Also how long a call that Slack turned away for its rate may wait to be made again: nothing was done then, so
    /// that is always safe.</param>
    public async Task<SlackAnswer> CallAsync(string method, JsonObject arguments, TimeSpan patience, CancellationToken cancellationToken)
    {
        var deadline = _clock.GetUtcNow() + patience;
        var place = Place(method, arguments);
        while (true)
        {
            if (PausedUntil(method, place) is { } until)
            {
                if (until > deadline)
                    return new SlackAnswer.Failed(SlackFault.BackOff, method, "ratelimited", RetryAfter: until - _clock.GetUtcNow());

                // Those who waited together do not come back in the same instant.
                var jitter = TimeSpan.FromMilliseconds(RandomNumberGenerator.GetInt32(250));
                await Task.Delay(until - _clock.GetUtcNow() + jitter, _clock, cancellationToken);
                continue;
            }

            var answer = await SendAsync(method, arguments, cancellationToken);
            if (answer is not SlackAnswer.Failed { Fault: SlackFault.BackOff, RetryAfter: { } pause }) return answer;

            var end = _clock.GetUtcNow() + pause;
            _pauses.AddOrUpdate(place, end, (_, known) => known > end ? known : end);
            if (end > deadline) return answer;
        }
    }

    /// <summary>
    /// Slack limits posting by channel (about one message a second in each), all else by method: a pause for one person's channel is nobody
    /// else's.
    /// </summary>
    private static string Place(string method, JsonObject arguments) =>
        ChannelMethods.Contains(method) && arguments["channel"]?.ToString() is { Length: > 0 } channel ? $"{method} {channel}" : method;

    /// <summary>
    /// Null when it may be called now. Several channels that are paused at once mean Slack's limit for the whole workspace.
    /// </summary>
    private DateTimeOffset? PausedUntil(string method, string place)
    {
        var now = _clock.GetUtcNow();
        foreach (var (known, over) in _pauses)
        {
            if (over <= now) _pauses.TryRemove(KeyValuePair.Create(known, over));
        }

        if (_pauses.TryGetValue(place, out var until)) return until;
        var channels = place == method ? [] : _pauses.Where(pause => pause.Key.StartsWith($"{method} ", StringComparison.Ordinal)).ToList();
        return channels.Count >= WholeWorkspaceFrom ? channels.Min(pause => pause.Value) : null;
    }

    /// <summary>Answers at an address that came with a request; without our token, since the address is its own key.</summary>
    public async Task<SlackAnswer> RespondAsync(Secret responseUrl, JsonObject message, CancellationToken cancellationToken)
    {
        const string name = "response_url";
        if (ResponseUrl.Check(responseUrl, _options.ApiUrl) is not { } address)
        {
            _log.LogWarning("An address for answers is not Slack's and was not used");
            return new SlackAnswer.Failed(SlackFault.TargetGone, name, "not_allowed");
        }

        using var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = Json(message) };
        var (status, body, failure) = await ExchangeAsync(name, request, Timeout, cancellationToken);
        if (failure is not null) return failure;

        // Slack says "ok" in plain text; an object that says otherwise is believed too.
        var json = SlackJson.Parse(body);
        var refused = json?.Field("ok") is { ValueKind: JsonValueKind.False };
        if ((int)status is >= 200 and < 300 && !refused) return new SlackAnswer.Ok(json ?? default, null);

        var fault = (int)status is >= 500 or 408 ? SlackFault.Transient : status == HttpStatusCode.TooManyRequests
            ? SlackFault.BackOff : SlackFault.TargetGone;
        return new SlackAnswer.Failed(fault, name, $"http_{(int)status}", RetryAfter: fault == SlackFault.BackOff ? DefaultPause : null);
    }

    private async Task<SlackAnswer> SendAsync(string method, JsonObject arguments, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(_options.ApiUrl, method))
        {
            Content = FormMethods.Contains(method) ? Form(arguments) : Json(arguments),
        };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", _options.BotToken.Reveal());
        var timeout = method == "views.open" ? FormTimeout : Timeout;
        var (status, body, failure) = await ExchangeAsync(method, request, timeout, cancellationToken);
        if (failure is not null) return failure;

        return Read(method, status, body, request);
    }

    /// <summary>One request over the wire. Whatever goes wrong on the way means that nobody knows whether it was done.</summary>
    private async Task<(HttpStatusCode Status, byte[] Body, SlackAnswer.Failed? Failure)> ExchangeAsync(
        string name, HttpRequestMessage request, TimeSpan timeout, CancellationToken cancellationToken)
    {
        var started = _clock.GetTimestamp();
        using var deadline = new Deadline(timeout, _clock, cancellationToken);
        var code = "timeout";
        try
        {
            using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseContentRead, deadline.Token);
            var body = await response.Content.ReadAsByteArrayAsync(deadline.Token);
            var requestId = response.Headers.TryGetValues("x-slack-req-id", out var ids) ? Plain(ids.FirstOrDefault()) : null;
            _log.LogDebug("Slack {Method}: HTTP {Status} after {Elapsed}, request {SlackRequest}", name, (int)response.StatusCode,
                _clock.GetElapsedTime(started), requestId);
            request.Options.Set(RequestId, requestId);
            request.Options.Set(RetryAfter, Pause(response));
            request.Options.Set(GrantedScopes, response.Headers.TryGetValues("x-oauth-scopes", out var scopes)
                ? string.Join(',', scopes) : null);
            return (response.StatusCode, body, null);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
        }
        catch (HttpRequestException failure)
        {
            // Its text can name the address; its kind cannot.
            code = failure.HttpRequestError == HttpRequestError.ConfigurationLimitExceeded ? "answer_too_long" : "no_answer";
        }
        catch (Exception failure) when (failure is IOException or InvalidDataException)
        {
            // The second: a compressed answer that does not unpack.
            code = "no_answer";
        }

        _log.LogWarning("Slack {Method}: {Code} after {Elapsed}", name, code, _clock.GetElapsedTime(started));
        return (default, [], new SlackAnswer.Failed(SlackFault.Transient, name, code));
    }

    private static readonly HttpRequestOptionsKey<string?> RequestId = new("request-id");
    private static readonly HttpRequestOptionsKey<TimeSpan?> RetryAfter = new("retry-after");
    private static readonly HttpRequestOptionsKey<string?> GrantedScopes = new("scopes");

    private SlackAnswer Read(string method, HttpStatusCode status, byte[] body, HttpRequestMessage request)
    {
        request.Options.TryGetValue(RequestId, out var requestId);
        request.Options.TryGetValue(RetryAfter, out var retryAfter);
        request.Options.TryGetValue(GrantedScopes, out var scopes);
        var json = SlackJson.Parse(body);
        if (status == HttpStatusCode.OK && json?.Field("ok") is { ValueKind: JsonValueKind.True })
        {
            // message_truncated and the like: done, but not as meant.
            if (json.Value.Text("warning") is { } warning)
                _log.LogWarning("Slack {Method}: done with warning {Warning}, request {SlackRequest}", method, Plain(warning), requestId);
            return new SlackAnswer.Ok(json.Value, scopes);
        }

        var failed = Judge(method, status, json, retryAfter);
        _log.LogWarning(
            "Slack {Method}: {Code} ({Fault}) at {Pointer}, request {SlackRequest}",
            method, failed.Code, failed.Fault, json is { } answer ? Pointer(answer) : null, requestId);
        return failed;
    }

    private static SlackAnswer.Failed Judge(string method, HttpStatusCode status, JsonElement? json, TimeSpan? retryAfter)
    {
        if (status == HttpStatusCode.TooManyRequests)
            return new(SlackFault.BackOff, method, "ratelimited", RetryAfter: retryAfter ?? BodyPause(json) ?? DefaultPause);
        if ((int)status >= 500) return new(SlackFault.Transient, method, $"http_{(int)status}");

        if (json?.Text("error") is not { } error)
        {
            // 200 without a readable answer: whatever cut it off, the call may have been carried out.
            var code = status == HttpStatusCode.OK ? "unreadable_answer" : $"http_{(int)status}";
            return new(status == HttpStatusCode.OK ? SlackFault.Transient : SlackFaults.Of(code), method, code);
        }

        if (error == "invalid_arguments" && Messages(json.Value).Any(message => message.Contains("trigger_id", StringComparison.Ordinal)))
            error = "trigger_expired";
        var plain = CodeShape().IsMatch(error) ? error : "unreadable_code";
        var fault = SlackFaults.Of(plain);
        return new(fault, method, plain, Plain(json.Value.Text("needed")), fault == SlackFault.BackOff
            ? retryAfter ?? BodyPause(json) ?? DefaultPause : null);
    }

    private TimeSpan? Pause(HttpResponseMessage response)
    {
        var given = response.Headers.RetryAfter;
        return (given?.Delta ?? (given?.Date is { } date ? date - _clock.GetUtcNow() : null)) is { } pause ? Bounded(pause) : null;
    }

    private static TimeSpan? BodyPause(JsonElement? json) =>
        json?.Field("retry_after") is { ValueKind: JsonValueKind.Number } number && number.TryGetInt32(out var seconds)
            ? Bounded(TimeSpan.FromSeconds(seconds)) : null;

    private static TimeSpan Bounded(TimeSpan pause) =>
        pause < TimeSpan.FromSeconds(1) ? TimeSpan.FromSeconds(1) : pause > LongestPause ? LongestPause : pause;

    private static IEnumerable<string> Messages(JsonElement json) =>
        (json.Field("response_metadata") is { } metadata ? metadata.Items("messages") : []).Concat(json.Items("errors"))
            .Select(item => item.AsText()).OfType<string>();

    /// <summary>Where in the message the fault is. The sentence around it can quote the message and is left out.</summary>
    private static string? Pointer(JsonElement json) =>
        Messages(json).Select(message => PointerShape().Match(message)).FirstOrDefault(match => match.Success)?.Groups["place"].Value;

    /// <summary>Codes, scopes and ids as they may stand in a log or a sentence; null for anything that looks like more.</summary>
    private static string? Plain(string? text) => text is not null && PlainShape().IsMatch(text) ? text : null;

    private static ByteArrayContent Json(JsonObject arguments)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(arguments.ToJsonString()));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
        return content;
    }

    private static FormUrlEncodedContent Form(JsonObject arguments) =>
        new(arguments.Select(argument => KeyValuePair.Create(argument.Key, argument.Value?.ToString() ?? "")));

    [GeneratedRegex(@"\[json-pointer:(?<place>/[A-Za-z0-9_/]{1,200})\]", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex PointerShape();

    [GeneratedRegex(@"^[a-z0-9_]{1,64}\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex CodeShape();

    [GeneratedRegex(@"^[A-Za-z0-9_.:,\-]{1,200}\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex PlainShape();
}
