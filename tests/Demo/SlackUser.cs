using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using DbAccess.TestKit;

namespace DbAccess.Demo;

/// <summary>What people do in Slack, done through the stand-in: type, press, fill in, read.</summary>
public sealed class SlackUser : IDisposable
{
    public const string Erin = "U0ENGINE1";
    public const string Sam = "U0ENGINE2";
    public const string Dana = "U0DBA0001";
    public const string Emo = "U0EMOJI01";
    public const string Gustav = "U0GUEST01";
    public const string Mallory = "U0EXTERN1";
    public const string Derek = "U0DEACT01";

    private readonly HttpClient _http;

    public SlackUser(Uri standIn) => _http = new HttpClient { BaseAddress = new Uri(standIn, "control/"), Timeout = TimeSpan.FromSeconds(100) };

    /// <summary>Types a slash command; answers what the app answered at once.</summary>
    public async Task<JsonObject> CommandAsync(string user, string text, string command = "/db-access", string? channel = null) =>
        await PostAsync("command", new { user, text, command, channel });

    /// <summary>Writes to the app in a direct message.</summary>
    public Task<JsonObject> WriteAsync(string user, string text) => PostAsync("message", new { user, text });

    public Task<JsonObject> PressAsync(string user, JsonObject message, string action) =>
        PostAsync("action", new { user, channel = (string?)message["channel"], ts = (string?)message["ts"], action_id = action });

    /// <summary>Fills a form in and sends it off; answers with Slack's view of it: <c>outcome</c>, and <c>errors</c> beside the fields.</summary>
    public Task<JsonObject> SubmitAsync(string view, params (string Field, string? Value)[] fields)
    {
        var values = new JsonObject();
        foreach (var (field, value) in fields) values[field] = new JsonObject { ["value"] = value };
        return PostAsync("submit", new { view_id = view, values });
    }

    /// <summary>Makes the next calls of a method go wrong; no times mends it again.</summary>
    public Task<JsonObject> FaultAsync(string method, string kind, int times = 1, int delayMs = 0, string? retryAfter = null, string? error = null, int skip = 0) =>
        PostAsync("fault", new { method, kind, times, delayMs, retryAfter, error, skip });

    public async Task<JsonObject> PostAsync(string act, object body)
    {
        using var response = await _http.PostAsJsonAsync(act, body, new JsonSerializerOptions(JsonSerializerDefaults.Web) { DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull });
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode ? JsonNode.Parse(text)!.AsObject() : throw new InvalidOperationException($"The stand-in refused {act}: {text}");
    }

    /// <summary>The first message after <paramref name="after"/> that holds these words; null when none comes in time.</summary>
    public async Task<JsonObject?> WaitAsync(string user, string contains, string? after = null)
    {
        // The stand-in waits for a while at a time.
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience.Limit;)
        {
            using var response = await _http.GetAsync(new Uri($"wait?user={user}&contains={Uri.EscapeDataString(contains)}&after={after}&timeoutMs=30000", UriKind.Relative));
            if (response.StatusCode is HttpStatusCode.RequestTimeout) continue;
            var answer = JsonNode.Parse(await response.Content.ReadAsStringAsync())!.AsObject();
            return answer["message"]?.AsObject() ?? answer;
        }

        return null;
    }

    /// <summary>Everything this person can see.</summary>
    public async Task<IReadOnlyList<JsonObject>> MessagesAsync(string user)
    {
        var node = JsonNode.Parse(await _http.GetStringAsync(new Uri($"messages?user={user}", UriKind.Relative)))!;
        var list = node as JsonArray ?? node["messages"]!.AsArray();
        return [.. list.Select(message => message!.AsObject())];
    }

    public async Task<IReadOnlyList<JsonObject>> ViewsAsync(string user)
    {
        var node = JsonNode.Parse(await _http.GetStringAsync(new Uri($"views?user={user}", UriKind.Relative)))!;
        var list = node as JsonArray ?? node["views"]!.AsArray();
        return [.. list.Select(view => view!.AsObject())];
    }

    /// <summary>All words of a message, one text object a line.</summary>
    public static string Words(JsonObject message)
    {
        var words = new StringBuilder();
        Collect(message["blocks"], words);
        return words.Length > 0 ? words.ToString() : (string?)message["text"] ?? "";
    }

    public void Dispose() => _http.Dispose();

    private static void Collect(JsonNode? node, StringBuilder words)
    {
        switch (node)
        {
            case JsonArray array:
                foreach (var item in array) Collect(item, words);
                break;
            case JsonObject element:
                if (element["text"] is JsonValue text && text.TryGetValue<string>(out var value)) words.Append(value);
                foreach (var (key, child) in element)
                {
                    if (key is not "text" || child is not JsonValue) Collect(child, words);
                }

                if ((string?)element["type"] is "mrkdwn" or "plain_text" or "rich_text_section" or "rich_text_preformatted") words.Append('\n');
                break;
        }
    }
}
