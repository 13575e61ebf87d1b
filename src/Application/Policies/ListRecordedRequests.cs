using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Policies;

/// <summary>
/// Requests that were filed since some time, the newest first. The store has no list of all that ended, so it is those that live, and what
/// else was asked for by whoever holds one of them or is named here.
/// </summary>
public sealed record ListRecordedRequests(DateTimeOffset Since, IReadOnlyList<PrincipalId> People) : IRequest<Result<GrantList>>
{
    internal sealed class Handler(IGrantStore store) : IRequestHandler<ListRecordedRequests, Result<GrantList>>
    {
        private const int Most = 100_000;

        public async Task<Result<GrantList>> Handle(ListRecordedRequests query, CancellationToken cancellationToken)
        {
            var live = await store.ListLiveAsync(null, Most, cancellationToken);
            var found = live.ToDictionary(grant => grant.State.Id, grant => grant.State);
            foreach (var person in live.Select(grant => grant.State.Requester).Concat(query.People).Distinct())
            {
                foreach (var grant in await store.ListByRequesterAsync(person, Most, cancellationToken))
                    found[grant.State.Id] = grant.State;
            }

            return new GrantList(
                [.. found.Values.Where(grant => grant.CreatedAt >= query.Since).OrderByDescending(grant => grant.CreatedAt)]);
        }
    }
}
