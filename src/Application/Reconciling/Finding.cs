using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Reconciling;

/// <summary>What is not as it should be.</summary>
public enum FindingKind
{
    /// <summary>A temporary role whose grant is over.</summary>
    Orphan,

    /// <summary>A temporary role with our tag whose grant is not on record: the record was lost or restored, or the tag is false.</summary>
    UnknownGrant,

    /// <summary>A role with the tag of a live grant that is not the role on record.</summary>
    Remade,

    /// <summary>The role on record under another name, or without its tag.</summary>
    Renamed,

    /// <summary>The role of a live grant can do more or less than it was given.</summary>
    Changed,

    /// <summary>A live grant without a role.</summary>
    Vanished,

    /// <summary>Nothing of ours is there although grants are live: another server answers under this name.</summary>
    Replaced,

    /// <summary>A scope or escrow role that can log in or has a password.</summary>
    CanLogIn,

    /// <summary>A scope or escrow role with a power that no scope gives, something of its own, or memberships.</summary>
    TooMuch,

    /// <summary>A member of a scope or escrow role that is none of our temporary roles.</summary>
    StrayMember,

    /// <summary>
    /// A scope role that gives more or less than its scope means now: somebody granted or revoked by hand, or tables came and went.
    /// </summary>
    Drifted,

    /// <summary>A scope role that no policy and no live grant needs.</summary>
    Unneeded,

    /// <summary>A scope role in whose place another is used, or will be: it is in others' hands, or was, and nobody of ours needs it.
    /// </summary>
    PutAside,

    /// <summary>A name like ours without our tag.</summary>
    LookAlike,

    /// <summary>The cluster could not be asked.</summary>
    Unlisted,
}

/// <summary>What can be done about a finding.</summary>
internal abstract record Mending
{
    private Mending()
    {
    }

    public sealed record Remove(RoleToRemove Role) : Mending;

    public sealed record Supersede(GrantId Grant, string Why) : Mending;

    public sealed record Lock(FoundRole Role) : Mending;

    public sealed record RevokeMembership(FoundRole Role, RoleLink Member) : Mending;

    public sealed record ForgetDefaults(FoundRole Role) : Mending;

    public sealed record DropScope(FoundRole Role) : Mending;

    /// <summary>Whoever else is a member of it.</summary>
    public sealed record Strip(FoundRole Role) : Mending;
}

/// <summary>
/// One finding, in words; <paramref name="Mend"/> is null when it is only reported, and <paramref name="Instead"/> then says what a person
/// does.
/// </summary>
internal sealed record Finding(FindingKind Kind, string Role, string What, Mending? Mend, string? Instead = null)
{
    /// <summary>The statements of <see cref="Instead"/> by themselves; null where it is something else that a person does.</summary>
    public Remedy? Remedy { get; private init; }

    /// <summary>One that a person mends by statements, and what else there is to it.</summary>
    public static Finding Told(FindingKind kind, string role, string what, Remedy remedy, string also = "") =>
        new(kind, role, what, null, also.Length == 0 ? remedy.ToString().TrimEnd(';') : $"{remedy} {also}") { Remedy = remedy };
}
