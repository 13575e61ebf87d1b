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
    public const string Omar = "U0ENGINE3";
    public const string Dana = "U0DBA0001";
    public const string Ali = "U0DBA0002";
    public const string Sina = "U0SECUR01";
    public const string Tove = "U0SECUR02";
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

    /// <summary>Writes into a channel, where the app does not hear it; answers the message's time stamp.</summary>
    public async Task<string> WriteToAsync(string user, string channel, string text)
    {
        await PostAsync("message", new { user, channel, text });
        return (string)JsonNode.Parse(await _http.GetStringAsync(new Uri($"messages?user={user}", UriKind.Relative)))!.AsArray()
            .Last(one => (string?)one!["channel"] == channel && (string?)one["user"] == user)!["ts"]!;
    }

    public Task<JsonObject> PressAsync(string user, JsonObject message, string action) =>
        PostAsync("action", new { user, channel = (string?)message["channel"], ts = (string?)message["ts"], action_id = action });

    /// <summary>The shortcut on somebody's message.</summary>
    public Task<JsonObject> UseShortcutAsync(string user, string channel, string ts, string callback = "get_access") =>
        PostAsync("shortcut", new { user, channel, ts, callback_id = callback });

    /// <summary>Presses a button of a window or of the person's home page.</summary>
    public Task<JsonObject> PressInAsync(string user, JsonObject view, string action, string? block = null, string? value = null) =>
        PostAsync("action", new { user, view_id = (string?)view["id"], action_id = action, block_id = block, value });

    /// <summary>Opens the Home tab: the app is told.</summary>
    public Task<JsonObject> OpenHomeAsync(string user) => PostAsync("home", new { user, tab = "home" });

    /// <summary>What the app published for this person; null before the first time.</summary>
    public async Task<JsonObject?> HomeAsync(string user) =>
        JsonNode.Parse(await _http.GetStringAsync(new Uri($"home?user={user}", UriKind.Relative)))!["home"]?.AsObject();

    /// <summary>What the person's phone showed, oldest first.</summary>
    public async Task<IReadOnlyList<string>> NotificationsAsync(string user) =>
        [.. JsonNode.Parse(await _http.GetStringAsync(new Uri($"notifications?user={user}", UriKind.Relative)))!.AsArray().Select(one => (string)one!["text"]!)];

    /// <summary>The lines below a card, oldest first.</summary>
    public async Task<IReadOnlyList<JsonObject>> ThreadAsync(string user, JsonObject card) =>
        [.. (await MessagesAsync(user)).Where(message => (string?)message["thread_ts"] == (string)card["ts"]! && (string?)message["channel"] == (string)card["channel"]!)];

    /// <summary>Types into a search; the values that the app suggests.</summary>
    public async Task<IReadOnlyList<string>> SuggestAsync(string view, string block, string typed) =>
        [.. (await PostAsync("suggest", new { view_id = view, block_id = block, value = typed }))["options"]?.AsArray().Select(option => (string)option!["value"]!) ?? []];

    /// <summary>Changes an account, and tells the app as Slack does.</summary>
    public Task<JsonObject> ChangeAsync(string user, bool? deleted = null, bool? guest = null) =>
        PostAsync("user", new { user, deleted, is_restricted = guest, send_event = true });

    /// <summary>Makes a channel, or changes one; members by id or name.</summary>
    public Task<JsonObject> ChannelAsync(string channel, bool? archived = null, bool? appIsMember = null, string[]? members = null) =>
        PostAsync("channel", new { channel, archived, app_is_member = appIsMember, members });

    /// <summary>Somebody deletes a message in Slack.</summary>
    public Task<JsonObject> DeleteAsync(JsonObject message) =>
        PostAsync("delete", new { channel = (string?)message["channel"], ts = (string?)message["ts"] });

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

    /// <summary>The same message, once it holds these words: cards are changed in their place. Null when that does not come in time.</summary>
    public Task<JsonObject?> WaitForAsync(string user, JsonObject message, string contains) =>
        WaitAsync(user, contains, more: $"&channel={(string?)message["channel"]}&ts={(string?)message["ts"]}");

    /// <summary>The first message in a channel after <paramref name="after"/> that holds these words.</summary>
    public Task<JsonObject?> WaitInAsync(string user, string channel, string contains, string? after = null) =>
        WaitAsync(user, contains, after, $"&channel={channel}");

    /// <summary>The first message after <paramref name="after"/> that holds these words; null when none comes in time.</summary>
    public async Task<JsonObject?> WaitAsync(string user, string contains, string? after = null, string more = "")
    {
        // The stand-in waits for a while at a time.
        for (var watch = Stopwatch.StartNew(); watch.Elapsed < Patience.Limit;)
        {
            using var response = await _http.GetAsync(new Uri($"wait?user={user}&contains={Uri.EscapeDataString(contains)}&after={after}&timeoutMs=30000{more}", UriKind.Relative));
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
