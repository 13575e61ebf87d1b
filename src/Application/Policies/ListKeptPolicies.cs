using DbAccess.Domain;
using MediatR;

namespace DbAccess.Application.Policies;

/// <summary>The last policies that were in force, the newest first.</summary>
public sealed record PolicyVersions(IReadOnlyList<KeptPolicy> Versions);

/// <summary>Which policies were in force lately?</summary>
public sealed record ListKeptPolicies : IRequest<Result<PolicyVersions>>
{
    internal sealed class Handler(KeptPolicies kept) : IRequestHandler<ListKeptPolicies, Result<PolicyVersions>>
    {
        public async Task<Result<PolicyVersions>> Handle(ListKeptPolicies query, CancellationToken cancellationToken) =>
            new PolicyVersions(await kept.ListAsync(cancellationToken));
    }
}
