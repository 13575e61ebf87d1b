using System.Text.Json;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Evidence;

namespace DbAccess.Api.Slack.Desk;

/// <summary>What a request brings that is not stored: it is good for seconds or minutes, and a secret while it lasts.</summary>
internal sealed record Passing(Secret? ResponseUrl, Secret? Trigger)
{
    public static readonly Passing Nothing = new(null, null);
}

/// <summary>An answer that Slack did not take yet.</summary>
internal sealed record Unanswered(ReplyAddress To, ChatMessage Message, TimeSpan? RetryAfter);

/// <summary>Kinds of inbox items.</summary>
internal static class InboxKinds
{
    public const string Command = "command";
    public const string Message = "message";

    /// <summary>A message without our name before it: it may not be meant for us.</summary>
    public const string Talk = "talk";
    public const string Action = "action";
    public const string Submission = "submission";
    public const string Revocation = "revocation";
    public const string Decision = "decision";

    /// <summary>The shortcut of a message; its text is what that message says.</summary>
    public const string Shortcut = "shortcut";

    /// <summary>As the evidence log calls it.</summary>
    public static string WayOf(string? kind) => kind switch
    {
        Command => Way.SlackCommand,
        Action or Shortcut => Way.SlackPress,
        Message or Talk => Way.SlackEvent,
        _ => Way.SlackForm,
    };
}

/// <summary>A confirmed form that ends access, as the inbox keeps it.</summary>
internal sealed record RevokedForm(RevokeTarget Target, string Why)
{
    public string Write() => JsonSerializer.Serialize(new[] { RevokeForm.Write(Target), Why });

    public static RevokedForm? Read(string text, string team) => JsonSerializer.Deserialize<string[]>(text) is [var target, var why]
        && RevokeForm.Parse(target, team) is { } parsed ? new RevokedForm(parsed, why) : null;
}

/// <summary>A button as the inbox keeps it.</summary>
internal static class Pressed
{
    public static string Write(string action, string value) => JsonSerializer.Serialize(new[] { action, value });

    public static (string Action, string Value) Read(string text) =>
        JsonSerializer.Deserialize<string[]>(text) is [var action, var value] ? (action, value) : ("", "");
}
