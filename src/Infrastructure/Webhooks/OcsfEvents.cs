using System.Buffers;
using System.Text.Json;
using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;

namespace DbAccess.Infrastructure.Webhooks;

/// <summary>
/// Events in the shape of OCSF 1.3 (class 6003, API Activity), so that a SIEM takes them as they are. The leaf itself goes along as
/// <c>unmapped.leaf</c>; sealed values do not, only their hashes.
/// </summary>
internal static class OcsfEvents
{
    private const int ApiActivity = 6003;
    private const int OtherActivity = 99;

    /// <summary><c>{"origin":…,"first":…,"next":…,"events":[…]}</c>.</summary>
    public static byte[] Write(string origin, IReadOnlyList<PlacedEvent> events)
    {
        var buffer = new ArrayBufferWriter<byte>(events.Count * 1024);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("origin", origin);
            json.WriteNumber("first", events[0].Place);
            json.WriteNumber("next", events[^1].Place + 1);
            json.WriteStartArray("events");
            foreach (var placed in events) Write(json, origin, placed);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter json, string origin, PlacedEvent placed)
    {
        var leaf = placed.Body!.Leaf(placed.Place);
        var happened = LoggedEvent.Parse(leaf, null);
        var refused = happened.Outcome is not (null or "done" or "begun");
        json.WriteStartObject();
        json.WriteNumber("class_uid", ApiActivity);
        json.WriteString("class_name", "API Activity");
        json.WriteNumber("category_uid", ApiActivity / 1000);
        json.WriteString("category_name", "Application Activity");
        json.WriteNumber("activity_id", OtherActivity);
        json.WriteString("activity_name", happened.Type);
        json.WriteNumber("type_uid", (ApiActivity * 100) + OtherActivity);
        json.WriteNumber("severity_id", refused ? 3 : 1);
        json.WriteNumber("time", happened.At.ToUnixTimeMilliseconds());
        json.WriteNumber("status_id", refused ? 2 : 1);
        if (happened.Outcome is { } outcome) json.WriteString("status_code", outcome);
        json.WriteStartObject("metadata");
        json.WriteString("version", "1.3.0");
        json.WriteStartObject("product");
        json.WriteString("name", "DbAccess");
        json.WriteString("vendor_name", "DbAccess");
        json.WriteEndObject();
        json.WriteString("log_name", origin);
        json.WriteString("uid", $"{origin}/{placed.Place}");
        json.WriteNumber("sequence", placed.Place);
        json.WriteEndObject();
        json.WriteStartObject("actor");
        json.WriteStartObject("user");
        json.WriteString("uid", happened.Actor);
        json.WriteEndObject();
        json.WriteEndObject();
        json.WriteStartObject("src_endpoint");
        json.WriteString("name", happened.Way);
        json.WriteEndObject();
        json.WriteStartObject("api");
        json.WriteString("operation", happened.Type);
        json.WriteEndObject();
        if (happened.Grant is { } grant)
        {
            json.WriteStartArray("resources");
            json.WriteStartObject();
            json.WriteString("type", "grant");
            json.WriteString("uid", grant);
            json.WriteEndObject();
            json.WriteEndArray();
        }

        json.WriteStartObject("unmapped");
        json.WritePropertyName("leaf");
        json.WriteRawValue(leaf);
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
