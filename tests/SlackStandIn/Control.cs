using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace DbAccess.SlackStandIn;

/// <summary>
/// What tests and the page ask of the stand-in, in JSON, under /control. Here a person acts, messages are read, faults are set.
/// A wrong request is a 400 with a sentence; tokens, secrets and bodies of calls are never told.
/// </summary>
internal sealed class Control(
    Workspace workspace, SlackShapes shapes, Interactions interactions, Delivery delivery, Faults faults, WebApi api)
{
    private static readonly TimeSpan LongestWait = TimeSpan.FromMinutes(2);

    public async Task HandleAsync(HttpContext context, string act)
    {
        JsonNode? answer;
        try
        {
            answer = HttpMethods.IsGet(context.Request.Method)
                ? await ReadAsync(context, act)
                : await ActAsync(act, await BodyAsync(context), context.RequestAborted);
        }
        catch (Exception fault) when (fault is ImpossibleException or FormatException)
        {
            context.Response.StatusCode = 400;
            answer = new JsonObject { ["error"] = fault.Message };
        }
        if (answer is null)
        {
            context.Response.StatusCode = 404;
            answer = new JsonObject { ["error"] = "There is no such control." };
        }
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.Headers.CacheControl = "no-store";
        await context.Response.WriteAsync(answer.Write(), context.RequestAborted);
    }

    private async Task<JsonNode?> ReadAsync(HttpContext context, string act)
    {
        var query = context.Request.Query;
        string User() => workspace.Person(query["user"])?.Id ?? throw new ImpossibleException("There is no such user.");
        switch (act)
        {
            case "messages":
                var user = User();
                lock (workspace.Gate) return new JsonArray([.. workspace.VisibleTo(user).Select(message => (JsonNode)message.Describe())]);
            case "views":
                return Views(User());
            case "home":
                var owner = User();
                lock (workspace.Gate) return new JsonObject { ["home"] = workspace.Home(owner) is { } home ? Draw(home) : null };
            case "notifications":
                return workspace.NotificationsOf(User());
            case "channels":
                lock (workspace.Gate)
                {
                    return new JsonArray([.. workspace.Channels.Where(channel => channel.DirectWith is null)
                        .Select(channel => (JsonNode)channel.Describe())]);
                }
            case "usergroups":
                return new JsonArray([.. workspace.Usergroups.Select(group => (JsonNode)shapes.Usergroup(group, withUsers: true))]);
            case "calls":
                return workspace.Calls();
            case "deliveries":
                return workspace.Deliveries();
            case "wait":
                return await WaitAsync(context, User());
            case "state":
                return await StateAsync(context, User());
            default:
                return null;
        }
    }

    private async Task<JsonNode?> ActAsync(string act, JsonObject request, CancellationToken cancellationToken)
    {
        var bend = Bend.Read(request);
        switch (act)
        {
            case "command":
                return await interactions.CommandAsync(
                    Need(request, "user"), request.Text("channel"), request.Text("command") ?? "/db-access", request.Text("text") ?? "",
                    request.Flag("typed") != false, bend, cancellationToken);
            case "action":
                return await interactions.ActionAsync(request, bend, cancellationToken);
            case "shortcut":
                return await interactions.ShortcutAsync(request, bend, cancellationToken);
            case "submit":
                return await interactions.SubmitAsync(
                    Need(request, "view_id"), request.Object("values") ?? [], request.Flag("force") == true, bend, cancellationToken);
            case "suggest":
                return await interactions.SuggestAsync(request, bend, cancellationToken);
            case "channel":
                return SetChannel(request);
            case "usergroup":
                return SetUsergroup(request);
            case "delete":
                return Delete(request);
            case "close":
                return await interactions.CloseAsync(Need(request, "view_id"), request.Flag("all") == true, bend, cancellationToken);
            case "message":
                return new JsonObject { ["deliveries"] = await interactions.MessageAsync(request, bend, cancellationToken) };
            case "event":
                var inner = request.Object("event") ?? throw new ImpossibleException("event is missing.");
                inner["event_ts"] ??= workspace.NextTs();
                return await interactions.EventAsync(
                    inner.Copy(), request.Text("event_id"), workspace.User(inner.Text("user")), bend, cancellationToken);
            case "url_verification":
                return await interactions.UrlVerificationAsync(request.Text("challenge"), bend, cancellationToken);
            case "deliver":
                return await DeliverAsync(request, bend, cancellationToken);
            case "home":
                return await HomeAsync(request, bend, cancellationToken);
            case "user":
                return await UserAsync(request, bend, cancellationToken);
            case "fault":
                return SetFault(request);
            case "token":
                api.Token = Need(request, "token");
                return Done();
            case "settings":
                return Set(request);
            default:
                return null;
        }
    }

    /// <summary>Any bytes to any path, signed like everything else: for requests that Slack would never make.</summary>
    private async Task<JsonNode> DeliverAsync(JsonObject request, Bend bend, CancellationToken cancellationToken)
    {
        var answer = await delivery.SendAsync(
            "raw", Need(request, "path"), request.Text("contentType") ?? Delivery.Form, Encoding.UTF8.GetBytes(request.Text("body") ?? ""),
            bend, cancellationToken);
        return answer.Describe();
    }

    private async Task<JsonNode> HomeAsync(JsonObject request, Bend bend, CancellationToken cancellationToken)
    {
        var user = workspace.Person(Need(request, "user")) ?? throw new ImpossibleException("There is no such user.");
        var inner = new JsonObject
        {
            ["type"] = "app_home_opened", ["user"] = user.Id, ["channel"] = workspace.Direct(user.Id).Id,
            ["tab"] = request.Text("tab") ?? "home", ["event_ts"] = workspace.NextTs(),
        };
        lock (workspace.Gate)
        {
            if (workspace.Home(user.Id) is { } home) inner["view"] = shapes.View(home);
        }
        return await interactions.EventAsync(inner, request.Text("event_id"), user, bend, cancellationToken);
    }

    private async Task<JsonNode> UserAsync(JsonObject request, Bend bend, CancellationToken cancellationToken)
    {
        var user = workspace.Person(Need(request, "user")) ?? throw new ImpossibleException("There is no such user.");
        user = user with
        {
            Deleted = request.Flag("deleted") ?? user.Deleted,
            IsRestricted = request.Flag("is_restricted") ?? user.IsRestricted,
            IsUltraRestricted = request.Flag("is_ultra_restricted") ?? user.IsUltraRestricted,
            IsEmailConfirmed = request.Flag("is_email_confirmed") ?? user.IsEmailConfirmed,
            IsAdmin = request.Flag("is_admin") ?? user.IsAdmin,
            DisplayName = request.Text("display_name") ?? user.DisplayName,
            RealName = request.Text("real_name") ?? user.RealName,
            Email = request.Text("email") ?? user.Email,
            Tz = request.Text("tz") ?? user.Tz,
        };
        workspace.Replace(user);
        var answer = new JsonObject { ["user"] = shapes.User(user) };
        if (request.Flag("send_event") == true)
        {
            var inner = new JsonObject
            {
                ["type"] = "user_change", ["user"] = shapes.User(user), ["cache_ts"] = workspace.Now.ToUnixTimeSeconds(), ["event_ts"] = workspace.NextTs(),
            };
            answer["delivery"] = await interactions.EventAsync(inner, request.Text("event_id"), user, bend, cancellationToken);
        }
        return answer;
    }

    /// <summary>Makes a channel or changes it. <c>members</c> replaces, <c>add</c> and <c>remove</c> change; people by id or name.</summary>
    private JsonObject SetChannel(JsonObject request)
    {
        var id = Need(request, "channel");
        if (id.Length < 2 || id[0] is not ('C' or 'G')) throw new ImpossibleException("A channel's id starts with C or G.");
        var (members, add, remove) = (People(request, "members"), People(request, "add"), People(request, "remove"));
        return workspace.Change(id, channel =>
        {
            channel.Name = request.Text("name") ?? channel.Name;
            channel.IsPrivate = request.Flag("private") ?? channel.IsPrivate;
            channel.IsArchived = request.Flag("archived") ?? channel.IsArchived;
            channel.IsExtShared = request.Flag("ext_shared") ?? channel.IsExtShared;
            channel.AppIsMember = request.Flag("app_is_member") ?? channel.AppIsMember;
            if (members is not null) channel.Members.Clear();
            channel.Members.UnionWith(members ?? []);
            channel.Members.UnionWith(add ?? []);
            channel.Members.ExceptWith(remove ?? []);
        }).Describe();
    }

    private JsonObject SetUsergroup(JsonObject request)
    {
        var id = Need(request, "usergroup");
        var known = workspace.Usergroup(id) ?? new SeedUsergroup(id, id, []);
        var group = known with
        {
            Handle = request.Text("handle") ?? known.Handle, Users = People(request, "users") ?? known.Users,
            IsDisabled = request.Flag("disabled") ?? known.IsDisabled,
        };
        workspace.Replace(group);
        return shapes.Usergroup(group, withUsers: true);
    }

    private string[]? People(JsonObject request, string field) => request.Array(field) is not { } given ? null
        : [.. given.Select(one => workspace.Person(one?.ToString())?.Id ?? throw new ImpossibleException($"{field}: there is no user {one}."))];

    /// <summary>Somebody who may deletes a message in Slack: also one of the app's.</summary>
    private JsonObject Delete(JsonObject request)
    {
        if (workspace.Find(Need(request, "channel"), Need(request, "ts")) is not { Deleted: false } message)
            throw new ImpossibleException("There is no such message.");
        workspace.Delete(message);
        return Done();
    }

    private JsonObject SetFault(JsonObject request)
    {
        var method = request.Text("method") ?? "*";
        var times = request.Number("times") ?? 1;
        if (times <= 0)
        {
            faults.Clear(method);
            return Done();
        }
        var kind = Need(request, "kind");
        if (!Fault.Kinds.Contains(kind, StringComparer.Ordinal)) throw new ImpossibleException("kind is one of " + string.Join(", ", Fault.Kinds) + ".");
        faults.Add(new Fault(method, kind)
        {
            RetryAfter = request["retryAfter"]?.ToString(),
            Error = request.Text("error") ?? "internal_error",
            Delay = TimeSpan.FromMilliseconds(Math.Clamp(request.Number("delayMs") ?? 0, 0, 600_000)),
            Skip = request.Number("skip") ?? 0,
            Times = times,
        });
        return Done();
    }

    private JsonObject Set(JsonObject request)
    {
        if (request.Array("eventRetryDelaysMs") is { } delays)
        {
            interactions.EventRetries = [.. delays.Take(24).Select(delay =>
                TimeSpan.FromMilliseconds(Math.Clamp(int.TryParse(delay?.ToString(), out var ms) ? ms : 0, 0, 600_000)))];
        }
        if (request.Flag("echoOwnMessages") is { } echo) interactions.EchoOwnMessages = echo;
        if (request.Text("app") is { } app)
        {
            delivery.App = Uri.TryCreate(app, UriKind.Absolute, out var address) && address.IsLoopback
                ? address : throw new ImpossibleException("app has to be a loopback address.");
        }
        return Done();
    }

    private JsonArray Views(string user)
    {
        lock (workspace.Gate) return new JsonArray([.. workspace.Modals(user).Select(view => (JsonNode)Draw(view))]);
    }

    private JsonObject Draw(View view)
    {
        var json = shapes.View(view);
        json["errors"] = view.Errors.Copy();
        json["trouble"] = view.Trouble;
        return json;
    }

    /// <summary>Waits for a message with these words anywhere in it that this person can see, and that was posted after <c>after</c>, in <c>channel</c>, as <c>ts</c>.</summary>
    private async Task<JsonNode> WaitAsync(HttpContext context, string user)
    {
        var query = context.Request.Query;
        var words = query["contains"].ToString();
        var after = query["after"].ToString();
        var (channel, ts) = (query["channel"].ToString(), query["ts"].ToString());
        using var deadline = Deadline(context, query["timeoutMs"], 5000);
        while (true)
        {
            var changed = workspace.Changed;
            foreach (var message in workspace.VisibleTo(user))
            {
                if (channel.Length > 0 && message.Channel != channel) continue;
                if (ts.Length > 0 && message.Ts != ts) continue;
                if (message.Deleted || (after.Length > 0 && string.CompareOrdinal(message.Ts, after) <= 0)) continue;
                lock (workspace.Gate)
                {
                    if (message.Text.Contains(words, StringComparison.Ordinal)
                        || Texts(message.Blocks).Any(text => text.Contains(words, StringComparison.Ordinal)))
                        return message.Describe();
                }
            }
            if (await EndedAsync(changed, deadline.Token)) break;
        }
        context.Response.StatusCode = 408;
        return new JsonObject { ["error"] = "No such message came in time." };
    }

    /// <summary>Everything the page draws for one person; with <c>since</c>, not before something has changed.</summary>
    private async Task<JsonNode> StateAsync(HttpContext context, string user)
    {
        using var deadline = Deadline(context, default, 20_000);
        _ = int.TryParse(context.Request.Query["since"], NumberStyles.None, CultureInfo.InvariantCulture, out var since);
        var changed = workspace.Changed;
        while (since >= workspace.Version && since > 0)
        {
            if (await EndedAsync(changed, deadline.Token)) break;
            changed = workspace.Changed;
        }
        lock (workspace.Gate)
        {
            var direct = workspace.Direct(user);
            return new JsonObject
            {
                ["version"] = workspace.Version,
                ["me"] = user,
                ["team"] = workspace.Seed.Team.Name,
                ["app"] = new JsonObject { ["name"] = workspace.Seed.App.Name, ["user"] = workspace.Seed.App.BotUserId, ["channel"] = direct.Id },
                ["users"] = new JsonArray([.. workspace.Users.Select(Person)]),
                ["usergroups"] = new JsonArray([.. workspace.Usergroups.Select(group =>
                    (JsonNode)new JsonObject { ["id"] = group.Id, ["handle"] = group.Handle })]),
                ["channels"] = new JsonArray([.. workspace.Channels.Where(channel => channel.DirectWith is null && channel.Members.Contains(user))
                    .Select(channel => (JsonNode)new JsonObject { ["id"] = channel.Id, ["name"] = channel.Name, ["private"] = channel.IsPrivate, ["archived"] = channel.IsArchived })]),
                ["notifications"] = new JsonArray([.. workspace.NotificationsOf(user).TakeLast(20).Select(one => one!.DeepClone())]),
                ["messages"] = new JsonArray([.. workspace.VisibleTo(user).Where(message => !message.Deleted)
                    .Select(message => (JsonNode)message.Describe())]),
                ["views"] = Views(user),
                ["home"] = workspace.Home(user) is { } home ? Draw(home) : null,
            };
        }

        JsonNode Person(SeedUser person) => new JsonObject
        {
            ["id"] = person.Id,
            ["name"] = string.IsNullOrEmpty(person.DisplayName) ? person.RealName ?? person.Name : person.DisplayName,
            ["bot"] = person.IsBot,
            ["deleted"] = person.Deleted,
            ["guest"] = person.IsRestricted || person.IsUltraRestricted,
            ["handle"] = person.Name,
            ["note"] = person.Deleted ? "deactivated" : workspace.IsOutsider(person) ? "other workspace"
                : person.IsRestricted || person.IsUltraRestricted ? "guest" : "",
        };
    }

    private static CancellationTokenSource Deadline(HttpContext context, string? asked, int otherwise)
    {
        var ms = int.TryParse(asked, NumberStyles.None, CultureInfo.InvariantCulture, out var given) ? given : otherwise;
        var deadline = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        deadline.CancelAfter(TimeSpan.FromMilliseconds(Math.Min(ms, LongestWait.TotalMilliseconds)));
        return deadline;
    }

    private static async Task<bool> EndedAsync(Task changed, CancellationToken deadline)
    {
        try
        {
            await changed.WaitAsync(deadline);
            return false;
        }
        catch (OperationCanceledException)
        {
            return true;
        }
    }

    /// <summary>The words of blocks: what a person could read, not the ids around them.</summary>
    private static IEnumerable<string> Texts(JsonNode? node) => node switch
    {
        JsonObject json => json.SelectMany(field =>
            field.Value is JsonValue value ? field.Key is "text" or "url" or "fallback" or "alt_text" ? [value.ToString()] : [] : Texts(field.Value)),
        JsonArray array => array.SelectMany(Texts),
        _ => [],
    };

    private static async Task<JsonObject> BodyAsync(HttpContext context)
    {
        // A form of another site can be posted without asking, JSON cannot.
        if (!(context.Request.ContentType ?? "").StartsWith(Delivery.JsonType, StringComparison.OrdinalIgnoreCase))
            throw new ImpossibleException("The control API takes application/json.");
        using var reader = new StreamReader(context.Request.Body, new UTF8Encoding(false));
        return Json.TryParse(await reader.ReadToEndAsync(context.RequestAborted)) as JsonObject
            ?? throw new ImpossibleException("The body has to be a JSON object.");
    }

    private static string Need(JsonObject request, string name) =>
        request.Text(name) ?? throw new ImpossibleException($"{name} is missing.");

    private static JsonObject Done() => new() { ["ok"] = true };
}
