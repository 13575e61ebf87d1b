using System.Text.RegularExpressions;
using DbAccess.Application.Grants;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Slack.Words;

/// <summary>An error of PostgreSQL that somebody pasted.</summary>
/// <param name="Database">The database that was said before it; null when none was.</param>
/// <param name="Denied">What it is about; null when it only says that something was refused.</param>
/// <param name="Names">Words of it that may be a name, where that is not clear.</param>
/// <param name="Text">The line itself.</param>
internal sealed record PastedError(DatabaseName? Database, DeniedObject? Denied, IReadOnlyList<string> Names, string Text);

/// <summary>A pasted error that says that a privilege is missing. An error inside a reason is part of the reason. Pure.</summary>
internal static partial class ErrorWords
{
    private const int MostNames = 100;
    private const int LongestText = 300;

    // What is pasted behind that is no message any more.
    private const int MostLetters = 2_000;

    /// <summary>Null when it is no such error, or a request that only speaks of one.</summary>
    public static PastedError? Read(string typed, PolicyNames names)
    {
        var text = typed.Length > MostLetters ? typed[..MostLetters] : typed;
        var found = PostgresErrors.Find(text);
        var state = SqlState().Match(text);
        if (found is null && !state.Success) return null;

        // The keyword of the message stands before it, in whatever language: ERROR:, FEHLER:, 42501:.
        var start = Math.Min(found?.Start ?? state.Index, state.Success ? state.Index : int.MaxValue);
        if (Before(text[..start], names) is not (true, var database)) return null;

        var denied = found?.Denied;
        if (denied is not null && Verb().Match(text) is { Success: true, Value: var verb })
            denied = denied with { Wanted = Enum.Parse<Privilege>(verb, ignoreCase: true) };
        var quoted = Quoted().Matches(text).Select(match => match.Groups["name"].Value);
        var words = Word().Matches(text).Select(match => match.Value);
        var line = text[start..].Trim().Split('\n')[0].Trim();
        return new PastedError(
            database, denied, denied is not null ? [] : [.. quoted.Concat(words).Distinct(StringComparer.Ordinal).Take(MostNames)],
            Cut(line));
    }

    /// <summary>
    /// An error somewhere in what somebody else wrote, a person or a program: nothing around it is a request of whoever points at it.
    /// Null when there is none.
    /// </summary>
    public static PastedError? Find(string message, PolicyNames names)
    {
        // Errors stand in messages as code.
        var text = message.Replace('`', ' ');
        var start = Math.Min(
            PostgresErrors.Find(text)?.Start ?? text.Length, SqlState().Match(text) is { Success: true, Index: var at } ? at : text.Length);
        if (start == text.Length) return null;

        // From its line on: what stands before is read for the database only.
        var line = text.LastIndexOf('\n', Math.Max(start - 1, 0)) + 1;
        var about = Read(text[start..], names);
        return about is null ? null : about with
        {
            Database = Named(text[line..], names) ?? Named(text, names),
            Text = Cut(text[line..].Trim().Split('\n')[0].Trim()),
        };
    }

    private static DatabaseName? Named(string text, PolicyNames names) => Typed.Words(text)
        .Select(word => Typed.Bare(word.Text, names).TrimEnd('=', '>', '#', '-', '*')).FirstOrDefault(names.IsDatabase) is { } name
        ? DatabaseName.Parse(name) : null;

    private static string Cut(string line) => line.Length > LongestText ? line[..LongestText] : line;

    /// <summary>A database, and what programs print before their message; a request says a scope, a length or because.</summary>
    private static (bool IsPaste, DatabaseName? Database) Before(string text, PolicyNames names)
    {
        DatabaseName? database = null;
        var words = Typed.Words(text);
        for (var at = 0; at < words.Count; at++)
        {
            var word = Typed.Bare(words[at].Text, names);
            if (word is "because" || names.IsScope(word) || LengthWords.At(words, at).Length is not null) return (false, null);
            // A prompt of psql says where it was: orders=>
            word = word.TrimEnd('=', '>', '#', '-', '*');
            if (names.IsDatabase(word)) database ??= DatabaseName.Parse(word);
        }

        return (true, database);
    }

    [GeneratedRegex(@"\b42501\b|\binsufficient_privilege\b|\bInsufficientPrivilege\b", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex SqlState();

    [GeneratedRegex(@"\b(select|insert|update|delete|truncate)\b(?!\s*[""'»”])",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Verb();

    [GeneratedRegex("[\"«»„“”]\\s?(?<name>[^\"«»„“”\\r\\n]+?)\\s?[\"«»„“”]", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Quoted();

    [GeneratedRegex(@"[\p{L}_][\p{L}\p{N}_$]*", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Word();
}
