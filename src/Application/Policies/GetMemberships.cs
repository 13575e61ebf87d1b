using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Policies;

/// <summary>The policy's groups that a person is in, <c>everyone</c> included, and those of which nobody can say now.</summary>
public sealed record Memberships(IReadOnlySet<string> Groups, IReadOnlySet<string> Unreadable);

/// <summary>In which of the policy's groups is this person? Asks the directory, and decides nothing.</summary>
public sealed record GetMemberships(PrincipalId Person) : IRequest<Result<Memberships>>
{
    internal sealed class Handler(IDirectory directory, Membership membership, IPolicySource policies)
        : IRequestHandler<GetMemberships, Result<Memberships>>
    {
        public async Task<Result<Memberships>> Handle(GetMemberships query, CancellationToken cancellationToken)
        {
            if (policies.Missing is { } none) return none;
            var person = await directory.FindAsync(query.Person, cancellationToken);
            if (person.Refusal is { } stranger) return stranger;

            var standing = await membership.StandingOfAsync(query.Person, policies.Current, cancellationToken);
            return new Memberships(standing.Groups, standing.Unreadable);
        }
    }
}
