using System.Collections.Concurrent;
using DbAccess.Application.Approvals;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Steps;

/// <summary>What a review ended.</summary>
/// <param name="Complete">False: not everybody could be asked for, and the next sweep asks again.</param>
public sealed record HoldersReviewed(int Looked, IReadOnlyList<GrantId> Superseded, bool Complete = true);

/// <summary>
/// Access ends with its reason: whoever was deactivated, became a guest, left the groups that the rule rests on, or whose rule is gone or
/// forbidding, has it no longer. With every sweep, and at once for one person of whom Slack says that they changed. What cannot be asked
/// now ends nothing, and never fails: what follows, the sweep, is not to be kept from its work. Safe to repeat.
/// </summary>
/// <param name="Holder">Null for everybody who has something.</param>
public sealed record ReviewHolders(PrincipalId? Holder = null) : IRequest<Result<HoldersReviewed>>
{
    internal sealed class Handler(
        GrantWarrant warrants, DroppedDecisions decisions, IGrantStore store, IGrantDispatcher dispatcher, TimeProvider clock,
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
            var looked = 0;
            var (ended, failed) = (new ConcurrentQueue<GrantId>(), new ConcurrentQueue<GrantId>());
            using var deadline = new Deadline(Longest, clock, cancellationToken);
            try
            {
                var live = command.Holder is { } holder
                    ? await store.ListLiveByRequesterAsync(holder, Most, deadline.Token)
                    : await store.ListLiveAsync(null, Most, deadline.Token);
                var active = live.Where(grant => grant.Status is GrantStatus.Active or GrantStatus.Pending).ToList();
                looked = active.Count;
                // The directory may answer for some only in the time there is: not for the same ones each time.
                var people = active.GroupBy(grant => grant.State.Requester).ToArray();
                Random.Shared.Shuffle(people);
                var reviewing = Parallel.ForEachAsync(
                    people,
                    new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = deadline.Token },
                    async (person, token) =>
                    {
                        foreach (var grant in person) (await SupersedeAsync(grant, token) switch
                        {
                            true => ended,
                            null => failed,
                            false => null,
                        })?.Enqueue(grant.Id);
                    });
                // Beside them, and not behind: however long the holders take, what was decided has its turn.
                var dropping = decisions.DropAsync(command.Holder, deadline.Token);
                await Task.WhenAll(reviewing, dropping);
                return new HoldersReviewed(looked, [.. ended], await dropping && failed.IsEmpty);
            }
            catch (Exception failure) when (!cancellationToken.IsCancellationRequested)
            {
                log.LogError(failure, "Whether holders may go on could not be asked of all; the next sweep asks again");
                return new HoldersReviewed(looked, [.. ended], Complete: false);
            }
        }

        /// <summary>Null when it could not be asked.</summary>
        private async Task<bool?> SupersedeAsync(Grant grant, CancellationToken cancellationToken)
        {
            try
            {
                if (await warrants.ToGoOnAsync(grant, clock.GetUtcNow(), cancellationToken) is not Warrant.Gone { Why: var why })
                    return false;

                var (_, outcome) = await store.EndForGoneAsync(grant, why, clock, cancellationToken);
                if (outcome.Refusal is not null) return false;

                log.LogWarning("{Grant} ends: what it rested on is gone: {Why}", grant.Id.ToString(), why);
                dispatcher.Dispatch(grant.Id);
                return true;
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogError(failure, "Whether {Grant} may go on could not be asked; the next sweep asks again", grant.Id.ToString());
                return null;
            }
        }
    }
}
