using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Infrastructure.Policies;

/// <summary>
/// Reads a policy file: strictly (a word it does not know may be a rule that somebody relies on), and to the end, so that every fault is
/// told at once and by line. Pure: bytes in, policy or faults out.
/// </summary>
public static partial class PolicyYaml
{
    internal const int LongestFile = 1 << 20;

    public static PolicyReading Read(ReadOnlySpan<byte> file)
    {
        if (file.Length > LongestFile) return Broken("the file is longer than 1 MiB");

        string text;
        try
        {
            var content = file.StartsWith("\uFEFF"u8) ? file[3..] : file;
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(content);
        }
        catch (DecoderFallbackException)
        {
            return Broken("the file is not UTF-8 text");
        }

        var faults = new List<PolicyFault>();
        var tree = YamlTree.Read(text, faults);
        var reader = new Reader(faults);
        // Beginning with its byte order mark, if it has one: what is kept has the file's hash.
        var policy = (tree is null ? null : reader.Policy(tree, Convert.ToHexStringLower(SHA256.HashData(file))))
            is { } read ? read with { Text = Encoding.UTF8.GetString(file) } : null;
        return new PolicyReading(faults.Count == 0 ? policy : null, ByLine(faults), ByLine(reader.Warnings));
    }

    public static PolicyReading Read(string text) => Read(Encoding.UTF8.GetBytes(text));

    private static PolicyReading Broken(string sentence) => new(null, [new PolicyFault(1, 1, sentence)], []);

    private static List<PolicyFault> ByLine(IEnumerable<PolicyFault> faults) =>
        [.. faults.Distinct().OrderBy(fault => fault.Line).ThenBy(fault => fault.Column)];

    /// <summary>
    /// One pass over one file. A part that cannot be read is left out and its fault noted; names are resolved against everything that the
    /// file declares, readable or not, so that one mistake is told once.
    /// </summary>
    private sealed partial class Reader(List<PolicyFault> faults)
    {
        /// <summary>All of them stand in the message with the credentials, and a role is made ready in each while somebody waits.</summary>
        private const int MostDatabases = 20;

        private static readonly string[] SslModes = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

        private readonly Dictionary<string, int> _ruleIds = new(StringComparer.Ordinal);
        private IReadOnlyCollection<string> _clusters = [];
        private IReadOnlyCollection<string> _databases = [];
        private IReadOnlyCollection<string> _scopes = [];
        private IReadOnlyCollection<string> _groups = [];
        private IReadOnlyCollection<string> _calendars = [];

        public List<PolicyFault> Warnings { get; } = [];

        public AccessPolicy? Policy(YamlNode root, string hash)
        {
            if (Fields(root, "the file", ["version", "clusters", "databases", "scopes", "allow"], ["calendars", "groups", "forbid",
                "admins", "tests"]) is not { } top) return null;

            if (top.GetValueOrDefault("version") is { } version && version is not YamlText { Plain: true, Value: "1" })
                Fault(version, $"version is {Written(version)}; this program reads version 1");

            _clusters = Keys(top, "clusters");
            _databases = Keys(top, "databases");
            _scopes = Keys(top, "scopes");
            _groups = Keys(top, "groups").Append(AccessPolicy.Everyone).ToHashSet(StringComparer.Ordinal);
            _calendars = Keys(top, "calendars");

            var lines = new PolicyLines();
            var connect = Clusters(top, lines);
            var scopes = Scopes(top, lines);
            var databases = Databases(top, lines);
            Calendars(top, lines);
            var groups = Groups(top, lines);
            var forbid = Rules(top, "forbid", Forbid, rule => rule.Id, lines);
            var allow = Rules(top, "allow", Allow, rule => rule.Id, lines);
            var admins = top.TryGetValue("admins", out var adminsNode) ? KnownGroups(adminsNode, "admins") : [];
            var tests = Tests(top);
            if (faults.Count > 0) return null;

            var policy = new AccessPolicy(hash, databases, scopes, groups, forbid, allow)
            {
                Admins = admins, Connect = connect, Calendars = _hours, Tests = tests,
            };
            Warnings.AddRange(PolicyLint.Look(policy, lines));
            return policy;
        }

        private Dictionary<ClusterName, ConnectHints> Clusters(Dictionary<string, YamlNode> top, PolicyLines lines)
        {
            var connect = new Dictionary<ClusterName, ConnectHints>();
            foreach (var (key, value) in Entries(top, "clusters"))
            {
                if (Cluster(key, value, lines) is { } hints && ClusterName.Parse(key.Value) is { } cluster) connect[cluster] = hints;
            }

            return connect;
        }

        private Dictionary<ScopeName, PrivilegeScope> Scopes(Dictionary<string, YamlNode> top, PolicyLines lines)
        {
            var scopes = new Dictionary<ScopeName, PrivilegeScope>();
            foreach (var (key, value) in Entries(top, "scopes"))
            {
                if (Scope(key, value, lines) is not { } scope) continue;
                scopes[scope.Name] = scope;
                lines.Scopes[scope.Name.Value] = key;
            }

            return scopes;
        }

        private Dictionary<DatabaseName, PolicyDatabase> Databases(Dictionary<string, YamlNode> top, PolicyLines lines)
        {
            var databases = new Dictionary<DatabaseName, PolicyDatabase>();
            foreach (var (key, value) in Entries(top, "databases"))
            {
                if (Database(key, value) is not { } database) continue;
                databases[database.Target.Name] = database;
                lines.Databases[database.Target.Name.Value] = key;
                foreach (var (tag, said) in database.Tags)
                {
                    if (!_tags.TryGetValue($"{tag}={said}", out var tagged)) _tags[$"{tag}={said}"] = tagged = new(StringComparer.Ordinal);
                    tagged.Add(database.Target.Name.Value);
                }
            }

            return databases;
        }

        private void Calendars(Dictionary<string, YamlNode> top, PolicyLines lines)
        {
            foreach (var (key, value) in Entries(top, "calendars"))
            {
                lines.Calendars[key.Value] = key;
                if (Calendar(key, value) is { } calendar) _hours[calendar.Name] = calendar;
            }
        }

        private Dictionary<string, PolicyGroup> Groups(Dictionary<string, YamlNode> top, PolicyLines lines)
        {
            var groups = new Dictionary<string, PolicyGroup>(StringComparer.Ordinal);
            foreach (var (key, value) in Entries(top, "groups"))
            {
                if (Group(key, value) is not { } group) continue;
                groups[group.Name] = group;
                lines.Groups[group.Name] = key;
            }

            return groups;
        }

        private ConnectHints? Cluster(YamlText key, YamlNode value, PolicyLines lines)
        {
            lines.Clusters[key.Value] = key;
            if (ClusterName.Parse(key.Value) is null)
                Fault(key, $"clusters has '{Show.Text(key.Value)}', which is no name: small letters, digits, '-' and '_', at most 63");
            var path = $"clusters.{Show.Text(key.Value)}";
            if (value is YamlText { IsNothing: true }) return null;
            if (value is not YamlMap { Entries: var entries })
            {
                Fault(value, $"{path} must be a mapping ({{ }})");
                return null;
            }

            foreach (var (name, _) in entries.Where(entry => entry.Key.Value is not "connect"))
                Fault(name, $"{path} has the unknown key '{Show.Text(name.Value)}': only 'connect' belongs here, which is what people " +
                    "are " +
                    "told; what the administrator uses (host, port, readers) comes with the administrator credentials");
            return entries.FirstOrDefault(entry => entry.Key.Value is "connect").Value is { } connect
                ? Connect(connect, $"{path}.connect") : null;
        }

        private ConnectHints? Connect(YamlNode node, string path)
        {
            if (Fields(node, path, [], ["host", "port", "sslmode", "sslrootcert", "note", "bastion"]) is not { } fields) return null;

            string? Said(string key, int longest = 253) =>
                fields.TryGetValue(key, out var value) ? Line(value, $"{path}.{key}", longest) : null;
            var (host, mode) = (Said("host"), Said("sslmode"));
            if (host is not null && (host.Length == 0 || host.Any(letter => char.IsWhiteSpace(letter) || "'\"/@".Contains(letter))))
                Fault(fields["host"], $"{path}.host is '{Show.Text(host)}', which is no name or address of a host");
            if (mode is not null && !SslModes.Contains(mode))
                Fault(fields["sslmode"], $"{path}.sslmode is '{Show.Text(mode)}'; libpq knows {string.Join(", ", SslModes)}");
            int? port = fields.TryGetValue("port", out var portNode) ? Number(portNode, $"{path}.port", 1, 65535) : null;
            return new ConnectHints(host, port, mode, Said("sslrootcert"), Said("note", 200), Said("bastion", 200));
        }

        private PolicyDatabase? Database(YamlText key, YamlNode value)
        {
            var path = $"databases.{Show.Text(key.Value)}";
            var name = DatabaseName.Parse(key.Value);
            if (name is null)
                Fault(key, $"databases has '{Show.Text(key.Value)}', which is no name: small letters, digits, '.', '-' and '_', at most " +
                    "63");
            if (Fields(value, path, ["cluster", "database", "scopes"], ["tags", "allow_public_create"], notYet: ["delivery"])
                is not { } fields) return null;

            ClusterName? cluster = null;
            if (fields.TryGetValue("cluster", out var clusterNode) && Text(clusterNode, $"{path}.cluster") is { } clusterText)
            {
                if (!_clusters.Contains(clusterText.Value))
                    Fault(clusterText,
                        $"{path}.cluster names '{Show.Text(clusterText.Value)}', which is not a " +
                        $"cluster{Show.Hint(clusterText.Value, _clusters)}");
                cluster = ClusterName.Parse(clusterText.Value);
            }

            // One, or several of the same cluster; the first is the one that connection strings name.
            List<string> names = [];
            if (fields.TryGetValue("database", out var databaseNode))
            {
                foreach (var text in databaseNode is YamlList
                    ? Texts(databaseNode, $"{path}.database") : Text(databaseNode, $"{path}.database") is { } single ? [single] : [])
                    names.Add(ServersName(text, $"{path}.database"));
                if (names.Count > MostDatabases)
                    Fault(databaseNode, $"{path}.database names {names.Count} databases; one entry leads to {MostDatabases} at most");
            }

            var tags = fields.TryGetValue("tags", out var tagsNode)
                ? TextMap(tagsNode, $"{path}.tags") : new Dictionary<string, string>(StringComparer.Ordinal);
            var scopes = new List<ScopeName>();
            foreach (var text in fields.TryGetValue("scopes", out var scopesNode)
                ? Texts(scopesNode, $"{path}.scopes", mayBeEmpty: true) : [])
            {
                if (!_scopes.Contains(text.Value))
                    Fault(text, $"{path}.scopes names '{Show.Text(text.Value)}', which is not a scope{Show.Hint(text.Value, _scopes)}");
                if (ScopeName.Parse(text.Value) is { } scope) scopes.Add(scope);
            }

            var publicMayCreate = fields.TryGetValue("allow_public_create", out var createNode)
                && Text(createNode, $"{path}.allow_public_create") is { } create && IsTrue(create, $"{path}.allow_public_create");

            return name is null || cluster is null || names.Count == 0
                ? null
                : new PolicyDatabase(
                    new DatabaseTarget(name, cluster, names[0]) { Also = names[1..], AllowPublicCreate = publicMayCreate }, tags, scopes);
        }

        private bool IsTrue(YamlText text, string path)
        {
            if (text.Value is not ("true" or "false")) Fault(text, $"{path} is '{Show.Text(text.Value)}'; it is true or false");
            return text.Value == "true";
        }

        /// <summary>The server's own name, as a connection string has it: not folded, any characters but NUL.</summary>
        private string ServersName(YamlText text, string path)
        {
            if (text.Value.Contains('\0', StringComparison.Ordinal))
                Fault(text, $"{path} has a NUL character, which PostgreSQL cannot hold");
            if (Encoding.UTF8.GetByteCount(text.Value) > SqlNames.LongestBytes)
                Fault(text, $"{path} is longer than {SqlNames.LongestBytes} bytes, which PostgreSQL would cut");
            return text.Value;
        }

        private PolicyGroup? Group(YamlText key, YamlNode value)
        {
            var path = $"groups.{Show.Text(key.Value)}";
            if (key.Value is AccessPolicy.Everyone) Fault(key, "groups defines 'everyone', which is built in");
            else if (!GroupName().IsMatch(key.Value))
                Fault(key, $"groups has '{Show.Text(key.Value)}', which is no name: small letters, digits, '.', '-' and '_', at most 63");
            if (Fields(value, path, [], ["users", "slack_usergroup"]) is not { } fields) return null;

            var users = new HashSet<string>(StringComparer.Ordinal);
            foreach (var text in fields.TryGetValue("users", out var usersNode) ? Texts(usersNode, $"{path}.users", mayBeEmpty: true) : [])
            {
                // The team is not part of the file; any well-formed one lets the domain judge the user's half.
                if (PrincipalId.Parse("T000", text.Value) is null)
                    Fault(text, $"{path}.users has '{Show.Text(text.Value)}', which is not a Slack user id (like U0DBA0001)");
                users.Add(text.Value);
            }

            var usergroup = fields.TryGetValue("slack_usergroup", out var usergroupNode)
                ? Text(usergroupNode, $"{path}.slack_usergroup") : null;
            if (usergroup is not null && !Usergroup().IsMatch(usergroup.Value))
                Fault(usergroup,
                    $"{path}.slack_usergroup is '{Show.Text(usergroup.Value)}', which is not the id of a Slack user group (like " +
                    "S0ONCALL1)");
            return new PolicyGroup(key.Value, users, usergroup?.Value);
        }
    }

    [GeneratedRegex("^[a-z0-9][a-z0-9._-]{0,62}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex GroupName();

    [GeneratedRegex("^[A-Za-z0-9][A-Za-z0-9._-]{0,62}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex RuleName();

    [GeneratedRegex("^S[A-Z0-9]{2,20}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Usergroup();

    [GeneratedRegex("^[CG][A-Z0-9]{2,20}\\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Channel();
}
