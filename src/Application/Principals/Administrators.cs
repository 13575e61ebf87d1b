using DbAccess.Application.Ports;
using DbAccess.Domain.Principals;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Principals;

/// <summary>Those whom the policy in force calls administrators, told directly.</summary>
internal sealed class Administrators(Deciders deciders, IPolicySource policies, IChat chat, ILogger<Administrators> log)
{
    /// <summary>
    /// Told when one of them was: they talk to each other, and one whose messages fail must not have it told to all again. Where there is
    /// nobody to tell, the log tells.
    /// </summary>
    public async Task<Post> TellAsync(string team, ChatMessage message, CancellationToken cancellationToken)
    {
        var admins = await deciders.MembersOfAsync(policies.Current.Admins, cancellationToken);
        Post? told = null;
        foreach (var user in admins.Users.Order(StringComparer.Ordinal))
        {
            if (PrincipalId.Parse(team, user) is not { } person) continue;
            var post = await chat.TellAsync(person, message, cancellationToken);
            if (told is not Post.Sent) told = post;
        }

        if (told is not Post.Sent) log.LogError("No administrator could be told: {Message}", message.Summary);
        return told ?? (admins.Unreadable.Count > 0
            ? new Post.NotNow("who the administrators are cannot be read now", null)
            : new Post.Never("the policy names no administrators"));
    }
}
