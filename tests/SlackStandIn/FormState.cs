using System.Text.Json.Nodes;

namespace DbAccess.SlackStandIn;

/// <summary>state.values of a view: what the person filled in, in the shape each kind of element has. Pure.</summary>
internal static class FormState
{
    /// <summary>The values of elements nobody has touched yet.</summary>
    public static JsonObject Initial(JsonArray? blocks) => Collect(blocks, [], [], []);

    /// <summary>
    /// <paramref name="given"/> is by block, then by action: a string (text, or an option's value, or a user's id), a list of
    /// them, null for nothing, or a whole object, which is taken as it is, also when it was never offered.
    /// </summary>
    /// <param name="offered">What the app suggested for its searches: by block, then by action.</param>
    public static JsonObject Read(JsonObject view, JsonObject given, JsonObject before, JsonObject offered) =>
        Collect(view.Array("blocks"), given, before, offered);

    /// <summary>What Slack's own client refuses before it sends anything, by block.</summary>
    public static JsonObject Check(JsonObject view, JsonObject values)
    {
        var errors = new JsonObject();
        foreach (var block in view.Array("blocks").Objects().Where(block => block.Text("type") == "input"))
        {
            var id = block.Text("block_id")!;
            var element = block.Object("element")!;
            var value = values.Object(id).Object(element.Text("action_id")!);
            var text = value.Text("value");
            if (IsEmpty(value))
            {
                if (block.Flag("optional") != true) errors[id] = "Please complete this required field.";
            }
            else if (text is not null && element.Number("min_length") is { } least && text.Length < least)
            {
                errors[id] = $"Please enter at least {least} characters.";
            }
            else if (text is not null && text.Length > (element.Number("max_length") ?? 3000))
            {
                errors[id] = $"Please enter no more than {element.Number("max_length") ?? 3000} characters.";
            }
        }
        return errors;
    }

    /// <summary>One element's value in Slack's shape; throws when the person picked what is not on offer.</summary>
    public static JsonObject Value(JsonObject element, JsonNode? given, JsonArray? offered = null)
    {
        if (given is JsonObject whole) return whole.Copy();
        var type = element.Text("type")!;
        var one = (given as JsonValue)?.ToString();
        var several = given is JsonArray list ? list.Select(item => item?.ToString() ?? "").ToArray() : one is null ? [] : [one];
        var json = new JsonObject { ["type"] = type };
        switch (type)
        {
            case "static_select" or "radio_buttons" or "external_select" or "overflow":
                json["selected_option"] = one is null ? null : Option(element, one, offered);
                break;
            case "multi_static_select" or "multi_external_select" or "checkboxes":
                json["selected_options"] = new JsonArray([.. several.Select(value => Option(element, value, offered))]);
                break;
            case "users_select":
                json["selected_user"] = one;
                break;
            case "conversations_select":
                json["selected_conversation"] = one;
                break;
            case "channels_select":
                json["selected_channel"] = one;
                break;
            case "multi_users_select":
                json["selected_users"] = new JsonArray([.. several.Select(value => (JsonNode)value)]);
                break;
            case "multi_channels_select":
                json["selected_channels"] = new JsonArray([.. several.Select(value => (JsonNode)value)]);
                break;
            case "multi_conversations_select":
                json["selected_conversations"] = new JsonArray([.. several.Select(value => (JsonNode)value)]);
                break;
            case "datepicker":
                json["selected_date"] = one;
                break;
            case "timepicker":
                json["selected_time"] = one;
                break;
            case "datetimepicker":
                json["selected_date_time"] = long.TryParse(one, out var seconds) ? seconds : null;
                break;
            default:
                json["value"] = string.IsNullOrEmpty(one) ? null : one;
                break;
        }
        return json;
    }

    private static JsonObject Collect(JsonArray? blocks, JsonObject given, JsonObject before, JsonObject offered)
    {
        var values = new JsonObject();
        foreach (var block in blocks.Objects())
        {
            foreach (var element in SlackShapes.Elements(block))
            {
                if (element.Text("type") is null or "button" or "image" or "overflow") continue;
                var blockId = block.Text("block_id")!;
                var actionId = element.Text("action_id")!;
                var value = given.Object(blockId) is { } filled && filled.ContainsKey(actionId) ? Value(element, filled[actionId], offered.Object(blockId).Array(actionId))
                    : before.Object(blockId).Object(actionId) is { } kept ? kept.Copy()
                    : Initial(element);
                if (values[blockId] is not JsonObject inBlock) values[blockId] = inBlock = [];
                inBlock[actionId] = value;
            }
        }
        return values;
    }

    private static JsonObject Initial(JsonObject element)
    {
        // Options chosen beforehand were checked when the blocks came, and those of an external list are not here to be found.
        if (element.Object("initial_option") is { } option)
            return new JsonObject { ["type"] = element.Text("type"), ["selected_option"] = option.Copy() };
        if (element.Array("initial_options") is { } options)
            return new JsonObject { ["type"] = element.Text("type"), ["selected_options"] = options.Copy() };
        var initial = element.FirstOrDefault(field => field.Key.StartsWith("initial_", StringComparison.Ordinal));
        return Value(element, initial.Value?.DeepClone());
    }

    /// <summary>What can be chosen: in a menu, chosen beforehand, or suggested.</summary>
    public static JsonObject? Offered(JsonObject element, string value, JsonArray? suggested)
    {
        JsonObject[] known =
        [
            .. element.Array("options").Objects(), .. element.Array("option_groups").Objects().SelectMany(group => group.Array("options").Objects()),
            .. element.Array("initial_options").Objects(), .. suggested.Objects(),
        ];
        if (element.Object("initial_option") is { } initial) known = [.. known, initial];
        // Whoever types picks by what is shown.
        return known.FirstOrDefault(option => option.Text("value") == value)
            ?? suggested.Objects().FirstOrDefault(option => option.Object("text").Text("text") == value);
    }

    private static JsonNode Option(JsonObject element, string value, JsonArray? suggested) =>
        Offered(element, value, suggested)?.DeepClone()
        ?? throw new ImpossibleException("That option is not on offer (give the whole object to forge one).");

    private static bool IsEmpty(JsonObject? value) =>
        value is null || value.Where(field => field.Key != "type").All(field => field.Value is null or JsonArray { Count: 0 });
}
