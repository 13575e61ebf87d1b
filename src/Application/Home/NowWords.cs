using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Application.Home;

/// <summary>
/// The card of who has access now. It names instants and no time that is left or has passed, so that it is true for as long as nothing
/// is saved and nothing else is seen on the databases. Pure.
/// </summary>
public static class NowWords
{
    // A message holds fifty parts.
    private const int MostLines = 40;
    private const int MostSpoken = 3;

    /// <param name="live">What has not come to its end, in any order.</param>
    /// <param name="seen">What was open on the databases a moment ago; of what is not in it nothing is said.</param>
    public static ChatMessage Draw(IReadOnlyList<GrantSnapshot> live, IReadOnlyDictionary<GrantId, SessionLook> seen)
    {
        var open = live.Where(grant => grant is { Status: GrantStatus.Active or GrantStatus.Revoking, Window: not null })
            .OrderBy(grant => grant.Window!.Expiry).ThenBy(grant => grant.Id.ToString(), StringComparer.Ordinal).ToList();
        var parts = new List<ChatPart> { new ChatPart.Header("In production now") };
        if (open.Count == 0)
        {
            parts.Add(new ChatPart.Text("Nobody has access through DbAccess."));
            return new ChatMessage("In production now: nobody has access through DbAccess.", parts);
        }

        parts.AddRange(open.Take(MostLines).Select(grant => Line(grant, seen.GetValueOrDefault(grant.Id))));
        if (open.Count > MostLines) parts.Add(new ChatPart.Note($"… and {open.Count - MostLines} more: /db-access list."));
        parts.Add(new ChatPart.Buttons([new ChatButton(CardActions.EveryoneOut, "Everyone out…", "all", Danger: true,
            Spoken: "End everybody's access, after a typed word")]));
        parts.Add(new ChatPart.Note("Everyone out… is for administrators, and asks for a typed word first."));

        var more = open.Count > MostSpoken ? $" and {open.Count - MostSpoken} more" : "";
        return new ChatMessage($"In production now: {string.Join("; ", open.Take(MostSpoken).Select(What))}{more}.", parts);
    }

    /// <summary>The same for cards that say the same.</summary>
    public static string Hash(ChatMessage message)
    {
        var words = new StringBuilder(message.Summary);
        foreach (var part in message.Parts)
        {
            words.Append('\n').Append(part switch
            {
                ChatPart.Header header => header.Words,
                ChatPart.Text text => text.Words,
                ChatPart.Note note => note.Words,
                ChatPart.When moment => string.Create(CultureInfo.InvariantCulture, $"{moment.Words} {moment.At.ToUnixTimeSeconds()}"),
                _ => part.GetType().Name,
            });
        }

        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(words.ToString()))[..16]);
    }

    private static ChatPart Line(GrantSnapshot grant, SessionLook? seen) => new ChatPart.When(
        $"{What(grant)} (`{grant.Id}`){Open(seen)} {(grant.Status is GrantStatus.Revoking ? "is being taken away, was until" : "until")}",
        grant.Window!.Expiry);

    private static string Open(SessionLook? seen) => seen switch
    {
        null => "",
        { Sessions: 0 } => " · no session ·",
        { LastStatement: { } at } => $" · {Count(seen.Sessions)}, last statement {SaidInstants.Write(at)} ·",
        _ => $" · {Count(seen.Sessions)} ·",
    };

    private static string Count(int sessions) =>
        string.Create(CultureInfo.InvariantCulture, $"{sessions} session{(sessions == 1 ? "" : "s")}");

    private static string What(GrantSnapshot grant) =>
        $"{GrantWords.Plain(grant.Handle)}: {GrantWords.ScopeOf(grant.Scope).TrimEnd(',')} on {grant.Target.Name}" +
        (grant.Scope.HighRisk ? ", high risk" : "");
}
