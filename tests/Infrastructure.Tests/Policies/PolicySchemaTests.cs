using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DbAccess.Infrastructure.Policies;
using Json.Schema;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;
using YamlNode = YamlDotNet.RepresentationModel.YamlNode;

namespace DbAccess.Infrastructure.Tests.Files;

/// <summary>The schema for editors, against the files that there are and against the reader, which alone decides.</summary>
public sealed class PolicySchemaTests
{
    private static readonly JsonSchema Schema = JsonSchema.FromText(PolicySchema.Text);

    public static TheoryData<string> Samples => new(
        [
            File.ReadAllText(PolicyYamlTests.Repository("policy/access-policy.yaml")),
            File.ReadAllText(PolicyYamlTests.Repository("docs/policy.md")).Split("```yaml\n")[1].Split("```")[0],
            PolicyTexts.Contract, PolicyTexts.Small, PolicyWordsTests.People,
        ]);

    [Theory]
    [MemberData(nameof(Samples))]
    public void What_the_reader_takes_the_schema_takes(string text)
    {
        Assert.Empty(PolicyYaml.Read(text).Faults);
        Assert.True(Takes(text));
    }

    [Theory]
    [InlineData("version: 1", "version: 2")]
    [InlineData("forbid: []", "forbids: []")]
    [InlineData("scopes: [read], lifetime", "lifetime")]
    [InlineData("default: 1h", "default: 1 hour")]
    [InlineData("approval: none", "approval: yes")]
    [InlineData(", approval: none", "")]
    [InlineData("approval: none", "approval: {stages: []}")]
    [InlineData("approval: none", "break_glass: {tell: C0SECURITY}")]
    [InlineData("approval: none", "caps: {}, approval: none")]
    [InlineData("forbid: []", "calendars: { day: { days: [monday], zone: UTC } }")]
    [InlineData("forbid: []", "calendars: { day: { days: [mon], from: \"09:00\", zone: UTC } }")]
    [InlineData("forbid: []", "tests: [{ ask: x, expect: yes }]")]
    [InlineData("allow: [select]", "allow: [all]")]
    [InlineData("users: [U0ENGINE1]", "users: [engine]")]
    public void What_the_schema_refuses_the_reader_refuses(string piece, string by)
    {
        var text = PolicyTexts.With(piece, by);

        Assert.False(Takes(text));
        Assert.NotEmpty(PolicyYaml.Read(text).Faults);
    }

    [Fact]
    public void The_schema_knows_the_words_of_the_reader_and_no_others()
    {
        var read = Directory.GetFiles(PolicyYamlTests.Repository("src/Infrastructure/Policies"), "PolicyYaml*.cs").SelectMany(file =>
            Regex.Matches(File.ReadAllText(file), @"Fields\([^\[\r\n]*\[([^\]]*)\](?:,\s*\[([^\]]*)\])?").SelectMany(call => Regex.Matches(call.Value, "\"([a-z_]+)\"").Select(word => word.Groups[1].Value)));
        var known = Properties(JsonNode.Parse(PolicySchema.Text)!).ToHashSet(StringComparer.Ordinal);

        // How people reach a cluster is read without the helper, since its fault says more.
        Assert.Equal(read.Append("connect").Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal), known.Order(StringComparer.Ordinal));
    }

    private static bool Takes(string text)
    {
        var stream = new YamlStream();
        stream.Load(new StringReader(text));
        using var document = JsonDocument.Parse((Json(stream.Documents[0].RootNode) ?? JsonValue.Create("")).ToJsonString());
        return Schema.Evaluate(document.RootElement).IsValid;
    }

    private static IEnumerable<string> Properties(JsonNode node) => node switch
    {
        JsonObject entries => entries.SelectMany(entry => entry.Value is null ? []
            : (entry is { Key: "properties", Value: JsonObject words } ? words.Select(word => word.Key) : []).Concat(Properties(entry.Value))),
        JsonArray items => items.SelectMany(item => item is null ? [] : Properties(item)),
        _ => [],
    };

    private static JsonNode? Json(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(map.Children.Select(entry => KeyValuePair.Create(((YamlScalarNode)entry.Key).Value!, Json(entry.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(Json)]),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: "true" or "false" } word => JsonValue.Create(word.Value == "true"),
        YamlScalarNode { Style: ScalarStyle.Plain } number when int.TryParse(number.Value, out var value) => JsonValue.Create(value),
        YamlScalarNode text => JsonValue.Create(text.Value),
        _ => null,
    };
}
