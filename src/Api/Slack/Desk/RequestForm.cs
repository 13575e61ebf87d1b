using DbAccess.Api.Slack.Words;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Slack.Desk;

/// <summary>The form that asks for access: drawn from what the person may ask for, and read back. Pure.</summary>
internal static class RequestForm
{
    public const string Kind = "request_grant";
    public const string Database = "database";
    public const string Scope = "scope";
    public const string Duration = "duration";
    public const string Reason = "reason";
    public const string Only = "only";

    // Fifty names of usual length.
    private const int LongestOnly = 2_000;

    // The most a select can hold; beyond it the command line takes any name.
    private const int MostOptions = 100;

    /// <param name="channel">Where the answer goes; comes back with the form.</param>
    public static ChatForm Draw(Offers offers, Draft draft, string? channel)
    {
        var database = offers.Databases.FirstOrDefault(offer => offer.Database.Value == draft.Database) ?? offers.Databases[0];
        var scope = database.Scopes.FirstOrDefault(offer => offer.Scope.Value == draft.Scope) ?? database.Scopes[0];
        var databases = offers.Databases.Take(MostOptions).ToList();
        if (!databases.Contains(database)) databases[^1] = database;

        var hint = offers.Databases.Count > MostOptions
            ? $"The first {MostOptions} of {offers.Databases.Count}; the others by name: /db-access <database> …" : null;
        // A form that silently shows something else than was asked for would be filed for something else.
        List<ChatPart> intro = [];
        if (draft.Database is { } askedFor && askedFor != database.Database.Value)
            intro.Add(new ChatPart.Text($"You cannot ask for {askedFor}. These are the databases that you can ask for."));
        else if (draft.Scope is { } wanted && wanted != scope.Scope.Value)
            intro.Add(new ChatPart.Text($"You cannot ask for {wanted} on {database.Database}. This is what you can ask for there."));

        intro.AddRange(Besides(draft));

        // What is longer than its field Slack refuses, with the whole form.
        var length = Durations.Parse(draft.Duration) is { } said ? Durations.Write(said) : Durations.Write(scope.Lifetime.Default);
        return new ChatForm(Kind, "Request access", "Request", Context(draft, channel), intro,
        [
            new FormField.Choice(Database, "Database", hint,
                [.. databases.Select(offer => new FormOption(offer.Database.Value, offer.Database.Value))], database.Database.Value,
                Redraws: true),
            new FormField.Choice(Scope, "Access", null, [.. database.Scopes.Take(MostOptions).Select(Option)], scope.Scope.Value),
            new FormField.Text(Only, "Only these tables",
                "Leave it empty for all that the access covers. Names as SQL writes them: public.orders, public.items.", draft.Only,
                Multiline: false, MinLength: 0, LongestOnly),
            new FormField.Text(Duration, "How long", $"{Longest(database)} For example 45s, 30m, 2h or 1h30m.", length, Multiline: false,
                MinLength: 2, MaxLength: 20),
            new FormField.Text(Reason, "Why", "What is broken, and what you are going to do. It goes on the audit record.", draft.Reason,
                Multiline: true, MinLength: 1, CreateGrant.LongestReason),
        ]);
    }

    /// <summary>What was said and has no field of its own comes back with the form, behind the channel.</summary>
    private static string Context(Draft draft, string? channel)
    {
        var besides = Draft.Empty with { BreakGlass = draft.BreakGlass, StartsAt = draft.StartsAt, For = draft.For };
        return besides == Draft.Empty ? channel ?? "" : $"{channel}\n{DraftJson.Write(besides)}";
    }

    /// <summary>The other way round: nothing of it is authority, and whoever changes it asks for something else.</summary>
    public static (string? Channel, Draft Besides) FromContext(string? context)
    {
        var (channel, json) = context?.IndexOf('\n', StringComparison.Ordinal) is >= 0 and var end
            ? (context[..end], context[(end + 1)..]) : (context, "");
        return (string.IsNullOrEmpty(channel) ? null : channel, json.Length == 0 ? Draft.Empty : DraftJson.Read(json) ?? Draft.Empty);
    }

    private static IEnumerable<ChatPart> Besides(Draft draft)
    {
        if (draft.BreakGlass is true)
            yield return new ChatPart.Text("Break-glass: nobody is asked first, others are told at once, and a review of it is owed.");
        if (draft.For is { } user) yield return new ChatPart.Mention("Whoever gets it:", [user]);
        if (draft.StartsAt is { } start) yield return new ChatPart.When("It begins", start);
    }

    /// <summary>
    /// What is asked for, as far as it is said: without a length for the rule's usual one, and without a reason. Null when the database or
    /// the scope is missing, or something of it cannot be read.
    /// </summary>
    public static AccessWish? WishOf(Draft draft)
    {
        if (DatabaseName.Parse(draft.Database) is not { } database || ScopeName.Parse(draft.Scope) is not { } scope) return null;
        if ((draft.Duration is not null && Durations.Parse(draft.Duration.Trim()) is null)
            || SqlNames.Tables(draft.Only ?? "") is not ({ Count: <= TableMention.Most } only, null)) return null;
        return new AccessWish(database, scope, Durations.Parse(draft.Duration?.Trim()), draft.Reason?.Trim() ?? "")
        {
            Only = [.. only.Distinct()], Another = draft.Another ?? false,
            BreakGlass = draft.BreakGlass ?? false, StartsAt = draft.StartsAt,
        };
    }

    /// <summary>Reads what was filled in. On a mistake the fields it is about, with words; nothing was filed then.</summary>
    public static (AccessWish? Wish, IReadOnlyDictionary<string, string> Faults) Read(Draft filled)
    {
        var faults = new Dictionary<string, string>(StringComparer.Ordinal);
        var database = DatabaseName.Parse(filled.Database);
        var scope = ScopeName.Parse(filled.Scope);
        var duration = Durations.Parse(filled.Duration?.Trim());
        if (database is null) faults[Database] = "Choose a database.";
        if (scope is null) faults[Scope] = "Choose what you need to do.";
        if (duration is null)
            faults[Duration] = "Not a length I can use. Lengths look like 45s, 30m, 2h, 1h30m or 1d, and access always ends.";
        if (string.IsNullOrWhiteSpace(filled.Reason)) faults[Reason] = "Say why you need it.";
        var (only, wrong) = SqlNames.Tables(filled.Only ?? "");
        if (wrong is not null) faults[Only] = $"Not a list of tables that I can read: it {wrong}.";
        else if (only.Count > TableMention.Most)
            faults[Only] = $"At most {TableMention.Most} tables; leave it empty for all that the access covers.";
        return (faults.Count == 0 ? WishOf(filled) : null, faults);
    }

    /// <summary>The field that a refusal is shown beside.</summary>
    public static string FieldOf(Error refusal) => refusal.Code switch
    {
        "policy.too_long" or "policy.too_short" or "request.too_far" => Duration,
        "policy.reason_too_short" or "policy.ticket" or "request.invalid" => Reason,
        "policy.unknown_database" => Database,
        "scope.not_narrowed" or "scope.not_in_scope" or "scope.which_schema" or "scope.no_such_table" => Only,
        _ when refusal.Code.StartsWith("directory.", StringComparison.Ordinal) => Database,
        _ => Scope,
    };

    private static FormOption Option(ScopeOffer offer)
    {
        // First, since what is too long is cut at the end.
        var owner = offer.RunAs is { } runAs ? $"Acts as the owner {runAs} · " : "";
        var description = $"{owner}{(offer.Description.Length > 0 ? offer.Description + " · " : "")}up to " +
            $"{Durations.Write(offer.Lifetime.Max)}{(offer.Approval is null ? "" : " · needs approval")}";
        return new FormOption(offer.Scope.Value, offer.HighRisk ? $"{offer.Scope} (high risk)" : offer.Scope.Value, description);
    }

    private static string Longest(DatabaseOffer database)
    {
        var longest = database.Scopes.Take(5).Select(offer => $"{Durations.Write(offer.Lifetime.Max)} for {offer.Scope}");
        return $"At most {string.Join(", ", longest)}.";
    }
}
