using DbAccess.Application.Evidence;
using DbAccess.Application.Grants;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using FluentValidation;
using MediatR;

namespace DbAccess.Application.Approvals;

/// <summary>Somebody has looked at what was taken in an emergency.</summary>
/// <param name="Why">What was not all right; null when it was.</param>
public sealed record ReviewGrant(PrincipalId Reviewer, GrantId Id, string? Why) : IRequest<Result<GrantDecided>>, IAudited
{
    public Actor By => new Actor.Person(Reviewer);

    public string Subject => Id.ToString();

    internal sealed class Validator : AbstractValidator<ReviewGrant>
    {
        public Validator() => RuleFor(command => command.Why!)
            .IsReason("Say what was not all right: administrators read it.").When(command => command.Why is not null);
    }

    internal sealed class Handler(Deciding deciding, TimeProvider clock) : IRequestHandler<ReviewGrant, Result<GrantDecided>>
    {
        public Task<Result<GrantDecided>> Handle(ReviewGrant command, CancellationToken cancellationToken) => deciding.DecideAsync(
            command.Id, command.Reviewer, (grant, by) => grant.Review(by, command.Why?.Trim(), clock.GetUtcNow()), cancellationToken);
    }
}
