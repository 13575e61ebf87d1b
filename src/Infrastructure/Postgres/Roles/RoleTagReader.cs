using System.Globalization;
using System.Text.Json;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;

namespace DbAccess.Infrastructure.Postgres.Roles;

/// <summary>Reads the comments of roles, strangers' among them: whatever is there, it answers.</summary>
internal static class RoleTagReader
{
    /// <summary>How every tag of this product begins, whichever installation's.</summary>
    public const string Beginning = "{\"dbaccess\":";

    public static RoleMark Read(string? comment, string installation)
    {
        if (comment is null || !comment.StartsWith(Beginning, StringComparison.Ordinal)) return new RoleMark.None();

        try
        {
            using var document = JsonDocument.Parse(comment);
            var root = document.RootElement;
            if (Text(root, "i") is not { } whose) return new RoleMark.Unreadable();
            if (whose != installation) return new RoleMark.Foreign(whose);

            // What begins otherwise is not what we wrote, and what acts on a role compares how its tag begins.
            switch (Text(root, "kind"))
            {
                case "login" when GrantId.Parse(Text(root, "g")) is { } grant
                    && comment.StartsWith(RoleTag.LoginPrefix(installation, grant), StringComparison.Ordinal):
                    var end = DateTimeOffset.TryParseExact(Text(root, "e"), "yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture,
                        DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var at)
                        ? at
                        : (DateTimeOffset?)null;
                    return new RoleMark.Login(grant, Text(root, "db") ?? "", end);

                case "scope" when Text(root, "db") is { } database && Text(root, "scope") is { } scope && Text(root, "h") is { } hash
                    && comment == RoleTag.Scope(installation, database, scope, hash):
                    return new RoleMark.Scope(database, scope, hash);

                case "escrow" when comment == RoleTag.Escrow(installation):
                    return new RoleMark.Escrow();

                default:
                    return new RoleMark.Unreadable();
            }
        }
        catch (Exception failure) when (failure is JsonException or InvalidOperationException)
        {
            return new RoleMark.Unreadable();
        }
    }

    private static string? Text(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind is JsonValueKind.String ? value.GetString() : null;
}
