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
        var policy = tree is null ? null : reader.Policy(tree, Convert.ToHexStringLower(SHA256.HashData(file)));
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

        private readonly Dictionary<string, int> _ruleIds = new(StringComparer.Ordinal);
        private IReadOnlyCollection<string> _clusters = [];
        private IReadOnlyCollection<string> _databases = [];
        private IReadOnlyCollection<string> _scopes = [];
        private IReadOnlyCollection<string> _groups = [];

        public List<PolicyFault> Warnings { get; } = [];

        public AccessPolicy? Policy(YamlNode root, string hash)
        {
            if (Fields(root, "the file", ["version", "clusters", "databases", "scopes", "allow"], ["groups", "forbid"]) is not { } top)
                return null;

            if (top.GetValueOrDefault("version") is { } version && version is not YamlText { Plain: true, Value: "1" })
                Fault(version, $"version is {Written(version)}; this program reads version 1");

            _clusters = Keys(top, "clusters");
            _databases = Keys(top, "databases");
            _scopes = Keys(top, "scopes");
            _groups = [.. Keys(top, "groups"), AccessPolicy.Everyone];

            var lines = new PolicyLines();
            foreach (var (key, value) in Entries(top, "clusters")) Cluster(key, value, lines);
            var scopes = new Dictionary<ScopeName, PrivilegeScope>();
            foreach (var (key, value) in Entries(top, "scopes"))
            {
                if (Scope(key, value, lines) is not { } scope) continue;
                scopes[scope.Name] = scope;
                lines.Scopes[scope.Name.Value] = key;
            }

            var databases = new Dictionary<DatabaseName, PolicyDatabase>();
            foreach (var (key, value) in Entries(top, "databases"))
            {
                if (Database(key, value) is not { } database) continue;
                databases[database.Target.Name] = database;
                lines.Databases[database.Target.Name.Value] = key;
            }

            var groups = new Dictionary<string, PolicyGroup>(StringComparer.Ordinal);
            foreach (var (key, value) in Entries(top, "groups"))
            {
                if (Group(key, value) is not { } group) continue;
                groups[group.Name] = group;
                lines.Groups[group.Name] = key;
            }

            var forbid = Rules(top, "forbid", Forbid, rule => rule.Id, lines);
            var allow = Rules(top, "allow", Allow, rule => rule.Id, lines);
            if (faults.Count > 0) return null;

            var policy = new AccessPolicy(hash, databases, scopes, groups, forbid, allow);
            Warnings.AddRange(PolicyLint.Look(policy, lines));
            return policy;
        }

        private void Cluster(YamlText key, YamlNode value, PolicyLines lines)
        {
            lines.Clusters[key.Value] = key;
            if (ClusterName.Parse(key.Value) is null)
                Fault(key, $"clusters has '{Show.Text(key.Value)}', which is no name: small letters, digits, '-' and '_', at most 63");
            if (value is YamlText { IsNothing: true }) return;
            if (value is not YamlMap { Entries: var entries })
            {
                Fault(value, $"clusters.{Show.Text(key.Value)} must be a mapping ({{ }})");
                return;
            }

            foreach (var (name, _) in entries)
                Fault(name, $"clusters.{Show.Text(key.Value)} has the unknown key '{Show.Text(name.Value)}': nothing belongs here, as " +
                    "host, port and readers come with the administrator credentials");
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

        private List<T> Rules<T>(
                Dictionary<string, YamlNode> top, string list, Func<YamlNode, string, T?> read, Func<T, string> id, PolicyLines lines)
            where T : class
        {
            var rules = new List<T>();
            if (!top.TryGetValue(list, out var node) || Items(node, list, mayBeEmpty: true) is not { } items) return rules;

            for (var i = 0; i < items.Count; i++)
            {
                var path = $"{list}[{i + 1}]";
                if (items[i] is YamlMap map && map.Entries.FirstOrDefault(entry => entry.Key.Value is "id")
                    .Value is YamlText { Value.Length: > 0 } name) path = $"{list}.{Show.Text(name.Value)}";
                if (read(items[i], path) is not { } rule) continue;
                rules.Add(rule);
                lines.Rules[id(rule)] = items[i];
            }

            return rules;
        }

        private ForbidRule? Forbid(YamlNode node, string path)
        {
            if (Fields(node, path, ["id", "who", "databases", "scopes"], ["from", "until"]) is not { } fields) return null;

            var id = RuleId(fields, path);
            // A forbid for a group that does not exist would forbid nothing: that is a fault, where an allow is only a warning.
            var subject = Subject(fields, path, unknownGroupIsFault: true);
            var from = fields.TryGetValue("from", out var fromNode) ? Day(fromNode, $"{path}.from") : null;
            var until = fields.TryGetValue("until", out var untilNode) ? Day(untilNode, $"{path}.until") : null;
            if (from >= until)
                Fault(untilNode!,
                    $"{path}.until ({until:yyyy-MM-dd}) is not after from ({from:yyyy-MM-dd}), so it would never be in force");
            return id is null ? null : new ForbidRule(id, subject, from, until);
        }

        private AccessRule? Allow(YamlNode node, string path)
        {
            if (Fields(node, path, ["id", "who", "databases", "scopes", "lifetime", "approval"], ["require"]) is not { } fields)
                return null;

            var id = RuleId(fields, path);
            var subject = Subject(fields, path, unknownGroupIsFault: false);
            var lifetime = fields.TryGetValue("lifetime", out var lifetimeNode) ? Lifetime(lifetimeNode, $"{path}.lifetime") : null;
            var require = fields.TryGetValue("require", out var requireNode)
                ? Requirements(requireNode, $"{path}.require") : new Requirements(0, null);
            Approval? approval = null;
            if (fields.TryGetValue("approval", out var approvalNode))
            {
                approval = Approval(approvalNode, $"{path}.approval");
                if (approval is not null)
                    Warnings.Add(new PolicyFault(approvalNode.Line, approvalNode.Column,
                        $"{path} needs approval, which is not available yet: requests that it covers are refused"));
            }

            return id is null || lifetime is null ? null : new AccessRule(id, subject, lifetime, require, approval);
        }

        private string? RuleId(Dictionary<string, YamlNode> fields, string path)
        {
            if (!fields.TryGetValue("id", out var node) || Text(node, $"{path}.id") is not { } text) return null;
            if (!RuleName().IsMatch(text.Value))
            {
                Fault(text, $"{path}.id is '{Show.Text(text.Value)}', which is no id: letters, digits, '.', '-' and '_', at most 63");
                return null;
            }

            if (_ruleIds.TryAdd(text.Value, text.Line)) return text.Value;
            Fault(text, $"{path}.id is '{text.Value}', as on line {_ruleIds[text.Value]}; each rule has an id of its own");
            return null;
        }

        private RuleSubject Subject(Dictionary<string, YamlNode> fields, string path, bool unknownGroupIsFault)
        {
            var who = new List<string>();
            foreach (var text in fields.TryGetValue("who", out var whoNode) ? Texts(whoNode, $"{path}.who") : [])
            {
                who.Add(text.Value);
                if (text.Value is "*")
                    Fault(text, $"{path}.who says '*'; for everybody write 'everyone'");
                else if (!_groups.Contains(text.Value) && unknownGroupIsFault)
                    Fault(text, $"{path}.who names '{Show.Text(text.Value)}', which is not a group{Show.Hint(text.Value, _groups)}");
                else if (!_groups.Contains(text.Value))
                    Warnings.Add(
                        new PolicyFault(text.Line, text.Column,
                        $"{path}.who names '{Show.Text(text.Value)}', which is not a group, so nobody is in " +
                        $"it{Show.Hint(text.Value, _groups)}"));
            }

            return new RuleSubject(who, Names("databases", "database", _databases), Names("scopes", "scope", _scopes));

            List<string> Names(string key, string what, IReadOnlyCollection<string> known)
            {
                var names = new List<string>();
                foreach (var text in fields.TryGetValue(key, out var node) ? Texts(node, $"{path}.{key}") : [])
                {
                    names.Add(text.Value);
                    if (text.Value is not "*" && !known.Contains(text.Value))
                        Fault(text, $"{path}.{key} names '{Show.Text(text.Value)}', which is not a {what}{Show.Hint(text.Value, known)}");
                }

                return names;
            }
        }

        private Lifetime? Lifetime(YamlNode node, string path)
        {
            if (Fields(node, path, ["default", "max"], ["min", "extend"]) is not { } fields) return null;

            var usual = Duration(fields, "default", path);
            var max = Duration(fields, "max", path);
            var min = Duration(fields, "min", path);
            if (usual > max)
                Fault(fields["default"],
                    $"{path}.default ({Durations.Write(usual.Value)}) is longer than max ({Durations.Write(max.Value)})");
            if (min > usual)
                Fault(fields["min"], $"{path}.min ({Durations.Write(min.Value)}) is longer than default ({Durations.Write(usual.Value)})");
            else if (min > max)
                Fault(fields["min"], $"{path}.min ({Durations.Write(min.Value)}) is longer than max ({Durations.Write(max.Value)})");

            var (times, by) = (0, TimeSpan.Zero);
            if (fields.TryGetValue("extend", out var extendNode) && Fields(extendNode, $"{path}.extend", ["times", "by"], []) is { } extend)
            {
                if (extend.TryGetValue("times", out var timesNode)) times = Number(timesNode, $"{path}.extend.times", 1, 100);
                by = Duration(extend, "by", $"{path}.extend") ?? TimeSpan.Zero;
            }

            return usual is null || max is null ? null : new Lifetime(usual.Value, max.Value, min, times, by);
        }

        private Requirements Requirements(YamlNode node, string path)
        {
            if (Fields(node, path, [], ["reason_min", "ticket"]) is not { } fields) return new Requirements(0, null);

            var reason = fields.TryGetValue("reason_min", out var reasonNode) ? Number(reasonNode, $"{path}.reason_min", 0, 1000) : 0;
            Regex? ticket = null;
            if (fields.TryGetValue("ticket", out var ticketNode) && Text(ticketNode, $"{path}.ticket") is { } pattern)
            {
                try
                {
                    // Linear in the text whatever the pattern: reasons come from anybody. Anchors are the author's business.
                    ticket = pattern.Value.Length <= 500
                        ? new Regex(pattern.Value, RegexOptions.CultureInvariant | RegexOptions.NonBacktracking, TimeSpan.FromSeconds(1))
                        : null;
                    if (ticket is null) Fault(pattern, $"{path}.ticket is longer than 500 characters");
                }
                catch (RegexParseException wrong)
                {
                    Fault(pattern,
                        $"{path}.ticket is '{Show.Text(pattern.Value)}', which is no regular expression " +
                        $"({Spaced(wrong.Error.ToString())} at character {wrong.Offset + 1})");
                }
                catch (NotSupportedException)
                {
                    Fault(pattern,
                        $"{path}.ticket is '{Show.Text(pattern.Value)}', which looks ahead, looks behind or refers back; such patterns " +
                        "can take for ever and are not taken");
                }
            }

            return new Requirements(reason, ticket);
        }

        private Approval? Approval(YamlNode node, string path)
        {
            if (node is YamlText text)
            {
                if (text.Value is not "none")
                    Fault(text, $"{path} is '{Show.Text(text.Value)}'; write 'none', or who has to agree: {{stages: [{{any: 1, of: " +
                        $"dba}}], lapse: 1h}}");
                return null;
            }

            if (Fields(node, path, ["stages"], ["lapse", "channel"]) is not { } fields) return null;

            var stages = new List<ApprovalStage>();
            if (fields.TryGetValue("stages", out var stagesNode) && Items(stagesNode, $"{path}.stages") is { } items)
            {
                for (var i = 0; i < items.Count; i++)
                {
                    var place = $"{path}.stages[{i + 1}]";
                    if (Fields(items[i], place, ["any", "of"], []) is not { } stage) continue;

                    var any = stage.TryGetValue("any", out var anyNode) ? Number(anyNode, $"{place}.any", 1, 100) : 0;
                    var of = new List<string>();
                    foreach (var group in stage.TryGetValue("of", out var ofNode) ? Groups(ofNode, $"{place}.of") : [])
                    {
                        if (!_groups.Contains(group.Value))
                            Fault(group, $"{place}.of names '{Show.Text(group.Value)}', which is not a " +
                                $"group{Show.Hint(group.Value, _groups)}");
                        of.Add(group.Value);
                    }

                    stages.Add(new ApprovalStage(any, of));
                }
            }

            // An hour unless the rule says otherwise: long enough for somebody to look, too short to be forgotten.
            var lapse = fields.ContainsKey("lapse") ? Duration(fields, "lapse", path) : TimeSpan.FromHours(1);
            var channel = fields.TryGetValue("channel", out var channelNode) ? Text(channelNode, $"{path}.channel") : null;
            if (channel is not null && !Channel().IsMatch(channel.Value))
                Fault(channel, $"{path}.channel is '{Show.Text(channel.Value)}', which is not the id of a Slack channel (like C0APPROVE)");
            return new Approval(stages, lapse ?? TimeSpan.Zero, channel?.Value);
        }

        /// <summary>One group or a list of them: <c>of: dba</c>, <c>of: [dba, leads]</c>.</summary>
        private IReadOnlyList<YamlText> Groups(YamlNode node, string path) =>
            node is YamlText ? Text(node, path) is { } single ? [single] : [] : Texts(node, path);

        private TimeSpan? Duration(Dictionary<string, YamlNode> fields, string key, string path)
        {
            if (!fields.TryGetValue(key, out var node) || Text(node, $"{path}.{key}") is not { } text) return null;
            if (Durations.Parse(text.Value) is { } duration) return duration;
            Fault(text, $"{path}.{key} is '{Show.Text(text.Value)}', which is not a length of time like 45s, 30m, 2h, 1h30m or 1d (more " +
                "than nothing, at most 366d)");
            return null;
        }

        private DateTimeOffset? Day(YamlNode node, string path)
        {
            if (Text(node, path) is not { } text) return null;
            if (DateTime.TryParseExact(text.Value, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day))
                return new DateTimeOffset(day, TimeSpan.Zero);
            Fault(text, $"{path} is '{Show.Text(text.Value)}', which is not a day like 2026-12-24");
            return null;
        }

        private int Number(YamlNode node, string path, int min, int max)
        {
            if (node is YamlText { Plain: true } text && int.TryParse(text.Value, NumberStyles.None, CultureInfo.InvariantCulture,
                out var number) && number >= min && number <= max) return number;
            Fault(node, $"{path} is {Written(node)}; it must be a whole number from {min} to {max}");
            return min;
        }

        private string? Line(YamlNode node, string path, int longest)
        {
            if (Text(node, path) is not { } text) return null;
            if (text.Value.Length > longest) Fault(text, $"{path} is longer than {longest} characters");
            if (text.Value.Any(char.IsControl)) Fault(text, $"{path} must be one line");
            return text.Value;
        }

        private YamlText? Text(YamlNode node, string path)
        {
            if (node is YamlText { IsNothing: false } text && text.Value.AsSpan().Trim().Length > 0) return text;
            Fault(node, node is YamlText ? $"{path} is empty" : $"{path} must be a word or text, not {Kind(node)}");
            return null;
        }

        /// <summary>A list of words, none of them twice.</summary>
        private List<YamlText> Texts(YamlNode node, string path, bool mayBeEmpty = false)
        {
            var texts = new List<YamlText>();
            var seen = new HashSet<string>(StringComparer.Ordinal);
            foreach (var item in Items(node, path, mayBeEmpty) ?? [])
            {
                if (Text(item, $"{path} item") is not { } text) continue;
                if (seen.Add(text.Value)) texts.Add(text);
                else Fault(text, $"{path} names '{Show.Text(text.Value)}' twice");
            }

            return texts;
        }

        private IReadOnlyList<YamlNode>? Items(YamlNode node, string path, bool mayBeEmpty = false)
        {
            if (node is YamlList { Items: var items } && (mayBeEmpty || items.Count > 0)) return items;
            Fault(node, node switch
            {
                YamlList or YamlText { IsNothing: true } => $"{path} is empty{(mayBeEmpty ? " (for none write [])" : "")}",
                YamlText text => $"{path} must be a list; write [{Show.Text(text.Value)}]",
                _ => $"{path} must be a list, not {Kind(node)}",
            });
            return null;
        }

        private Dictionary<string, string> TextMap(YamlNode node, string path)
        {
            var texts = new Dictionary<string, string>(StringComparer.Ordinal);
            if (node is not YamlMap { Entries: var entries })
            {
                Fault(node, $"{path} must be a mapping, not {Kind(node)}");
                return texts;
            }

            foreach (var (key, value) in entries)
            {
                if (Line(value, $"{path}.{Show.Text(key.Value)}", 200) is { } text) texts[key.Value] = text;
            }

            return texts;
        }

        private Dictionary<string, YamlNode>? Fields(
                YamlNode node, string path, string[] required, string[] optional, string[]? notYet = null)
        {
            if (node is not YamlMap map)
            {
                Fault(node, $"{path} must be a mapping, not {Kind(node)}");
                return null;
            }

            var fields = new Dictionary<string, YamlNode>(StringComparer.Ordinal);
            foreach (var (key, value) in map.Entries)
            {
                if (required.Contains(key.Value) || optional.Contains(key.Value)) fields[key.Value] = value;
                else if (notYet?.Contains(key.Value) is true) Fault(key, $"{path}.{key.Value} is not available yet");
                else Fault(key, $"{path} has the unknown key '{Show.Text(key.Value)}'{Show.Hint(key.Value, required.Concat(optional))}");
            }

            foreach (var key in required.Where(key => !fields.ContainsKey(key))) Fault(map, $"{path} lacks '{key}'");
            return fields;
        }

        private IReadOnlyList<(YamlText Key, YamlNode Value)> Entries(Dictionary<string, YamlNode> top, string key)
        {
            if (!top.TryGetValue(key, out var node)) return [];
            if (node is YamlMap map) return map.Entries;
            Fault(node, node is YamlText { IsNothing: true }
                ? $"{key} is empty (for none write {{ }})" : $"{key} must be a mapping, not {Kind(node)}");
            return [];
        }

        private static HashSet<string> Keys(Dictionary<string, YamlNode> top, string key) =>
            top.GetValueOrDefault(key) is YamlMap map ? map.Entries.Select(entry => entry.Key.Value).ToHashSet(StringComparer.Ordinal) : [];

        private void Fault(YamlNode at, string sentence)
        {
            if (at is not YamlRefused) faults.Add(new PolicyFault(at.Line, at.Column, sentence));
        }

        private static string Written(YamlNode node) => node is YamlText text ? text.Plain
            ? Show.Text(text.Value) : $"'{Show.Text(text.Value)}' (in quotes)" : Kind(node);

        private static string Kind(YamlNode node) => node switch
        {
            YamlText { IsNothing: true } => "nothing",
            YamlText => "a word",
            YamlList => "a list",
            _ => "a mapping",
        };

        /// <summary><c>InsufficientClosingParentheses</c> as people read it.</summary>
        private static string Spaced(string name) => string.Concat(
                name.Select((c, i) => char.IsAsciiLetterUpper(c) ? (i == 0 ? "" : " ") + char.ToLowerInvariant(c) : c.ToString()));
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
