using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;

namespace DbAccess.Application.Ports;

/// <summary>A temporary role to be made.</summary>
/// <param name="Expiry">When the server itself stops taking its password.</param>
/// <param name="NotAfter">The end of the caller's lease: the server's clock is past it, and nothing is made. Keeps a worker that was frozen
/// from making a role that nobody waits for.</param>
public sealed record RoleOrder(
    string Installation,
    GrantId Grant,
    DatabaseTarget Target,
    RoleName Role,
    PrivilegeScope Scope,
    DateTimeOffset Expiry,
    DateTimeOffset NotAfter)
{
    /// <summary>
    /// The hash of the plan that approvers agreed to: a role that would get anything else is not made. Null when nobody was asked.
    /// </summary>
    public string? AgreedPlan { get; init; }
}

/// <summary>How a making ended.</summary>
public abstract record RoleMaking
{
    private RoleMaking()
    {
    }

    /// <summary>
    /// The role exists, takes exactly this password, and its effective privileges were read back: what the scope says, no more and no less.
    /// </summary>
    /// <param name="Host">What the holder connects to.</param>
    /// <param name="SslMode">libpq's word.</param>
    /// <param name="Plan">What the role can do, as it was found on the databases.</param>
    public sealed record Made(uint Oid, string Host, int Port, string SslMode, PlanOnRecord Plan) : RoleMaking;

    /// <summary>
    /// It would get something else than <see cref="RoleOrder.AgreedPlan"/>. Nothing was made now; an earlier try may have.
    /// </summary>
    public sealed record Differs : RoleMaking;

    /// <summary>The name belongs to a role that is not this grant's. Nothing was touched.</summary>
    public sealed record NameTaken : RoleMaking;

    /// <summary>
    /// It cannot be made as asked, and trying again would not help: what is missing, by name, and the statement that mends it. Nothing of
    /// the role is left.
    /// </summary>
    public sealed record Impossible(Error Why) : RoleMaking;

    /// <summary>Not now (server down, full, waking, rejecting the administrator): try again. A role may or may not exist.</summary>
    public sealed record NotNow(Error Why) : RoleMaking;
}

/// <summary>How a removal ended.</summary>
public abstract record RoleRemoval
{
    private RoleRemoval()
    {
    }

    /// <summary>No role, no session, nothing owned, no privilege: read from the catalogs after the drop.</summary>
    public sealed record Gone(RemovalReceipt Receipt) : RoleRemoval;

    /// <summary>Cannot log in and has no session, but something keeps it from being dropped.</summary>
    /// <param name="Blockers">In words, each with what mends it.</param>
    public sealed record LockedOut(RemovalReceipt Receipt, IReadOnlyList<string> Blockers) : RoleRemoval;

    /// <summary>
    /// The server could not be asked: the role may still be usable (until the end that the server itself keeps). Try again.
    /// </summary>
    /// <param name="SoFar">What was found and done before it had to be given up, if anything was; not proved.</param>
    public sealed record NotNow(Error Why, RemovalReceipt? SoFar = null) : RoleRemoval;
}

/// <summary>
/// A temporary role to be removed: the one on which two of its OID (when it is known), its name and this grant's tag agree. Any other is
/// not touched.
/// </summary>
public sealed record RoleToRemove(string Installation, GrantId Grant, DatabaseTarget Target, RoleName Role, uint? Oid)
{
    /// <summary>
    /// The scope roles it was a member of, as far as the record knows. Until PostgreSQL 15 a session can act as one of them and leave
    /// things there, which are cleaned up with it. Those that it is a member of when the removal begins are found anyway; this is for a
    /// removal that is taken up again later.
    /// </summary>
    public IReadOnlyList<RoleName> ScopeRoles { get; init; } = [];

    /// <summary>
    /// When it was made, at the earliest: whoever has run nothing since then has not used it. Null when the record does not say.
    /// </summary>
    public DateTimeOffset? MadeAt { get; init; }

    /// <summary>The owner that its sessions acted as: what they ran is counted as the owner's. Null mostly.</summary>
    public string? RunAs { get; init; }

    /// <summary>
    /// The role on a grant's record. Name and number are not under its seal: a name that was never this grant's is somebody else's role,
    /// put there by whoever can write to the store, and one that nobody has takes its place. Its own role is known by its tag.
    /// </summary>
    public static RoleToRemove Of(GrantSnapshot grant, RoleName role) => new(
        grant.Installation, grant.Id, grant.Target,
        role.IsOf(grant.Installation, grant.Id) ? role : RoleName.ForGrant(grant.Installation, grant.Id, grant.Handle), grant.RoleOid)
    {
        ScopeRoles = RoleName.ForScopes(grant.Installation, grant.Scope, grant.Target),
        RunAs = grant.Scope.RunAs,
        MadeAt = grant.CreatedAt,
    };
}

/// <summary>What a role has open on its cluster's writer at one moment.</summary>
/// <param name="Transactions">How many of the sessions are in a transaction.</param>
/// <param name="IdleFor">How long the one that has done nothing in its transaction the longest has done so; null when none has, or that
/// cannot be seen.</param>
public sealed record OpenSessions(int Sessions, int Transactions, TimeSpan? IdleFor)
{
    /// <summary>How long ago the newest of its statements began; null when there was none, or that cannot be seen.</summary>
    public TimeSpan? LastStatement { get; init; }
}

/// <summary>
/// Roles on the target cluster. All methods are safe to repeat, from any point at which an earlier try was cut off, by any worker, and on
/// either side of the other. They check no permission: whoever calls has a decided grant.
/// </summary>
public interface IRoleAdministrator
{
    /// <summary>
    /// Makes the role, or, if an earlier try made it, gives it this password and expiry. The password is hashed here; the server never sees
    /// it.
    /// </summary>
    Task<RoleMaking> MakeAsync(RoleOrder order, Secret password, CancellationToken cancellationToken);

    /// <summary>
    /// Has the server keep another end for the role: its password is taken until then. Refuses when the role is not there, is not this
    /// grant's, or the server cannot be asked now. Safe to repeat.
    /// </summary>
    Task<Result> MoveEndAsync(RoleToRemove role, DateTimeOffset expiry, CancellationToken cancellationToken);

    /// <summary>
    /// Gives a role that is there this password; the one before is dead at once. Nothing else of it changes, and open sessions go on. Never
    /// makes a role, and leaves one that was locked out as it is: then, and when the server cannot be asked now, it refuses. Safe to
    /// repeat, with the same password or another. The password is hashed here; the server never sees it.
    /// </summary>
    Task<Result> SetPasswordAsync(RoleToRemove role, Secret password, CancellationToken cancellationToken);

    /// <summary>
    /// What the role has open, as it was a moment ago. A question that changes nothing; where it cannot be answered it is an exception.
    /// </summary>
    Task<OpenSessions> CountOpenAsync(RoleToRemove role, CancellationToken cancellationToken);

    /// <summary>
    /// The same of several roles of one cluster, in one question. A role that is not there (any more) is not in the answer.
    /// </summary>
    Task<IReadOnlyDictionary<GrantId, OpenSessions>> ListOpenAsync(
        ClusterName cluster, IReadOnlyList<RoleToRemove> those, CancellationToken cancellationToken);

    /// <summary>
    /// Locks the role out, ends its sessions, hands over what it owns, drops it and proves it. A role that is gone already is a success.
    /// One that is cancelled half way answers <see cref="RoleRemoval.NotNow"/> with what it had done, or is an
    /// <see cref="OperationCanceledException"/> when that was nothing.
    /// </summary>
    Task<RoleRemoval> RemoveAsync(RoleToRemove role, CancellationToken cancellationToken);
}
