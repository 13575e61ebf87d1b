using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Slack.Desk;

/// <summary>What a holder presses in the message that stays with them: how to connect, another password, the password shown.</summary>
internal sealed class HolderDesk(IMediator mediator, IForms forms, ConnectMemory memory)
{
    /// <summary>Whether this is one of its buttons.</summary>
    public static bool Knows(string action) =>
        action is GrantActions.Connect or GrantActions.NewPassword or GrantActions.Reveal;

    /// <summary>The answer, private; null when a window opened, which says all there is.</summary>
    public Task<ChatMessage?> PressAsync(Press press, CancellationToken cancellationToken) => press.Action switch
    {
        GrantActions.NewPassword => RenewAsync(press, cancellationToken),
        GrantActions.Reveal => RevealAsync(press, cancellationToken),
        _ => ConnectAsync(press, cancellationToken),
    };

    private async Task<ChatMessage?> ConnectAsync(Press press, CancellationToken cancellationToken)
    {
        var connection = await mediator.Send(new GetConnection(press.Person, press.Id), cancellationToken);
        if (connection.Refusal is { } refusal) return Replies.Refused(refusal);
        if (connection.Value.Place is not { } place)
            return ChatMessage.Plain($"{press.Id} is not made yet. Have the password shown first; then there is something to connect to.");

        var form = HolderForms.Connect(connection.Value.Grant, place, await memory.ReadAsync(press.Person, cancellationToken));
        return press.Trigger is { } trigger && await forms.OpenAsync(trigger, form, cancellationToken) is Post.Sent
            ? null : Replies.NoWindow();
    }

    /// <summary>Another way was chosen in the window: it stands on top, now and the next time.</summary>
    public async Task ChooseAsync(
        PrincipalId person, GrantId id, string way, string view, string? hash, CancellationToken cancellationToken)
    {
        // As when it was opened: a window that lay open shows nobody what is over.
        var connection = await mediator.Send(new GetConnection(person, id), cancellationToken);
        if (connection.Refusal is not null || connection.Value.Place is not { } place) return;

        var form = HolderForms.Connect(connection.Value.Grant, place, way);
        if (!form.Fields.OfType<FormField.Choice>().Single().Options.Any(option => option.Value == way)) return;
        await memory.WriteAsync(person, way, cancellationToken);
        await forms.RedrawAsync(view, hash, form, cancellationToken);
    }

    private async Task<ChatMessage?> RenewAsync(Press press, CancellationToken cancellationToken)
    {
        var asked = await mediator.Send(new RenewPassword(press.Person, press.Id), cancellationToken);
        return asked.Refusal is { } refusal ? Replies.Refused(refusal)
            : ChatMessage.Plain($"A new password for `{press.Id}` comes by direct message in a moment. The one before stops working.");
    }

    /// <summary>
    /// What opens a window is good for three seconds, and making a role may take longer: so one that says to wait comes first, and what is
    /// to be shown is drawn into it.
    /// </summary>
    private async Task<ChatMessage?> RevealAsync(Press press, CancellationToken cancellationToken)
    {
        // Before anything opens: whoever may not is told so, and nothing else.
        var may = await mediator.Send(new GetConnection(press.Person, press.Id), cancellationToken);
        if (may.Refusal is { } refusal && refusal.Code is not "grant.no_door") return Replies.Refused(refusal);
        if (press.Trigger is not { } trigger
            || await forms.OpenAsync(trigger, HolderForms.Wait(press.Id), cancellationToken) is not Post.Sent { View: { } view })
            return Replies.NoWindow();

        var asked = await mediator.Send(new RevealPassword(press.Person, press.Id, view), cancellationToken);
        if (asked.Refusal is { } cannot) await forms.RedrawAsync(view, null, HolderForms.Said(press.Id, cannot.Message), cancellationToken);
        return null;
    }
}
