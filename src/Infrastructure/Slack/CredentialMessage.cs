using System.Text.Json.Nodes;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using Npgsql;

namespace DbAccess.Infrastructure.Slack;

/// <summary>
/// The message with the credentials. Pure. The password is in one place of one block, and neither in the notification nor in anything that
/// is made to be copied whole: a connection string with a password ends in a file, a command line with one in a history.
/// </summary>
internal static class CredentialMessage
{
    /// <summary>Further databases with a psql line of their own; the others are named, and lack only that.</summary>
    private const int MostAlso = 5;

    private const string Notification = "Your database access is ready.";

    public static JsonObject Draw(Grant grant, Credential credential)
    {
        var state = grant.State;
        var blocks = new List<JsonObject> { BlockKit.Header("Your database access is ready") };
        if (state.Attempts > 1)
        {
            blocks.Add(BlockKit.Paragraph(
                "If you got a message like this one before for the same grant: its password no longer works. Use this one."));
        }

        blocks.Add(Lines(credential, state.Target.Also));
        // Before anything is copied: whoever acts as an owner can break what that owner can.
        if (state.Scope.RunAs is { } owner)
            blocks.Add(BlockKit.Paragraph(
                $"{(state.Scope.HighRisk ? "High risk. " : "")}Your sessions act as the owner `{owner.Replace('`', '\'')}`: what you do, " +
                "that owner does, and what you make belongs to it. Nothing belongs to your own user."));
        else if (state.Scope.HighRisk)
            blocks.Add(BlockKit.Paragraph("High risk: whoever keeps the access policy marked this scope."));
        // Who does not know takes an empty answer for an empty table.
        if (state.Plan is { Remarks: { Count: > 0 } remarks })
            blocks.Add(BlockKit.Paragraph("Before you rely on what you see:\n"
                + string.Join('\n', remarks.Select(remark => $"• {remark.TrimEnd('.').Replace('`', '\'')}."))));
        foreach (var line in credential.Before) blocks.Add(BlockKit.Paragraph(line.Replace('`', '\'')));
        blocks.Add(BlockKit.LabelledCode("psql (asks for the password, or takes it from PGPASSWORD)", Psql(credential)));
        foreach (var also in state.Target.Also.Take(MostAlso))
            blocks.Add(BlockKit.LabelledCode($"psql for {also}", Psql(credential with { Database = also })));
        blocks.Add(BlockKit.LabelledCode("URI", ConnectionUri(credential)));
        if (!IsSocket(credential)) blocks.Add(BlockKit.LabelledCode("JDBC", Jdbc(credential)));
        blocks.Add(BlockKit.LabelledCode(".NET (Npgsql)", DotNet(credential)));
        blocks.Add(BlockKit.Note(
            "None of these holds the password: set it as PGPASSWORD or in your client's own field, or type it when asked."));
        blocks.AddRange(BlockKit.Fields(
        [
            ("Database", state.Target.Name.Value),
            ("Scope", $"{GrantMessages.ScopeOf(state.Scope).TrimEnd(',')}: {state.Scope.Description}"),
            ("Grant", grant.Id.ToString()),
        ]));
        if (state.Window is { } window) blocks.Add(BlockKit.Moment("Access ends", window.Expiry));
        blocks.Add(BlockKit.Paragraph(
            $"Finished early? Press the button or type `/db-access done {grant.Id}`. This message is removed when access ends."));
        blocks.AddRange(BlockKit.Buttons(
            [new ChatButton(GrantMessages.ReturnAction, "Give it back", grant.Id.ToString(), Danger: true,
                Confirm: $"Access through {grant.Id} ends at once, and its open sessions are closed.")]));

        var message = BlockKit.Plain(Notification);
        message["blocks"] = new JsonArray([.. blocks]);
        return message;
    }

    /// <summary>Quoted for libpq, then for a shell.</summary>
    public static string Psql(Credential credential)
    {
        var info = $"host={Libpq(credential.Host)} port={credential.Port} dbname={Libpq(credential.Database)} " +
            $"user={Libpq(credential.Role.Value)} sslmode={Libpq(credential.SslMode)}{RootCert(credential)}";
        // Between single quotes a shell reads nothing but the closing quote; history expansion (!) works even between double ones.
        return info.All(IsPlainInShell) ? $"psql \"{info}\"" : $"psql '{info.Replace("'", "'\\''", StringComparison.Ordinal)}'";
    }

    private static string RootCert(Credential credential) =>
        credential.SslRootCert is { } path ? $" sslrootcert={Libpq(path)}" : "";

    public static string ConnectionUri(Credential credential)
    {
        var root = credential.SslRootCert is { } path ? $"&sslrootcert={Uri.EscapeDataString(path)}" : "";
        return $"postgresql://{Uri.EscapeDataString(credential.Role.Value)}@{UriHost(credential.Host)}:{credential.Port}/" +
            $"{Uri.EscapeDataString(credential.Database)}?sslmode={Uri.EscapeDataString(credential.SslMode)}{root}";
    }

    public static string Jdbc(Credential credential) =>
        $"jdbc:postgresql://{UriHost(credential.Host)}:{credential.Port}/{Uri.EscapeDataString(credential.Database)}" +
            $"?user={Uri.EscapeDataString(credential.Role.Value)}&sslmode={Uri.EscapeDataString(credential.SslMode)}";

    public static string DotNet(Credential credential) => new NpgsqlConnectionStringBuilder
    {
        Host = credential.Host,
        Port = credential.Port,
        Database = credential.Database,
        Username = credential.Role.Value,
        SslMode = credential.SslMode switch
        {
            "disable" => SslMode.Disable,
            "allow" => SslMode.Allow,
            "prefer" => SslMode.Prefer,
            "require" => SslMode.Require,
            "verify-ca" => SslMode.VerifyCA,
            _ => SslMode.VerifyFull,
        },
    }.ConnectionString;

    private static JsonObject Lines(Credential credential, IReadOnlyList<string> also)
    {
        // "Database" stands once: it is what programs that read the message look for.
        (string Label, string Value)[] lines =
        [
            ("Host", credential.Host),
            ("Port", credential.Port.ToString()),
            ("Database", credential.Database),
            .. also.Select(database => ("Also", database)),
            ("User", credential.Role.Value),
            ("Password", credential.Password.Reveal()),
        ];
        // Everyday values as text with back-ticks, which every client and every reader of messages knows. Slack's text cannot quote a
        // back-tick or a line break, so that a name with anything unusual goes into literal elements: shown as it is, never cut or cleaned.
        if (!lines.All(line => line.Value.Length is > 0 and <= 500 && line.Value.All(IsPlainInText))) return BlockKit.CodeLines(lines);

        return new JsonObject
        {
            ["type"] = "section",
            ["text"] = new JsonObject
            {
                ["type"] = "mrkdwn",
                ["text"] = string.Join('\n', lines.Select(line => $"{line.Label}: `{line.Value}`")),
                ["verbatim"] = true,
            },
        };
    }

    /// <summary>A value of a connection string as libpq reads it: bare if it can be, else between single quotes.</summary>
    private static string Libpq(string value) => value.Length > 0 && value.All(c => !char.IsWhiteSpace(c) && c is not ('\'' or '\\'))
        ? value
        : $"'{value.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)}'";

    private static bool IsSocket(Credential credential) => credential.Host.StartsWith('/') || credential.Host.StartsWith('@');

    private static string UriHost(string host) => host.Contains(':', StringComparison.Ordinal)
        ? $"[{host.Replace("%", "%25", StringComparison.Ordinal)}]" : Uri.EscapeDataString(host);

    private static bool IsPlainInShell(char c) => char.IsAsciiLetterOrDigit(c) || c is ' ' or '=' or '.' or '-' or '_' or ':' or '/' or '@'
        or ',' or '+' or '%';

    private static bool IsPlainInText(char c) => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_' or ':' or '/' or '@' or ',' or '+'
        or '=' or '%' or '#';
}
