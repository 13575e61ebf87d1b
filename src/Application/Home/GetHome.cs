using DbAccess.Application.Ports;
using DbAccess.Application.Presets;
using DbAccess.Application.Principals;
using DbAccess.Application.Reconciling;
using DbAccess.Application.Steps;
using DbAccess.Domain;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using MediatR;

namespace DbAccess.Application.Home;

/// <summary>What a person's own page is drawn from. Nothing in it is authority: whoever presses is asked again.</summary>
/// <param name="Groups">The policy's groups that the person is in, so that it can be told later whom a change concerns.</param>
/// <param name="Trouble">Why it cannot be said what waits for them; null when it can.</param>
public sealed record HomeFacts(PrincipalId Person, IReadOnlySet<string> Groups, string? Trouble)
{
    /// <summary>Theirs: given, or being made or taken away.</summary>
    public IReadOnlyList<GrantSnapshot> Live { get; init; } = [];

    /// <summary>What they asked for, for themselves or for somebody else, and others have to decide about.</summary>
    public IReadOnlyList<GrantSnapshot> Waiting { get; init; } = [];

    /// <summary>What they may decide about at this moment.</summary>
    public IReadOnlyList<GrantSnapshot> ToDecide { get; init; } = [];

    /// <summary>What was taken in an emergency, and they may look at.</summary>
    public IReadOnlyList<GrantSnapshot> ToReview { get; init; } = [];

    /// <summary>Theirs that are over, the newest first.</summary>
    public IReadOnlyList<GrantSnapshot> Recent { get; init; } = [];

    /// <summary>What they keep under a name.</summary>
    public IReadOnlyList<Preset> Presets { get; init; } = [];

    /// <summary>By how much each of <see cref="Live"/> can be made longer now; what cannot is not in it.</summary>
    public IReadOnlyDictionary<GrantId, TimeSpan> Extends { get; init; } = new Dictionary<GrantId, TimeSpan>();

    /// <summary>For administrators; null for everybody else.</summary>
    public HomeOffice? Office { get; init; }
}

/// <summary>What administrators see of everybody.</summary>
/// <param name="Live">Everything that is given or being made or taken away, the soonest to end first.</param>
/// <param name="Unreviewed">Taken in an emergency, and nobody has looked at it yet.</param>
/// <param name="Troubles">What else needs somebody, one sentence each.</param>
public sealed record HomeOffice(
    IReadOnlyList<GrantSnapshot> Live, IReadOnlyList<GrantSnapshot> Unreviewed, IReadOnlyList<string> Troubles)
{
    public IEnumerable<GrantSnapshot> Quarantined => Live.Where(grant => grant.Status is GrantStatus.Quarantined);
}

/// <summary>What is there for this person now? Refuses whoever may not act here at all.</summary>
public sealed record GetHome(PrincipalId Person) : IRequest<Result<HomeFacts>>
{
    internal sealed class Handler(
        IGrantStore store, Deciders deciders, PresetShelf presets, OpenFindings findings, IPolicySource policies,
        IPolicyHealth health, TimeProvider clock)
        : IRequestHandler<GetHome, Result<HomeFacts>>
    {
        private const int Most = 500;
        private const int Own = 50;
        private const int RecentShown = 5;

        // Reviews that are owed longer than this were told to administrators long ago.
        private static readonly TimeSpan Ahead = TimeSpan.FromDays(30);

        public async Task<Result<HomeFacts>> Handle(GetHome query, CancellationToken cancellationToken)
        {
            var decider = await deciders.FindAsync(query.Person, cancellationToken);
            // What is theirs does not depend on a directory that answers, nor on a policy.
            if (decider.Refusal is { } refusal && refusal.Code is not IDirectory.Unavailable && policies.Missing is null) return refusal;

            var facts = await MineAsync(query.Person, decider, cancellationToken);
            return decider.Refusal is null ? await OthersAsync(facts, decider.Value, cancellationToken) : facts;
        }

        private async Task<HomeFacts> MineAsync(PrincipalId person, Result<Decider> decider, CancellationToken cancellationToken)
        {
            var live = await store.ListLiveByRequesterAsync(person, Own, cancellationToken);
            var newest = await store.ListByRequesterAsync(person, Own, cancellationToken);
            var groups = decider.Refusal is null ? decider.Value.Groups : new HashSet<string>();
            return new HomeFacts(person, groups, decider.Refusal?.Message)
            {
                Live = [.. live.Where(grant => grant.Status is not GrantStatus.Pending).Select(grant => grant.State)],
                Waiting = [.. live.Where(grant => grant.IsAsking).Select(grant => grant.State)],
                Presets = await presets.ListAsync(person, cancellationToken),
                Recent = [.. newest.Where(grant => grant.State.EndedAt is not null).Take(RecentShown).Select(grant => grant.State)],
                Extends = live.Select(grant => (grant.Id, By: ExtendBy(grant))).Where(pair => pair.By > TimeSpan.Zero)
                    .ToDictionary(pair => pair.Id, pair => pair.By),
            };
        }

        private TimeSpan ExtendBy(Grant grant) => grant.State is { Status: GrantStatus.Active, ExtendBy: null }
            ? GrantPasswords.MoreTime(policies.Current, grant.State) ?? TimeSpan.Zero : TimeSpan.Zero;

        private async Task<HomeFacts> OthersAsync(HomeFacts mine, Decider decider, CancellationToken cancellationToken)
        {
            var now = clock.GetUtcNow();
            var live = await store.ListLiveAsync(null, Most, cancellationToken);
            // A review may be owed for what is over; until somebody is late, it is among what will be due.
            var due = await store.ListDueAsync(now + Ahead, Most, cancellationToken);
            var unreviewed = due.Concat(live).Where(grant => grant.State.Review is { IsOwed: true }).DistinctBy(grant => grant.Id)
                .OrderBy(grant => grant.State.Review!.Since).Select(grant => grant.State).ToList();
            var asking = live.Where(grant => grant.IsAsking).ToList();
            return mine with
            {
                // What they asked for on behalf of somebody else stands with that person's.
                Waiting = [.. mine.Waiting, .. asking.Where(grant => grant.State.AskedBy == mine.Person).Select(grant => grant.State)],
                ToDecide = [.. asking.Where(grant => grant.RefusalFor(decider, now) is null).Reverse().Select(grant => grant.State)],
                ToReview = [.. unreviewed.Where(grant => grant.Requester != mine.Person && grant.AskedBy != mine.Person
                    && grant.Review!.Reviewers.Of.Any(decider.Groups.Contains))],
                Office = policies.Current.Admins.Any(decider.Groups.Contains)
                    ? new HomeOffice(
                        [.. live.Where(grant => grant.Status is not GrantStatus.Pending).Select(grant => grant.State)
                            .OrderBy(grant => grant.Window?.Expiry ?? DateTimeOffset.MaxValue)],
                        unreviewed, [.. Troubles(decider), .. await FoundAsync(cancellationToken)])
                    : null,
            };
        }

        /// <summary>What is on the clusters and should not be, or the other way round.</summary>
        private async Task<IEnumerable<string>> FoundAsync(CancellationToken cancellationToken)
        {
            if (await findings.ReadAsync(cancellationToken) is not { } found) return [];

            var at = $"as found at {SaidInstants.Write(found.At)}";
            var lines = found.Lines.Select(line => $"{line} ({at})");
            return found.More == 0 ? lines
                : lines.Append($"… and {found.More} more of that kind: dbaccess sweep --reconcile --dry-run says all.");
        }

        private List<string> Troubles(Decider decider)
        {
            List<string> troubles = [];
            if (health.Rejected is { } why) troubles.Add($"The newest policy file is not in force: {why}");
            if (decider.Unreadable.Count > 0)
                troubles.Add($"These groups of the policy cannot be read from Slack now: {string.Join(", ", decider.Unreadable)}.");
            if (store.CountUnreadable() is > 0 and var lost)
                troubles.Add($"{(lost == 1 ? "A grant" : $"{lost} grants")} on record cannot be read; the log says which.");
            troubles.AddRange(health.Oddities.Take(3));
            return troubles;
        }
    }
}
