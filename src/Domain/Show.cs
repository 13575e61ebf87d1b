using System.Text;

namespace DbAccess.Domain;

/// <summary>Other people's words inside our sentences: on one line, and not too long; and what was probably meant by them.</summary>
public static class Show
{
    /// <summary>No name of ours is longer; nothing that is much longer is near one, and measuring it would only cost.</summary>
    private const int LongestName = 63;

    public static string Text(string text, int longest = 60)
    {
        var shown = new StringBuilder();
        foreach (var rune in text.EnumerateRunes())
        {
            if (shown.Length >= longest) return shown.Append('…').ToString();
            if (Rune.IsControl(rune) || rune.Value is 0x2028 or 0x2029) shown.Append('·');
            else shown.Append(rune.ToString());
        }

        return shown.ToString();
    }

    /// <summary>Several sentences as one text. One that ends with a statement has its semicolon already.</summary>
    public static string Together(IEnumerable<string> sentences)
    {
        var together = new StringBuilder();
        foreach (var sentence in sentences)
        {
            if (together.Length > 0) together.Append(together[^1] is ';' or '.' ? " " : "; ");
            together.Append(sentence);
        }

        return together.ToString();
    }

    /// <summary>What somebody probably meant, or what there is to choose from; empty when there is nothing to say.</summary>
    public static string Hint(string wrong, IEnumerable<string> names)
    {
        var all = names.Distinct(StringComparer.Ordinal).ToList();
        if (Nearest(wrong, all) is { } near) return $"; did you mean '{near}'?";
        return all.Count is > 0 and <= 10 ? $"; there is {string.Join(", ", all)}" : "";
    }

    /// <summary>
    /// The name that was probably meant, or null: at most two letters off, and fewer than half of them; capitals make no difference.
    /// </summary>
    public static string? Nearest(string wrong, IEnumerable<string> names)
    {
        if (wrong.Length is 0 or > LongestName + 2) return null;

        var allowed = Math.Min(2, (Math.Max(wrong.Length, 3) - 1) / 2);
        return names.Where(name => Math.Abs(name.Length - wrong.Length) <= allowed)
            .Select(name => (Name: name, Distance: Distance(wrong.ToLowerInvariant(), name.ToLowerInvariant())))
            .Where(candidate => candidate.Distance <= allowed)
            .OrderBy(candidate => candidate.Distance).ThenBy(candidate => candidate.Name, StringComparer.Ordinal)
            .Select(candidate => candidate.Name)
            .FirstOrDefault();
    }

    /// <summary>Letters wrong, missing, too many or swapped with their neighbour.</summary>
    private static int Distance(string from, string to)
    {
        var table = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++) table[i, 0] = i;
        for (var j = 0; j <= to.Length; j++) table[0, j] = j;
        for (var i = 1; i <= from.Length; i++)
        {
            for (var j = 1; j <= to.Length; j++)
            {
                var best = Math.Min(
                    Math.Min(table[i - 1, j], table[i, j - 1]) + 1, table[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1));
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1]) best = Math.Min(best, table[i - 2, j - 2] + 1);
                table[i, j] = best;
            }
        }

        return table[from.Length, to.Length];
    }

    /// <summary>A name as PostgreSQL takes it, for statements that people paste. What we send ourselves is quoted by the server.</summary>
    public static string Identifier(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
}
