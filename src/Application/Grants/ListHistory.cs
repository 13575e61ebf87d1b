using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>What was asked for, the newest first.</summary>
/// <param name="More">How many more there are that are not listed.</param>
/// <param name="OwnOnly">Only what the person themselves holds or held.</param>
public sealed record GrantHistory(IReadOnlyList<GrantSnapshot> Grants, int More, bool OwnOnly);

/// <summary>
/// What was asked for lately: administrators see everybody's, everybody else their own. A question about somebody else is refused to them.
/// </summary>
public sealed record ListHistory(PrincipalId Person, PrincipalId? Of, DatabaseName? Database, TimeSpan Within)
    : IRequest<Result<GrantHistory>>
{
    internal sealed class Handler(
        IGrantStore store, Revokers revokers, IPolicySource policies, TimeProvider clock)
        : IRequestHandler<ListHistory, Result<GrantHistory>>
    {
        private const int Most = 1_000;
        private const int Shown = 25;

        public async Task<Result<GrantHistory>> Handle(ListHistory query, CancellationToken cancellationToken)
        {
            var admin = false;
            if (query.Of != query.Person)
            {
                var asker = await revokers.FindAsync(new Actor.Person(query.Person), cancellationToken);
                if (asker.Refusal is { } stranger) return stranger;
                admin = asker.Value.Standing is { } standing && standing.IsIn(policies.Current.Admins);
                if (!admin && query.Of is not null) return Refused(asker.Value.Standing);
            }

            var since = clock.GetUtcNow() - query.Within;
            var of = query.Of ?? (admin ? null : query.Person);
            var found = of is { } one
                ? (await store.ListByRequesterAsync(one, Most, cancellationToken)).ToAsyncEnumerable()
                : store.ReadSinceAsync(since, cancellationToken);
            // The oldest of the newest goes first.
            var (newest, matching) = (new PriorityQueue<GrantSnapshot, DateTimeOffset>(), 0);
            await foreach (var grant in found.WithCancellation(cancellationToken))
            {
                if (grant.State.CreatedAt < since || (query.Database is not null && grant.State.Target.Name != query.Database)) continue;
                matching++;
                newest.Enqueue(grant.State, grant.State.CreatedAt);
                if (newest.Count > Shown) newest.Dequeue();
            }

            return new GrantHistory(
                [.. newest.UnorderedItems.Select(item => item.Element).OrderByDescending(grant => grant.CreatedAt)
                    .ThenBy(grant => grant.Id.ToString(), StringComparer.Ordinal)],
                Math.Max(0, matching - Shown), of == query.Person);
        }

        private Error Refused(Standing? standing)
        {
            var admins = policies.Current.Admins;
            return standing is not null && admins.Any(standing.Unreadable.Contains)
                ? new Error(IDirectory.Unavailable,
                    "Whether you are an administrator cannot be read from Slack right now. Try again in a minute.")
                : new Error("history.not_admin", $"{(admins.Count == 0 ? "The policy names no administrators, so nobody sees"
                    : $"Only {string.Join(", ", admins)} see")} other people's history. `/db-access history` shows yours.");
        }
    }
}
