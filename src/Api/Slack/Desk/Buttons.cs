using DbAccess.Api.Slack.Words;
using DbAccess.Application.Ports;

namespace DbAccess.Api.Slack.Desk;

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

    public static ChatButton Form(Draft draft)
    {
        var value = DraftJson.Write(draft);
        if (value.Length > Draft.Longest) value = DraftJson.Write(draft with { Reason = null });
        return new ChatButton(OpenForm, "Open the form", value);
    }
}
