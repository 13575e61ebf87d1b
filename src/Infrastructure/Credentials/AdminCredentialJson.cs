using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;

namespace DbAccess.Infrastructure.Credentials;

/// <summary>
/// Administrator credentials in the shape AWS gives RDS secrets, wherever they are kept. A refusal names the cluster, the place and the
/// field, and shows nothing of what stands there.
/// </summary>
internal static partial class AdminCredentialJson
{
    /// <summary>In bytes; a real one has a few hundred.</summary>
    public const int Longest = 64 * 1024;

    private static readonly string[] SslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

    /// <param name="path">Where the content was found, for refusals.</param>
    public static Result<AdminCredential> Read(byte[] content, ClusterName cluster, string path)
    {
        try
        {
            var options = new JsonDocumentOptions { AllowDuplicateProperties = false };
            // Editors on Windows put a byte order mark in front, which JSON does not know.
            var json = content.AsMemory(content.AsSpan().StartsWith("\uFEFF"u8) ? 3 : 0);
            using var document = JsonDocument.Parse(json, options);
            return Understand(document.RootElement, cluster, path);
        }
        catch (JsonException failure)
        {
            // The exception's own text quotes the content, and so does its path; only the line leaves.
            var line = failure.LineNumber is { } number ? string.Create(CultureInfo.InvariantCulture, $" from line {number + 1} on") : "";
            return Refuse("malformed", cluster, path, $"it is not JSON{line}, or names a field twice");
        }
        catch (InvalidOperationException)
        {
            return Refuse("malformed", cluster, path, "it holds text that is not Unicode");
        }
    }

    private static Result<AdminCredential> Understand(JsonElement root, ClusterName cluster, string path)
    {
        if (root.ValueKind is not JsonValueKind.Object) return Refuse("malformed", cluster, path, "it is not a JSON object");

        // Fields beyond these (engine, dbClusterIdentifier, …) belong to AWS's shape and say nothing to us.
        var fields = new Fields(root);
        var host = fields.Text("host", null);
        var username = fields.Text("username", null);
        var password = fields.Text("password", null);
        var database = fields.Text("dbname", "postgres");
        var sslMode = fields.Text("sslmode", "verify-full");
        var auth = fields.Text("require_auth", "scram-sha-256");
        var faults = fields.Faults;
        if (auth is not (null or "scram-sha-256" or "any")) faults.Add("require_auth is neither scram-sha-256 nor any");
        if (host is not null && !HostShape().IsMatch(host)) faults.Add("host is not the name or address of one host");
        if (sslMode is not null && !SslModes.Contains(sslMode, StringComparer.Ordinal))
            faults.Add($"sslmode is none of {string.Join(", ", SslModes)}");
        var port = fields.Port();
        var readers = fields.Readers();

        // Named, never shown: a value in the wrong field may be the password.
        return faults.Count > 0
            ? Refuse("malformed", cluster, path, string.Join("; ", faults))
            : new AdminCredential(host!, port, username!, new Secret(password!), sslMode!, database!, readers)
            {
                AnyAuthentication = auth == "any",
            };
    }

    public static Error Refuse(string code, ClusterName cluster, string path, string why) =>
        new($"credentials.{code}", $"The administrator credentials of {cluster} ({path}) cannot be used: {why}.");

    // One host: a comma would make it a list to the driver, a slash a socket directory, which is allowed.
    [GeneratedRegex("^[^\\s,;=\\p{C}]{1,255}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex HostShape();

    [GeneratedRegex("^(?:\\[[0-9A-Fa-f:.%]{2,60}\\]|[^\\s,;=:\\p{C}]{1,255}):(?<port>[0-9]{1,5})\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex ReaderShape();

    /// <summary>The fields, one by one, and what is wrong with them.</summary>
    private sealed class Fields(JsonElement root)
    {
        public List<string> Faults { get; } = [];

        public string? Text(string name, string? fallback)
        {
            if (!root.TryGetProperty(name, out var value))
            {
                if (fallback is null) Faults.Add($"{name} is missing");
                return fallback;
            }

            if (value.ValueKind is JsonValueKind.String && value.GetString() is { Length: > 0 } text
                && !text.Contains('\0', StringComparison.Ordinal)) return text;
            Faults.Add($"{name} is not a text, or empty");
            return null;
        }

        public int Port()
        {
            if (!root.TryGetProperty("port", out var value))
            {
                Faults.Add("port is missing");
                return 0;
            }

            // Some tools store the number as a text.
            if (value.ValueKind is JsonValueKind.Number && value.TryGetInt32(out var number) && number is >= 1 and <= 65535) return number;
            if (value.ValueKind is JsonValueKind.String && int.TryParse(value.GetString(), NumberStyles.None, CultureInfo.InvariantCulture,
                out number) && number is >= 1 and <= 65535) return number;
            Faults.Add("port is not a number from 1 to 65535");
            return 0;
        }

        public List<string> Readers()
        {
            var found = new List<string>();
            if (!root.TryGetProperty("readers", out var value)) return found;
            if (value.ValueKind is not JsonValueKind.Array)
            {
                Faults.Add("readers is not a list");
                return found;
            }

            foreach (var (index, item) in value.EnumerateArray().Index())
            {
                if (item.ValueKind is JsonValueKind.String && item.GetString() is { } reader
                    && ReaderShape().Match(reader) is { Success: true } match
                    && int.Parse(match.Groups["port"].Value, CultureInfo.InvariantCulture) is >= 1 and <= 65535) found.Add(reader);
                else Faults.Add($"readers[{index}] is not host:port");
                if (Faults.Count > 10) break;
            }

            return found;
        }
    }
}
