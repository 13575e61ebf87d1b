using System.Collections.Concurrent;
using DbAccess.Application.Approvals;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Grants;

/// <summary>What a review ended.</summary>
public sealed record HoldersReviewed(int Looked, IReadOnlyList<GrantId> Superseded);

/// <summary>
/// Access ends with its reason: whoever was deactivated, became a guest, left the groups that the rule rests on, or whose rule is gone or
/// forbidding, has it no longer. With every sweep, and at once for one person of whom Slack says that they changed. What cannot be asked
/// now ends nothing. Safe to repeat.
/// </summary>
/// <param name="Holder">Null for everybody who has something.</param>
public sealed record ReviewHolders(PrincipalId? Holder = null) : IRequest<Result<HoldersReviewed>>
{
    internal sealed class Handler(
        GrantWarrant warrants, Deciders deciders, IGrantStore store, GrantSeal seal, IGrantDispatcher dispatcher, TimeProvider clock,
        ILogger<Handler> log)
        : IRequestHandler<ReviewHolders, Result<HoldersReviewed>>
    {
        // As many as can be asked of the directory between two sweeps; those beyond are the oldest, which end soonest by the clock.
        private const int Most = 10_000;
        private const int AtOnce = 4;

        /// <summary>A directory that is slow must not hold up what is due.</summary>
        private static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

        public async Task<Result<HoldersReviewed>> Handle(ReviewHolders command, CancellationToken cancellationToken)
        {
            var live = command.Holder is { } holder
                ? await store.ListLiveByRequesterAsync(holder, Most, cancellationToken)
                : await store.ListLiveAsync(null, Most, cancellationToken);
            var active = live.Where(grant => grant.Status is GrantStatus.Active or GrantStatus.Pending).ToList();
            var ended = new ConcurrentQueue<GrantId>();
            using var limit = new CancellationTokenSource(Longest, clock);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
            try
            {
                await Parallel.ForEachAsync(
                    active.GroupBy(grant => grant.State.Requester),
                    new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = either.Token },
                    async (person, token) =>
                    {
                        foreach (var grant in person)
                        {
                            if (await SupersedeAsync(grant, token)) ended.Enqueue(grant.Id);
                        }
                    });
            }
            catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
            {
                log.LogError("Whether holders may go on could not be asked of all within {Longest}; the next sweep asks again", Longest);
            }

            await DropDecisionsAsync(command.Holder, cancellationToken);
            return new HoldersReviewed(active.Count, [.. ended]);
        }

        /// <summary>What somebody agreed to who may not decide any more does not count while it is undecided.</summary>
        private async Task DropDecisionsAsync(PrincipalId? person, CancellationToken cancellationToken)
        {
            foreach (var grant in (await store.ListLiveAsync(null, Most, cancellationToken)).Where(grant => grant.IsAsking))
            {
                var said = grant.State.Asking!.Agreements.Append(grant.State.Asking.Offer?.Agreement).OfType<Agreement>()
                    .Where(agreement => person is null || agreement.By == person);
                foreach (var agreement in said)
                {
                    try
                    {
                        if (!await deciders.MayNotAnyMoreAsync(grant.State.Asking, agreement, cancellationToken)) continue;
                        var (_, outcome) = await store.ChangeAsync(grant, newest => seal.Keep(
                            newest, own => own.Disregard(agreement.By, clock.GetUtcNow())), cancellationToken);
                        if (outcome.Refusal is null) dispatcher.Dispatch(grant.Id);
                    }
                    catch (Exception failure) when (failure is not OperationCanceledException)
                    {
                        log.LogError(failure, "Whether what was said of {Grant} counts could not be asked", grant.Id.ToString());
                    }
                }
            }
        }

        private async Task<bool> SupersedeAsync(Grant grant, CancellationToken cancellationToken)
        {
            try
            {
                if (await warrants.ToGoOnAsync(grant, clock.GetUtcNow(), cancellationToken) is not Warrant.Gone { Why: var why })
                    return false;

                var (_, outcome) = await store.ChangeAsync(grant, newest => newest.Status is GrantStatus.Pending
                    ? newest.Withdraw(why, clock.GetUtcNow()) : newest.Supersede(why, clock.GetUtcNow()), cancellationToken);
                if (outcome.Refusal is not null) return false;

                log.LogWarning("{Grant} ends: what it rested on is gone: {Why}", grant.Id.ToString(), why);
                dispatcher.Dispatch(grant.Id);
                return true;
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogError(failure, "Whether {Grant} may go on could not be asked; the next sweep asks again", grant.Id.ToString());
                return false;
            }
        }
    }
}
