using System.Text;

namespace DbAccess.Api.Slack.Door;

/// <summary>
/// Reads <c>application/x-www-form-urlencoded</c> strictly: an escape that is no UTF-8 makes the body unusable instead of being replaced.
/// </summary>
internal static class FormBody
{
    private const int MostFields = 100;
    private static readonly UTF8Encoding StrictUtf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    /// <summary>Null when the body cannot be read. Of a field that occurs twice the first counts.</summary>
    public static IReadOnlyDictionary<string, string>? Parse(string body)
    {
        var fields = new Dictionary<string, string>(StringComparer.Ordinal);
        var pairs = body.Split('&', MostFields + 1);
        // One too many holds all the rest, unsplit.
        if (pairs.Length > MostFields) return null;
        foreach (var pair in pairs)
        {
            if (pair.Length == 0) continue;
            var equals = pair.IndexOf('=', StringComparison.Ordinal);
            var (name, value) = equals < 0 ? (pair, "") : (pair[..equals], pair[(equals + 1)..]);
            if (Decode(name) is not { } key || Decode(value) is not { } text) return null;
            fields.TryAdd(key, text);
        }

        return fields;
    }

    private static string? Decode(string text)
    {
        if (!text.AsSpan().ContainsAny('%', '+')) return text;

        var bytes = new byte[StrictUtf8.GetMaxByteCount(text.Length)];
        var length = 0;
        for (var i = 0; i < text.Length; i++)
        {
            switch (text[i])
            {
                case '+':
                    bytes[length++] = (byte)' ';
                    break;
                case '%':
                    if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2])) return null;
                    bytes[length++] = (byte)((Hex(text[i + 1]) << 4) | Hex(text[i + 2]));
                    i += 2;
                    break;
                default:
                    // A surrogate pair is one character of four bytes.
                    var size = i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1]) ? 2 : 1;
                    if (size == 1 && char.IsSurrogate(text[i])) return null;
                    length += StrictUtf8.GetBytes(text.AsSpan(i, size), bytes.AsSpan(length));
                    i += size - 1;
                    break;
            }
        }

        try
        {
            return StrictUtf8.GetString(bytes, 0, length);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private static int Hex(char digit) => char.IsAsciiDigit(digit) ? digit - '0' : (digit | 0x20) - 'a' + 10;
}
