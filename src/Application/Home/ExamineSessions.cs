using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using MediatR;
using Microsoft.Extensions.Logging;

namespace DbAccess.Application.Home;

/// <param name="Changed">What the card says of it is to be drawn anew.</param>
public sealed record SessionsExamined(bool Changed);

/// <summary>
/// What do those who have access have open now? For the card of who has access, which is drawn with what was seen last: so a cluster that
/// does not answer holds up nothing but this question. One question to each cluster, all at the same time. Safe to repeat.
/// </summary>
public sealed record ExamineSessions : IRequest<Result<SessionsExamined>>
{
    internal sealed class Handler(
        IGrantStore store, IRoleAdministrator roles, SessionLooks looks, NowTerms terms, TimeProvider clock, ILogger<Handler> log)
        : IRequestHandler<ExamineSessions, Result<SessionsExamined>>
    {
        private const int Most = 500;
        private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

        public async Task<Result<SessionsExamined>> Handle(ExamineSessions query, CancellationToken cancellationToken)
        {
            if (terms.Channel is null) return new SessionsExamined(false);

            var live = (await store.ListLiveAsync(null, Most, cancellationToken)).Select(grant => grant.State)
                .Where(grant => grant is { Status: GrantStatus.Active, Role: not null }).GroupBy(grant => grant.Target.Cluster);
            var seen = await Task.WhenAll(live.Select(cluster => AskAsync(cluster.Key, [.. cluster], cancellationToken)));
            return new SessionsExamined(looks.Replace(seen.SelectMany(one => one).ToDictionary()));
        }

        private Task<Dictionary<GrantId, SessionLook>> AskAsync(
            ClusterName cluster, IReadOnlyList<GrantSnapshot> grants, CancellationToken cancellationToken)
        {
            return Deadline.AskAsync(Patience, clock, LookAsync, late: () => Unseen(null), Unseen, cancellationToken);

            async Task<Dictionary<GrantId, SessionLook>> LookAsync(CancellationToken token)
            {
                var open = await roles.ListOpenAsync(
                    cluster, [.. grants.Select(grant => RoleToRemove.Of(grant, grant.Role!))], token).WaitAsync(token);
                var now = clock.GetUtcNow();
                return grants.Where(grant => open.ContainsKey(grant.Id)).ToDictionary(
                    grant => grant.Id, grant => new SessionLook(open[grant.Id].Sessions, Minute(now - open[grant.Id].LastStatement)));
            }

            Dictionary<GrantId, SessionLook> Unseen(Exception? failure)
            {
                log.LogDebug(failure, "What is open on {Cluster} could not be seen", cluster.Value);
                return [];
            }
        }

        // To the second it would be another card at every look.
        private static DateTimeOffset? Minute(DateTimeOffset? at) => at is { } instant
            ? DateTimeOffset.FromUnixTimeSeconds(instant.ToUnixTimeSeconds() / 60 * 60) : null;
    }
}
