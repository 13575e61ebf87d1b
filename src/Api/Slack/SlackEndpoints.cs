using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DbAccess.Api.Slack.Door;
using DbAccess.Api.Slack.Inbox;
using DbAccess.Application;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Slack;

/// <summary>The one workspace and app that this installation serves.</summary>
internal sealed record SlackTenant(string TeamId, string AppId);

/// <summary>
/// The three addresses that Slack calls. Each one admits, reads, puts the work into the inbox, and only then says that it has it; what is
/// authentic is answered with 200, and refusals are words.
/// </summary>
internal static class SlackEndpoints
{
    private const string Form = "application/x-www-form-urlencoded";

    private static readonly JsonDocumentOptions Json = new() { MaxDepth = 64 };

    // Slack counts three seconds, the way to us and back included.
    private static readonly TimeSpan CheckBudget = TimeSpan.FromSeconds(0.8);
    private static readonly TimeSpan SubmissionBudget = TimeSpan.FromSeconds(2.4);

    private static readonly object OutOfDate = new
    {
        response_action = "update",
        view = new
        {
            type = "modal",
            title = new { type = "plain_text", text = "Form out of date" },
            close = new { type = "plain_text", text = "Close" },
            blocks = new[] {
                new { type = "section",
                text = new { type = "plain_text",
                text = "This form is from an older version. Nothing was requested; /db-access opens the new one." } } },
        },
    };

    public static void MapSlack(this IEndpointRouteBuilder routes)
    {
        routes.MapPost("/slack/commands", CommandAsync);
        routes.MapPost("/slack/interactivity", InteractivityAsync);
        routes.MapPost("/slack/events", EventAsync);
    }

    private static async Task CommandAsync(HttpContext http, SlackDoor door, SlackTenant tenant, InboxWorker worker, TimeProvider clock)
    {
        if (await door.AdmitAsync(http, Form) is not { } request) return;
        if (FormBody.Parse(request.Body) is not { } fields)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        if (fields.GetValueOrDefault("ssl_check") is "1") return;
        if (fields.GetValueOrDefault("api_app_id") is { } app && app != tenant.AppId
            || fields.GetValueOrDefault("team_id") != tenant.TeamId)
        {
            await SayAsync(http, "This DbAccess serves another workspace. Nothing was done.");
            return;
        }

        if (PrincipalId.Parse(tenant.TeamId, fields.GetValueOrDefault("user_id")) is not { } person)
        {
            await SayAsync(http, "I cannot tell who you are from this request. Nothing was done; try again.");
            return;
        }

        // Without a trigger two different commands would be taken for one, were the empty word a key.
        var trigger = fields.GetValueOrDefault("trigger_id") is { Length: > 0 } given ? given : null;
        var item = new InboxItem(
            Key("cmd", trigger ?? $"{request.Timestamp}\n{request.Body}"), InboxKinds.Command, person,
                fields.GetValueOrDefault("channel_id"), fields.GetValueOrDefault("text") ?? "", clock.GetUtcNow());
        var passing = new Passing(AsSecret(fields.GetValueOrDefault("response_url")), AsSecret(trigger));
        if (await worker.AcceptAsync(item, null, passing, http.RequestAborted) is Acceptance.NotWritten)
            await SayAsync(http, "I could not write your request down, so nothing was done. Try again in a moment.");
    }

    private static async Task InteractivityAsync(HttpContext http, SlackDoor door, SlackTenant tenant, InboxWorker worker,
        IServiceScopeFactory scopes, TimeProvider clock, ILogger<RequestDesk> log)
    {
        if (await door.AdmitAsync(http, Form) is not { } request) return;
        if (FormBody.Parse(request.Body)?.GetValueOrDefault("payload") is not { } payload || !TryParse(payload, out var json))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        using (json)
        {
            var root = json.RootElement;
            // A button can be seen, and pressed, by people of other organisations: theirs is not our business.
            var team = Text(root, "view", "app_installed_team_id") ?? Text(root, "team", "id");
            var person = PrincipalId.Parse(tenant.TeamId, Text(root, "user", "id"));
            if (team != tenant.TeamId || person is null || Text(root, "user", "team_id") is { } own && own != tenant.TeamId
                || Text(root, "api_app_id") is { } app && app != tenant.AppId) return;

            switch (Text(root, "type"))
            {
                case "block_actions":
                    await ActionAsync(http, root, person, worker, clock);
                    break;
                case "view_submission":
                    await SubmissionAsync(http, request, root, person, worker, scopes, clock, log);
                    break;
            }
        }
    }

    private static async Task ActionAsync(HttpContext http, JsonElement root, PrincipalId person, InboxWorker worker, TimeProvider clock)
    {
        if (!Walk(root, out var actions, "actions") || actions.ValueKind is not JsonValueKind.Array || actions.GetArrayLength() == 0)
            return;
        var action = actions[0];
        var trigger = Text(root, "trigger_id");

        // The form's own select: its other choices depend on it.
        if (Text(root, "view", "callback_id") is RequestForm.Kind)
        {
            if (Text(root, "view", "id") is not { } view) return;
            var (hash, channel, draft) = (Text(root, "view", "hash"), Text(root, "view", "private_metadata"), Filled(root));
            worker.Enqueue((desk, token) => desk.RedrawAsync(
                person, view, hash, draft with { Scope = null, Duration = null }, channel is { Length: > 0 } ? channel : null, token));
            return;
        }

        var (name, value) = (Text(action, "action_id") ?? "", Text(action, "value") ?? "");
        var where = Text(root, "container", "message_ts") ?? Text(root, "view", "id") ?? "";
        // A suggestion is one request, however often its button is pressed; other buttons may be pressed again.
        var press = name is Replies.FileAction && where.Length > 0 ? value : Text(action, "action_ts") ?? trigger;
        var item = new InboxItem(
            Key("act", string.Join('\n', where, name, person.User, press)),
            InboxKinds.Action, person, Text(root, "container", "channel_id"), Pressed.Write(name, value), clock.GetUtcNow());

        // A button has no answer of its own; an error makes Slack show that it did not work, and it can be pressed again.
        if (await worker.AcceptAsync(
            item, null, new Passing(AsSecret(Text(root, "response_url")), AsSecret(trigger)), http.RequestAborted) is Acceptance.NotWritten)
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
    }

    private static async Task SubmissionAsync(HttpContext http, SlackRequest received, JsonElement root, PrincipalId person,
        InboxWorker worker, IServiceScopeFactory scopes, TimeProvider clock, ILogger log)
    {
        if (Text(root, "view", "callback_id") is not RequestForm.Kind)
        {
            // A form that just closes looks as if it had worked.
            await http.Response.WriteAsJsonAsync(OutOfDate);
            return;
        }

        var filled = Filled(root);
        var (request, faults) = RequestForm.Read(filled);
        if (request is null)
        {
            await FaultsAsync(http, faults);
            return;
        }

        // The directory and the store have one budget between them.
        using var late = new CancellationTokenSource(SubmissionBudget, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, http.RequestAborted);
        if (await CheckAsync(scopes, person, request, clock, log, either.Token) is { } refusal)
        {
            await FaultsAsync(
                http, new Dictionary<string, string>(StringComparer.Ordinal) { [RequestForm.FieldOf(refusal)] = refusal.Message });
            return;
        }

        // One form is one request, however often Submit is pressed.
        var channel = Text(root, "view", "private_metadata") is { Length: > 0 } told ? told : null;
        var item = new InboxItem(
            Key("form", Text(root, "view", "id") ?? Text(root, "trigger_id") ?? $"{received.Timestamp}\n{received.Body}"),
            InboxKinds.Submission, person, channel, DraftJson.Write(filled), clock.GetUtcNow());
        if (await worker.AcceptAsync(item, null, Passing.Nothing, either.Token) is Acceptance.NotWritten)
            await FaultsAsync(http, new Dictionary<string, string>(StringComparer.Ordinal) { [RequestForm.Database] =
                "I could not write your request down, so nothing was requested. Try again." });
    }

    private static async Task EventAsync(
            HttpContext http, SlackDoor door, SlackTenant tenant, InboxWorker worker, IDirectory directory, HelpPace pace,
        TimeProvider clock)
    {
        if (await door.AdmitAsync(http, "application/json") is not { } request) return;
        if (!TryParse(request.Body, out var json))
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            return;
        }

        using (json)
        {
            var root = json.RootElement;
            if (Text(root, "type") is "url_verification")
            {
                http.Response.ContentType = "text/plain; charset=utf-8";
                await http.Response.WriteAsync(Text(root, "challenge") ?? "");
                return;
            }

            if (Text(root, "type") is not "event_callback" || Text(root, "team_id") != tenant.TeamId || Text(root, "api_app_id") is { } app
                && app != tenant.AppId) return;
            switch (Text(root, "event", "type"))
            {
                case "message" when SlackMessage.Read(root, tenant) is { } message:
                    await MessageAsync(http, root, message, worker, pace, clock);
                    break;
                case "user_change" when PrincipalId.Parse(tenant.TeamId, Text(root, "event", "user", "id")) is { } changed:
                    directory.Forget(changed);
                    break;
            }
        }
    }

    private static async Task MessageAsync(
            HttpContext http, JsonElement root, SlackMessage message, InboxWorker worker, HelpPace pace, TimeProvider clock)
    {
        // Small talk is answered with one hint a minute, and is not worth a record.
        if (message.Request is not { } text)
        {
            if (pace.MayHint(message.From))
                worker.Enqueue((desk, token) => desk.HandleAsync(
                    new InboxItem("", InboxKinds.Message, message.From, null, "help", clock.GetUtcNow()), Passing.Nothing, token));
            return;
        }

        // The same message can come again under the same event id (a retry) or under another one.
        var alias = Key("msg", $"{message.Channel}\n{message.Timestamp}");
        var item = new InboxItem(
            Text(root, "event_id") is { } id ? Key("evt", id) : alias, InboxKinds.Message, message.From, null, text, clock.GetUtcNow());

        // Slack sends an event again when it is told that it could not be taken.
        if (await worker.AcceptAsync(item, alias, Passing.Nothing, http.RequestAborted) is Acceptance.NotWritten)
            http.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
    }

    /// <summary>
    /// What the policy would say, if it says it in time; otherwise the request is filed and the answer comes as a message.
    /// </summary>
    private static async Task<Error?> CheckAsync(
            IServiceScopeFactory scopes, PrincipalId person, Intent.File request, TimeProvider clock, ILogger log,
        CancellationToken aborted)
    {
        using var late = new CancellationTokenSource(CheckBudget, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, aborted);
        try
        {
            await using var scope = scopes.CreateAsyncScope();
            var outcome = await scope.ServiceProvider.GetRequiredService<IMediator>()
                .Send(new CheckRequest(person, request.Database, request.Scope, request.Duration, request.Reason) { Only = request.Only },
                    either.Token);
            return outcome.Refusal;
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            return null;
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            // The check only makes the answer nicer; filing the request checks again, and tries again.
            log.LogError(failure, "A form could not be checked before it was filed");
            return null;
        }
    }

    private static Draft Filled(JsonElement root)
    {
        string? Value(string field)
        {
            if (!Walk(root, out var element, "view", "state", "values", field, "value")) return null;
            return Text(element, "selected_option", "value") ?? Text(element, "value");
        }

        return new Draft(Value(RequestForm.Database), Value(RequestForm.Scope), Value(RequestForm.Duration), Value(RequestForm.Reason),
            Value(RequestForm.Only));
    }

    private static Task SayAsync(HttpContext http, string words) =>
        http.Response.WriteAsJsonAsync(new { response_type = "ephemeral", text = words });

    private static Task FaultsAsync(HttpContext http, IReadOnlyDictionary<string, string> faults) =>
        http.Response.WriteAsJsonAsync(new { response_action = "errors", errors = faults });

    private static string Key(string kind, string what) =>
        $"{kind}:{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(what)))[..40]}";

    private static Secret? AsSecret(string? value) => string.IsNullOrEmpty(value) ? null : new Secret(value);

    private static bool TryParse(string text, [NotNullWhen(true)] out JsonDocument? json)
    {
        json = null;
        try
        {
            var parsed = JsonDocument.Parse(text, Json);
            if (parsed.RootElement.ValueKind is JsonValueKind.Object)
            {
                json = parsed;
                return true;
            }

            parsed.Dispose();
        }
        catch (JsonException)
        {
            // Answered with 400 by whoever asked.
        }

        return false;
    }

    internal static string? Text(JsonElement element, params ReadOnlySpan<string> path)
    {
        if (!Walk(element, out var found, path) || found.ValueKind is not JsonValueKind.String) return null;
        try
        {
            return found.GetString();
        }
        catch (InvalidOperationException)
        {
            // Half a surrogate pair is no text.
            return null;
        }
    }

    internal static bool Walk(JsonElement element, out JsonElement found, params ReadOnlySpan<string> path)
    {
        found = element;
        foreach (var name in path)
        {
            if (found.ValueKind is not JsonValueKind.Object) return false;
            try
            {
                if (!found.TryGetProperty(name, out found)) return false;
            }
            catch (InvalidOperationException)
            {
                // Beside it is a name with half a surrogate pair, which cannot be compared.
                return false;
            }
        }

        return true;
    }
}

/// <summary>A message that a person wrote to the app.</summary>
/// <param name="Request">The words behind <c>create-db-user</c>; null when the message was something else.</param>
internal sealed record SlackMessage(PrincipalId From, string Channel, string Timestamp, string? Request)
{
    private const string Quotes = "`\"'“”‘’";
    private static readonly string[] Verbs = ["create-db-user", "db-access"];
    private static readonly SearchValues<char> Ends = SearchValues.Create(" \t\r\n\u00a0\u3000" + Quotes);

    /// <summary>
    /// Null for what nobody should answer: our own messages, other bots', edits, deletions, other channels, other organisations.
    /// </summary>
    public static SlackMessage? Read(JsonElement root, SlackTenant tenant)
    {
        if (!SlackEndpoints.Walk(root, out var message, "event")) return null;
        if (SlackEndpoints.Text(message, "bot_id") is not null || SlackEndpoints.Text(message, "app_id") is not null) return null;
        if (SlackEndpoints.Walk(message, out _, "bot_profile") || SlackEndpoints.Walk(message, out var hidden, "hidden")
            && hidden.ValueKind is JsonValueKind.True) return null;
        if (SlackEndpoints.Text(message, "subtype") is { } subtype && subtype is not ("file_share" or "thread_broadcast")) return null;
        if (SlackEndpoints.Text(message, "channel_type") is not "im") return null;
        if ((SlackEndpoints.Text(message, "user_team") ?? SlackEndpoints.Text(message, "team")) is { } team && team != tenant.TeamId)
            return null;
        if (SlackEndpoints.Text(message, "user") is not { } user || user is "USLACKBOT"
            || PrincipalId.Parse(tenant.TeamId, user) is not { } from) return null;
        if (SlackEndpoints.Text(message, "channel") is not { } channel || SlackEndpoints.Text(message, "ts") is not { } timestamp)
            return null;

        return new SlackMessage(from, channel, timestamp, RequestIn(SlackEndpoints.Text(message, "text") ?? ""));
    }

    /// <summary>What stands behind the verb, as it was typed: only the verb itself is read with the eyes half shut.</summary>
    private static string? RequestIn(string text)
    {
        var line = text.Trim();
        var quoted = line.TakeWhile(letter => Quotes.Contains(letter, StringComparison.Ordinal)).Count();
        var words = line[quoted..].TrimStart('/', ' ');
        var end = words.AsSpan().IndexOfAny(Ends);
        var verb = RequestText.Narrow(end < 0 ? words : words[..end]);
        if (!Verbs.Contains(verb, StringComparer.OrdinalIgnoreCase)) return null;

        // What was opened before the verb is closed somewhere behind; other quotation marks belong to the words.
        var rest = end < 0 ? "" : words[end..];
        for (; quoted > 0; quoted--)
        {
            var close = rest.Length > 0 && Quotes.Contains(rest[0], StringComparison.Ordinal)
                ? 0 : rest.Length > 0 && Quotes.Contains(rest[^1], StringComparison.Ordinal) ? rest.Length - 1 : -1;
            if (close < 0) break;
            rest = rest.Remove(close, 1);
        }

        return rest.Trim();
    }
}

/// <summary>At most one hint per person and minute, so that two programs that answer each other do not talk for ever.</summary>
internal sealed class HelpPace(TimeProvider clock)
{
    private const int Most = 10_000;
    private readonly Lock _gate = new();
    private readonly Dictionary<PrincipalId, DateTimeOffset> _last = [];

    public bool MayHint(PrincipalId person)
    {
        var now = clock.GetUtcNow();
        lock (_gate)
        {
            if (_last.TryGetValue(person, out var last) && now - last < TimeSpan.FromMinutes(1)) return false;
            if (_last.Count >= Most) _last.Clear();
            _last[person] = now;
            return true;
        }
    }
}
