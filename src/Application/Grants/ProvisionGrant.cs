using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>Makes the role of a grant that was allowed and delivers its credentials. Safe to repeat: whoever finds nothing to do does nothing.</summary>
public sealed record ProvisionGrant(GrantId Id) : IRequest<Result>
{
    internal sealed class Handler(IGrantStore store, GrantSteps steps) : IRequestHandler<ProvisionGrant, Result>
    {
        public async Task<Result> Handle(ProvisionGrant command, CancellationToken cancellationToken)
        {
            if (await store.FindAsync(command.Id, cancellationToken) is not { } grant) return GrantErrors.Unknown(command.Id.ToString());

            await steps.TakeDueAsync(grant, cancellationToken);
            return Result.Done;
        }
    }
}
