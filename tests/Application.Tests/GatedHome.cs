using DbAccess.Application.Ports;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Tests;

internal sealed class GatedHome(IHome inner, Gate gate) : IHome
{
    public Task<Post> PublishAsync(PrincipalId person, ChatMessage page, CancellationToken cancellationToken) => gate.PassAsync("PublishHome", () => inner.PublishAsync(person, page, cancellationToken));
}
