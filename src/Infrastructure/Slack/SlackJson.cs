using System.Text.Json;

namespace DbAccess.Infrastructure.Slack;

/// <summary>
/// Reads Slack's answers without trusting their shape: a field that is absent, of another type or not decodable is simply not there.
/// </summary>
internal static class SlackJson
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 32 };

    /// <summary>Null when it is not a JSON object.</summary>
    public static JsonElement? Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Options);
            return document.RootElement.ValueKind == JsonValueKind.Object ? document.RootElement.Clone() : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static JsonElement? Field(this JsonElement owner, string name) =>
        owner.ValueKind == JsonValueKind.Object && owner.TryGetProperty(name, out var field) ? field : null;

    public static string? Text(this JsonElement owner, string name) => owner.Field(name)?.AsText();

    public static string? AsText(this JsonElement value)
    {
        try
        {
            return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate or bytes that are not UTF-8.
            return null;
        }
    }

    public static IEnumerable<JsonElement> Items(this JsonElement owner, string name) =>
        owner.Field(name) is { ValueKind: JsonValueKind.Array } array ? array.EnumerateArray() : [];

    /// <summary>
    /// True unless the field is absent, null or false: a flag that speaks against somebody counts when it cannot be read.
    /// </summary>
    public static bool Warns(this JsonElement owner, string name) => owner.Field(name) switch
    {
        null => false,
        { ValueKind: JsonValueKind.False or JsonValueKind.Null } => false,
        { ValueKind: JsonValueKind.String } text => !string.Equals(text.AsText(), "false", StringComparison.Ordinal),
        _ => true,
    };
}
