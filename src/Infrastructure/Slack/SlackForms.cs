using System.Text.Json.Nodes;
using DbAccess.Application.Ports;
using DbAccess.Domain;

namespace DbAccess.Infrastructure.Slack;

/// <summary>Forms, as Slack's modals.</summary>
internal sealed class SlackForms(SlackApi api) : IForms
{
    public async Task<Post> OpenAsync(Secret trigger, ChatForm form, CancellationToken cancellationToken)
    {
        var arguments = new JsonObject { ["trigger_id"] = trigger.Reveal(), ["view"] = BlockKit.View(form) };
        var answer = await api.CallAsync("views.open", arguments, TimeSpan.Zero, cancellationToken);
        return answer is SlackAnswer.Ok ok ? new Post.Sent(null, ok.Body.Field("view")?.Text("id")) : SlackPosts.Outcome(answer);
    }

    public async Task<Post> RedrawAsync(string view, string? hash, ChatForm form, CancellationToken cancellationToken)
    {
        var arguments = new JsonObject { ["view_id"] = view, ["view"] = BlockKit.View(form) };
        if (!string.IsNullOrEmpty(hash)) arguments["hash"] = hash;
        return SlackPosts.Outcome(await api.CallAsync("views.update", arguments, TimeSpan.Zero, cancellationToken));
    }
}
