using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>What ends from now on: given back by its holder, or revoked by somebody else.</summary>
public sealed record GrantsEnding(IReadOnlyList<GrantId> Ids);

/// <summary>The holder is done: access ends now instead of at its expiry.</summary>
/// <param name="Id">Null gives back everything the holder has.</param>
public sealed record ReturnGrant(PrincipalId Holder, GrantId? Id) : IRequest<Result<GrantsEnding>>, IAudited
{
    public Actor By => new Actor.Person(Holder);

    public string Subject => Id?.ToString() ?? "all";

    public bool EndsAccess => true;

    internal sealed class Handler(IGrantStore store, IGrantDispatcher dispatcher, TimeProvider clock)
        : IRequestHandler<ReturnGrant, Result<GrantsEnding>>
    {
        // More live grants than this nobody has; those beyond it end by the clock.
        private const int Most = 200;

        public async Task<Result<GrantsEnding>> Handle(ReturnGrant command, CancellationToken cancellationToken)
        {
            if (command.Id is { } id)
            {
                if (await store.FindAsync(id, cancellationToken) is not { } grant) return GrantErrors.Unknown(id.ToString());

                var outcome = await ReturnAsync(grant, command.Holder, cancellationToken);
                return outcome.Refusal is { } refusal ? refusal : new GrantsEnding([id]);
            }

            var returned = new List<GrantId>();
            foreach (var grant in (await store.ListLiveByRequesterAsync(command.Holder, Most, cancellationToken))
                .Where(grant => grant.IsOpen))
            {
                if ((await ReturnAsync(grant, command.Holder, cancellationToken)).Refusal is null) returned.Add(grant.Id);
            }

            return returned.Count == 0
                ? new Error("grant.none_open", "You have no open grants; there is nothing to give back.")
                : new GrantsEnding(returned);
        }

        private async Task<Result> ReturnAsync(Grant grant, PrincipalId holder, CancellationToken cancellationToken)
        {
            var (_, outcome) = await store.ChangeAsync(grant, newest => newest.Return(holder, clock.GetUtcNow()), cancellationToken);
            if (outcome.Refusal is null) dispatcher.Dispatch(grant.Id);
            return outcome;
        }
    }
}
