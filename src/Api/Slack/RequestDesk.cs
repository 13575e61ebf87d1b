using System.Text.Json;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Api.Slack;

/// <summary>What a request brings that is not stored: it is good for seconds or minutes, and a secret while it lasts.</summary>
internal sealed record Passing(Secret? ResponseUrl, Secret? Trigger)
{
    public static readonly Passing Nothing = new(null, null);
}

/// <summary>An answer that Slack did not take yet.</summary>
internal sealed record Unanswered(ReplyAddress To, ChatMessage Message, TimeSpan? RetryAfter);

/// <summary>Kinds of inbox items.</summary>
internal static class InboxKinds
{
    public const string Command = "command";
    public const string Message = "message";
    public const string Action = "action";
    public const string Submission = "submission";
}

/// <summary>Turns one request that was accepted into a use case, and its outcome into an answer.</summary>
internal sealed class RequestDesk(IMediator mediator, IChat chat, TimeProvider clock)
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
            case InboxKinds.Submission when DraftJson.Read(item.Text) is { } draft && RequestForm.Read(draft).Request is { } filed:
                await FileAsync(asker, filed, cancellationToken);
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
        var offers = await mediator.Send(new ListOffers(person), cancellationToken);
        if (offers.Refusal is null && offers.Value.Databases.Count > 0)
            await chat.RedrawFormAsync(view, hash, RequestForm.Draw(offers.Value, draft, channel), cancellationToken);
    }

    private async Task ReadAsync(Asker asker, string text, CancellationToken cancellationToken)
    {
        var offers = await mediator.Send(new ListOffers(asker.Person), cancellationToken);
        if (offers.Refusal is { } refusal)
        {
            await SayAsync(asker, Replies.Refused(refusal), cancellationToken);
            return;
        }

        switch (RequestText.Read(RequestText.Unwrap(text), offers.Value))
        {
            case Intent.File request:
                await FileAsync(asker, request, cancellationToken);
                break;
            case Intent.Form { Draft: var draft }:
                await ShowFormAsync(asker, offers.Value, draft, cancellationToken);
                break;
            case Intent.Misread misread:
                await SayAsync(asker, Replies.Misread(misread), cancellationToken);
                break;
            case Intent.Mine:
                await AnswerAsync(asker, new ListGrants(asker.Person), list => Replies.Mine(list, clock.GetUtcNow()), cancellationToken);
                break;
            case Intent.List { Database: var database }:
                await AnswerAsync(asker, new ListGrants(null, database), list => Replies.Live(list, clock.GetUtcNow()), cancellationToken);
                break;
            case Intent.Done { Id: var id }:
                await AnswerAsync(asker, new ReturnGrant(asker.Person, id), Replies.Returned, cancellationToken);
                break;
            case Intent.Revoke { Id: var id, Why: var why }:
                await AnswerAsync(asker, new RevokeGrant(asker.Person, id, why), Replies.Revoked, cancellationToken);
                break;
            case Intent.NotYet { Verb: var verb }:
                await SayAsync(asker, Replies.NotYet(verb), cancellationToken);
                break;
            case Intent.Help:
                await SayAsync(asker, Replies.Help(offers.Value), cancellationToken);
                break;
        }
    }

    private async Task PressAsync(Asker asker, string text, CancellationToken cancellationToken)
    {
        var (action, value) = Pressed.Read(text);
        switch (action)
        {
            case GrantMessages.ReturnAction when GrantId.Parse(value) is { } id:
                await AnswerAsync(asker, new ReturnGrant(asker.Person, id), Replies.Returned, cancellationToken);
                break;
            case Replies.FileAction when DraftJson.Read(value) is { } draft && RequestForm.Read(draft).Request is { } request:
                await FileAsync(asker, request, cancellationToken);
                break;
            case Replies.OpenFormAction when DraftJson.Read(value) is { } draft:
                var offers = await mediator.Send(new ListOffers(asker.Person), cancellationToken);
                if (offers.Refusal is { } refusal) await SayAsync(asker, Replies.Refused(refusal), cancellationToken);
                else await ShowFormAsync(asker, offers.Value, draft, cancellationToken);
                break;
            default:
                await SayAsync(asker, Replies.Stale(), cancellationToken);
                break;
        }
    }

    private Task FileAsync(Asker asker, Intent.File request, CancellationToken cancellationToken) => AnswerAsync(
        asker, new CreateGrant(asker.Item.Key, asker.Person, request.Database, request.Scope, request.Duration,
            request.Reason) { Only = request.Only }, Replies.Filed, cancellationToken);

    private async Task ShowFormAsync(Asker asker, Offers offers, Draft draft, CancellationToken cancellationToken)
    {
        if (offers.Databases.Count == 0)
        {
            await SayAsync(asker, Replies.NothingOffered(), cancellationToken);
            return;
        }

        // A message brings no trigger, and a trigger lives for three seconds: then a button asks for a new one.
        if (asker.Trigger is { } trigger && await chat.OpenFormAsync(
            trigger, RequestForm.Draw(offers, draft, asker.Address.Channel), cancellationToken) is Post.Sent) return;
        await SayAsync(asker, Replies.AskForRest(draft), cancellationToken);
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

/// <summary>A button as the inbox keeps it.</summary>
internal static class Pressed
{
    public static string Write(string action, string value) => JsonSerializer.Serialize(new[] { action, value });

    public static (string Action, string Value) Read(string text) =>
        JsonSerializer.Deserialize<string[]>(text) is [var action, var value] ? (action, value) : ("", "");
}
