namespace DbAccess.Domain.Grants;

/// <summary>Where a grant is in its life. Only <see cref="Grant"/> changes it.</summary>
public enum GrantStatus
{
    /// <summary>Asked for; approvers have not decided yet.</summary>
    Pending,

    /// <summary>Allowed, by a rule or by approvers; the role is still to be made.</summary>
    Approved,

    /// <summary>A worker is making the role, or undoing a making that failed. The role's name is on record, so a role may exist.</summary>
    Provisioning,

    /// <summary>The holder has the credentials.</summary>
    Active,

    /// <summary>Access is being taken away.</summary>
    Revoking,

    /// <summary>
    /// Cannot log in and has no session, but still owns something or cannot be dropped yet: harmless, retried for ever, visible.
    /// </summary>
    Quarantined,

    /// <summary>Over, and proved: no role, no session, nothing owned, no privilege left.</summary>
    Ended,

    /// <summary>An approver said no.</summary>
    Denied,

    /// <summary>The requester withdrew it before a role was made.</summary>
    Cancelled,

    /// <summary>Nobody decided in time.</summary>
    Lapsed,

    /// <summary>The role could not be made; proved absent.</summary>
    Failed,
}

/// <summary>Why access that was given ended.</summary>
public enum EndReason
{
    /// <summary>The clock ended it.</summary>
    Expired,

    /// <summary>Its holder gave it back.</summary>
    Returned,

    /// <summary>Someone else ended it early.</summary>
    Revoked,

    /// <summary>The policy or the person it rested on is gone.</summary>
    Superseded,
}

/// <summary>
/// Something people are still to be told; <see cref="Notice.To"/> says who. What is said is derived from the grant when it is said, never
/// stored as text.
/// </summary>
public enum NoticeKind
{
    /// <summary>Access ends soon.</summary>
    Ending,

    /// <summary>Access is over: the credentials message is removed and the holder is told.</summary>
    Ended,

    /// <summary>Access could not be given.</summary>
    Failed,

    /// <summary>Access is not there yet, for a reason that may pass; said once.</summary>
    Delayed,

    /// <summary>An approver said no.</summary>
    Denied,

    /// <summary>Nobody decided in time.</summary>
    Lapsed,

    /// <summary>What it rested on is gone, before it was decided or given.</summary>
    Withdrawn,

    /// <summary>An approver offers less.</summary>
    Offered,

    /// <summary>It would give more than was agreed to, so the approvers are asked again.</summary>
    AskedAgain,

    /// <summary>Access lasts longer.</summary>
    Extended,

    /// <summary>Access does not last longer: denied, or nobody decided.</summary>
    NotExtended,

    /// <summary>Access is there as soon as its holder has the password shown.</summary>
    Ready,

    /// <summary>Nobody had the password shown in time, and it was given back.</summary>
    NotRevealed,

    /// <summary>There is no new password, though one was asked for.</summary>
    NoPassword,

    /// <summary>Nobody has looked at what was taken in an emergency.</summary>
    ReviewLate,

    /// <summary>What was taken in an emergency was not all right.</summary>
    ReviewBad,

    /// <summary>Those who decide could not be asked where the policy says.</summary>
    CardLost,
}
