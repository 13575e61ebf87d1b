using System.Text;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>
/// Takes every value out of a statement. The server does that itself for queries (<c>$1</c>) but not for the rest: ALTER ROLE … PASSWORD,
/// SET, COPY, DO and comments are counted as they were typed. Reads as PostgreSQL's own scanner does, and where that depends on what we
/// cannot know, what is doubtful is left out.
/// </summary>
internal static class StatementScrubber
{
    /// <summary>Characters of a statement that are kept.</summary>
    public const int Longest = 500;

    /// <summary>Stands for a value.</summary>
    private const char Value = '?';

    /// <summary>Stands for what was cut off or left out.</summary>
    private const char Rest = '…';

    public static string Scrub(string statement)
    {
        var kept = new StringBuilder(Math.Min(statement.Length, Longest + 16));
        var first = "";
        var (setting, at) = (false, 0);
        while (at < statement.Length && kept.Length <= Longest)
        {
            var c = statement[at];
            if (char.IsWhiteSpace(c) || IsComment(statement, at))
            {
                var end = char.IsWhiteSpace(c) ? at + 1 : EndOfComment(statement, at);
                if (kept.Length > 0 && kept[^1] != ' ') kept.Append(' ');
                at = end;
            }
            else if (c == '\'' || IsPrefixed(statement, at))
            {
                var escapes = c is 'e' or 'E';
                at = EndOfString(statement, statement.IndexOf('\'', at) + 1, escapes, out var doubtful);
                kept.Append(Value);
                if (doubtful) return Finish(kept.Append(' ').Append(Rest));
            }
            else if (c == '"')
            {
                var end = EndOfName(statement, at + 1);
                if (end < 0) return Finish(kept.Append(Rest));
                kept.Append(statement, at, end - at);
                at = end;
            }
            else if (c == '$' && DollarTag(statement, at) is { } tag)
            {
                var end = statement.IndexOf(tag, at + tag.Length, StringComparison.Ordinal);
                kept.Append(Value);
                at = end < 0 ? statement.Length : end + tag.Length;
            }
            else if (c == '$' && at + 1 < statement.Length && char.IsAsciiDigit(statement[at + 1]))
            {
                var end = at + 1;
                while (end < statement.Length && char.IsAsciiDigit(statement[end])) end++;
                kept.Append(statement, at, end - at);
                at = end;
            }
            else if (char.IsAsciiDigit(c) || (c == '.' && at + 1 < statement.Length && char.IsAsciiDigit(statement[at + 1])))
            {
                at = EndOfNumber(statement, at);
                kept.Append(Value);
            }
            else if (IsLetter(c))
            {
                var end = at + 1;
                while (end < statement.Length && (IsLetter(statement[end]) || char.IsAsciiDigit(statement[end]) || statement[end] == '$'))
                    end++;
                var word = statement[at..end].ToUpperInvariant();
                if (first.Length == 0) first = word;
                kept.Append(statement, at, end - at);
                at = end;
                setting |= word is "SET" or "SET_CONFIG" && first is "SET" or "ALTER" or "CREATE";
                // What follows may be a bare word, and a value all the same: SET app.token TO hunter2.
                if (setting && word is "TO") return Finish(kept.Append(' ').Append(Value));
            }
            else
            {
                kept.Append(c);
                at++;
                if (setting && c == '=') return Finish(kept.Append(' ').Append(Value));
            }
        }
        return Finish(at < statement.Length ? kept.Append(Rest) : kept);
    }

    private static string Finish(StringBuilder kept)
    {
        var text = kept.ToString().Trim();
        if (text.Length <= Longest) return text;

        // Half of a pair of surrogates is no character.
        var end = char.IsHighSurrogate(text[Longest - 2]) ? Longest - 2 : Longest - 1;
        return text[..end] + Rest;
    }

    private static bool IsComment(string text, int at) =>
        at + 1 < text.Length && ((text[at] == '-' && text[at + 1] == '-') || (text[at] == '/' && text[at + 1] == '*'));

    private static int EndOfComment(string text, int at)
    {
        if (text[at] == '-')
        {
            var line = text.AsSpan(at).IndexOfAny('\n', '\r');
            return line < 0 ? text.Length : at + line;
        }
        var depth = 1;
        for (at += 2; at < text.Length && depth > 0;)
        {
            var pair = at + 1 < text.Length ? (text[at], text[at + 1]) : (text[at], '\0');
            depth += pair switch { ('/', '*') => 1, ('*', '/') => -1, _ => 0 };
            at += pair is ('/', '*') or ('*', '/') ? 2 : 1;
        }
        return at;
    }

    /// <summary>E'…', B'…', X'…', N'…', U&amp;'…'.</summary>
    private static bool IsPrefixed(string text, int at) => text[at] switch
    {
        'e' or 'E' or 'b' or 'B' or 'x' or 'X' or 'n' or 'N' => at + 1 < text.Length && text[at + 1] == '\'',
        'u' or 'U' => at + 2 < text.Length && text[at + 1] == '&' && text[at + 2] == '\'',
        _ => false,
    };

    /// <param name="doubtful"> A backslash in a plain string is a letter like any other, or, with standard_conforming_strings off and in
    /// the continuation of an E'…', escapes what follows: where the string ends is not known. </param>
    private static int EndOfString(string text, int at, bool escapes, out bool doubtful)
    {
        doubtful = false;
        for (; at < text.Length; at++)
        {
            if (text[at] == '\\')
            {
                if (escapes) at++;
                else if (at + 1 < text.Length && text[at + 1] is '\'' or '\\') doubtful = true;
            }
            else if (text[at] == '\'')
            {
                if (at + 1 >= text.Length || text[at + 1] != '\'') return at + 1;
                at++;
            }
        }
        return text.Length;
    }

    private static int EndOfName(string text, int at)
    {
        for (; at < text.Length; at++)
        {
            if (text[at] != '"') continue;
            if (at + 1 >= text.Length || text[at + 1] != '"') return at + 1;
            at++;
        }
        return -1;
    }

    private static string? DollarTag(string text, int at)
    {
        var end = at + 1;
        while (end < text.Length && (IsLetter(text[end]) || (end > at + 1 && char.IsAsciiDigit(text[end])))) end++;
        return end < text.Length && text[end] == '$' ? text[at..(end + 1)] : null;
    }

    private static int EndOfNumber(string text, int at)
    {
        for (; at < text.Length; at++)
        {
            var c = text[at];
            if (IsLetter(c) || char.IsAsciiDigit(c) || c == '.') continue;
            if (c is '+' or '-' && text[at - 1] is 'e' or 'E' && at + 1 < text.Length && char.IsAsciiDigit(text[at + 1])) continue;
            break;
        }
        return at;
    }

    /// <summary>As the server's scanner has it: everything beyond ASCII counts as a letter.</summary>
    private static bool IsLetter(char c) => char.IsAsciiLetter(c) || c == '_' || c >= 0x80;
}
