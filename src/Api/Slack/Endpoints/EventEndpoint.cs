using System.Text.Json;
using DbAccess.Api.Slack.Desk;
using DbAccess.Api.Slack.Door;
using DbAccess.Api.Slack.Home;
using DbAccess.Api.Slack.Inbox;
using DbAccess.Api.Slack.Payloads;
using DbAccess.Api.Slack.Words;
using DbAccess.Application.Ports;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Endpoints;

/// <summary>The Events API: messages to the app, and what Slack tells of people.</summary>
internal sealed class EventEndpoint(
    SlackDoor door, SlackTenant tenant, InboxWorker worker, IDirectory directory, PersonPace people,
    HomeVisitors visitors, TimeProvider clock)
{
    public async Task HandleAsync(HttpContext http)
    {
        if (await door.AdmitAsync(http, "application/json") is not { } request) return;
        if (!SlackPayload.TryParse(request.Body, out var json))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        using (json)
        {
            var root = json.RootElement;
            if (SlackPayload.Text(root, "type") is "url_verification")
            {
                http.Response.ContentType = "text/plain; charset=utf-8";
                await http.Response.WriteAsync(SlackPayload.Text(root, "challenge") ?? "");
                return;
            }

            var enterprise = SlackPayload.Text(root, "enterprise_id") ?? SlackPayload.Text(root, "context_enterprise_id");
            if (SlackPayload.Text(root, "type") is not "event_callback"
                || !tenant.IsFor(SlackPayload.Text(root, "team_id"), enterprise, SlackPayload.Text(root, "api_app_id"))) return;
            switch (SlackPayload.Text(root, "event", "type"))
            {
                case "message" when SlackMessage.Read(root, tenant) is { } message:
                    await MessageAsync(http, root, message);
                    break;
                case "app_home_opened" when SlackPayload.Text(root, "event", "tab") is "home"
                    && PrincipalId.Parse(tenant.TeamId, SlackPayload.Text(root, "event", "user")) is { } visitor:
                    visitors.Opened(visitor);
                    break;
                case "user_change" when PrincipalId.Parse(tenant.TeamId, SlackPayload.Text(root, "event", "user", "id")) is { } changed:
                    // Somebody who left must not keep what they have; the regular sweep sees to it if this process dies now.
                    directory.Forget(changed);
                    worker.Enqueue(changed, "review", (desk, token) => desk.ReviewAsync(changed, token));
                    break;
            }
        }
    }

    private async Task MessageAsync(HttpContext http, JsonElement root, SlackMessage message)
    {
        // A picture alone says nothing.
        if (message is { Addressed: false, Request.Length: 0 }) return;

        var text = InboxTexts.Cut(message.Request);
        if (!await people.AdmitsAsync(message.From, VerbWords.Ends(text), words => worker.TellAsync(message.From, words))) return;

        // The same message can come again under the same event id (a retry) or under another one.
        var alias = InboxTexts.Key("msg", $"{message.Channel}\n{message.Timestamp}");
        var key = SlackPayload.Text(root, "event_id") is { } id ? InboxTexts.Key("evt", id) : alias;
        var kind = message.Addressed ? InboxKinds.Message : InboxKinds.Talk;
        var item = new InboxItem(key, kind, message.From, null, text, clock.GetUtcNow());

        // Slack sends an event again when it is told that it could not be taken.
        if (await worker.AcceptAsync(item, alias, Passing.Nothing, http.RequestAborted) is Acceptance.NotWritten)
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
    }
}
