using DbAccess.Application.Evidence;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Approvals;

/// <summary>Somebody agrees. Safe to repeat: the second time says that they have.</summary>
public sealed record ApproveGrant(PrincipalId Approver, GrantId Id) : IRequest<Result<GrantDecided>>, IAudited
{
    public Actor By => new Actor.Person(Approver);

    public string Subject => Id.ToString();

    /// <summary>When they said so; null for now. What was asked after that they have not agreed to.</summary>
    public DateTimeOffset? SaidAt { get; init; }

    internal sealed class Handler(Deciding deciding, TimeProvider clock) : IRequestHandler<ApproveGrant, Result<GrantDecided>>
    {
        public Task<Result<GrantDecided>> Handle(ApproveGrant command, CancellationToken cancellationToken) => deciding.GiveAsync(
            command.Id, command.Approver, (grant, by) => grant.Agree(by with { SaidAt = command.SaidAt }, clock.GetUtcNow()),
            cancellationToken);
    }
}
