using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using DbAccess.Application.Ports;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Infrastructure.Stores;

/// <summary>
/// A grant as text, the same for every store: <c>{"v":1,"grant":{…}}</c>. Fields that this version does not know are ignored, so that two
/// versions of the program can share a store while one replaces the other; a document of a later <c>v</c> is refused.
/// </summary>
internal static class GrantJson
{
    private const int Version = 1;

    private static readonly JsonWriterOptions WriterOptions = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        // A missing or null field that the program relies on fails here, with its name, and not later somewhere else.
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        // What is computed from the rest (DueAt) has no place of its own.
        IgnoreReadOnlyProperties = true,
        // The text goes to a column of a database and never into a page.
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters =
        {
            Words<GrantStatus>(), Words<EndReason>(), Words<NoticeKind>(), Words<CardLine>(), Words<Privilege>(), Words<ObjectKind>(),
            new TextConverter<GrantId>(GrantId.Parse, id => id.ToString()),
            new TextConverter<PrincipalId>(ReadPrincipal, id => id.ToString()),
            new TextConverter<DatabaseName>(DatabaseName.Parse, name => name.Value),
            new TextConverter<ClusterName>(ClusterName.Parse, name => name.Value),
            new TextConverter<RoleName>(RoleName.Parse, name => name.Value),
            new TextConverter<ScopeName>(ScopeName.Parse, name => name.Value),
            new DurationConverter(),
        },
    };

    // Generated code: the functions are compiled ahead of time and have no reflection to fall back on.
    private static readonly GrantShape Shape = new(Options);

    public static string Write(GrantSnapshot grant)
    {
        var buffer = new ArrayBufferWriter<byte>(2048);
        using (var writer = new Utf8JsonWriter(buffer, WriterOptions))
        {
            writer.WriteStartObject();
            writer.WriteNumber("v", Version);
            writer.WritePropertyName("grant");
            JsonSerializer.Serialize(writer, grant, Shape.GrantSnapshot);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <param name="id">The key it was found under, for the exception; the document must carry the same.</param>
    public static GrantSnapshot Read(string id, string document)
    {
        try
        {
            using var json = JsonDocument.Parse(document);
            if (json.RootElement.ValueKind is not JsonValueKind.Object
                || !json.RootElement.TryGetProperty("v", out var v) || v.ValueKind is not JsonValueKind.Number
                    || !v.TryGetInt32(out var version)
                || !json.RootElement.TryGetProperty("grant", out var body)) throw new GrantDocumentException(
                    id, "it is not a grant's document.");
            if (version != Version)
                throw new GrantDocumentException(id,
                    $"its document is of version {version}, and this program reads version {Version}; was the store used by a newer one?");

            var grant = body.Deserialize(Shape.GrantSnapshot) ?? throw new GrantDocumentException(id, "its document is empty.");
            return grant.Id.ToString() == id ? grant : throw new GrantDocumentException(id, "its document is another grant's.");
        }
        catch (JsonException failure)
        {
            // The inner exception stays behind: its text may quote the document.
            throw new GrantDocumentException(id, $"its document is damaged at {failure.Path ?? "the text itself"}.");
        }
    }

    private static PrincipalId? ReadPrincipal(string text) => text.Split('/') is [var team, var user]
        ? PrincipalId.Parse(team, user) : null;

    private static JsonStringEnumConverter<T> Words<T>()
        where T : struct, Enum => new(namingPolicy: null, allowIntegerValues: false);

    private sealed class TextConverter<T>(Func<string, T?> parse, Func<T, string> write) : JsonConverter<T>
        where T : class
    {
        public override T Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType is JsonTokenType.String && parse(reader.GetString()!) is { } value ? value : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options) => writer.WriteStringValue(write(value));
    }

    /// <summary><c>01:30:00</c>: exact to the tick, and what people read as a length of time.</summary>
    private sealed class DurationConverter : JsonConverter<TimeSpan>
    {
        public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType is JsonTokenType.String
                && TimeSpan.TryParseExact(reader.GetString(), "c", CultureInfo.InvariantCulture, out var value)
                ? value : throw new JsonException();

        public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options) =>
            writer.WriteStringValue(value.ToString("c", CultureInfo.InvariantCulture));
    }
}

/// <summary>What a grant is made of, for the serializer.</summary>
[JsonSerializable(typeof(GrantSnapshot))]
internal sealed partial class GrantShape : JsonSerializerContext;
