using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.WebUtilities;

namespace DbAccess.SlackStandIn;

/// <summary>The part of Slack's Web API that the app uses, with Slack's answers. Rate limits come only on demand (<see cref="Faults"/>).</summary>
internal sealed class WebApi
{
    private const string Scopes =
        "commands,chat:write,im:write,im:history,im:read,users:read,users:read.email,usergroups:read,app_mentions:read,"
        + "reactions:write,channels:read,groups:read";

    private const int LongestText = 40_000;
    private const int LongestEditedText = 4_000;

    private readonly Workspace _workspace;
    private readonly SlackShapes _shapes;
    private readonly Interactions _interactions;
    private readonly Faults _faults;
    private readonly Dictionary<string, (bool TakesJson, Func<JsonObject, JsonObject> Run)> _methods;

    public WebApi(Workspace workspace, SlackShapes shapes, Interactions interactions, Faults faults)
    {
        _workspace = workspace;
        _shapes = shapes;
        _interactions = interactions;
        _faults = faults;
        _methods = new(StringComparer.Ordinal)
        {
            ["auth.test"] = (true, AuthTest),
            ["users.info"] = (false, UsersInfo),
            ["users.lookupByEmail"] = (false, UsersLookupByEmail),
            ["usergroups.list"] = (false, UsergroupsList),
            ["usergroups.users.list"] = (false, UsergroupsUsersList),
            ["conversations.open"] = (true, ConversationsOpen),
            ["conversations.info"] = (false, ConversationsInfo),
            ["conversations.history"] = (true, ConversationsHistory),
            ["chat.postMessage"] = (true, ChatPostMessage),
            ["chat.postEphemeral"] = (true, ChatPostEphemeral),
            ["chat.update"] = (true, ChatUpdate),
            ["chat.delete"] = (true, ChatDelete),
            ["views.open"] = (true, arguments => ViewsOpen(arguments, push: false)),
            ["views.push"] = (true, arguments => ViewsOpen(arguments, push: true)),
            ["views.update"] = (true, ViewsUpdate),
            ["views.publish"] = (true, ViewsPublish),
        };
    }

    /// <summary>The bot token that is taken; any other is refused.</summary>
    public required string Token { get; set; }

    public async Task HandleAsync(HttpContext context, string method)
    {
        var fault = _faults.Next(method);
        if (fault is not null && await PlayAsync(fault, context, method)) return;

        var answer = await AnswerAsync(context, method);
        var ok = answer.Flag("ok") == true;
        _workspace.Log(method, ok, fault?.Kind == "lost" ? "lost" : answer.Text("error"));
        if (fault?.Kind == "lost")
        {
            context.Abort();
            return;
        }
        // Whoever gives up waiting finds no answer, but what was done stays done.
        if (fault?.Kind == "late") await Task.Delay(fault.Delay, TimeProvider.System, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.Response.Headers["x-slack-req-id"] = Workspace.NewToken(16);
        if (ok) context.Response.Headers["x-oauth-scopes"] = Scopes;
        await WriteAsync(context, 200, "application/json; charset=utf-8", answer.Write());
    }

    /// <summary>True when the fault was the whole answer.</summary>
    private async Task<bool> PlayAsync(Fault fault, HttpContext context, string method)
    {
        try
        {
            if (fault.Delay > TimeSpan.Zero && fault.Kind != "late") await Task.Delay(fault.Delay, TimeProvider.System, context.RequestAborted);
        }
        catch (OperationCanceledException)
        {
            // The caller gave up while it was held: no effect, and the log says so.
            _workspace.Log(method, ok: false, "abandoned");
            return true;
        }
        switch (fault.Kind)
        {
            case "ratelimited":
                if (fault.RetryAfter is not null) context.Response.Headers.RetryAfter = fault.RetryAfter;
                _workspace.Log(method, ok: false, "ratelimited");
                await WriteAsync(context, 429, "application/json; charset=utf-8", """{"ok":false,"error":"ratelimited"}""");
                return true;
            case "error":
                _workspace.Log(method, ok: false, fault.Error);
                await WriteAsync(context, 200, "application/json; charset=utf-8", Refuse(fault.Error).Write());
                return true;
            case "http500":
                _workspace.Log(method, ok: false, "http500");
                await WriteAsync(context, 500, "text/html", "<html><body>Something went wrong</body></html>");
                return true;
            case "reset":
                _workspace.Log(method, ok: false, "reset");
                context.Abort();
                return true;
            default:
                return false;
        }
    }

    private async Task<JsonObject> AnswerAsync(HttpContext context, string method)
    {
        var authorization = context.Request.Headers.Authorization.ToString();
        if (authorization.Length == 0) return Refuse("not_authed");
        var given = Encoding.UTF8.GetBytes(authorization);
        if (!CryptographicOperations.FixedTimeEquals(given, Encoding.UTF8.GetBytes("Bearer " + Token))) return Refuse("invalid_auth");
        if (!_methods.TryGetValue(method, out var known)) return Refuse("unknown_method");

        var arguments = new JsonObject();
        foreach (var (name, values) in context.Request.Query) arguments[name] = values.ToString();
        var warning = HttpMethods.IsPost(context.Request.Method) ? await ReadBodyAsync(context.Request, known.TakesJson, arguments) : null;
        if (arguments.Text("!") is { } fault) return Refuse(fault);

        try
        {
            JsonObject answer;
            lock (_workspace.Gate) answer = known.Run(arguments);
            if (warning is not null && answer.Flag("ok") == true) Warn(answer, warning);
            return answer;
        }
        catch (RefusedException refused)
        {
            return refused.Answer;
        }
        catch (InvalidOperationException)
        {
            // A string that .NET cannot hold, such as a lone surrogate.
            return Refuse("invalid_json");
        }
    }

    /// <summary>Puts the arguments in place; a fault of the whole body goes under the name "!", which no argument has. Returns a warning.</summary>
    private static async Task<string?> ReadBodyAsync(HttpRequest request, bool takesJson, JsonObject arguments)
    {
        var type = request.ContentType ?? "";
        using var reader = new StreamReader(request.Body, new UTF8Encoding(false));
        var body = await reader.ReadToEndAsync(request.HttpContext.RequestAborted);
        if (type.StartsWith("application/json", StringComparison.OrdinalIgnoreCase))
        {
            // Slack does not look at a JSON body where it does not take one: the arguments are then simply missing.
            if (!takesJson || body.Length == 0) return null;
            var json = Json.TryParse(body);
            if (json is not JsonObject fields)
            {
                arguments["!"] = json is null ? "invalid_json" : "json_not_object";
                return null;
            }
            foreach (var (name, value) in fields) arguments[name] = value?.DeepClone();
            return type.Contains("charset", StringComparison.OrdinalIgnoreCase) ? null : "missing_charset";
        }
        if (type.StartsWith(Delivery.Form, StringComparison.OrdinalIgnoreCase))
        {
            foreach (var (name, values) in QueryHelpers.ParseQuery(body)) arguments[name] = values.ToString();
            return null;
        }
        if (body.Length > 0) arguments["!"] = "invalid_post_type";
        return null;
    }

    private JsonObject AuthTest(JsonObject arguments)
    {
        var seed = _workspace.Seed;
        return Ok(
            ("url", $"https://{seed.Team.Domain}.slack.com/"), ("team", seed.Team.Name), ("user", seed.App.BotName),
            ("team_id", seed.Team.Id), ("user_id", seed.App.BotUserId), ("bot_id", seed.App.BotId), ("is_enterprise_install", false));
    }

    private JsonObject UsersInfo(JsonObject arguments) =>
        _workspace.User(Need(arguments, "user")) is { } user ? Ok(("user", _shapes.User(user))) : Refuse("user_not_found");

    private JsonObject UsersLookupByEmail(JsonObject arguments)
    {
        var email = Need(arguments, "email");
        var user = _workspace.Users.FirstOrDefault(user =>
            string.Equals(user.Email, email, StringComparison.OrdinalIgnoreCase) && !user.Deleted && !_workspace.IsOutsider(user));
        return user is null ? Refuse("users_not_found") : Ok(("user", _shapes.User(user)));
    }

    private JsonObject UsergroupsList(JsonObject arguments) => IsOtherTeam(arguments) ? Refuse("team_not_found") : Ok(("usergroups", new JsonArray(
    [
        .. _workspace.Usergroups.Where(group => !group.IsDisabled || arguments.Flag("include_disabled") == true)
            .Select(group => (JsonNode)_shapes.Usergroup(group, arguments.Flag("include_users") == true)),
    ])));

    private JsonObject UsergroupsUsersList(JsonObject arguments) =>
        IsOtherTeam(arguments) ? Refuse("team_not_found")
        : _workspace.Usergroup(Need(arguments, "usergroup")) is { } group && (!group.IsDisabled || arguments.Flag("include_disabled") == true)
            ? Ok(("users", new JsonArray([.. group.Users.Select(user => (JsonNode)user)])))
            : Refuse("no_such_subteam");

    private bool IsOtherTeam(JsonObject arguments) => arguments.Text("team_id") is { } team && team != _workspace.Seed.Team.Id;

    private JsonObject ConversationsOpen(JsonObject arguments)
    {
        if (arguments.Text("channel") is { } id)
        {
            return _workspace.Channel(id) is { DirectWith: not null } known ? Opened(known, already: true) : Refuse("channel_not_found");
        }
        var users = Need(arguments, "users").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (users.Length != 1) return Refuse("not_supported_by_stand_in");
        if (_workspace.User(users[0]) is not { } user) return Refuse("user_not_found");
        if (CannotWriteTo(user) is { } fault) return Refuse(fault);
        var already = _workspace.IsDirectOpen(user.Id);
        return Opened(_workspace.Direct(user.Id), already);

        JsonObject Opened(Channel channel, bool already)
        {
            var answer = Ok(("channel", arguments.Flag("return_im") == true ? _shapes.Channel(channel) : new JsonObject { ["id"] = channel.Id }));
            if (already)
            {
                answer["no_op"] = true;
                answer["already_open"] = true;
            }
            return answer;
        }
    }

    private JsonObject ConversationsInfo(JsonObject arguments) => _workspace.Channel(Need(arguments, "channel")) is { } channel
        && (channel.AppIsMember || !channel.IsPrivate)
            ? Ok(("channel", _shapes.Channel(channel)))
            : Refuse("channel_not_found");

    private JsonObject ConversationsHistory(JsonObject arguments)
    {
        if (_workspace.Channel(Need(arguments, "channel")) is not { } channel) return Refuse("channel_not_found");
        if (!channel.AppIsMember) return Refuse("not_in_channel");
        var limit = Math.Clamp(arguments.Number("limit") ?? 100, 1, 999);
        var inclusive = arguments.Flag("inclusive") == true;
        var found = _workspace.Messages
            .Where(message => message.Channel == channel.Id && message is { Deleted: false, EphemeralFor: null, ThreadTs: null })
            .Where(message => arguments.Text("oldest") is not { } oldest || string.CompareOrdinal(message.Ts, oldest) > 0 || (inclusive && message.Ts == oldest))
            .Where(message => arguments.Text("latest") is not { } latest || string.CompareOrdinal(message.Ts, latest) < 0 || (inclusive && message.Ts == latest))
            .OrderByDescending(message => message.Ts, StringComparer.Ordinal)
            .ToArray();
        return Ok(
            ("messages", new JsonArray(
                [.. found.Take(limit).Select(message => (JsonNode)_shapes.Message(message, arguments.Flag("include_all_metadata") == true))])),
            ("has_more", found.Length > limit));
    }

    private JsonObject ChatPostMessage(JsonObject arguments)
    {
        var channel = Writable(Need(arguments, "channel"));
        var (text, blocks, truncated) = Content(arguments);
        var message = _workspace.Post(FromApp(channel, text, blocks, arguments, ephemeralFor: null));
        _interactions.Echo(message);
        var answer = Ok(("channel", channel.Id), ("ts", message.Ts), ("message", _shapes.Message(message, metadata: true)));
        if (truncated) Warn(answer, "message_truncated");
        return answer;
    }

    private JsonObject ChatPostEphemeral(JsonObject arguments)
    {
        var channel = Writable(Need(arguments, "channel"));
        var user = Need(arguments, "user");
        if (!channel.Members.Contains(user)) return Refuse("user_not_in_channel");
        var (text, blocks, truncated) = Content(arguments);
        var message = _workspace.Post(FromApp(channel, text, blocks, arguments, ephemeralFor: user));
        var answer = Ok(("message_ts", message.Ts));
        if (truncated) Warn(answer, "message_truncated");
        return answer;
    }

    private JsonObject ChatUpdate(JsonObject arguments)
    {
        var message = Own(arguments, "cant_update_message");
        if (arguments.Text("text") is { Length: > LongestEditedText }) return Refuse("msg_too_long");
        var before = _shapes.Message(message);
        // Text alone takes the blocks away; that is Slack's rule, and many have been surprised by it.
        var (text, blocks, _) = Content(arguments);
        _workspace.Edit(message, text, blocks, Metadata(arguments));
        _interactions.Echo(message, _interactions.Changed(message, before));
        return Ok(("channel", message.Channel), ("ts", message.Ts), ("text", message.Text), ("message", _shapes.Message(message, metadata: true)));
    }

    private JsonObject ChatDelete(JsonObject arguments)
    {
        var message = Own(arguments, "cant_delete_message");
        var before = _shapes.Message(message);
        _workspace.Delete(message);
        _interactions.Echo(message, _interactions.Deleted(message, before));
        return Ok(("channel", message.Channel), ("ts", message.Ts));
    }

    private JsonObject ViewsOpen(JsonObject arguments, bool push)
    {
        var trigger = Need(arguments, "trigger_id");
        var view = ViewArgument(arguments, "modal");
        if (view.Text("external_id") is { Length: > 0 } external && _workspace.FindView(null, external) is not null)
            return Refuse("duplicate_external_id");
        switch (_workspace.UseTrigger(trigger, out var user))
        {
            case TriggerUse.Unknown:
                return Refuse("invalid_trigger_id");
            case TriggerUse.Used:
                return Refuse("exchanged_trigger_id");
            case TriggerUse.Expired:
                return Refuse("expired_trigger_id");
            default:
                if (push && _workspace.Modals(user).Count >= 3) return Refuse("push_limit_reached");
                return Show(_workspace.Open(user, Interactions.Kept(view), push));
        }
    }

    private JsonObject ViewsUpdate(JsonObject arguments)
    {
        var (id, external) = (arguments.Text("view_id"), arguments.Text("external_id"));
        if (id is null && external is null) throw new RefusedException(Invalid("missing required field: view_id"));
        var known = _workspace.FindView(id, external);
        if (known is null) return Refuse("not_found");
        var view = ViewArgument(arguments, known.Definition.Text("type")!);
        if (arguments.Text("hash") is { } hash && hash != known.Hash) return Refuse("hash_conflict");
        _workspace.Change(known, Interactions.Kept(view));
        return Show(known);
    }

    private JsonObject ViewsPublish(JsonObject arguments)
    {
        if (_workspace.User(Need(arguments, "user_id")) is not { } user) return Refuse("user_not_found");
        var view = ViewArgument(arguments, "home");
        if (arguments.Text("hash") is { } hash && hash != _workspace.Home(user.Id)?.Hash) return Refuse("hash_conflict");
        return Show(_workspace.Publish(user.Id, Interactions.Kept(view)));
    }

    private JsonObject Show(View view) => Ok(("view", _shapes.View(view)));

    /// <summary>Where the app may write; a person's id means the direct message with them.</summary>
    private Channel Writable(string id)
    {
        if (_workspace.User(id) is { } user)
        {
            return CannotWriteTo(user) is null ? _workspace.Direct(user.Id) : throw new RefusedException(Refuse("channel_not_found"));
        }
        if (_workspace.Channel(id) is not { } channel) throw new RefusedException(Refuse("channel_not_found"));
        if (channel.IsArchived) throw new RefusedException(Refuse("is_archived"));
        if (channel.AppIsMember) return channel;
        throw new RefusedException(Refuse(channel.IsPrivate ? "channel_not_found" : "not_in_channel"));
    }

    private string? CannotWriteTo(SeedUser user) =>
        user.IsBot ? "cannot_dm_bot" : user.Deleted ? "user_disabled" : _workspace.IsOutsider(user) ? "user_not_visible" : null;

    private Message Own(JsonObject arguments, string notOwn)
    {
        var id = Need(arguments, "channel");
        var ts = Need(arguments, "ts");
        if (!id.StartsWith('D')) _ = Writable(id);
        else if (_workspace.Channel(id) is null) throw new RefusedException(Refuse("channel_not_found"));
        if (_workspace.Find(id, ts) is not { Deleted: false, EphemeralFor: null } message) throw new RefusedException(Refuse("message_not_found"));
        return message.FromApp ? message : throw new RefusedException(Refuse(notOwn));
    }

    private static (string Text, JsonArray? Blocks, bool Truncated) Content(JsonObject arguments)
    {
        var text = arguments.Text("text") ?? "";
        JsonArray? blocks = null;
        if (Structure(arguments, "blocks") is { } given)
        {
            if (given is not JsonArray array) throw new RefusedException(Refuse("invalid_blocks_format"));
            var faults = BlockKitRules.CheckMessage(array);
            if (faults.Count > 0) throw new RefusedException(InvalidBlocks(faults));
            if (array.Count > 0) blocks = SlackShapes.WithIds(array);
        }
        if (text.Length == 0 && blocks is null) throw new RefusedException(Refuse("no_text"));
        var truncated = text.Length > LongestText;
        return (truncated ? text[..LongestText] : text, blocks, truncated);
    }

    private Message FromApp(Channel channel, string text, JsonArray? blocks, JsonObject arguments, string? ephemeralFor) => new()
    {
        Channel = channel.Id,
        Ts = _workspace.NextTs(),
        Author = _workspace.Seed.App.BotUserId,
        FromApp = true,
        EphemeralFor = ephemeralFor,
        ThreadTs = Thread(channel, arguments.Text("thread_ts")),
        ClientMessageId = arguments.Text("client_msg_id"),
        Metadata = Metadata(arguments),
        Text = text,
        Blocks = blocks,
    };

    /// <summary>
    /// The first message of the thread, also for an answer to an answer. Under a message that was deleted a line is taken, as far as is known;
    /// under one that never was it is not.
    /// </summary>
    private string? Thread(Channel channel, string? ts) => ts is null ? null
        : _workspace.Find(channel.Id, ts) is { EphemeralFor: null } parent ? parent.ThreadTs ?? parent.Ts
        : throw new RefusedException(Refuse("thread_not_found"));

    private static JsonObject? Metadata(JsonObject arguments)
    {
        if (Structure(arguments, "metadata") is not { } given) return null;
        if (MetadataRules.Fault(given) is { } fault) throw new RefusedException(Refuse(fault));
        return ((JsonObject)given).Copy();
    }

    private static JsonObject ViewArgument(JsonObject arguments, string type)
    {
        if (Structure(arguments, "view") is not JsonObject view) throw new RefusedException(Invalid("missing required field: view"));
        if (BlockKitRules.IsTooLarge(view)) throw new RefusedException(Refuse("view_too_large"));
        var faults = BlockKitRules.CheckView(view, type);
        return faults.Count == 0 ? view : throw new RefusedException(Invalid([.. faults.Select(fault => fault.ToString())]));
    }

    /// <summary>An argument that is JSON itself: in place, or as text inside a form.</summary>
    private static JsonNode? Structure(JsonObject arguments, string name) =>
        arguments.Text(name) is { } text ? Json.TryParse(text) ?? JsonValue.Create(text) : arguments[name];

    private static string Need(JsonObject arguments, string name) =>
        arguments.Text(name) is { Length: > 0 } value ? value : throw new RefusedException(Invalid($"missing required field: {name}"));

    private static JsonObject Ok(params (string Name, JsonNode? Value)[] fields)
    {
        var answer = new JsonObject { ["ok"] = true };
        foreach (var (name, value) in fields) answer[name] = value;
        return answer;
    }

    private static JsonObject Refuse(string error) => new() { ["ok"] = false, ["error"] = error };

    private static JsonObject Invalid(params string[] messages)
    {
        var answer = Refuse("invalid_arguments");
        answer["response_metadata"] = new JsonObject { ["messages"] = new JsonArray([.. messages.Select(message => (JsonNode)("[ERROR] " + message))]) };
        return answer;
    }

    private static JsonObject InvalidBlocks(IReadOnlyList<BlockKitFault> faults)
    {
        var answer = Refuse("invalid_blocks");
        answer["errors"] = new JsonArray([.. faults.Select(fault => (JsonNode)fault.ToString())]);
        answer["response_metadata"] = new JsonObject { ["messages"] = new JsonArray([.. faults.Select(fault => (JsonNode)$"[ERROR] {fault}")]) };
        return answer;
    }

    private static void Warn(JsonObject answer, string warning)
    {
        answer["warning"] = warning;
        answer["response_metadata"] = new JsonObject { ["warnings"] = new JsonArray(warning) };
    }

    private static Task WriteAsync(HttpContext context, int status, string type, string body)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        return context.Response.WriteAsync(body, context.RequestAborted);
    }

    /// <summary>Leaves a method from any depth with Slack's refusal.</summary>
    private sealed class RefusedException(JsonObject answer) : Exception
    {
        public JsonObject Answer => answer;
    }
}
