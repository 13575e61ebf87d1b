using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Infrastructure.Slack;

namespace DbAccess.Infrastructure.Tests.Slack;

public sealed class BlockKitTests
{
    private static readonly DateTimeOffset At = new(2026, 3, 2, 14, 30, 0, TimeSpan.Zero);

    [Fact]
    public void Words_of_people_stand_in_literal_elements_only()
    {
        const string hostile = "<!channel> <https://evil.example|Approve here> *bold* _it_ ~no~ :white_check_mark: &amp;";
        var message = BlockKit.Message(new ChatMessage(hostile,
        [
            new ChatPart.Header(hostile), new ChatPart.Text(hostile), new ChatPart.Text($"`x` {hostile}"), new ChatPart.Fields([(hostile, hostile)]),
            new ChatPart.Note(hostile), new ChatPart.Code(hostile), new ChatPart.When(hostile, At),
            new ChatPart.Buttons([new ChatButton("a", hostile, "v", Confirm: hostile)]),
        ]));

        var texts = Objects(message["blocks"]).Where(o => o["text"] is JsonValue).ToList();
        Assert.NotEmpty(texts);
        Assert.All(texts, text => Assert.Contains(text["type"]!.GetValue<string>(), (string[])["plain_text", "text"]));
        Assert.All(texts.Where(t => t["type"]!.GetValue<string>() == "plain_text"), text => Assert.False(text["emoji"]!.GetValue<bool>()));
        Assert.DoesNotContain("mrkdwn", message["blocks"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.StartsWith("&lt;!channel&gt; &lt;https:", message["text"]!.GetValue<string>(), StringComparison.Ordinal);
        Assert.False(message["mrkdwn"]!.GetValue<bool>());
        Assert.False(message["unfurl_links"]!.GetValue<bool>());
        Assert.False(message["unfurl_media"]!.GetValue<bool>());
    }

    [Fact]
    public void A_row_of_buttons_on_the_Home_tab_keeps_its_name_when_the_page_is_drawn_again()
    {
        static ChatPart Row(string id) => new ChatPart.Buttons([new ChatButton("return_grant", "I'm done", id)]);
        string[] Names(params ChatPart[] parts) => [.. BlockKit.Home(new ChatMessage("home", parts))["blocks"]!.AsArray().Select(block => block!["block_id"]?.GetValue<string>() ?? "")];

        Assert.Equal(["return_grant:A", "return_grant:B"], Names(Row("A"), Row("B")));
        Assert.Equal(["", "return_grant:B"], Names(new ChatPart.Text("A is over"), Row("B")));
        // A grant may stand there twice: among one's own, and among everybody's.
        Assert.Equal(["return_grant:A", "return_grant:A#2"], Names(Row("A"), Row("A")));
        Assert.Equal(2, Names(Row(new string('x', 1_000)), Row(new string('x', 1_000))).Distinct(StringComparer.Ordinal).Count());
    }

    [Theory]
    [InlineData("a\u202Eb\u2066c\u2069d", "abcd")]
    [InlineData("a\u200Bb\u200Dc\u2060d\uFEFFe\u00ADf", "abcdef")]
    [InlineData("a\u0000b\u001b[31mc\u009bd\u007f", "ab[31mcd")]
    [InlineData("a\r\nb\rc\u2028d", "a b c d")]
    [InlineData("  x  ", "x")]
    [InlineData("grün 😀 漢字", "grün 😀 漢字")]
    public void What_cannot_be_seen_is_taken_out(string text, string shown)
    {
        Assert.Equal(shown, SlackText.Line(text, 100));
    }

    [Fact]
    public void Half_a_character_is_shown_as_a_replacement()
    {
        Assert.Equal("\uFFFDx", SlackText.Line(new string(['\ud800', 'x']), 100));
    }

    [Theory]
    [InlineData("abcd", 4, "abcd")]
    [InlineData("abcde", 4, "abc…")]
    [InlineData("ab😀", 4, "ab😀")]
    [InlineData("ab😀😀", 4, "ab…")]
    [InlineData("abc😀", 4, "abc…")]
    [InlineData("a<b", 6, "a<b")]
    [InlineData("aa<b", 6, "aa…")]
    [InlineData("&&", 10, "&&")]
    [InlineData("&&&", 10, "&…")]
    public void A_cut_is_between_characters_and_counts_what_escaping_adds(string text, int most, string cut)
    {
        Assert.Equal(cut, SlackText.Line(text, most));
        Assert.True(SlackText.Escaped(text, most).Length <= most);
    }

    [Fact]
    public void Escaping_is_for_three_characters_and_never_cut_in_two()
    {
        Assert.Equal("&lt;a&gt; &amp;amp; \"'`", SlackText.Escaped("<a> &amp; \"'`", 100));
        Assert.Equal("&lt;&lt;…", SlackText.Escaped("<<<", 11));
    }

    [Fact]
    public void Every_text_is_cut_at_its_limit()
    {
        var at = Drawn(n => n);
        var over = Drawn(n => n + 1);

        Assert.All(at, pair => Assert.Equal(new string('x', pair.Limit), pair.Text));
        Assert.All(over, pair => Assert.Equal(new string('x', pair.Limit - 1) + "…", pair.Text));
    }

    [Theory]
    [InlineData("Type `/db-access mine` now", "Type |`/db-access mine`| now")]
    [InlineData("`all`", "`all`")]
    [InlineData("one ` only", "one ` only")]
    [InlineData("`a` b ` c", "`a`| b ` c")]
    [InlineData("`a``b`", "`a`|`b`")]
    public void Words_between_back_ticks_are_code(string words, string expected)
    {
        var block = BlockKit.Message(new ChatMessage("s", [new ChatPart.Text(words)]))["blocks"]![0]!;

        var elements = block["elements"]![0]!["elements"]!.AsArray();
        var shown = string.Join('|', elements.Select(e => e!["style"]?["code"]?.GetValue<bool>() == true ? $"`{e["text"]}`" : e["text"]!.GetValue<string>()));
        Assert.Equal(expected, shown);
    }

    [Fact]
    public void A_moment_is_shown_in_the_readers_zone_and_in_UTC_where_that_cannot_be()
    {
        var date = Objects(BlockKit.Moment("Ends", At)).Single(o => o["type"]?.ToString() == "date");

        Assert.Equal(At.ToUnixTimeSeconds(), date["timestamp"]!.GetValue<long>());
        Assert.Equal("2026-03-02 14:30 UTC", date["fallback"]!.GetValue<string>());
    }

    /// <summary>Refusals and troubles are sentences that were written where no reader is known.</summary>
    [Fact]
    public void An_instant_inside_any_words_is_shown_by_the_readers_clock_too()
    {
        const string words = "`fix` is forbidden until 2026-03-02 14:30 UTC (rule freeze).\nAs found at 2026-03-02 14:30 UTC";
        ChatPart[] parts = [new ChatPart.Text(words), new ChatPart.When(words, At), new ChatPart.Mention(words, ["U0ENGINE1"])];

        Assert.All(parts, part =>
        {
            var block = BlockKit.Message(new ChatMessage("s", [part]))["blocks"]![0]!;
            var dates = Objects(block).Where(o => o["type"]?.ToString() == "date").ToList();
            Assert.Equal(part is ChatPart.When ? 3 : 2, dates.Count);
            Assert.All(dates, date => Assert.Equal((At.ToUnixTimeSeconds(), "2026-03-02 14:30 UTC"),
                (date["timestamp"]!.GetValue<long>(), date["fallback"]!.GetValue<string>())));
            Assert.DoesNotContain(Objects(block), o => o["type"]?.ToString() == "text" && o["text"]!.ToString().Contains("UTC", StringComparison.Ordinal));
        });
    }

    [Fact]
    public void What_stands_between_back_ticks_before_a_moment_is_shown_as_code()
    {
        var elements = BlockKit.Moment("`K7Q3-MD` read on orders · ends", At)["elements"]![0]!["elements"]!.AsArray();

        Assert.Equal("K7Q3-MD", elements[0]!["text"]!.GetValue<string>());
        Assert.True(elements[0]!["style"]!["code"]!.GetValue<bool>());
        Assert.Equal(" read on orders · ends ", elements[1]!["text"]!.GetValue<string>());
    }

    [Fact]
    public void A_value_cannot_pretend_to_be_a_field()
    {
        var field = BlockKit.Fields([("Reason", "x\nRisk\nlow")]).Single()["fields"]![0]!;

        Assert.Equal("Reason\nx Risk low", field["text"]!.GetValue<string>());
    }

    [Fact]
    public void Many_fields_and_buttons_take_more_blocks()
    {
        var message = BlockKit.Message(new ChatMessage("s",
        [
            new ChatPart.Fields([.. Enumerable.Range(0, 21).Select(i => ($"l{i}", $"v{i}"))]),
            new ChatPart.Buttons([.. Enumerable.Range(0, 26).Select(i => new ChatButton($"a{i}", "b", "v"))]),
            new ChatPart.Buttons([new ChatButton("same", "b", "1"), new ChatButton("same", "b", "2")]),
        ]));

        var blocks = message["blocks"]!.AsArray();
        Assert.Equal([10, 10, 1], blocks.Take(3).Select(b => b!["fields"]!.AsArray().Count));
        Assert.Equal([25, 1, 1, 1], blocks.Skip(3).Select(b => b!["elements"]!.AsArray().Count));
    }

    [Theory]
    [InlineData(49, 50, false)]
    [InlineData(50, 50, true)]
    [InlineData(300, 50, true)]
    public void A_message_has_at_most_fifty_blocks_and_keeps_its_buttons(int paragraphs, int blocks, bool cut)
    {
        var parts = Enumerable.Range(0, paragraphs).Select(i => (ChatPart)new ChatPart.Text($"p{i}")).Append(new ChatPart.Buttons([new ChatButton("a", "b", "v")]));

        var drawn = BlockKit.Message(new ChatMessage("s", [.. parts]))["blocks"]!.AsArray();

        Assert.Equal(blocks, drawn.Count);
        Assert.Equal("actions", drawn[^1]!["type"]!.GetValue<string>());
        Assert.Equal(cut, drawn[^2]!["type"]!.GetValue<string>() == "context");
    }

    [Fact]
    public void A_message_of_very_many_words_ends_with_a_note_and_its_buttons()
    {
        var parts = Enumerable.Repeat((ChatPart)new ChatPart.Text(new string('x', 3_000)), 5).Append(new ChatPart.Buttons([new ChatButton("a", "b", "v")]));

        var drawn = BlockKit.Message(new ChatMessage("s", [.. parts]))["blocks"]!.AsArray();

        Assert.Equal(["section", "section", "section", "section", "context", "actions"], drawn.Select(b => b!["type"]!.GetValue<string>()));
    }

    [Fact]
    public void Empty_words_leave_nothing_that_Slack_would_refuse()
    {
        var message = BlockKit.Message(new ChatMessage("", [new ChatPart.Text(" "), new ChatPart.Note(""), new ChatPart.Code("\u200b"), new ChatPart.Fields([("", "")]), new ChatPart.Header("")]));

        Assert.All(Objects(message).Where(o => o["text"] is JsonValue), o => Assert.NotEqual("", o["text"]!.GetValue<string>()));
        Assert.Equal(2, message["blocks"]!.AsArray().Count);
    }

    [Fact]
    public void Ids_are_never_shortened()
    {
        Assert.Throws<ArgumentException>(() => BlockKit.Buttons([new ChatButton("a", "b", new string('x', 2_001))]).ToList());
        Assert.Throws<ArgumentException>(() => BlockKit.View(Form(context: new string('x', 3_001))));
        Assert.Throws<ArgumentException>(() => BlockKit.View(Form(fields: [new FormField.Choice("k", "l", null, [new FormOption(new string('x', 76), "l")], null)])));
        Assert.Equal(2_000, BlockKit.Buttons([new ChatButton("a", "b", new string('x', 2_000))]).Single()["elements"]![0]!["value"]!.GetValue<string>().Length);
    }

    [Fact]
    public void A_form_comes_back_with_the_names_it_was_given()
    {
        var view = BlockKit.View(Form(fields:
        [
            new FormField.Choice("database", "Database", "Which one", [new("orders", "orders", "The shop"), new("crm", "crm")], "crm", Redraws: true),
            new FormField.Text("reason", "Reason", null, "INC-1", true, 15, 500),
            new FormField.Text("ticket", "Ticket", null, null, false, 0, 9_999),
            new FormField.Choice("empty", "Scope", null, [], null),
        ]));

        Assert.Equal("request", view["callback_id"]!.GetValue<string>());
        Assert.Equal("ctx", view["private_metadata"]!.GetValue<string>());
        Assert.Equal("Submit", view["submit"]!["text"]!.GetValue<string>());
        var blocks = view["blocks"]!.AsArray();
        Assert.Equal(["database", "reason", "ticket", "empty"], blocks.Select(b => b!["block_id"]!.GetValue<string>()));
        Assert.Equal(["input", "input", "input", "section"], blocks.Select(b => b!["type"]!.GetValue<string>()));
        Assert.All(blocks.Take(3), b => Assert.Equal("value", b!["element"]!["action_id"]!.GetValue<string>()));
        Assert.True(blocks[0]!["dispatch_action"]!.GetValue<bool>());
        Assert.Equal("crm", blocks[0]!["element"]!["initial_option"]!["value"]!.GetValue<string>());
        Assert.Equal(15, blocks[1]!["element"]!["min_length"]!.GetValue<int>());
        Assert.False(blocks[1]!["optional"]!.GetValue<bool>());
        Assert.True(blocks[2]!["optional"]!.GetValue<bool>());
        Assert.Equal(3_000, blocks[2]!["element"]!["max_length"]!.GetValue<int>());
    }

    [Fact]
    public void A_form_holds_a_hundred_blocks_and_a_menu_a_hundred_options()
    {
        var intro = Enumerable.Range(0, 150).Select(i => (ChatPart)new ChatPart.Text($"p{i}")).ToList();
        var options = Enumerable.Range(0, 101).Select(i => new FormOption($"o{i}", $"o{i}")).ToList();

        var view = BlockKit.View(new ChatForm("k", "t", "s", "", intro, [new FormField.Choice("c", "l", null, options, "o100")]));

        Assert.Equal(100, view["blocks"]!.AsArray().Count);
        Assert.Equal(100, view["blocks"]![99]!["element"]!["options"]!.AsArray().Count);
        Assert.Null(view["blocks"]![99]!["element"]!["initial_option"]);
    }

    private static ChatForm Form(string context = "ctx", params FormField[] fields) => new("request", "Database access", "Submit", context, [], fields);

    private static List<(int Limit, string Text)> Drawn(Func<int, int> length)
    {
        string X(int limit) => new('x', length(limit));
        var button = BlockKit.Buttons([new ChatButton("a", X(75), "v", Confirm: X(300))]).Single()["elements"]![0]!;
        var confirm = BlockKit.Buttons([new ChatButton("a", X(30), "v", Confirm: "?")]).Single()["elements"]![0]!;
        var view = BlockKit.View(new ChatForm("k", X(24), X(24), "", [],
        [
            new FormField.Choice("c", X(2_000), X(2_000), [new FormOption("v", X(75), X(75))], null),
            new FormField.Text("t", "l", null, X(200), false, 0, 200),
        ]));
        var first = view["blocks"]![0]!;
        return
        [
            (3_000, BlockKit.Plain(X(3_000))["text"]!.GetValue<string>()),
            (150, BlockKit.Header(X(150))["text"]!["text"]!.GetValue<string>()),
            (3_000, BlockKit.Paragraph(X(3_000))["text"]!["text"]!.GetValue<string>()),
            (2_000, BlockKit.Note(X(2_000))["elements"]![0]!["text"]!.GetValue<string>()),
            (3_000, BlockKit.Code(X(3_000))["elements"]![0]!["elements"]![0]!["text"]!.GetValue<string>()),
            (1_900, BlockKit.Fields([("l", X(1_900))]).Single()["fields"]![0]!["text"]!.GetValue<string>()[2..]),
            (75, button["text"]!["text"]!.GetValue<string>()),
            (300, button["confirm"]!["text"]!["text"]!.GetValue<string>()),
            (30, confirm["confirm"]!["confirm"]!["text"]!.GetValue<string>()),
            (24, view["title"]!["text"]!.GetValue<string>()),
            (24, view["submit"]!["text"]!.GetValue<string>()),
            (2_000, first["label"]!["text"]!.GetValue<string>()),
            (2_000, first["hint"]!["text"]!.GetValue<string>()),
            (75, first["element"]!["options"]![0]!["text"]!["text"]!.GetValue<string>()),
            (75, first["element"]!["options"]![0]!["description"]!["text"]!.GetValue<string>()),
            (200, view["blocks"]![1]!["element"]!["initial_value"]!.GetValue<string>()),
        ];
    }

    private static IEnumerable<JsonObject> Objects(JsonNode? node) => node switch
    {
        JsonObject json => json.SelectMany(field => Objects(field.Value)).Prepend(json),
        JsonArray array => array.SelectMany(Objects),
        _ => [],
    };
}
