using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;

namespace DbAccess.Api.Slack.Desk;

/// <summary>The windows that a holder opens, to be read. Pure.</summary>
internal static class HolderForms
{
    private const int MostAlso = 5;

    /// <summary>While the role and its password are made.</summary>
    public static ChatForm Wait(GrantId id) => Said(id, "The password is being made. It is shown here in a moment; leave this window open.");

    public static ChatForm Said(GrantId id, string words) =>
        new(HolderMessages.RevealAction, "Password", null, id.ToString(), [new ChatPart.Text(words)], []);

    /// <summary>
    /// Ways to connect, by platform. Slack does not say which one somebody sits before, and nothing here remembers what they took last.
    /// </summary>
    public static ChatForm Connect(GrantSnapshot grant, ConnectionPlace place)
    {
        var parts = new List<ChatPart>();
        foreach (var line in place.Before) parts.Add(new ChatPart.Text(line.Replace('`', '\'')));
        parts.Add(new ChatPart.When($"{grant.Target.Name} · {GrantMessages.ScopeOf(grant.Scope).TrimEnd(',')} · until", grant.Window!.Expiry));
        parts.Add(new ChatPart.Text(
            "Copy the password, then one of these. They take it from the clipboard: no history of a shell keeps it, only how it was read."));
        Add("macOS", ConnectionWords.Psql(place, grant, "pbpaste"));
        Add("Linux (Wayland)", ConnectionWords.Psql(place, grant, "wl-paste"));
        Add("Linux (X11)", ConnectionWords.Psql(place, grant, "xclip -o -sel c"));
        Add("Windows (PowerShell)", ConnectionWords.PowerShell(place, grant));
        Add("psql that asks for the password", ConnectionWords.Psql(place, grant.Id.ToString()));
        foreach (var also in grant.Target.Also.Take(MostAlso))
            Add($"psql for {also}", ConnectionWords.Psql(place with { Database = also }, grant.Id.ToString()));
        parts.Add(new ChatPart.Divider());
        Add($"~/.pg_service.conf, for psql service={grant.Id}", ConnectionWords.Service(place, grant));
        Add("~/.pgpass (mode 600), with the password at its end", ConnectionWords.PassLine(place));
        Add("DBeaver", ConnectionWords.DBeaver(place, grant));
        Add("Postico, TablePlus and others (URI)", ConnectionWords.Uri(place));
        if (ConnectionWords.Jdbc(place) is { } jdbc) Add("JDBC (DataGrip)", jdbc);
        Add(".NET (Npgsql)", ConnectionWords.DotNet(place));
        Add("Python (psycopg)", ConnectionWords.Python(place));
        Add("Go (pgx)", ConnectionWords.Go(place));
        foreach (var remark in grant.Plan?.Remarks ?? []) parts.Add(new ChatPart.Note($"{remark.TrimEnd('.')}."));
        return new ChatForm(HolderMessages.ConnectAction, "Connect", null, grant.Id.ToString(), parts, []);

        void Add(string label, string words)
        {
            parts.Add(new ChatPart.Text(label));
            parts.Add(new ChatPart.Code(words));
        }
    }
}
