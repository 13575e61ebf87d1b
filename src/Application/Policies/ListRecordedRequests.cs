using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using MediatR;

namespace DbAccess.Application.Policies;

/// <summary>Requests on record, read as they are asked for.</summary>
public sealed record RecordedRequests(IAsyncEnumerable<GrantSnapshot> Requests);

/// <summary>Every request that was filed since some time and is still kept, in no order.</summary>
public sealed record ListRecordedRequests(DateTimeOffset Since) : IRequest<Result<RecordedRequests>>
{
    internal sealed class Handler(IGrantStore store) : IRequestHandler<ListRecordedRequests, Result<RecordedRequests>>
    {
        public Task<Result<RecordedRequests>> Handle(ListRecordedRequests query, CancellationToken cancellationToken) => Task.FromResult(
            Result<RecordedRequests>.Of(new(store.ReadSinceAsync(query.Since, cancellationToken).Select(grant => grant.State))));
    }
}
