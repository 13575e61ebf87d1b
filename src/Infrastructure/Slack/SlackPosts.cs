using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Domain;

namespace DbAccess.Infrastructure.Slack;

/// <summary>What posting to Slack has in common, wherever it goes.</summary>
internal static class SlackPosts
{
    private static readonly TimeSpan BeforeSecondTry = TimeSpan.FromSeconds(1);

    /// <summary>A fault of token or scopes is mended by a person; asking more often helps nobody.</summary>
    private static readonly TimeSpan UntilMended = TimeSpan.FromMinutes(5);

    public static Post Outcome(SlackAnswer answer) => answer switch
    {
        SlackAnswer.Failed failed => Failure(failed),
        SlackAnswer.Ok ok when ok.Body.Text("channel") is { } channel && ok.Body.Text("ts") is { } timestamp =>
            new Post.Sent(new MessageRef(channel, timestamp)),
        _ => new Post.Sent(null),
    };

    public static Post Failure(SlackAnswer.Failed failed) => failed.Fault switch
    {
        SlackFault.BackOff => new Post.NotNow(failed.Why, failed.RetryAfter),
        SlackFault.Transient => new Post.NotNow(failed.Why, null),
        SlackFault.Configuration => new Post.NotNow(failed.Why, UntilMended),
        _ => new Post.Never(failed.Why, Gone: failed.Fault == SlackFault.TargetGone),
    };

    /// <summary>When Slack does not take our blocks, the sentence alone is better than silence; once.</summary>
    public static async Task<SlackAnswer> WithPlainFallbackAsync(
        JsonObject content, JsonObject plain, Func<JsonObject, Task<SlackAnswer>> post)
    {
        var answer = await post(content);
        return answer is SlackAnswer.Failed { Fault: SlackFault.OurBug } && content.ContainsKey("blocks") ? await post(plain) : answer;
    }

    /// <summary>Twice at most, and only where nobody knows whether the first try counted: for what may be done double.</summary>
    public static async Task<SlackAnswer> RepeatAsync(
        Func<Task<SlackAnswer>> call, TimeProvider clock, CancellationToken cancellationToken)
    {
        var answer = await call();
        if (answer is not SlackAnswer.Failed { Fault: SlackFault.Transient }) return answer;

        await Task.Delay(BeforeSecondTry, clock, cancellationToken);
        return await call();
    }

    /// <summary>What makes a message recognisable to programs, and as the same one when it is sent again.</summary>
    public static (string Name, JsonNode Value)[] About(CardMark mark) =>
        [("metadata", Metadata(mark.Grant, mark.Kind)), ("client_msg_id", ClientMessageId(mark.Key))];

    public static JsonObject Metadata(string grant, string kind) => new()
    {
        ["event_type"] = "dbaccess",
        ["event_payload"] = new JsonObject { ["grant"] = grant, ["kind"] = kind },
    };

    /// <summary>
    /// Slack does not promise to refuse a second message with the same id (its own clients send one; the documentation names it in errors
    /// only), so nothing here rests on it: whether something is still to be said is decided by what is on record. Where a double happens,
    /// this is how people and programs can tell that it is one.
    /// </summary>
    private static string ClientMessageId(string key) => new Guid(SHA256.HashData(Encoding.UTF8.GetBytes(key)).AsSpan(0, 16)).ToString();

    public static JsonObject With(JsonObject content, params (string Name, JsonNode Value)[] more)
    {
        var body = (JsonObject)content.DeepClone();
        foreach (var (name, value) in more) body[name] = value.DeepClone();
        return body;
    }
}
