using DbAccess.Domain;
using MediatR;

namespace DbAccess.Application.Policies;

/// <summary>A policy's text as it was read, to the byte.</summary>
public sealed record PolicyText(string Hash, string Text);

/// <param name="Hash">Its hash, or enough of its beginning to mean one.</param>
public sealed record GetKeptPolicy(string Hash) : IRequest<Result<PolicyText>>
{
    internal sealed class Handler(KeptPolicies kept) : IRequestHandler<GetKeptPolicy, Result<PolicyText>>
    {
        public async Task<Result<PolicyText>> Handle(GetKeptPolicy query, CancellationToken cancellationToken)
        {
            var named = (await kept.ListAsync(cancellationToken))
                .Where(one => one.Hash.StartsWith(query.Hash, StringComparison.OrdinalIgnoreCase)).ToList();
            if (named.Count == 0)
                return new Error("policy.not_kept", $"No policy that is kept has a hash that begins with {Show.Text(query.Hash, 64)}.");
            if (named.Count > 1)
                return new Error("policy.which", $"{named.Count} policies have a hash that begins so; say more of it.");
            return await kept.FindAsync(named[0].Hash, cancellationToken) is { } text ? new PolicyText(named[0].Hash, text)
                : new Error("policy.changed",
                    $"What is kept as {named[0].Hash} is not the text that has this hash: it was changed in the store.");
        }
    }
}
