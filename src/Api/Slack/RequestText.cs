using System.Text.RegularExpressions;
using DbAccess.Application.Grants;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Slack;

/// <summary>A request as far as it was said; what is null is still to be said.</summary>
/// <param name="Only">The tables that it is to be narrowed to, as they are typed; null for the whole scope.</param>
internal sealed record Draft(string? Database, string? Scope, string? Duration, string? Reason, string? Only = null)
{
    public static readonly Draft Empty = new(null, null, null, null);
}

/// <summary>What somebody meant.</summary>
internal abstract record Intent
{
    private Intent()
    {
    }

    /// <summary>Everything is said: file it.</summary>
    public sealed record File(DatabaseName Database, ScopeName Scope, TimeSpan Duration, string Reason) : Intent
    {
        /// <summary>The tables that it is to be narrowed to; empty for the whole scope.</summary>
        public IReadOnlyList<TableMention> Only { get; init; } = [];
    }

    /// <summary>Something is missing: show the form with what was said.</summary>
    public sealed record Form(Draft Draft) : Intent;

    /// <summary>It could not be understood; <paramref name="Suggestion"/> is what was probably meant.</summary>
    public sealed record Misread(string Why, Draft? Suggestion = null) : Intent;

    public sealed record Mine : Intent;

    public sealed record List(DatabaseName? Database) : Intent;

    /// <summary>Give one grant back, or all (null).</summary>
    public sealed record Done(GrantId? Id) : Intent;

    public sealed record Revoke(GrantId Id, string Why) : Intent;

    public sealed record Help : Intent;

    /// <summary>A verb of the contract that is not built yet.</summary>
    public sealed record NotYet(string Verb) : Intent;
}

/// <summary>
/// Reads what people type, in any order, as long as the words can be told apart: a database, a scope, a length, <c>only</c> with some
/// tables, and a reason that runs to the end. Pure; it knows the names there are, and never guesses a request: a near miss becomes a
/// question.
/// </summary>
internal static partial class RequestText
{
    public static readonly IReadOnlyList<string> VerbsNotYet = ["extend", "cancel", "approve", "deny", "why"];

    private static readonly string[] Fillers =
        ["on", "for", "access", "to", "the", "@", "please", "database", "db", "as", "with", "i", "we", "need", "want", "give", "get", "me",
            "us", "a", "an", "in", "of", "and", "my", "scope"];
    // What people say to a machine behind a verb.
    private static readonly string[] Polite =
        ["pls", "plz", "thanks", "thank", "you", "thx", "now", "grant", "grants", "all", "everything"];

    // What stands around a word: quotation marks, and what copying from a page leaves behind unseen.
    private const string Around = ",\"'`“”‘’\u200b\u2060\ufeff";
    private const string Behind = ".;:!";
    private const string Dashes = "-–—:,;.";
    private static readonly string[] Endless = ["forever", "endless", "always", "unlimited", "infinite", "infinity", "permanent", "∞"];

    /// <summary>
    /// Takes away what Slack puts around typed text: <c>&amp;amp;</c> and its kin, and the wrapping of mentions and links.
    /// </summary>
    public static string Unwrap(string text)
    {
        var plain = Wrapped().Replace(text, match =>
        {
            var (inner, label) = (match.Groups["inner"].Value, match.Groups["label"]);
            return inner switch
            {
                ['@', ..] => label is { Success: true, Length: > 0 } ? "@" + label.Value : inner,
                ['#', ..] => label is { Success: true, Length: > 0 } ? "#" + label.Value : inner,
                ['!', ..] => label is { Success: true, Length: > 0 } ? label.Value : "@" + inner[1..],
                // A table that looks like a host (app.events): Slack made a link of it that nobody typed.
                _ when label.Success && inner.TrimEnd('/') is ['h', 't', 't', 'p', ':', '/', '/', .. var host] && host == label.Value =>
                    label.Value,
                _ => label is { Success: true, Length: > 0 } && !inner.Contains(label.Value, StringComparison.Ordinal)
                    ? $"{label.Value} ({inner})" : inner,
            };
        });
        return plain.Replace("&lt;", "<", StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal)
            .Replace("&amp;", "&", StringComparison.Ordinal);
    }

    /// <summary>
    /// Full-width letters and digits as plain ones. Not String.Normalize: without a culture library, as we run, it changes nothing.
    /// </summary>
    public static string Narrow(string text) =>
        string.Create(text.Length, text, (letters, from) =>
        {
            for (var i = 0; i < letters.Length; i++)
                letters[i] = from[i] is >= '\uff01' and <= '\uff5e' ? (char)(from[i] - 0xfee0) : from[i];
        });

    public static Intent Read(string text, Offers offers)
    {
        var line = text.Trim();
        if (line.Length == 0) return new Intent.Form(Draft.Empty);

        var (first, rest) = SplitFirst(line);
        return ReadVerb(Narrow(first).TrimEnd(',', '.', ';', ':', '!').ToLowerInvariant(), rest, offers) ?? ReadRequest(line, offers);
    }

    // Words that are also the name of a database or scope are verbs only where the rest fits the verb.
    private static Intent? ReadVerb(string verb, string rest, Offers offers)
    {
        var isName = IsName(verb, offers);
        switch (verb)
        {
            case "help" or "?" or "--help" or "-h" when rest.Length == 0 || !isName:
                return new Intent.Help();
            case "mine" when Said(rest, offers).Length == 0:
                return new Intent.Mine();
            case "list":
                var named = Said(rest, offers);
                if (named.Length == 0) return new Intent.List(null);
                if (named is [var one] && DatabaseName.Parse(one) is { } database && offers.KnownDatabases.Contains(database))
                    return new Intent.List(database);
                return isName
                    ? null : new Intent.Misread($"There is no database {Quoted(rest)}. `/db-access list` shows all that is live.");
            case "done":
                if (rest.Equals("all", StringComparison.OrdinalIgnoreCase)) return new Intent.Done(null);
                if (ReadId(rest) is { } done) return new Intent.Done(done);
                // "all" and "everything" are no small talk here.
                var what = Said(rest, offers, except: ["all", "everything"]);
                if (what is ["all" or "everything"] && !isName) return new Intent.Done(null);
                if (what is [var id1] && ReadId(id1) is { } finished) return new Intent.Done(finished);
                if (isName && rest.Length > 0) return null;
                return new Intent.Misread(rest.Length == 0
                    ? "Say which grant you are done with: `/db-access done K7Q3-MD`, or `/db-access done all`. `/db-access mine` lists " +
                        "yours."
                    : $"{Quoted(rest)} is not a grant id. They look like `K7Q3-MD`; `/db-access mine` lists yours.");
            case "revoke":
                var (id, why) = SplitFirst(rest);
                if (ReadId(id) is { } revoked)
                    return why.Length == 0
                        ? new Intent.Misread($"Say why: `/db-access revoke {revoked} <reason>`. The reason goes on the audit record.")
                        : new Intent.Revoke(revoked, why);
                return isName && rest.Length > 0
                    ? null
                    : new Intent.Misread(
                        "Say which grant and why: `/db-access revoke K7Q3-MD left the team`. `/db-access list` shows what is live.");
            default:
                return VerbsNotYet.Contains(verb) && !isName ? new Intent.NotYet(verb) : null;
        }
    }

    /// <summary>The words that say something: without small words and politeness, unless they are names.</summary>
    private static string[] Said(string rest, Offers offers, params string[] except) =>
    [
        .. Words(rest).Select(word => Bare(word.Text, offers).Trim('`'))
            .Where(word => word.Length > 0 && (IsName(word, offers) || except.Contains(word, StringComparer.Ordinal)
                || !(IsFiller(word) || Polite.Contains(word, StringComparer.Ordinal)))),
    ];

    public static bool IsFiller(string word) => Fillers.Contains(word, StringComparer.Ordinal);

    // Ids are copied from messages, where they stand as code.
    private static GrantId? ReadId(string typed) => GrantId.Parse(Narrow(typed).Trim('`', '"', ' '));

    private static Intent ReadRequest(string line, Offers offers)
    {
        var words = Words(line);
        var because = Because(words);
        string? database = null, scope = null, duration = null, reason = null;
        IReadOnlyList<TableMention> only = [];
        var misspelt = new List<(string Typed, string Meant)>();
        // Where the run of small words began that stands before the word at hand: it is part of the reason if that is.
        int? small = null;

        for (var i = 0; i < words.Count; i++)
        {
            var word = Bare(words[i].Text, offers);
            if (i == because)
            {
                reason = From(line, words[i].End);
                break;
            }

            if (word is "only" && only.Count == 0 && !IsName(word, offers))
            {
                var (tables, end, question) = OnlyWords.Read(line, words[i].End, because > i, name =>
                    IsFiller(name) || (scope is null && offers.KnownScopes.Any(known => known.Value == name))
                        || (database is null && offers.KnownDatabases.Any(known => known.Value == name)));
                if (question is not null) return new Intent.Misread(question);

                // The list may have ended inside a word (public.orders,30m), so the rest is parted anew.
                only = tables;
                words = Words(line, end);
                (because, i, small) = (Because(words), -1, null);
                continue;
            }

            // All that can be said apart is said: the rest is the reason.
            if (database is not null && scope is not null && duration is not null)
            {
                reason = From(line, words[i].Start);
                break;
            }

            if (word.Length == 0 || word.All(letter => Dashes.Contains(letter, StringComparison.Ordinal))
                || (IsFiller(word) && !IsName(word, offers)))
            {
                small ??= words[i].Start;
                continue;
            }

            var isScope = offers.KnownScopes.Any(name => name.Value == word);
            var isDatabase = offers.KnownDatabases.Any(name => name.Value == word);
            if (isScope && isDatabase)
            {
                // One name for both: it is what the other words do not say. People say the database first.
                var others = words.Skip(i + 1).Take((because < 0 ? words.Count : because) - i - 1).Select(other => Bare(other.Text, offers))
                    .ToList();
                isDatabase = database is null
                    && (scope is not null || !others.Any(other => other != word && offers.KnownDatabases.Any(name => name.Value == other)));
                isScope = !isDatabase;
            }

            if (scope is null && isScope)
            {
                scope = word;
            }
            else if (database is null && isDatabase)
            {
                database = word;
            }
            else if (duration is null && LengthAt(words, i) is var (length, taken) && length is not null)
            {
                if (Durations.Parse(length) is null) return BadLength(words[i].Text);
                duration = length;
                i += taken - 1;
            }
            else if (duration is null && Endless.Contains(word, StringComparer.Ordinal))
            {
                return new Intent.Misread("Access always ends: give a length such as 30m, 2h or 1d.");
            }
            else if (duration is null && NearlyLength().IsMatch(word))
            {
                return BadLength(words[i].Text);
            }
            else if (database is null && Show.Nearest(word, offers.Databases.Select(offer => offer.Database.Value)) is { } meantDatabase)
            {
                misspelt.Add((word, meantDatabase));
                database = meantDatabase;
            }
            else if (scope is null
                && Show.Nearest(word, offers.Databases.SelectMany(offer => offer.Scopes).Select(offer => offer.Scope.Value)
                .Distinct(StringComparer.Ordinal)) is { } meantScope)
            {
                misspelt.Add((word, meantScope));
                scope = meantScope;
            }
            else if (IsUnknownName(words, i, because, database, scope, duration, offers))
            {
                return UnknownName(words[i].Text, database, scope, offers);
            }
            else
            {
                reason = From(line, small ?? words[i].Start);
                break;
            }

            small = null;
        }

        if (reason is { Length: 0 }) reason = null;
        var draft = new Draft(database, scope, duration, reason, only.Count == 0 ? null : string.Join(", ", only));
        // A button holds a draft or it does not; one without the tables would ask for more than was said.
        if (only.Count > 0 && DraftJson.Write(draft with { Reason = null }).Length > Replies.LongestDraft)
            return new Intent.Misread(
                "The names of these tables are too long for a typed request. `/db-access` alone opens a form that takes them. Nothing " +
                "was filed yet.");
        if (misspelt.Count > 0)
        {
            var meant = string.Join(" and ", misspelt.Select(pair => $"`{pair.Meant}` (you typed {Quoted(pair.Typed)})"));
            return new Intent.Misread($"Did you mean {meant}? Nothing was filed yet.", draft);
        }

        return database is not null && scope is not null && duration is not null && reason is not null
            ? new Intent.File(
                DatabaseName.Parse(database)!, ScopeName.Parse(scope)!, Durations.Parse(duration)!.Value, reason) { Only = only }
            : new Intent.Form(draft);
    }

    private static int Because(List<Word> words) =>
        words.FindIndex(word => word.Text.TrimEnd(':', ',').Equals("because", StringComparison.OrdinalIgnoreCase));

    /// <summary>A reason as it was typed, without the dash or colon that only led up to it.</summary>
    private static string From(string line, int start)
    {
        var reason = line[start..].Trim();
        var (first, rest) = SplitFirst(reason);
        if (first.Length is 1 or 2 && first.All(letter => Dashes.Contains(letter, StringComparison.Ordinal))) return rest;
        return reason.Length > 0 && reason[0] is ':' or ',' ? reason[1..].TrimStart() : reason;
    }

    private static string Bare(string typed, Offers offers)
    {
        var word = typed.Trim([.. Around]).TrimStart('@').ToLowerInvariant();
        // A name may hold a dot, and may even end in one.
        return IsName(word, offers) || word.All(letter => Behind.Contains(letter, StringComparison.Ordinal))
            ? word : word.TrimEnd([.. Behind]);
    }

    /// <summary>
    /// A length that begins at this word, written the short way, and how many words it takes: <c>30m</c>, <c>30min</c>, <c>30 minutes</c>,
    /// <c>1h 30m</c>.
    /// </summary>
    private static (string? Length, int Taken) LengthAt(List<Word> words, int at)
    {
        var (length, unit, taken) = PartAt(words, at);
        if (length is null) return (null, 0);

        // "1h 30m" is one length, not a length and a reason; "2h 1d" is not.
        while (unit is not null && at + taken < words.Count && PartAt(words, at + taken) is { Length: { } more, Unit: { } smaller } part
            && Units.IndexOf(smaller, StringComparison.Ordinal) > Units.IndexOf(unit.Value, StringComparison.Ordinal))
        {
            (length, unit, taken) = (length + more, smaller, taken + part.Taken);
        }

        return (length, taken);
    }

    private const string Units = "dhms";

    private static (string? Length, char? Unit, int Taken) PartAt(List<Word> words, int at)
    {
        var word = words[at].Text.Trim([.. Around]).TrimEnd([.. Behind]).ToLowerInvariant();
        if (Durations.LooksLike(word)) return (word, word[^1], 1);
        if (Amount().Match(word) is { Success: true } amount)
            return (amount.Groups["n"].Value + amount.Groups["unit"].Value[0], amount.Groups["unit"].Value[0], 1);
        if (word.Length > 9 || !word.All(char.IsAsciiDigit) || at + 1 == words.Count) return (null, null, 0);

        var next = words[at + 1].Text.Trim([.. Around]).TrimEnd([.. Behind]).ToLowerInvariant();
        return UnitWord().IsMatch(next) ? (word + next[0], next[0], 2) : (null, null, 0);
    }

    // A word that stands before "because", or before a name or length that is still to be said, was meant as a name, not as the start of a
    // reason.
    private static bool IsUnknownName(
            List<Word> words, int at, int because, string? database, string? scope, string? duration, Offers offers) =>
        because > at || words.Skip(at + 1).Take(6).Select((word, i) => (Text: Bare(word.Text, offers), At: at + 1 + i)).Any(next =>
            (database is null && offers.KnownDatabases.Any(name => name.Value == next.Text))
            || (scope is null && offers.KnownScopes.Any(name => name.Value == next.Text))
            || (duration is null && LengthAt(words, next.At).Length is not null));

    private static Intent.Misread UnknownName(string typed, string? database, string? scope, Offers offers)
    {
        if (database is null)
        {
            var names = offers.Databases.Select(offer => offer.Database.Value).ToList();
            return new Intent.Misread(
                $"I know no database or scope called {Quoted(typed)}. " +
                $"{(names.Count == 0 ? "There is nothing you can ask for here." : $"Databases you can ask for: {List(names)}.")} " +
                "`/db-access` alone opens a form.");
        }

        var scopes = offers.Databases.FirstOrDefault(offer => offer.Database.Value == database)?.Scopes.Select(offer => offer.Scope.Value)
            .ToList() ?? [];
        return scope is null
            ? new Intent.Misread(
                $"I know no scope called {Quoted(typed)}. " +
                $"{(scopes.Count == 0 ? $"There is nothing on {database} that you can ask for." : $"On {database} you can ask for: {List(scopes)}.")}")
            : new Intent.Misread(
                $"I do not understand {Quoted(typed)}. Give a length such as 30m, 2h or 1d, then the reason: `/db-access {database} " +
                $"{scope} 30m because …`.");
    }

    private static Intent.Misread BadLength(string typed) =>
        new($"{Quoted(typed)} is not a length I can use. Lengths look like 45s, 30m, 2h, 1h30m or 1d.");

    private static bool IsName(string word, Offers offers) =>
        offers.KnownDatabases.Any(name => name.Value == word) || offers.KnownScopes.Any(name => name.Value == word);

    // A back-tick of theirs would pair up with one of ours.
    public static string Quoted(string typed)
    {
        var shown = typed.Replace('`', '\'');
        return $"\"{(shown.Length > 60 ? shown[..(char.IsHighSurrogate(shown[59]) ? 59 : 60)] + "…" : shown)}\"";
    }

    private static string List(IReadOnlyList<string> names) => string.Join(", ", names.Take(15)) + (names.Count > 15 ? ", …" : "");

    private static (string First, string Others) SplitFirst(string line)
    {
        var space = 0;
        while (space < line.Length && !char.IsWhiteSpace(line[space])) space++;
        return (line[..space], line[space..].Trim());
    }

    private static List<Word> Words(string line, int start = 0)
    {
        var words = new List<Word>();
        for (var i = start; i < line.Length;)
        {
            while (i < line.Length && char.IsWhiteSpace(line[i])) i++;
            var from = i;
            while (i < line.Length && !char.IsWhiteSpace(line[i])) i++;
            if (i > from) words.Add(new Word(Narrow(line[from..i]), from, i));
        }

        return words;
    }

    private sealed record Word(string Text, int Start, int End);

    [GeneratedRegex(@"<(?<inner>[@#!]?[^<>|]+)(?:\|(?<label>[^<>]*))?>", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Wrapped();

    // Something with a digit first (or a sign before it) where a length is expected: 2w, -5m, 1.5h, 10x.
    [GeneratedRegex(@"^[+-]?\d+([.,]\d+)?[\p{L}]{0,12}$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NearlyLength();

    [GeneratedRegex(@"^(?<n>[0-9]{1,9})(?<unit>d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)$",
        RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Amount();

    [GeneratedRegex(
        "^(d|days?|h|hrs?|hours?|m|mins?|minutes?|s|secs?|seconds?)$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex UnitWord();
}
