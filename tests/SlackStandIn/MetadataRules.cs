using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace DbAccess.SlackStandIn;

/// <summary>
/// What metadata of a message may look like: a type and a flat payload. Slack does not publish the size; this is less than it is known to take.
/// Pure.
/// </summary>
internal static partial class MetadataRules
{
    private const int LongestPayload = 8_000;

    /// <summary>Slack's code; null when there is nothing to say against it.</summary>
    public static string? Fault(JsonNode metadata)
    {
        if (metadata is not JsonObject json) return "invalid_metadata_format";
        if (json.Any(field => field.Key is not ("event_type" or "event_payload"))) return "invalid_metadata_format";
        if (json.Text("event_type") is not { } type || !TypeShape().IsMatch(type)) return "invalid_metadata_format";
        if (json.Object("event_payload") is not { } payload) return "invalid_metadata_format";
        if (payload.Any(field => field.Value is not JsonValue value
            || value.GetValueKind() is not (JsonValueKind.String or JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False)))
            return "invalid_metadata_schema";

        return Encoding.UTF8.GetByteCount(payload.Write()) > LongestPayload ? "metadata_too_large" : null;
    }

    [GeneratedRegex("^[A-Za-z0-9_]{1,255}$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex TypeShape();
}
