using System.Globalization;
using DbAccess.Domain.Approvals;
using DbAccess.Domain.Scopes;

namespace DbAccess.Domain.Grants;

/// <summary>
/// What was decided, as one text: who gets what, where, for how long, by which rule. Two grants have the same text only when all of it is
/// the same, so a seal over it says that nobody changed a word since. What comes about later (role, window, notices) is not part of it,
/// but for what giving and prolonging are reckoned from, and where a password is to be sent.
/// </summary>
public static class GrantTerms
{
    public static string Of(GrantSnapshot grant) => Canonical.Join(
    [
        grant.Id.ToString(), grant.Installation, grant.RequestKey, grant.Requester.ToString(), grant.Handle,
        grant.Target.Name.Value, grant.Target.Cluster.Value, Canonical.Join(grant.Target.All()),
        grant.Scope.InFull(), grant.Reason, grant.Ticket ?? "",
        grant.Duration.Ticks.ToString(CultureInfo.InvariantCulture), grant.Rule, grant.PolicyHash,
        Instant(grant.CreatedAt), grant.ApprovedAt is { } approved ? Instant(approved) : "",
        .. Decided(grant),
    ]);

    /// <summary>What only some grants have; nothing for the others, whose seals are older than it.</summary>
    private static IEnumerable<string> Decided(GrantSnapshot grant)
    {
        if (grant.AskedBy is { } asker) yield return $"asked by {asker}";
        if (grant.StartsAt is { } start) yield return $"starts {Instant(start)}";
        if (grant.BreakGlass) yield return "break-glass";
        // Whoever could name others would have it looked at by a friend.
        if (grant.Review is { } owed)
            yield return Canonical.Join(
                ["to be reviewed", owed.Reviewers.Any.ToString(CultureInfo.InvariantCulture), .. owed.Reviewers.Of]);
        if (grant.Review is { By: { } reviewer, At: { } at } review)
            yield return Canonical.Join(["reviewed", reviewer.ToString(), Instant(at), review.AllRight ? "all right" : review.Why ?? ""]);
        if (grant.Extensions > 0)
            yield return string.Create(CultureInfo.InvariantCulture, $"extended {grant.Extensions} {grant.Extended.Ticks}");
        if (grant.ExtendBy is { } more) yield return string.Create(CultureInfo.InvariantCulture, $"to be extended {more.Ticks}");
        // Until then it may be made, and its end is reckoned from it.
        if (grant.RevealBy is { } by) yield return $"to be shown by {Instant(by)}";
        // Who could name another window would be shown somebody else's password; and from when it was asked for it may still be made.
        if (grant.Password is { } ask) yield return Canonical.Join(["password", Instant(ask.At), ask.View ?? ""]);
        // Who could name another place would have its holder send the password there.
        if (grant.Door is { } door)
            yield return Canonical.Join(["door", door.Host, door.Port.ToString(CultureInfo.InvariantCulture), door.SslMode]);
        if (grant.Asking is not { } asking) yield break;

        yield return Canonical.Join(
        [
            Canonical.Join([.. asking.Stages.Select(stage =>
                Canonical.Join([stage.Any.ToString(CultureInfo.InvariantCulture), .. stage.Of]))]),
            asking.Plan is { } plan ? Of(plan) : "", Instant(asking.AskedAt), Instant(asking.LapsesAt),
            .. asking.Agreements.Select(Of),
            asking.Offer is { } offer ? Canonical.Join(
                [offer.Scope.InFull(), offer.Duration.Ticks.ToString(CultureInfo.InvariantCulture), Of(offer.Plan), offer.Rule,
                    Of(offer.Agreement)]) : "",
        ]);
    }

    /// <summary>With what people were shown of it, and what a later plan is compared with: its hash alone says nothing of either.</summary>
    private static string Of(AgreedPlan plan) => Canonical.Join(
        [plan.Hash, plan.Summary, Canonical.Join(plan.Words), plan.Gives is { } gives ? Canonical.Join(gives) : ""]);

    private static string Of(Agreement agreement) => Canonical.Join(
    [
        agreement.By.ToString(), agreement.Stage.ToString(CultureInfo.InvariantCulture), Instant(agreement.At), agreement.PolicyHash,
        agreement.PlanHash,
    ]);

    private static string Instant(DateTimeOffset at) => at.UtcTicks.ToString(CultureInfo.InvariantCulture);
}
