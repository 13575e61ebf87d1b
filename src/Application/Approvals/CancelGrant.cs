using DbAccess.Application.Evidence;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Approvals;

/// <summary>Whoever asked takes it back while it is undecided: the request, or the wish to have it longer.</summary>
public sealed record CancelGrant(PrincipalId Asker, GrantId Id) : IRequest<Result<GrantDecided>>, IAudited
{
    public Actor By => new Actor.Person(Asker);

    public string Subject => Id.ToString();

    public bool EndsAccess => true;

    internal sealed class Handler(Deciding deciding, TimeProvider clock) : IRequestHandler<CancelGrant, Result<GrantDecided>>
    {
        public Task<Result<GrantDecided>> Handle(CancelGrant command, CancellationToken cancellationToken) =>
            deciding.BackAsync(command.Id, grant => grant.Cancel(command.Asker, clock.GetUtcNow()), cancellationToken);
    }
}
