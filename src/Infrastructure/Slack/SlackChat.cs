using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Infrastructure.Slack;

/// <summary>The conversation with people, in Slack.</summary>
internal sealed class SlackChat(SlackApi api, DirectMessages direct, TimeProvider clock) : IChat
{
    /// <summary>A notice may wait this long for Slack's rate limit before its caller is told to come back.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly TimeSpan BeforeSecondTry = TimeSpan.FromSeconds(1);

    /// <summary>A fault of token or scopes is mended by a person; asking more often helps nobody.</summary>
    private static readonly TimeSpan UntilMended = TimeSpan.FromMinutes(5);

    public async Task<Post> TellAsync(PrincipalId to, ChatMessage message, CancellationToken cancellationToken) =>
        await PostDirectAsync(to, BlockKit.Message(message), BlockKit.Plain(message.Summary), cancellationToken);

    public async Task<Post> ReplyAsync(ReplyAddress to, ChatMessage message, CancellationToken cancellationToken)
    {
        var (content, plain) = (BlockKit.Message(message), BlockKit.Plain(message.Summary));
        if (to.ResponseUrl is { } address)
        {
            var sent = await WithPlainFallbackAsync(content, plain, body => RepeatAsync(
                () => api.RespondAsync(address, With(body, ("response_type", "ephemeral"), ("replace_original", false)), cancellationToken),
                    cancellationToken));
            if (sent is SlackAnswer.Ok) return new Post.Sent(null);
        }

        // The address is used up, too old, or gone with a restart. In a direct message with us an ephemeral message would vanish on reload.
        if (to.Channel is { } channel && !channel.StartsWith('D'))
        {
            var shown = await PostAsync(
                "chat.postEphemeral", content, plain, [("channel", channel), ("user", to.To.User)], cancellationToken);
            if (shown is SlackAnswer.Ok) return new Post.Sent(null);
            if (shown is SlackAnswer.Failed { Fault: SlackFault.BackOff or SlackFault.Configuration } failed) return Failure(failed);
        }

        return await PostDirectAsync(to.To, content, plain, cancellationToken);
    }

    public async Task<Post> RemoveAsync(MessageRef message, CancellationToken cancellationToken)
    {
        // Blanked first: where deleting is not allowed, or a copy of the deleted message is kept, at least what is shown is empty.
        var blanked = await RepeatAsync("chat.update", Blank(message), cancellationToken);
        if (blanked is SlackAnswer.Failed { Code: "message_not_found" }) return new Post.Sent(message);
        if (blanked is SlackAnswer.Failed { Fault: SlackFault.BackOff or SlackFault.Transient or SlackFault.Configuration } notNow)
            return Failure(notNow);

        var deleted = await RepeatAsync(
            "chat.delete", new JsonObject { ["channel"] = message.Channel, ["ts"] = message.Timestamp }, cancellationToken);
        if (deleted is SlackAnswer.Ok or SlackAnswer.Failed { Code: "message_not_found" }) return new Post.Sent(message);

        var failure = Failure((SlackAnswer.Failed)deleted);
        return failure is not Post.Never never ? failure
            : new Post.Never(blanked is SlackAnswer.Failed refused
                ? $"The message is still there. {refused.Why} {never.Why}" : $"The message was blanked but not deleted. {never.Why}");
    }

    public async Task<Post> OpenFormAsync(Secret trigger, ChatForm form, CancellationToken cancellationToken)
    {
        var arguments = new JsonObject { ["trigger_id"] = trigger.Reveal(), ["view"] = BlockKit.View(form) };
        return await api.CallAsync("views.open", arguments, TimeSpan.Zero, cancellationToken) is SlackAnswer.Failed failed
            ? Failure(failed) : new Post.Sent(null);
    }

    public async Task<Post> RedrawFormAsync(string view, string? hash, ChatForm form, CancellationToken cancellationToken)
    {
        var arguments = new JsonObject { ["view_id"] = view, ["view"] = BlockKit.View(form) };
        if (!string.IsNullOrEmpty(hash)) arguments["hash"] = hash;
        return await api.CallAsync("views.update", arguments, TimeSpan.Zero, cancellationToken) is SlackAnswer.Failed failed
            ? Failure(failed) : new Post.Sent(null);
    }

    private async Task<Post> PostDirectAsync(PrincipalId to, JsonObject content, JsonObject plain, CancellationToken cancellationToken)
    {
        var answer = await OnceAsync();
        // A conversation that we remember can have gone; a person's conversation is opened anew once.
        if (answer is SlackAnswer.Failed { Code: "channel_not_found" })
        {
            direct.Forget(to);
            answer = await OnceAsync();
        }

        return answer switch
        {
            SlackAnswer.Failed failed => Failure(failed),
            SlackAnswer.Ok ok when ok.Body.Text("channel") is { } channel && ok.Body.Text("ts") is { } timestamp =>
                new Post.Sent(new MessageRef(channel, timestamp)),
            _ => new Post.Sent(null),
        };

        async Task<SlackAnswer> OnceAsync()
        {
            SlackAnswer.Failed? failure = null;
            string? channel = null;
            await RepeatAsync(
                async () =>
                {
                    (channel, failure) = await direct.FindAsync(to, Patience, cancellationToken);
                    return failure ?? Nothing;
                },
                cancellationToken);
            return failure ?? await PostAsync("chat.postMessage", content, plain, [("channel", channel!)], cancellationToken);
        }
    }

    private static readonly SlackAnswer Nothing = new SlackAnswer.Ok(default, null);

    private Task<SlackAnswer> PostAsync(
            string method, JsonObject content, JsonObject plain, (string Name, JsonNode Value)[] to, CancellationToken cancellationToken) =>
        WithPlainFallbackAsync(content, plain, body => RepeatAsync(method, With(body, to), cancellationToken));

    /// <summary>When Slack does not take our blocks, the sentence alone is better than silence; once.</summary>
    private static async Task<SlackAnswer> WithPlainFallbackAsync(
            JsonObject content, JsonObject plain, Func<JsonObject, Task<SlackAnswer>> post)
    {
        var answer = await post(content);
        return answer is SlackAnswer.Failed { Fault: SlackFault.OurBug } && content.ContainsKey("blocks") ? await post(plain) : answer;
    }

    private Task<SlackAnswer> RepeatAsync(string method, JsonObject arguments, CancellationToken cancellationToken) =>
        RepeatAsync(() => api.CallAsync(method, arguments, Patience, cancellationToken), cancellationToken);

    /// <summary>
    /// Twice at most, and only where nobody knows whether the first try counted: a notice may come double, which does no harm.
    /// </summary>
    private async Task<SlackAnswer> RepeatAsync(Func<Task<SlackAnswer>> call, CancellationToken cancellationToken)
    {
        var answer = await call();
        if (answer is not SlackAnswer.Failed { Fault: SlackFault.Transient }) return answer;

        await Task.Delay(BeforeSecondTry, clock, cancellationToken);
        return await call();
    }

    private static Post Failure(SlackAnswer.Failed failed) => failed.Fault switch
    {
        SlackFault.BackOff => new Post.NotNow(failed.Why, failed.RetryAfter),
        SlackFault.Transient => new Post.NotNow(failed.Why, null),
        SlackFault.Configuration => new Post.NotNow(failed.Why, UntilMended),
        _ => new Post.Never(failed.Why),
    };

    private static JsonObject Blank(MessageRef message) => new()
    {
        ["channel"] = message.Channel,
        ["ts"] = message.Timestamp,
        ["text"] = "This message was removed.",
        ["blocks"] = new JsonArray(),
        ["parse"] = "none",
        ["link_names"] = false,
    };

    private static JsonObject With(JsonObject content, params (string Name, JsonNode Value)[] more)
    {
        var body = (JsonObject)content.DeepClone();
        foreach (var (name, value) in more) body[name] = value.DeepClone();
        return body;
    }
}
