using System.Text.RegularExpressions;
using DbAccess.Domain;
using DbAccess.Domain.Policies;

namespace DbAccess.Infrastructure.Policies;

public static partial class PolicyYaml
{
    private sealed partial class Reader
    {
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
                Warnings.Add(new PolicyFault(extendNode.Line, extendNode.Column,
                    $"{path}.extend has no effect yet: access cannot be extended, people ask again"));
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
                    stages.Add(new ApprovalStage(any, stage.TryGetValue("of", out var of) ? KnownGroups(of, $"{place}.of") : []));
                }
            }

            // An hour unless the rule says otherwise: long enough for somebody to look, too short to be forgotten.
            var lapse = fields.ContainsKey("lapse") ? Duration(fields, "lapse", path) : TimeSpan.FromHours(1);
            var channel = fields.TryGetValue("channel", out var channelNode) ? Text(channelNode, $"{path}.channel") : null;
            if (channel is not null && !Channel().IsMatch(channel.Value))
                Fault(channel, $"{path}.channel is '{Show.Text(channel.Value)}', which is not the id of a Slack channel (like C0APPROVE)");
            return new Approval(stages, lapse ?? TimeSpan.Zero, channel?.Value);
        }

        private List<string> KnownGroups(YamlNode node, string path)
        {
            var names = new List<string>();
            foreach (var group in Groups(node, path))
            {
                if (!_groups.Contains(group.Value))
                    Fault(group, $"{path} names '{Show.Text(group.Value)}', which is not a group{Show.Hint(group.Value, _groups)}");
                names.Add(group.Value);
            }

            return names;
        }

        /// <summary>One group or a list of them: <c>of: dba</c>, <c>of: [dba, leads]</c>.</summary>
        private IReadOnlyList<YamlText> Groups(YamlNode node, string path) =>
            node is YamlText ? Text(node, path) is { } single ? [single] : [] : Texts(node, path);
    }
}
