using DbAccess.Application.Evidence;
using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Approvals;

/// <summary>The card of a request is gone: it is posted anew. For whoever asked, and for administrators.</summary>
public sealed record ResendCard(PrincipalId Person, GrantId Id) : IRequest<Result<GrantDecided>>, IAudited
{
    public Actor By => new Actor.Person(Person);

    public string Subject => Id.ToString();

    internal sealed class Handler(Revokers revokers, Deciding deciding, IGrantStore store, TimeProvider clock)
        : IRequestHandler<ResendCard, Result<GrantDecided>>
    {
        public async Task<Result<GrantDecided>> Handle(ResendCard command, CancellationToken cancellationToken)
        {
            if (await store.FindAsync(command.Id, cancellationToken) is not { } grant) return GrantErrors.Unknown(command.Id.ToString());
            if (command.Person != grant.State.Requester && command.Person != grant.Asker)
            {
                var revoker = await revokers.FindAsync(command.By, cancellationToken);
                if (revoker.Refusal is { } stranger) return stranger;
                if (revoker.Value.RefusalFor(grant) is { } mayNot) return mayNot;
            }

            return await deciding.ChangeAsync(grant, mine => mine.Resend(clock.GetUtcNow()), cancellationToken);
        }
    }
}
