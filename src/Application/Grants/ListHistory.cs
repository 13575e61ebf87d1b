using DbAccess.Application.Approvals;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Grants;

/// <summary>What was asked for, the newest first.</summary>
/// <param name="More">How many more there are that are not listed.</param>
/// <param name="Whole">
/// False when there may be more of people who hold nothing now and are in no group of the policy: what ended is listed by person only.
/// </param>
/// <param name="OwnOnly">Only what the person themselves holds or held.</param>
public sealed record GrantHistory(IReadOnlyList<GrantSnapshot> Grants, int More, bool Whole, bool OwnOnly);

/// <summary>
/// What was asked for lately: administrators see everybody's, everybody else their own. A question about somebody else is refused to them.
/// </summary>
public sealed record ListHistory(PrincipalId Person, PrincipalId? Of, DatabaseName? Database, TimeSpan Within)
    : IRequest<Result<GrantHistory>>
{
    internal sealed class Handler(
        IGrantStore store, Revokers revokers, Deciders deciders, IPolicySource policies, TimeProvider clock)
        : IRequestHandler<ListHistory, Result<GrantHistory>>
    {
        private const int Most = 1_000;
        private const int MostPeople = 200;
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
            var (found, whole) = of is { } one
                ? (await store.ListByRequesterAsync(one, Most, cancellationToken), true)
                : (await ListAllAsync(query.Person, cancellationToken), false);
            var matching = found.Select(grant => grant.State)
                .Where(grant => grant.CreatedAt >= since && (query.Database is null || grant.Target.Name == query.Database))
                .OrderByDescending(grant => grant.CreatedAt).ThenBy(grant => grant.Id.ToString(), StringComparer.Ordinal).ToList();
            return new GrantHistory([.. matching.Take(Shown)], Math.Max(0, matching.Count - Shown), whole, of == query.Person);
        }

        /// <summary>What lives, and all of those who hold some of it or are named by the policy: nothing lists all that ended.</summary>
        private async Task<IReadOnlyList<Grant>> ListAllAsync(PrincipalId asker, CancellationToken cancellationToken)
        {
            var live = await store.ListLiveAsync(null, Most, cancellationToken);
            var members = await deciders.MembersOfAsync(policies.Current.Groups.Keys, cancellationToken);
            var people = live.Select(grant => grant.State.Requester).Append(asker)
                .Concat(members.Users.Select(user => PrincipalId.Parse(asker.Team, user)).OfType<PrincipalId>()).Distinct();
            List<Grant> found = [.. live];
            foreach (var person in people.Take(MostPeople))
                found.AddRange(await store.ListByRequesterAsync(person, Most, cancellationToken));
            return [.. found.DistinctBy(grant => grant.Id)];
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
