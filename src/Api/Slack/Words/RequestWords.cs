using DbAccess.Application.Grants;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Slack.Words;

/// <summary>
/// Reads a request as people type it, in any order, as long as the words can be told apart: a database, a scope, a length, <c>only</c> with
/// some tables, when it begins or ends, for whom, <c>break-glass</c>, and a reason that runs to the end. Pure; it knows the names there
/// are, and never guesses a request: a near miss becomes a question.
/// </summary>
internal sealed partial class RequestWords
{
    private readonly Offers _offers;
    private readonly List<(string Typed, string Meant)> _misspelt = [];
    private string _line;
    private List<Word> _words;
    private int _because;
    private string? _database, _scope, _duration, _reason;
    private IReadOnlyList<TableMention> _only = [];

    private RequestWords(string line, Offers offers, DateTimeOffset now, IReadOnlyList<(string Shown, string User)> mentions)
    {
        (_line, _offers, _now, _mentions) = (line, offers, now, mentions);
        _words = Typed.Words(line);
        _because = Because();
    }

    private PolicyNames Names => _offers.Names;

    /// <param name="now">For times of day, which are read by the clock of whoever asks.</param>
    /// <param name="mentions">The people whom Slack says are mentioned, as the text shows them.</param>
    public static Intent Read(
        string text, Offers offers, DateTimeOffset now, IReadOnlyList<(string Shown, string User)>? mentions = null)
    {
        var line = text.Trim();
        if (line.Length == 0) return new Intent.Form(Draft.Empty);

        var reading = new RequestWords(line, offers, now, mentions ?? []);
        return reading.LoneWord() ?? reading.Words() ?? reading.Close();
    }

    /// <summary>One word that is no name says nothing about a request: a form filled with it would be no answer.</summary>
    private Intent.Misread? LoneWord()
    {
        if (_words is not [var one]) return null;
        var word = Typed.Bare(one.Text, Names).Trim('`', '?');
        if (word.Length == 0 || Names.IsName(word) || Typed.IsDash(word) || LengthWords.At(_words, 0).Length is not null
            || LengthWords.IsNearly(word) || LengthWords.IsEndless(word) || word is "because" or "only" or "break-glass" or "breakglass"
            || NearestName(word) is not null) return null;

        var meant = VerbWords.Meant(word) is { } verb ? $"Did you mean `/db-access {verb}`? " : "";
        return new Intent.Misread(
            $"I do not know {Typed.Quoted(one.Text)}. {meant}`/db-access help` shows what I understand, `/db-access` alone opens the " +
                "form.") { Small = true };
    }

    private string? NearestName(string word) => Show.Nearest(word, OfferedDatabases()) ?? Show.Nearest(word, OfferedScopes());

    /// <summary>Goes through the words up to the reason. Null when all of them could be read.</summary>
    private Intent.Misread? Words()
    {
        // Where the run of small words began that stands before the word at hand: it is part of the reason if that is.
        int? small = null;
        for (var at = 0; at < _words.Count;)
        {
            var word = Typed.Bare(_words[at].Text, Names);
            if (at == _because) return Reason(_words[at].End, set: true);
            if (word is "only" && _only.Count == 0 && !Names.IsName(word))
            {
                if (Tables(at) is { } question) return question;
                (at, small) = (0, null);
                continue;
            }

            var (aside, wrong) = Aside(at, word);
            if (wrong is not null) return wrong;
            if (aside > 0)
            {
                (at, small) = (at + aside, null);
                continue;
            }

            // All that can be said apart is said: the rest is the reason.
            if (_database is not null && _scope is not null && HasLength) return Reason(_words[at].Start);
            if (word.Length == 0 || Typed.IsDash(word) || (Typed.IsFiller(word) && !Names.IsName(word)))
            {
                small ??= _words[at].Start;
                at++;
                continue;
            }

            var (taken, misread) = Take(at, word);
            if (misread is not null) return misread;
            if (taken == 0) return Reason(small ?? _words[at].Start);
            (at, small) = (at + taken, null);
        }

        return null;
    }

    /// <summary>A name or a length, well or nearly well written. None taken: the reason begins here, or there is a question.</summary>
    private (int Taken, Intent.Misread? Question) Take(int at, string word)
    {
        if (Name(at, word)) return (1, null);
        if (!HasLength && LengthWords.At(_words, at) is var (length, taken) && length is not null)
        {
            if (Durations.Parse(length) is null) return (0, RequestQuestions.BadLength(_words[at].Text));
            _duration = length;
            return (taken, null);
        }

        if (BareNumber(at)) return (1, null);
        if (NoLength(at, word) is { } question) return (0, question);
        if (Misspelt(word)) return (1, null);
        return (0, IsUnknownName(at) ? RequestQuestions.UnknownName(_words[at].Text, _database, _scope, _offers) : null);
    }

    private Intent.Misread? Reason(int start, bool set = false)
    {
        _isSet = set;
        _reason = Typed.ReasonFrom(_line, start);
        return null;
    }

    private Intent.Misread? Tables(int at)
    {
        var (tables, end, question) = OnlyWords.Read(_line, _words[at].End, _because > at, name =>
            Typed.IsFiller(name) || name is "at" or "until" or "till" or "tomorrow"
            || (_scope is null && Names.IsScope(name)) || (_database is null && Names.IsDatabase(name)));
        if (question is not null) return new Intent.Misread(question);

        // The list may have ended inside a word (public.orders,30m), so the rest is parted anew.
        _only = tables;
        _words = Typed.Words(_line, end);
        _because = Because();
        return null;
    }

    private bool Name(int at, string word)
    {
        var (isScope, isDatabase) = (Names.IsScope(word), Names.IsDatabase(word));
        if (isScope && isDatabase)
        {
            // One name for both: it is what the other words do not say. People say the database first.
            var others = _words.Skip(at + 1).Take((_because < 0 ? _words.Count : _because) - at - 1)
                .Select(other => Typed.Bare(other.Text, Names));
            isDatabase = _database is null && (_scope is not null || !others.Any(other => other != word && Names.IsDatabase(other)));
            isScope = !isDatabase;
        }

        if (_scope is null && isScope) _scope = word;
        else if (_database is null && isDatabase) _database = word;
        else return false;
        return true;
    }

    private Intent.Misread? NoLength(int at, string word)
    {
        if (HasLength) return null;
        if (LengthWords.IsEndless(word)) return new Intent.Misread("Access always ends: give a length such as 30m, 2h or 1d.");
        return LengthWords.IsNearly(word) ? RequestQuestions.BadLength(_words[at].Text) : null;
    }

    private bool Misspelt(string word)
    {
        if (_database is null && Show.Nearest(word, OfferedDatabases()) is { } database) _database = Meant(word, database);
        else if (_scope is null && Show.Nearest(word, OfferedScopes()) is { } scope) _scope = Meant(word, scope);
        else return false;
        return true;
    }

    private string Meant(string typed, string meant)
    {
        _misspelt.Add((typed, meant));
        return meant;
    }

    // A word that stands before "because", or before a name or length that is still to be said, was meant as a name, not as the start of a
    // reason.
    private bool IsUnknownName(int at) =>
        _because > at || Enumerable.Range(at + 1, Math.Min(6, _words.Count - at - 1)).Any(next =>
            Typed.Bare(_words[next].Text, Names) is var word
            && ((_database is null && Names.IsDatabase(word)) || (_scope is null && Names.IsScope(word))
                || (!HasLength && LengthWords.At(_words, next).Length is not null)));

    private int Because() =>
        _words.FindIndex(word => word.Text.TrimEnd(':', ',').Equals("because", StringComparison.OrdinalIgnoreCase));

    private IEnumerable<string> OfferedDatabases() => _offers.Databases.Select(offer => offer.Database.Value);

    private IEnumerable<string> OfferedScopes() =>
        _offers.Databases.SelectMany(offer => offer.Scopes).Select(offer => offer.Scope.Value).Distinct(StringComparer.Ordinal);
}
