using System.Text.RegularExpressions;
using DbAccess.Domain;
using DbAccess.Domain.Policies;

namespace DbAccess.Infrastructure.Policies;

public static partial class PolicyYaml
{
    private sealed partial class Reader
    {
        private const string TagWord = "tag:";

        /// <summary>The names of the databases that have a tag, by <c>key=value</c>.</summary>
        private readonly Dictionary<string, HashSet<string>> _tags = new(StringComparer.Ordinal);

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
            if (Fields(node, path, ["id", "who", "databases", "scopes", "lifetime"], ["when", "require", "caps", "approval", "break_glass"])
                is not { } fields) return null;

            var id = RuleId(fields, path);
            var subject = Subject(fields, path, unknownGroupIsFault: false);
            var lifetime = fields.TryGetValue("lifetime", out var lifetimeNode) ? Lifetime(lifetimeNode, $"{path}.lifetime") : null;
            var require = fields.TryGetValue("require", out var requireNode)
                ? Requirements(requireNode, $"{path}.require") : new Requirements(0, null);
            var when = fields.TryGetValue("when", out var whenNode) ? When(whenNode, $"{path}.when") : null;
            var caps = fields.TryGetValue("caps", out var capsNode) ? Caps(capsNode, $"{path}.caps") : null;

            // Who decides is said in any case: a rule that says nothing would give at once by an oversight.
            var approval = fields.TryGetValue("approval", out var approvalNode) ? Approval(approvalNode, $"{path}.approval") : null;
            var breakGlass = fields.TryGetValue("break_glass", out var glassNode) ? BreakGlass(glassNode, $"{path}.break_glass") : null;
            if (approvalNode is null && glassNode is null) Fault(node, $"{path} lacks 'approval'");
            if (approval is not null && glassNode is not null)
                Fault(glassNode, $"{path} has both approval and break_glass; break-glass gives at once, and owes a review instead");

            return id is null || lifetime is null ? null
                : new AccessRule(id, subject, lifetime, require, approval) { BreakGlass = breakGlass, Caps = caps, When = when };
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

            var tagged = new HashSet<string>(StringComparer.Ordinal);
            var databases = Names("databases", "database", _databases);
            return new RuleSubject(who, databases, Names("scopes", "scope", _scopes)) { Tagged = tagged };

            List<string> Names(string key, string what, IReadOnlyCollection<string> known)
            {
                var names = new List<string>();
                foreach (var text in fields.TryGetValue(key, out var node) ? Texts(node, $"{path}.{key}") : [])
                {
                    names.Add(text.Value);
                    if (key is "databases" && text.Value.StartsWith(TagWord, StringComparison.Ordinal))
                        tagged.UnionWith(Tagged(text, $"{path}.{key}", noneIsFault: unknownGroupIsFault));
                    else if (text.Value is not "*" && !known.Contains(text.Value))
                        Fault(text, $"{path}.{key} names '{Show.Text(text.Value)}', which is not a {what}{Show.Hint(text.Value, known)}");
                }

                return names;
            }
        }

        /// <summary>The databases that <c>tag:key=value</c> means.</summary>
        /// <param name="noneIsFault">As with groups: a forbid that forbids nothing is one.</param>
        private IReadOnlyCollection<string> Tagged(YamlText text, string path, bool noneIsFault)
        {
            var tag = text.Value[TagWord.Length..];
            if (_tags.TryGetValue(tag, out var databases)) return databases;

            if (tag.IndexOf('=', StringComparison.Ordinal) is not (> 0 and var sign) || sign == tag.Length - 1)
                Fault(text, $"{path} has '{Show.Text(text.Value)}'; a tag is written tag:key=value");
            else if (noneIsFault) Fault(text, NoDatabase());
            else Warnings.Add(new PolicyFault(text.Line, text.Column, NoDatabase()));
            return [];

            string NoDatabase() =>
                $"{path} names '{Show.Text(text.Value)}', and no database has that tag{Show.Hint(tag, _tags.Keys)}";
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
    }
}
