using DbAccess.Api.Slack.Words;
using DbAccess.Application.Ports;

namespace DbAccess.Api.Slack.Payloads;

/// <summary>The buttons that the desk draws: their ids are stable, their values say what was typed and are no authority.</summary>
internal static class Buttons
{
    public const string OpenForm = "open_form";
    public const string File = "file_request";

    /// <summary>Files what was meant, or, when it does not fit a button or lacks something, opens the form with it.</summary>
    public static ChatButton Ask(string label, Draft draft)
    {
        var complete = draft is { Database: not null, Scope: not null, Duration: not null, Reason: not null };
        var value = DraftJson.Write(draft);
        return complete && value.Length <= Draft.Longest ? new ChatButton(File, label, value) : Form(draft);
    }

    /// <summary>Files it, with the rule's usual length where none is said; opens the form when its reason does not fit.</summary>
    public static ChatButton AskUsual(string label, Draft draft) => new(File, label, Value(draft));

    public static ChatButton Form(Draft draft) => new(OpenForm, "Open the form", Value(draft));

    private static string Value(Draft draft)
    {
        var value = DraftJson.Write(draft);
        return value.Length > Draft.Longest ? DraftJson.Write(draft with { Reason = null }) : value;
    }
}
