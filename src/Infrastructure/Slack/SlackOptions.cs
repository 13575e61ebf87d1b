using DbAccess.Domain;

namespace DbAccess.Infrastructure.Slack;

/// <summary>Whose Slack we speak to, and as whom.</summary>
/// <param name="ApiUrl">Ends with a slash; https, or this machine.</param>
/// <param name="TeamId">The workspace (<c>T…</c>) or, installed for a whole Enterprise Grid, the organisation (<c>E…</c>).</param>
/// <param name="GroupsTeamId">
/// The workspace whose user groups the policy names. A token of an organisation has to say it; null: that of <paramref name="TeamId"/>,
/// if it is a workspace.
/// </param>
internal sealed record SlackOptions(Uri ApiUrl, Secret BotToken, string TeamId, string AppId, string? GroupsTeamId = null)
{
    public string? GroupsTeam => GroupsTeamId ?? (TeamId.StartsWith('T') ? TeamId : null);
}
