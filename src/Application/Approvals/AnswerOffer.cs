using DbAccess.Application.Evidence;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Approvals;

/// <summary>Whoever asked takes the smaller thing that was offered, or keeps asking for all of it.</summary>
public sealed record AnswerOffer(PrincipalId Asker, GrantId Id, bool Accept) : IRequest<Result<GrantDecided>>, IAudited
{
    public Actor By => new Actor.Person(Asker);

    public string Subject => Id.ToString();

    internal sealed class Handler(Deciding deciding, TimeProvider clock) : IRequestHandler<AnswerOffer, Result<GrantDecided>>
    {
        public Task<Result<GrantDecided>> Handle(AnswerOffer command, CancellationToken cancellationToken) => deciding.AskerAsync(
            command.Id,
            grant => command.Accept
                ? grant.AcceptOffer(command.Asker, clock.GetUtcNow()) : grant.DeclineOffer(command.Asker, clock.GetUtcNow()),
            cancellationToken);
    }
}
