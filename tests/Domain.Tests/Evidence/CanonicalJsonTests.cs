using System.Globalization;
using System.Text;
using System.Text.Json;
using DbAccess.Domain.Evidence;

namespace DbAccess.Domain.Tests.Evidence;

/// <summary>Strings in the form of RFC 8785, section 3.2.2.2.</summary>
public sealed class CanonicalJsonTests
{
    [Fact]
    public void The_strings_of_the_RFC_are_written_as_it_has_them()
    {
        // Section 3.2.2: "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/" comes out as "€$\u000f\nA'B\"\\\\\"/".
        Assert.Equal("\"€$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"", Written("\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"/"));
        // Section 3.2.3, the values that its names stand for.
        foreach (var name in (string[])["\u20ac", "\r", "\ufb33", "1", "\ud83d\ude00", "\u0080", "\u00f6"])
            Assert.Equal(name == "\r" ? "\"\\r\"" : $"\"{name}\"", Written(name));
    }

    [Fact]
    public void Every_letter_below_the_space_has_its_one_escape_and_nothing_else_has_any()
    {
        for (var letter = '\0'; letter < 0x20; letter++)
        {
            var escape = letter switch
            {
                '\b' => "\\b", '\t' => "\\t", '\n' => "\\n", '\f' => "\\f", '\r' => "\\r",
                _ => "\\u" + ((int)letter).ToString("x4", CultureInfo.InvariantCulture),
            };
            Assert.Equal($"\"{escape}\"", Written(letter.ToString()));
        }

        Assert.Equal("\"\u007f\u0080\u2028\u2029\ufeff/<>&'+\"", Written("\u007f\u0080\u2028\u2029\ufeff/<>&'+"));
        Assert.Equal("\"\\\"\\\\\"", Written("\"\\"));
    }

    [Fact]
    public void Whatever_the_text_a_reader_of_JSON_gets_it_back_and_half_a_pair_is_replaced()
    {
        // A fixed seed: the same texts in every run.
        var random = new Random(8785);
        (int From, int Until)[] parts = [(0, 0x20), (0x20, 0x7f), (0x7f, 0x800), (0x2020, 0x2030), (0xd800, 0xe000), (0xfff0, 0x10000)];
        for (var run = 0; run < 20_000; run++)
        {
            var text = new StringBuilder();
            for (var length = random.Next(12); length > 0; length--)
            {
                var (from, until) = parts[random.Next(parts.Length)];
                text.Append((char)random.Next(from, until));
            }

            // What cannot be written in UTF-8 is replaced by the encoder of the base class library in the same way.
            var expected = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text.ToString()));
            var written = Written(text.ToString());
            Assert.Equal(expected, JsonSerializer.Deserialize<string>(written));
            Assert.Equal(written, Written(expected));
        }
    }

    [Fact]
    public void Lists_have_no_white_space()
    {
        var json = new StringBuilder();
        CanonicalJson.Append(json, ["a", "", "\n"]);
        CanonicalJson.Append(json, []);
        Assert.Equal("[\"a\",\"\",\"\\n\"][]", json.ToString());
    }

    private static string Written(string text)
    {
        var json = new StringBuilder();
        CanonicalJson.Append(json, text);
        return json.ToString();
    }
}
