using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Policies;

namespace DbAccess.Api.Slack.Desk;

/// <summary>What <c>help</c> answers: examples of what this person may ask for, and only those. Pure.</summary>
internal static class HelpReply
{
    private const int MostDatabases = 15;
    private const int MostScopes = 8;
    private const int MostLetters = 2500;

    private const string Verbs =
        "`/db-access mine`: your grants.\n`/db-access list`: everything that is live.\n`/db-access done K7Q3-MD` or `done all`: give " +
        "access back.\n`/db-access revoke K7Q3-MD <reason>`: end somebody else's access (for approvers)." +
        "\n`/db-access again` or `again K7Q3-MD because …`: the same once more.\n`/db-access cancel K7Q3-MD`: take a request back; " +
        "`extend K7Q3-MD 30m`: have it longer; `approve K7Q3-MD`, `deny K7Q3-MD <reason>`: decide.\n" +
        "`/db-access why orders read 2h`: what would be decided, without asking.\n" +
        "`/db-access show K7Q3-MD`: the whole story; `history 30d`: what was asked for.";

    private const string More =
        "Before the reason may also stand `at 22:00`, `tomorrow 22:00` or `until 18:00` (your time), `for @somebody`, and in an " +
        "emergency `break-glass` first. Or paste PostgreSQL's error behind the database: " +
        "`/db-access orders ERROR: permission denied for table invoices`.";

    /// <param name="offers">Null when it cannot be said what this person may ask for; <paramref name="unclear"/> then says why.</param>
    public static ChatMessage Of(Offers? offers, Error? unclear = null)
    {
        var parts = new List<ChatPart>();
        if (offers?.Databases is [{ } first, ..]) parts.AddRange(Examples(first));
        else if (unclear is not null) parts.Add(new ChatPart.Text($"Asking for access does not work right now: {unclear.Message}"));
        else parts.Add(
            new ChatPart.Text("There is no database you may ask for. Ask whoever keeps the access policy to add a rule for you."));

        parts.Add(new ChatPart.Text(More));
        parts.Add(new ChatPart.Text(Verbs));
        if (offers is { Databases.Count: > 0 }) parts.Add(new ChatPart.Text(Offered(offers)));
        parts.Add(new ChatPart.Note(
            "Lengths: 45s, 30m, 2h, 1h30m, 1d. In a direct message to this app, leave /db-access out (or write create-db-user)."));
        return new ChatMessage("How to ask for database access.", parts);
    }

    private static IEnumerable<ChatPart> Examples(DatabaseOffer offer)
    {
        var request = $"{offer.Database} {offer.Scopes[0].Scope} {Durations.Write(offer.Scopes[0].Lifetime.Default)}";
        yield return new ChatPart.Text(
            $"Ask for access: `/db-access {request} because INC-4711 stuck orders`. The words may come in any order; `/db-access` alone " +
            "opens a form.");
        yield return new ChatPart.Text(
            $"Need only some tables of a scope? `/db-access {request} only public.orders, public.items because INC-4711 stuck orders`.");
    }

    /// <summary>A paragraph that is cut by length would end in the middle of a name.</summary>
    private static string Offered(Offers offers)
    {
        var lines = offers.Databases.Select(offer => $"{offer.Database}: {Scopes(offer)}").ToList();
        var (shown, letters) = (0, 0);
        while (shown < Math.Min(lines.Count, MostDatabases) && (letters += lines[shown].Length + 1) <= MostLetters) shown++;
        var more = lines.Count > shown ? $"\n… and {lines.Count - shown} more databases; `/db-access` alone shows them." : "";
        return $"You can ask for:\n{string.Join('\n', lines.Take(shown))}{more}";
    }

    private static string Scopes(DatabaseOffer offer) =>
        string.Join(", ", offer.Scopes.Take(MostScopes).Select(Describe)) + (offer.Scopes.Count > MostScopes ? ", …" : "");

    private static string Describe(ScopeOffer offer)
    {
        var owner = offer.RunAs is { } runAs ? $", acts as {Replies.Untick(runAs)}" : "";
        var risk = offer.HighRisk ? ", high risk" : "";
        var approval = offer.Approval is null ? "" : ", needs approval";
        return $"{offer.Scope} (up to {Durations.Write(offer.Lifetime.Max)}{owner}{risk}{approval})";
    }
}
