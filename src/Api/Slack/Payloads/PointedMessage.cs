using System.Text.Json;

namespace DbAccess.Api.Slack.Payloads;

/// <summary>The message that somebody used our shortcut on. It may be anybody's, also another program's.</summary>
internal static class PointedMessage
{
    /// <summary>The shortcut, as the app's manifest names it.</summary>
    public const string GetAccess = "get_access";

    private const int MostTexts = 200;

    /// <summary>
    /// What it says, each text on a line of its own: programs put theirs into attachments and blocks, and leave the text itself empty.
    /// </summary>
    public static string Words(JsonElement root)
    {
        if (!SlackPayload.Walk(root, out var message, "message")) return "";

        var texts = new List<string>();
        if (SlackPayload.Text(message, "text") is { Length: > 0 } text) texts.Add(text);
        foreach (var part in (string[])["attachments", "blocks"])
            if (SlackPayload.Walk(message, out var inside, part)) Gather(inside, texts);
        return string.Join('\n', texts.Distinct(StringComparer.Ordinal));
    }

    private static void Gather(JsonElement element, List<string> texts)
    {
        if (texts.Count >= MostTexts) return;
        if (element.ValueKind is JsonValueKind.Array)
        {
            foreach (var one in element.EnumerateArray()) Gather(one, texts);
        }
        else if (element.ValueKind is JsonValueKind.Object)
        {
            foreach (var name in (string[])["pretext", "title", "text", "fallback", "value"])
                if (SlackPayload.Text(element, name) is { Length: > 0 } words) texts.Add(words);
            foreach (var property in element.EnumerateObject())
                if (property.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array) Gather(property.Value, texts);
        }
    }
}
