using System.Globalization;
using System.Text;

namespace DbAccess.Domain.Evidence;

/// <summary>JSON in the one form of RFC 8785 (JCS) that everybody computes the same hash from.</summary>
public static class CanonicalJson
{
    /// <summary>
    /// Appends a string literal. What is not Unicode (half of a pair) becomes U+FFFD, since no other program could hash it.
    /// </summary>
    public static void Append(StringBuilder json, string text)
    {
        json.Append('"');
        for (var i = 0; i < text.Length; i++)
        {
            var letter = text[i];
            switch (letter)
            {
                case '"': json.Append("\\\""); break;
                case '\\': json.Append("\\\\"); break;
                case '\b': json.Append("\\b"); break;
                case '\t': json.Append("\\t"); break;
                case '\n': json.Append("\\n"); break;
                case '\f': json.Append("\\f"); break;
                case '\r': json.Append("\\r"); break;
                case < ' ': json.Append(CultureInfo.InvariantCulture, $"\\u{(int)letter:x4}"); break;
                default:
                    if (!char.IsSurrogate(letter)) json.Append(letter);
                    else if (i + 1 < text.Length && char.IsSurrogatePair(letter, text[i + 1])) json.Append(letter).Append(text[++i]);
                    else json.Append('\uFFFD');
                    break;
            }
        }

        json.Append('"');
    }

    /// <summary>Appends a list of string literals.</summary>
    public static void Append(StringBuilder json, IReadOnlyList<string> texts)
    {
        json.Append('[');
        for (var i = 0; i < texts.Count; i++)
        {
            if (i > 0) json.Append(',');
            Append(json, texts[i]);
        }

        json.Append(']');
    }

    /// <summary>The bytes of a text as <see cref="Append(StringBuilder, string)"/> would write it.</summary>
    internal static byte[] Utf8(string text) => Encoding.UTF8.GetBytes(text);
}
