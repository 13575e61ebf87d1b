using System.Text.Encodings.Web;
using System.Text.Json;

namespace DbAccess.Api.Slack.Words;

/// <summary>A draft as the value of a button or as a line of the inbox. It says what somebody typed, and gives nobody any right.</summary>
internal static class DraftJson
{
    private static readonly JsonSerializerOptions Options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = System.Text.Json.Serialization.JsonIgnoreCondition.WhenWritingNull,
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
    };

    public static string Write(Draft draft) => JsonSerializer.Serialize(draft, Options);

    /// <summary>Null when it is not a draft.</summary>
    public static Draft? Read(string text)
    {
        try
        {
            return JsonSerializer.Deserialize<Draft>(text, Options);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
