using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Home;

/// <summary>
/// The card of who has access now. It names ends and no time that is left, so that it is true for as long as nothing is saved. Pure.
/// </summary>
public static class NowWords
{
    // A message holds fifty parts.
    private const int MostLines = 40;
    private const int MostSpoken = 3;

    /// <param name="live">What has not come to its end, in any order.</param>
    public static ChatMessage Draw(IReadOnlyList<GrantSnapshot> live)
    {
        var open = live.Where(grant => grant is { Status: GrantStatus.Active or GrantStatus.Revoking, Window: not null })
            .OrderBy(grant => grant.Window!.Expiry).ThenBy(grant => grant.Id.ToString(), StringComparer.Ordinal).ToList();
        var parts = new List<ChatPart> { new ChatPart.Header("In production now") };
        if (open.Count == 0)
        {
            parts.Add(new ChatPart.Text("Nobody has access through DbAccess."));
            return new ChatMessage("In production now: nobody has access through DbAccess.", parts);
        }

        parts.AddRange(open.Take(MostLines).Select(Line));
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

    private static ChatPart Line(GrantSnapshot grant) => new ChatPart.When(
        $"{What(grant)} (`{grant.Id}`) {(grant.Status is GrantStatus.Revoking ? "is being taken away, was until" : "until")}",
        grant.Window!.Expiry);

    private static string What(GrantSnapshot grant) =>
        $"{GrantMessages.Plain(grant.Handle)}: {GrantMessages.ScopeOf(grant.Scope).TrimEnd(',')} on {grant.Target.Name}" +
        (grant.Scope.HighRisk ? ", high risk" : "");
}
