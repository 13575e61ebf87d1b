using DbAccess.Application.Ports;
using DbAccess.Application.Principals;
using DbAccess.Domain;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;

namespace DbAccess.Application.Grants;

/// <summary>What one person may have, by the installation and by a rule, and whether anybody could agree to it at all.</summary>
internal sealed class PersonalLimits(IGrantStore store, Deciders deciders, GrantSeal seal, GrantLimits limits)
{
    // More than anybody may have open.
    private const int MostLooked = 200;

    // For others one asks seldom: as many of the newest are looked at as can be while somebody waits.
    private const int MostLive = 1_000;

    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    /// <summary>What the person has, or is going to have.</summary>
    public async Task<IReadOnlyList<Grant>> OpenAsync(PrincipalId requester, CancellationToken cancellationToken) =>
        [.. (await store.ListLiveByRequesterAsync(requester, MostLooked, cancellationToken)).Where(IsOpen)];

    /// <summary>
    /// Null when whoever asks may have one more open. What somebody asked for others counts against them, and not against those others: by
    /// asking for everybody nobody gets more, or shuts anybody out.
    /// </summary>
    /// <param name="askedBy">Who asks for the requester; null when they ask themselves.</param>
    /// <param name="open">Of the requester.</param>
    public async Task<Error?> TooManyAsync(PrincipalId? askedBy, IReadOnlyList<Grant> open, CancellationToken cancellationToken)
    {
        var asked = askedBy is null ? open.Where(grant => grant.State.AskedBy is null)
            : (await store.ListLiveAsync(null, MostLive, cancellationToken))
                .Where(grant => IsOpen(grant) && grant.State.AskedBy == askedBy);
        var counted = asked.Select(grant => grant.State).ToList();
        return counted.Count >= limits.OpenPerPerson
            ? GrantErrors.TooManyOpen(counted, limits.OpenPerPerson, forOthers: askedBy is not null) : null;
    }

    /// <summary>Null when the person may have one more by this rule, and there are those who could agree where it asks for that.</summary>
    public async Task<Error?> RefusalOfAsync(PrincipalId requester, PrincipalId? askedBy, AccessVerdict.Terms terms,
        IReadOnlyList<Grant> open, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var rule = terms.Rule;
        if (rule.Caps?.AtOnce is { } atOnce && open.Count(grant => grant.State.Rule == rule.Id) >= atOnce)
            return GrantErrors.CapAtOnce(rule.Id, atOnce);
        if (rule.Caps?.Day is not null || rule.BreakGlass is not null)
        {
            var had = (await store.ListByRequesterAsync(requester, MostLooked, cancellationToken))
                .Concat(open).DistinctBy(grant => grant.Id).ToList();
            if (rule.Caps?.Day is { } day && had.Select(grant => grant.State).Count(grant => grant.Rule == rule.Id
                && (WasGivenSince(grant, now - Day) || IsBeingMade(grant, now))) >= day) return GrantErrors.CapDay(rule.Id, day);
            if (rule.BreakGlass is { } glass && had.Find(OwesReview) is { } owed)
                return GrantErrors.ReviewFirst(owed.Id, ApprovalErrors.Words(owed.State.Review?.Reviewers ?? glass.Review));
        }

        return rule.Approval is { } approval
            ? await deciders.RefusalOfAsync(rule, approval.Stages, [requester, askedBy ?? requester], cancellationToken) : null;
    }

    /// <summary>
    /// At the making: what waits counts for nothing when it is filed, and several may come to be given in one day. Of two in one instant
    /// the one that was asked for first is given.
    /// </summary>
    public async Task<Error?> TooManyTodayAsync(
        GrantSnapshot grant, AccessRule rule, DateTimeOffset now, CancellationToken cancellationToken)
    {
        if (rule.Caps?.Day is not { } day) return null;

        var others = (await store.ListByRequesterAsync(grant.Requester, MostLooked, cancellationToken))
            .Concat(await store.ListLiveByRequesterAsync(grant.Requester, MostLooked, cancellationToken))
            .DistinctBy(other => other.Id).Select(other => other.State).Where(other => other.Id != grant.Id && other.Rule == rule.Id);
        return others.Count(other => WasGivenSince(other, now - Day) || (IsBeingMade(other, now) && IsBefore(other, grant))) >= day
            ? GrantErrors.CapDay(rule.Id, day) : null;
    }

    private static bool IsOpen(Grant grant) => grant.IsOpen && grant.State.AbandonedBecause is null;

    private static bool IsBefore(GrantSnapshot one, GrantSnapshot other) => one.CreatedAt != other.CreatedAt
        ? one.CreatedAt < other.CreatedAt : string.CompareOrdinal(one.Id.ToString(), other.Id.ToString()) < 0;

    // As good as given: the making takes a moment, and whoever is quick is not to have more for it.
    private static bool IsBeingMade(GrantSnapshot grant, DateTimeOffset now) => grant is
        { AbandonedBecause: null, Status: GrantStatus.Approved or GrantStatus.Provisioning } && !(grant.StartsAt > now);

    // What is still being made owes its review in a moment; otherwise whoever is quick breaks as many as they like. An answer that is not
    // sealed is nobody's: whoever can write to the store could have given it.
    private bool OwesReview(Grant grant) => grant.State is { Review.IsOwed: true }
        or { Review.Since: null, BreakGlass: true, AbandonedBecause: null, Status: GrantStatus.Approved or GrantStatus.Provisioning }
        || (grant.State is { BreakGlass: true, RoleOid: not null, Status: not GrantStatus.Failed, AbandonedBecause: null }
            && !(grant.State.Review is { At: not null } && seal.IsOurs(grant)));

    private static bool WasGivenSince(GrantSnapshot grant, DateTimeOffset since) =>
        grant.RoleOid is not null && grant.Status is not GrantStatus.Failed && grant.Window?.Start > since;
}
