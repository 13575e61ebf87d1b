using DbAccess.Api.Slack.Payloads;
using DbAccess.Api.Slack.Words;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Approvals;
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
    public const string Keep = "preset";

    // Fifty names of usual length.
    private const int LongestOnly = 2_000;

    // The most a menu can hold, and the most that can be suggested; beyond it one searches.
    private const int MostOptions = 100;

    // What Slack takes as the value of an option.
    private const int LongestOption = 75;

    /// <summary>
    /// What the form shows of what was said: the first of what can be asked for where nothing was said, or something else.
    /// </summary>
    public static (DatabaseOffer Database, ScopeOffer Scope) Chosen(Offers offers, Draft draft)
    {
        var database = offers.Databases.FirstOrDefault(offer => offer.Database.Value == draft.Database) ?? offers.Databases[0];
        return (database, database.Scopes.FirstOrDefault(offer => offer.Scope.Value == draft.Scope) ?? database.Scopes[0]);
    }

    /// <summary>What a form that came back has in its fields, and what was said before it opened.</summary>
    public static Draft Filled(SlackView form) => BesidesIn(form.Context) with
    {
        Database = form.Fields[Database], Scope = form.Fields[Scope], Duration = form.Fields[Duration],
        Reason = form.Fields[Reason], Only = form.Fields[Only],
        Keep = form.Fields[Keep]?.Trim() is { Length: > 0 } name ? name : null,
    };

    /// <summary>What was filled in, after somebody changed one of the choices: what belonged to another database is left.</summary>
    public static Draft After(Draft filled, string? changed) =>
        changed is Database or null ? filled with { Scope = null, Duration = null, Only = null } : filled;

    /// <param name="channel">Where the answer goes; comes back with the form.</param>
    /// <param name="known">Null draws no preview.</param>
    public static ChatForm Draw(Offers offers, Draft draft, string? channel, FormPreviewed? known = null)
    {
        var (database, scope) = Chosen(offers, draft);
        // A form that silently shows something else than was asked for would be filed for something else.
        List<ChatPart> intro = [];
        if (draft.Database is { } askedFor && askedFor != database.Database.Value)
            intro.Add(new ChatPart.Text($"You cannot ask for {askedFor}. These are the databases that you can ask for."));
        else if (draft.Scope is { } wanted && wanted != scope.Scope.Value)
            intro.Add(new ChatPart.Text($"You cannot ask for {wanted} on {database.Database}. This is what you can ask for there."));

        intro.AddRange(Besides(draft));
        var length = Durations.Parse(draft.Duration) ?? scope.Lifetime.Default;
        if (length > scope.Lifetime.Max)
        {
            intro.Add(new ChatPart.Text($"{Durations.Write(length)} is too long for {scope.Scope} on {database.Database}: the longest is " +
                $"{Durations.Write(scope.Lifetime.Max)} (rule {scope.Rule})."));
            length = scope.Lifetime.Max;
        }

        return new ChatForm(Kind, "Request access", "Request", Context(draft, channel, database, scope), intro,
        [
            Databases(offers, database),
            new FormField.Choice(Scope, "Access", null, [.. database.Scopes.Take(MostOptions).Select(Option)], scope.Scope.Value,
                Redraws: true),
            Tables(draft.Only),
            // What is longer than its field Slack refuses, with the whole form.
            new FormField.Text(Duration, "How long", $"{Longest(database)} For example 45s, 30m, 2h or 1h30m.", Durations.Write(length),
                Multiline: false, MinLength: 2, MaxLength: 20),
            new FormField.Text(Reason, "Why", "What is broken, and what you are going to do. It goes on the audit record.", draft.Reason,
                Multiline: true, MinLength: 1, CreateGrant.LongestReason),
            // What is for emergencies is asked for anew each time.
            .. draft.BreakGlass is true ? (FormField[])[] : [Preset(draft.Keep)],
        ])
        {
            Outro = known is null ? [] : Preview(scope, length, known),
        };
    }

    /// <summary>What the choices come to, before anything is asked for.</summary>
    private static IReadOnlyList<ChatPart> Preview(ScopeOffer scope, TimeSpan length, FormPreviewed known)
    {
        var rules = scope.RunAs is { } runAs ? $"what the owner {runAs} may do"
            : string.Join("; ", scope.Privileges.Take(5)) + (scope.Privileges.Count > 5 ? "; …" : "");
        var gives = known.Gives ?? (rules.Length > 0 ? rules : scope.Scope.Value);
        var who = scope.Approval is { } approval
            ? $"{ApprovalErrors.Words(approval.Stages)} will be asked (rule {scope.Rule})."
            : $"Now, without approval (rule {scope.Rule}).";
        return
        [
            new ChatPart.Divider(),
            new ChatPart.Text($"You would get: {Replies.Untick(gives)}.\n{who}{(scope.HighRisk ? " High risk." : "")}"),
            new ChatPart.When($"{Durations.Write(length)} from now ends", known.Now + length),
        ];
    }

    /// <summary>
    /// Tables whose name has these characters, those that begin with them first, with or without their schema. It is asked for with every
    /// letter, of thousands: so they are gone through once, and nothing is sorted.
    /// </summary>
    /// <param name="names">In the order in which they are shown.</param>
    public static IReadOnlyList<FormOption> SuggestTables(IEnumerable<string> names, string typed)
    {
        var wanted = typed.Trim();
        var behindSchema = $".{wanted}";
        List<string> begin = [], others = [];
        foreach (var name in names)
        {
            if (name.Length > LongestOption || !name.Contains(wanted, StringComparison.OrdinalIgnoreCase)) continue;
            var begins = name.StartsWith(wanted, StringComparison.OrdinalIgnoreCase)
                || name.Contains(behindSchema, StringComparison.OrdinalIgnoreCase);
            if (begins) begin.Add(name);
            else if (others.Count < MostOptions) others.Add(name);
            if (begin.Count == MostOptions) break;
        }

        return [.. begin.Concat(others).Take(MostOptions).Select(name => new FormOption(name, name))];
    }

    /// <summary>Where the database cannot be looked at, one table can be named as it is typed.</summary>
    public static IReadOnlyList<FormOption> AsTyped(string typed) =>
        TableMention.ReadAll(typed) is { Wrong: null, Tables: [var table] } && table.ToString() is { Length: <= LongestOption } name
            ? [new FormOption(name, name)] : [];

    public static string? ChannelIn(string? context) => context?.Split('\n')[0] is { Length: > 0 } channel ? channel : null;

    /// <summary>What was chosen when the form was drawn; for looking up only, since whoever sends it is checked.</summary>
    public static (string? Database, string? Scope) ChosenIn(string? context) =>
        context?.Split('\n') is [_, var database, var scope, ..] ? (database, scope) : (null, null);

    /// <summary>Databases with these characters in their name, those that begin with them first.</summary>
    public static IReadOnlyList<FormOption> Suggest(Offers offers, string typed)
    {
        var wanted = typed.Trim();
        return
        [
            .. offers.Databases.Select(Option)
                .Where(option => option.Value.Contains(wanted, StringComparison.OrdinalIgnoreCase))
                .OrderBy(option => !option.Value.StartsWith(wanted, StringComparison.OrdinalIgnoreCase))
                .ThenBy(option => option.Value, StringComparer.Ordinal).Take(MostOptions),
        ];
    }

    /// <summary>
    /// Comes back with the form: the channel, what was chosen when it was drawn, and what was said that has no field of its own.
    /// </summary>
    private static string Context(Draft draft, string? channel, DatabaseOffer database, ScopeOffer scope)
    {
        var besides = Draft.Empty with { BreakGlass = draft.BreakGlass, StartsAt = draft.StartsAt, For = draft.For };
        var json = besides == Draft.Empty ? "" : DraftJson.Write(besides);
        return $"{channel}\n{database.Database}\n{scope.Scope}\n{json}";
    }

    /// <summary>What was said before it opened. Nothing of it is authority, and whoever changes it asks for something else.</summary>
    public static Draft BesidesIn(string? context) =>
        context?.Split('\n', 4) is [_, _, _, { Length: > 0 } json] ? DraftJson.Read(json) ?? Draft.Empty : Draft.Empty;

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
            || TableMention.ReadAll(draft.Only ?? "") is not ({ Count: <= TableMention.Most } only, null)) return null;
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
        var (only, wrong) = TableMention.ReadAll(filled.Only ?? "");
        if (wrong is not null) faults[Only] = $"Not a list of tables that I can read: it {wrong}.";
        else if (only.Count > TableMention.Most)
            faults[Only] = $"At most {TableMention.Most} tables; leave it empty for all that the access covers.";
        if (filled.Keep is { } name && PresetForm.Fault(name) is { } unfit) faults[Keep] = unfit;
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

    private static FormField Databases(Offers offers, DatabaseOffer chosen) => offers.Databases.Count <= MostOptions
        ? new FormField.Choice(
            Database, "Database", null, [.. offers.Databases.Select(Option)], chosen.Database.Value, Redraws: true)
        : new FormField.Search(
            Database, "Database", $"Type a part of the name: {offers.Databases.Count} can be asked for.", [Option(chosen)], Redraws: true);

    private static FormField Tables(string? typed)
    {
        const string hint = "Leave it empty for all that the access covers.";
        var (tables, wrong) = TableMention.ReadAll(typed ?? "");
        string[] names = [.. tables.Select(table => table.ToString()).Distinct(StringComparer.Ordinal)];
        // What cannot be shown as a choice must not be dropped: it would be asked for more than was typed.
        return wrong is null && names.Length <= TableMention.Most && names.All(name => name.Length <= LongestOption)
            ? new FormField.Search(Only, "Only these tables", $"{hint} Type a part of a name.",
                [.. names.Select(name => new FormOption(name, name))], Most: TableMention.Most, Optional: true, Redraws: true)
            : new FormField.Text(Only, "Only these tables", $"{hint} Names as SQL writes them: public.orders, public.items.", typed,
                Multiline: false, MinLength: 0, LongestOnly);
    }

    private static FormField.Text Preset(string? name) => new(Keep, "Keep as preset",
        "A name, if you ask for this often: one press on the app's Home tab then asks for the same, with this reason.", name,
        Multiline: false, MinLength: 0, Application.Presets.Preset.LongestName);

    private static FormOption Option(DatabaseOffer offer) => new(offer.Database.Value, offer.Database.Value);

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

/// <summary>What is known of a request while its form is open.</summary>
/// <param name="Gives">What the live database says; null when it did not say in time.</param>
internal sealed record FormPreviewed(DateTimeOffset Now, string? Gives);
