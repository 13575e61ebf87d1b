using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;

namespace DbAccess.Application.Reconciling;

/// <summary>Everything that a decision about one cluster rests on.</summary>
/// <param name="Listing">Read first.</param>
/// <param name="Known">The grants that the tags name and those that were active, read after the listing. What is not in it is not on
/// record.</param>
/// <param name="ActiveBefore">The grants on this cluster that were active already before the listing: only their roles must have been in
/// it.</param>
/// <param name="NeededScopes">The names of the scope roles that the policy or a live grant needs.</param>
/// <param name="UnneededSince">By OID: since when earlier passes found a scope role unneeded or put aside.</param>
internal sealed record ClusterState(
    ClusterName Cluster,
    string Installation,
    RoleListing Listing,
    IReadOnlyDictionary<GrantId, GrantSnapshot> Known,
    IReadOnlySet<GrantId> ActiveBefore,
    IReadOnlySet<string> NeededScopes,
    IReadOnlyDictionary<string, DatabaseName> Databases,
    IReadOnlyDictionary<uint, DateTimeOffset> UnneededSince,
    DateTimeOffset Now,
    bool Confirmed)
{
    /// <summary>By our clock, just before the listing was asked for: what was proved gone earlier than this and is in it has come
    /// back.</summary>
    public required DateTimeOffset ListedAt { get; init; }
}

/// <summary>
/// Wanted against actual on one cluster: a pure decision. Nothing live is destroyed on the word of the store alone, and nothing is dropped
/// for its name: a role is removed only when its prefix and its tag are ours, and only by its OID.
/// </summary>
internal static class Reconciliation
{
    /// <summary>Longer than any making or removal takes, so that nothing is taken for an orphan that a worker is busy with.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromMinutes(10);

    /// <summary>Two ways of writing down one instant may round differently.</summary>
    private static readonly TimeSpan AtMostOff = TimeSpan.FromMinutes(1);

    public static IReadOnlyList<Finding> Decide(ClusterState state) =>
    [
        .. state.Listing.Roles.OrderBy(role => role.Name, StringComparer.Ordinal).SelectMany(role => role.Mark switch
        {
            RoleMark.Login login => OfLogin(state, role, login),
            RoleMark.Scope scope => OfScope(state, role, scope),
            RoleMark.Escrow => OfEscrow(state, role),
            _ => OfStranger(state, role),
        }),
        .. Vanished(state),
    ];

    private static IEnumerable<Finding> OfLogin(ClusterState state, FoundRole role, RoleMark.Login tag)
    {
        if (!state.Known.TryGetValue(tag.Grant, out var grant)) return [OfUnknown(state, role, tag, "a grant that is not on record")];
        if (grant.Target.Cluster != state.Cluster)
            return [OfUnknown(state, role, tag, $"a grant of cluster {grant.Target.Cluster}; this may be a copy of that cluster")];
        if (grant.EndedAt is { } endedAt) return [OfEnded(state, role, tag, grant, endedAt)];
        if (grant.RoleOid is null && grant.Role?.Value == role.Name) return [];
        if (grant.RoleOid != role.Oid)
        {
            return
            [
                new(FindingKind.Remade, role.Name,
                    $"has the tag of {tag.Grant}, whose role is " +
                    $"{(grant.Role is null ? "not made yet" : $"{grant.Role} with OID {grant.RoleOid?.ToString() ?? "unknown"}")}; this " +
                    $"one has OID {role.Oid}: somebody made it or copied the comment",
                    null, $"Let an administrator look at it. When {tag.Grant} is over, it is removed, if its name still begins as ours do"),
            ];
        }

        List<Finding> findings = [];
        if (grant.Role!.Value != role.Name)
            findings.Add(new(FindingKind.Renamed, role.Name, $"is the role of {tag.Grant}, renamed from {grant.Role}", null,
                "It is still known by its OID and ends on time"));
        // Its next try may be an hour away, and somebody has opened the door again.
        if (grant.Status is GrantStatus.Quarantined && role.CanLogIn)
            findings.Add(
                new(FindingKind.Changed, role.Name, $"is locked out on record ({tag.Grant}) and can log in again: somebody has changed it",
                new Mending.Remove(RoleToRemove.Of(grant, grant.Role))));
        if (grant.Status is GrantStatus.Active) findings.AddRange(OfActive(state, role, tag, grant));
        return findings;
    }

    private static Finding OfEnded(
        ClusterState state, FoundRole role, RoleMark.Login tag, GrantSnapshot grant, DateTimeOffset endedAt)
    {
        // A worker may still be busy with the last proof; a role past its own end has no such excuse, nor has one that was proved gone
        // before it was listed: after a failover to an instance that had not heard of the drop it is there again, with its password.
        var left = endedAt + Grace - state.Now;
        var cameBack = grant.Receipt?.ProvedAt is { } provedAt && provedAt < state.ListedAt;
        return left > TimeSpan.Zero && !cameBack && !IsPast(state, tag)
            ? new(FindingKind.Orphan, role.Name, $"is of {tag.Grant}, which is over since {Minutes(state.Now - endedAt)}", null,
                "is left until ten minutes after that")
            : Removal(FindingKind.Orphan, state, role, tag, grant.Target, $"is of {tag.Grant}, which is over ({Word(grant)})" +
                (cameBack ? $", and came back although it was proved gone {grant.Receipt!.ProvedAt:yyyy-MM-dd HH:mm:ss} UTC" : ""));
    }

    /// <summary>Where its role can do more or less than it was given.</summary>
    private static IEnumerable<Finding> OfActive(ClusterState state, FoundRole role, RoleMark.Login tag, GrantSnapshot grant)
    {
        var scopeRoles = RoleName.ForScopes(state.Installation, grant.Scope, grant.Target).Select(name => name.Value)
            .ToHashSet(StringComparer.Ordinal);
        foreach (var link in role.MemberOf.Where(link => link.Role != grant.Scope.RunAs
            && !scopeRoles.Any(scopeRole => RoleName.IsOrAnother(link.Role, scopeRole))))
            yield return Finding.Told(FindingKind.Changed, role.Name,
                $"was made a member of {link.Role} by {link.Grantor}, which {tag.Grant} does not give",
                Revoking(link, link.Role, role.Name), $"or revoke {tag.Grant}");
        if (role.HasPowers)
            yield return Finding.Told(FindingKind.Changed, role.Name,
                $"was given a power (superuser, createrole, createdb, replication or bypassrls) that {tag.Grant} does not give",
                Powerless(role));
        foreach (var scopeRole in scopeRoles.Where(scopeRole => !role.MemberOf.Any(link => RoleName.IsOrAnother(link.Role, scopeRole))))
            yield return new(FindingKind.Changed, role.Name,
                $"is no longer a member of {scopeRole}: the holder of {tag.Grant} has lost its privileges", null,
                "Let the holder give it back and ask again");
        // What acts as an owner may need the right to connect for itself.
        if (role.GivenIn.Count > 0 && grant.Scope.RunAs is null)
            yield return new(FindingKind.Changed, role.Name,
                $"was given privileges of its own in {string.Join(", ", role.GivenIn)}, which {tag.Grant} does not give", null,
                $"They go with {tag.Grant}: revoke it to be rid of them now");
        if (role.Limits is { } limits && ((tag.End is { } end && !(limits.End <= end + AtMostOff)) || limits.Connections < 0
            || limits.Connections > grant.Scope.Connections))
        {
            yield return new(FindingKind.Changed, role.Name,
                $"may log in {(limits.End is { } until ? $"until {until:yyyy-MM-dd HH:mm} UTC" : "for ever")} and " +
                    $"{(limits.Connections < 0 ? "any number of times" : $"{limits.Connections} times")} at once by the server's own " +
                    $"limits, which is more than {tag.Grant} gives: somebody has changed it",
                null, $"{tag.Grant} ends it on time all the same. Run: ALTER ROLE {Show.Identifier(role.Name)} CONNECTION LIMIT " +
                    $"{grant.Scope.Connections}{(tag.End is { } at ? $" VALID UNTIL '{at:yyyy-MM-dd HH:mm:ss}+00'" : "")}");
        }

        if (!role.CanLogIn)
            yield return new(FindingKind.Changed, role.Name, $"cannot log in any more although {tag.Grant} is live", null,
                "Let the holder give it back and ask again");
        foreach (var link in role.Members.Where(link => link.Role != state.Listing.Administrator))
            yield return Finding.Told(FindingKind.Changed, role.Name, $"was given to {link.Role} by {link.Grantor}",
                Revoking(link, role.Name, link.Role), $"it also ends with {tag.Grant}");
    }

    /// <summary>
    /// The record does not know it, and the record may be what is wrong. Only what is over by its own tag goes without a person's word.
    /// </summary>
    private static Finding OfUnknown(ClusterState state, FoundRole role, RoleMark.Login tag, string whose)
    {
        var target = new DatabaseTarget(NameFor(state, tag.Database), state.Cluster, tag.Database);
        var what = $"has the tag of {tag.Grant}, {whose}";
        if (IsPast(state, tag))
            return Removal(FindingKind.UnknownGrant, state, role, tag, target,
                $"{what}; its own tag says that it ended {tag.End:yyyy-MM-dd HH:mm} UTC");
        if (state.Confirmed) return Removal(FindingKind.UnknownGrant, state, role, tag, target, what);

        var end = tag.End is { } at
            ? $"It is removed when its own tag says, {at:yyyy-MM-dd HH:mm} UTC, or now with `sweep --reconcile --confirm`"
            : "Its tag says no end; `sweep --reconcile --confirm` removes it";
        return new(FindingKind.UnknownGrant, role.Name, what, null, $"If the store was lost or restored, put it right first. {end}");
    }

    private static Finding Removal(
            FindingKind kind, ClusterState state, FoundRole role, RoleMark.Login tag, DatabaseTarget target, string what)
    {
        // Anybody who may comment on a role can put our tag on one of theirs. That must not make us remove it.
        if (!role.HasPrefix || RoleName.Parse(role.Name) is not { } name)
            return new(kind, role.Name, what, null,
                "Its name is not one of ours, so it is left alone: if it is a role of ours that was renamed, run DROP ROLE " +
                $"{Show.Identifier(role.Name)}; if the comment was copied, take it away");
        return new(kind, role.Name, what, new Mending.Remove(new RoleToRemove(state.Installation, tag.Grant, target, name, role.Oid)));
    }

    private static IEnumerable<Finding> OfScope(ClusterState state, FoundRole role, RoleMark.Scope tag)
    {
        var name = ScopeNameOf(state.Installation, tag);
        var isAside = RoleName.IsAside(role.Name, out var before);
        if (name is null || !RoleName.IsOrAnother(before, name))
            return [new(FindingKind.LookAlike, role.Name,
                $"has the tag of our scope role {name ?? "(unreadable)"} under another name: it was renamed, or the comment copied", null,
                "It is left alone: drop it or take its comment away")];

        var findings = OfPowerless(state, role, "scope role", mayOwn: false).ToList();
        // A live grant's role keeps it, whatever the policy says by now.
        // One whose drop was cut off half way is dropped to the end; whoever became its member meanwhile gets another of its name.
        var ours = OurRoles(state);
        var strays = Strays(state, role, ours).Any();
        if (role.OwnsIn.Count + role.DefaultsIn.Count > 0 || (!isAside && role.Members.Any(link => ours.Contains(link.Oid))))
            return findings;

        var (kind, what, mend) = isAside
            ? (FindingKind.Unneeded, $"is what is left of {name} after a drop that was cut off", new Mending.DropScope(role))
            : Unused(state, role, name, tag, strays, ours);
        if (mend is null) return findings;

        var since = state.UnneededSince.TryGetValue(role.Oid, out var first) ? first : state.Now;
        var act = state.Confirmed || state.Now - since >= Grace;
        findings.Add(new(kind, role.Name, what, act ? mend : null, act ? null : "It is left until it has been so for ten minutes"));
        return findings;
    }

    /// <summary>
    /// A scope role that nobody of ours is a member of. In others' hands it has nothing to have: what it was given is taken back even where
    /// their memberships are not ours to take; who asks for the scope gets another. One that was used in its place goes when the
    /// first can be used again.
    /// </summary>
    private static (FindingKind Kind, string What, Mending? Mend) Unused(
        ClusterState state, FoundRole role, string name, RoleMark.Scope tag, bool strays, IReadOnlySet<uint> ours)
    {
        var needed = state.NeededScopes.Contains(name);
        if (strays)
            return (FindingKind.PutAside, "is a scope role in others' hands and has what it was given", role.HasPrivileges
                ? new Mending.Strip(role) : null);
        if (!needed)
            return (FindingKind.Unneeded, $"is a scope role ({tag.Name} on {tag.Database}) that no policy and no live grant needs",
                new Mending.DropScope(role));

        return (FindingKind.PutAside, $"was used in the place of {name}, which can be used again", role.Name != name
            && state.Listing.Roles.Any(other => other.Name == name && other.Mark == role.Mark && IsSound(state, other, ours))
                ? new Mending.DropScope(role) : null);
    }

    /// <summary>As far as a listing shows.</summary>
    private static bool IsSound(ClusterState state, FoundRole role, IReadOnlySet<uint> ours) =>
        !role.CanLogIn && !role.HasPowers && role.MemberOf.Count + role.OwnsIn.Count + role.DefaultsIn.Count == 0
            && !Strays(state, role, ours).Any();

    private static IEnumerable<Finding> OfEscrow(ClusterState state, FoundRole role) =>
        role.Name == RoleName.ForEscrow(state.Installation).Value
            ? OfPowerless(state, role, "escrow role", mayOwn: true)
            : [new(FindingKind.LookAlike, role.Name,
                "has the tag of our escrow role under another name: it was renamed, or the comment copied", null,
                "It is left alone: drop it or take its comment away")];

    /// <summary>
    /// What a role that nobody logs in as must not have. Login and stray members are taken back; what might be somebody's work is only
    /// told.
    /// </summary>
    private static IEnumerable<Finding> OfPowerless(ClusterState state, FoundRole role, string kind, bool mayOwn)
    {
        if (role.CanLogIn)
            yield return new(FindingKind.CanLogIn, role.Name,
                $"is a {kind} and can log in{(role.HasPassword is true ? ", with a password" : "")}", new Mending.Lock(role));
        else if (role.HasPassword is true)
            yield return new(FindingKind.CanLogIn, role.Name, $"is a {kind} and has a password", new Mending.Lock(role));
        if (role.HasPowers)
            yield return Finding.Told(FindingKind.TooMuch, role.Name,
                $"is a {kind} with a power (superuser, createrole, createdb, replication or bypassrls)", Powerless(role));
        if (role.DefaultsIn.Count > 0)
            yield return new(FindingKind.TooMuch, role.Name,
                $"is a {kind} with default privileges of its own in {string.Join(", ", role.DefaultsIn)}: one of its members has set " +
                "them, and what it made would be others', too", new Mending.ForgetDefaults(role));
        if (!mayOwn && role.OwnsIn.Count > 0)
            yield return new(FindingKind.TooMuch, role.Name, $"is a {kind} and owns something in {string.Join(", ", role.OwnsIn)}", null,
                $"Let a superuser decide whose it is to be and run there: REASSIGN OWNED BY {Show.Identifier(role.Name)} TO " +
                "CURRENT_USER, or, instead of CURRENT_USER, that role");

        var ours = OurRoles(state);
        foreach (var link in role.MemberOf.Where(link => !(mayOwn && ours.Contains(link.Oid))))
            yield return Finding.Told(FindingKind.TooMuch, role.Name,
                $"is a {kind} and was made a member of {link.Role} by {link.Grantor}: every member of it has that too",
                Revoking(link, link.Role, role.Name));
        foreach (var link in Strays(state, role, ours))
            yield return new(FindingKind.StrayMember, role.Name, $"is a {kind} and was given to {link.Role} by {link.Grantor}",
                new Mending.RevokeMembership(role, link));
    }

    private static Remedy Revoking(RoleLink link, string role, string member) =>
        new($"{link.Grantor} or a superuser", "", RoleLink.Revoke(role, member, link.Grantor));

    private static Remedy Powerless(FoundRole role) => new("a superuser", "",
        $"ALTER ROLE {Show.Identifier(role.Name)} NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS");

    /// <summary>
    /// A live grant's role is known by its OID: renamed, or without its tag, it is told of and keeps what its holder was given.
    /// </summary>
    private static HashSet<uint> OurRoles(ClusterState state) =>
        state.Listing.Roles.Where(other => other.Mark is RoleMark.Login && other.HasPrefix).Select(other => other.Oid)
            .Concat(state.Known.Values.Where(grant => grant.EndedAt is null && grant.Target.Cluster == state.Cluster)
                .Select(grant => grant.RoleOid).OfType<uint>()).ToHashSet();

    private static IEnumerable<RoleLink> Strays(ClusterState state, FoundRole role, IReadOnlySet<uint> ours) =>
        role.Members.Where(link => link.Role != state.Listing.Administrator && !ours.Contains(link.Oid));

    private static IEnumerable<Finding> OfStranger(ClusterState state, FoundRole role)
    {
        if (state.Known.Values.FirstOrDefault(
            grant => grant.RoleOid == role.Oid && grant.EndedAt is null && grant.Target.Cluster == state.Cluster) is { } grant)
        {
            // A removal knows it by two of OID, name, tag and scope role.
            var scopeRoles = RoleName.ForScopes(state.Installation, grant.Scope, grant.Target).Select(name => name.Value).ToList();
            var known = role.Name == grant.Role?.Value
                || role.MemberOf.Any(link => scopeRoles.Any(scopeRole => RoleName.IsOrAnother(link.Role, scopeRole)));
            return
            [
                new(FindingKind.Renamed, role.Name,
                    $"is the role of {grant.Id} by its OID, and its tag was taken away or " +
                    $"replaced{(known ? "" : ": it cannot be removed on time like this")}",
                    null, known ? "It is still known and ends on time"
                        : $"Run: COMMENT ON ROLE {Show.Identifier(role.Name)} IS with the text of another role's tag, grant {grant.Id}; " +
                        "or drop it by hand"),
            ];
        }

        return role switch
        {
            { HasPrefix: true, Mark: RoleMark.Foreign { Installation: var other } } =>
                [new(FindingKind.LookAlike, role.Name,
                    $"is named like a role of this installation and has the tag of installation '{other}'", null, "It is left alone")],
            { Mark: RoleMark.Unreadable } =>
                [new(FindingKind.LookAlike, role.Name, "has a comment that begins like a tag of ours and cannot be read", null,
                    "It is left alone: drop it, or take its comment away")],
            { HasPrefix: true, Mark: RoleMark.None } =>
                [new(FindingKind.LookAlike, role.Name, "is named like a role of ours and has no tag", null,
                    "It is left alone: drop it if nobody needs it")],
            // Other installations' roles are theirs.
            _ => [],
        };
    }

    private static IEnumerable<Finding> Vanished(ClusterState state)
    {
        var there = state.Listing.Roles.Select(role => role.Oid).ToHashSet();
        var gone = state.Known.Values
            .Where(grant => grant.Status is GrantStatus.Active && grant.RoleOid is not null && state.ActiveBefore.Contains(grant.Id)
                && grant.Target.Cluster == state.Cluster && !there.Contains(grant.RoleOid.Value))
            .OrderBy(grant => grant.Id.ToString(), StringComparer.Ordinal).ToList();
        if (gone.Count == 0) yield break;

        // A role was made there once, so at least its scope role should be. A server that knows nothing of us is another server, and the
        // roles may be alive on the right one.
        if (!state.Confirmed && state.Listing.Roles.All(role => role.Mark is not (RoleMark.Login or RoleMark.Scope or RoleMark.Escrow)))
        {
            yield return new(FindingKind.Replaced, "",
                $"has {gone.Count} live grants on record and not one role of this installation: another server answers, or it was restored",
                null, "Check the administrator credentials. If it is right, `sweep --reconcile --confirm` ends these grants; the clock " +
                    "ends them anyway");
            yield break;
        }
        foreach (var grant in gone)
            yield return new(FindingKind.Vanished, grant.Role!.Value,
                $"was the role of {grant.Id}, which is live, and is not there any more",
                new Mending.Supersede(grant.Id, $"its role {grant.Role} vanished from cluster {state.Cluster}"));
    }

    /// <summary>By the server's clock, which is the one that lets a role in or not.</summary>
    private static bool IsPast(ClusterState state, RoleMark.Login tag) => tag.End is { } end && end <= state.Listing.ServerNow;

    private static string? ScopeNameOf(string installation, RoleMark.Scope tag) =>
        tag.Fingerprint.Length >= 12 ? RoleName.ForScope(installation, tag.Name, tag.Fingerprint).Value : null;

    private static DatabaseName NameFor(ClusterState state, string database) =>
        state.Databases.TryGetValue(database, out var name) ? name : DatabaseName.Parse(database) ?? DatabaseName.Parse("unknown")!;

    private static string Word(GrantSnapshot grant) => grant.Status.ToString().ToLowerInvariant();

    private static string Minutes(TimeSpan time) => time < TimeSpan.FromMinutes(1) ? "less than a minute" : $"{(int)time.TotalMinutes} min";
}
