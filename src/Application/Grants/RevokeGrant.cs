using DbAccess.Application.Pipeline;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using FluentValidation;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>
/// Somebody else's access ends now. For people who may approve access to that database: who may say yes may also say stop.
/// </summary>
public sealed record RevokeGrant(PrincipalId Revoker, GrantId Id, string Why) : IRequest<Result<GrantsReturned>>, IAudited
{
    public Actor By => new Actor.Person(Revoker);

    public string Subject => Id.ToString();

    internal sealed class Validator : AbstractValidator<RevokeGrant>
    {
        public Validator() => RuleFor(command => command.Why)
            .Must(why => !string.IsNullOrWhiteSpace(why))
                .WithMessage("Say why: `/db-access revoke <id> <reason>`. The reason goes on the audit record.")
            .MaximumLength(CreateGrant.LongestReason).WithMessage($"The reason is longer than {CreateGrant.LongestReason} characters.")
            .Must(why => !why.Contains('\0', StringComparison.Ordinal))
                .WithMessage("The reason holds a character that cannot be stored (NUL).");
    }

    internal sealed class Handler(IDirectory directory, Membership membership, IPolicySource policies, IGrantStore store,
        IGrantDispatcher dispatcher, TimeProvider clock)
        : IRequestHandler<RevokeGrant, Result<GrantsReturned>>
    {
        public async Task<Result<GrantsReturned>> Handle(RevokeGrant command, CancellationToken cancellationToken)
        {
            var person = await directory.FindAsync(command.Revoker, cancellationToken);
            if (person.Refusal is { } stranger) return stranger;
            if (await store.FindAsync(command.Id, cancellationToken) is not { } grant) return GrantErrors.Unknown(command.Id.ToString());

            // The holder is told of their own way, which needs no policy.
            if (policies.Missing is { } none && command.Revoker != grant.State.Requester) return none;
            var policy = policies.Current;
            var groups = await membership.GroupsOfAsync(command.Revoker, policy, cancellationToken);
            if (groups.Refusal is { } unclear) return unclear;

            var approvers = ApproversOf(policy, grant.State.Target.Name);
            if (command.Revoker != grant.State.Requester && !approvers.Any(groups.Value.Contains))
            {
                return new Error("grant.not_revoker", approvers.Count == 0
                    ? $"Nobody is named by the policy to end other people's access to {grant.State.Target.Name}; ask its holder to give " +
                        $"{command.Id} back."
                    : $"Only {string.Join(", ", approvers)} may end other people's access to {grant.State.Target.Name}.");
            }

            var (_, outcome) = await store.ChangeAsync(
                grant, newest => newest.Revoke(command.By, command.Why.Trim(), clock.GetUtcNow(), person.Value.Handle), cancellationToken);
            if (outcome.Refusal is { } refusal) return refusal;

            dispatcher.Dispatch(command.Id);
            return new GrantsReturned([command.Id]);
        }

        private static IReadOnlyList<string> ApproversOf(AccessPolicy policy, DatabaseName database) =>
        [
            .. policy.Allow
                .Where(rule => rule.Approval is not null && rule.Subject.Databases.Any(name => name is "*" || name == database.Value))
                .SelectMany(rule => rule.Approval!.Stages)
                .SelectMany(stage => stage.Of)
                .Distinct(StringComparer.Ordinal),
        ];
    }
}
