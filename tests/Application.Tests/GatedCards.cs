using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Tests;

internal sealed class GatedCards(ICards inner, Gate gate) : ICards
{
    public Task<Post> PostAsync(CardPlace place, ChatMessage message, CardMark mark, CancellationToken cancellationToken) =>
        gate.PassAsync("PostCard", () => inner.PostAsync(place, message, mark, cancellationToken));

    public Task<Post> UpdateAsync(MessageRef card, ChatMessage message, CardMark mark, CancellationToken cancellationToken) =>
        gate.PassAsync("UpdateCard", () => inner.UpdateAsync(card, message, mark, cancellationToken));

    public Task<Post> AddAsync(MessageRef card, ChatMessage line, CardMark mark, CancellationToken cancellationToken) =>
        gate.PassAsync("AddToCard", () => inner.AddAsync(card, line, mark, cancellationToken));
}
