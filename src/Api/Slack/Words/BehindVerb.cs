namespace DbAccess.Api.Slack.Words;

/// <summary>What stands behind a verb.</summary>
/// <param name="Team">The workspace that mentioned people are of.</param>
internal sealed record BehindVerb(string Raw, string Team)
{
    public string Words { get; } = Typed.Unwrap(Raw).Trim();
}
