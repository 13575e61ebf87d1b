using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Principals;

/// <summary>People of some of the policy's groups, by their user ids.</summary>
/// <param name="Unreadable">Groups of which nobody can say now who is in them.</param>
internal sealed record Members(IReadOnlySet<string> Users, IReadOnlyList<string> Unreadable);

/// <summary>Who may decide: asked of the directory at each press, and of whom the cards are.</summary>
internal sealed class Deciders(IDirectory directory, Membership membership, IPolicySource policies)
{
    /// <summary>Refuses guests, people of other organisations and whoever was deactivated, and everybody while nobody can say.</summary>
    public async Task<Result<Decider>> FindAsync(PrincipalId id, CancellationToken cancellationToken)
    {
        if (policies.Missing is { } none) return none;
        var person = await directory.FindAsync(id, cancellationToken);
        if (person.Refusal is { } stranger) return stranger;

        var policy = policies.Current;
        var standing = await membership.StandingOfAsync(id, policy, cancellationToken);
        return new Decider(id, person.Value.Handle, standing.Groups, standing.Unreadable, policy.Hash);
    }

    /// <summary>
    /// Whether somebody who agreed has left since, or the group for which they did. What cannot be asked changes nothing.
    /// </summary>
    public async Task<bool> MayNotAnyMoreAsync(Asking asking, Agreement agreement, CancellationToken cancellationToken)
    {
        var decider = await FindAsync(agreement.By, cancellationToken);
        if (decider.Refusal is { } refusal) return refusal.Code is not IDirectory.Unavailable && policies.Missing is null;

        var of = asking.Stages[agreement.Stage].Of;
        return !of.Any(decider.Value.Groups.Contains) && !of.Any(decider.Value.Unreadable.Contains);
    }

    public async Task<Members> MembersOfAsync(IEnumerable<string> groups, CancellationToken cancellationToken)
    {
        HashSet<string> users = new(StringComparer.Ordinal);
        List<string> unreadable = [];
        foreach (var name in groups.Distinct(StringComparer.Ordinal))
        {
            if (!policies.Current.Groups.TryGetValue(name, out var group)) continue;

            users.UnionWith(group.Users);
            if (group.SlackUsergroup is not { } usergroup) continue;
            var members = await directory.ListMembersAsync(usergroup, cancellationToken);
            if (members.Refusal is not null) unreadable.Add(name);
            else users.UnionWith(members.Value);
        }

        return new Members(users, unreadable);
    }

    /// <summary>
    /// The refusal of a request that nobody could ever approve: distinct people for every place of every stage, none of them one who asks
    /// or is to have it. A group that cannot be read may have anybody in it.
    /// </summary>
    public async Task<Error?> RefusalOfAsync(
        AccessRule rule, IReadOnlyList<ApprovalStage> stages, IReadOnlyList<PrincipalId> except, CancellationToken cancellationToken)
    {
        return await CanFillAsync(stages.Select(stage => (stage, stage.Any)), except, cancellationToken) ? null : new Error(
            "approval.nobody",
            $"Rule {rule.Id} needs {ApprovalErrors.Words(stages)}, and without you there are not enough " +
                $"of " +
            $"them. Somebody else of {string.Join(", ", rule.Subject.Who)} can ask for it, and you can then decide about it.");
    }

    /// <summary>
    /// Whether what is asked can still be finished: somebody else for every place that is left. True also where that cannot be said now.
    /// </summary>
    /// <param name="after">As if this person had agreed as well; null for as it is.</param>
    public async Task<bool> CanFinishAsync(GrantSnapshot grant, PrincipalId? after, CancellationToken cancellationToken)
    {
        if (policies.Missing is not null || grant.Asking is not { Stage: { } now } asking) return true;

        List<PrincipalId> except = [grant.Requester, .. asking.Agreements.Select(agreement => agreement.By)];
        if (grant.AskedBy is { } asker) except.Add(asker);
        if (after is not null) except.Add(after);
        return await CanFillAsync(
            asking.Stages.Select((stage, i) => (stage, asking.Missing(i) - (after is not null && i == now ? 1 : 0))), except,
            cancellationToken);
    }

    private async Task<bool> CanFillAsync(
        IEnumerable<(ApprovalStage Stage, int Missing)> stages, IReadOnlyList<PrincipalId> except, CancellationToken cancellationToken)
    {
        List<IReadOnlySet<string>> places = [];
        foreach (var (stage, missing) in stages)
        {
            if (missing <= 0 || stage.Of.Contains(AccessPolicy.Everyone, StringComparer.Ordinal)) continue;
            var members = await MembersOfAsync(stage.Of, cancellationToken);
            if (members.Unreadable.Count > 0) continue;
            var able = members.Users.Except(except.Select(person => person.User), StringComparer.Ordinal)
                .ToHashSet(StringComparer.Ordinal);
            places.AddRange(Enumerable.Repeat((IReadOnlySet<string>)able, missing));
        }

        return CanFill(places);
    }

    /// <summary>Everybody fills one place at most (an augmenting path for each place).</summary>
    private static bool CanFill(List<IReadOnlySet<string>> places)
    {
        Dictionary<string, int> taken = new(StringComparer.Ordinal);
        return Enumerable.Range(0, places.Count).All(place => Seat(place, new HashSet<string>(StringComparer.Ordinal)));

        bool Seat(int place, HashSet<string> tried)
        {
            foreach (var person in places[place])
            {
                if (!tried.Add(person) || (taken.TryGetValue(person, out var other) && !Seat(other, tried))) continue;
                taken[person] = place;
                return true;
            }

            return false;
        }
    }
}
