using DbAccess.Domain.Principals;

namespace DbAccess.Application.Ports;

/// <summary>A person's own page with the app.</summary>
public interface IHome
{
    /// <summary>
    /// Puts this page in place of what was there; safe to repeat, and nobody is notified. A page holds up to 100 parts, twice as many as a
    /// message; <see cref="ChatMessage.Summary"/> is not shown.
    /// </summary>
    Task<Post> PublishAsync(PrincipalId person, ChatMessage page, CancellationToken cancellationToken);
}
