using DbAccess.Application.Ports;
using DbAccess.Domain;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>Why a scope role is not to be used as it is; another takes its place.</summary>
internal sealed record ScopeFault(Error Error)
{
    /// <summary>Null when the scope role is as we made it, or not there.</summary>
    public static ScopeFault? Of(RolePreparation state, ScopePart part) => state.ScopeOid is null ? null
        : state.ScopeTag != part.Tag ? ScopeWords.NotOurs(state, part)
        : state.ScopeIsMore ? ScopeWords.TooStrong(state)
        : state.MemberOf.Length > 0
            ? ScopeWords.IsMember(state, [.. state.MemberOf.Zip(state.MemberBy, (role, by) => new RoleLink(0, role, by))], part)
        : state.OthersHands.Length > 0 ? ScopeWords.InOthersHands(state)
        : !state.MayHandOn ? ScopeWords.NotToHandOn(state)
        : null;
}

/// <summary>What is said of scope roles, each with what mends it.</summary>
internal static class ScopeWords
{
    private const int MostInWords = 20;

    /// <summary>How <see cref="ScopeStatements.Differences"/> says that something is in another database.</summary>
    private const string DropOwned = "DROP OWNED BY";

    private const string Superuser = "a superuser";

    public static ScopeFault NotOurs(RolePreparation state, ScopePart part) => new(new Error("postgres.scope_role_taken",
        $"The role {state.ScopeIdent} has the name of our scope role for {part.Scope.Name}, but not our comment: somebody else made or " +
        "changed it. Let an administrator look at it, and drop it if nobody needs it."));

    public static ScopeFault TooStrong(RolePreparation state) => new(Error.MendedBy("postgres.scope_role_changed",
        $"Somebody gave the scope role {state.ScopeIdent} more than a scope may have.", new Remedy(Superuser, "",
            $"ALTER ROLE {state.ScopeIdent} NOLOGIN NOSUPERUSER NOCREATEROLE NOCREATEDB NOREPLICATION NOBYPASSRLS")));

    public static ScopeFault IsMember(RolePreparation state, IReadOnlyCollection<RoleLink> of, ScopePart part) => new(Error.MendedBy(
        "postgres.scope_role_changed",
        $"Somebody made the scope role {state.ScopeIdent} a member of " +
        $"{string.Join(", ", of.Select(link => link.Role).Distinct(StringComparer.Ordinal))}.",
        new Remedy(Superuser, "", [.. of.Select(link => RoleLink.Revoke(link.Role, part.Role, link.Grantor))])));

    public static ScopeFault InOthersHands(RolePreparation state) => new(new Error("postgres.scope_role_shared",
        $"The scope role {state.ScopeIdent} is not ours alone: {string.Join(", ", state.OthersHands)} is a member of it, or may make " +
        "others so, and could get at whatever it has. Let an administrator look at who that is, and take it back or drop the role."));

    public static ScopeFault NotToHandOn(RolePreparation state) => new(new Error("postgres.scope_role_shared",
        $"The administrator may not hand on the scope role {state.ScopeIdent}: another made it. Let an administrator drop it when it " +
        "has no members any more."));

    /// <summary>
    /// Why the differences cannot be mended by us, with the statements that do: a refusal where the scope cannot be given here, a fault
    /// where it can by another scope role. Null when they can.
    /// </summary>
    public static (Error? Refusal, ScopeFault? Fault) CannotMend(
            IReadOnlyCollection<ScopeDifference> differences, ScopePart part, string scopeIdent, string administrator)
    {
        var absent = differences.Where(d => d.What == "absent").Select(d => d.Ident).ToList();
        if (absent.Count > 0)
        {
            return (new Error("postgres.missing_object",
                $"Database {part.Place} has no {Some(absent)}, which scope {part.Scope.Name} names. Create it there or mend the scope in " +
                    "the policy file."), null);
        }

        if (differences.FirstOrDefault(d => d.What == "many") is { } many)
        {
            return (new Error("postgres.too_many_schemas",
                $"Database {part.Place} has {many.Ident}, and a rule of scope {part.Scope.Name} may be for " +
                    $"{ScopeStatements.MostSchemas} at most. Name fewer of them in the policy file."), null);
        }

        var ungrantable = differences.Where(d => d.What == "missing" && !d.CanChange).ToList();
        if (ungrantable.Count > 0) return (CannotGrant(ungrantable, administrator), null);

        var stuck = differences.Where(d => d.What is "spurious" or "grantable" or "default-spurious" && !d.CanChange).ToList();
        if (stuck.Count > 0)
        {
            return (null, new ScopeFault(Error.MendedBy("postgres.spurious_privilege",
                $"The scope role {scopeIdent} has more than scope {part.Scope.Name} says, and the administrator {administrator} cannot " +
                    "take it back: "
                + $"{Some(stuck.Select(d => $"{d.Privilege!.ToLowerInvariant()} on {Thing(d)} (given by {d.Grantor ?? d.Owner})"))}.",
                Revoking(stuck, scopeIdent))));
        }

        var owned = differences.Where(d => d.What == "owned").Select(d => d.Ident).ToList();
        if (owned.Count > 0)
        {
            var remedy = new Remedy(Superuser, "there", $"REASSIGN OWNED BY {scopeIdent} TO CURRENT_USER");
            return (null, new ScopeFault(new Error("postgres.spurious_privilege",
                $"The scope role {scopeIdent} owns {Some(owned)}, with which each of its members could do whatever an owner can. Let " +
                    $"{remedy.Who} decide whose it is to be and run {remedy.Where}: {remedy.Script} or, instead of CURRENT_USER, that " +
                    "role.") { Remedy = remedy }));
        }

        var foreign = differences.Where(d => d.What == "foreign").ToList();
        return foreign.Count == 0 ? (null, null) : (null, new ScopeFault(Foreign(foreign, scopeIdent)));
    }

    private static Error CannotGrant(List<ScopeDifference> ungrantable, string administrator)
    {
        var lines = ungrantable.Select(d => $"{d.Privilege!.ToLowerInvariant()} on {Thing(d)} (owner {d.Owner})");
        // To be a member of an owner is to have all that it has; for a superuser's table that would make us one.
        var owners = ungrantable.Where(d => !d.OwnerIsPowerful).Select(d => d.Mend!).Distinct(StringComparer.Ordinal).ToList();
        var byObject = ScopeChanges.For([.. ungrantable.Where(d => d.OwnerIsPowerful)], Show.Identifier(administrator))
            .Select(statement => $"{statement} WITH GRANT OPTION");
        List<string> mend = [.. owners, .. byObject];
        var remedy = new Remedy(owners.Count == 0 ? "a superuser or that owner" : Superuser, "", mend);
        return new Error("postgres.cannot_grant",
            $"The administrator {administrator} cannot give {Some(lines)}. To mend it, let {remedy.Who} run: {remedy.Script}")
        {
            Remedy = remedy,
        };
    }

    /// <summary>What a privilege's grantor gave only they can take back, or a superuser as they.</summary>
    private static Remedy Revoking(List<ScopeDifference> stuck, string scopeIdent)
    {
        var groups = stuck.GroupBy(d => d.Grantor ?? d.Owner!, StringComparer.Ordinal)
            .Select(group =>
                (By: group.Key,
                Statements: group.Take(MostInWords).Select(d => d.What.StartsWith("default", StringComparison.Ordinal)
                ? ScopeChanges.DefaultStatement(d, scopeIdent) : ScopeChanges.Statement("REVOKE", [d], scopeIdent)))).ToList();
        return groups is [var only]
            ? new Remedy(only.By, "", [.. only.Statements])
            : new Remedy(Superuser, "",
                [.. groups.SelectMany(group => group.Statements.Prepend($"SET ROLE {Show.Identifier(group.By)}")), "RESET ROLE"]);
    }

    /// <summary>
    /// A copy of a database has the privileges of the original, given by nobody; there everything that the role has goes at once.
    /// </summary>
    private static Error Foreign(List<ScopeDifference> foreign, string scopeIdent)
    {
        var (copied, here) =
            (foreign.Where(d => d.Mend == DropOwned).ToList(), foreign.Where(d => d.Mend is not null and not DropOwned).ToList());
        var (there, byHand) = (copied.Count == 0 ? null : new Remedy(Superuser, "there", $"{DropOwned} {scopeIdent}"),
            here.Count == 0 ? null : new Remedy(Superuser, "", [.. here.Take(MostInWords).Select(d => $"{d.Mend} FROM {scopeIdent}")]));
        var copy = there is null
            ? "" : " (nobody need have given it: a database made from another as its template has what the other has). There, " +
            $"{there.Who} runs: {there.Script} (which also drops what the role owns there, if anything; what it loses of its own scope " +
            "it gets back by itself)";
        return new Error("postgres.spurious_privilege",
            $"The scope role {scopeIdent} has a privilege that no scope gives, on {Some(foreign.Select(d => d.Ident))}. Let whoever gave " +
                $"it take it back{copy}.{(byHand is null ? "" : $" {byHand}")}")
        {
            Remedy = byHand ?? there,
        };
    }

    public static string InWords(ScopeDifference difference) => difference.What switch
    {
        "missing" or "default-missing" => $"{difference.Privilege?.ToLowerInvariant()} on {Thing(difference)} is missing",
        "absent" => $"{difference.Ident} is not there",
        "grantable" => $"{difference.Privilege?.ToLowerInvariant()} on {Thing(difference)} may be handed on",
        "foreign" => $"something that no scope gives, on {difference.Ident}",
        "owned" => $"{difference.Ident} is its own",
        "beside" => $"{difference.Ident} is no part of it",
        _ => $"{difference.Privilege?.ToLowerInvariant()} on {Thing(difference)} is too " +
            $"much{(difference.Grantor is null ? "" : $" (given by {difference.Grantor})")}",
    };

    /// <summary>What the server left as it was although it took our statements.</summary>
    public static (Error? Refusal, ScopeFault? Fault) NotTaken(
            IReadOnlyCollection<ScopeDifference> left, ScopePart part, string scopeIdent, string administrator)
    {
        var (why, fault) = CannotMend([.. left.Select(d => d with { CanChange = false })], part, scopeIdent, administrator);
        return why is not null || fault is not null ? (why, fault) : (new Error("postgres.cannot_grant",
            $"The server took our statements and gave nothing: {Some(left.Select(d => $"{d.What} {d.Privilege} on {Thing(d)}"))}."), null);
    }

    /// <summary>Several differences, and how many more.</summary>
    public static List<string> InWords(IReadOnlyCollection<ScopeDifference> differences) =>
    [
        .. differences.Take(MostInWords).Select(InWords),
        .. differences.Count > MostInWords ? (string[])[$"and {differences.Count - MostInWords} more"] : [],
    ];

    /// <summary>What others gave, which stays.</summary>
    public static Error GivenByOthers(RolePreparation state, IReadOnlyCollection<ScopeDifference> given) => new("postgres.given_by_others",
        $"Others have to do with the scope role {state.ScopeIdent} by things of their own, which only they can take back and which keep " +
        $"nobody out: {Some(given.Select(InWords))}.");

    private static string Thing(ScopeDifference d) => d.Kind switch
    {
        "column" => $"column {d.Column} of table {d.Ident}",
        "r" or "S" or "f" or "T" or "n" or "L" =>
            $"everything made later in {(d.Ident == ScopeDifference.Unnamed ? "any schema" : d.Ident)}",
        _ => $"{d.Kind} {d.Ident}",
    };

    /// <summary>The first few, and how many more.</summary>
    private static string Some(IEnumerable<string> things)
    {
        var all = things.Distinct(StringComparer.Ordinal).ToList();
        return all.Count <= 5 ? string.Join("; ", all) : $"{string.Join("; ", all.Take(5))} and {all.Count - 5} more";
    }
}
