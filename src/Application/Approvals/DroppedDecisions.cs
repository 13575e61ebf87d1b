using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Approvals;

/// <summary>
/// What somebody agreed to who may not decide any more does not count while it is undecided; and what nobody can finish any more is over.
/// </summary>
internal sealed class DroppedDecisions(
    Deciders deciders, IGrantStore store, GrantSeal seal, IGrantDispatcher dispatcher, TimeProvider clock,
    ILogger<DroppedDecisions> log)
{
    private const int Most = 10_000;

    /// <param name="person">Whose decisions are looked at; null for everybody's. What cannot be asked now stays.</param>
    /// <returns>False when one could not be changed; the others were.</returns>
    public async Task<bool> DropAsync(PrincipalId? person, CancellationToken cancellationToken)
    {
        var all = true;
        foreach (var grant in (await store.ListLiveAsync(null, Most, cancellationToken)).Where(grant => grant.IsAsking))
        {
            try
            {
                await DropAsync(grant, person, cancellationToken);
                await EndStuckAsync(grant, cancellationToken);
            }
            catch (Exception failure) when (failure is not OperationCanceledException)
            {
                log.LogError(failure, "Decisions about {Grant} could not be looked at; the next sweep looks again", grant.Id.ToString());
                all = false;
            }
        }

        return all;
    }

    /// <summary>Nobody is left who could finish it, or the groups that were asked are none any more: whoever asked need not wait.</summary>
    private async Task EndStuckAsync(Grant grant, CancellationToken cancellationToken)
    {
        if (await store.FindAsync(grant.Id, cancellationToken) is not { IsAsking: true } newest
            || await deciders.CanFinishAsync(newest.State, null, cancellationToken)) return;

        var why = $"it needs {ApprovalErrors.Words(newest.State.Asking!.Stages)}, and by now there are not enough of them who could " +
            "still agree";
        var (_, outcome) = await store.ChangeAsync(
            newest, mine => seal.Keep(mine, own => own.Withdraw(why, clock.GetUtcNow())), cancellationToken);
        if (outcome.Refusal is not null) return;

        log.LogWarning("{Grant} is withdrawn: {Why}", grant.Id.ToString(), why);
        dispatcher.Dispatch(grant.Id);
    }

    private async Task DropAsync(Grant grant, PrincipalId? person, CancellationToken cancellationToken)
    {
        var asking = grant.State.Asking!;
        foreach (var said in asking.Agreements.Append(asking.Offer?.Agreement).OfType<Agreement>()
            .Where(said => person is null || said.By == person))
        {
            if (!await deciders.MayNotAnyMoreAsync(asking, said, cancellationToken)) continue;

            var (_, outcome) = await store.ChangeAsync(
                grant, newest => seal.Keep(newest, own => own.Disregard(said.By, clock.GetUtcNow())), cancellationToken);
            if (outcome.Refusal is null) dispatcher.Dispatch(grant.Id);
        }
    }
}
