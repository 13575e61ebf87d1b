using DbAccess.Api.Slack.Home;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Presets;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Slack.Desk;

/// <summary>What people keep under a name of their own. Asking for it goes the way of every request.</summary>
internal sealed class PresetDesk(IMediator mediator, IForms forms, HomeVisitors visitors)
{
    /// <summary>Opens the form that asks for a name. The answer is private; null when the form opened.</summary>
    public async Task<ChatMessage?> OpenAsync(Press press, CancellationToken cancellationToken)
    {
        // The way that `again` goes: it is for whoever asked, or holds it.
        var asked = await mediator.Send(new GetAgain(press.Person, press.Id), cancellationToken);
        if (asked.Refusal is { } refusal) return Replies.Refused(refusal);
        return press.Trigger is { } trigger
            && await forms.OpenAsync(trigger, PresetForm.Draw(asked.Value.Grant, press.Channel), cancellationToken) is Post.Sent
            ? null : Replies.NoWindow();
    }

    /// <summary>What becomes of it, in a sentence.</summary>
    public async Task<string> KeepAsync(PrincipalId person, GrantId id, string name, CancellationToken cancellationToken)
    {
        var kept = await mediator.Send(new KeepPreset(person, id, name), cancellationToken);
        visitors.Changed(person);
        return kept.Refusal is { } refusal ? refusal.Message
            : $"Kept as \"{GrantWords.Plain(kept.Value.Name)}\". It stands on the app's Home tab: one press asks for it, with the " +
                "same reason.";
    }

    public async Task<ChatMessage> DropAsync(PrincipalId person, string key, CancellationToken cancellationToken)
    {
        var dropped = await mediator.Send(new DropPreset(person, key), cancellationToken);
        visitors.Changed(person);
        return dropped.Refusal is { } refusal ? Replies.Refused(refusal) : ChatMessage.Plain("The preset is removed.");
    }
}
