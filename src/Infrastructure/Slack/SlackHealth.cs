using System.Text.Json.Nodes;
using DbAccess.Application;
using DbAccess.Application.Ports;
using DbAccess.Domain;

namespace DbAccess.Infrastructure.Slack;

/// <summary>Whether Slack takes the token, for the workspace and with the scopes that we need.</summary>
internal sealed class SlackHealth(SlackApi api, SlackOptions options, TimeProvider clock) : IChatHealth
{
    private static readonly string[] Needed = ["chat:write", "im:write", "users:read"];

    private readonly SharedCache<string, Result> _answer = new(clock, TimeSpan.FromSeconds(60), most: 2);

    public Task<Result> CheckAsync(CancellationToken cancellationToken) =>
        _answer.GetAsync("auth.test", AskAsync, answer => answer.Refusal is null, cancellationToken);

    private async Task<Result> AskAsync(string method)
    {
        var answer = await api.CallAsync(method, [], TimeSpan.Zero, CancellationToken.None);
        if (answer is SlackAnswer.Failed failed)
        {
            return new Error("slack.unhealthy", failed.Fault == SlackFault.Configuration
                ? $"{failed.Why} Check Slack:BotToken, and install the app again if its token was revoked."
                : failed.Why);
        }

        var ok = (SlackAnswer.Ok)answer;
        var team = ok.Body.Text(options.TeamId.StartsWith('E') ? "enterprise_id" : "team_id");
        if (team != options.TeamId)
            return new Error("slack.other_team", $"Slack:BotToken belongs to another workspace than Slack:TeamId ({options.TeamId}).");

        var granted = ok.Scopes?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        var missing = granted is null ? [] : Needed.Except(granted, StringComparer.Ordinal).ToArray();
        return missing.Length == 0 ? Result.Done
            : new Error("slack.missing_scope", $"The app lacks the scopes {string.Join(", ", missing)}: add them and install it again.");
    }
}
