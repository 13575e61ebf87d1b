using System.Globalization;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;

namespace DbAccess.Application.Grants;

/// <summary>
/// Ways to connect, ready to be copied. Pure. None of them holds the password: a connection string with one ends in a file, a command line
/// with one in a history, which keeps only how the clipboard is read.
/// </summary>
public static class ConnectionWords
{
    /// <summary>Quoted for libpq, then for a shell.</summary>
    public static string Psql(ConnectionPlace place, string? application = null)
    {
        var info = Info(place, application);
        // Between single quotes a shell reads nothing but the closing quote; history expansion (!) works even between double ones.
        return info.All(IsPlainInShell) ? $"psql \"{info}\"" : $"psql '{info.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }

    /// <summary>With the password from the clipboard, and a prompt that says what is held and until when.</summary>
    /// <param name="paste">The command that prints the clipboard.</param>
    public static string Psql(ConnectionPlace place, GrantSnapshot grant, string paste) =>
        $"PGPASSWORD=\"$({paste})\" {Psql(place, grant.Id.ToString())} -v PROMPT1='{Prompt(place, grant)}'";

    public static string PowerShell(ConnectionPlace place, GrantSnapshot grant)
    {
        var info = Info(place, grant.Id.ToString());
        var quoted = info.All(IsPlainInShell) ? $"\"{info}\"" : $"'{info.Replace("'", "''", StringComparison.Ordinal)}'";
        return $"$env:PGPASSWORD=(Get-Clipboard); psql {quoted} -v PROMPT1='{Prompt(place, grant)}'; Remove-Item Env:PGPASSWORD";
    }

    /// <summary>A section of <c>~/.pg_service.conf</c>, for <c>psql service=K7Q3-MD</c> and all else that is built on libpq.</summary>
    public static string Service(ConnectionPlace place, GrantSnapshot grant) => string.Join('\n',
    [
        $"[{grant.Id}]", $"host={place.Host}", string.Create(CultureInfo.InvariantCulture, $"port={place.Port}"),
        $"dbname={place.Database}", $"user={place.User}", $"sslmode={place.SslMode}",
        .. place.SslRootCert is { } path ? (string[])[$"sslrootcert={path}"] : [], $"application_name={grant.Id}",
    ]);

    /// <summary>A line of <c>~/.pgpass</c> (mode 600), to be completed.</summary>
    public static string PassLine(ConnectionPlace place) => string.Create(CultureInfo.InvariantCulture,
        $"{Field(place.Host)}:{place.Port}:{Field(place.Database)}:{Field(place.User)}:<paste the password>");

    public static string DBeaver(ConnectionPlace place, GrantSnapshot grant) => string.Create(CultureInfo.InvariantCulture,
        $"dbeaver -con \"driver=postgresql|host={place.Host}|port={place.Port}|database={place.Database}|user={place.User}|") +
        $"name={grant.Target.Name} until {Until(place, grant)}\"";

    public static string Uri(ConnectionPlace place)
    {
        var root = place.SslRootCert is { } path ? $"&sslrootcert={System.Uri.EscapeDataString(path)}" : "";
        return $"postgresql://{System.Uri.EscapeDataString(place.User)}@{UriHost(place.Host)}:{place.Port}/" +
            $"{System.Uri.EscapeDataString(place.Database)}?sslmode={System.Uri.EscapeDataString(place.SslMode)}{root}";
    }

    /// <summary>Null where JDBC has no way: over a socket.</summary>
    public static string? Jdbc(ConnectionPlace place) => IsSocket(place) ? null
        : $"jdbc:postgresql://{UriHost(place.Host)}:{place.Port}/{System.Uri.EscapeDataString(place.Database)}" +
            $"?user={System.Uri.EscapeDataString(place.User)}&sslmode={System.Uri.EscapeDataString(place.SslMode)}";

    public static string DotNet(ConnectionPlace place)
    {
        var ssl = place.SslMode switch
        {
            "disable" => "Disable",
            "allow" => "Allow",
            "prefer" => "Prefer",
            "require" => "Require",
            "verify-ca" => "VerifyCA",
            _ => "VerifyFull",
        };
        var root = place.SslRootCert is { } path and not "system" ? $";Root Certificate={Part(path)}" : "";
        return string.Create(CultureInfo.InvariantCulture, $"Host={Part(place.Host)};Port={place.Port};Database={Part(place.Database)};") +
            $"Username={Part(place.User)};SSL Mode={ssl}{root}";

        static string Part(string value) =>
            value.All(IsPlainInShell) && !value.Contains('=', StringComparison.Ordinal) && value.Trim() == value
                ? value : $"\"{value.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";
    }

    public static string Python(ConnectionPlace place)
    {
        var info = Info(place, null).Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
        return $"psycopg.connect(\"{info}\", password=getpass.getpass())";
    }

    public static string Go(ConnectionPlace place) => $"pgx.Connect(ctx, \"{Uri(place)}\") // PGPASSWORD from the environment";

    /// <summary>The end by the holder's clock; in UTC, and saying so, where that is not known.</summary>
    private static string Until(ConnectionPlace place, GrantSnapshot grant) => place.Zone is { } zone
        ? ZonedTimes.Local(zone, grant.Window!.Expiry).ToString("HH:mm", CultureInfo.InvariantCulture)
        : grant.Window!.Expiry.UtcDateTime.ToString("HH:mm'Z'", CultureInfo.InvariantCulture);

    private static string Prompt(ConnectionPlace place, GrantSnapshot grant) =>
        $"[{grant.Target.Name}·{grant.Scope.Name} until {Until(place, grant)}] %/%R%# ";

    private static string Info(ConnectionPlace place, string? application) =>
        $"host={Libpq(place.Host)} port={place.Port} dbname={Libpq(place.Database)} user={Libpq(place.User)} " +
        $"sslmode={Libpq(place.SslMode)}{(place.SslRootCert is { } path ? $" sslrootcert={Libpq(path)}" : "")}" +
        (application is null ? "" : $" application_name={Libpq(application)}");

    /// <summary>A value of a connection string as libpq reads it: bare if it can be, else between single quotes.</summary>
    private static string Libpq(string value) => value.Length > 0 && value.All(c => !char.IsWhiteSpace(c) && c is not ('\'' or '\\'))
        ? value
        : $"'{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";

    private static string Field(string value) =>
        value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace(":", "\\:", StringComparison.Ordinal);

    private static bool IsSocket(ConnectionPlace place) => place.Host.StartsWith('/') || place.Host.StartsWith('@');

    private static string UriHost(string host) => host.Contains(':', StringComparison.Ordinal)
        ? $"[{host.Replace("%", "%25", StringComparison.Ordinal)}]" : System.Uri.EscapeDataString(host);

    private static bool IsPlainInShell(char c) => char.IsAsciiLetterOrDigit(c) || c is ' ' or '=' or '.' or '-' or '_' or ':' or '/' or '@'
        or ',' or '+' or '%';
}
