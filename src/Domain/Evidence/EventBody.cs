using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace DbAccess.Domain.Evidence;

/// <summary>
/// An event as it is written: canonical JSON (RFC 8785) that lacks only its place, and beside it the sealed values with their salts.
/// </summary>
/// <param name="Json">The leaf without <c>seq</c>.</param>
/// <param name="Open">Canonical JSON, <c>{"reason":{"salt":…,"value":…}}</c>; null when nothing is sealed.</param>
public sealed record EventBody(string Json, string? Open)
{
    private const int SaltBytes = 16;

    public static EventBody Of(LogEvent happened)
    {
        var facts = happened.What.OrderBy(fact => fact.Name, StringComparer.Ordinal).ToList();
        var salts = facts.OfType<Fact.Sealed>().ToDictionary(fact => fact.Name, _ => RandomNumberGenerator.GetBytes(SaltBytes),
            StringComparer.Ordinal);
        var json = new StringBuilder(512).Append('{');
        Text("actor", happened.By.ToString());
        Text("at", Canonical.Instant(happened.At));
        Text("grant", happened.Grant?.ToString());
        if (happened.Number is { } number) json.Append(",\"n\":").Append(number.ToString(CultureInfo.InvariantCulture));
        Text("outcome", happened.Outcome);
        Text("plan", happened.PlanHash);
        Text("policy", happened.PolicyHash);
        Text("rule", happened.Rule);
        Text("trace", happened.Trace);
        Text("type", happened.Type);
        json.Append(",\"v\":1");
        Text("way", happened.Way);
        json.Append(",\"what\":{");
        for (var i = 0; i < facts.Count; i++)
        {
            if (i > 0) json.Append(',');
            CanonicalJson.Append(json, facts[i].Name);
            json.Append(':');
            Value(facts[i]);
        }

        return new EventBody(json.Append("}}").ToString(), salts.Count == 0 ? null : Opened(facts, salts));

        void Text(string name, string? value)
        {
            if (value is null) return;
            if (json.Length > 1) json.Append(',');
            json.Append('"').Append(name).Append("\":");
            CanonicalJson.Append(json, value);
        }

        void Value(Fact fact)
        {
            switch (fact)
            {
                case Fact.Text text: CanonicalJson.Append(json, text.Value); break;
                case Fact.Number number: json.Append(number.Value.ToString(CultureInfo.InvariantCulture)); break;
                case Fact.Flag flag: json.Append(flag.Value ? "true" : "false"); break;
                case Fact.Texts texts: CanonicalJson.Append(json, texts.Values); break;
                case Fact.Sealed kept:
                    json.Append("{\"sha256\":\"").Append(Commitment(salts[kept.Name], kept.Value)).Append("\"}");
                    break;
            }
        }
    }

    /// <summary>What the log holds of a sealed value: SHA-256 over salt and value, as hex.</summary>
    public static string Commitment(ReadOnlySpan<byte> salt, string value) =>
        Convert.ToHexStringLower(SHA256.HashData([.. salt, .. CanonicalJson.Utf8(value)]));

    /// <summary>The whole event at its place: what is hashed, and what an export holds.</summary>
    /// <exception cref="FormatException">It is not the body of an event.</exception>
    public string Leaf(long place) => TryLeaf(place) ?? throw new FormatException("The body of an event has no type.");

    /// <summary>Null when this is not the body of an event: somebody wrote it into the store by hand.</summary>
    public string? TryLeaf(long place)
    {
        // Names are sorted, and "trace" or "type" comes next; inside a text their quotes would be escaped, and "what" comes after them.
        var (trace, type) = (Json.IndexOf(",\"trace\":", StringComparison.Ordinal), Json.IndexOf(",\"type\":", StringComparison.Ordinal));
        if (type < 0) return null;
        return Json.Insert(trace >= 0 && trace < type ? trace : type, string.Create(CultureInfo.InvariantCulture, $",\"seq\":{place}"));
    }

    private static string Opened(List<Fact> facts, Dictionary<string, byte[]> salts)
    {
        var json = new StringBuilder();
        foreach (var kept in facts.OfType<Fact.Sealed>())
        {
            json.Append(json.Length == 0 ? '{' : ',');
            CanonicalJson.Append(json, kept.Name);
            json.Append(":{\"salt\":\"").Append(Convert.ToHexStringLower(salts[kept.Name])).Append("\",\"value\":");
            CanonicalJson.Append(json, kept.Value);
            json.Append('}');
        }

        return json.Append('}').ToString();
    }
}
