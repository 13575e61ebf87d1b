using System.Text.Json;

namespace DbAccess.Api.Slack.Payloads;

/// <summary>A button or select that somebody used, on a message or in a form.</summary>
/// <param name="Name">The action id.</param>
/// <param name="Where">The message or form that it stands on; empty when Slack did not say.</param>
/// <param name="At">When, as Slack tells one press from the next; null when it did not say.</param>
/// <param name="Block">The block that it stands in: of a form's fields, which one.</param>
internal sealed record SlackAction(string Name, string Value, string Where, string? Channel, string? At, string? Block = null)
{
    /// <summary>Null when nothing was pressed.</summary>
    public static SlackAction? Read(JsonElement root)
    {
        if (!SlackPayload.Walk(root, out var actions, "actions") || actions.ValueKind is not JsonValueKind.Array
            || actions.GetArrayLength() == 0) return null;

        var action = actions[0];
        return new SlackAction(
            SlackPayload.Text(action, "action_id") ?? "", SlackPayload.Text(action, "value") ?? "",
            SlackPayload.Text(root, "container", "message_ts") ?? SlackPayload.Text(root, "view", "id") ?? "",
            SlackPayload.Text(root, "container", "channel_id"), SlackPayload.Text(action, "action_ts"),
            SlackPayload.Text(action, "block_id"));
    }
}
