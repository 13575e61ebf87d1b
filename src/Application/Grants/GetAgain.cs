using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>What somebody asked for once and may ask for again.</summary>
public sealed record AskedOnce(GrantSnapshot Grant);

/// <summary>The grant that somebody wants to ask for once more. Whether they may have it still is decided when they ask.</summary>
/// <param name="Id">Null for the last one that they asked for themselves.</param>
public sealed record GetAgain(PrincipalId Person, GrantId? Id) : IRequest<Result<AskedOnce>>
{
    internal sealed class Handler(IGrantStore store) : IRequestHandler<GetAgain, Result<AskedOnce>>
    {
        private static readonly Error Never = new(
            "grant.never_asked", "You have not asked for anything yet, so there is nothing to ask for again. `/db-access` opens the form.");

        public async Task<Result<AskedOnce>> Handle(GetAgain query, CancellationToken cancellationToken)
        {
            if (query.Id is not { } id)
            {
                return await store.ListByRequesterAsync(query.Person, 1, cancellationToken) is [var last, ..]
                    ? new AskedOnce(last.State) : Never;
            }

            if (await store.FindAsync(id, cancellationToken) is not { State: var grant }) return GrantErrors.Unknown(id.ToString());
            return query.Person == grant.Requester || query.Person == grant.AskedBy ? new AskedOnce(grant) : GrantErrors.NotAsker(id);
        }
    }
}
