using DbAccess.Api.Slack.Words;
using DbAccess.Application.Grants;
using DbAccess.Application.Policies;
using DbAccess.Application.Ports;
using DbAccess.Application.Presets;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Api.Slack.Desk;

/// <summary>Asking for access: at once, by form, once more, or only to know what would come of it.</summary>
internal sealed partial class RequestDesk
{
    /// <summary>Whoever is to have what is asked for, if that is somebody else than who asks.</summary>
    public static PrincipalId HolderOf(Draft draft, PrincipalId asker) => PrincipalId.Parse(asker.Team, draft.For) ?? asker;

    /// <summary>What can be chosen in the form: what the holder may ask for, told to nobody who may not ask themselves.</summary>
    private async Task<Result<Offers>> OffersAsync(Draft draft, PrincipalId asker, CancellationToken cancellationToken)
    {
        var own = await mediator.Send(new ListOffers(asker), cancellationToken);
        var (holder, breakGlass) = (HolderOf(draft, asker), draft.BreakGlass ?? false);
        return own.Refusal is not null || (holder == asker && !breakGlass)
            ? own : await mediator.Send(new ListOffers(holder, breakGlass), cancellationToken);
    }

    /// <param name="user">The user id of whoever is to have it; null for whoever asks.</param>
    /// <param name="keep">The name that it is to be kept under, once it is filed; null for none.</param>
    private async Task FileAsync(
        Asker asker, AccessWish wish, string? user, string? remark, CancellationToken cancellationToken, string? keep = null)
    {
        var holder = HolderOf(Draft.Empty with { For = user }, asker.Person);
        var command = new CreateGrant(asker.Item.Key, holder, wish) { AskedBy = holder == asker.Person ? null : asker.Person };
        var filed = await mediator.Send(command, cancellationToken);
        var other = holder == asker.Person ? null : holder.User;
        if (keep is not null && filed is { Refusal: null, Value: { Already: false, Id: var id } })
            remark = await presets.KeepAsync(asker.Person, id, keep, cancellationToken);
        var answer = filed.Refusal is { } refusal
            ? Replies.NotFiled(refusal, wish, other) : Replies.Filed(filed.Value, wish, remark, other);
        await SayAsync(asker, answer, cancellationToken);
    }

    private async Task ShowFormAsync(Asker asker, Draft draft, CancellationToken cancellationToken)
    {
        var offers = await OffersAsync(draft, asker.Person, cancellationToken);
        if (offers.Refusal is { } refusal)
        {
            await SayAsync(asker, Replies.Refused(refusal), cancellationToken);
            return;
        }

        if (offers.Value.Databases.Count == 0)
        {
            await SayAsync(asker, Replies.NothingOffered(), cancellationToken);
            return;
        }

        // A message brings no trigger, and a trigger lives for three seconds: then a button asks for a new one.
        if (asker.Trigger is { } trigger && await forms.OpenAsync(
            trigger, await previews.DrawAsync(
                asker.Person, offers.Value, draft, asker.Address.Channel, FormPreview.Opening, cancellationToken),
            cancellationToken) is Post.Sent) return;
        await SayAsync(asker, Replies.AskForRest(draft), cancellationToken);
    }

    private async Task HelpAsync(Asker asker, CancellationToken cancellationToken)
    {
        // Examples are of what this person may do; where that cannot be said, the rest of the help can.
        var offers = await mediator.Send(new ListOffers(asker.Person), cancellationToken);
        await SayAsync(asker, HelpReply.Of(offers.Refusal is null ? offers.Value : null, offers.Refusal), cancellationToken);
    }

    private async Task AgainAsync(Asker asker, Intent.Again again, CancellationToken cancellationToken)
    {
        var asked = await mediator.Send(new GetAgain(asker.Person, again.Id), cancellationToken);
        if (asked.Refusal is { } refusal)
        {
            await SayAsync(asker, Replies.Refused(refusal), cancellationToken);
            return;
        }

        var draft = DraftOf(asked.Value.Grant, asker.Person) with { Reason = again.Reason };
        if (again.AtOnce && RequestForm.WishOf(draft) is { } wish) await FileAsync(asker, wish, draft.For, null, cancellationToken);
        else await ShowFormAsync(asker, draft, cancellationToken);
    }

    private async Task FilePresetAsync(Asker asker, string key, CancellationToken cancellationToken)
    {
        var found = await mediator.Send(new GetPreset(asker.Person, key), cancellationToken);
        if (found.Refusal is { } refusal) await SayAsync(asker, Replies.Refused(refusal), cancellationToken);
        else if (found.Value.Wish is { } wish) await FileAsync(asker, wish, found.Value.For, null, cancellationToken);
        else await SayAsync(asker, Replies.Stale(), cancellationToken);
    }

    /// <summary>The same once more. When it began was for that time.</summary>
    private static Draft DraftOf(GrantSnapshot grant, PrincipalId asker) => new(
        grant.Target.Name.Value, grant.Scope.Name.Value, Durations.Write(grant.Duration), null,
        grant.Scope.NarrowedTo.Count == 0 ? null : string.Join(", ", grant.Scope.NarrowedTo))
    {
        BreakGlass = grant.BreakGlass ? true : null, For = grant.Requester == asker ? null : grant.Requester.User,
    };

    private async Task WhyAsync(Asker asker, string rest, CancellationToken cancellationToken)
    {
        var offers = await mediator.Send(new ListOffers(asker.Person), cancellationToken);
        if (offers.Refusal is { } refusal)
        {
            await SayAsync(asker, Replies.Refused(refusal), cancellationToken);
            return;
        }

        var read = RequestWords.Read(rest, offers.Value, clock.GetUtcNow());
        var wish = read switch
        {
            Intent.File file => file.Wish,
            Intent.Form { Draft: var draft } => RequestForm.WishOf(draft),
            _ => null,
        };
        if (wish is null)
        {
            await SayAsync(asker, WhyReply.NotRead(read), cancellationToken);
            return;
        }

        await AnswerAsync(
            asker, new GetExplanation(asker.Person, wish), found => WhyReply.Of(found, Replies.DraftOf(wish)), cancellationToken);
    }

    /// <summary>Somebody wants what was refused in a message that they see.</summary>
    private async Task PointedAtAsync(Asker asker, string message, CancellationToken cancellationToken)
    {
        var names = await mediator.Send(new GetNames(), cancellationToken);
        if (ErrorWords.Find(Typed.Unwrap(message), names.Value) is { } found) await PastedAsync(asker, found, cancellationToken);
        else await SayAsync(asker, WhyReply.NoErrorThere(), cancellationToken);
    }

    private Task PastedAsync(Asker asker, PastedError pasted, CancellationToken cancellationToken) => AnswerAsync(
        asker, new GetSmallestScope(asker.Person, pasted.Database, pasted.Denied, pasted.Names),
        found => WhyReply.Pasted(found, pasted.Text), cancellationToken);
}
