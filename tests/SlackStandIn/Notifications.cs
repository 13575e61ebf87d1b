using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace DbAccess.SlackStandIn;

/// <summary>
/// What each person's phone showed, as Slack does it by default: direct messages, mentions, and news in threads that one is part of. A change of
/// a message notifies nobody, and what was shown is not taken back.
/// </summary>
internal sealed partial class Notifications
{
    private const int Preview = 150;

    private readonly List<(string User, JsonObject Shown)> _shown = [];

    public void Take(Message message, Channel channel, IReadOnlyList<Message> all, Func<string, SeedUsergroup?> group)
    {
        if (message.EphemeralFor is not null) return;
        HashSet<string> mentioned = [.. Mentioned(message, channel, group)];
        if (message.ThreadTs is { } thread)
        {
            foreach (var earlier in all.Where(other => other.Channel == channel.Id && (other.Ts == thread || other.ThreadTs == thread)))
            {
                mentioned.Add(earlier.Author);
                mentioned.UnionWith(Mentioned(earlier, channel, group));
            }
        }

        foreach (var member in channel.Members.Where(member => member != message.Author))
        {
            if (channel.DirectWith != member && !mentioned.Contains(member)) continue;
            var text = message.Text.Replace("&lt;", "<", StringComparison.Ordinal).Replace("&gt;", ">", StringComparison.Ordinal)
                .Replace("&amp;", "&", StringComparison.Ordinal);
            _shown.Add((member, new JsonObject
            {
                ["channel"] = channel.Id, ["ts"] = message.Ts, ["thread_ts"] = message.ThreadTs, ["user"] = message.Author,
                ["from_app"] = message.FromApp, ["text"] = text.Length <= Preview ? text : text[..Preview],
            }));
        }
    }

    public JsonArray Of(string user) => [.. _shown.Where(one => one.User == user).Select(one => (JsonNode)one.Shown.Copy())];

    private static IEnumerable<string> Mentioned(Message message, Channel channel, Func<string, SeedUsergroup?> group) =>
        InBlocks(message.Blocks).Concat(In(message.Text)).SelectMany(id => id switch
        {
            "!" => channel.Members,
            ['S', ..] => group(id)?.Users ?? [],
            _ => (IEnumerable<string>)[id],
        });

    private static IEnumerable<string> InBlocks(JsonNode? node) => node switch
    {
        JsonObject json when json.Text("type") == "user" && json.Text("user_id") is { } user => [user],
        JsonObject json when json.Text("type") == "usergroup" && json.Text("usergroup_id") is { } group => [group],
        JsonObject json when json.Text("type") == "broadcast" => ["!"],
        JsonObject json when json.Text("type") == "mrkdwn" && json.Text("text") is { } text => In(text),
        JsonObject json => json.SelectMany(field => InBlocks(field.Value)),
        JsonArray array => array.SelectMany(InBlocks),
        _ => [],
    };

    private static IEnumerable<string> In(string text) => Mention().Matches(text).Select(match => match switch
    {
        _ when match.Groups["all"].Success => "!",
        _ => match.Groups["id"].Value,
    });

    [GeneratedRegex(@"<(?:@(?<id>[UW][A-Z0-9]+)|!subteam\^(?<id>S[A-Z0-9]+)|!(?<all>channel|here|everyone))(?:\|[^>]*)?>",
        RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Mention();
}
