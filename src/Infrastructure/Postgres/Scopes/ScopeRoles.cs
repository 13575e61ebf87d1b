using System.Collections.Concurrent;
using System.Globalization;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Roles;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Making;
using DbAccess.Infrastructure.Postgres.Removing;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>One difference between what a scope role should have and what it has. Names are quoted by the server.</summary>
/// <param name="OwnerIsPowerful">A superuser, one of PostgreSQL's own roles, or of the cloud's.</param>
/// <param name="What">missing, spurious, grantable (wanted, but may be handed on), absent (no such object), default-missing,
/// default-spurious, foreign, owned.</param>
internal sealed record ScopeDifference(string What, string Kind, string Ident, string? Column, string? Privilege, string? Owner,
    bool CanChange, string? Grantor, bool OwnerIsPowerful)
{
    /// <summary>Of what is foreign: the statement that takes it back, but for the scope role's name at its end.</summary>
    public string? Mend { get; init; }
}

/// <summary>
/// Keeps scope roles in line with their scope. Privileges hang on them and temporary roles are only their members: direct grants to
/// temporary roles clash with each other and with everybody's DDL, and fill the tables' ACLs.
/// </summary>
internal sealed class ScopeRoles(TimeProvider clock, ILogger logger)
{
    /// <summary>
    /// How long a mark may stand for a full comparison. What it does not see, such as the administrator becoming a member of another owner,
    /// is seen then.
    /// </summary>
    private static readonly TimeSpan MarkLifetime = TimeSpan.FromMinutes(1);

    /// <summary>So many differing rows of <c>pg_class</c> take a millisecond to sum up.</summary>
    private const int ManyRows = 4000;

    private readonly ScopeMending _mending = new(clock, logger);

    /// <summary>By cluster and scope role: the mark at which nothing differed, when that was, and what the role gives.</summary>
    private readonly ConcurrentDictionary<(ClusterName, string), (string Mark, long At, PlanOnRecord Plan)> _inLine = new();

    private const int MostInWords = 20;

    /// <summary>How <see cref="MakingStatements.Differences"/> says that something is in another database.</summary>
    private const string DropOwned = "DROP OWNED BY";

    /// <summary>Of default privileges that are for no schema alone.</summary>
    private const string Unnamed = "(unnamed)";

    private static readonly Dictionary<ObjectKind, Privilege[]> Supported = new()
    {
        [ObjectKind.Table] = [Privilege.Select, Privilege.Insert, Privilege.Update, Privilege.Delete, Privilege.Truncate,
            Privilege.References, Privilege.Trigger, Privilege.Maintain],
        [ObjectKind.Sequence] = [Privilege.Usage, Privilege.Select, Privilege.Update],
        [ObjectKind.Function] = [Privilege.Execute],
        [ObjectKind.Schema] = [Privilege.Usage],
        [ObjectKind.View] = [Privilege.Select, Privilege.Insert, Privilege.Update, Privilege.Delete, Privilege.Truncate,
            Privilege.References, Privilege.Trigger, Privilege.Maintain],
    };

    private static readonly Privilege[] OnColumns = [Privilege.Select, Privilege.Insert, Privilege.Update, Privilege.References];

    /// <summary>The scope roles that an order's role is a member of, one for each of its databases, the first one's first.</summary>
    public static IReadOnlyList<RoleName> NamesFor(RoleOrder order) => RoleName.ForScopes(order.Installation, order.Scope, order.Target);

    /// <summary>What no server could give, or this version could not. Null when the scope can be asked for.</summary>
    public static Error? Unsupported(PrivilegeScope scope, int major)
    {
        foreach (var rule in scope.Privileges)
        {
            var allowed = rule.Columns.Count > 0 ? OnColumns : Supported[rule.On.Kind];
            if (rule.Columns.Count > 0 && rule.On.Kind is not (ObjectKind.Table or ObjectKind.View))
                return new Error(
                    "postgres.unsupported", $"Scope {scope.Name} names columns of something that is neither a table nor a view ({rule}).");
            if (rule.Allow.FirstOrDefault(p => !allowed.Contains(p), (Privilege)(-1)) is var bad && bad != (Privilege)(-1))
                return new Error("postgres.unsupported",
                    $"Scope {scope.Name} asks for {Word(bad)} on {rule.On}{(rule.Columns.Count > 0 ? " by column" : "")}, which " +
                    "PostgreSQL does not have.");
            if (major < 17 && rule.Allow.Contains(Privilege.Maintain))
                return new Error("postgres.unsupported",
                    $"Scope {scope.Name} asks for maintain on {rule.On}, which PostgreSQL has from version 17 on; this server is {major}.");
        }
        return null;
    }

    public static async Task<List<ScopeDifference>> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        List<ScopeDifference> differences = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            differences.Add(new ScopeDifference(
                reader.GetString(0), reader.GetString(1), Text(reader, 2) ?? Unnamed, Text(reader, 3), Text(reader, 4), Text(reader, 5),
                    !reader.IsDBNull(6) && reader.GetBoolean(6), Text(reader, 7),
                !reader.IsDBNull(8) && reader.GetBoolean(8)) { Mend = Text(reader, 9) });
        }
        return differences;
    }

    /// <summary>Why the differences cannot be mended by us, with the statements that do. Null when they can.</summary>
    public static Error? CannotMend(List<ScopeDifference> differences, ScopePart part, string scopeIdent, string administrator)
    {
        var absent = differences.Where(d => d.What == "absent").Select(d => d.Ident).ToList();
        if (absent.Count > 0)
        {
            return new Error("postgres.missing_object",
                $"Database {part.Place} has no {Some(absent)}, which scope {part.Scope.Name} names. Create it there or mend the scope in " +
                    "the policy file.");
        }

        var ungrantable = differences.Where(d => d.What == "missing" && !d.CanChange).ToList();
        if (ungrantable.Count > 0)
        {
            var lines = ungrantable.Select(d => $"{d.Privilege!.ToLowerInvariant()} on {Thing(d)} (owner {d.Owner})");
            // To be a member of an owner is to have all that it has; for a superuser's table that would make us one.
            var owners = ungrantable.Where(d => !d.OwnerIsPowerful).Select(d => Show.Identifier(d.Owner!)).Distinct(StringComparer.Ordinal)
                .ToList();
            var byObject = StatementsFor([.. ungrantable.Where(d => d.OwnerIsPowerful)], Show.Identifier(administrator))
                .Select(statement => $"{statement} WITH GRANT OPTION");
            List<string> mend = [.. owners.Count == 0
                ? (string[])[] : [$"GRANT {string.Join(", ", owners)} TO {Show.Identifier(administrator)}"], .. byObject];
            return new Error("postgres.cannot_grant",
                $"The administrator {administrator} cannot give {Some(lines)}. To mend it, let a " +
                    $"superuser{(owners.Count == 0 ? " or that owner" : "")} run: {string.Join("; ", mend)};");
        }

        var stuck = differences.Where(d => d.What is "spurious" or "grantable" or "default-spurious" && !d.CanChange).ToList();
        if (stuck.Count > 0)
        {
            return new Error("postgres.spurious_privilege",
                $"The scope role {scopeIdent} has more than scope {part.Scope.Name} says, and the administrator {administrator} cannot " +
                    "take it back: "
                + $"{Some(stuck.Select(d => $"{d.Privilege!.ToLowerInvariant()} on {Thing(d)} (given by {d.Grantor ?? d.Owner})"))}. "
                + TakenBackBy(stuck, scopeIdent));
        }

        var owned = differences.Where(d => d.What == "owned").Select(d => d.Ident).ToList();
        if (owned.Count > 0)
        {
            return new Error("postgres.spurious_privilege",
                $"The scope role {scopeIdent} owns {Some(owned)}, with which each of its members could do whatever an owner can. Let a " +
                    $"superuser decide whose it is to be and run there: REASSIGN OWNED BY {scopeIdent} TO CURRENT_USER; or, instead of " +
                    "CURRENT_USER, that role.");
        }

        var foreign = differences.Where(d => d.What == "foreign").ToList();
        return foreign.Count == 0
            ? null
            : new Error("postgres.spurious_privilege",
                $"The scope role {scopeIdent} has a privilege that no scope gives, on {Some(foreign.Select(d => d.Ident))}. Let whoever " +
                    $"gave it take it back{ForeignBy(foreign, scopeIdent)}");
    }

    /// <summary>What a privilege's grantor gave only they can take back, or a superuser as they.</summary>
    private static string TakenBackBy(List<ScopeDifference> stuck, string scopeIdent)
    {
        var groups = stuck.GroupBy(d => d.Grantor ?? d.Owner!, StringComparer.Ordinal)
            .Select(group =>
                (By: group.Key,
                Statements: string.Join("; ", group.Take(MostInWords).Select(d => d.What.StartsWith("default", StringComparison.Ordinal)
                ? DefaultStatement(d, scopeIdent) : Statement("REVOKE", [d], scopeIdent))))).ToList();
        return groups is [var only]
            ? $"Let {only.By} run: {only.Statements};"
            : "Let a superuser run: " +
                $"{string.Join(" ", groups.Select(group => $"SET ROLE {Show.Identifier(group.By)}; {group.Statements};"))} RESET ROLE;";
    }

    /// <summary>
    /// A copy of a database has the privileges of the original, given by nobody; there everything that the role has goes at once.
    /// </summary>
    private static string ForeignBy(List<ScopeDifference> foreign, string scopeIdent)
    {
        var (copied, here) =
            (foreign.Where(d => d.Mend == DropOwned).ToList(), foreign.Where(d => d.Mend is not null and not DropOwned).ToList());
        var copy = copied.Count == 0
            ? "" : " (nobody need have given it: a database made from another as its template has what the other has). There, a " +
            $"superuser runs: {DropOwned} {scopeIdent}; (which also drops what the role owns there, if anything; what it loses of its " +
            "own scope it gets back by itself)";
        return here.Count == 0 ? $"{copy}."
            : $"{copy}. Let a superuser run: {string.Join("; ", here.Take(MostInWords).Select(d => $"{d.Mend} FROM {scopeIdent}"))};";
    }

    /// <summary>
    /// Sees to it that the scope role gives what the scope says, no more and no less. Answers why it cannot be, or what it gives now.
    /// Writes nothing when nothing differs.
    /// </summary>
    /// <param name="onlyLook">Only find out whether it could be done; the answer on success is then null.</param>
    public async Task<(Error? Why, PlanOnRecord? Plan)> EnsureAsync(
        ClusterConnection cluster, RoleLook look, RolePreparation state, string mark, CancellationToken cancellationToken,
            bool onlyLook = false)
    {
        var part = look.Part;
        if (state.ScopeFault(part) is { } fault) return (fault, null);

        if (state.ScopeOid is not null && Recall(part, mark) is { } recalled) return (null, recalled);

        var at = clock.GetTimestamp();
        var differences = await look.CompareAsync(cluster.Connection, cancellationToken);
        // A holder can set default privileges in its name. Nobody else's request is to wait for the next comparison.
        if (!onlyLook && state.ScopeOid is { } scope && differences.Exists(difference => difference.What == "owned")
            && (await ScopeDefaults.TakeBackAsync(cluster, scope.ToString(CultureInfo.InvariantCulture), cancellationToken)).Count > 0)
            differences = await look.CompareAsync(cluster.Connection, cancellationToken);
        if (CannotMend(differences, part, state.ScopeIdent, cluster.Credential.Username) is { } why) return (why, null);
        if (onlyLook) return (null, null);

        var changed = state.ScopeOid is null || differences.Count > 0;
        if (changed && await _mending.BringInLineAsync(cluster, look, cancellationToken) is { } cannot) return (cannot, null);

        var plan = await PlanReader.ReadAsync(cluster.Connection, part, sizes: false, cancellationToken);
        var onRecord = new PlanOnRecord(plan.Hash, plan.Summary);
        // The mark was read before the comparison: a change in between makes the next one differ.
        if (!changed) _inLine[(part.Target.Cluster, part.Role)] = (mark, at, onRecord);
        return (null, onRecord);
    }

    /// <summary>What the scope role gives, if nothing has changed since it was compared with its scope.</summary>
    public PlanOnRecord? Recall(ScopePart part, string mark) => Known(part) is { } known && known.Mark == mark ? known.Plan : null;

    /// <summary>Whether the mark of this scope takes long enough to read that it is worth a second connection.</summary>
    public bool IsLarge(ScopePart part) => Known(part) is { } known && MakingStatements.RowsIn(known.Mark) >= ManyRows;

    private (string Mark, PlanOnRecord Plan)? Known(ScopePart part) =>
        part.CanBeMarked && _inLine.TryGetValue((part.Target.Cluster, part.Role), out var known)
            && clock.GetElapsedTime(known.At) < MarkLifetime ? (known.Mark, known.Plan) : null;

    /// <summary>
    /// Compares and brings in line, whatever was known before. The scope role must be there. Answers what differed, and why it could not be
    /// mended.
    /// </summary>
    public async Task<(IReadOnlyList<string> Differences, Error? Why)> KeepInLineAsync(
        ClusterConnection cluster, RoleLook look, RolePreparation state, bool dryRun, CancellationToken cancellationToken)
    {
        if (state.ScopeFault(look.Part) is { } fault) return ([], fault);

        var differences = await look.CompareAsync(cluster.Connection, cancellationToken);
        var words = differences.Take(MostInWords).Select(InWords).ToList();
        if (differences.Count > MostInWords) words.Add($"and {differences.Count - MostInWords} more");
        if (CannotMend(differences, look.Part, state.ScopeIdent, cluster.Credential.Username) is { } why) return (words, why);
        return (words, dryRun || differences.Count == 0 ? null : await _mending.BringInLineAsync(cluster, look, cancellationToken));
    }

    internal static string InWords(ScopeDifference difference) => difference.What switch
    {
        "missing" or "default-missing" => $"{difference.Privilege?.ToLowerInvariant()} on {Thing(difference)} is missing",
        "absent" => $"{difference.Ident} is not there",
        "grantable" => $"{difference.Privilege?.ToLowerInvariant()} on {Thing(difference)} may be handed on",
        "foreign" => $"something that no scope gives, on {difference.Ident}",
        "owned" => $"{difference.Ident} is its own",
        _ => $"{difference.Privilege?.ToLowerInvariant()} on {Thing(difference)} is too " +
            $"much{(difference.Grantor is null ? "" : $" (given by {difference.Grantor})")}",
    };

    /// <summary>What the server left as it was although it took our statements.</summary>
    public static Error NotTaken(List<ScopeDifference> left, ScopePart part, string scopeIdent, string administrator) =>
        CannotMend([.. left.Select(d => d with { CanChange = false })], part, scopeIdent, administrator)
            ?? new Error("postgres.cannot_grant",
                $"The server took our statements and gave nothing: {Some(left.Select(d => $"{d.What} {d.Privilege} on {Thing(d)}"))}.");

    internal static IEnumerable<string> StatementsFor(IReadOnlyCollection<ScopeDifference> differences, string scopeIdent)
    {
        // Take first, then give: the other way round a statement that takes a whole table's privilege would take its columns' too.
        foreach (var (what, verb) in (
            (string, string)[])[("spurious", "REVOKE"), ("grantable", "REVOKE GRANT OPTION FOR"), ("missing", "GRANT")])
        {
            var whole = differences.Where(d => d.What == what && d.Kind != "column")
                .GroupBy(d => (d.Kind, d.Ident))
                    .Select(o => (o.Key.Kind, o.Key.Ident,
                    Privileges: string.Join(", ", o.Select(d => d.Privilege!).Distinct().Order(StringComparer.Ordinal))))
                .GroupBy(o => (o.Kind, o.Privileges));
            foreach (var group in whole)
            {
                // Long lists are cut: a statement of a megabyte helps nobody.
                foreach (var chunk in group.Chunk(500))
                    yield return $"{verb} {group.Key.Privileges} ON {Target(group.Key.Kind)} " +
                        $"{string.Join(", ", chunk.Select(o => o.Ident))} {(verb == "GRANT" ? "TO" : "FROM")} " +
                        $"{scopeIdent}{(verb == "GRANT" ? "" : " CASCADE")}";
            }
            foreach (var table in differences.Where(d => d.What == what && d.Kind == "column")
                .GroupBy(d => d.Ident, StringComparer.Ordinal))
                yield return Statement(verb, [.. table], scopeIdent);
        }
        foreach (var difference in differences.Where(d => d.What.StartsWith("default", StringComparison.Ordinal)))
            yield return DefaultStatement(difference, scopeIdent);
    }

    private static string Statement(string verb, IReadOnlyCollection<ScopeDifference> differences, string grantee)
    {
        var first = differences.First();
        var privileges = first.Kind == "column"
            ? string.Join(", ", differences.GroupBy(d => d.Privilege!, StringComparer.Ordinal)
                .Select(g => $"{g.Key} ({string.Join(", ", g.Select(d => d.Column))})"))
            : first.Privilege;
        return $"{verb} {privileges} ON {Target(first.Kind)} {first.Ident} {(verb == "GRANT" ? "TO" : "FROM")} " +
            $"{grantee}{(verb == "GRANT" ? "" : " CASCADE")}";
    }

    private static string DefaultStatement(ScopeDifference d, string scopeIdent)
    {
        var objects = d.Kind switch { "r" => "TABLES", "S" => "SEQUENCES", "f" => "ROUTINES", "T" => "TYPES", "n" => "SCHEMAS",
            _ => "LARGE OBJECTS" };
        var place = d.Ident == Unnamed ? "" : $" IN SCHEMA {d.Ident}";
        return d.What == "default-missing"
            ? $"ALTER DEFAULT PRIVILEGES FOR ROLE {d.Owner}{place} GRANT {d.Privilege} ON {objects} TO {scopeIdent}"
            : $"ALTER DEFAULT PRIVILEGES FOR ROLE {d.Owner}{place} REVOKE {d.Privilege} ON {objects} FROM {scopeIdent}";
    }

    private static string Target(string kind) => kind switch
    {
        "column" or "table" => "TABLE",
        "sequence" => "SEQUENCE",
        "function" => "ROUTINE",
        "schema" => "SCHEMA",
        _ => "DATABASE",
    };

    private static string Thing(ScopeDifference d) => d.Kind switch
    {
        "column" => $"column {d.Column} of table {d.Ident}",
        "r" or "S" or "f" or "T" or "n" or "L" => $"everything made later in {(d.Ident == Unnamed ? "any schema" : d.Ident)}",
        _ => $"{d.Kind} {d.Ident}",
    };

    /// <summary>The first few, and how many more.</summary>
    private static string Some(IEnumerable<string> things)
    {
        var all = things.Distinct(StringComparer.Ordinal).ToList();
        return all.Count <= 5 ? string.Join("; ", all) : $"{string.Join("; ", all.Take(5))} and {all.Count - 5} more";
    }

    private static string Word(Privilege privilege) => privilege.ToString().ToLowerInvariant();

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
