using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Domain;

namespace DbAccess.Infrastructure.Slack;

/// <summary>
/// Cards in channels and in direct messages. Where Slack wants a channel to be left in peace for long, the answer comes at once and without
/// a call: whoever draws cards comes back, and holds nothing meanwhile. Other channels go on.
/// </summary>
internal sealed class SlackCards(SlackApi api, DirectMessages direct, TimeProvider clock) : ICards
{
    /// <summary>Slack's usual pause is a second; a longer one is the caller's to wait for.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    // Not made twice here: a lost answer may stand for a card that is there, and the caller knows what is still to be said.
    public async Task<Post> PostAsync(CardPlace place, ChatMessage message, CardMark mark, CancellationToken cancellationToken) =>
        SlackPosts.Outcome(place switch
        {
            CardPlace.Channel channel => await SendAsync(channel.Id, message, mark, thread: null, cancellationToken),
            CardPlace.Direct to => await direct.PostAsync(
                to.Person, Patience, channel => SendAsync(channel, message, mark, thread: null, cancellationToken), cancellationToken),
            _ => throw new ArgumentOutOfRangeException(nameof(place)),
        });

    public async Task<Post> AddAsync(MessageRef card, ChatMessage line, CardMark mark, CancellationToken cancellationToken) =>
        SlackPosts.Outcome(await SendAsync(card.Channel, line, mark, thread: card.Timestamp, cancellationToken));

    public async Task<Post> UpdateAsync(MessageRef card, ChatMessage message, CardMark mark, CancellationToken cancellationToken)
    {
        (string, JsonNode)[] to =
            [("channel", card.Channel), ("ts", card.Timestamp), ("metadata", SlackPosts.Metadata(mark.Grant, mark.Kind))];
        return SlackPosts.Outcome(await SlackPosts.WithPlainFallbackAsync(
            Changed(BlockKit.Message(message)), Changed(BlockKit.Plain(message.Summary)), content => SlackPosts.RepeatAsync(
                () => api.CallAsync("chat.update", SlackPosts.With(content, to), Patience, cancellationToken), clock, cancellationToken)));
    }

    private Task<SlackAnswer> SendAsync(
        string channel, ChatMessage message, CardMark mark, string? thread, CancellationToken cancellationToken) =>
        SlackPosts.WithPlainFallbackAsync(BlockKit.Message(message), BlockKit.Plain(message.Summary), content =>
        {
            var body = SlackPosts.With(
                content, [("channel", channel), .. SlackPosts.About(mark)]);
            if (thread is not null) body["thread_ts"] = thread;
            return api.CallAsync("chat.postMessage", body, Patience, cancellationToken);
        });

    /// <summary>
    /// An update without blocks has to say so, or the old ones stay; and it would look for names and links, which a post does not.
    /// </summary>
    private static JsonObject Changed(JsonObject content) => new()
    {
        ["text"] = content["text"]!.DeepClone(),
        ["blocks"] = content["blocks"]?.DeepClone() ?? new JsonArray(),
        ["parse"] = "none",
        ["link_names"] = false,
    };
}
