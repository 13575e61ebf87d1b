using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;

namespace DbAccess.Infrastructure.Postgres.Roles;

/// <summary>
/// The comment on each role that we make. Roles are known by it and by their OID, never by name alone. Anybody who can log in can read it,
/// so it holds nothing about a person.
/// </summary>
/// <remarks>
/// The keys always come in the same order, so that whose a role is can be asked in SQL by comparing how the comment begins: to parse the
/// comments of strangers as JSON would fail on the first one that is not. What is no ASCII is escaped: comments are the whole cluster's,
/// and stored in the encoding of whichever database they were written from.
/// </remarks>
internal static class RoleTag
{
    /// <summary>How the tag of every login of an installation begins.</summary>
    public static string LoginPrefix(string installation) => $$"""{"dbaccess":1,"i":{{Quote(installation)}},"kind":"login",""";

    public static string LoginPrefix(string installation, GrantId grant) =>
        $$"""{{LoginPrefix(installation)}}"g":{{Quote(grant.ToString())}},""";

    public static string Login(string installation, GrantId grant, string database, DateTimeOffset expiry) =>
        $$"""{{LoginPrefix(installation, grant)}}"db":{{Quote(database)}},"e":"{{Utc(expiry)}}"}""";

    public static string ScopePrefix(string installation) => $$"""{"dbaccess":1,"i":{{Quote(installation)}},"kind":"scope",""";

    public static string Scope(string installation, string database, string scope, string fingerprint) =>
        $$"""{{ScopePrefix(installation)}}"db":{{Quote(database)}},"scope":{{Quote(scope)}},"h":"{{fingerprint}}"}""";

    public static string Escrow(string installation) => $$"""{"dbaccess":1,"i":{{Quote(installation)}},"kind":"escrow"}""";

    /// <summary>Of a role that a listing found, for asking for it again.</summary>
    /// <exception cref="ArgumentException">It is neither a scope nor an escrow role.</exception>
    public static string Of(string installation, FoundRole role) => role.Mark switch
    {
        RoleMark.Scope scope => Scope(installation, scope.Database, scope.Name, scope.Fingerprint),
        RoleMark.Escrow => Escrow(installation),
        _ => throw new ArgumentException("Only scope and escrow roles are mended.", nameof(role)),
    };

    /// <summary>
    /// For VALID UNTIL and the tag alike. Seconds are cut, not rounded: the server must not let anybody in after the end.
    /// </summary>
    public static string Utc(DateTimeOffset instant) =>
        instant.ToUniversalTime().ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static string Quote(string text) => $"\"{JavaScriptEncoder.Default.Encode(text)}\"";
}
