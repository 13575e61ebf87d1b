using DbAccess.Api.Slack.Words;
using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using MediatR;

namespace DbAccess.Api.Slack.Desk;

/// <summary>What was pressed, where, and by whom.</summary>
/// <param name="Key">The press itself: it comes again under the same key after a crash.</param>
internal sealed record Press(string Key, PrincipalId Person, string Action, GrantId Id, Secret? Trigger, string? Channel)
{
    /// <summary>When it came; null for now.</summary>
    public DateTimeOffset? At { get; init; }
}

/// <summary>Decisions about a grant: buttons of cards and messages, the forms that they open, and the same words typed.</summary>
internal sealed class DecisionDesk(IMediator mediator, IForms forms)
{
    /// <summary>Whether this is one of its buttons.</summary>
    public static bool Knows(string action) => DecisionForms.IsOne(action) || action is CardActions.Approve or CardActions.Details
        or CardActions.ReviewOk or GrantActions.Cancel or GrantActions.Accept or GrantActions.Decline
        or GrantActions.Extend or CardActions.Resend;

    /// <summary>The answer, private; null when a form opened, which says all there is.</summary>
    public async Task<ChatMessage?> PressAsync(Press press, CancellationToken cancellationToken)
    {
        var (person, id) = (press.Person, press.Id);
        return press.Action switch
        {
            CardActions.Approve =>
                await SendAsync(new ApproveGrant(person, id) { SaidAt = press.At }, DecisionReplies.Approved, cancellationToken),
            CardActions.ReviewOk =>
                await SendAsync(new ReviewGrant(person, id, null), DecisionReplies.Reviewed, cancellationToken),
            GrantActions.Cancel => await SendAsync(new CancelGrant(person, id), DecisionReplies.Cancelled, cancellationToken),
            GrantActions.Accept =>
                await SendAsync(new AnswerOffer(person, id, Accept: true), DecisionReplies.Accepted, cancellationToken),
            GrantActions.Decline =>
                await SendAsync(new AnswerOffer(person, id, Accept: false), DecisionReplies.Declined, cancellationToken),
            GrantActions.Extend =>
                await SendAsync(new ExtendGrant(person, id, null) { Key = press.Key }, DecisionReplies.Extended, cancellationToken),
            CardActions.Resend => await SendAsync(new ResendCard(person, id), DecisionReplies.Resent, cancellationToken),
            _ => await OpenAsync(press, cancellationToken),
        };
    }

    public Task<ChatMessage> SubmitAsync(PrincipalId person, FilledForm form, CancellationToken cancellationToken) => form.Kind switch
    {
        CardActions.Deny => SendAsync(
            new DenyGrant(person, form.Id, form.Field(DecisionForms.Reason)), DecisionReplies.Denied, cancellationToken),
        CardActions.ReviewBad => SendAsync(
            new ReviewGrant(person, form.Id, form.Field(DecisionForms.Reason)), DecisionReplies.Reviewed, cancellationToken),
        CardActions.Offer => SendAsync(
            new OfferLess(person, form.Id, ScopeName.Parse(form.Field(DecisionForms.Scope).ToLowerInvariant()),
                TableMention.ReadAll(form.Field(DecisionForms.Only)).Tables, Durations.Parse(form.Field(DecisionForms.Duration))),
            DecisionReplies.Offered, cancellationToken),
        _ => Task.FromResult(Replies.Stale()),
    };

    /// <param name="key">Of what was typed: it comes again under the same key after a crash.</param>
    /// <param name="at">When it came.</param>
    public Task<ChatMessage> TypedAsync(
        PrincipalId person, string key, Intent.Decide typed, DateTimeOffset at, CancellationToken cancellationToken) => typed.Verb switch
    {
        "approve" => SendAsync(new ApproveGrant(person, typed.Id) { SaidAt = at }, DecisionReplies.Approved, cancellationToken),
        "deny" => SendAsync(new DenyGrant(person, typed.Id, typed.Rest), DecisionReplies.Denied, cancellationToken),
        "cancel" => SendAsync(new CancelGrant(person, typed.Id), DecisionReplies.Cancelled, cancellationToken),
        _ => SendAsync(
            new ExtendGrant(person, typed.Id, Durations.Parse(typed.Rest)) { Key = key }, DecisionReplies.Extended, cancellationToken),
    };

    private async Task<ChatMessage?> OpenAsync(Press press, CancellationToken cancellationToken)
    {
        var look = press.Action is CardActions.Details;
        var asked = await mediator.Send(new GetAsked(press.Person, press.Id, ToDecide: !look), cancellationToken);
        if (asked.Refusal is { } refusal) return Replies.Refused(refusal);

        var form = look ? DecisionForms.Details(asked.Value.Grant) : DecisionForms.Draw(press.Action, asked.Value, press.Channel);
        return press.Trigger is { } trigger && await forms.OpenAsync(trigger, form, cancellationToken) is Post.Sent
            ? null : Replies.NoWindow();
    }

    private async Task<ChatMessage> SendAsync(
        IRequest<Result<GrantDecided>> command, Func<GrantSnapshot, ChatMessage> words, CancellationToken cancellationToken)
    {
        var outcome = await mediator.Send(command, cancellationToken);
        return outcome.Refusal is { } refusal ? Replies.Refused(refusal) : words(outcome.Value.Grant);
    }
}
