using DbAccess.Api.Slack.Payloads;
using DbAccess.Api.Slack.Words;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Presets;
using DbAccess.Application.Steps;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Slack.Desk;

/// <summary>Turns one request that was accepted into a use case, and its outcome into an answer.</summary>
internal sealed partial class RequestDesk(
    IMediator mediator, IChat chat, IForms forms, DecisionDesk decisions, HolderDesk holders, PresetDesk presets, FormPreview previews,
    HelpPace pace, TimeProvider clock)
{
    /// <summary>Does it and answers it. What could not be answered now comes back, to be said later: the request itself is done.</summary>
    public async Task<Unanswered?> HandleAsync(InboxItem item, Passing passing, CancellationToken cancellationToken)
    {
        var asker = new Asker(item, new ReplyAddress(item.From, item.Channel, passing.ResponseUrl), passing.Trigger);
        switch (item.Kind)
        {
            case InboxKinds.Command or InboxKinds.Message:
                await ReadAsync(asker, item.Text, cancellationToken);
                break;
            case InboxKinds.Talk:
                await ReadAsync(asker, item.Text, cancellationToken, talk: true);
                break;
            case InboxKinds.Submission when DraftJson.Read(item.Text) is { } draft && RequestForm.Read(draft).Wish is { } filed:
                await FileAsync(asker, filed, draft.For, null, cancellationToken, draft.Keep);
                break;
            case InboxKinds.Revocation when RevokedForm.Read(item.Text, item.From.Team) is { } revoked:
                await RevokeAsync(asker, revoked.Target, revoked.Why, cancellationToken);
                break;
            case InboxKinds.Decision when FilledForm.Read(item.Text) is { Kind: PresetForm.Kind } named:
                var kept = await presets.KeepAsync(item.From, named.Id, named.Field(PresetForm.Name), cancellationToken);
                await SayAsync(asker, ChatMessage.Plain(kept), cancellationToken);
                break;
            case InboxKinds.Decision when FilledForm.Read(item.Text) is { } form:
                await SayAsync(asker, await decisions.SubmitAsync(item.From, form, cancellationToken), cancellationToken);
                break;
            case InboxKinds.Shortcut:
                await PointedAtAsync(asker, item.Text, cancellationToken);
                break;
            case InboxKinds.Action:
                await PressAsync(asker, item.Text, cancellationToken);
                break;
            default:
                await SayAsync(asker, Replies.Stale(), cancellationToken);
                break;
        }

        return asker.Unanswered;
    }

    /// <summary>The form, drawn again because the choice of database changed what else can be chosen.</summary>
    public async Task RedrawAsync(
            PrincipalId person, string view, string? hash, Draft draft, string? channel, CancellationToken cancellationToken)
    {
        var offers = await OffersAsync(draft, person, cancellationToken);
        if (offers.Refusal is null && offers.Value.Databases.Count > 0)
            await forms.RedrawAsync(
                view, hash, await previews.DrawAsync(person, offers.Value, draft, channel, FormPreview.Open, cancellationToken),
                cancellationToken);
    }

    /// <summary>The window of ways to connect, drawn again because another one was chosen.</summary>
    public Task ChooseWayAsync(
        PrincipalId person, GrantId id, string way, string view, string? hash, CancellationToken cancellationToken) =>
        holders.ChooseAsync(person, id, way, view, hash, cancellationToken);

    /// <summary>Something said to a person that answers no request on record.</summary>
    public Task TellAsync(PrincipalId person, string words, CancellationToken cancellationToken) =>
        chat.ReplyAsync(new ReplyAddress(person, null, null), ChatMessage.Plain(words), cancellationToken);

    /// <summary>Slack said that this person changed: what they hold may rest on nothing any more.</summary>
    public Task ReviewAsync(PrincipalId person, CancellationToken cancellationToken) =>
        mediator.Send(new ReviewHolders(person), cancellationToken);

    /// <param name="talk">Written to the app without its name: what may not have been meant for it gets one hint a minute.</param>
    private async Task ReadAsync(Asker asker, string text, CancellationToken cancellationToken, bool talk = false)
    {
        // Verbs first: giving back, listing, helping and revoking depend on no directory, user group or policy.
        var names = await mediator.Send(new GetNames(), cancellationToken);
        if (VerbWords.Read(text, names.Value, asker.Person.Team) is { } verb)
        {
            await DoAsync(asker, verb, cancellationToken);
            return;
        }

        var offers = await mediator.Send(new ListOffers(asker.Person), cancellationToken);
        if (offers.Refusal is { } refusal)
        {
            await SayAsync(asker, Replies.Refused(refusal), cancellationToken);
            return;
        }

        if (ErrorWords.Read(Typed.Unwrap(text), names.Value) is { } pasted)
        {
            await PastedAsync(asker, pasted, cancellationToken);
            return;
        }

        switch (RequestWords.Read(Typed.Unwrap(text), offers.Value, clock.GetUtcNow(), Typed.Mentions(text)))
        {
            case Intent.File file:
                await FileAsync(asker, file.Wish, file.For, file.Remark, cancellationToken);
                break;
            case Intent.Misread { Small: true } or Intent.Form { Draft: { Database: null, Scope: null, Duration: null } } when talk:
                if (pace.MayHint(asker.Person)) await HelpAsync(asker, cancellationToken);
                break;
            case Intent.Form { Draft: var draft }:
                await ShowFormAsync(asker, draft, cancellationToken);
                break;
            case Intent.Misread misread:
                await SayAsync(asker, Replies.Misread(misread), cancellationToken);
                break;
        }
    }

    private async Task DoAsync(Asker asker, Intent verb, CancellationToken cancellationToken)
    {
        switch (verb)
        {
            case Intent.Mine:
                await AnswerAsync(asker, new ListGrants(asker.Person), list => Replies.Mine(list, clock.GetUtcNow()), cancellationToken);
                break;
            case Intent.List { Database: var database }:
                await AnswerAsync(
                    asker, new ListGrants(null, database), list => Replies.Live(list, clock.GetUtcNow(), database), cancellationToken);
                break;
            case Intent.Done { Id: var id }:
                await AnswerAsync(asker, new ReturnGrant(asker.Person, id), Replies.Returned, cancellationToken);
                break;
            case Intent.Revoke { Target: RevokeTarget.One target, Why: var why }:
                await RevokeAsync(asker, target, why, cancellationToken);
                break;
            case Intent.Revoke { Target: var many, Why: var why }:
                await ConfirmAsync(asker, many, why, cancellationToken);
                break;
            case Intent.Decide decided:
                var (key, at) = (asker.Item.Key, asker.Item.ReceivedAt);
                await SayAsync(asker, await decisions.TypedAsync(asker.Person, key, decided, at, cancellationToken), cancellationToken);
                break;
            case Intent.Explain { Rest: var rest }:
                await WhyAsync(asker, rest, cancellationToken);
                break;
            case Intent.Story { Id: var id }:
                await AnswerAsync(asker, new GetStory(asker.Person, id), StoryReply.Of, cancellationToken);
                break;
            case Intent.History history:
                await AnswerAsync(asker, new ListHistory(asker.Person, history.Person, history.Database, history.Within),
                    found => Replies.History(found, clock.GetUtcNow(), history), cancellationToken);
                break;
            case Intent.Again again:
                await AgainAsync(asker, again, cancellationToken);
                break;
            case Intent.Misread misread:
                await SayAsync(asker, Replies.Misread(misread), cancellationToken);
                break;
            case Intent.Help:
                await HelpAsync(asker, cancellationToken);
                break;
        }
    }

    private async Task PressAsync(Asker asker, string text, CancellationToken cancellationToken)
    {
        var (action, value) = Pressed.Read(text);
        switch (action)
        {
            case GrantActions.Return when GrantId.Parse(value) is { } id:
                await AnswerAsync(asker, new ReturnGrant(asker.Person, id), Replies.Returned, cancellationToken);
                break;
            case Buttons.File when DraftJson.Read(value) is { Reason: not null } draft && RequestForm.WishOf(draft) is { } request:
                await FileAsync(asker, request, draft.For, null, cancellationToken);
                break;
            case GrantActions.AskAgain when GrantId.Parse(value) is { } before:
                await AgainAsync(asker, new Intent.Again(before, null, AtOnce: false), cancellationToken);
                break;
            case PresetActions.File:
                await FilePresetAsync(asker, value, cancellationToken);
                break;
            case PresetActions.Drop:
                await SayAsync(asker, await presets.DropAsync(asker.Person, value, cancellationToken), cancellationToken);
                break;
            case PresetActions.Keep when GrantId.Parse(value) is { } kept:
                var keeping = new Press(asker.Item.Key, asker.Person, action, kept, asker.Trigger, asker.Address.Channel);
                if (await presets.OpenAsync(keeping, cancellationToken) is { } answer) await SayAsync(asker, answer, cancellationToken);
                break;
            case RevokeForm.Kind when RevokeForm.Parse(value, asker.Person.Team) is { } target:
                await ConfirmAsync(asker, target, "", cancellationToken);
                break;
            case var _ when DecisionDesk.Knows(action) && GrantId.Parse(value) is { } about:
                var press = new Press(asker.Item.Key, asker.Person, action, about, asker.Trigger, asker.Address.Channel)
                {
                    At = asker.Item.ReceivedAt,
                };
                if (await decisions.PressAsync(press, cancellationToken) is { } said) await SayAsync(asker, said, cancellationToken);
                break;
            case var _ when HolderDesk.Knows(action) && GrantId.Parse(value) is { } held:
                var holding = new Press(asker.Item.Key, asker.Person, action, held, asker.Trigger, asker.Address.Channel);
                if (await holders.PressAsync(holding, cancellationToken) is { } told) await SayAsync(asker, told, cancellationToken);
                break;
            case Buttons.OpenForm or Buttons.File when DraftJson.Read(value) is { } draft
                && (action is Buttons.OpenForm || RequestForm.WishOf(draft) is not null):
                await ShowFormAsync(asker, draft, cancellationToken);
                break;
            default:
                await SayAsync(asker, Replies.Stale(), cancellationToken);
                break;
        }
    }

    private Task RevokeAsync(Asker asker, RevokeTarget target, string why, CancellationToken cancellationToken) =>
        AnswerAsync(asker, new RevokeGrant(new Actor.Person(asker.Person), target, why), Replies.Revoked, cancellationToken);

    /// <summary>More than one grant: in a form, where a word has to be typed. A message cannot open one, so a button does.</summary>
    private async Task ConfirmAsync(Asker asker, RevokeTarget target, string why, CancellationToken cancellationToken)
    {
        if (asker.Trigger is { } trigger && await forms.OpenAsync(
            trigger, RevokeForm.Draw(target, why, asker.Address.Channel), cancellationToken) is Post.Sent) return;
        await SayAsync(asker, Replies.ConfirmRevoking(RevokeForm.Write(target)), cancellationToken);
    }

    private async Task AnswerAsync<T>(
            Asker asker, IRequest<Result<T>> command, Func<T, ChatMessage> words, CancellationToken cancellationToken)
        where T : class
    {
        var outcome = await mediator.Send(command, cancellationToken);
        var message = outcome.Refusal is { } refusal ? Replies.Refused(refusal) : words(outcome.Value);
        await SayAsync(asker, message, cancellationToken);
    }

    private async Task SayAsync(Asker asker, ChatMessage message, CancellationToken cancellationToken)
    {
        if (await chat.ReplyAsync(asker.Address, message, cancellationToken) is Post.NotNow notNow)
            asker.Unanswered = new Unanswered(asker.Address, message, notNow.RetryAfter);
    }

    private sealed record Asker(InboxItem Item, ReplyAddress Address, Secret? Trigger)
    {
        public PrincipalId Person => Item.From;

        public Unanswered? Unanswered { get; set; }
    }
}
