using System.Text.Json.Nodes;

namespace DbAccess.SlackStandIn;

/// <summary>The addresses handed out with commands and clicks: five uses in thirty minutes, no token, and gone after.</summary>
internal sealed class ResponseUrls(Workspace workspace)
{
    private const int MostUses = 5;
    private static readonly TimeSpan Life = TimeSpan.FromMinutes(30);
    private readonly Dictionary<string, Ticket> _tickets = new(StringComparer.Ordinal);

    private sealed class Ticket
    {
        public required string User { get; init; }
        public required string Channel { get; init; }
        public required DateTimeOffset IssuedAt { get; init; }
        /// <summary>What replace_original and delete_original are about: the message clicked on, or the command's own answer.</summary>
        public Message? Source { get; set; }
        public int Uses { get; set; }
    }

    /// <summary>Returns the path below the stand-in's address.</summary>
    public string Issue(string kind, string user, string channel, Message? source)
    {
        var path = $"/{kind}/{workspace.Seed.Team.Id}/{workspace.NextSerial()}/{Workspace.NewToken()}";
        lock (workspace.Gate)
        {
            _tickets[path] = new Ticket { User = user, Channel = channel, IssuedAt = workspace.Now, Source = source };
        }
        return path;
    }

    public (int Status, string Body) Use(string path, string body)
    {
        lock (workspace.Gate)
        {
            if (!_tickets.TryGetValue(path, out var ticket)) return (404, "no_such_url");
            if (workspace.Now - ticket.IssuedAt > Life) return (404, "expired_url");
            if (ticket.Uses >= MostUses) return (404, "used_url");
            if (Json.TryParse(body) is not JsonObject payload) return (400, "invalid_payload");
            ticket.Uses++;
            return Answer(ticket, payload) is { } fault ? (400, fault) : (200, "ok");
        }
    }

    /// <summary>What the body of a command's 200 does; the same rules as a use of the address, but it costs none.</summary>
    public string? AnswerDirectly(string path, JsonObject payload)
    {
        lock (workspace.Gate) return Answer(_tickets[path], payload);
    }

    private string? Answer(Ticket ticket, JsonObject payload)
    {
        if (payload.Flag("delete_original") == true)
        {
            if (ticket.Source is not { Deleted: false } original) return "no_original";
            workspace.Delete(original);
            return null;
        }

        JsonArray? blocks = null;
        if (payload["blocks"] is { } given)
        {
            if (given is not JsonArray array) return "invalid_blocks_format";
            if (BlockKitRules.CheckMessage(array).Count > 0) return "invalid_blocks";
            if (array.Count > 0) blocks = SlackShapes.WithIds(array);
        }
        var text = payload.Text("text") ?? "";
        if (text.Length == 0 && blocks is null) return "no_text";

        if (payload.Flag("replace_original") == true && ticket.Source is { Deleted: false } source)
        {
            workspace.Edit(source, text, blocks);
            return null;
        }

        var posted = workspace.Post(new Message
        {
            Channel = ticket.Channel,
            Ts = workspace.NextTs(),
            Author = workspace.Seed.App.BotUserId,
            FromApp = true,
            EphemeralFor = payload.Text("response_type") == "in_channel" ? null : ticket.User,
            ThreadTs = payload.Text("thread_ts"),
            Text = text,
            Blocks = blocks,
        });
        ticket.Source ??= posted;
        return null;
    }
}
