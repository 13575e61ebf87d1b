using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Approvals;

/// <summary>What somebody agreed to who may not decide any more does not count while it is undecided.</summary>
internal sealed class DroppedDecisions(
    Deciders deciders, IGrantStore store, GrantSeal seal, IGrantDispatcher dispatcher, TimeProvider clock)
{
    private const int Most = 10_000;

    /// <param name="person">Whose decisions are looked at; null for everybody's. What cannot be asked now stays.</param>
    public async Task DropAsync(PrincipalId? person, CancellationToken cancellationToken)
    {
        foreach (var grant in (await store.ListLiveAsync(null, Most, cancellationToken)).Where(grant => grant.IsAsking))
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
}
