namespace DbAccess.Api.Slack.Desk;

/// <summary>Every field of every form of ours: what is asked for stands in the block of that name.</summary>
internal static class FormFields
{
    public static readonly IReadOnlyList<string> All =
    [
        RequestForm.Database, RequestForm.Scope, RequestForm.Duration, RequestForm.Reason, RequestForm.Only, RequestForm.Keep,
        RevokeForm.Confirm, PresetForm.Name, HolderForms.Way,
    ];
}
