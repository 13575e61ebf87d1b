using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Steps;

/// <summary>
/// Tells people what is on record of a grant. A message that fails is sent again later and never changes what the grant's state says.
/// </summary>
internal sealed class GrantTelling(
    IGrantStore store, IChat chat, ICards cards, ICredentialDelivery delivery, Administrators administrators, IPolicySource policies,
    IRoleAdministrator roles, TimeProvider clock, ILogger<GrantTelling> log)
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    // A warning that comes late is worth less than one that does not know what is open.
    private static readonly TimeSpan LookLimit = TimeSpan.FromSeconds(1.5);

    public async Task<StepOutcome> TellAsync(Grant grant, CancellationToken cancellationToken)
    {
        if (grant.State.Owed.First is not { } notice || grant.BeginTelling(clock.GetUtcNow(), Lease).Refusal is not null)
            return StepOutcome.Nothing;
        if (await store.SaveAsync(grant, cancellationToken) is SaveOutcome.LostRace) return StepOutcome.Nothing;

        Post post;
        try
        {
            post = await SayAsync(notice, grant.State, cancellationToken);
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            log.LogError(failure, "Telling the holder of {Grant} failed", grant.Id.ToString());
            post = new Post.NotNow(failure.GetType().Name, null);
        }

        var now = clock.GetUtcNow();
        await store.ChangeAsync(
            grant,
            mine => post switch
            {
                Post.Sent { Message: var message } =>
                    mine.Told(notice.Kind, null, now, notice.Kind is NoticeKind.Ready ? message : null),
                Post.Never { Why: var why } => mine.Told(notice.Kind, why, now),
                Post.NotNow { Why: var why, RetryAfter: var pause } => mine.TellingFailed(notice.Kind, why, now, pause),
                _ => throw new InvalidOperationException("A post ends in one of its three ways."),
            },
            CancellationToken.None);
        if (post is not Post.Sent)
            log.LogWarning("The holder of {Grant} was not told ({Notice}): {Why}", grant.Id.ToString(), notice.Kind,
                post is Post.Never never ? never.Why : ((Post.NotNow)post).Why);
        return post is Post.NotNow ? StepOutcome.Postponed : StepOutcome.Told;
    }

    private async Task<Post> SayAsync(Notice notice, GrantSnapshot grant, CancellationToken cancellationToken)
    {
        var kind = notice.Kind;
        if (kind is NoticeKind.Ready) return await delivery.OfferAsync(grant, cancellationToken);
        if (grant.CredentialsMessage is { } credentials
            && await RedrawAsync(kind, grant, credentials, cancellationToken) is Post.NotNow notNow) return notNow;

        var more = GrantPasswords.MoreTime(policies.Current, grant);
        var open = kind is NoticeKind.Ending ? await LookAsync(grant, cancellationToken) : null;
        var message = (HolderMessages.For(kind, grant, more, open) ?? GrantMessages.For(kind, grant)) with { Mark = Mark(kind, grant) };
        return notice.To switch
        {
            NoticeReceiver.Administrators => await administrators.TellAsync(grant.Requester.Team, message, cancellationToken),
            NoticeReceiver.Asker => await chat.TellAsync(grant.AskedBy ?? grant.Requester, message, cancellationToken),
            _ => await chat.TellAsync(grant.Requester, message, cancellationToken),
        };
    }

    /// <summary>What the holder has open; null where that cannot be said in a moment, or there is no time to.</summary>
    private async Task<OpenSessions?> LookAsync(GrantSnapshot grant, CancellationToken cancellationToken)
    {
        if (grant is not { Status: GrantStatus.Active, Role: { } role, Window: { } window }
            || window.Expiry - clock.GetUtcNow() < LookLimit * 2) return null;

        return await Deadline.AskAsync(
            LookLimit, clock,
            // Left alone when it does not hear that it is late.
            async token => await roles.CountOpenAsync(RoleToRemove.Of(grant, role), token).WaitAsync(token),
            late: () => Unknown("late"),
            failure => Unknown(failure.GetType().Name),
            cancellationToken);

        OpenSessions? Unknown(string why)
        {
            log.LogInformation("What the holder of {Grant} has open is not known ({Failure})", grant.Id.ToString(), why);
            return null;
        }
    }

    /// <summary>
    /// The message that stays with its holder says what is so. At the end nothing of the password is left in it: that keeps people from
    /// trying it, and exports from collecting it. Where it cannot be drawn anew then, it is taken away.
    /// </summary>
    private async Task<Post?> RedrawAsync(NoticeKind kind, GrantSnapshot grant, MessageRef shown, CancellationToken cancellationToken)
    {
        switch (kind)
        {
            case NoticeKind.Ending or NoticeKind.Extended:
                // What its holder has to know is said all the same.
                if (await delivery.UpdateAsync(grant, shown, GrantPasswords.MoreTime(policies.Current, grant), cancellationToken)
                    is not Post.Sent)
                    log.LogInformation("The message of {Grant} was not drawn anew", grant.Id.ToString());
                return null;
            case NoticeKind.Ended or NoticeKind.NotRevealed:
                var id = grant.Id.ToString();
                var post = await cards.UpdateAsync(
                    shown, HolderMessages.Over(grant), new CardMark(id, "ended", $"{id}/ended/{grant.Status}"), cancellationToken);
                return post is Post.Never ? await RemoveAsync(grant, shown, cancellationToken) : post;
            case NoticeKind.Failed:
                return await RemoveAsync(grant, shown, cancellationToken);
            default:
                return null;
        }
    }

    // Some are said again later about something else: another extension, another offer.
    private static CardMark Mark(NoticeKind kind, GrantSnapshot grant) => new(
        grant.Id.ToString(), kind.ToString().ToLowerInvariant(),
        $"{grant.Id}/{kind}/{grant.Extensions}/{grant.Asking?.AskedAt.UtcTicks ?? 0}/{grant.Asking?.Offer?.Agreement.At.UtcTicks ?? 0}");

    private async Task<Post> RemoveAsync(GrantSnapshot grant, MessageRef shown, CancellationToken cancellationToken)
    {
        var removed = await chat.RemoveAsync(shown, cancellationToken);
        if (removed is Post.Never { Why: var why })
            log.LogWarning("The credentials message of {Grant} could not be removed: {Why}", grant.Id.ToString(), why);
        return removed;
    }
}
