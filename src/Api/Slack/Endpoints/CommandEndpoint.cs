using DbAccess.Api.Slack.Desk;
using DbAccess.Api.Slack.Door;
using DbAccess.Api.Slack.Inbox;
using DbAccess.Api.Slack.Payloads;
using DbAccess.Api.Slack.Words;
using DbAccess.Application.Ports;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Endpoints;

/// <summary>Slash commands: form fields become an inbox item.</summary>
internal sealed class CommandEndpoint(SlackDoor door, SlackTenant tenant, InboxWorker worker, PersonPace pace, TimeProvider clock)
{
    public async Task HandleAsync(HttpContext http)
    {
        if (await door.AdmitAsync(http, SlackDoor.Form) is not { } request) return;
        if (FormBody.Parse(request.Body) is not { } fields)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        if (fields.GetValueOrDefault("ssl_check") is "1") return;
        if (!tenant.IsFor(
            fields.GetValueOrDefault("team_id"), fields.GetValueOrDefault("enterprise_id"), fields.GetValueOrDefault("api_app_id")))
        {
            await SayAsync(http, "This DbAccess serves another workspace. Nothing was done.");
            return;
        }

        if (PrincipalId.Parse(tenant.TeamId, fields.GetValueOrDefault("user_id")) is not { } person)
        {
            await SayAsync(http, "I cannot tell who you are from this request. Nothing was done; try again.");
            return;
        }

        var text = InboxTexts.Cut(fields.GetValueOrDefault("text") ?? "");
        if (!await pace.AdmitsAsync(person, VerbWords.Ends(text), words => SayAsync(http, words))) return;

        // Without a trigger two different commands would be taken for one, were the empty word a key.
        var trigger = fields.GetValueOrDefault("trigger_id") is { Length: > 0 } given ? given : null;
        var item = new InboxItem(
            InboxTexts.Key("cmd", trigger ?? $"{request.Timestamp}\n{request.Body}"), InboxKinds.Command, person,
            fields.GetValueOrDefault("channel_id"), text, clock.GetUtcNow());
        var passing = new Passing(
            InboxTexts.AsSecret(fields.GetValueOrDefault("response_url")), InboxTexts.AsSecret(trigger));
        if (await worker.AcceptAsync(item, null, passing, http.RequestAborted) is Acceptance.NotWritten)
            await SayAsync(http, "I could not write your request down, so nothing was done. Try again in a moment.");
    }

    private static Task SayAsync(HttpContext http, string words) =>
        http.Response.WriteAsJsonAsync(new { response_type = "ephemeral", text = words });
}
