using DbAccess.Domain;
using DbAccess.Domain.Policies;

namespace DbAccess.Infrastructure.Policies;

public static partial class PolicyYaml
{
    /// <summary>The part that reads who decides: approvals, break-glass and its review, and how much one person may have.</summary>
    private sealed partial class Reader
    {
        private const int MostReminders = 10;

        private Approval? Approval(YamlNode node, string path)
        {
            if (node is YamlText text)
            {
                if (text.Value is not "none")
                    Fault(text, $"{path} is '{Show.Text(text.Value)}'; write 'none', or who has to agree: {{stages: [{{any: 1, of: " +
                        $"dba}}], lapse: 1h}}");
                return null;
            }

            if (Fields(node, path, ["stages"], ["lapse", "remind", "channel"]) is not { } fields) return null;

            var stages = new List<ApprovalStage>();
            if (fields.TryGetValue("stages", out var stagesNode) && Items(stagesNode, $"{path}.stages") is { } items)
            {
                for (var i = 0; i < items.Count; i++)
                {
                    var place = $"{path}.stages[{i + 1}]";
                    if (Fields(items[i], place, ["any", "of"], []) is { } stage) stages.Add(Stage(stage, place));
                }
            }

            // An hour unless the rule says otherwise: long enough for somebody to look, too short to be forgotten.
            var lapse = fields.ContainsKey("lapse") ? Duration(fields, "lapse", path) : TimeSpan.FromHours(1);
            return new Approval(stages, lapse ?? TimeSpan.Zero, ChannelOf(fields, "channel", path))
            {
                Remind = fields.TryGetValue("remind", out var remind) ? Reminders(remind, $"{path}.remind", lapse) : [],
            };
        }

        private ApprovalStage Stage(Dictionary<string, YamlNode> stage, string path) => new(
            stage.TryGetValue("any", out var any) ? Number(any, $"{path}.any", 1, 100) : 0,
            stage.TryGetValue("of", out var of) ? KnownGroups(of, $"{path}.of") : []);

        private List<TimeSpan> Reminders(YamlNode node, string path, TimeSpan? lapse)
        {
            var reminders = new List<TimeSpan>();
            foreach (var text in Texts(node, path, mayBeEmpty: true))
            {
                if (Length(text, $"{path} item") is not { } after) continue;
                if (after >= lapse)
                    Fault(text, $"{path} has {Durations.Write(after)}, when the request has lapsed (after " +
                        $"{Durations.Write(lapse.Value)})");
                if (reminders.Contains(after)) Fault(text, $"{path} names {Durations.Write(after)} twice");
                reminders.Add(after);
            }

            if (reminders.Count > MostReminders)
                Fault(node, $"{path} names {reminders.Count} reminders; {MostReminders} is the most that somebody is reminded");
            return [.. reminders.Order()];
        }

        private string? ChannelOf(Dictionary<string, YamlNode> fields, string key, string path)
        {
            if (!fields.TryGetValue(key, out var node) || Text(node, $"{path}.{key}") is not { } channel) return null;
            if (!Channel().IsMatch(channel.Value))
                Fault(channel,
                    $"{path}.{key} is '{Show.Text(channel.Value)}', which is not the id of a Slack channel (like C0APPROVE)");
            return channel.Value;
        }

        private BreakGlass? BreakGlass(YamlNode node, string path)
        {
            if (Fields(node, path, ["review"], ["tell"]) is not { } fields) return null;

            var tell = ChannelOf(fields, "tell", path);
            if (!fields.TryGetValue("review", out var reviewNode)
                || Fields(reviewNode, $"{path}.review", ["any", "of"], ["within"]) is not { } review) return null;
            // A day unless the rule says otherwise: whoever reviews need not be got out of bed as well.
            var within = review.ContainsKey("within") ? Duration(review, "within", $"{path}.review") : TimeSpan.FromDays(1);
            return new BreakGlass(tell, Stage(review, $"{path}.review"), within ?? TimeSpan.Zero);
        }

        private Caps? Caps(YamlNode node, string path)
        {
            if (Fields(node, path, [], ["day", "at_once"]) is not { } fields) return null;
            if (node is YamlMap { Entries.Count: 0 }) Fault(node, $"{path} limits nothing: it needs 'day' or 'at_once'");

            int? Most(string key) => fields.TryGetValue(key, out var value) ? Number(value, $"{path}.{key}", 1, 1000) : null;
            return new Caps(Most("day"), Most("at_once"));
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
