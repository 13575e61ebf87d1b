using System.Text.Json.Nodes;
using DbAccess.Application.Ports;

namespace DbAccess.Infrastructure.Slack;

/// <summary>
/// Draws messages and forms as Slack's blocks. Pure. All words may come from people and go into literal elements only, so that they cannot
/// mention anybody, link anywhere or pass for a part of the message. Words that are too long are cut; ids that are too long are a bug,
/// since a shortened id would be another one.
/// </summary>
internal static class BlockKit
{
    /// <summary>The name that every form field's element carries; fields are told apart by their block.</summary>
    public const string FieldAction = "value";

    private const int MostMessageBlocks = 50;
    private const int MostViewBlocks = 100;

    // Slack does not say what a message may hold altogether; more than this has been refused (msg_blocks_too_long).
    private const int MostWords = 12_000;

    /// <summary><c>text</c> and <c>blocks</c> of a message, with everything off that would add to what we say.</summary>
    public static JsonObject Message(ChatMessage message)
    {
        var drawn = Plain(message.Summary);
        var blocks = Fit(message.Parts, MostMessageBlocks);
        if (blocks.Count > 0) drawn["blocks"] = blocks;
        return drawn;
    }

    /// <summary>Nothing but a sentence: also what is sent when Slack does not take our blocks.</summary>
    public static JsonObject Plain(string sentence) => new()
    {
        // The sentence is what a locked phone shows, where a back-tick is just a back-tick.
        ["text"] = OrDash(SlackText.Escaped(sentence.Replace("`", "", StringComparison.Ordinal), 3_000)),
        ["mrkdwn"] = false,
        ["unfurl_links"] = false,
        ["unfurl_media"] = false,
    };

    /// <summary>A modal.</summary>
    public static JsonObject View(ChatForm form)
    {
        var blocks = Fit(form.Intro, MostViewBlocks - form.Fields.Count);
        foreach (var field in form.Fields) blocks.Add((JsonNode)Field(field));
        var view = new JsonObject
        {
            ["type"] = "modal",
            ["callback_id"] = Id(form.Kind, 255),
            ["title"] = PlainText(form.Title, 24),
            ["close"] = PlainText("Cancel", 24),
            ["private_metadata"] = Id(form.Context, 3_000, mayBeEmpty: true),
            ["blocks"] = blocks,
        };
        if (form.Fields.Count > 0) view["submit"] = PlainText(form.Submit, 24);
        return view;
    }

    public static JsonObject Header(string words) => new() { ["type"] = "header", ["text"] = PlainText(words, 150) };

    /// <summary>Literal text of fixed width, to be copied.</summary>
    public static JsonObject Code(string words) => RichText(Preformatted(words));

    /// <summary>Some literal words, and text to be copied under them.</summary>
    public static JsonObject LabelledCode(string label, string words) =>
        RichText(Section([TextElement(SlackText.Line(label, 300))]), Preformatted(words));

    /// <summary>A paragraph; what stands between back-ticks is shown as code.</summary>
    public static JsonObject Paragraph(string words)
    {
        var text = SlackText.Lines(words, 3_000);
        if (!text.Contains('`', StringComparison.Ordinal))
            return new() { ["type"] = "section", ["text"] = PlainText(text, 3_000, lines: true) };

        return RichText(Section(Ticked(text)));
    }

    private static IEnumerable<JsonNode> Ticked(string text)
    {
        var pieces = text.Split('`');
        // With an odd number of back-ticks the last one opens nothing and stays.
        if (pieces.Length % 2 == 0) pieces = [.. pieces[..^2], $"{pieces[^2]}`{pieces[^1]}"];
        return pieces.Select((piece, i) => (piece, i)).Where(p => p.piece.Length > 0).Select(p => TextElement(p.piece, code: p.i % 2 == 1));
    }

    /// <summary>Labels and values, one to a line, values as code: <c>Host: db.example</c>.</summary>
    public static JsonObject CodeLines(IEnumerable<(string Label, string Value)> lines)
    {
        var elements = new List<JsonNode>();
        foreach (var (label, value) in lines)
        {
            elements.Add(TextElement(elements.Count == 0 ? $"{label}: " : $"\n{label}: "));
            elements.Add(TextElement(value, code: true));
        }

        return RichText(Section(elements));
    }

    /// <summary>Words, in which back-ticks mean code, and an instant that each reader sees in their own time.</summary>
    public static JsonObject Moment(string words, DateTimeOffset at) => RichText(Section(
    [
        .. Ticked(SlackText.Line(words, 1_000) + " "),
        new JsonObject
        {
            ["type"] = "date",
            ["timestamp"] = at.ToUnixTimeSeconds(),
            ["format"] = "{date_short_pretty} {time}",
            ["fallback"] = $"{at.UtcDateTime:yyyy-MM-dd HH:mm} UTC",
        },
    ]));

    public static JsonObject Note(string words) =>
        new() { ["type"] = "context", ["elements"] = new JsonArray(PlainText(words, 2_000, lines: true)) };

    /// <summary>Labels with values, ten to a block.</summary>
    public static IEnumerable<JsonObject> Fields(IEnumerable<(string Label, string Value)> pairs) =>
        pairs.Chunk(10).Select(chunk => new JsonObject
    {
        ["type"] = "section",
        ["fields"] = new JsonArray([.. chunk.Select(pair => (JsonNode)new JsonObject
        {
            ["type"] = "plain_text",
            ["text"] = SlackText.Cut($"{OrDash(SlackText.Line(pair.Label, 100))}\n{OrDash(SlackText.Line(pair.Value, 1_900))}", 2_000),
            ["emoji"] = false,
        })]),
    });

    /// <summary>Rows of buttons: at most 25 to a row, and in a row no two that do the same, as Slack wants.</summary>
    public static IEnumerable<JsonObject> Buttons(IEnumerable<ChatButton> buttons)
    {
        var row = new List<ChatButton>();
        foreach (var button in buttons)
        {
            if (row.Count == 25 || row.Exists(other => other.Action == button.Action))
            {
                yield return Row(row);
                row.Clear();
            }

            row.Add(button);
        }

        if (row.Count > 0) yield return Row(row);
    }

    private static JsonObject Row(IEnumerable<ChatButton> buttons) =>
        new() { ["type"] = "actions", ["elements"] = new JsonArray([.. buttons.Select(button => (JsonNode)Button(button))]) };

    private static JsonObject Button(ChatButton button)
    {
        var drawn = new JsonObject
        {
            ["type"] = "button",
            ["action_id"] = Id(button.Action, 255),
            ["value"] = Id(button.Value, 2_000),
            ["text"] = PlainText(button.Label, 75),
        };
        if (button.Danger) drawn["style"] = "danger";
        if (button.Confirm is { } question)
        {
            drawn["confirm"] = new JsonObject
            {
                ["title"] = PlainText("Are you sure?", 100),
                ["text"] = PlainText(question, 300, lines: true),
                ["confirm"] = PlainText(button.Label, 30),
                ["deny"] = PlainText("Back", 30),
            };
        }

        return drawn;
    }

    /// <summary>
    /// Draws parts until the blocks or words that Slack takes are used up, and says then that there was more. Buttons are never left out
    /// for words.
    /// </summary>
    private static JsonArray Fit(IReadOnlyList<ChatPart> parts, int most)
    {
        var drawn = parts.SelectMany(
            part => Part(part).Select(block => (Block: block, IsButtons: part is ChatPart.Buttons, Words: Words(part)))).ToList();
        var room = Math.Min(drawn.Count(part => part.IsButtons), most - 1);
        var left = drawn.Count <= most ? drawn.Count - room : most - room - 1;
        var words = MostWords;
        var blocks = new JsonArray();
        var cut = false;
        foreach (var (block, isButtons, length) in drawn)
        {
            if (isButtons)
            {
                if (room-- > 0) blocks.Add((JsonNode)block);
                continue;
            }

            if (!cut && left-- > 0 && (words -= length) >= 0)
            {
                blocks.Add((JsonNode)block);
            }
            else if (!cut)
            {
                cut = true;
                blocks.Add((JsonNode)Note("… there is more than fits here."));
            }
        }

        return blocks;
    }

    private static IEnumerable<JsonObject> Part(ChatPart part) => part switch
    {
        ChatPart.Header header => [Header(header.Words)],
        ChatPart.Text text when Shows(text.Words) => [Paragraph(text.Words)],
        ChatPart.Fields fields => Fields(fields.Pairs),
        ChatPart.When moment => [Moment(moment.Words, moment.At)],
        ChatPart.Code code when Shows(code.Words) => [Code(code.Words)],
        ChatPart.Note note when Shows(note.Words) => [Note(note.Words)],
        ChatPart.Buttons buttons => Buttons(buttons.Items),
        _ => [],
    };

    private static int Words(ChatPart part) => part switch
    {
        ChatPart.Text text => Math.Min(SlackText.Weight(text.Words), 3_000),
        ChatPart.Code code => Math.Min(SlackText.Weight(code.Words), 3_000),
        ChatPart.Note note => Math.Min(SlackText.Weight(note.Words), 2_000),
        ChatPart.Fields fields =>
            fields.Pairs.Take(10).Sum(pair => Math.Min(SlackText.Weight(pair.Label) + SlackText.Weight(pair.Value), 2_000)),
        _ => 200,
    };

    private static bool Shows(string words) => SlackText.Lines(words, 3_000).Length > 0;

    private static JsonObject Field(FormField field) => field switch
    {
        // A menu without a choice is not a menu to Slack.
        FormField.Choice { Options.Count: 0 } choice => new JsonObject
        {
            ["type"] = "section",
            ["block_id"] = Id(choice.Key, 255),
            ["text"] = PlainText($"{choice.Label}: there is nothing to choose from.", 3_000),
        },
        FormField.Choice choice => Choice(choice),
        FormField.Text text => Text(text),
        _ => throw new ArgumentOutOfRangeException(nameof(field)),
    };

    private static JsonObject Choice(FormField.Choice choice)
    {
        var element = new JsonObject
        {
            ["type"] = "static_select",
            ["action_id"] = FieldAction,
            ["placeholder"] = PlainText("Choose", 150),
            ["options"] = new JsonArray([.. choice.Options.Take(100).Select(option => (JsonNode)Option(option))]),
        };
        if (choice.Options.Take(100).FirstOrDefault(option => option.Value == choice.Chosen) is { } chosen)
            element["initial_option"] = Option(chosen);
        var input = Input(choice, element, optional: false);
        if (choice.Redraws) input["dispatch_action"] = true;
        return input;
    }

    private static JsonObject Option(FormOption option)
    {
        var drawn = new JsonObject { ["text"] = PlainText(option.Label, 75), ["value"] = Id(option.Value, 75) };
        if (option.Description is { } description && Shows(description)) drawn["description"] = PlainText(description, 75);
        return drawn;
    }

    private static JsonObject Text(FormField.Text text)
    {
        var most = Math.Clamp(text.MaxLength, 1, 3_000);
        var element = new JsonObject
        {
            ["type"] = "plain_text_input",
            ["action_id"] = FieldAction,
            ["multiline"] = text.Multiline,
            ["max_length"] = most,
        };
        if (text.MinLength > 0) element["min_length"] = Math.Min(text.MinLength, most);
        if (text.Initial is { } initial && Shows(initial))
            element["initial_value"] = text.Multiline ? SlackText.Lines(initial, most) : SlackText.Line(initial, most);
        return Input(text, element, optional: text.MinLength == 0);
    }

    private static JsonObject Input(FormField field, JsonObject element, bool optional)
    {
        var input = new JsonObject
        {
            ["type"] = "input",
            ["block_id"] = Id(field.Key, 255),
            ["label"] = PlainText(field.Label, 2_000),
            ["element"] = element,
            ["optional"] = optional,
        };
        if (field.Hint is { } hint && Shows(hint)) input["hint"] = PlainText(hint, 2_000);
        return input;
    }

    private static JsonObject RichText(params JsonObject[] elements) =>
        new() { ["type"] = "rich_text", ["elements"] = new JsonArray([.. elements]) };

    private static JsonObject Section(IEnumerable<JsonNode> elements) =>
        new() { ["type"] = "rich_text_section", ["elements"] = new JsonArray([.. elements]) };

    private static JsonObject Preformatted(string words) =>
        new() { ["type"] = "rich_text_preformatted", ["border"] = 0,
            ["elements"] = new JsonArray(TextElement(OrDash(SlackText.Lines(words, 3_000)))) };

    private static JsonObject TextElement(string words, bool code = false)
    {
        var element = new JsonObject { ["type"] = "text", ["text"] = words };
        if (code) element["style"] = new JsonObject { ["code"] = true };
        return element;
    }

    private static JsonObject PlainText(string words, int most, bool lines = false) => new()
    {
        ["type"] = "plain_text",
        ["text"] = OrDash(lines ? SlackText.Lines(words, most) : SlackText.Line(words, most)),
        ["emoji"] = false,
    };

    /// <summary>Slack refuses empty text, so nothing is shown as a dash.</summary>
    private static string OrDash(string text) => text.Length == 0 ? "–" : text;

    private static string Id(string id, int most, bool mayBeEmpty = false) => id.Length <= most && (mayBeEmpty || id.Length > 0)
        ? id
        : throw new ArgumentException($"An id of {id.Length} characters was given where Slack takes 1 to {most}.");
}
