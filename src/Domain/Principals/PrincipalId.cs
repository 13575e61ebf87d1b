using System.Text.RegularExpressions;

namespace DbAccess.Domain.Principals;

/// <summary>
/// A person as Slack knows them: the workspace and the user id in it. Names and e-mail addresses can be edited by their owner, so neither
/// is ever a key.
/// </summary>
public sealed partial record PrincipalId
{
    private PrincipalId(string team, string user) => (Team, User) = (team, user);

    /// <summary>The workspace (<c>T…</c>), or the organisation (<c>E…</c>) on Enterprise Grid.</summary>
    public string Team { get; }

    /// <summary>The user id (<c>U…</c> or <c>W…</c>), opaque.</summary>
    public string User { get; }

    /// <summary>Answers null when either part is not of the shape Slack gives its ids.</summary>
    public static PrincipalId? Parse(string? team, string? user) =>
        team is not null && user is not null && TeamShape().IsMatch(team) && UserShape().IsMatch(user) ? new PrincipalId(team, user) : null;

    public override string ToString() => $"{Team}/{User}";

    [GeneratedRegex("^[TE][A-Z0-9]{2,20}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex TeamShape();

    [GeneratedRegex("^[UW][A-Z0-9]{2,20}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex UserShape();
}
