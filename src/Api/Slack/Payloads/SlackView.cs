using System.Text.Json;

namespace DbAccess.Api.Slack.Payloads;

/// <summary>A form as it comes back: changed while it is open, or submitted.</summary>
/// <param name="Fields">What is asked for stands in the block of that name; null where nothing was said.</param>
/// <param name="Context">What we gave it when it was opened: the channel where the answer goes; null for none.</param>
internal sealed record SlackView(string Kind, string? Id, string? Hash, string? Context, IReadOnlyDictionary<string, string?> Fields)
{
    /// <summary>Null when the payload is about no form.</summary>
    /// <param name="fields">What is read of it; anything else in it is left.</param>
    public static SlackView? Read(JsonElement root, IEnumerable<string> fields)
    {
        if (!SlackPayload.Walk(root, out _, "view")) return null;

        return new SlackView(
            SlackPayload.Text(root, "view", "callback_id") ?? "", SlackPayload.Text(root, "view", "id"),
            SlackPayload.Text(root, "view", "hash"),
            SlackPayload.Text(root, "view", "private_metadata") is { Length: > 0 } told ? told : null,
            fields.ToDictionary(field => field, Value, StringComparer.Ordinal));

        // As they would be typed.
        static string? Several(JsonElement element) =>
            SlackPayload.Walk(element, out var options, "selected_options") && options.ValueKind is JsonValueKind.Array
                ? string.Join(", ", options.EnumerateArray().Select(option => SlackPayload.Text(option, "value")).OfType<string>()) : null;

        string? Value(string field) => SlackPayload.Walk(root, out var element, "view", "state", "values", field, "value")
            ? SlackPayload.Text(element, "selected_option", "value") ?? SlackPayload.Text(element, "value") ?? Several(element) : null;
    }
}
