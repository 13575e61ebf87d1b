using System.Globalization;
using DbAccess.Domain;
using DbAccess.Domain.Policies;

namespace DbAccess.Infrastructure.Policies;

public static partial class PolicyYaml
{
    /// <summary>The part that reads what the author expects. Whether it is so, is the business of whoever can read a request.</summary>
    private sealed partial class Reader
    {
        private static readonly Dictionary<string, PolicyOutcome> Outcomes = Enum.GetValues<PolicyOutcome>()
            .ToDictionary(outcome => outcome.ToString().ToLowerInvariant(), StringComparer.Ordinal);

        private List<PolicyTest> Tests(Dictionary<string, YamlNode> top)
        {
            var tests = new List<PolicyTest>();
            if (!top.TryGetValue("tests", out var node) || Items(node, "tests", mayBeEmpty: true) is not { } items) return tests;
            for (var i = 0; i < items.Count; i++)
            {
                if (Test(items[i], $"tests[{i + 1}]") is { } test) tests.Add(test);
            }

            return tests;
        }

        private PolicyTest? Test(YamlNode node, string path)
        {
            if (Fields(node, path, ["ask", "expect"], ["in", "at", "rule", "code"]) is not { } fields) return null;

            var ask = fields.TryGetValue("ask", out var askNode) ? Line(askNode, $"{path}.ask", 3000) : null;
            var groups = fields.TryGetValue("in", out var inNode) && inNode is not YamlList { Items.Count: 0 }
                ? KnownGroups(inNode, $"{path}.in") : [];
            var at = fields.TryGetValue("at", out var atNode) ? Moment(atNode, $"{path}.at") : null;
            var expect = fields.TryGetValue("expect", out var expectNode) ? Text(expectNode, $"{path}.expect") : null;
            var outcome = expect is not null && Outcomes.TryGetValue(expect.Value, out var known) ? known : (PolicyOutcome?)null;
            if (expect is not null && outcome is null)
                Fault(expect, $"{path}.expect is '{Show.Text(expect.Value)}'; it is {string.Join(", ", Outcomes.Keys)}");

            var rule = fields.TryGetValue("rule", out var ruleNode) ? Text(ruleNode, $"{path}.rule") : null;
            if (rule is not null && !_ruleIds.ContainsKey(rule.Value))
                Fault(rule, $"{path}.rule names '{Show.Text(rule.Value)}', which is not a rule{Show.Hint(rule.Value, _ruleIds.Keys)}");

            var code = fields.TryGetValue("code", out var codeNode) ? Text(codeNode, $"{path}.code") : null;
            if (code is not null && outcome is not null and not PolicyOutcome.Refused)
                Fault(code, $"{path}.code goes with 'expect: refused'");
            else if (code is not null && !RefusalCodes.All.Contains(code.Value, StringComparer.Ordinal))
                Fault(code,
                    $"{path}.code is '{Show.Text(code.Value)}', with which nothing is refused{Show.Hint(code.Value, RefusalCodes.All)}");

            return ask is null || outcome is null ? null
                : new PolicyTest(ask, groups, at, outcome.Value, rule?.Value, code?.Value) { Line = node.Line, Column = node.Column };
        }

        private DateTimeOffset? Moment(YamlNode node, string path)
        {
            if (Text(node, path) is not { } text) return null;
            if (Instants.Parse(text.Value) is { } instant) return instant;
            Fault(text, $"{path} is '{Show.Text(text.Value)}', which is not an instant like 2026-12-01T10:00:00Z or " +
                "2026-12-01T13:00:00+03:00");
            return null;
        }
    }
}
