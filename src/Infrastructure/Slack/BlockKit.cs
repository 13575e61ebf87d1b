using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using DbAccess.Application.Ports;
using DbAccess.Domain.Policies;

namespace DbAccess.Infrastructure.Slack;

/// <summary>
/// Draws messages and forms as Slack's blocks. Pure. All words may come from people and go into literal elements only, so that they cannot
/// mention anybody, link anywhere or pass for a part of the message. Words that are too long are cut; ids that are too long are a bug,
/// since a shortened id would be another one.
/// </summary>
internal static partial class BlockKit
{
    private const int MostMessageBlocks = 50;

    // Slack does not say what a message may hold altogether; more than this has been refused (msg_blocks_too_long).
    private const int MostMessageWords = 12_000;

    private const int MostMentioned = 50;

    private const string More = "… there is more than fits here.";

    /// <summary><c>text</c> and <c>blocks</c> of a message, with everything off that would add to what we say.</summary>
    public static JsonObject Message(ChatMessage message)
    {
        var drawn = Plain(message.Summary);
        var blocks = Fit(message.Parts, MostMessageBlocks, MostMessageWords);
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

    public static JsonObject Header(string words) => new() { ["type"] = "header", ["text"] = PlainText(words, 150) };

    /// <summary>Literal text of fixed width, to be copied.</summary>
    public static JsonObject Code(string words) => RichText(Preformatted(words));

    /// <summary>Some literal words, and text to be copied under them.</summary>
    public static JsonObject LabelledCode(string label, string words) =>
        RichText(Section([TextElement(SlackText.Line(label, 300))]), Preformatted(words));

    /// <summary>
    /// A paragraph; what stands between back-ticks is shown as code, and an instant, whoever wrote it, by the reader's clock.
    /// </summary>
    public static JsonObject Paragraph(string words)
    {
        var text = SlackText.Lines(words, 3_000);
        if (!text.Contains('`', StringComparison.Ordinal) && SaidInstants.Split(text).All(piece => piece.At is null))
            return new() { ["type"] = "section", ["text"] = PlainText(text, 3_000, lines: true) };

        return RichText(Section(Ticked(text)));
    }

    private static IEnumerable<JsonNode> Ticked(string text)
    {
        var pieces = text.Split('`');
        // With an odd number of back-ticks the last one opens nothing and stays.
        if (pieces.Length % 2 == 0) pieces = [.. pieces[..^2], $"{pieces[^2]}`{pieces[^1]}"];
        return pieces.SelectMany((piece, i) => i % 2 == 1 ? [TextElement(piece, code: true)] : Timed(piece))
            .Where(element => element["text"]?.GetValue<string>().Length != 0);
    }

    private static IEnumerable<JsonObject> Timed(string words) => SaidInstants.Split(words).SelectMany(piece =>
        piece.At is { } at ? (JsonObject[])[TextElement(piece.Words), Date(at, "{date_short_pretty} {time}")] : [TextElement(piece.Words)]);

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
        Date(at, "{date_short_pretty} {time}"),
    ]));

    /// <summary>One line of bold words, with instants between them that each reader sees in their own time.</summary>
    public static JsonObject Dated(params (string Words, DateTimeOffset? At, string Format)[] pieces)
    {
        var elements = new List<JsonNode>();
        foreach (var (words, at, format) in pieces)
        {
            // Cleaning takes the spaces at both ends away, which here keep the words from the instants.
            var text = TextElement($"{(words.StartsWith(' ') ? " " : "")}{SlackText.Line(words, 300)}{(words.EndsWith(' ') ? " " : "")}");
            text["style"] = new JsonObject { ["bold"] = true };
            elements.Add(text);
            if (at is { } moment) elements.Add(Date(moment, format));
        }

        return RichText(Section(elements));
    }

    private static JsonObject Date(DateTimeOffset at, string format) => new()
    {
        ["type"] = "date",
        ["timestamp"] = at.ToUnixTimeSeconds(),
        ["format"] = format,
        ["fallback"] = SaidInstants.Write(at),
    };

    /// <summary>Words, in which back-ticks mean code, and people and groups under the names that each reader knows them by.</summary>
    public static JsonObject Mention(string words, IReadOnlyList<string> ids)
    {
        List<JsonNode> elements = [.. Ticked(SlackText.Line(words, 1_000))];
        foreach (var id in ids.Take(MostMentioned))
        {
            if (elements.Count > 0) elements.Add(TextElement(" "));
            // What is no id of Slack's would make Slack refuse the whole message.
            elements.Add(!IdShape().IsMatch(id) ? TextElement(SlackText.Line(id, 100))
                : id[0] == 'S' ? new JsonObject { ["type"] = "usergroup", ["usergroup_id"] = id }
                : new JsonObject { ["type"] = "user", ["user_id"] = id });
        }

        if (ids.Count > MostMentioned) elements.Add(TextElement($" and {ids.Count - MostMentioned} more"));
        return RichText(Section(elements.Count > 0 ? elements : [TextElement("–")]));
    }

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
        else if (button.Primary) drawn["style"] = "primary";
        if (button.Spoken is { } spoken && SlackText.Line(spoken, 75) is { Length: > 0 } label) drawn["accessibility_label"] = label;
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
    private static JsonArray Fit(IReadOnlyList<ChatPart> parts, int most, int words)
    {
        var drawn = parts.SelectMany(
            part => Part(part).Select(block => (Block: block, IsButtons: part is ChatPart.Buttons, Words: Words(part)))).ToList();
        var room = Math.Min(drawn.Count(part => part.IsButtons), most - 1);
        var left = drawn.Count <= most ? drawn.Count - room : most - room - 1;
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
                blocks.Add((JsonNode)Note(More));
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
        ChatPart.Mention mention => [Mention(mention.Words, mention.Ids)],
        ChatPart.Divider => [new JsonObject { ["type"] = "divider" }],
        _ => [],
    };

    private static int Words(ChatPart part) => part switch
    {
        ChatPart.Text text => Math.Min(SlackText.Weight(text.Words), 3_000),
        ChatPart.Code code => Math.Min(SlackText.Weight(code.Words), 3_000),
        ChatPart.Note note => Math.Min(SlackText.Weight(note.Words), 2_000),
        ChatPart.Fields fields =>
            fields.Pairs.Take(10).Sum(pair => Math.Min(SlackText.Weight(pair.Label) + SlackText.Weight(pair.Value), 2_000)),
        ChatPart.Mention mention => Math.Min(SlackText.Weight(mention.Words), 1_000) + (20 * Math.Min(mention.Ids.Count, MostMentioned)),
        _ => 200,
    };

    private static bool Shows(string words) => SlackText.Lines(words, 3_000).Length > 0;

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

    [GeneratedRegex(@"^[UWS][A-Z0-9]{2,20}\z", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex IdShape();

    private static string Id(string id, int most, bool mayBeEmpty = false) => id.Length <= most && (mayBeEmpty || id.Length > 0)
        ? id
        : throw new ArgumentException($"An id of {id.Length} characters was given where Slack takes 1 to {most}.", nameof(id));
}
