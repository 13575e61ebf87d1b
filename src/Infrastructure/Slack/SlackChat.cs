using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Principals;

namespace DbAccess.Infrastructure.Slack;

/// <summary>The conversation with people, in Slack.</summary>
internal sealed class SlackChat(SlackApi api, DirectMessages direct, TimeProvider clock) : IChat
{
    /// <summary>A notice may wait this long for Slack's rate limit before its caller is told to come back.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public async Task<Post> TellAsync(PrincipalId to, ChatMessage message, CancellationToken cancellationToken) =>
        await PostDirectAsync(
            to, BlockKit.Message(message), BlockKit.Plain(message.Summary), cancellationToken,
            message.Mark is { } mark ? SlackPosts.About(mark with { Key = $"{mark.Key}/{to.User}" }) : []);

    public async Task<Post> ReplyAsync(ReplyAddress to, ChatMessage message, CancellationToken cancellationToken)
    {
        var (content, plain) = (BlockKit.Message(message), BlockKit.Plain(message.Summary));
        if (to.ResponseUrl is { } address)
        {
            var sent = await SlackPosts.WithPlainFallbackAsync(content, plain, body => RepeatAsync(
                () => api.RespondAsync(
                    address, SlackPosts.With(body, ("response_type", "ephemeral"), ("replace_original", false)), cancellationToken),
                cancellationToken));
            if (sent is SlackAnswer.Ok) return new Post.Sent(null);
        }

        // The address is used up, too old, or gone with a restart. In a direct message with us an ephemeral message would vanish on reload.
        if (to.Channel is { } channel && !channel.StartsWith('D'))
        {
            var shown = await PostAsync(
                "chat.postEphemeral", content, plain, [("channel", channel), ("user", to.To.User)], cancellationToken);
            if (shown is SlackAnswer.Ok) return new Post.Sent(null);
            if (shown is SlackAnswer.Failed { Fault: SlackFault.BackOff or SlackFault.Configuration } failed)
                return SlackPosts.Failure(failed);
        }

        return await PostDirectAsync(to.To, content, plain, cancellationToken);
    }

    public async Task<Post> RemoveAsync(MessageRef message, CancellationToken cancellationToken)
    {
        // Blanked first: where deleting is not allowed, or a copy of the deleted message is kept, at least what is shown is empty.
        var blanked = await RepeatAsync("chat.update", Blank(message), cancellationToken);
        if (blanked is SlackAnswer.Failed { Code: "message_not_found" }) return new Post.Sent(message);
        if (blanked is SlackAnswer.Failed { Fault: SlackFault.BackOff or SlackFault.Transient or SlackFault.Configuration } notNow)
            return SlackPosts.Failure(notNow);

        var deleted = await RepeatAsync(
            "chat.delete", new JsonObject { ["channel"] = message.Channel, ["ts"] = message.Timestamp }, cancellationToken);
        if (deleted is SlackAnswer.Ok or SlackAnswer.Failed { Code: "message_not_found" }) return new Post.Sent(message);

        var failure = SlackPosts.Failure((SlackAnswer.Failed)deleted);
        return failure is not Post.Never never ? failure
            : new Post.Never(blanked is SlackAnswer.Failed refused
                ? $"The message is still there. {refused.Why} {never.Why}" : $"The message was blanked but not deleted. {never.Why}");
    }

    private async Task<Post> PostDirectAsync(
        PrincipalId to, JsonObject content, JsonObject plain, CancellationToken cancellationToken,
        params (string Name, JsonNode Value)[] about) =>
        SlackPosts.Outcome(await direct.PostAsync(
            to, Patience, channel => PostAsync("chat.postMessage", content, plain, [("channel", channel), .. about], cancellationToken),
            cancellationToken));

    private Task<SlackAnswer> PostAsync(
            string method, JsonObject content, JsonObject plain, (string Name, JsonNode Value)[] to, CancellationToken cancellationToken) =>
        SlackPosts.WithPlainFallbackAsync(content, plain, body => RepeatAsync(method, SlackPosts.With(body, to), cancellationToken));

    private Task<SlackAnswer> RepeatAsync(string method, JsonObject arguments, CancellationToken cancellationToken) =>
        RepeatAsync(() => api.CallAsync(method, arguments, Patience, cancellationToken), cancellationToken);

    // A notice may come double, which does no harm.
    private Task<SlackAnswer> RepeatAsync(Func<Task<SlackAnswer>> call, CancellationToken cancellationToken) =>
        SlackPosts.RepeatAsync(call, clock, cancellationToken);

    private static JsonObject Blank(MessageRef message) => new()
    {
        ["channel"] = message.Channel,
        ["ts"] = message.Timestamp,
        ["text"] = "This message was removed.",
        ["blocks"] = new JsonArray(),
        ["parse"] = "none",
        ["link_names"] = false,
    };
}
