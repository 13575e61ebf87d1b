using System.Text.Json;
using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using Microsoft.Extensions.Logging;

namespace DbAccess.Infrastructure.Slack;

/// <summary>
/// The credentials, by direct message, or in the window that was opened for them. One post and no second: whether a post that got no answer
/// arrived, nobody can tell.
/// </summary>
internal sealed class SlackCredentialDelivery(SlackApi api, DirectMessages direct, TimeProvider clock, ILogger<SlackCredentialDelivery> log)
    : ICredentialDelivery
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan UntilMended = TimeSpan.FromMinutes(5);

    public async Task<Delivery> DeliverAsync(Grant grant, Credential credential, CancellationToken cancellationToken)
    {
        if (grant.State.Password?.View is { } view) return await ShowAsync(view, grant, credential, cancellationToken);

        // Always asked anew, never from memory: this is the check that the conversation is with the holder, and that they still can be
        // written to.
        var (channel, failure) = await direct.OpenAsync(grant.State.Requester, Patience, cancellationToken);
        if (failure is not null) return Failure(failure);

        var message = CredentialMessage.Draw(grant, credential, clock.GetUtcNow());
        message["channel"] = channel;
        message["metadata"] = SlackPosts.Metadata(grant.Id.ToString(), "credentials");
        cancellationToken.ThrowIfCancellationRequested();
        // Not cancelled once it is on its way: a post cut off at shutdown may have arrived, and would be followed by a second one.
        var answer = await api.CallAsync("chat.postMessage", message, TimeSpan.Zero, CancellationToken.None);
        if (answer is SlackAnswer.Failed failed) return Failure(failed);

        return Reference(((SlackAnswer.Ok)answer).Body.Text("channel"), ((SlackAnswer.Ok)answer).Body.Text("ts")) is { } reference
            ? new Delivery.Delivered(reference)
            // Without its time stamp the message could never be removed.
            : new Delivery.Unknown("Slack took the message but did not say where it is.", null);
    }

    public async Task<Post> OfferAsync(GrantSnapshot grant, CancellationToken cancellationToken)
    {
        var message = CredentialMessage.Offer(grant);
        message["metadata"] = SlackPosts.Metadata(grant.Id.ToString(), "ready");
        return SlackPosts.Outcome(await direct.PostAsync(grant.Requester, Patience, channel => api.CallAsync(
            "chat.postMessage", SlackPosts.With(message, ("channel", channel)), Patience, cancellationToken), cancellationToken));
    }

    // A password that stands in the message is in nobody else's memory, so what stands there is read and written back. It passes through
    // here as it did when it was posted, and stays nowhere.
    public async Task<Post> UpdateAsync(
        GrantSnapshot grant, MessageRef message, TimeSpan? extendBy, CancellationToken cancellationToken)
    {
        var found = await api.CallAsync("conversations.history", new JsonObject
        {
            ["channel"] = message.Channel, ["latest"] = message.Timestamp, ["oldest"] = message.Timestamp, ["inclusive"] = true,
            ["limit"] = 1,
        }, Patience, cancellationToken);
        if (found is SlackAnswer.Failed unread) return SlackPosts.Failure(unread);
        var there = ((SlackAnswer.Ok)found).Body.Items("messages").FirstOrDefault(one => one.Text("ts") == message.Timestamp);
        if (there.Field("blocks") is not { ValueKind: JsonValueKind.Array } blocks
            || CredentialMessage.Redrawn(JsonArray.Create(blocks)!, grant, extendBy, clock.GetUtcNow()) is not { } drawn)
            return new Post.Never("The message is not there as it was posted.", Gone: true);

        return SlackPosts.Outcome(await api.CallAsync("chat.update", new JsonObject
        {
            ["channel"] = message.Channel, ["ts"] = message.Timestamp, ["text"] = there.Text("text") ?? "", ["blocks"] = drawn,
            ["metadata"] = SlackPosts.Metadata(grant.Id.ToString(), "credentials"), ["parse"] = "none", ["link_names"] = false,
        }, Patience, cancellationToken));
    }

    /// <summary>Whoever closed the window, or whose window Slack did not reach, has not seen it and asks again.</summary>
    private async Task<Delivery> ShowAsync(string view, Grant grant, Credential credential, CancellationToken cancellationToken)
    {
        var answer = await SlackPosts.RepeatAsync(
            () => api.CallAsync("views.update", new JsonObject
            {
                ["view_id"] = view, ["view"] = CredentialMessage.Window(grant, credential),
            }, Patience, cancellationToken), clock, cancellationToken);
        if (answer is SlackAnswer.Failed failed)
            log.LogWarning("The password of {Grant} could not be shown: {Why}", grant.Id.ToString(), failed.Why);
        return new Delivery.Shown();
    }

    private static MessageRef? Reference(string? channel, string? timestamp) => channel is not null && timestamp is not null
        ? new MessageRef(channel, timestamp) : null;

    private static Delivery Failure(SlackAnswer.Failed failed) => failed.Fault switch
    {
        SlackFault.TargetGone => new Delivery.Undeliverable(failed.Why),
        SlackFault.BackOff => new Delivery.Unknown(failed.Why, failed.RetryAfter),
        SlackFault.Configuration => new Delivery.Unknown(failed.Why, UntilMended),
        _ => new Delivery.Unknown(failed.Why, null),
    };
}
