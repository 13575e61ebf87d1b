using DbAccess.Application.Approvals;
using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Grants;

/// <summary>
/// Tells holders what is on record. A message that fails is sent again later and never changes what the grant's state says.
/// </summary>
internal sealed class GrantTelling(
    IGrantStore store, IChat chat, Administrators administrators, TimeProvider clock, ILogger<GrantTelling> log)
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    public async Task<StepReport> TellAsync(Grant grant, CancellationToken cancellationToken)
    {
        if (grant.BeginTelling(clock.GetUtcNow(), Lease).Refusal is not null) return StepReport.Nothing;
        if (await store.SaveAsync(grant, cancellationToken) is SaveOutcome.LostRace) return StepReport.Nothing;

        var kind = grant.State.Notices[0];
        Post post;
        try
        {
            post = await SayAsync(kind, grant.State, cancellationToken);
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
                Post.Sent => mine.Told(kind, null, now),
                Post.Never { Why: var why } => mine.Told(kind, why, now),
                Post.NotNow { Why: var why, RetryAfter: var pause } => mine.TellingFailed(kind, why, now, pause),
                _ => throw new InvalidOperationException("A post ends in one of its three ways."),
            },
            CancellationToken.None);
        if (post is not Post.Sent)
            log.LogWarning("The holder of {Grant} was not told ({Notice}): {Why}", grant.Id.ToString(), kind, post is Post.Never never
                ? never.Why : ((Post.NotNow)post).Why);
        return post is Post.NotNow ? StepReport.Postponed : StepReport.Told;
    }

    private async Task<Post> SayAsync(NoticeKind kind, GrantSnapshot grant, CancellationToken cancellationToken)
    {
        // The password is dead by now; taking the message away keeps people from trying it, and exports from collecting it.
        if (kind is NoticeKind.Ended or NoticeKind.Failed && grant.CredentialsMessage is { } credentials)
        {
            var removed = await chat.RemoveAsync(credentials, cancellationToken);
            if (removed is Post.NotNow) return removed;
            if (removed is Post.Never { Why: var why })
                log.LogWarning("The credentials message of {Grant} could not be removed: {Why}", grant.Id.ToString(), why);
        }

        var message = GrantMessages.For(kind, grant);
        return kind switch
        {
            NoticeKind.ReviewBad or NoticeKind.ReviewLate or NoticeKind.CardLost =>
                await administrators.TellAsync(grant.Requester.Team, message, cancellationToken),
            NoticeKind.Denied or NoticeKind.Lapsed or NoticeKind.Withdrawn or NoticeKind.Offered or NoticeKind.AskedAgain =>
                await chat.TellAsync(grant.AskedBy ?? grant.Requester, message, cancellationToken),
            _ => await chat.TellAsync(grant.Requester, message, cancellationToken),
        };
    }
}
