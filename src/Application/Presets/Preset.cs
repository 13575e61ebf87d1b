using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Scopes;

namespace DbAccess.Application.Presets;

/// <summary>
/// A request that somebody keeps under a name of their own. It says what is asked for when they press it, and gives no right: it is judged
/// like any other request, by the policy of that moment.
/// </summary>
/// <param name="Name">1 to <see cref="LongestName"/> characters, one line.</param>
public sealed record Preset(string Name, DatabaseName Database, ScopeName Scope, TimeSpan Duration, string Reason)
{
    public const int LongestName = 40;

    /// <summary>The tables that it is narrowed to, as SQL writes them; empty for the whole scope.</summary>
    public IReadOnlyList<string> Only { get; init; } = [];

    /// <summary>The user id of whoever is to have it; null for whoever keeps it.</summary>
    public string? For { get; init; }

    /// <summary>
    /// What its button carries: another one for every other content, so that nothing is asked for but what stood beside the button.
    /// </summary>
    public string Key => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Write([this]))))[..16];

    /// <summary>Null when some of it cannot be read (any more).</summary>
    public AccessWish? Wish => TableMention.ReadAll(string.Join(", ", Only)) is { Wrong: null, Tables: var tables }
        ? new AccessWish(Database, Scope, Duration, Reason) { Only = [.. tables.Distinct()] } : null;

    /// <summary>The same as that grant was asked for; when it began was for that time.</summary>
    internal static Preset Of(GrantSnapshot grant, string name) =>
        new(name, grant.Target.Name, grant.Scope.Name, grant.Duration, grant.Reason)
        {
            Only = grant.Scope.NarrowedTo, For = grant.AskedBy is null ? null : grant.Requester.User,
        };

    internal static string Write(IEnumerable<Preset> presets)
    {
        using var bytes = new MemoryStream();
        using (var json = new Utf8JsonWriter(bytes))
        {
            json.WriteStartArray();
            foreach (var preset in presets)
            {
                json.WriteStartObject();
                json.WriteString("name", preset.Name);
                json.WriteString("database", preset.Database.Value);
                json.WriteString("scope", preset.Scope.Value);
                json.WriteString("duration", preset.Duration.ToString("c", CultureInfo.InvariantCulture));
                json.WriteString("reason", preset.Reason);
                json.WriteStartArray("only");
                foreach (var table in preset.Only) json.WriteStringValue(table);
                json.WriteEndArray();
                if (preset.For is { } user) json.WriteString("for", user);
                json.WriteEndObject();
            }

            json.WriteEndArray();
        }

        return Encoding.UTF8.GetString(bytes.ToArray());
    }

    /// <summary>What cannot be read is left out: somebody else may have written there.</summary>
    internal static IReadOnlyList<Preset> Read(string? text)
    {
        if (string.IsNullOrEmpty(text)) return [];
        try
        {
            using var json = JsonDocument.Parse(text);
            return [.. json.RootElement.EnumerateArray().Select(ReadOne).OfType<Preset>()];
        }
        catch (Exception unreadable) when (unreadable is JsonException or InvalidOperationException)
        {
            return [];
        }
    }

    private static Preset? ReadOne(JsonElement one)
    {
        string? Text(string name) => one.TryGetProperty(name, out var value) ? value.GetString() : null;

        return Text("name") is { Length: > 0 } name && Text("reason") is { } reason
            && DatabaseName.Parse(Text("database")) is { } database && ScopeName.Parse(Text("scope")) is { } scope
            && TimeSpan.TryParseExact(Text("duration"), "c", CultureInfo.InvariantCulture, out var duration)
            ? new Preset(Show.Text(name, LongestName), database, scope, duration, reason)
            {
                Only = one.TryGetProperty("only", out var only) ? [.. only.EnumerateArray().Select(table => table.GetString() ?? "")] : [],
                For = Text("for"),
            }
            : null;
    }
}
