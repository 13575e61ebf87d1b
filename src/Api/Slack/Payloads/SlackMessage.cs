using System.Buffers;
using System.Text.Json;
using DbAccess.Api.Slack.Words;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Payloads;

/// <summary>A message that a person wrote to the app.</summary>
/// <param name="Request">The words behind <c>create-db-user</c>, or all of them.</param>
/// <param name="Addressed">It begins with <c>create-db-user</c>; otherwise it may be small talk.</param>
internal sealed record SlackMessage(PrincipalId From, string Channel, string Timestamp, string Request, bool Addressed)
{
    private const string Quotes = "`\"'“”‘’";
    private static readonly string[] Verbs = ["create-db-user", "db-access"];
    private static readonly SearchValues<char> Ends = SearchValues.Create(" \t\r\n\u00a0\u3000" + Quotes);

    /// <summary>
    /// Null for what nobody should answer: our own messages, other bots', edits, deletions, other channels, other organisations.
    /// </summary>
    public static SlackMessage? Read(JsonElement root, SlackTenant tenant)
    {
        if (!SlackPayload.Walk(root, out var message, "event")) return null;
        if (SlackPayload.Text(message, "bot_id") is not null || SlackPayload.Text(message, "app_id") is not null) return null;
        if (SlackPayload.Walk(message, out _, "bot_profile") || SlackPayload.Walk(message, out var hidden, "hidden")
            && hidden.ValueKind is JsonValueKind.True) return null;
        if (SlackPayload.Text(message, "subtype") is { } subtype && subtype is not ("file_share" or "thread_broadcast")) return null;
        if (SlackPayload.Text(message, "channel_type") is not "im") return null;
        if (tenant.IsOutsider(SlackPayload.Text(message, "user_team") ?? SlackPayload.Text(message, "team"),
            SlackPayload.Text(root, "enterprise_id") ?? SlackPayload.Text(root, "context_enterprise_id"))) return null;
        if (SlackPayload.Text(message, "user") is not { } user || user is "USLACKBOT"
            || PrincipalId.Parse(tenant.TeamId, user) is not { } from) return null;
        if (SlackPayload.Text(message, "channel") is not { } channel || SlackPayload.Text(message, "ts") is not { } timestamp)
            return null;

        var text = SlackPayload.Text(message, "text") ?? "";
        var request = RequestIn(text);
        return new SlackMessage(from, channel, timestamp, request ?? text.Trim(), request is not null);
    }

    /// <summary>
    /// What stands behind the verb, as it was typed; null when it is another. Only the verb itself is read with the eyes half shut.
    /// </summary>
    private static string? RequestIn(string text)
    {
        var line = text.Trim();
        var quoted = line.TakeWhile(letter => Quotes.Contains(letter, StringComparison.Ordinal)).Count();
        var words = line[quoted..].TrimStart('/', ' ');
        var end = words.AsSpan().IndexOfAny(Ends);
        var verb = Typed.Narrow(end < 0 ? words : words[..end]);
        if (!Verbs.Contains(verb, StringComparer.OrdinalIgnoreCase)) return null;

        // What was opened before the verb is closed somewhere behind; other quotation marks belong to the words.
        var rest = end < 0 ? "" : words[end..];
        for (; quoted > 0; quoted--)
        {
            var close = rest.Length > 0 && Quotes.Contains(rest[0], StringComparison.Ordinal)
                ? 0 : rest.Length > 0 && Quotes.Contains(rest[^1], StringComparison.Ordinal) ? rest.Length - 1 : -1;
            if (close < 0) break;
            rest = rest.Remove(close, 1);
        }

        return rest.Trim();
    }
}
