using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace DbAccess.Benchmarks;

/// <summary>Requests as Slack signs them.</summary>
internal static class Signed
{
    private static readonly MediaTypeHeaderValue FormType = new("application/x-www-form-urlencoded");
    private static readonly object App = new { id = "T0DBACME1", domain = "acme" };

    public static HttpRequestMessage Request(string path, string body, byte[] key)
    {
        var bytes = Encoding.ASCII.GetBytes(body);
        var at = DateTimeOffset.UtcNow.ToUnixTimeSeconds();
        byte[] signed = [.. Encoding.ASCII.GetBytes($"v0:{at}:"), .. bytes];
        var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = new ByteArrayContent(bytes) { Headers = { ContentType = FormType } } };
        request.Headers.Add("X-Slack-Request-Timestamp", at.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add("X-Slack-Signature", $"v0={Convert.ToHexStringLower(HMACSHA256.HashData(key, signed))}");
        return request;
    }

    /// <summary>A button on a message; each is a press of its own.</summary>
    public static HttpRequestMessage Press(string user, string action, string value, byte[] key) => Payload(new
    {
        type = "block_actions", api_app_id = "A0DBACCS1", team = App, user = new { id = user, team_id = "T0DBACME1" }, trigger_id = Guid.NewGuid().ToString("N"),
        container = new { type = "message", message_ts = "1767225601.000200", channel_id = "D0BENCH01" },
        actions = new[] { new { type = "button", action_id = action, value, action_ts = Guid.NewGuid().ToString("N") } },
    }, key);

    /// <summary>A form with one field.</summary>
    public static HttpRequestMessage Form(string user, string kind, string context, string field, string text, byte[] key) => Payload(new
    {
        type = "view_submission", api_app_id = "A0DBACCS1", team = App, user = new { id = user, team_id = "T0DBACME1" }, trigger_id = Guid.NewGuid().ToString("N"),
        view = new
        {
            id = $"V{Guid.NewGuid():N}", callback_id = kind, private_metadata = context, app_installed_team_id = "T0DBACME1",
            state = new { values = new Dictionary<string, object> { [field] = new { value = new { type = "plain_text_input", value = text } } } },
        },
    }, key);

    /// <summary>A letter typed into a search of a form.</summary>
    public static HttpRequestMessage Search(string user, string kind, string context, string field, string typed, byte[] key) => Payload(new
    {
        type = "block_suggestion", api_app_id = "A0DBACCS1", team = App, user = new { id = user, team_id = "T0DBACME1" }, action_id = "value", block_id = field, value = typed,
        view = new { id = "V0BENCH01", callback_id = kind, private_metadata = context, app_installed_team_id = "T0DBACME1", state = new { values = new { } } },
    }, key);

    private static HttpRequestMessage Payload(object payload, byte[] key) =>
        Request("slack/interactivity", $"payload={Uri.EscapeDataString(JsonSerializer.Serialize(payload))}", key);
}
