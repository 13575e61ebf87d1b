using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;

namespace DbAccess.Api.Slack.Desk;

/// <summary>The windows that a holder opens, to be read. Pure.</summary>
internal static class HolderForms
{
    private const int MostAlso = 5;

    /// <summary>While the role and its password are made.</summary>
    public static ChatForm Wait(GrantId id) =>
        Said(id, "The password is being made. It is shown here in a moment; leave this window open.");

    public static ChatForm Said(GrantId id, string words) =>
        new(GrantActions.Reveal, "Password", null, id.ToString(), [new ChatPart.Text(words)], []);

    /// <summary>The field of the window that says which way stands first.</summary>
    public const string Way = "way";

    /// <summary>Ways to connect: the one that was taken last on top. Slack does not say which machine somebody sits before.</summary>
    /// <param name="last">The key of the way that was taken last; null, or none of them, for the usual order.</param>
    public static ChatForm Connect(GrantSnapshot grant, ConnectionPlace place, string? last)
    {
        var parts = new List<ChatPart>();
        foreach (var line in place.Before) parts.Add(new ChatPart.Text(line.Replace('`', '\'')));
        var what = $"{grant.Target.Name} · {GrantWords.ScopeOf(grant.Scope).TrimEnd(',')} · until";
        parts.Add(new ChatPart.When(what, grant.Window!.Expiry));
        parts.Add(new ChatPart.Text(
            "Copy the password, then one of these. They take it from the clipboard: a shell's history keeps how it was read, never the " +
            "password."));

        var ways = Ways(grant, place).ToList();
        var chosen = ways.Find(way => way.Key == last);
        var outro = new List<ChatPart>();
        if (chosen is not null)
        {
            outro.AddRange(chosen.Draw());
            outro.Add(new ChatPart.Divider());
        }

        outro.AddRange(ways.Where(way => way != chosen).SelectMany(way => way.Draw()));
        foreach (var remark in grant.Plan?.Remarks ?? []) outro.Add(new ChatPart.Note($"{remark.TrimEnd('.')}."));
        return new ChatForm(GrantActions.Connect, "Connect", "Done", grant.Id.ToString(), parts,
        [
            new FormField.Choice(Way, "Your way", "It stands first from now on.",
                [.. ways.Select(way => new FormOption(way.Key, way.Name))], chosen?.Key ?? ways[0].Key, Redraws: true),
        ])
        {
            Outro = outro,
        };
    }

    private static IEnumerable<ConnectWay> Ways(GrantSnapshot grant, ConnectionPlace place)
    {
        yield return new("macos", "macOS", ConnectionWords.Psql(place, grant, "pbpaste"));
        yield return new("wayland", "Linux (Wayland)", ConnectionWords.Psql(place, grant, "wl-paste"));
        yield return new("x11", "Linux (X11)", ConnectionWords.Psql(place, grant, "xclip -o -sel c"));
        yield return new("windows", "Windows (PowerShell)", ConnectionWords.PowerShell(place, grant));
        yield return new("psql", "psql that asks for the password", ConnectionWords.Psql(place, grant.Id.ToString()))
        {
            More = [.. grant.Target.Also.Take(MostAlso).Select(also =>
                ($"psql for {also}", ConnectionWords.Psql(place with { Database = also }, grant.Id.ToString())))],
        };
        yield return new("service", "psql with a service file", ConnectionWords.Service(place, grant))
        {
            Label = $"~/.pg_service.conf, for psql service={grant.Id}",
            More = [("~/.pgpass (mode 600), with the password at its end", ConnectionWords.PassLine(place))],
        };
        yield return new("dbeaver", "DBeaver", ConnectionWords.DBeaver(place, grant));
        yield return new("uri", "Postico, TablePlus and others (URI)", ConnectionWords.Uri(place));
        if (ConnectionWords.Jdbc(place) is { } jdbc) yield return new("jdbc", "JDBC (DataGrip)", jdbc);
        yield return new("dotnet", ".NET (Npgsql)", ConnectionWords.DotNet(place));
        yield return new("python", "Python (psycopg)", ConnectionWords.Python(place));
        yield return new("go", "Go (pgx)", ConnectionWords.Go(place));
    }

    /// <param name="Key">What is remembered of it.</param>
    private sealed record ConnectWay(string Key, string Name, string Line)
    {
        public string? Label { get; init; }

        public IReadOnlyList<(string Label, string Line)> More { get; init; } = [];

        public IEnumerable<ChatPart> Draw() => More.Prepend((Label: Label ?? Name, Line))
            .SelectMany(one => (ChatPart[])[new ChatPart.Text(one.Label), new ChatPart.Code(one.Line)]);
    }
}
