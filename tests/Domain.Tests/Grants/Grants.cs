using DbAccess.Domain.Approvals;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Policies;
using DbAccess.Domain.Principals;
using DbAccess.Domain.Scopes;
using DbAccess.TestKit;

namespace DbAccess.Domain.Tests.Grants;

/// <summary>Grants brought to a place in their life, the way the product brings them there.</summary>
internal static class Grants
{
    public const string AbandonedWhileApproved = "Approved, given up";
    public const string Offered = "Pending, less offered";
    public const string AskedForMore = "Active, asked for more";
    public const string Taken = "Active, taken by break-glass";
    public const string ToBeShown = "Approved, password to be shown";
    public const string WantsPassword = "Active, new password asked for";
    public const string AbandonedWhileMaking = "Provisioning, given up";

    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(60);
    public static readonly TimeSpan Duration = TimeSpan.FromHours(1);
    public static readonly DateTimeOffset Expiry = Some.Now + Duration;
    public static readonly MessageRef Message = new("D0ENGDM01", "1767225601.000200");

    /// <summary>Every status, and the two in which the same status means undoing instead of doing.</summary>
    public static readonly IReadOnlyList<string> Situations = [.. Enum.GetNames<GrantStatus>(), AbandonedWhileApproved, AbandonedWhileMaking, Offered, AskedForMore, Taken, ToBeShown, WantsPassword];

    /// <summary>A grant in that situation, and a time at which no lease, window or pause stands in the way of its next step. It was just saved.</summary>
    public static (Grant Grant, DateTimeOffset Now) In(string situation)
    {
        var (grant, now) = situation switch
        {
            AbandonedWhileApproved => (After(Some.Allowed(), grant => grant.Abandon("nobody wants it", new Actor.Sweep(), Some.Now)), Some.Now),
            AbandonedWhileMaking => (After(Some.Provisioning(), grant => grant.Abandon("nobody wants it", new Actor.Sweep(), Some.Now)), Some.Now + Lease),
            Offered => (After(Pending(), grant => grant.Offer(Decider(), grant.State.Scope, TimeSpan.FromMinutes(10), Plan(), "oncall-read", Some.Now)), Some.Now),
            ToBeShown => (After(Some.Allowed(), grant => grant.AwaitReveal(TimeSpan.FromHours(1), Some.Now)), Some.Now),
            WantsPassword => (After(Some.Active(), grant => grant.AskPassword(Some.Engineer, null, Some.Now)), Some.Now),
            AskedForMore => (After(Some.Active(), grant => grant.AskExtension(Some.Engineer, TimeSpan.FromMinutes(30), Terms, Some.Asking(), Some.Now)), Some.Now),
            Taken => (Some.Active(request: Some.Request() with { BreakGlass = new BreakGlass("C0SECURITY", new ApprovalStage(1, ["dba"]), TimeSpan.FromHours(24)) }), Expiry),
            _ => In(Enum.Parse<GrantStatus>(situation)),
        };
        grant.Saved(7);
        return (grant, now);
    }

    /// <summary>A rule that gives half an hour more, once.</summary>
    public static readonly Lifetime Terms = new(TimeSpan.FromHours(1), TimeSpan.FromHours(4), null, 1, TimeSpan.FromMinutes(30));

    public static Grant Pending(DateTimeOffset? lapsesAt = null) =>
        Grant.RequestApproval(GrantId.New(), Some.Installation, Some.Request(), Some.Asking(lapsesAt), Some.Now);

    public static AgreedPlan Plan(params string[] gives) => new(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(string.Join('\n', gives)))), $"{gives.Length} things", [], gives);

    public static Decider Decider(PrincipalId? person = null, params string[] groups) =>
        new(person ?? Some.Dba, "dana", (groups.Length == 0 ? ["everyone", "dba"] : groups).ToHashSet(StringComparer.Ordinal), new HashSet<string>(), "hash");

    public static Grant Revoking() => After(Some.Active(), grant => grant.Expire(Expiry));

    public static Grant Quarantined() => After(Revoking(), grant => grant.BeginRemoval(Expiry, Lease), grant => grant.Quarantine(Receipt(null), ["something"], Expiry));

    public static RemovalReceipt Receipt(DateTimeOffset? provedAt, int sessions = 0) => new(Expiry, sessions, Expiry.AddSeconds(sessions), provedAt, Existed: true, []);

    public static Grant After(Grant grant, params Func<Grant, Result>[] steps)
    {
        foreach (var step in steps) Assert.Null(step(grant).Refusal);
        return grant;
    }

    private static (Grant Grant, DateTimeOffset Now) In(GrantStatus status) => status switch
    {
        GrantStatus.Pending => (Pending(), Some.Now),
        GrantStatus.Approved => (Some.Allowed(), Some.Now),
        GrantStatus.Provisioning => (Some.Provisioning(), Some.Now + Lease),
        GrantStatus.Active => (Some.Active(), Expiry),
        GrantStatus.Revoking => (Revoking(), Expiry),
        GrantStatus.Quarantined => (Quarantined(), Expiry.AddMinutes(1)),
        GrantStatus.Ended => (After(Revoking(), grant => grant.End(Receipt(Expiry), Expiry)), Expiry.AddMinutes(1)),
        GrantStatus.Denied => (After(Pending(), grant => grant.Deny(Decider(), "not today", Some.Now)), Some.Now),
        GrantStatus.Cancelled => (After(Pending(), grant => grant.Cancel(Some.Engineer, Some.Now)), Some.Now),
        GrantStatus.Lapsed => (After(Pending(), grant => grant.Lapse(Some.Now.AddHours(1))), Some.Now.AddHours(1)),
        GrantStatus.Failed => (After(In(AbandonedWhileMaking).Grant, grant => grant.Fail(null, Some.Now + Lease)), Some.Now + Lease),
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "A status without a way to it."),
    };
}
