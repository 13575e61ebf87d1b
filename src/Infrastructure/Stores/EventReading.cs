using System.Globalization;
using System.Text.Json;
using DbAccess.Application.Ports;
using DbAccess.Domain.Evidence;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Infrastructure.Stores;

/// <summary>A grant's own event, read back from what the log keeps of it.</summary>
internal static class EventReading
{
    /// <exception cref="GrantDocumentException">It is not one.</exception>
    public static GrantEvent GrantEvent(GrantId id, EventBody body)
    {
        try
        {
            using var json = JsonDocument.Parse(body.Json);
            var (happened, what) = (json.RootElement, json.RootElement.GetProperty("what"));
            using var open = body.Open is null ? null : JsonDocument.Parse(body.Open);
            return new GrantEvent(
                happened.GetProperty("n").GetInt32(),
                DateTimeOffset.Parse(happened.GetProperty("at").GetString()!, CultureInfo.InvariantCulture),
                happened.GetProperty("type").GetString()!,
                Actor.Parse(happened.GetProperty("actor").GetString()!) ?? throw new FormatException(),
                Status(what, "from"),
                Status(what, "to") ?? throw new FormatException(),
                Opened(open?.RootElement, "note") ?? Opened(open?.RootElement, "reason") ?? Opened(open?.RootElement, "sql"));
        }
        catch (Exception broken) when (broken is JsonException or FormatException or KeyNotFoundException or InvalidOperationException)
        {
            throw new GrantDocumentException(id.ToString(), "one of its events cannot be read.");
        }
    }

    private static GrantStatus? Status(JsonElement what, string name) =>
        what.TryGetProperty(name, out var status) ? Enum.Parse<GrantStatus>(status.GetString()!) : null;

    private static string? Opened(JsonElement? open, string name) =>
        open?.TryGetProperty(name, out var value) is true ? value.GetProperty("value").GetString() : null;
}
