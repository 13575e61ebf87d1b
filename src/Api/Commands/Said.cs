namespace DbAccess.Api.Commands;

/// <summary>What stands behind a verb: its words, and its options with their values.</summary>
/// <param name="Wrong">The first option that the verb does not take, or that has no value.</param>
internal sealed record Said(IReadOnlyList<string> Words, IReadOnlyDictionary<string, string> Options, string? Wrong)
{
    public static Said Part(string[] how, string[] flags, string[] valued)
    {
        var (words, options) = (new List<string>(), new Dictionary<string, string>(StringComparer.Ordinal));
        for (var i = 0; i < how.Length; i++)
        {
            var word = how[i];
            var known = flags.Contains(word) || (valued.Contains(word) && i + 1 < how.Length);
            if (!word.StartsWith("--", StringComparison.Ordinal)) words.Add(word);
            else if (!known || !options.TryAdd(word, flags.Contains(word) ? "" : how[++i])) return new Said(words, options, word);
        }

        return new Said(words, options, null);
    }

    /// <summary>The end of a sentence that names what was one too many; empty when nothing was.</summary>
    /// <param name="words">How many words the verb takes.</param>
    public string Not(int words) => Wrong is { } wrong ? $", not '{wrong}'" : Words.Count > words ? $", not '{Words[words]}'" : "";

    public string? Option(string name) => Options.GetValueOrDefault(name);
}
