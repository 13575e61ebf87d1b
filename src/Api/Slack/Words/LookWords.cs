using DbAccess.Application.Grants;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Words;

/// <summary>Verbs that look at something, or ask for it once more: <c>why</c>, <c>show</c>, <c>history</c>, <c>again</c>. Pure.</summary>
internal static class LookWords
{
    private static readonly TimeSpan Usual = TimeSpan.FromDays(30);

    public static Intent? Why(BehindVerb behind, bool isName, PolicyNames names)
    {
        if (isName) return null;
        return behind.Words.Length == 0
            ? new Intent.Misread("Say what: `/db-access why orders read 2h` answers what would be decided, and files nothing.")
            : new Intent.Explain(behind.Words.TrimEnd('?', ' '));
    }

    public static Intent? Show(BehindVerb behind, bool isName, PolicyNames names)
    {
        if (Typed.Id(behind.Words) is { } id) return new Intent.Story(id);
        if (isName) return null;
        return new Intent.Misread(behind.Words.Length == 0
            ? "Say which grant: `/db-access show K7Q3-MD`. `/db-access mine` lists yours, `/db-access list` all that is live."
            : $"{Typed.Quoted(behind.Words)} is not a grant id. They look like `K7Q3-MD`; `/db-access mine` lists yours.");
    }

    public static Intent? History(BehindVerb behind, bool isName, PolicyNames names)
    {
        if (isName) return null;
        PrincipalId? person = null;
        DatabaseName? database = null;
        TimeSpan? within = null;
        var words = Typed.Words(Typed.Unwrap(behind.Raw, mentions: true));
        for (var at = 0; at < words.Count;)
        {
            var text = words[at].Text.Trim('`', ',', '.');
            var word = Typed.Bare(words[at].Text, names);
            if (LengthWords.At(words, at) is var (length, taken) && length is not null)
            {
                if (within is not null || Durations.Parse(length) is not { } said) return NotRead(words[at].Text);
                within = said;
                at += taken;
                continue;
            }

            if (person is null && text.StartsWith('@') && PrincipalId.Parse(behind.Team, text[1..]) is { } mentioned) person = mentioned;
            else if (database is null && DatabaseName.Parse(word) is { } name && (names.Databases.Contains(name) || !names.Complete)
                && !Typed.IsFiller(word)) database = name;
            else if (word is not ("last" or "since" or "past" or "days" or "all") && !Typed.IsFiller(word)) return NotRead(words[at].Text);
            at++;
        }

        return new Intent.History(person, database, within ?? Usual);
    }

    public static Intent? Again(BehindVerb behind, bool isName, PolicyNames names)
    {
        var (first, rest) = Typed.SplitFirst(behind.Words);
        var id = Typed.Id(first);
        if (isName && id is null) return null;

        var line = id is null ? behind.Words : rest;
        var (because, reason) = Typed.SplitFirst(line);
        if (because.TrimEnd(':', ',').Equals("because", StringComparison.OrdinalIgnoreCase))
            return new Intent.Again(id, reason.Length > 0 ? reason : null, AtOnce: reason.Length > 0);
        // Without the word it is not clear that all is said: the form opens with it.
        if (line.Length > 0 && id is null && line.Split(' ') is [var one] && one.Contains('-', StringComparison.Ordinal))
            return new Intent.Misread($"{Typed.Quoted(one)} is not a grant id. They look like `K7Q3-MD`; `/db-access mine` lists yours.");
        return new Intent.Again(id, line.Length > 0 ? line : null, AtOnce: false);
    }

    private static Intent.Misread NotRead(string typed) => new(
        $"I do not understand {Typed.Quoted(typed)} there. Type `/db-access history`, or with a mentioned person or a database and a " +
        "length: `/db-access history orders 30d`.");
}
