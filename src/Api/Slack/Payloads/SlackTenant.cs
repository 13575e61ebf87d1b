namespace DbAccess.Api.Slack.Payloads;

/// <summary>The one workspace (or, installed for a whole Enterprise Grid, organisation) and app that this installation serves.</summary>
/// <param name="TeamId">A workspace (<c>T…</c>) or an organisation (<c>E…</c>).</param>
internal sealed record SlackTenant(string TeamId, string AppId)
{
    private bool IsOrganisation => TeamId.StartsWith('E');

    /// <summary>Was it sent for us? In an organisation any of its workspaces may be the one where it was typed or pressed.</summary>
    public bool IsFor(string? team, string? enterprise, string? app) =>
        (IsOrganisation ? enterprise == TeamId || team == TeamId : team == TeamId) && (app is null || app == AppId);

    /// <summary>
    /// A person of another organisation, who can see what is in a shared channel and press it. In a Grid a person's own workspace may be
    /// another than ours; whether they belong to us is then for the directory to say.
    /// </summary>
    public bool IsOutsider(string? ownTeam, string? enterprise) => ownTeam is not null && ownTeam != TeamId && enterprise is null;
}
