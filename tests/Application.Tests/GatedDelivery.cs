using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Tests;

internal sealed class GatedDelivery(ICredentialDelivery inner, Gate gate) : ICredentialDelivery
{
    public Task<Delivery> DeliverAsync(Grant grant, Credential credential, CancellationToken cancellationToken) => gate.PassAsync("Deliver", () => inner.DeliverAsync(grant, credential, cancellationToken));

    public Task<Post> OfferAsync(GrantSnapshot grant, CancellationToken cancellationToken) => gate.PassAsync("Offer", () => inner.OfferAsync(grant, cancellationToken));

    public Task<Post> UpdateAsync(GrantSnapshot grant, MessageRef message, TimeSpan? extendBy, CancellationToken cancellationToken) =>
        gate.PassAsync("UpdateMessage", () => inner.UpdateAsync(grant, message, extendBy, cancellationToken));
}
