using DbAccess.Domain;
using DbAccess.Domain.Scopes;

namespace DbAccess.Api.Slack.Words;

/// <summary>
/// Reads the tables behind <c>only</c>, as SQL writes them, parted by commas or white space, up to <c>because</c> or to whatever else can
/// be told apart. Pure. Where a word could be a table as well as the start of a reason it is asked back: a guess would give somebody less,
/// or more, than they meant.
/// </summary>
internal static class OnlyWords
{
    private const string Example = "for example `only public.orders, public.items because …`";

    // What people say before the names of tables; none of it can be one without quotes, or is likely to be.
    private static readonly string[] Before = ["the", "table", "tables", "view", "views", "on", "for", "these", "this"];

    /// <summary>What was read: the tables and where the list ends, or a question.</summary>
    public sealed record Reading(IReadOnlyList<TableMention> Tables, int End, string? Question);

    /// <param name="start">Just behind <c>only</c>.</param>
    /// <param name="becauseFollows">Then what stands before it is no reason.</param>
    /// <param name="isSaidElsewhere">Words that end the list where a comma does not hold them in it: small words, and names that the
    /// request still lacks.</param>
    public static Reading Read(string line, int start, bool becauseFollows, Func<string, bool> isSaidElsewhere)
    {
        var text = Plainly(line, start);
        var tables = new List<TableMention>();
        var qualified = true;
        for (var at = start; ;)
        {
            var joined = SkipGap(text, ref at) || tables.Count == 0;
            var end = at;
            while (end < text.Length && !IsGap(text[end])) end++;
            var (typed, word) = (text[at..end], Typed.Narrow(text[at..end]).TrimEnd('.', ';', ':', '!').ToLowerInvariant());
            if (typed.Length == 0 || word is "because") return Close(at);
            if (word is "and" && tables.Count > 0)
            {
                // As good as a comma; a table of that name stands in double quotes.
                text = string.Concat(text.AsSpan(0, at), ",  ", text.AsSpan(end));
                continue;
            }

            if (tables.Count == 0 && Before.Contains(word, StringComparer.Ordinal))
            {
                at = end;
                continue;
            }

            // A length, a dash, a number: the next part of the request.
            if (tables.Count > 0 && typed[0] is >= '0' and <= '9' or '-' or '–' or '—') return Close(at);

            var (quoted, next) = (typed[0] == '"', at);
            var (table, wrong) = Table(text, ref next);
            if (wrong is not null)
            {
                if (joined || quoted)
                    return Ask($"Behind `only` come names of tables, and {Typed.Quoted(typed)} {wrong.Replace('`', '\'')}.");
                return Close(at);
            }

            if (table!.Schema is null && !quoted)
            {
                if (isSaidElsewhere(word) && !(joined && tables.Count > 0 && !Typed.IsFiller(word)))
                    return tables.Count == 0
                        ? Ask($"Behind `only` come names of tables, and {Typed.Quoted(typed)} is none that I could tell from the " +
                        "rest (with its schema I can).") : Close(at);
                if (!joined && !becauseFollows)
                    return qualified ? Close(at)
                        : Ask($"I cannot tell whether {Typed.Quoted(typed)} is one more table or the start of the reason.");
                qualified = false;
            }

            tables.Add(table);
            if (tables.Count > TableMention.Most) return Ask($"More than {TableMention.Most} tables are too many for one request.");
            at = next;
        }

        Reading Close(int at) => tables.Count == 0 ? Ask("Say which tables behind `only`.") : new Reading([.. tables.Distinct()], at, null);

        Reading Ask(string why) =>
            new([], start, $"{why} Put commas between the tables and `because` before the reason, {Example}. Nothing was filed yet.");
    }

    /// <summary>A table with a gap behind it.</summary>
    private static (TableMention? Table, string? Wrong) Table(string text, ref int next)
    {
        var (table, wrong) = TableMention.Read(text, ref next);
        return wrong is null && next < text.Length && !IsGap(text[next])
            ? (null, "is no name as SQL writes it (other characters go in double quotes)") : (table, wrong);
    }

    private static bool SkipGap(string text, ref int at)
    {
        var comma = false;
        while (at < text.Length && IsGap(text[at])) comma |= text[at++] is ',' or ';';
        return comma;
    }

    private static bool IsGap(char letter) => letter is ',' or ';' || char.IsWhiteSpace(letter);

    /// <summary>The line letter for letter, outside double quotes without what phones, pages and Slack put around names.</summary>
    private static string Plainly(string line, int start) => string.Create(line.Length, (line, start), static (letters, from) =>
    {
        from.line.CopyTo(letters);
        var inside = false;
        for (var i = from.start; i < letters.Length; i++)
        {
            if (letters[i] is '“' or '”' or '„' or '‟' or '＂') letters[i] = '"';
            if (letters[i] is '"') inside = !inside;
            if (inside) continue;

            letters[i] = letters[i] switch
            {
                '`' or '\u200b' or '\u2060' or '\ufeff' => ' ',
                '、' => ',',
                >= '\uff01' and <= '\uff5e' => (char)(letters[i] - 0xfee0),
                // The end of a sentence, not of a schema's name.
                '.' or ':' or '!' when i + 1 == letters.Length || char.IsWhiteSpace(letters[i + 1]) => ' ',
                var letter => letter,
            };
        }
    });
}
