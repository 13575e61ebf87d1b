using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Tests;

internal sealed class GatedDelivery(ICredentialDelivery inner, Gate gate) : ICredentialDelivery
{
    public Task<Delivery> DeliverAsync(Grant grant, Credential credential, CancellationToken cancellationToken) => gate.PassAsync("Deliver", () => inner.DeliverAsync(grant, credential, cancellationToken));
}
