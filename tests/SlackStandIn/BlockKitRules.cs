using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace DbAccess.SlackStandIn;

/// <summary>One thing Slack would refuse, in its words and with the place in the request.</summary>
internal sealed record BlockKitFault(string Message, string Pointer)
{
    public override string ToString() => $"{Message} [json-pointer:{Pointer}]";
}

/// <summary>
/// What Slack checks before it takes blocks or a view. Pure: JSON in, faults out. Lengths are UTF-16 units, which are never
/// fewer than Slack's own unit can be. Block types that older clients cannot draw are refused here though Slack has them.
/// </summary>
internal sealed class BlockKitRules
{
    private const int ViewBytes = 250 * 1024;

    private static readonly Dictionary<string, string[]> BlockFields = new(StringComparer.Ordinal)
    {
        ["section"] = ["text", "fields", "accessory", "expand"],
        ["header"] = ["text"],
        ["divider"] = [],
        ["context"] = ["elements"],
        ["actions"] = ["elements"],
        ["input"] = ["label", "element", "hint", "optional", "dispatch_action"],
        ["image"] = ["image_url", "slack_file", "alt_text", "title"],
        ["rich_text"] = ["elements"],
    };

    private static readonly string[] Selects =
        ["static_select", "external_select", "users_select", "conversations_select", "channels_select"];

    private static readonly string[] MultiSelects = [.. Selects.Select(select => "multi_" + select)];
    private static readonly string[] Clickable =
        ["button", "overflow", "radio_buttons", "checkboxes", "datepicker", "timepicker", .. Selects, .. MultiSelects];

    private static readonly string[] InActions = [.. Clickable, "datetimepicker"];
    private static readonly string[] InAccessory = [.. Clickable, "image"];
    private static readonly string[] InInput =
    [
        "plain_text_input", "email_text_input", "url_text_input", "number_input", "radio_buttons", "checkboxes",
        "datepicker", "timepicker", "datetimepicker", .. Selects, .. MultiSelects,
    ];

    private static readonly Dictionary<string, string[]> ElementFields = new(StringComparer.Ordinal)
    {
        ["button"] = ["text", "url", "value", "style", "confirm", "accessibility_label"],
        ["overflow"] = ["options", "confirm"],
        ["radio_buttons"] = ["options", "initial_option", "confirm", "focus_on_load"],
        ["checkboxes"] = ["options", "initial_options", "confirm", "focus_on_load"],
        ["datepicker"] = ["initial_date", "placeholder", "confirm", "focus_on_load"],
        ["timepicker"] = ["initial_time", "timezone", "placeholder", "confirm", "focus_on_load"],
        ["datetimepicker"] = ["initial_date_time", "confirm", "focus_on_load"],
        ["static_select"] = ["options", "option_groups", "initial_option", "placeholder", "confirm", "focus_on_load"],
        ["external_select"] = ["initial_option", "min_query_length", "placeholder", "confirm", "focus_on_load"],
        ["users_select"] = ["initial_user", "placeholder", "confirm", "focus_on_load"],
        ["channels_select"] = ["initial_channel", "response_url_enabled", "placeholder", "confirm", "focus_on_load"],
        ["conversations_select"] =
        [
            "initial_conversation", "default_to_current_conversation", "response_url_enabled", "filter",
            "placeholder", "confirm", "focus_on_load",
        ],
        ["multi_static_select"] =
            ["options", "option_groups", "initial_options", "max_selected_items", "placeholder", "confirm", "focus_on_load"],
        ["multi_external_select"] =
            ["initial_options", "min_query_length", "max_selected_items", "placeholder", "confirm", "focus_on_load"],
        ["multi_users_select"] = ["initial_users", "max_selected_items", "placeholder", "confirm", "focus_on_load"],
        ["multi_channels_select"] = ["initial_channels", "max_selected_items", "placeholder", "confirm", "focus_on_load"],
        ["multi_conversations_select"] =
        [
            "initial_conversations", "default_to_current_conversation", "filter", "max_selected_items",
            "placeholder", "confirm", "focus_on_load",
        ],
        ["plain_text_input"] =
            ["initial_value", "multiline", "min_length", "max_length", "dispatch_action_config", "placeholder", "focus_on_load"],
        ["email_text_input"] = ["initial_value", "dispatch_action_config", "placeholder", "focus_on_load"],
        ["url_text_input"] = ["initial_value", "dispatch_action_config", "placeholder", "focus_on_load"],
        ["number_input"] =
        [
            "is_decimal_allowed", "initial_value", "min_value", "max_value", "dispatch_action_config", "placeholder",
            "focus_on_load",
        ],
    };

    private static readonly string[] RichTextInline =
        ["text", "link", "user", "usergroup", "channel", "emoji", "date", "broadcast", "color", "team"];

    private static readonly string[] ModalFields =
    [
        "type", "title", "blocks", "close", "submit", "private_metadata", "callback_id", "clear_on_close",
        "notify_on_close", "external_id", "submit_disabled",
    ];

    private static readonly string[] HomeFields = ["type", "blocks", "private_metadata", "callback_id", "external_id"];

    private readonly List<BlockKitFault> _faults = [];
    private readonly HashSet<string> _blockIds = new(StringComparer.Ordinal);

    private BlockKitRules()
    {
    }

    /// <summary>The blocks of a message: at most 50.</summary>
    public static IReadOnlyList<BlockKitFault> CheckMessage(JsonArray blocks)
    {
        var rules = new BlockKitRules();
        rules.Blocks(blocks, 50, "/blocks");
        return rules._faults;
    }

    public static bool IsTooLarge(JsonObject view) => Encoding.UTF8.GetByteCount(view.Write()) > ViewBytes;

    /// <summary>A modal or a Home view (<paramref name="type"/> is the one the method asks for).</summary>
    public static IReadOnlyList<BlockKitFault> CheckView(JsonObject view, string type)
    {
        var rules = new BlockKitRules();
        rules.View(view, type);
        return rules._faults;
    }

    /// <summary>The answer to a search: options or groups of them, at most a hundred; none is an answer, too.</summary>
    public static IReadOnlyList<BlockKitFault> CheckSuggestions(JsonObject answer)
    {
        var rules = new BlockKitRules();
        if (answer["options"] is null == answer["option_groups"] is null)
            rules.Fault("must provide exactly one of options, option_groups", "");
        else if (answer["options"] is not null) rules.Options(answer, "options", 0, 100, "", mrkdwnAllowed: false);
        else rules.Groups(answer, least: 0, "");
        return rules._faults;
    }

    private void View(JsonObject view, string type)
    {
        const string at = "/view";
        if (!string.Equals(view.Text("type"), type, StringComparison.Ordinal))
        {
            Fault($"must be of type: {type}", at + "/type");
            return;
        }

        OnlyFields(view, type == "modal" ? ModalFields : HomeFields, at);
        Length(view, "private_metadata", 0, 3000, at);
        Length(view, "callback_id", 0, 255, at);
        Length(view, "external_id", 0, 255, at);
        if (view.Array("blocks") is { } blocks) Blocks(blocks, 100, at + "/blocks");
        else Missing("blocks", at);

        if (type != "modal") return;
        PlainText(view, "title", 24, at, required: true);
        PlainText(view, "close", 24, at);
        var asks = view.Array("blocks").Objects().Any(block => block.Text("type") == "input");
        PlainText(view, "submit", 24, at, required: asks);
    }

    private void Blocks(JsonArray blocks, int most, string at)
    {
        if (blocks.Count > most) Fault($"no more than {most} items allowed", at);
        if (blocks.Count == 0 && at.StartsWith("/view", StringComparison.Ordinal)) Fault("no less than 1 items required", at);
        for (var i = 0; i < blocks.Count; i++)
        {
            if (blocks[i] is JsonObject block) Block(block, $"{at}/{i}");
            else Fault("must provide an object", $"{at}/{i}");
        }
    }

    private void Block(JsonObject block, string at)
    {
        var type = block.Text("type");
        if (type is null || !BlockFields.TryGetValue(type, out var fields))
        {
            Fault($"unsupported type: {type}", at + "/type");
            return;
        }

        OnlyFields(block, ["type", "block_id", .. fields], at);
        Length(block, "block_id", 1, 255, at);
        if (block.Text("block_id") is { } id && !_blockIds.Add(id)) Fault($"`block_id` {id} already exists", at + "/block_id");
        var actionIds = new HashSet<string>(StringComparer.Ordinal);

        switch (type)
        {
            case "section":
                Section(block, at, actionIds);
                break;
            case "header":
                PlainText(block, "text", 150, at, required: true);
                break;
            case "context":
                Each(block, "elements", 1, 10, at, (element, place) =>
                {
                    if (element.Text("type") == "image") Image(element, place, inBlock: false);
                    else TextObject(element, 3000, place);
                });
                break;
            case "actions":
                Each(block, "elements", 1, 25, at, (element, place) => Element(element, InActions, place, actionIds));
                break;
            case "input":
                Input(block, at, actionIds);
                break;
            case "image":
                Image(block, at, inBlock: true);
                break;
            case "rich_text":
                Each(block, "elements", 1, int.MaxValue, at, RichText);
                break;
            default:
                break;
        }
    }

    private void Section(JsonObject block, string at, HashSet<string> actionIds)
    {
        if (block["text"] is JsonObject text) TextObject(text, 3000, at + "/text");
        else if (block["fields"] is null) Missing("text", at);
        if (block["fields"] is not null)
            Each(block, "fields", 1, 10, at, (field, place) => TextObject(field, 2000, place));
        if (block["accessory"] is JsonObject accessory)
        {
            if (accessory.Text("type") == "image") Image(accessory, at + "/accessory", inBlock: false);
            else Element(accessory, InAccessory, at + "/accessory", actionIds);
        }
    }

    private void Input(JsonObject block, string at, HashSet<string> actionIds)
    {
        PlainText(block, "label", 2000, at, required: true);
        PlainText(block, "hint", 2000, at);
        if (block["element"] is JsonObject element) Element(element, InInput, at + "/element", actionIds);
        else Missing("element", at);
    }

    private void Image(JsonObject image, string at, bool inBlock)
    {
        if (!inBlock) OnlyFields(image, ["type", "image_url", "slack_file", "alt_text"], at);
        if (image["image_url"] is null && image["slack_file"] is null) Missing("image_url", at);
        Length(image, "image_url", 1, 3000, at);
        if (image["alt_text"] is null) Missing("alt_text", at);
        Length(image, "alt_text", 1, 2000, at);
        if (inBlock) PlainText(image, "title", 2000, at);
    }

    private void Element(JsonObject element, string[] allowed, string at, HashSet<string> actionIds)
    {
        var type = element.Text("type");
        if (type is null || !allowed.Contains(type, StringComparer.Ordinal))
        {
            Fault($"unsupported type: {type}", at + "/type");
            return;
        }

        OnlyFields(element, ["type", "action_id", .. ElementFields[type]], at);
        Length(element, "action_id", 1, 255, at);
        if (element.Text("action_id") is { } id && !actionIds.Add(id)) Fault($"`action_id` {id} already exists", at + "/action_id");
        PlainText(element, "placeholder", 150, at);
        if (element["confirm"] is JsonObject confirm) Confirm(confirm, at + "/confirm");

        switch (type)
        {
            case "button":
                Button(element, at);
                break;
            case "plain_text_input":
                TextInput(element, at);
                break;
            case "number_input":
                if (element.Flag("is_decimal_allowed") is null) Missing("is_decimal_allowed", at);
                foreach (var bound in new[] { "min_value", "max_value", "initial_value" })
                {
                    if (element[bound] is not null && element.Text(bound) is null) Fault("must be a string", $"{at}/{bound}");
                }
                break;
            case "overflow":
                Options(element, "options", 1, 5, at, mrkdwnAllowed: false);
                break;
            case "radio_buttons" or "checkboxes":
                Options(element, "options", 1, 10, at, mrkdwnAllowed: true);
                InitialAmongOptions(element, at);
                break;
            case "static_select" or "multi_static_select":
                Menu(element, at);
                break;
            case "external_select" or "multi_external_select":
                Search(element, at);
                break;
            case "datepicker":
                if (element.Text("initial_date") is { } date && !DateOnly.TryParseExact(date, "yyyy-MM-dd", out _))
                    Fault("must be a valid date", at + "/initial_date");
                break;
            case "timepicker":
                if (element.Text("initial_time") is { } time && !TimeOnly.TryParseExact(time, "HH:mm", out _))
                    Fault("must be a valid time", at + "/initial_time");
                break;
            default:
                break;
        }
        if (element["max_selected_items"] is not null && element.Number("max_selected_items") is not >= 1)
            Fault("must be greater than 0", at + "/max_selected_items");
    }

    private void Button(JsonObject button, string at)
    {
        PlainText(button, "text", 75, at, required: true);
        Length(button, "value", 1, 2000, at);
        Length(button, "url", 1, 3000, at);
        Length(button, "accessibility_label", 1, 75, at);
        if (button["style"] is not null && button.Text("style") is not ("primary" or "danger"))
            Fault("failed to match any allowed values: primary, danger", at + "/style");
    }

    private void TextInput(JsonObject input, string at)
    {
        if (input["min_length"] is not null && input.Number("min_length") is not (>= 0 and <= 3000))
            Fault("must be between 0 and 3000", at + "/min_length");
        if (input["max_length"] is not null && input.Number("max_length") is not (>= 1 and <= 3000))
            Fault("must be between 1 and 3000", at + "/max_length");
        if (input.Number("min_length") > input.Number("max_length")) Fault("must be less than max_length", at + "/min_length");
        Length(input, "initial_value", 0, input.Number("max_length") ?? 3000, at);
    }

    private void Menu(JsonObject menu, string at)
    {
        if (menu["options"] is null == menu["option_groups"] is null)
        {
            Fault("must provide exactly one of options, option_groups", at);
            return;
        }

        if (menu["options"] is not null) Options(menu, "options", 1, 100, at, mrkdwnAllowed: false);
        else Groups(menu, least: 1, at);
        InitialAmongOptions(menu, at);
    }

    private void Groups(JsonObject owner, int least, string at) => Each(owner, "option_groups", least, 100, at, (group, place) =>
    {
        OnlyFields(group, ["label", "options"], place);
        PlainText(group, "label", 75, place, required: true);
        Options(group, "options", 1, 100, place, mrkdwnAllowed: false);
    });

    private void Search(JsonObject search, string at)
    {
        if (search["min_query_length"] is not null && search.Number("min_query_length") is not >= 0)
            Fault("must be greater than -1", at + "/min_query_length");
        if (search["initial_options"] is not null) Options(search, "initial_options", 1, 100, at, mrkdwnAllowed: false);
        if (search["initial_option"] is null) return;
        if (search.Object("initial_option") is { } option) Option(option, at + "/initial_option", mrkdwnAllowed: false);
        else Fault("must provide an object", at + "/initial_option");
    }

    private void Options(JsonObject owner, string name, int least, int most, string at, bool mrkdwnAllowed) =>
        Each(owner, name, least, most, at, (option, place) => Option(option, place, mrkdwnAllowed));

    private void Option(JsonObject option, string at, bool mrkdwnAllowed)
    {
        OnlyFields(option, ["text", "value", "description", "url"], at);
        Label(option, "text", 75, at, mrkdwnAllowed, required: true);
        Label(option, "description", 75, at, mrkdwnAllowed, required: false);
        if (option.Text("value") is null) Missing("value", at);
        Length(option, "value", 1, 150, at);
    }

    private void Label(JsonObject owner, string name, int most, string at, bool mrkdwnAllowed, bool required)
    {
        if (mrkdwnAllowed && owner.Object(name) is { } text) TextObject(text, most, $"{at}/{name}");
        else PlainText(owner, name, most, at, required);
    }

    private void InitialAmongOptions(JsonObject element, string at)
    {
        var offered = element.Array("options").Objects()
            .Concat(element.Array("option_groups").Objects().SelectMany(group => group.Array("options").Objects()))
            .ToArray();
        var initial = element.Array("initial_options").Objects().ToList();
        if (element.Object("initial_option") is { } one) initial.Add(one);
        foreach (var option in initial)
        {
            if (!offered.Any(other => other.Text("value") == option.Text("value")
                    && other.Object("text").Text("text") == option.Object("text").Text("text")))
                Fault("failed to match any provided options", at + (element["initial_option"] is null ? "/initial_options" : "/initial_option"));
        }
    }

    private void Confirm(JsonObject confirm, string at)
    {
        OnlyFields(confirm, ["title", "text", "confirm", "deny", "style"], at);
        PlainText(confirm, "title", 100, at, required: true);
        if (confirm.Object("text") is { } text) TextObject(text, 300, at + "/text");
        else Missing("text", at);
        PlainText(confirm, "confirm", 30, at, required: true);
        PlainText(confirm, "deny", 30, at, required: true);
    }

    private void RichText(JsonObject element, string at)
    {
        switch (element.Text("type"))
        {
            case "rich_text_section":
                OnlyFields(element, ["type", "elements"], at);
                Inlines(element, RichTextInline, at);
                break;
            case "rich_text_quote":
                OnlyFields(element, ["type", "elements", "border"], at);
                Inlines(element, RichTextInline, at);
                break;
            case "rich_text_preformatted":
                OnlyFields(element, ["type", "elements", "border", "language"], at);
                Inlines(element, ["text", "link"], at);
                break;
            case "rich_text_list":
                OnlyFields(element, ["type", "elements", "style", "indent", "offset", "border"], at);
                Each(element, "elements", 1, int.MaxValue, at, RichText);
                break;
            default:
                Fault($"unsupported type: {element.Text("type")}", at + "/type");
                break;
        }
    }

    private void Inlines(JsonObject owner, string[] allowed, string at) =>
        Each(owner, "elements", 0, int.MaxValue, at, (element, place) =>
        {
            var type = element.Text("type");
            if (type is null || !allowed.Contains(type, StringComparer.Ordinal))
            {
                Fault($"unsupported type: {type}", place + "/type");
                return;
            }
            var needed = type switch
            {
                "text" => "text", "link" => "url", "user" => "user_id", "usergroup" => "usergroup_id", "channel" => "channel_id",
                "emoji" => "name", "date" => "format", "broadcast" => "range", "color" => "value", _ => "team_id",
            };
            if (string.IsNullOrEmpty(element.Text(needed))) Missing(needed, place);
            if (type == "date" && element.Number("timestamp") is null) Missing("timestamp", place);
        });

    private void TextObject(JsonObject text, int most, string at)
    {
        switch (text.Text("type"))
        {
            case "plain_text":
                OnlyFields(text, ["type", "text", "emoji"], at);
                break;
            case "mrkdwn":
                OnlyFields(text, ["type", "text", "verbatim"], at);
                break;
            default:
                Fault($"unsupported type: {text.Text("type")}", at + "/type");
                return;
        }
        if (text.Text("text") is null) Missing("text", at);
        Length(text, "text", 1, most, at);
    }

    private void PlainText(JsonObject owner, string name, int most, string at, bool required = false)
    {
        if (owner[name] is null)
        {
            if (required) Missing(name, at);
        }
        else if (owner.Object(name) is not { } text || text.Text("type") != "plain_text")
        {
            Fault("must be of type: plain_text", $"{at}/{name}");
        }
        else
        {
            TextObject(text, most, $"{at}/{name}");
        }
    }

    private void Each(JsonObject owner, string name, int least, int most, string at, Action<JsonObject, string> check)
    {
        if (owner.Array(name) is not { } items)
        {
            Missing(name, at);
            return;
        }
        if (items.Count > most) Fault($"no more than {most} items allowed", $"{at}/{name}");
        if (items.Count < least) Fault($"no less than {least} items required", $"{at}/{name}");
        for (var i = 0; i < items.Count; i++)
        {
            if (items[i] is JsonObject item) check(item, $"{at}/{name}/{i}");
            else Fault("must provide an object", $"{at}/{name}/{i}");
        }
    }

    private void Length(JsonObject owner, string name, int least, int most, string at)
    {
        if (owner[name] is null) return;
        if (owner[name] is not JsonValue value || value.GetValueKind() != JsonValueKind.String) Fault("must be a string", $"{at}/{name}");
        else if (owner.Text(name)!.Length > most) Fault($"must be less than {most + 1} characters", $"{at}/{name}");
        else if (owner.Text(name)!.Length < least) Fault($"must be more than {least - 1} characters", $"{at}/{name}");
    }

    private void OnlyFields(JsonObject json, string[] allowed, string at)
    {
        foreach (var (name, _) in json)
        {
            if (!allowed.Contains(name, StringComparer.Ordinal)) Fault($"invalid additional property: {name}", at);
        }
    }

    private void Missing(string name, string at) => Fault($"missing required field: {name}", at);

    private void Fault(string message, string pointer) => _faults.Add(new BlockKitFault(message, pointer));
}
