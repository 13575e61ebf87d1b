using System.Text.Json.Nodes;
using DbAccess.Application.Ports;

namespace DbAccess.Infrastructure.Slack;

/// <summary>Forms, and people's own pages.</summary>
internal static partial class BlockKit
{
    /// <summary>The name that every form field's element carries; fields are told apart by their block.</summary>
    public const string FieldAction = "value";

    private const int MostViewBlocks = 100;
    private const int LongestRowName = 240;

    // A view takes 250 kB, and some alphabets need six bytes for a character.
    private const int MostViewWords = 30_000;

    /// <summary>A modal: a form, or, with nothing to submit, a window that is only read.</summary>
    public static JsonObject View(ChatForm form)
    {
        var blocks = Fit(form.Intro, MostViewBlocks - form.Fields.Count, MostViewWords);
        foreach (var field in form.Fields) blocks.Add((JsonNode)Field(field));
        var left = MostViewBlocks - blocks.Count;
        var words = Math.Max(MostViewWords - form.Intro.Sum(Words), MostViewWords / 10);
        if (left > 0) foreach (var block in Fit(form.Outro, left, words).ToList()) blocks.Add(block!.DeepClone());
        // Slack takes no window without a block, and no field without something that sends it.
        if (blocks.Count == 0) blocks.Add((JsonNode)Note("There is nothing here."));
        var submit = !string.IsNullOrEmpty(form.Submit) ? form.Submit : form.Fields.Count > 0 ? "Submit" : null;
        var view = new JsonObject
        {
            ["type"] = "modal",
            ["callback_id"] = Id(form.Kind, 255),
            ["title"] = PlainText(form.Title, 24),
            ["close"] = PlainText(submit is null ? "Close" : "Cancel", 24),
            ["private_metadata"] = Id(form.Context, 3_000, mayBeEmpty: true),
            ["blocks"] = blocks,
        };
        if (submit is not null) view["submit"] = PlainText(submit, 24);
        return view;
    }

    /// <summary>
    /// A person's own page. What is too much is cut at the end: a button belongs to the words above it, and is worth nothing without them.
    /// </summary>
    public static JsonObject Home(ChatMessage page)
    {
        var words = MostViewWords;
        var blocks = new JsonArray();
        foreach (var (block, weight) in page.Parts.SelectMany(part => Part(part).Select(block => (block, Words(part)))))
        {
            words -= weight;
            if (blocks.Count == MostViewBlocks || words < 0)
            {
                while (blocks.Count >= MostViewBlocks) blocks.RemoveAt(blocks.Count - 1);
                blocks.Add((JsonNode)Note(More));
                break;
            }

            blocks.Add((JsonNode)block);
        }

        if (blocks.Count == 0) blocks.Add((JsonNode)Note("There is nothing here."));
        NameButtons(blocks);
        return new JsonObject { ["type"] = "home", ["blocks"] = blocks };
    }

    /// <summary>
    /// Slack would name rows of buttons anew with each drawing, and a press (or its question, answered a moment later) on the page of a
    /// moment ago would be nobody's. The same row has the same name; a second one of the same kind another.
    /// </summary>
    private static void NameButtons(JsonArray blocks)
    {
        var seen = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var row in blocks.OfType<JsonObject>().Where(block => block["elements"] is JsonArray && !block.ContainsKey("block_id")))
        {
            if (row["elements"]![0] is not JsonObject first || first["action_id"] is not { } action) continue;

            var name = $"{action}:{first["value"]}";
            name = name.Length > LongestRowName ? name[..LongestRowName] : name;
            seen[name] = seen.GetValueOrDefault(name) + 1;
            row["block_id"] = Id(seen[name] == 1 ? name : $"{name}#{seen[name]}", 255);
        }
    }

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
        FormField.Search search => Search(search),
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

    private static JsonObject Search(FormField.Search search)
    {
        var many = search.Most > 1;
        var element = new JsonObject
        {
            ["type"] = many ? "multi_external_select" : "external_select",
            ["action_id"] = FieldAction,
            ["placeholder"] = PlainText("Type to search", 150),
            ["min_query_length"] = Math.Max(search.MinLength, 0),
        };
        if (many) element["max_selected_items"] = search.Most;
        var chosen = search.Chosen.Take(Math.Max(search.Most, 1)).Select(option => (JsonNode)Option(option)).ToArray();
        if (chosen.Length > 0) element[many ? "initial_options" : "initial_option"] = many ? new JsonArray(chosen) : chosen[0];
        var input = Input(search, element, search.Optional);
        if (search.Redraws) input["dispatch_action"] = true;
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
}
