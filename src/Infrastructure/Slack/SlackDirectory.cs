using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Infrastructure.Slack;

/// <summary>
/// Who people are, as the workspace knows them. Nothing is concluded from silence: what Slack does not answer is refused.
/// </summary>
internal sealed partial class SlackDirectory(SlackApi api, SlackOptions options, TimeProvider clock) : IDirectory
{
    private static readonly TimeSpan Fresh = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private static readonly Error Unavailable = new(
            IDirectory.Unavailable, "I cannot check who you are right now, since Slack does not answer me. Please try again in a minute.");

    private readonly SharedCache<PrincipalId, Result<Person>> _people = new(clock, Fresh, most: 5_000);
    private readonly SharedCache<string, Result<IReadOnlySet<string>>> _groups = new(clock, Fresh, most: 500);

    public Task<Result<Person>> FindAsync(PrincipalId id, CancellationToken cancellationToken) =>
        _people.GetAsync(id, AskAsync, result => result.Refusal != Unavailable, cancellationToken);

    public Task<Result<IReadOnlySet<string>>> ListMembersAsync(string usergroup, CancellationToken cancellationToken) =>
        _groups.GetAsync(usergroup, AskGroupAsync, result => result.Refusal is null, cancellationToken);

    public void Forget(PrincipalId id) => _people.Forget(id);

    private async Task<Result<Person>> AskAsync(PrincipalId id)
    {
        // A shared question belongs to everybody who waits for it, so that no one of them can cancel it.
        var answer = await api.CallAsync("users.info", new JsonObject { ["user"] = id.User }, Patience, CancellationToken.None);
        if (answer is SlackAnswer.Failed failed)
        {
            return failed.Code is "user_not_found" or "user_not_visible" or "user_disabled"
                ? new Error("directory.not_found", "Slack does not know you as a member of this workspace, so I cannot give you access.")
                : Unavailable;
        }

        if (((SlackAnswer.Ok)answer).Body.Field("user") is not { } user) return Unavailable;
        var grid = user.Field("enterprise_user");
        if (user.Text("id") != id.User && grid?.Text("id") != id.User) return Unavailable;

        return Refusal(id, user, grid) is { } refusal ? refusal
            : new Person(id, Handle(id, user)) { Zone = user.Text("tz") is { } zone && ZonedTimes.Knows(zone) ? zone : null };
    }

    private Error? Refusal(PrincipalId id, JsonElement user, JsonElement? grid)
    {
        if (user.Warns("deleted")) return new("directory.deactivated", "This account is deactivated.");
        // Slackbot says of itself that it is no bot.
        if (id.User == "USLACKBOT" || user.Warns("is_bot") || user.Warns("is_workflow_bot") || user.Warns("is_connector_bot"))
        {
            return new("directory.bot", "Only people can ask for database access, not apps or workflows.");
        }

        if (user.Warns("is_stranger") || !IsOurs(id, user, grid))
            return new("directory.outsider", "Only members of this workspace can ask for database access.");
        if (user.Warns("is_restricted") || user.Warns("is_ultra_restricted"))
            return new("directory.guest", "Guests of this workspace cannot ask for database access.");
        if (user.Warns("is_invited_user")) return new("directory.invited", "This account was invited but has not signed in yet.");
        return null;
    }

    /// <summary>A member of the workspace (or organisation) that we serve. No team in the answer means no.</summary>
    private bool IsOurs(PrincipalId id, JsonElement user, JsonElement? grid)
    {
        if (grid is { } member)
        {
            return options.TeamId.StartsWith('E') ? member.Text("enterprise_id") == options.TeamId : member.Items("teams")
                .Any(team => team.AsText() == options.TeamId);
        }

        return id.Team == options.TeamId && user.Text("team_id") == options.TeamId;
    }

    private async Task<Result<IReadOnlySet<string>>> AskGroupAsync(string usergroup)
    {
        if (!GroupShape().IsMatch(usergroup)) return Unreadable(usergroup, "that is not the id of a user group");

        var arguments = new JsonObject { ["usergroup"] = usergroup };
        if (options.GroupsTeam is { } team) arguments["team_id"] = team;
        var answer = await api.CallAsync("usergroups.users.list", arguments, Patience, CancellationToken.None);
        if (answer is SlackAnswer.Failed failed)
        {
            var hint = options.GroupsTeam is not null ? ""
                : " (for an app of a whole organisation, Slack:GroupsTeamId says whose groups these are)";
            return Unreadable(usergroup, (failed.Code == "no_such_subteam" ? "there is no such group" : failed.Why.TrimEnd('.')) + hint);
        }

        if (((SlackAnswer.Ok)answer).Body.Field("users") is not { ValueKind: JsonValueKind.Array } users)
            return Unreadable(usergroup, "Slack's answer could not be read");

        return Result<IReadOnlySet<string>>.Of(
            users.EnumerateArray().Select(user => user.AsText()).OfType<string>().ToHashSet(StringComparer.Ordinal));
    }

    private static Error Unreadable(string usergroup, string why) =>
        new("directory.group_unreadable",
            $"I cannot read the Slack user group {SlackText.Line(usergroup, 40)}: {why}. Please tell an administrator of DbAccess.");

    private static string Handle(PrincipalId id, JsonElement user)
    {
        string?[] names = [user.Text("name"), user.Field("profile")?.Text("display_name"), user.Text("real_name")];
        return names.Select(name => SlackText.Line(name ?? "", 80)).FirstOrDefault(name => name.Length > 0) ?? id.User;
    }

    [GeneratedRegex(@"^S[A-Z0-9]{2,20}\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex GroupShape();
}
