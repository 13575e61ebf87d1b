using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Ports;

/// <summary>Where a card hangs.</summary>
public abstract record CardPlace
{
    private CardPlace()
    {
    }

    /// <param name="Id">Of a channel, public or private, that the app is in (<c>C…</c>).</param>
    public sealed record Channel(string Id) : CardPlace;

    /// <summary>The app's own conversation with a person.</summary>
    public sealed record Direct(PrincipalId Person) : CardPlace;
}

/// <summary>
/// Messages that stay and are updated. At least once: after an answer that was lost the same card can be there twice, and the second one's
/// <see cref="MessageRef"/> is what is put on record. A card never decides anything; it shows what is on record.
/// </summary>
public interface ICards
{
    /// <summary>Posts a card. <see cref="Post.Never.Gone"/>: the channel is not there, is archived, or does not have the app.</summary>
    Task<Post> PostAsync(CardPlace place, ChatMessage message, CardMark mark, CancellationToken cancellationToken);

    /// <summary>Draws a card anew; safe to repeat. <see cref="Post.Never.Gone"/>: it was deleted, or its channel is as above.</summary>
    Task<Post> UpdateAsync(MessageRef card, ChatMessage message, CardMark mark, CancellationToken cancellationToken);

    /// <summary>
    /// One more message in the card's thread; <see cref="Post.Sent.Message"/> is its own place. Under a card that was deleted a line may be
    /// taken and hardly be seen: whoever has to know draws the card first.
    /// </summary>
    Task<Post> AddAsync(MessageRef card, ChatMessage line, CardMark mark, CancellationToken cancellationToken);
}
