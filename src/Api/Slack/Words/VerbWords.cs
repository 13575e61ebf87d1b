using DbAccess.Application.Grants;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Words;

/// <summary>
/// The verbs that people type, each with how the words behind it are read. A word that is also the name of a database or scope is a verb
/// only where the rest fits the verb. Needs no directory and no user group: giving back must work when those do not. Pure.
/// </summary>
internal static class VerbWords
{
    private delegate Intent? Reader(BehindVerb rest, bool isName, PolicyNames names);

    private static readonly Dictionary<string, Reader> Verbs = new(StringComparer.Ordinal)
    {
        ["help"] = Help, ["?"] = Help, ["--help"] = Help, ["-h"] = Help,
        ["mine"] = (rest, _, names) => Said(rest.Words, names).Length == 0 ? new Intent.Mine() : null,
        ["list"] = List,
        ["done"] = Done,
        ["revoke"] = Revoke,
        ["approve"] = Decide("approve", "approve K7Q3-MD"), ["deny"] = Decide("deny", "deny K7Q3-MD not tonight"),
        ["cancel"] = Decide("cancel", "cancel K7Q3-MD"), ["extend"] = Decide("extend", "extend K7Q3-MD 30m"),
        ["why"] = LookWords.Why, ["show"] = LookWords.Show, ["history"] = LookWords.History, ["again"] = LookWords.Again,
    };

    /// <summary>What people say to machines that know other words.</summary>
    private static readonly Dictionary<string, string> Others = new(StringComparer.Ordinal)
    {
        ["status"] = "list", ["ls"] = "list", ["live"] = "list", ["who"] = "list", ["explain"] = "why",
        ["log"] = "history", ["my"] = "mine", ["me"] = "mine",
        ["grants"] = "mine", ["return"] = "done", ["stop"] = "done", ["end"] = "done", ["exit"] = "done", ["quit"] = "done",
        ["logout"] = "done", ["finish"] = "done", ["kill"] = "revoke", ["remove"] = "revoke", ["usage"] = "help", ["commands"] = "help",
    };

    // What people say to a machine behind a verb.
    private static readonly string[] Polite =
        ["pls", "plz", "thanks", "thank", "you", "thx", "now", "grant", "grants", "all", "everything"];

    /// <summary>Null when the line does not begin with a verb, or is a request all the same.</summary>
    /// <param name="text">As Slack sent it: mentions are still in their wrapping.</param>
    public static Intent? Read(string text, PolicyNames names, string team)
    {
        var (first, rest) = Typed.SplitFirst(text.Trim());
        var verb = Typed.Narrow(first).TrimEnd(',', '.', ';', ':', '!').ToLowerInvariant();
        return Verbs.TryGetValue(verb, out var read) ? read(new BehindVerb(rest, team), names.IsName(verb), names) : null;
    }

    /// <summary>Whether the line begins with a verb that gives back or ends access, as far as can be told at the door.</summary>
    public static bool Ends(string text) =>
        Typed.Narrow(Typed.SplitFirst(text.TrimStart()).First).TrimEnd(',', '.', ';', ':', '!').ToLowerInvariant()
            is "done" or "revoke" or "deny" or "cancel";

    /// <summary>The verb that a lone word was probably meant for; null when it is near none.</summary>
    public static string? Meant(string word) =>
        Others.GetValueOrDefault(word) ?? Show.Nearest(word, Verbs.Keys.Where(verb => char.IsAsciiLetter(verb[0])));

    private static Intent.Help? Help(BehindVerb rest, bool isName, PolicyNames names) => rest.Words.Length == 0 || !isName
        ? new Intent.Help() : null;

    /// <summary>A verb about one grant: its id, and what belongs to it.</summary>
    private static Reader Decide(string verb, string example) => (behind, isName, _) =>
    {
        var (typed, rest) = Typed.SplitFirst(behind.Words);
        if (Typed.Id(typed) is not { } id)
            return isName ? null : new Intent.Misread(
                $"Say which grant: `/db-access {example}`.{(typed.Length > 0 ? $" {Typed.Quoted(typed)} is not a grant id." : "")}");
        return verb switch
        {
            "deny" when rest.Length == 0 => new Intent.Misread($"Say why: `/db-access deny {id} <reason>`. Whoever asked reads it."),
            "extend" when rest.Length > 0 => LengthWords.At(Typed.Words(rest), 0).Length is { } length
                && Durations.Parse(length) is not null
                ? new Intent.Decide(verb, id, length)
                : new Intent.Misread($"{Typed.Quoted(rest)} is no length I can use. Lengths look like 15m, 30m or 1h."),
            _ => new Intent.Decide(verb, id, rest),
        };
    };

    private static Intent? List(BehindVerb behind, bool isName, PolicyNames names)
    {
        var rest = behind.Words;
        var named = Said(rest, names);
        if (named.Length == 0) return new Intent.List(null);
        // Without a policy nobody knows which names there are; the record may know grants of it all the same.
        if (named is [var one] && DatabaseName.Parse(one) is { } database && (names.Databases.Contains(database) || !names.Complete))
            return new Intent.List(database);
        return isName
            ? null : new Intent.Misread($"There is no database {Typed.Quoted(rest)}. `/db-access list` shows all that is live.");
    }

    private static Intent? Done(BehindVerb behind, bool isName, PolicyNames names)
    {
        var rest = behind.Words;
        if (rest.Equals("all", StringComparison.OrdinalIgnoreCase)) return new Intent.Done(null);
        if (Typed.Id(rest) is { } done) return new Intent.Done(done);
        // "all" and "everything" are no small talk here.
        var what = Said(rest, names, except: ["all", "everything"]);
        if (what is ["all" or "everything"] && !isName) return new Intent.Done(null);
        if (what is [var one] && Typed.Id(one) is { } finished) return new Intent.Done(finished);
        if (isName && rest.Length > 0) return null;
        return new Intent.Misread(rest.Length == 0
            ? "Say which grant you are done with: `/db-access done K7Q3-MD`, or `/db-access done all`. `/db-access mine` lists yours."
            : $"{Typed.Quoted(rest)} is not a grant id. They look like `K7Q3-MD`; `/db-access mine` lists yours.");
    }

    private static Intent? Revoke(BehindVerb behind, bool isName, PolicyNames names)
    {
        var (typed, why) = Typed.SplitFirst(Typed.Unwrap(behind.Raw, mentions: true).Trim());
        // A scope of that name on that database is more likely meant than everybody's end.
        if (Target(typed, behind.Team, names) is { } target && !(isName && target is RevokeTarget.Everybody))
            return why.Length == 0
                ? new Intent.Misread($"Say why: `/db-access revoke {target} <reason>`. The reason goes on the audit record.")
                : new Intent.Revoke(target, why);
        if (isName && behind.Words.Length > 0) return null;
        return new Intent.Misread(
            $"{(typed.Length == 0 ? "" : $"{Typed.Quoted(typed)} is no grant, person or database. ")}Say whose access and why: " +
                "`/db-access " +
            "revoke K7Q3-MD left the team`; instead of a grant's id also `@somebody`, a database, or `all`. `/db-access list` shows what " +
                "is " +
            "live.");
    }

    private static RevokeTarget? Target(string typed, string team, PolicyNames names)
    {
        if (Typed.Id(typed) is { } id) return new RevokeTarget.One(id);
        if (typed.StartsWith('@') && PrincipalId.Parse(team, typed[1..]) is { } person) return new RevokeTarget.Holder(person);

        var word = Typed.Bare(typed, names).Trim('`');
        if (DatabaseName.Parse(word) is { } database && names.Databases.Contains(database)) return new RevokeTarget.Everybody(database);
        return word is "all" ? new RevokeTarget.Everybody(null) : null;
    }

    /// <summary>The words that say something: without small words and politeness, unless they are names.</summary>
    private static string[] Said(string rest, PolicyNames names, params string[] except) =>
    [
        .. Typed.Words(rest).Select(word => Typed.Bare(word.Text, names).Trim('`'))
            .Where(word => word.Length > 0 && (names.IsName(word) || except.Contains(word, StringComparer.Ordinal)
                || !(Typed.IsFiller(word) || Polite.Contains(word, StringComparer.Ordinal)))),
    ];

    // Ids are copied from messages, where they stand as code.
}
