using System.Text;

namespace DbAccess.Application.Evidence.Pages;

/// <summary>
/// The words of a statement, as far as they can be names: those in double quotes as they are, others in small letters. No parser: more is
/// taken for a mention than is one, so that nothing is called unused that was used.
/// </summary>
internal static class StatementWords
{
    public static HashSet<string> Of(string statement)
    {
        var words = new HashSet<string>(StringComparer.Ordinal);
        for (var at = 0; at < statement.Length;)
        {
            if (statement[at] == '"')
            {
                words.Add(Quoted(statement, ref at));
            }
            else if (IsLetter(statement[at]))
            {
                var start = at;
                while (at < statement.Length && (IsLetter(statement[at]) || char.IsAsciiDigit(statement[at]) || statement[at] == '$')) at++;
                words.Add(statement[start..at].ToLowerInvariant());
            }
            else
            {
                at++;
            }
        }

        return words;
    }

    /// <summary>The last part of a name as the server writes it: <c>Order Items</c> of <c>public."Order Items"</c>.</summary>
    public static string Bare(string name)
    {
        var last = "";
        for (var at = 0; at < name.Length;)
        {
            if (name[at] == '"')
            {
                last = Quoted(name, ref at);
            }
            else
            {
                var start = at;
                while (at < name.Length && name[at] is not ('.' or '"')) at++;
                if (at > start) last = name[start..at];
                if (at < name.Length && name[at] == '.') at++;
            }
        }

        return last;
    }

    private static string Quoted(string text, ref int at)
    {
        var word = new StringBuilder();
        for (at++; at < text.Length; at++)
        {
            if (text[at] != '"')
            {
                word.Append(text[at]);
            }
            else if (at + 1 < text.Length && text[at + 1] == '"')
            {
                word.Append('"');
                at++;
            }
            else
            {
                at++;
                break;
            }
        }

        return word.ToString();
    }

    private static bool IsLetter(char c) => char.IsAsciiLetter(c) || c is '_' or > '\u007f';
}
