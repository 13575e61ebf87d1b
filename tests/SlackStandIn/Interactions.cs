using System.Text;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace DbAccess.SlackStandIn;

/// <summary>The control API was asked for something that no person could do.</summary>
internal sealed class ImpossibleException(string message) : Exception(message);

/// <summary>What a person does in Slack: each act becomes a signed delivery, and its answer is treated as Slack treats it.</summary>
internal sealed partial class Interactions(
    Workspace workspace, SlackShapes shapes, Delivery delivery, ResponseUrls responseUrls, Func<Uri> ownAddress)
{
    private const string LegacyToken = "legacyTokenIgnored";
    private const string Trouble = "We had some trouble connecting. Try again?";

    /// <summary>Waits before each retry of an event; Slack's own later ones (a minute, five minutes) happen only when a test asks.</summary>
    public IReadOnlyList<TimeSpan> EventRetries { get; set; } = [TimeSpan.Zero];

    /// <summary>Whether the app hears its own direct messages back, as in Slack.</summary>
    public bool EchoOwnMessages { get; set; } = true;

    public async Task<JsonObject> CommandAsync(
        string userId, string? channelId, string command, string text, bool typed, Bend bend, CancellationToken cancellationToken)
    {
        var user = Person(userId);
        var channel = channelId is null ? workspace.Direct(user.Id) : Seen(user, channelId);
        var responsePath = responseUrls.Issue("commands", user.Id, channel.Id, source: null);
        var trigger = workspace.IssueTrigger(user.Id);
        var body = Delivery.EncodeForm(
        [
            ("token", LegacyToken),
            ("team_id", workspace.TeamOf(user)),
            ("team_domain", workspace.DomainOf(user)),
            ("channel_id", channel.Id),
            ("channel_name", channel.NameInCommands),
            ("user_id", user.Id),
            ("user_name", user.Name),
            ("command", command),
            ("text", typed ? Escape(text, mentions: true) : text),
            ("api_app_id", workspace.Seed.App.Id),
            ("is_enterprise_install", "false"),
            ("response_url", Absolute(responsePath)),
            ("trigger_id", trigger),
        ]);

        var answer = await delivery.SendAsync("command", "/slack/commands", Delivery.Form, body, bend, cancellationToken);
        var result = answer.Describe();
        result["shown"] = ShowAnswer(user, channel, command, text, responsePath, answer);
        return result;
    }

    public async Task<JsonObject> ActionAsync(JsonObject act, Bend bend, CancellationToken cancellationToken)
    {
        var user = Person(act.Text("user"));
        var actionId = act.Text("action_id") ?? throw new ImpossibleException("action_id is missing.");
        JsonObject payload;
        if (act.Text("view_id") is { } viewId)
        {
            var view = workspace.FindView(viewId) ?? throw new ImpossibleException("There is no such view open.");
            if (view.User != user.Id) throw new ImpossibleException("That view is another person's.");
            await SearchAsync(view, act.Object("values") ?? [], bend, cancellationToken);
            if (act.Text("value") is { } picked)
                await SearchAsync(view, new JsonObject { [BlockOf(view, act, actionId)] = new JsonObject { [actionId] = picked } }, bend, cancellationToken);
            lock (workspace.Gate)
            {
                if (act.Object("values") is { } values) view.Values = FormState.Read(view.Definition, values, view.Values, view.Offered);
                payload = Start("block_actions", user);
                payload["container"] = new JsonObject { ["type"] = "view", ["view_id"] = view.Id };
                payload["view"] = shapes.View(view);
                payload["actions"] = new JsonArray(Action(view.Definition.Array("blocks"), act, actionId, view.Offered));
            }
        }
        else
        {
            var message = workspace.Find(act.Text("channel"), act.Text("ts"));
            if (message is null || message.Deleted || !workspace.CanSee(user.Id, message))
                throw new ImpossibleException("This person sees no such message.");
            lock (workspace.Gate)
            {
                var channel = workspace.Channel(message.Channel)!;
                var ephemeral = message.EphemeralFor is not null;
                payload = Start("block_actions", user);
                payload["container"] = new JsonObject
                {
                    ["type"] = "message", ["message_ts"] = message.Ts, ["channel_id"] = channel.Id, ["is_ephemeral"] = ephemeral,
                };
                payload["channel"] = new JsonObject { ["id"] = channel.Id, ["name"] = channel.NameInCommands };
                // Slack does not store ephemeral messages and so cannot send one back.
                if (!ephemeral) payload["message"] = shapes.Message(message);
                payload["state"] = new JsonObject { ["values"] = FormState.Initial(message.Blocks) };
                payload["response_url"] = Absolute(responseUrls.Issue("actions", user.Id, channel.Id, message));
                payload["actions"] = new JsonArray(Action(message.Blocks, act, actionId, []));
            }
        }
        payload["trigger_id"] = workspace.IssueTrigger(user.Id);

        var answer = await DeliverAsync("block_actions", payload, bend, cancellationToken);
        return answer.Describe();
    }

    /// <summary>Somebody uses a shortcut of the app's on a message that they see, whoever wrote it.</summary>
    public async Task<JsonObject> ShortcutAsync(JsonObject act, Bend bend, CancellationToken cancellationToken)
    {
        var user = Person(act.Text("user"));
        var message = workspace.Find(act.Text("channel"), act.Text("ts"));
        // Slack does not store what only one person sees, and has no shortcuts on it.
        if (message is null || message.Deleted || message.EphemeralFor is not null || !workspace.CanSee(user.Id, message))
            throw new ImpossibleException("This person sees no such message.");
        var payload = Start("message_action", user);
        lock (workspace.Gate)
        {
            var channel = workspace.Channel(message.Channel)!;
            payload["callback_id"] = act.Text("callback_id") ?? throw new ImpossibleException("callback_id is missing.");
            payload["channel"] = new JsonObject { ["id"] = channel.Id, ["name"] = channel.NameInCommands };
            payload["message"] = shapes.Message(message);
            payload["message_ts"] = message.Ts;
            payload["action_ts"] = workspace.NextTs();
            payload["response_url"] = Absolute(responseUrls.Issue("app", user.Id, channel.Id, message));
        }

        payload["trigger_id"] = workspace.IssueTrigger(user.Id);
        return (await DeliverAsync("message_action", payload, bend, cancellationToken)).Describe();
    }

    public async Task<JsonObject> SubmitAsync(
        string? viewId, JsonObject values, bool force, Bend bend, CancellationToken cancellationToken)
    {
        var view = workspace.FindView(viewId) ?? throw new ImpossibleException("There is no such view open.");
        if (view.Definition.Text("type") != "modal") throw new ImpossibleException("Only a modal can be submitted.");
        await SearchAsync(view, values, bend, cancellationToken);
        JsonObject payload;
        lock (workspace.Gate)
        {
            view.Values = FormState.Read(view.Definition, values, view.Values, view.Offered);
            view.Errors = force ? [] : FormState.Check(view.Definition, view.Values);
            view.Trouble = null;
            if (view.Errors.Count > 0)
            {
                workspace.Touch();
                return new JsonObject { ["outcome"] = "refused_by_client", ["errors"] = view.Errors.Copy() };
            }
            payload = Start("view_submission", Person(view.User));
            payload["trigger_id"] = workspace.IssueTrigger(view.User);
            payload["view"] = shapes.View(view);
            payload["response_urls"] = new JsonArray();
        }

        var answer = await DeliverAsync("view_submission", payload, bend, cancellationToken);
        var result = answer.Describe();
        lock (workspace.Gate) result["outcome"] = TakeSubmissionAnswer(view, answer);
        result["errors"] = view.Errors.Copy();
        workspace.Touch();
        return result;
    }

    /// <summary>
    /// Somebody types into a search of an open view; the app's suggestions can be picked from then on. Answers <c>outcome</c>:
    /// <c>options</c> (and them), or <c>trouble</c> when the app gave nothing that Slack would show.
    /// </summary>
    public async Task<JsonObject> SuggestAsync(JsonObject act, Bend bend, CancellationToken cancellationToken)
    {
        var view = workspace.FindView(act.Text("view_id")) ?? throw new ImpossibleException("There is no such view open.");
        var typed = act.Text("value") ?? "";
        var block = act.Text("block_id") ?? throw new ImpossibleException("block_id is missing.");
        var element = Searches(view).FirstOrDefault(search => search.Block == block
            && (act.Text("action_id") is not { } wanted || search.Element.Text("action_id") == wanted)).Element
            ?? throw new ImpossibleException("There is no search in that block.");
        // Slack's client asks for three characters unless the app says otherwise.
        if (typed.Length < (element.Number("min_query_length") ?? 3)) throw new ImpossibleException("Too few characters are typed to ask the app.");

        JsonObject payload;
        var action = element.Text("action_id")!;
        lock (workspace.Gate)
        {
            payload = Start("block_suggestion", Person(view.User));
            payload["container"] = new JsonObject { ["type"] = "view", ["view_id"] = view.Id };
            payload["action_id"] = action;
            payload["block_id"] = block;
            payload["value"] = typed;
            payload["view"] = shapes.View(view);
        }

        var answer = await DeliverAsync("block_suggestion", payload, bend, cancellationToken);
        var result = answer.Describe();
        var said = answer.IsGood ? Json.TryParse(answer.Body) as JsonObject : null;
        if (said is null || answer.ContentType != Delivery.JsonType || BlockKitRules.CheckSuggestions(said).Count > 0)
        {
            result["outcome"] = "trouble";
            return result;
        }

        JsonArray options =
        [
            .. said.Array("options").Objects().Concat(said.Array("option_groups").Objects().SelectMany(group => group.Array("options").Objects()))
                .Select(option => (JsonNode)option.Copy()),
        ];
        lock (workspace.Gate)
        {
            if (view.Offered[block] is not JsonObject inBlock) view.Offered[block] = inBlock = [];
            var known = inBlock.Array(action) ?? [];
            inBlock[action] = new JsonArray([.. options.Concat(known).Select(option => option!.DeepClone())]);
        }
        result["outcome"] = "options";
        result["options"] = options;
        return result;
    }

    public async Task<JsonObject> CloseAsync(string? viewId, bool all, Bend bend, CancellationToken cancellationToken)
    {
        var view = workspace.FindView(viewId) ?? throw new ImpossibleException("There is no such view open.");
        JsonObject payload;
        lock (workspace.Gate)
        {
            var told = all ? workspace.FindView(view.RootId) ?? view : view;
            payload = Start("view_closed", Person(view.User));
            payload["view"] = shapes.View(told);
            payload["is_cleared"] = all;
            workspace.Close(view, all);
            view = told;
        }
        if (view.Definition.Flag("notify_on_close") != true) return new JsonObject { ["status"] = null, ["notified"] = false };
        var answer = await DeliverAsync("view_closed", payload, bend, cancellationToken);
        var result = answer.Describe();
        result["notified"] = true;
        return result;
    }

    /// <summary>
    /// A message typed to the app (or, with a channel, into it: the app hears only direct messages). With <c>ts</c> of a message
    /// that is there nothing new is stored: the same message comes again under another event id.
    /// </summary>
    public async Task<JsonArray> MessageAsync(JsonObject act, Bend bend, CancellationToken cancellationToken)
    {
        var user = Person(act.Text("user"));
        var channel = act.Text("channel") is { } id ? Seen(user, id) : workspace.Direct(user.Id);
        var text = act.Text("text") ?? "";
        var ts = act.Text("ts");
        var message = ts is null ? null : workspace.Find(channel.Id, ts);
        message ??= workspace.Post(new Message
        {
            Channel = channel.Id,
            Ts = ts ?? workspace.NextTs(),
            Author = user.Id,
            FromApp = false,
            ThreadTs = act.Text("thread_ts"),
            ClientMessageId = Guid.NewGuid().ToString(),
            Text = act.Flag("typed") == false ? text : Escape(text, mentions: true),
            Blocks =
            [
                new JsonObject
                {
                    ["type"] = "rich_text",
                    ["block_id"] = Workspace.NewToken(3)[..5],
                    ["elements"] = new JsonArray(new JsonObject
                    {
                        ["type"] = "rich_text_section",
                        ["elements"] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = text }),
                    }),
                },
            ],
        });
        if (channel.DirectWith is null) return [];

        var inner = MessageEvent(message);
        var eventId = act.Text("event_id") ?? NewEventId();
        var answers = new JsonArray();
        for (var i = 0; i < Math.Clamp(act.Number("repeat") ?? 1, 1, 100); i++)
        {
            var result = await EventAsync(inner.Copy(), eventId, user, bend, cancellationToken);
            result["event_id"] = eventId;
            result["channel"] = channel.Id;
            result["ts"] = message.Ts;
            answers.Add(result);
        }
        return answers;
    }

    /// <summary>One event with Slack's envelope, delivered and, when that fails, delivered again.</summary>
    public async Task<JsonObject> EventAsync(
        JsonObject inner, string? eventId, SeedUser? actor, Bend bend, CancellationToken cancellationToken)
    {
        var app = workspace.Seed.App;
        var team = workspace.Seed.Team.Id;
        var envelope = new JsonObject
        {
            ["token"] = LegacyToken,
            ["team_id"] = team,
            ["context_team_id"] = team,
            ["context_enterprise_id"] = null,
            ["api_app_id"] = app.Id,
            ["event"] = inner,
            ["type"] = "event_callback",
            ["event_id"] = eventId ?? NewEventId(),
            ["event_time"] = workspace.Now.ToUnixTimeSeconds(),
            ["authorizations"] = new JsonArray(new JsonObject
            {
                ["enterprise_id"] = null, ["team_id"] = team, ["user_id"] = app.BotUserId, ["is_bot"] = true, ["is_enterprise_install"] = false,
            }),
            ["is_ext_shared_channel"] = actor is not null && workspace.IsOutsider(actor),
            ["event_context"] = "4-" + Workspace.NewToken(),
        };
        var body = Encoding.UTF8.GetBytes(envelope.Write());
        var answer = await delivery.SendAsync("event", "/slack/events", Delivery.JsonType, body, bend, cancellationToken);
        var attempts = new JsonArray(answer.Describe());
        var last = answer;
        for (var retry = 1; retry <= EventRetries.Count && !last.IsGood && !last.NoRetry; retry++)
        {
            await Task.Delay(EventRetries[retry - 1], TimeProvider.System, cancellationToken);
            var reason = last.Error == "operation_timeout" ? "http_timeout" : last.Error;
            last = await delivery.SendAsync("event", "/slack/events", Delivery.JsonType, body, bend, cancellationToken, retry, reason);
            attempts.Add(last.Describe());
        }
        var result = last.Describe();
        result["attempts"] = attempts;
        return result;
    }

    public async Task<JsonObject> UrlVerificationAsync(string? challenge, Bend bend, CancellationToken cancellationToken)
    {
        challenge ??= Workspace.NewToken(26);
        var body = new JsonObject { ["token"] = LegacyToken, ["challenge"] = challenge, ["type"] = "url_verification" };
        var answer = await delivery.SendAsync(
            "url_verification", "/slack/events", Delivery.JsonType, Encoding.UTF8.GetBytes(body.Write()), bend, cancellationToken);
        var result = answer.Describe();
        result["challenge"] = challenge;
        result["verified"] = answer.IsGood
            && (answer.Body == challenge || (Json.TryParse(answer.Body) as JsonObject).Text("challenge") == challenge);
        return result;
    }

    /// <summary>Tells the app about a message of its own, behind the answer of the call that made it.</summary>
    public void Echo(Message message, JsonObject? inner = null)
    {
        if (!EchoOwnMessages || delivery.App is null || workspace.Channel(message.Channel)?.DirectWith is null) return;
        inner ??= MessageEvent(message);
        // EventAsync turns every failed delivery into an answer, so nothing is left to observe here.
        _ = Task.Run(() => EventAsync(inner, eventId: null, actor: null, Bend.None, CancellationToken.None));
    }

    public JsonObject Changed(Message message, JsonObject before) => Changed("message_changed", message, before);

    public JsonObject Deleted(Message message, JsonObject before) => Changed("message_deleted", message, before);

    private JsonObject Changed(string subtype, Message message, JsonObject before)
    {
        var ts = workspace.NextTs();
        var json = new JsonObject { ["type"] = "message", ["subtype"] = subtype, ["hidden"] = true };
        if (subtype == "message_changed") json["message"] = shapes.Message(message);
        else json["deleted_ts"] = message.Ts;
        json["previous_message"] = before;
        json["channel"] = message.Channel;
        json["ts"] = ts;
        json["event_ts"] = ts;
        json["channel_type"] = "im";
        return json;
    }

    private JsonObject MessageEvent(Message message)
    {
        var json = shapes.Message(message);
        json["channel"] = message.Channel;
        json["event_ts"] = message.Ts;
        json["channel_type"] = "im";
        if (workspace.User(message.Author) is { } author && workspace.IsOutsider(author))
        {
            json["user_team"] = workspace.TeamOf(author);
            json["source_team"] = workspace.TeamOf(author);
        }
        return json;
    }

    private Task<Answer> DeliverAsync(string kind, JsonObject payload, Bend bend, CancellationToken cancellationToken) =>
        delivery.SendAsync(kind, "/slack/interactivity", Delivery.Form, Delivery.EncodePayload(payload), bend, cancellationToken);

    private JsonObject Start(string type, SeedUser user) => new()
    {
        ["type"] = type,
        ["user"] = shapes.Actor(user),
        ["api_app_id"] = workspace.Seed.App.Id,
        ["token"] = LegacyToken,
        ["team"] = shapes.Team(),
        ["enterprise"] = null,
        ["is_enterprise_install"] = false,
    };

    /// <summary>Whoever wants what was not suggested yet types it first, and picks it then.</summary>
    private async Task SearchAsync(View view, JsonObject values, Bend bend, CancellationToken cancellationToken)
    {
        foreach (var (block, element) in Searches(view))
        {
            var action = element.Text("action_id")!;
            var given = values.Object(block)?[action];
            string[] wanted = given is JsonArray several ? [.. several.Select(one => one is JsonValue ? one.ToString() : "")]
                : given is JsonValue one ? [one.ToString()] : [];
            foreach (var value in wanted.Where(value => value.Length >= (element.Number("min_query_length") ?? 3) && value.Length > 0))
            {
                if (FormState.Offered(element, value, view.Offered.Object(block).Array(action)) is not null) continue;
                await SuggestAsync(
                    new JsonObject { ["view_id"] = view.Id, ["block_id"] = block, ["action_id"] = action, ["value"] = value }, bend, cancellationToken);
            }
        }
    }

    private static IEnumerable<(string Block, JsonObject Element)> Searches(View view) => view.Definition.Array("blocks").Objects().SelectMany(block =>
        SlackShapes.Elements(block).Where(element => element.Text("type") is "external_select" or "multi_external_select")
            .Select(element => (block.Text("block_id")!, element)));

    private static string BlockOf(View view, JsonObject act, string actionId) => act.Text("block_id")
        ?? Searches(view).FirstOrDefault(search => search.Element.Text("action_id") == actionId).Block ?? "";

    private JsonNode Action(JsonArray? blocks, JsonObject act, string actionId, JsonObject offered)
    {
        foreach (var block in blocks.Objects())
        {
            if (act.Text("block_id") is { } wanted && block.Text("block_id") != wanted) continue;
            foreach (var element in SlackShapes.Elements(block))
            {
                if (element.Text("action_id") != actionId) continue;
                var action = element.Text("type") == "button"
                    ? Json.Known(("type", "button"), ("text", element["text"]?.DeepClone()), ("value", element["value"]?.DeepClone()),
                        ("style", element["style"]?.DeepClone()))
                    : FormState.Value(element, act["value"], offered.Object(block.Text("block_id")!).Array(actionId));
                // A forged value is what a hostile client would send.
                if (act.Text("forge_value") is { } forged) action["value"] = forged;
                action["action_id"] = actionId;
                action["block_id"] = block.Text("block_id");
                action["action_ts"] = workspace.NextTs();
                return action;
            }
        }
        return act.Flag("force") == true
            ? new JsonObject
            {
                ["type"] = "button", ["action_id"] = actionId, ["block_id"] = act.Text("block_id") ?? "old",
                ["value"] = act.Text("forge_value"), ["action_ts"] = workspace.NextTs(),
            }
            : throw new ImpossibleException("Nothing there has this action_id.");
    }

    /// <summary>What the person sees after a command: the app's words, or Slack's own when it did not answer properly.</summary>
    private string? ShowAnswer(SeedUser user, Channel channel, string command, string text, string responsePath, Answer answer)
    {
        if (answer.Status is null || !answer.IsGood)
        {
            var error = answer.Error == "operation_timeout" ? "operation_timeout" : "dispatch_failed";
            Whisper($"{command} failed with the error \"{error}\"");
            return error;
        }
        if (answer.Body.Length == 0) return null;
        if (answer.ContentType != Delivery.JsonType)
        {
            Whisper(answer.Body);
            return "text";
        }
        if (Json.TryParse(answer.Body) is not JsonObject said)
        {
            Whisper($"{command} failed with the error \"invalid_response\"");
            return "invalid_response";
        }

        if (said.Text("response_type") == "in_channel")
        {
            workspace.Post(new Message
            {
                Channel = channel.Id, Ts = workspace.NextTs(), Author = user.Id, FromApp = false, Text = Escape($"{command} {text}".TrimEnd(), mentions: false),
            });
            if (said["text"] is null && said["blocks"] is null) return "echo";
        }
        return responseUrls.AnswerDirectly(responsePath, said) ?? "message";

        void Whisper(string words) => workspace.Post(new Message
        {
            Channel = channel.Id, Ts = workspace.NextTs(), Author = "USLACKBOT", FromApp = false, EphemeralFor = user.Id,
            Text = Escape(words, mentions: false),
        });
    }

    private string TakeSubmissionAnswer(View view, Answer answer)
    {
        if (!answer.IsGood) return HadTrouble();
        if (string.IsNullOrWhiteSpace(answer.Body))
        {
            workspace.Close(view, all: false);
            return "closed";
        }

        var said = Json.TryParse(answer.Body) as JsonObject;
        switch (said.Text("response_action"))
        {
            case "clear":
                workspace.Close(view, all: true);
                return "cleared";
            case "errors" when said.Object("errors") is { Count: > 0 } errors && AreForInputs(errors):
                view.Errors = errors.Copy();
                return "errors";
            case "update" when said.Object("view") is { } next && IsGood(next):
                workspace.Change(view, Kept(next));
                return "updated";
            case "push" when said.Object("view") is { } next && IsGood(next) && workspace.Modals(view.User).Count < 3:
                workspace.Open(view.User, Kept(next), push: true);
                return "pushed";
            default:
                return HadTrouble();
        }

        string HadTrouble()
        {
            view.Trouble = Trouble;
            return "trouble";
        }

        bool AreForInputs(JsonObject errors) => errors.All(error =>
            error.Value is JsonValue && view.Definition.Array("blocks").Objects()
                .Any(block => block.Text("type") == "input" && block.Text("block_id") == error.Key));

        static bool IsGood(JsonObject next) => !BlockKitRules.IsTooLarge(next) && BlockKitRules.CheckView(next, "modal").Count == 0;
    }

    /// <summary>A view as Slack keeps it.</summary>
    public static JsonObject Kept(JsonObject view)
    {
        var kept = view.Copy();
        if (kept.Array("blocks") is { } blocks) kept["blocks"] = SlackShapes.WithIds(blocks);
        return kept;
    }

    private SeedUser Person(string? id) => workspace.Person(id) ?? throw new ImpossibleException("There is no such user.");

    private Channel Seen(SeedUser user, string channelId) =>
        workspace.Channel(channelId) is { } channel && channel.Members.Contains(user.Id)
            ? channel
            : channelId == "D" + user.Id[1..] ? workspace.Direct(user.Id) : throw new ImpossibleException("This person is not in that channel.");

    private string Absolute(string path) => new Uri(ownAddress(), path).ToString();

    private static string NewEventId() => "Ev0" + Workspace.NewToken(5).ToUpperInvariant();

    /// <summary>Typed text as Slack hands it on: control characters as entities, and people, channels and links in angle brackets.</summary>
    private string Escape(string text, bool mentions)
    {
        text = text.Replace("&", "&amp;", StringComparison.Ordinal).Replace("<", "&lt;", StringComparison.Ordinal)
            .Replace(">", "&gt;", StringComparison.Ordinal);
        if (!mentions) return text;
        return Mention().Replace(text, match =>
        {
            var name = match.Groups["name"].Value;
            if (match.Groups["link"].Success) return $"<{match.Value}>";
            if (match.Groups["kind"].Value == "@")
                return workspace.Users.FirstOrDefault(user => user.Name == name) is { } user ? $"<@{user.Id}|{user.Name}>" : match.Value;
            return workspace.Channels.FirstOrDefault(channel => channel.Name == name && channel.DirectWith is null) is { } channel
                ? $"<#{channel.Id}|{(channel.IsPrivate ? "" : channel.Name)}>" : match.Value;
        });
    }

    [GeneratedRegex(@"(?<link>https?://([^\s&]|&amp;)+)|(?<=^|\s)(?<kind>[@#])(?<name>[a-z0-9_.-]+)", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Mention();
}
