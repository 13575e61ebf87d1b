using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Tests;

internal sealed class GatedChat(IChat inner, Gate gate) : IChat
{
    public Task<Post> TellAsync(PrincipalId to, ChatMessage message, CancellationToken cancellationToken) => gate.PassAsync("Tell", () => inner.TellAsync(to, message, cancellationToken));

    public Task<Post> ReplyAsync(ReplyAddress to, ChatMessage message, CancellationToken cancellationToken) => inner.ReplyAsync(to, message, cancellationToken);

    public Task<Post> RemoveAsync(MessageRef message, CancellationToken cancellationToken) => gate.PassAsync("RemoveMessage", () => inner.RemoveAsync(message, cancellationToken));

    public Task<Post> OpenFormAsync(Secret trigger, ChatForm form, CancellationToken cancellationToken) => inner.OpenFormAsync(trigger, form, cancellationToken);

    public Task<Post> RedrawFormAsync(string view, string? hash, ChatForm form, CancellationToken cancellationToken) => inner.RedrawFormAsync(view, hash, form, cancellationToken);
}
