using System.Globalization;
using System.Text.Json.Nodes;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Steps;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Infrastructure.Slack;

/// <summary>
/// The message that stays with the holder of a grant. Pure. It fits a phone, and what it is for and when it ends stand on top. The
/// password, where it is sent, is in one place of one block and not in the notification. What changes while access is live has blocks of
/// its own, so that they can be drawn anew and the rest left as it is.
/// </summary>
internal static class CredentialMessage
{
    /// <summary>The blocks that are drawn anew: until when, what is to be done first, and the buttons.</summary>
    private const string Top = "until";
    private const string Waiting = "waiting";
    private const string Bottom = "buttons";

    private const int MostRemarks = 3;
    private const int LongestRemark = 160;

    /// <summary>With the password.</summary>
    public static JsonObject Draw(Grant grant, Credential credential, DateTimeOffset? now = null)
    {
        var state = grant.State;
        List<JsonObject> blocks = [TopLine(state, now ?? state.Window!.Start)];
        if (credential.Again)
            blocks.Add(BlockKit.Paragraph("A password that you got before for this grant no longer works. Use this one."));
        blocks.Add(Lines(Login(state, credential)));
        blocks.AddRange(Said(state, credential));
        blocks.Add(BlockKit.Note("After the end psql says: password authentication failed. That is the end, not a fault."));
        blocks.AddRange(BottomRow(state, credential.ExtendBy));
        return Message($"{GrantWords.Brief(state)} is ready ({state.Id}).", blocks);
    }

    /// <summary>The password can be shown from it; nothing in it is secret.</summary>
    public static JsonObject Offer(GrantSnapshot grant)
    {
        List<JsonObject> blocks =
        [
            Named(BlockKit.Dated(($"{grant.Target.Name} · {grant.Scope.Name} · ready", null, "")), Top),
            Lines([("Grant", grant.Id.ToString())]),
            Named(BlockKit.Moment(
                $"Show password makes it and shows it to you alone; the {Durations.Write(grant.Duration)} begin with that. If nobody " +
                "does, this is given back by itself", grant.RevealBy!.Value), Waiting),
            BlockKit.Note("After the end psql says: password authentication failed. That is the end, not a fault."),
            .. BottomRow(grant, null),
        ];
        return Message($"{GrantWords.Brief(grant)} is approved and ready: have the password shown when you begin ({grant.Id}).", blocks);
    }

    /// <summary>The window in which a password is shown.</summary>
    public static JsonObject Window(Grant grant, Credential credential)
    {
        var view = BlockKit.View(new ChatForm(GrantActions.Reveal, "Password", null, grant.Id.ToString(), [], []));
        List<JsonObject> blocks =
        [
            Lines(Login(grant.State, credential)),
            BlockKit.Moment($"{grant.State.Target.Name} · {grant.State.Scope.Name} · until", grant.State.Window!.Expiry),
            .. Said(grant.State, credential),
            BlockKit.Note("It is kept nowhere: copy it now. Shown again it is another one, and this one is dead."),
        ];
        view["blocks"] = new JsonArray([.. blocks]);
        return view;
    }

    /// <summary>
    /// The blocks of such a message as they are to be now: those that change drawn anew, all others as they stand there. Null when it is
    /// not one of those.
    /// </summary>
    public static JsonArray? Redrawn(JsonArray shown, GrantSnapshot grant, TimeSpan? extendBy, DateTimeOffset now)
    {
        if (!shown.Any(block => Is(block, Top))) return null;

        var drawn = new JsonArray();
        foreach (var block in shown)
        {
            if (Is(block, Bottom) || Is(block, Waiting)) continue;
            drawn.Add(Is(block, Top) ? TopLine(grant, now) : block!.DeepClone());
        }

        foreach (var row in BottomRow(grant, extendBy)) drawn.Add((JsonNode)row);
        return drawn;
    }

    private static bool Is(JsonNode? block, string id) => block is JsonObject one && one["block_id"] is JsonValue value
        && value.TryGetValue<string>(out var text) && text == id;

    /// <summary>How long is left is true at the moment it names, whenever it is read.</summary>
    private static JsonObject TopLine(GrantSnapshot grant, DateTimeOffset now)
    {
        var what = $"{grant.Target.Name} · {GrantWords.ScopeOf(grant.Scope).TrimEnd(',')} · until ";
        var (end, left) = (grant.Window!.Expiry, grant.Window.Expiry - now);
        var format = left < TimeSpan.FromHours(12) ? "{time}" : "{date_short_pretty} {time}";
        return Named(BlockKit.Dated((what, end, format), ($" ({Left(left)} left at ", now, "{time}"), (")", null, "")), Top);
    }

    private static string Left(TimeSpan left) => left < TimeSpan.FromMinutes(1)
        ? string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, left.TotalSeconds):0} s")
        : left < TimeSpan.FromHours(2) ? string.Create(CultureInfo.InvariantCulture, $"{Math.Ceiling(left.TotalMinutes - 0.1):0} min")
        : Durations.Write(TimeSpan.FromMinutes(Math.Ceiling(left.TotalMinutes - 0.1)));

    private static IEnumerable<JsonObject> BottomRow(GrantSnapshot grant, TimeSpan? extendBy) =>
        BlockKit.Buttons(HolderMessages.Buttons(grant, extendBy)).Select(row => Named(row, Bottom));

    private static JsonObject Named(JsonObject block, string id)
    {
        block["block_id"] = id;
        return block;
    }

    private static JsonObject Message(string notification, List<JsonObject> blocks)
    {
        var message = BlockKit.Plain(notification);
        message["blocks"] = new JsonArray([.. blocks]);
        return message;
    }

    private static (string Label, string Value)[] Login(GrantSnapshot grant, Credential credential) =>
    [
        ("Grant", grant.Id.ToString()),
        ("Host", credential.Host),
        ("Port", credential.Port.ToString(CultureInfo.InvariantCulture)),
        // "Database" stands once: it is what programs that read the message look for.
        ("Database", credential.Database),
        .. grant.Target.Also.Select(database => ("Also", database)),
        ("User", credential.Role.Value),
        ("Password", credential.Password.Reveal()),
    ];

    /// <summary>What has to be known before anything is copied.</summary>
    private static IEnumerable<JsonObject> Said(GrantSnapshot grant, Credential credential)
    {
        foreach (var line in credential.Before) yield return BlockKit.Note(line);
        // Whoever acts as an owner can break what that owner can.
        if (grant.Scope.RunAs is { } owner)
            yield return BlockKit.Paragraph(
                $"{(grant.Scope.HighRisk ? "High risk. " : "")}Your sessions act as the owner `{owner.Replace('`', '\'')}`: what you " +
                "make belongs to it.");
        else if (grant.Scope.HighRisk)
            yield return BlockKit.Paragraph("High risk: whoever keeps the access policy marked this scope.");
        if (grant.Asking is { Shrank: true, Plan: { } less })
            yield return BlockKit.Note($"Less than was approved, since something of it is gone by " +
                $"now: {Show.Text(less.Summary, LongestRemark)}.");
        // Who does not know takes an empty answer for an empty table.
        if (grant.Plan is not { Remarks: { Count: > 0 } remarks }) yield break;
        foreach (var remark in remarks.Take(MostRemarks)) yield return BlockKit.Note($"{Show.Text(remark.TrimEnd('.'), LongestRemark)}.");
        if (remarks.Count > MostRemarks) yield return BlockKit.Note($"… and {remarks.Count - MostRemarks} more: see Connect….");
    }

    private static JsonObject Lines((string Label, string Value)[] lines)
    {
        // Everyday values as text with back-ticks, which every client and every reader of messages knows. Slack's text cannot quote a
        // back-tick or a line break, so that a name with anything unusual goes into literal elements: shown as it is, never cut or cleaned.
        if (!lines.All(line => line.Value.Length is > 0 and <= 500 && line.Value.All(IsPlainInText))) return BlockKit.CodeLines(lines);

        // The grant's id is for reading, and nothing to be copied into a client.
        return new JsonObject
        {
            ["type"] = "section",
            ["text"] = new JsonObject
            {
                ["type"] = "mrkdwn",
                ["text"] = string.Join('\n', lines.Select(line => line.Label == "Grant" ? $"{line.Label}: {line.Value}"
                    : $"{line.Label}: `{line.Value}`")),
                ["verbatim"] = true,
            },
        };
    }

    private static bool IsPlainInText(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or ':' or '/' or '@' or ',' or '+'
        or '=' or '%' or '#';
}
