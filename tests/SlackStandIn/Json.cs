using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DbAccess.SlackStandIn;

/// <summary>Reading and writing loose JSON: a field of another type than asked for counts as absent.</summary>
internal static class Json
{
    public static readonly JsonSerializerOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly JsonDocumentOptions Reading = new() { AllowDuplicateProperties = false };

    /// <summary>Null when it is not JSON, or holds what .NET cannot hold (a lone surrogate).</summary>
    public static JsonNode? TryParse(string text)
    {
        try
        {
            return JsonNode.Parse(text, nodeOptions: null, Reading);
        }
        catch (Exception fault) when (fault is JsonException or ArgumentException)
        {
            return null;
        }
    }

    public static string Write(this JsonNode node) => node.ToJsonString(Writing);

    public static string? Text(this JsonObject? json, string name) =>
        json?[name] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;

    public static JsonObject? Object(this JsonObject? json, string name) => json?[name] as JsonObject;

    public static JsonArray? Array(this JsonObject? json, string name) => json?[name] as JsonArray;

    /// <summary>Slack takes true, "true", "1" and 1 alike.</summary>
    public static bool? Flag(this JsonObject? json, string name) => (json?[name] as JsonValue)?.ToString().ToLowerInvariant() switch
    {
        "true" or "1" => true,
        "false" or "0" => false,
        _ => null,
    };

    public static int? Number(this JsonObject? json, string name) =>
        json?[name] is JsonValue value && int.TryParse(value.ToString(), out var number) ? number : null;

    public static IEnumerable<JsonObject> Objects(this JsonArray? array) => array?.OfType<JsonObject>() ?? [];

    public static T Copy<T>(this T node)
        where T : JsonNode => (T)node.DeepClone();

    /// <summary>An object without the fields that are null: Slack leaves out what it does not know.</summary>
    public static JsonObject Known(params (string Name, JsonNode? Value)[] fields)
    {
        var json = new JsonObject();
        foreach (var (name, value) in fields)
        {
            if (value is not null) json[name] = value;
        }
        return json;
    }
}
