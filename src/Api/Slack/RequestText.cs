using System.Text;
using System.Text.RegularExpressions;
using DbAccess.Application.Grants;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Slack;

/// <summary>A request as far as it was said; what is null is still to be said.</summary>
internal sealed record Draft(string? Database, string? Scope, string? Duration, string? Reason)
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
    public sealed record File(DatabaseName Database, ScopeName Scope, TimeSpan Duration, string Reason) : Intent;

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
/// Reads what people type, in any order, as long as the words can be told apart: a database, a scope, a length, and a reason that runs to the
/// end. Pure; it knows the names there are, and never guesses a request: a near miss becomes a question.
/// </summary>
internal static partial class RequestText
{
    public static readonly IReadOnlyList<string> VerbsNotYet = ["extend", "cancel", "approve", "deny", "why"];

    private static readonly string[] Fillers = ["on", "for", "access", "to", "the", "@", "please", "database", "db", "as", "with"];
    private static readonly string[] Endless = ["forever", "endless", "always", "unlimited", "infinite", "infinity", "permanent", "∞"];

    /// <summary>Takes away what Slack puts around typed text: <c>&amp;amp;</c> and its kin, and the wrapping of mentions and links.</summary>
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
                _ => label is { Success: true, Length: > 0 } && !inner.Contains(label.Value, StringComparison.Ordinal) ? $"{label.Value} ({inner})" : inner,
            };
        });
        return plain.Replace("&lt;", "<", StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal).Replace("&amp;", "&", StringComparison.Ordinal);
    }

    public static Intent Read(string text, Offers offers)
    {
        var line = text.Trim();
        if (line.Length == 0) return new Intent.Form(Draft.Empty);

        var (first, rest) = SplitFirst(line);
        return ReadVerb(first.ToLowerInvariant(), rest, offers) ?? ReadRequest(line, offers);
    }

    /// <summary>The known name that was probably meant, or null: at most two letters off, and fewer than half of them.</summary>
    public static string? Nearest(string word, IEnumerable<string> names)
    {
        var best = names.Select(name => (Name: name, Distance: Distance(word.ToLowerInvariant(), name))).OrderBy(pair => pair.Distance).ThenBy(pair => pair.Name, StringComparer.Ordinal).FirstOrDefault();
        return best.Name is not null && best.Distance is > 0 and <= 2 && best.Distance * 2 < Math.Max(word.Length, 3) ? best.Name : null;
    }

    private static Intent? ReadVerb(string verb, string rest, Offers offers)
    {
        switch (verb)
        {
            case "help" or "?" or "--help" or "-h":
                return new Intent.Help();
            case "mine" when rest.Length == 0:
                return new Intent.Mine();
            case "list":
                if (rest.Length == 0) return new Intent.List(null);
                return DatabaseName.Parse(rest.ToLowerInvariant()) is { } database && offers.KnownDatabases.Contains(database)
                    ? new Intent.List(database)
                    : new Intent.Misread($"There is no database {Quoted(rest)}. `/db-access list` shows all that is live.");
            case "done":
                if (rest.Equals("all", StringComparison.OrdinalIgnoreCase)) return new Intent.Done(null);
                if (GrantId.Parse(rest) is { } done) return new Intent.Done(done);
                return new Intent.Misread(rest.Length == 0
                    ? "Say which grant you are done with: `/db-access done K7Q3-MD`, or `/db-access done all`. `/db-access mine` lists yours."
                    : $"{Quoted(rest)} is not a grant id. They look like `K7Q3-MD`; `/db-access mine` lists yours.");
            case "revoke":
                var (id, why) = SplitFirst(rest);
                if (GrantId.Parse(id) is not { } revoked) return new Intent.Misread("Say which grant and why: `/db-access revoke K7Q3-MD left the team`. `/db-access list` shows what is live.");
                return why.Length == 0 ? new Intent.Misread($"Say why: `/db-access revoke {revoked} <reason>`. The reason goes on the audit record.") : new Intent.Revoke(revoked, why);
            default:
                return VerbsNotYet.Contains(verb) && !IsName(verb, offers) ? new Intent.NotYet(verb) : null;
        }
    }

    private static Intent ReadRequest(string line, Offers offers)
    {
        var words = Words(line);
        var because = words.FindIndex(word => word.Text.Equals("because", StringComparison.OrdinalIgnoreCase));
        string? database = null, scope = null, duration = null, reason = null;
        var misspelt = new List<(string Typed, string Meant)>();

        for (var i = 0; i < words.Count; i++)
        {
            var word = words[i].Text.Trim(',', '"', '\'', '`', '“', '”', '‘', '’').TrimStart('@').ToLowerInvariant();
            if (i == because)
            {
                reason = line[words[i].End..].Trim();
                break;
            }

            // All that can be said apart is said: the rest is the reason.
            if (database is not null && scope is not null && duration is not null)
            {
                reason = line[words[i].Start..].Trim();
                break;
            }

            if (word.Length == 0 || Fillers.Contains(word, StringComparer.Ordinal)) continue;
            if (scope is null && offers.KnownScopes.Any(name => name.Value == word))
            {
                scope = word;
            }
            else if (database is null && offers.KnownDatabases.Any(name => name.Value == word))
            {
                database = word;
            }
            else if (duration is null && Durations.LooksLike(word))
            {
                if (Durations.Parse(word) is null) return BadLength(words[i].Text);
                duration = word;
            }
            else if (duration is null && Endless.Contains(word, StringComparer.Ordinal))
            {
                return new Intent.Misread("Access always ends: give a length such as 30m, 2h or 1d.");
            }
            else if (duration is null && NearlyLength().IsMatch(word))
            {
                return BadLength(words[i].Text);
            }
            else if (database is null && Nearest(word, offers.Databases.Select(offer => offer.Database.Value)) is { } meantDatabase)
            {
                misspelt.Add((word, meantDatabase));
                database = meantDatabase;
            }
            else if (scope is null && Nearest(word, offers.Databases.SelectMany(offer => offer.Scopes).Select(offer => offer.Scope.Value).Distinct(StringComparer.Ordinal)) is { } meantScope)
            {
                misspelt.Add((word, meantScope));
                scope = meantScope;
            }
            else if (IsUnknownName(words, i, because, offers))
            {
                return UnknownName(words[i].Text, database, scope, offers);
            }
            else
            {
                reason = line[words[i].Start..].Trim();
                break;
            }
        }

        if (reason is { Length: 0 }) reason = null;
        var draft = new Draft(database, scope, duration, reason);
        if (misspelt.Count > 0)
        {
            var meant = string.Join(" and ", misspelt.Select(pair => $"`{pair.Meant}` (you typed {Quoted(pair.Typed)})"));
            return new Intent.Misread($"Did you mean {meant}? Nothing was filed yet.", draft);
        }

        return database is not null && scope is not null && duration is not null && reason is not null
            ? new Intent.File(DatabaseName.Parse(database)!, ScopeName.Parse(scope)!, Durations.Parse(duration)!.Value, reason)
            : new Intent.Form(draft);
    }

    // A word that stands before "because", or before a word that is known, was meant as a name, not as the start of a reason.
    private static bool IsUnknownName(List<Word> words, int at, int because, Offers offers) =>
        because > at || words.Skip(at + 1).Take(6).Any(word => IsName(word.Text.ToLowerInvariant(), offers) || Durations.LooksLike(word.Text));

    private static Intent.Misread UnknownName(string typed, string? database, string? scope, Offers offers)
    {
        if (database is null)
        {
            var names = offers.Databases.Select(offer => offer.Database.Value).ToList();
            return new Intent.Misread($"I know no database or scope called {Quoted(typed)}. {(names.Count == 0 ? "There is nothing you can ask for here." : $"Databases you can ask for: {List(names)}.")} `/db-access` alone opens a form.");
        }

        var scopes = offers.Databases.FirstOrDefault(offer => offer.Database.Value == database)?.Scopes.Select(offer => offer.Scope.Value).ToList() ?? [];
        return scope is null
            ? new Intent.Misread($"I know no scope called {Quoted(typed)}. {(scopes.Count == 0 ? $"There is nothing on {database} that you can ask for." : $"On {database} you can ask for: {List(scopes)}.")}")
            : new Intent.Misread($"I do not understand {Quoted(typed)}. Give a length such as 30m, 2h or 1d, then the reason: `/db-access {database} {scope} 30m because …`.");
    }

    private static Intent.Misread BadLength(string typed) =>
        new($"{Quoted(typed)} is not a length I can use. Lengths look like 45s, 30m, 2h, 1h30m or 1d.");

    private static bool IsName(string word, Offers offers) =>
        offers.KnownDatabases.Any(name => name.Value == word) || offers.KnownScopes.Any(name => name.Value == word);

    private static string Quoted(string typed) => $"\"{(typed.Length > 60 ? typed[..60] + "…" : typed)}\"";

    private static string List(IReadOnlyList<string> names) => string.Join(", ", names.Take(15)) + (names.Count > 15 ? ", …" : "");

    private static (string First, string Others) SplitFirst(string line)
    {
        var space = line.AsSpan().IndexOfAny(" \t\r\n");
        return space < 0 ? (line, "") : (line[..space], line[space..].Trim());
    }

    private static List<Word> Words(string line)
    {
        var words = new List<Word>();
        for (var i = 0; i < line.Length;)
        {
            while (i < line.Length && char.IsWhiteSpace(line[i])) i++;
            var start = i;
            while (i < line.Length && !char.IsWhiteSpace(line[i])) i++;
            if (i > start) words.Add(new Word(line[start..i].Normalize(NormalizationForm.FormKC), start, i));
        }

        return words;
    }

    private static int Distance(string a, string b)
    {
        // Optimal string alignment: insert, delete, replace, swap neighbours.
        var table = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) table[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) table[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = a[i - 1] == b[j - 1] ? 0 : 1;
                table[i, j] = Math.Min(Math.Min(table[i - 1, j] + 1, table[i, j - 1] + 1), table[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) table[i, j] = Math.Min(table[i, j], table[i - 2, j - 2] + 1);
            }
        }

        return table[a.Length, b.Length];
    }

    private sealed record Word(string Text, int Start, int End);

    [GeneratedRegex(@"<(?<inner>[@#!]?[^<>|]+)(?:\|(?<label>[^<>]*))?>", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Wrapped();

    // Something with a digit first (or a sign before it) where a length is expected: 2w, -5m, 1.5h, 10x.
    [GeneratedRegex(@"^[+-]?\d+([.,]\d+)?[\p{L}]{0,12}$", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NearlyLength();
}
