using System.Text.Json;
using DbAccess.Api.Slack.Desk;
using DbAccess.Api.Slack.Door;
using DbAccess.Api.Slack.Inbox;
using DbAccess.Api.Slack.Payloads;
using DbAccess.Api.Slack.Words;
using DbAccess.Application;
using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Endpoints;

/// <summary>Buttons, selects and forms.</summary>
internal sealed class InteractivityEndpoint(
    SlackDoor door, SlackTenant tenant, InboxWorker worker, SubmissionCheck check, Suggestions suggestions, PersonPace pace,
    TimeProvider clock)
{
    // Slack counts three seconds, the way to us and back included.
    private static readonly TimeSpan SubmissionBudget = TimeSpan.FromSeconds(2.4);

    public async Task HandleAsync(HttpContext http)
    {
        if (await door.AdmitAsync(http, SlackDoor.Form) is not { } request) return;
        if (FormBody.Parse(request.Body)?.GetValueOrDefault("payload") is not { } payload || !SlackPayload.TryParse(payload, out var json))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        using (json)
        {
            var root = json.RootElement;
            if (Presser(root) is not { } person) return;

            switch (SlackPayload.Text(root, "type"))
            {
                case "block_actions":
                    await ActionAsync(http, root, person);
                    break;
                case "view_submission":
                    await SubmissionAsync(http, request, root, person);
                    break;
                case "message_action" when SlackPayload.Text(root, "callback_id") is PointedMessage.GetAccess:
                    await ShortcutAsync(http, root, person);
                    break;
                case "block_suggestion":
                    await http.Response.WriteAsJsonAsync(await suggestions.ForAsync(
                        person, SlackView.Read(root, FormFields.All), SlackPayload.Text(root, "block_id") ?? "",
                        SlackPayload.Text(root, "value") ?? "", http.RequestAborted));
                    break;
            }
        }
    }

    /// <summary>
    /// Null for what is not our business: another app or workspace, or people of other organisations, who can see a button too.
    /// </summary>
    private PrincipalId? Presser(JsonElement root)
    {
        var enterprise = SlackPayload.Text(root, "enterprise", "id") ?? SlackPayload.Text(root, "team", "enterprise_id");
        var team = SlackPayload.Text(root, "view", "app_installed_team_id") ?? SlackPayload.Text(root, "team", "id");
        return tenant.IsFor(team, enterprise, SlackPayload.Text(root, "api_app_id"))
            && !tenant.IsOutsider(SlackPayload.Text(root, "user", "team_id"), enterprise)
            ? PrincipalId.Parse(tenant.TeamId, SlackPayload.Text(root, "user", "id")) : null;
    }

    private async Task ActionAsync(HttpContext http, JsonElement root, PrincipalId person)
    {
        if (SlackAction.Read(root) is not { } action) return;
        if (SlackView.Read(root, FormFields.All) is { Kind: GrantActions.Connect, Id: { } window } ways)
        {
            if (GrantId.Parse(ways.Context ?? "") is { } id && ways.Fields[HolderForms.Way] is { } way)
                worker.Enqueue(person, "way", (desk, token) => desk.ChooseWayAsync(person, id, way, window, ways.Hash, token));
            return;
        }

        // The form's own choices: what else can be chosen, and what is said about it, depend on them.
        if (SlackView.Read(root, FormFields.All) is { Kind: RequestForm.Kind } form)
        {
            if (form.Id is not { } view) return;
            worker.Enqueue(person, "form", (desk, token) => desk.RedrawAsync(
                person, view, form.Hash, RequestForm.After(RequestForm.Filled(form), action.Block),
                RequestForm.ChannelIn(form.Context), token));
            return;
        }

        var ends = action.Name is GrantActions.Return or RevokeForm.Kind;
        if (!await pace.AdmitsAsync(person, ends, words => worker.TellAsync(person, words))) return;

        var trigger = SlackPayload.Text(root, "trigger_id");
        // A suggestion is one request, however often its button is pressed; other buttons may be pressed again.
        var press = action is { Name: Buttons.File, Where.Length: > 0 } ? action.Value : action.At ?? trigger;
        var item = new InboxItem(
            InboxTexts.Key("act", string.Join('\n', action.Where, action.Name, person.User, press)),
            InboxKinds.Action, person, action.Channel, Pressed.Write(action.Name, action.Value), clock.GetUtcNow());
        var passing = new Passing(
            InboxTexts.AsSecret(SlackPayload.Text(root, "response_url")), InboxTexts.AsSecret(trigger));

        // A button has no answer of its own; an error makes Slack show that it did not work, and it can be pressed again.
        if (await worker.AcceptAsync(item, null, passing, http.RequestAborted) is Acceptance.NotWritten)
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
    }

    private async Task ShortcutAsync(HttpContext http, JsonElement root, PrincipalId person)
    {
        if (!await pace.AdmitsAsync(person, ends: false, words => worker.TellAsync(person, words))) return;

        var trigger = SlackPayload.Text(root, "trigger_id");
        var channel = SlackPayload.Text(root, "channel", "id");
        var item = new InboxItem(
            InboxTexts.Key("act", string.Join('\n', "shortcut", channel, SlackPayload.Text(root, "message_ts"), person.User, trigger)),
            InboxKinds.Shortcut, person, channel, InboxTexts.Cut(PointedMessage.Words(root)), clock.GetUtcNow());
        var passing = new Passing(
            InboxTexts.AsSecret(SlackPayload.Text(root, "response_url")), InboxTexts.AsSecret(trigger));
        if (await worker.AcceptAsync(item, null, passing, http.RequestAborted) is Acceptance.NotWritten)
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
    }

    private async Task SubmissionAsync(HttpContext http, SlackRequest received, JsonElement root, PrincipalId person)
    {
        switch (SlackView.Read(root, FormFields.All))
        {
            case { Kind: RequestForm.Kind } form:
                if (await pace.AdmitsAsync(person, ends: false, words => FaultAsync(http, RequestForm.Database, words), everyTime: true))
                    await RequestedAsync(http, received, root, person, form);
                break;
            case { Kind: RevokeForm.Kind } form:
                await RevokedAsync(http, received, root, person, form);
                break;
            case { Kind: GrantActions.Connect }:
                // What was chosen is remembered already; the window closes.
                break;
            case { } form when DecisionForms.IsOne(form.Kind) || form.Kind is PresetForm.Kind:
                await DecidedAsync(http, received, root, person, form);
                break;
            default:
                // A form that just closes looks as if it had worked.
                await http.Response.WriteAsJsonAsync(SubmissionCheck.OutOfDate);
                break;
        }
    }

    /// <summary>Ending access asks nothing but the form: whether this person may is seen to behind, as when it is typed.</summary>
    private async Task RevokedAsync(HttpContext http, SlackRequest received, JsonElement root, PrincipalId person, SlackView form)
    {
        var (target, why, faults) = RevokeForm.Read(form.Context, tenant.TeamId, form.Fields.GetValueOrDefault);
        if (target is null)
        {
            await FaultsAsync(http, faults);
            return;
        }

        var item = new InboxItem(InboxTexts.Key("form", Once(received, root, form)), InboxKinds.Revocation, person,
            RevokeForm.ChannelIn(form.Context), new RevokedForm(target, why).Write(), clock.GetUtcNow());
        if (await worker.AcceptAsync(item, null, Passing.Nothing, http.RequestAborted) is Acceptance.NotWritten)
            await FaultAsync(http, RevokeForm.Confirm, "I could not write this down, so nothing was ended. Try again.");
    }

    private async Task DecidedAsync(HttpContext http, SlackRequest received, JsonElement root, PrincipalId person, SlackView view)
    {
        var (id, channel) = DecisionForms.Context(view.Context);
        if (id is null)
        {
            await http.Response.WriteAsJsonAsync(SubmissionCheck.OutOfDate);
            return;
        }

        var form = new FilledForm(view.Kind, id, view.Fields.Where(field => field.Value is not null)
            .ToDictionary(field => field.Key, field => field.Value!, StringComparer.Ordinal));
        var faults = form.Kind is PresetForm.Kind ? PresetForm.Faults(form) : DecisionForms.Faults(form);
        if (faults.Count > 0)
        {
            await FaultsAsync(http, faults);
            return;
        }

        var item = new InboxItem(InboxTexts.Key("form", Once(received, root, view)), InboxKinds.Decision, person, channel, form.Write(),
            clock.GetUtcNow());
        if (await worker.AcceptAsync(item, null, Passing.Nothing, http.RequestAborted) is Acceptance.NotWritten)
            await FaultsAsync(http, new Dictionary<string, string>(StringComparer.Ordinal)
            {
                [form.Kind switch
                {
                    CardActions.Offer => DecisionForms.Scope,
                    PresetForm.Kind => PresetForm.Name,
                    _ => DecisionForms.Reason,
                }] = "I could not write this down, so nothing was done. Try again.",
            });
    }

    /// <summary>One form is one request, however often Submit is pressed.</summary>
    private static string Once(SlackRequest received, JsonElement root, SlackView form) =>
        form.Id ?? SlackPayload.Text(root, "trigger_id") ?? $"{received.Timestamp}\n{received.Body}";

    private async Task RequestedAsync(HttpContext http, SlackRequest received, JsonElement root, PrincipalId person, SlackView form)
    {
        var filled = RequestForm.Filled(form);
        var (wish, faults) = RequestForm.Read(filled);
        if (wish is null)
        {
            await FaultsAsync(http, faults);
            return;
        }

        // The directory and the store have one budget between them.
        using var deadline = new Deadline(SubmissionBudget, clock, http.RequestAborted);
        if (await check.RefusalOfAsync(
            person, RequestDesk.HolderOf(filled, person), wish, deadline.Token) is { } refusal)
        {
            await FaultAsync(http, RequestForm.FieldOf(refusal), refusal.Message);
            return;
        }

        var item = new InboxItem(InboxTexts.Key("form", Once(received, root, form)), InboxKinds.Submission, person,
            RequestForm.ChannelIn(form.Context), DraftJson.Write(filled), clock.GetUtcNow());
        if (await worker.AcceptAsync(item, null, Passing.Nothing, deadline.Token) is Acceptance.NotWritten)
            await FaultAsync(
                http, RequestForm.Database, "I could not write your request down, so nothing was requested. Try again.");
    }

    /// <summary>Beside its field; nothing is drawn as code there.</summary>
    private static Task FaultAsync(HttpContext http, string field, string words) => FaultsAsync(
        http, new Dictionary<string, string>(StringComparer.Ordinal) { [field] = words.Replace("`", "", StringComparison.Ordinal) });

    private static Task FaultsAsync(HttpContext http, IReadOnlyDictionary<string, string> faults) =>
        http.Response.WriteAsJsonAsync(new { response_action = "errors", errors = faults });
}
