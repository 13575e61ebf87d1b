using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Tests;

internal sealed class GatedChat(IChat inner, Gate gate) : IChat
{
    public Task<Post> TellAsync(PrincipalId to, ChatMessage message, CancellationToken cancellationToken) => gate.PassAsync("Tell", () => inner.TellAsync(to, message, cancellationToken));

    public Task<Post> ReplyAsync(ReplyAddress to, ChatMessage message, CancellationToken cancellationToken) => inner.ReplyAsync(to, message, cancellationToken);

    public Task<Post> RemoveAsync(MessageRef message, CancellationToken cancellationToken) => gate.PassAsync("RemoveMessage", () => inner.RemoveAsync(message, cancellationToken));
}
