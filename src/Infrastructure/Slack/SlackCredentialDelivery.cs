using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;

namespace DbAccess.Infrastructure.Slack;

/// <summary>
/// The credentials, by direct message. One post and no second: whether a post that got no answer arrived, nobody can tell.
/// </summary>
internal sealed class SlackCredentialDelivery(SlackApi api, DirectMessages direct) : ICredentialDelivery
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan UntilMended = TimeSpan.FromMinutes(5);

    public async Task<Delivery> DeliverAsync(Grant grant, Credential credential, CancellationToken cancellationToken)
    {
        // Always asked anew, never from memory: this is the check that the conversation is with the holder, and that they still can be
        // written to.
        var (channel, failure) = await direct.OpenAsync(grant.State.Requester, Patience, cancellationToken);
        if (failure is not null) return Failure(failure);

        var message = CredentialMessage.Draw(grant, credential);
        message["channel"] = channel;
        cancellationToken.ThrowIfCancellationRequested();
        // Not cancelled once it is on its way: a post cut off at shutdown may have arrived, and would be followed by a second one.
        var answer = await api.CallAsync("chat.postMessage", message, TimeSpan.Zero, CancellationToken.None);
        if (answer is SlackAnswer.Failed failed) return Failure(failed);

        return Reference(((SlackAnswer.Ok)answer).Body.Text("channel"), ((SlackAnswer.Ok)answer).Body.Text("ts")) is { } reference
            ? new Delivery.Delivered(reference)
            // Without its time stamp the message could never be removed.
            : new Delivery.Unknown("Slack took the message but did not say where it is.", null);
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
