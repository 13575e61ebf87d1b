using System.Globalization;
using DbAccess.Domain;
using DbAccess.Domain.Policies;

namespace DbAccess.Infrastructure.Policies;

public static partial class PolicyYaml
{
    private sealed partial class Reader
    {
        private TimeSpan? Duration(Dictionary<string, YamlNode> fields, string key, string path)
        {
            return fields.TryGetValue(key, out var node) && Text(node, $"{path}.{key}") is { } text ? Length(text, $"{path}.{key}") : null;
        }

        private TimeSpan? Length(YamlText text, string path)
        {
            if (Durations.Parse(text.Value) is { } duration) return duration;
            Fault(text, $"{path} is '{Show.Text(text.Value)}', which is not a length of time like 45s, 30m, 2h, 1h30m or 1d (more " +
                "than nothing, at most 366d)");
            return null;
        }

        private DateTimeOffset? Day(YamlNode node, string path)
        {
            if (Text(node, path) is not { } text) return null;
            if (DateTime.TryParseExact(text.Value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
                return new DateTimeOffset(day, TimeSpan.Zero);
            Fault(text, $"{path} is '{Show.Text(text.Value)}', which is not a day like 2026-12-24");
            return null;
        }

        private int Number(YamlNode node, string path, int min, int max)
        {
            if (node is YamlText { Plain: true } text && int.TryParse(text.Value, NumberStyles.None, CultureInfo.InvariantCulture,
                out var number) && number >= min && number <= max) return number;
            Fault(node, $"{path} is {Written(node)}; it must be a whole number from {min} to {max}");
            return min;
        }

        private string? Line(YamlNode node, string path, int longest)
        {
            if (Text(node, path) is not { } text) return null;
            if (text.Value.Length > longest) Fault(text, $"{path} is longer than {longest} characters");
            if (text.Value.Any(char.IsControl)) Fault(text, $"{path} must be one line");
            return text.Value;
        }

        private YamlText? Text(YamlNode node, string path)
        {
            if (node is YamlText { IsNothing: false } text && text.Value.AsSpan().Trim().Length > 0) return text;
            Fault(node, node is YamlText ? $"{path} is empty" : $"{path} must be a word or text, not {Kind(node)}");
            return null;
        }

        /// <summary>A list of words, none of them twice.</summary>
        private List<YamlText> Texts(YamlNode node, string path, bool mayBeEmpty = false)
        {
            var texts = new List<YamlText>();
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var item in Items(node, path, mayBeEmpty) ?? [])
            {
                if (Text(item, $"{path} item") is not { } text) continue;
                if (seen.Add(text.Value)) texts.Add(text);
                else Fault(text, $"{path} names '{Show.Text(text.Value)}' twice");
            }

            return texts;
        }

        private IReadOnlyList<YamlNode>? Items(YamlNode node, string path, bool mayBeEmpty = false)
        {
            if (node is YamlList { Items: var items } && (mayBeEmpty || items.Count > 0)) return items;
            Fault(node, node switch
            {
                YamlList or YamlText { IsNothing: true } => $"{path} is empty{(mayBeEmpty ? " (for none write [])" : "")}",
                YamlText text => $"{path} must be a list; write [{Show.Text(text.Value)}]",
                _ => $"{path} must be a list, not {Kind(node)}",
            });
            return null;
        }

        private Dictionary<string, string> TextMap(YamlNode node, string path)
        {
            var texts = new Dictionary<string, string>(StringComparer.Ordinal);
            if (node is not YamlMap { Entries: var entries })
            {
                Fault(node, $"{path} must be a mapping, not {Kind(node)}");
                return texts;
            }

            foreach (var (key, value) in entries)
            {
                if (Line(value, $"{path}.{Show.Text(key.Value)}", 200) is { } text) texts[key.Value] = text;
            }

            return texts;
        }

        private Dictionary<string, YamlNode>? Fields(
                YamlNode node, string path, string[] required, string[] optional, string[]? notYet = null)
        {
            if (node is not YamlMap map)
            {
                Fault(node, $"{path} must be a mapping, not {Kind(node)}");
                return null;
            }

            var fields = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
            foreach (var (key, value) in map.Entries)
            {
                if (required.Contains(key.Value) || optional.Contains(key.Value)) fields[key.Value] = value;
                else if (notYet?.Contains(key.Value) is true) Fault(key, $"{path}.{key.Value} is not available yet");
                else Fault(key, $"{path} has the unknown key '{Show.Text(key.Value)}'{Show.Hint(key.Value, required.Concat(optional))}");
            }

            foreach (var key in required.Where(key => !fields.ContainsKey(key))) Fault(map, $"{path} lacks '{key}'");
            return fields;
        }

        private IReadOnlyList<(YamlText Key, YamlNode Value)> Entries(Dictionary<string, YamlNode> top, string key)
        {
            if (!top.TryGetValue(key, out var node)) return [];
            if (node is YamlMap map) return map.Entries;
            Fault(node, node is YamlText { IsNothing: true }
                ? $"{key} is empty (for none write {{ }})" : $"{key} must be a mapping, not {Kind(node)}");
            return [];
        }

        private static HashSet<string> Keys(Dictionary<string, YamlNode> top, string key) =>
            top.GetValueOrDefault(key) is YamlMap map ? map.Entries.Select(entry => entry.Key.Value).ToHashSet(StringComparer.Ordinal) : [];

        private void Fault(YamlNode at, string sentence)
        {
            if (at is not YamlRefused) faults.Add(new PolicyFault(at.Line, at.Column, sentence));
        }

        private static string Written(YamlNode node) => node is YamlText text ? text.Plain
            ? Show.Text(text.Value) : $"'{Show.Text(text.Value)}' (in quotes)" : Kind(node);

        private static string Kind(YamlNode node) => node switch
        {
            YamlText { IsNothing: true } => "nothing",
            YamlText => "a word",
            YamlList => "a list",
            _ => "a mapping",
        };

        /// <summary><c>InsufficientClosingParentheses</c> as people read it.</summary>
        private static string Spaced(string name) => string.Concat(
                name.Select((c, i) => char.IsAsciiLetterUpper(c) ? (i == 0 ? "" : " ") + char.ToLowerInvariant(c) : c.ToString()));
    }
}
