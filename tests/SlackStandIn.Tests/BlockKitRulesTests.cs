using System.Text.Json.Nodes;

namespace DbAccess.SlackStandIn.Tests;

public sealed class BlockKitRulesTests
{
    private static readonly Dictionary<string, (int Most, Func<int, JsonNode> Block)> Messages = new(StringComparer.Ordinal)
    {
        ["section text"] = (3000, n => Parse($$$"""{"type":"section","text":{"type":"mrkdwn","text":"{{{X(n)}}}"}}""")),
        ["section field"] = (2000, n => Parse($$$"""{"type":"section","fields":[{"type":"plain_text","text":"{{{X(n)}}}"}]}""")),
        ["section fields"] = (10, n => Parse($$$"""{"type":"section","fields":[{{{List(n, """{"type":"plain_text","text":"x"}""")}}}]}""")),
        ["header"] = (150, n => Parse($$$"""{"type":"header","text":{"type":"plain_text","text":"{{{X(n)}}}"}}""")),
        ["context elements"] = (10, n => Parse($$$"""{"type":"context","elements":[{{{List(n, """{"type":"plain_text","text":"x"}""")}}}]}""")),
        ["actions"] = (25, n => Parse($$$"""{"type":"actions","elements":[{{{List(n, Button("x"))}}}]}""")),
        ["block_id"] = (255, n => Parse($$$"""{"type":"divider","block_id":"{{{X(n)}}}"}""")),
        ["action_id"] = (255, n => Actions($$$"""{"type":"button","action_id":"{{{X(n)}}}","text":{"type":"plain_text","text":"x"}}""")),
        ["button text"] = (75, n => Actions(Button(X(n)))),
        ["button value"] = (2000, n => Actions($$$"""{"type":"button","value":"{{{X(n)}}}","text":{"type":"plain_text","text":"x"}}""")),
        ["button url"] = (3000, n => Actions($$$"""{"type":"button","url":"{{{X(n)}}}","text":{"type":"plain_text","text":"x"}}""")),
        ["accessibility_label"] = (75, n => Actions($$$"""{"type":"button","accessibility_label":"{{{X(n)}}}","text":{"type":"plain_text","text":"x"}}""")),
        ["confirm title"] = (100, n => Confirm(title: n)),
        ["confirm text"] = (300, n => Confirm(text: n)),
        ["confirm yes"] = (30, n => Confirm(yes: n)),
        ["confirm no"] = (30, n => Confirm(no: n)),
        ["input label"] = (2000, n => Input("""{"type":"plain_text_input"}""", label: n)),
        ["input hint"] = (2000, n => Input("""{"type":"plain_text_input"}""", hint: n)),
        ["placeholder"] = (150, n => Input($$$"""{"type":"plain_text_input","placeholder":{"type":"plain_text","text":"{{{X(n)}}}"}}""")),
        ["max_length"] = (3000, n => Input($$$"""{"type":"plain_text_input","max_length":{{{n}}} }""")),
        ["options"] = (100, n => Input($$$"""{"type":"static_select","options":[{{{List(n, Option("x", "v"))}}}]}""")),
        ["option groups"] = (100, n => Input($$$"""{"type":"static_select","option_groups":[{{{List(n, Group("g"))}}}]}""")),
        ["group label"] = (75, n => Input($$$"""{"type":"static_select","option_groups":[{{{Group(X(n))}}}]}""")),
        ["option text"] = (75, n => Input($$$"""{"type":"static_select","options":[{{{Option(X(n), "v")}}}]}""")),
        ["option value"] = (150, n => Input($$$"""{"type":"static_select","options":[{{{Option("x", X(n))}}}]}""")),
        ["radio buttons"] = (10, n => Input($$$"""{"type":"radio_buttons","options":[{{{List(n, Option("x", "v"))}}}]}""")),
        ["checkboxes"] = (10, n => Input($$$"""{"type":"checkboxes","options":[{{{List(n, Option("x", "v"))}}}]}""")),
        ["overflow"] = (5, n => Actions($$$"""{"type":"overflow","options":[{{{List(n, Option("x", "v"))}}}]}""")),
    };

    private static readonly Dictionary<string, (int Most, Func<int, string> Field)> Views = new(StringComparer.Ordinal)
    {
        ["title"] = (24, n => $$$""" "title":{"type":"plain_text","text":"{{{X(n)}}}"} """),
        ["submit"] = (24, n => $$$""" "submit":{"type":"plain_text","text":"{{{X(n)}}}"} """),
        ["close"] = (24, n => $$$""" "close":{"type":"plain_text","text":"{{{X(n)}}}"} """),
        ["private_metadata"] = (3000, n => $$$""" "private_metadata":"{{{X(n)}}}" """),
        ["callback_id"] = (255, n => $$$""" "callback_id":"{{{X(n)}}}" """),
        ["external_id"] = (255, n => $$$""" "external_id":"{{{X(n)}}}" """),
        ["blocks"] = (100, n => $$$""" "blocks":[{{{List(n, """{"type":"divider"}""")}}}] """),
    };

    public static TheoryData<string> MessageLimits => [.. Messages.Keys];

    public static TheoryData<string> ViewLimits => [.. Views.Keys];

    [Theory]
    [MemberData(nameof(MessageLimits))]
    public void A_message_may_reach_a_limit_and_not_pass_it(string limit)
    {
        var (most, block) = Messages[limit];

        Assert.Empty(BlockKitRules.CheckMessage([block(most)]));
        var fault = Assert.Single(BlockKitRules.CheckMessage([block(most + 1)]));
        Assert.StartsWith("/blocks/0", fault.Pointer, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(ViewLimits))]
    public void A_modal_may_reach_a_limit_and_not_pass_it(string limit)
    {
        var (most, field) = Views[limit];

        Assert.Empty(BlockKitRules.CheckView(View(field(most)), "modal"));
        var fault = Assert.Single(BlockKitRules.CheckView(View(field(most + 1)), "modal"));
        Assert.StartsWith("/view/" + limit, fault.Pointer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(50, 0)]
    [InlineData(51, 1)]
    public void A_message_has_at_most_fifty_blocks(int blocks, int faults) =>
        Assert.Equal(faults, BlockKitRules.CheckMessage([.. Enumerable.Range(0, blocks).Select(_ => Parse("""{"type":"divider"}"""))]).Count);

    [Theory]
    [InlineData("""{"type":"table","rows":[]}""", "unsupported type: table [json-pointer:/blocks/0/type]")]
    [InlineData("""{"type":"section"}""", "missing required field: text [json-pointer:/blocks/0]")]
    [InlineData("""{"type":"section","text":{"type":"mrkdwn","text":""}}""", "must be more than 0 characters [json-pointer:/blocks/0/text/text]")]
    [InlineData("""{"type":"section","text":{"type":"mrkdwn","text":"x","emoji":true}}""", "invalid additional property: emoji [json-pointer:/blocks/0/text]")]
    [InlineData("""{"type":"header","text":{"type":"mrkdwn","text":"x"}}""", "must be of type: plain_text [json-pointer:/blocks/0/text]")]
    [InlineData("""{"type":"actions","elements":[{"type":"plain_text_input"}]}""", "unsupported type: plain_text_input [json-pointer:/blocks/0/elements/0/type]")]
    [InlineData("""{"type":"rich_text","elements":[{"type":"rich_text_preformatted","elements":[{"type":"user","user_id":"U1"}]}]}""", "unsupported type: user [json-pointer:/blocks/0/elements/0/elements/0/type]")]
    public void What_Slack_does_not_know_is_refused_with_its_place(string block, string fault) =>
        Assert.Equal(fault, Assert.Single(BlockKitRules.CheckMessage([Parse(block)])).ToString());

    [Fact]
    public void Ids_are_unique_block_ids_in_the_message_and_action_ids_in_the_block()
    {
        var same = """{"type":"actions","block_id":"b","elements":[{"type":"button","action_id":"a","text":{"type":"plain_text","text":"x"}},{"type":"button","action_id":"a","text":{"type":"plain_text","text":"x"}}]}""";

        var faults = BlockKitRules.CheckMessage([Parse(same), Parse("""{"type":"divider","block_id":"b"}""")]);

        Assert.Equal(["/blocks/0/elements/1/action_id", "/blocks/1/block_id"], faults.Select(fault => fault.Pointer));
    }

    [Fact]
    public void A_modal_that_asks_needs_a_submit()
    {
        var view = View(""" "submit":null """);
        view.Remove("submit");
        view["blocks"] = new JsonArray(Input("""{"type":"plain_text_input"}"""));

        Assert.Equal("missing required field: submit [json-pointer:/view]", Assert.Single(BlockKitRules.CheckView(view, "modal")).ToString());
    }

    [Fact]
    public void An_option_chosen_beforehand_has_to_be_on_offer()
    {
        JsonArray Menu(string value) => [Input($$$"""{"type":"static_select","options":[{{{Option("x", "v")}}}],"initial_option":{{{Option("x", value)}}} }""")];

        Assert.Empty(BlockKitRules.CheckMessage(Menu("v")));
        Assert.Single(BlockKitRules.CheckMessage(Menu("w")));
    }

    private static JsonNode Parse(string json) => JsonNode.Parse(json)!;

    private static string X(int length) => new('x', length);

    private static string List(int count, string json) => string.Join(',', Enumerable.Repeat(json, count));

    private static JsonNode Actions(string element) => Parse($$$"""{"type":"actions","elements":[{{{element}}}]}""");

    private static string Button(string text) => $$$"""{"type":"button","text":{"type":"plain_text","text":"{{{text}}}"}}""";

    private static string Option(string text, string value) => $$$"""{"text":{"type":"plain_text","text":"{{{text}}}"},"value":"{{{value}}}"}""";

    private static string Group(string label) => $$$"""{"label":{"type":"plain_text","text":"{{{label}}}"},"options":[{{{Option("x", "v")}}}]}""";

    private static JsonNode Confirm(int title = 1, int text = 1, int yes = 1, int no = 1) => Actions(
        $$$"""
        {"type":"button","text":{"type":"plain_text","text":"x"},"confirm":{
          "title":{"type":"plain_text","text":"{{{X(title)}}}"},"text":{"type":"plain_text","text":"{{{X(text)}}}"},
          "confirm":{"type":"plain_text","text":"{{{X(yes)}}}"},"deny":{"type":"plain_text","text":"{{{X(no)}}}"} }
        }
        """);

    private static JsonNode Input(string element, int label = 1, int hint = 1) => Parse(
        $$$"""
        {"type":"input","element":{{{element}}},"label":{"type":"plain_text","text":"{{{X(label)}}}"},"hint":{"type":"plain_text","text":"{{{X(hint)}}}"}}
        """);

    private static JsonObject View(string field)
    {
        var view = Parse("""{"type":"modal","title":{"type":"plain_text","text":"x"},"blocks":[{"type":"divider"}]}""").AsObject();
        foreach (var (name, value) in Parse("{" + field + "}").AsObject()) view[name] = value?.DeepClone();
        return view;
    }
}
