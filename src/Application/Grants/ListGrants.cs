using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>Grants as they are on record, the newest first.</summary>
public sealed record GrantList(IReadOnlyList<GrantSnapshot> Grants);

/// <summary>A person's own grants (open ones, and the last few that ended), or everything that is live.</summary>
/// <param name="Mine">Null lists everybody's live grants: who can touch what is no secret among colleagues.</param>
public sealed record ListGrants(PrincipalId? Mine, DatabaseName? Database = null) : IRequest<Result<GrantList>>
{
    internal sealed class Handler(IGrantStore store) : IRequestHandler<ListGrants, Result<GrantList>>
    {
        private const int Most = 50;
        private const int EndedShown = 5;

        public async Task<Result<GrantList>> Handle(ListGrants query, CancellationToken cancellationToken)
        {
            if (query.Mine is not { } person)
                return new GrantList(
                    [.. (await store.ListLiveAsync(query.Database, Most, cancellationToken)).Select(grant => grant.State)]);

            // Two questions: what is live may be older than any number of grants that have ended.
            var live = await store.ListLiveByRequesterAsync(person, Most, cancellationToken);
            var newest = await store.ListByRequesterAsync(person, Most, cancellationToken);
            return new GrantList(
                [.. live.Concat(newest.Where(grant => grant.State.EndedAt is not null).Take(EndedShown)).Select(grant => grant.State)]);
        }
    }
}
