using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using FluentValidation;
using MediatR;

namespace DbAccess.Application.Approvals;

/// <summary>Somebody who is asked says no, and why: it ends there.</summary>
public sealed record DenyGrant(PrincipalId Approver, GrantId Id, string Why) : IRequest<Result<GrantDecided>>, IAudited
{
    public Actor By => new Actor.Person(Approver);

    public string Subject => Id.ToString();

    public bool EndsAccess => true;

    internal sealed class Validator : AbstractValidator<DenyGrant>
    {
        public Validator() => RuleFor(command => command.Why)
            .IsReason("Say why: `/db-access deny <id> <reason>`. Whoever asked reads it.");
    }

    internal sealed class Handler(Deciding deciding, TimeProvider clock) : IRequestHandler<DenyGrant, Result<GrantDecided>>
    {
        public Task<Result<GrantDecided>> Handle(DenyGrant command, CancellationToken cancellationToken) => deciding.DecideAsync(
            command.Id, command.Approver, (grant, by) => grant.Deny(by, command.Why.Trim(), clock.GetUtcNow()), cancellationToken);
    }
}
