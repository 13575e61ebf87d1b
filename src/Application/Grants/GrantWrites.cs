using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Grants;

/// <summary>
/// Conditional writes that survive a lost race: load again, ask again, save again. What was run on the targets meanwhile
/// (<see cref="RanStatements"/>) goes on record in the same write.
/// </summary>
internal static class GrantWrites
{
    private const int Tries = 8;

    /// <summary>
    /// Applies a change to the newest state and saves it. When somebody else saved in between, the change is asked of the new state, and
    /// may be refused there. <paramref name="stillMine"/> says whether the new state is still this caller's business. What fails leaves the
    /// grant as it was given.
    /// </summary>
    public static async Task<(Grant Grant, Result Outcome)> ChangeAsync(
        this IGrantStore store,
        Grant grant,
        Func<Grant, Result> change,
        CancellationToken cancellationToken,
        Func<GrantSnapshot, bool>? stillMine = null)
    {
        var ran = RanStatements.Present;
        for (var attempt = 1; ; attempt++)
        {
            var before = grant.State;
            try
            {
                var outcome = ran is null ? change(grant) : grant.Ran(ran.Text, ran.Count, ran.At, change);
                if (outcome.Refusal is not null) return (grant, outcome);
                if (await store.SaveAsync(grant, cancellationToken) is SaveOutcome.Saved)
                {
                    ran?.Told();
                    return (grant, outcome);
                }
            }
            catch
            {
                // The same object may be changed again, to say that the step went wrong: that must not carry this along.
                grant.GoBack(before);
                throw;
            }

            if (attempt == Tries) return (grant, LostRace);

            if (await store.FindAsync(grant.Id, cancellationToken) is not { } newest)
                return (grant, GrantErrors.Unknown(grant.Id.ToString()));
            grant = newest;
            if (stillMine is not null && !stillMine(grant.State)) return (grant, LostRace);
        }
    }

    /// <summary>
    /// For the end of a step: what was run and stands on no record yet, because what came of it was refused, went wrong or is nobody's
    /// business, is recorded by itself, whoever has the grant by now.
    /// </summary>
    public static async Task RecordRestAsync(this IGrantStore store, GrantId id)
    {
        if (RanStatements.Present is not { Count: > 0 }) return;
        if (await store.FindAsync(id, CancellationToken.None) is { } newest)
            await store.ChangeAsync(newest, _ => Result.Done, CancellationToken.None);
    }

    /// <summary>What it rests on is gone, the rule or the person: undecided it is withdrawn, live it ends.</summary>
    public static Task<(Grant Grant, Result Outcome)> EndForGoneAsync(
        this IGrantStore store, Grant grant, string why, TimeProvider clock, CancellationToken cancellationToken) =>
        store.ChangeAsync(grant, newest => newest.Status is GrantStatus.Pending
            ? newest.Withdraw(why, clock.GetUtcNow()) : newest.Supersede(why, clock.GetUtcNow()), cancellationToken);

    /// <summary>Another worker took over, or too many people changed the grant at once.</summary>
    public static Error LostRace { get; } =
        new("grant.lost_race", "Somebody else changed this grant at the same moment; look at it again with `/db-access mine`.");
}
