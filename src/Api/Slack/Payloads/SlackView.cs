using System.Text.Json;
using DbAccess.Api.Slack.Desk;
using DbAccess.Api.Slack.Words;

namespace DbAccess.Api.Slack.Payloads;

/// <summary>A form as it comes back: changed while it is open, or submitted.</summary>
/// <param name="Context">What we gave it when it was opened: the channel where the answer goes; null for none.</param>
internal sealed record SlackView(string Kind, string? Id, string? Hash, string? Context, IReadOnlyDictionary<string, string?> Fields)
{
    /// <summary>Every field of every form of ours: what is asked for stands in the block of that name.</summary>
    private static readonly string[] Blocks =
        [RequestForm.Database, RequestForm.Scope, RequestForm.Duration, RequestForm.Reason, RequestForm.Only, RequestForm.Keep,
            RevokeForm.Confirm, PresetForm.Name, HolderForms.Way];

    /// <summary>The fields of the request form, and what was said before it opened.</summary>
    public Draft Filled => RequestForm.BesidesIn(Context) with
    {
        Database = Fields[RequestForm.Database], Scope = Fields[RequestForm.Scope], Duration = Fields[RequestForm.Duration],
        Reason = Fields[RequestForm.Reason], Only = Fields[RequestForm.Only],
        Keep = Fields[RequestForm.Keep]?.Trim() is { Length: > 0 } name ? name : null,
    };

    /// <summary>Null when the payload is about no form.</summary>
    public static SlackView? Read(JsonElement root)
    {
        if (!SlackPayload.Walk(root, out _, "view")) return null;

        return new SlackView(
            SlackPayload.Text(root, "view", "callback_id") ?? "", SlackPayload.Text(root, "view", "id"),
            SlackPayload.Text(root, "view", "hash"),
            SlackPayload.Text(root, "view", "private_metadata") is { Length: > 0 } told ? told : null,
            Blocks.ToDictionary(block => block, Value, StringComparer.Ordinal));

        // As they would be typed.
        static string? Several(JsonElement element) =>
            SlackPayload.Walk(element, out var options, "selected_options") && options.ValueKind is JsonValueKind.Array
                ? string.Join(", ", options.EnumerateArray().Select(option => SlackPayload.Text(option, "value")).OfType<string>()) : null;

        string? Value(string field) => SlackPayload.Walk(root, out var element, "view", "state", "values", field, "value")
            ? SlackPayload.Text(element, "selected_option", "value") ?? SlackPayload.Text(element, "value") ?? Several(element) : null;
    }
}
