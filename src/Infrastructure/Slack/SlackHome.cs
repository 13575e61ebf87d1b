using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Domain.Principals;

namespace DbAccess.Infrastructure.Slack;

/// <summary>A person's Home tab. Whoever draws it draws it from what is on record, so that the last one to be published is right.</summary>
internal sealed class SlackHome(SlackApi api, TimeProvider clock) : IHome
{
    // Without a hash: it protects what somebody typed, and nobody types on this page.
    public async Task<Post> PublishAsync(PrincipalId person, ChatMessage page, CancellationToken cancellationToken)
    {
        var arguments = new JsonObject { ["user_id"] = person.User, ["view"] = BlockKit.Home(page) };
        return SlackPosts.Outcome(await SlackPosts.RepeatAsync(
            () => api.CallAsync("views.publish", arguments, TimeSpan.Zero, cancellationToken), clock, cancellationToken));
    }
}
