namespace DbAccess.Api.Slack.Words;

/// <summary>A request as far as it was said; what is null is still to be said.</summary>
/// <param name="Only">The tables that it is to be narrowed to, as they are typed; null for the whole scope.</param>
internal sealed record Draft(string? Database, string? Scope, string? Duration, string? Reason, string? Only = null)
{
    /// <summary>They want one more of what they have already; null mostly, so that it is no part of most buttons.</summary>
    public bool? Another { get; init; }

    /// <summary>They said <c>break-glass</c>.</summary>
    public bool? BreakGlass { get; init; }

    /// <summary>When it is to begin; null for at once.</summary>
    public DateTimeOffset? StartsAt { get; init; }

    /// <summary>The user id of whoever is to have it; null for whoever asks.</summary>
    public string? For { get; init; }

    /// <summary>The name under which the request is to be kept as a preset, once it is filed; null for none.</summary>
    public string? Keep { get; init; }

    public static readonly Draft Empty = new(null, null, null, null);

    /// <summary>A button's value holds at most 2,000 characters; a longer draft is left to the form.</summary>
    public const int Longest = 1900;
}
