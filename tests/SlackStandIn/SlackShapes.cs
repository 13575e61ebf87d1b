using System.Text.Json.Nodes;

namespace DbAccess.SlackStandIn;

/// <summary>The workspace's things in the JSON shapes of Slack's answers and payloads.</summary>
internal sealed class SlackShapes(Workspace workspace)
{
    public JsonObject User(SeedUser user)
    {
        var team = workspace.TeamOf(user);
        var profile = user.Deleted
            ? new JsonObject { ["team"] = team }
            : Json.Known(
                ("email", user.Email), ("real_name", user.RealName), ("display_name", user.DisplayName ?? ""), ("team", team));
        var json = new JsonObject
        {
            ["id"] = user.Id,
            ["team_id"] = team,
            ["name"] = user.Name,
            ["deleted"] = user.Deleted,
            ["profile"] = profile,
            ["is_bot"] = user.IsBot,
            ["is_app_user"] = false,
            ["updated"] = 1767000000,
        };
        if (user.Deleted) return json;

        json["real_name"] = user.RealName;
        json["tz"] = user.Tz;
        json["is_restricted"] = user.IsRestricted;
        json["is_ultra_restricted"] = user.IsUltraRestricted;
        if (workspace.IsOutsider(user))
        {
            json["is_stranger"] = user.IsStranger;
            return json;
        }
        json["is_admin"] = user.IsAdmin;
        json["is_owner"] = false;
        json["is_email_confirmed"] = user.IsEmailConfirmed;
        return json;
    }

    /// <param name="metadata">Slack tells it where it was asked for, and in the answers to whoever set it.</param>
    public JsonObject Message(Message message, bool metadata = false)
    {
        var json = Json.Known(
            ("type", "message"), ("user", message.Author), ("text", message.Text), ("ts", message.Ts),
            ("team", workspace.Seed.Team.Id), ("thread_ts", message.ThreadTs), ("client_msg_id", message.ClientMessageId),
            ("blocks", message.Blocks?.Copy()), ("metadata", metadata ? message.Metadata?.Copy() : null));
        if (message.FromApp)
        {
            var app = workspace.Seed.App;
            json["bot_id"] = app.BotId;
            json["app_id"] = app.Id;
            json["bot_profile"] = new JsonObject
            {
                ["id"] = app.BotId, ["deleted"] = false, ["name"] = app.BotName, ["app_id"] = app.Id, ["team_id"] = workspace.Seed.Team.Id,
            };
        }
        if (message.Edited) json["edited"] = new JsonObject { ["user"] = message.Author, ["ts"] = message.Ts };
        return json;
    }

    public JsonObject Channel(Channel channel)
    {
        var direct = channel.DirectWith is not null;
        var json = Json.Known(
            ("id", channel.Id), ("name", direct ? null : channel.Name), ("user", channel.DirectWith), ("is_channel", !direct),
            ("is_im", direct), ("is_private", channel.IsPrivate || direct), ("is_member", channel.AppIsMember),
            ("is_archived", channel.IsArchived), ("is_shared", channel.IsExtShared), ("is_ext_shared", channel.IsExtShared),
            ("is_org_shared", false), ("is_pending_ext_shared", false), ("context_team_id", workspace.Seed.Team.Id));
        return json;
    }

    public JsonObject View(View view)
    {
        var json = view.Definition.Copy();
        json["id"] = view.Id;
        json["team_id"] = workspace.Seed.Team.Id;
        json["hash"] = view.Hash;
        // Slack, written in PHP, shows an empty map as an empty list.
        json["state"] = new JsonObject { ["values"] = view.Values.Count == 0 ? new JsonArray() : view.Values.Copy() };
        json["previous_view_id"] = view.PreviousId;
        json["root_view_id"] = view.RootId;
        json["app_id"] = workspace.Seed.App.Id;
        json["app_installed_team_id"] = workspace.Seed.Team.Id;
        json["bot_id"] = workspace.Seed.App.BotId;
        foreach (var absent in new[] { "external_id", "private_metadata", "callback_id" }) json[absent] ??= "";
        if (json.Text("type") != "modal") return json;
        json["clear_on_close"] ??= false;
        json["notify_on_close"] ??= false;
        json["close"] ??= null;
        json["submit"] ??= null;
        return json;
    }

    public JsonObject Usergroup(SeedUsergroup group, bool withUsers)
    {
        var json = new JsonObject
        {
            ["id"] = group.Id, ["team_id"] = workspace.Seed.Team.Id, ["is_usergroup"] = true, ["name"] = group.Handle,
            ["handle"] = group.Handle, ["date_delete"] = group.IsDisabled ? 1767000000 : 0, ["user_count"] = group.Users.Length,
        };
        if (withUsers) json["users"] = new JsonArray([.. group.Users.Select(user => (JsonNode)user)]);
        return json;
    }

    public JsonObject Team() => new() { ["id"] = workspace.Seed.Team.Id, ["domain"] = workspace.Seed.Team.Domain };

    public JsonObject Actor(SeedUser user) => new()
    {
        ["id"] = user.Id, ["username"] = user.Name, ["name"] = user.Name, ["team_id"] = workspace.TeamOf(user),
    };

    /// <summary>Blocks as Slack keeps them: what has no id gets one.</summary>
    public static JsonArray WithIds(JsonArray blocks)
    {
        var kept = blocks.Copy();
        foreach (var block in kept.Objects())
        {
            block["block_id"] ??= Workspace.NewToken(3)[..5];
            foreach (var element in Elements(block))
            {
                if (element.Text("type") is not ("plain_text" or "mrkdwn" or "image")) element["action_id"] ??= Workspace.NewToken(3)[..5];
            }
        }
        return kept;
    }

    /// <summary>The interactive elements of one block.</summary>
    public static IEnumerable<JsonObject> Elements(JsonObject block) => block.Text("type") switch
    {
        "actions" => block.Array("elements").Objects(),
        "section" => block.Object("accessory") is { } accessory ? [accessory] : [],
        "input" => block.Object("element") is { } element ? [element] : [],
        _ => [],
    };
}
