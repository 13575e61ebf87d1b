using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Unicode;

namespace DbAccess.Application.Evidence;

/// <summary>How a line fails to be JSON in its canonical form.</summary>
internal enum LineForm
{
    Canonical,
    TooLong,
    CutOff,
    NotAnEvent,
    NameTwice,
    NotCanonical,
}

/// <summary>Whether bytes are the canonical JSON of RFC 8785, with plain names and nothing but whole numbers
/// within ±(2⁵³ − 1).</summary>
internal static class CanonicalLine
{
    /// <summary>What is nested deeper is no event, and would be work for nothing.</summary>
    private const int Depth = 32;

    private const long LargestNumber = (1L << 53) - 1;

    // What names consist of: ASCII that can be printed and needs no escape.
    private static readonly SearchValues<byte> Plain =
        SearchValues.Create([.. Enumerable.Range(' ', '~' - ' ' + 1).Select(letter => (byte)letter).Except("\"\\"u8.ToArray())]);

    /// <summary>What is wrong first; the name is the one that is there twice.</summary>
    public static (LineForm Form, string? Name) Judge(ReadOnlySpan<byte> line)
    {
        if (!Utf8.IsValid(line)) return (LineForm.NotAnEvent, null);
        try
        {
            if (IsCanonical(line)) return (LineForm.Canonical, null);

            var reader = Reader(line);
            using var document = JsonDocument.ParseValue(ref reader);
            return TwiceIn(document.RootElement) is { } name ? (LineForm.NameTwice, name) : (LineForm.NotCanonical, null);
        }
        catch (JsonException)
        {
            return (LineForm.NotAnEvent, null);
        }
    }

    private static Utf8JsonReader Reader(ReadOnlySpan<byte> line) => new(line, new JsonReaderOptions { MaxDepth = Depth });

    /// <summary>Reads to the end in any case, so that what is no JSON is found.</summary>
    /// <exception cref="JsonException">It is not JSON.</exception>
    private static bool IsCanonical(ReadOnlySpan<byte> line)
    {
        var canonical = true;
        var (filled, names) = (new Levels<bool>(), new Levels<(int From, int Length)>());
        // White space shows by what it adds to the length of everything else.
        var length = 0L;
        var afterName = false;
        var reader = Reader(line);
        while (reader.Read())
        {
            var level = reader.CurrentDepth;
            var token = reader.TokenType;
            var value = reader.ValueSpan;
            length += value.Length;
            if (token is JsonTokenType.EndObject or JsonTokenType.EndArray) continue;

            if (!afterName && filled[level]) length++; // the comma before it
            filled[level] = true;
            afterName = token is JsonTokenType.PropertyName;
            switch (token)
            {
                case JsonTokenType.StartObject or JsonTokenType.StartArray:
                    filled[level + 1] = false;
                    names[level + 1] = default;
                    break;
                case JsonTokenType.PropertyName:
                    length += 3; // its quotes and its colon
                    var (from, before) = names[level];
                    // Sorted, and so none is there twice. The quote before the name tells the first one from the empty one.
                    if (from > 0 && line.Slice(from, before).SequenceCompareTo(value) >= 0) canonical = false;
                    names[level] = ((int)reader.TokenStartIndex + 1, value.Length);
                    canonical &= value.IndexOfAnyExcept(Plain) < 0;
                    break;
                case JsonTokenType.String:
                    length += 2;
                    canonical &= !reader.ValueIsEscaped || AreShortest(value);
                    break;
                case JsonTokenType.Number:
                    canonical &= IsWhole(ref reader, value);
                    break;
            }
        }

        return canonical && length == line.Length;
    }

    private static bool IsWhole(ref Utf8JsonReader reader, ReadOnlySpan<byte> digits) =>
        reader.TryGetInt64(out var number) && number is >= -LargestNumber and <= LargestNumber && !digits.SequenceEqual("-0"u8);

    /// <summary>Whether every escape is one that has to be, in its shortest form.</summary>
    private static bool AreShortest(ReadOnlySpan<byte> text)
    {
        for (var at = text.IndexOf((byte)'\\'); at >= 0; at = text.IndexOf((byte)'\\'))
        {
            var length = text[at + 1] == 'u' ? 6 : 2;
            var escape = text.Slice(at, length);
            if (length == 2 ? escape[1] == '/' : !IsShortest(escape)) return false;
            text = text[(at + length)..];
        }

        return true;
    }

    /// <summary><c>\u0000</c> to <c>\u001f</c> in small letters, without the five that have a letter of their own.</summary>
    private static bool IsShortest(ReadOnlySpan<byte> escape) =>
        escape[2] == '0' && escape[3] == '0'
        && (escape[4], escape[5]) is ((byte)'1', (>= (byte)'0' and <= (byte)'9') or (>= (byte)'a' and <= (byte)'f'))
            or ((byte)'0', (>= (byte)'0' and <= (byte)'7') or (byte)'b' or (byte)'e' or (byte)'f');

    /// <summary>The first name that is there twice, of the object that ends first. Names that nobody could print are passed over.</summary>
    private static string? TwiceIn(JsonElement element)
    {
        if (element.ValueKind is JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray())
                if (TwiceIn(item) is { } name) return name;
        }

        if (element.ValueKind is not JsonValueKind.Object) return null;
        foreach (var property in element.EnumerateObject())
            if (TwiceIn(property.Value) is { } name) return name;

        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var property in element.EnumerateObject())
            if (PlainName(property) is { } name && !seen.Add(name)) return name;
        return null;
    }

    private static string? PlainName(JsonProperty property)
    {
        try
        {
            return property.Name.All(letter => letter <= '~' && Plain.Contains((byte)letter)) ? property.Name : null;
        }
        catch (InvalidOperationException)
        {
            // Half a pair, as an escape.
            return null;
        }
    }

    [InlineArray(Depth + 2)]
    private struct Levels<T>
    {
        private T _first;
    }
}
