using System.Globalization;
using System.Text.Json;

namespace DbAccess.Application.Evidence;

/// <summary>
/// An event as it stands on the evidence log, read back from its leaf and the sealed values that were opened beside it
/// (<c>docs/audit-format.md</c>). What it does not have is null, empty or false; nothing here is checked against a proof.
/// </summary>
public sealed class LoggedEvent
{
    private static readonly JsonElement Empty = JsonElement.Parse("{}");

    private readonly JsonElement _leaf;
    private readonly JsonElement _what;
    private readonly JsonElement? _open;

    private LoggedEvent(JsonElement leaf, JsonElement? open)
    {
        _leaf = leaf;
        _open = open;
        _what = leaf.TryGetProperty("what", out var what) && what.ValueKind is JsonValueKind.Object ? what : Empty;
        Place = Whole(leaf, "seq") ?? throw new FormatException("The event has no place in the log.");
        Type = Words(leaf, "type") ?? throw new FormatException($"Event {Place} has no type.");
        At = Instant(Words(leaf, "at")) ?? throw new FormatException($"Event {Place} has no instant.");
        Actor = Words(leaf, "actor") ?? "";
        Grant = Words(leaf, "grant");
    }

    /// <summary>Its <c>seq</c>: which leaf it is.</summary>
    public long Place { get; }

    public DateTimeOffset At { get; }

    public string Type { get; }

    /// <summary><c>TEAM/USER</c>, <c>rule:NAME</c>, <c>operator:ACCOUNT</c>, <c>sweep</c>.</summary>
    public string Actor { get; }

    public string? Grant { get; }

    /// <summary>Which of the grant's own events it is, from 1; null for attempts.</summary>
    public long? Number => Whole(_leaf, "n");

    public string Way => Words(_leaf, "way") ?? "";

    public string? Outcome => Words(_leaf, "outcome");

    public string? Rule => Words(_leaf, "rule");

    public string? PolicyHash => Words(_leaf, "policy");

    public string? PlanHash => Words(_leaf, "plan");

    /// <summary>True for what a version before the log had recorded.</summary>
    public bool Carried => Flag("carried");

    /// <param name="leaf">The leaf's JSON, with its <c>seq</c>.</param>
    /// <param name="open">Salts and values of what is sealed in it; null when there is nothing sealed, or all of it was withheld.</param>
    /// <exception cref="FormatException">It is not an event.</exception>
    public static LoggedEvent Parse(string leaf, string? open)
    {
        try
        {
            var read = JsonElement.Parse(leaf);
            if (read.ValueKind is not JsonValueKind.Object) throw new FormatException("A leaf is not an object.");
            return new LoggedEvent(read, open is null ? null : JsonElement.Parse(open));
        }
        catch (JsonException fault)
        {
            throw new FormatException("A leaf is not JSON.", fault);
        }
    }

    public string? Text(string name) => Words(_what, name);

    public long? Count(string name) => Whole(_what, name);

    public bool Flag(string name) => _what.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.True;

    public IReadOnlyList<string> Texts(string name) => _what.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.Array
        ? [.. value.EnumerateArray().Where(one => one.ValueKind is JsonValueKind.String).Select(one => one.GetString()!)] : [];

    public bool Has(string name) => _what.TryGetProperty(name, out _);

    /// <summary>Null when it is missing, or is no instant.</summary>
    public DateTimeOffset? Time(string name) => Instant(Text(name));

    /// <summary>Null when the event has no such value; one without a text when it has, and the value was withheld.</summary>
    public SealedText? Sealed(string name)
    {
        if (!_what.TryGetProperty(name, out var value) || value.ValueKind is not JsonValueKind.Object) return null;
        return _open is { ValueKind: JsonValueKind.Object } open && open.TryGetProperty(name, out var opened)
            && opened.ValueKind is JsonValueKind.Object && Words(opened, "value") is { } text ? new SealedText(text) : new SealedText(null);
    }

    private static string? Words(JsonElement of, string name) =>
        of.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;

    private static long? Whole(JsonElement of, string name) =>
        of.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.Number && value.TryGetInt64(out var number)
            ? number : null;

    private static DateTimeOffset? Instant(string? text) => DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture,
        DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at) ? at : null;
}

/// <param name="Value">Null: withheld from whoever reads this.</param>
public sealed record SealedText(string? Value);
