using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using System.Text.Json;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres;

/// <summary>One difference between what a scope role should have and what it has. Names are quoted by the server.</summary>
/// <param name="What">missing, spurious, grantable (wanted, but may be handed on), absent (no such object), default-missing, default-spurious, foreign.</param>
internal sealed record ScopeDifference(string What, string Kind, string Ident, string? Column, string? Privilege, string? Owner, bool CanChange, string? Grantor);

/// <summary>
/// Keeps scope roles in line with their scope. Privileges hang on them and temporary roles are only their members: direct grants to temporary
/// roles clash with each other and with everybody's DDL, and fill the tables' ACLs.
/// </summary>
internal sealed class ScopeRoles(TimeProvider clock, ILogger logger)
{
    /// <summary>
    /// How long a mark may stand for a full comparison. What it does not see, such as the administrator becoming a member of another owner, is seen then.
    /// </summary>
    private static readonly TimeSpan MarkLifetime = TimeSpan.FromMinutes(1);

    /// <summary>By cluster and scope role: the mark at which nothing differed, and when that was.</summary>
    private readonly ConcurrentDictionary<(ClusterName, string), (string Mark, long At)> _inLine = new();

    private const int LockAttempts = 40;

    private static readonly Dictionary<ObjectKind, Privilege[]> Supported = new()
    {
        [ObjectKind.Table] = [Privilege.Select, Privilege.Insert, Privilege.Update, Privilege.Delete, Privilege.Truncate, Privilege.References, Privilege.Trigger, Privilege.Maintain],
        [ObjectKind.Sequence] = [Privilege.Usage, Privilege.Select, Privilege.Update],
        [ObjectKind.Function] = [Privilege.Execute],
        [ObjectKind.Schema] = [Privilege.Usage],
    };

    private static readonly Privilege[] OnColumns = [Privilege.Select, Privilege.Insert, Privilege.Update, Privilege.References];

    public static RoleName NameFor(RoleOrder order) =>
        RoleName.ForScope(order.Installation, order.Scope.Name.Value, order.Scope.Fingerprint(order.Target.Database));

    public static string TagFor(RoleOrder order) =>
        RoleTag.Scope(order.Installation, order.Target.Database, order.Scope.Name.Value, order.Scope.Fingerprint(order.Target.Database));

    /// <summary>What no server could give, or this version could not. Null when the scope can be asked for.</summary>
    public static Error? Unsupported(PrivilegeScope scope, int major)
    {
        foreach (var rule in scope.Privileges)
        {
            var allowed = rule.Columns.Count > 0 ? OnColumns : Supported[rule.On.Kind];
            if (rule.Columns.Count > 0 && rule.On.Kind != ObjectKind.Table)
                return new Error("postgres.unsupported", $"Scope {scope.Name} names columns of something that is not a table ({rule}).");
            if (rule.Allow.FirstOrDefault(p => !allowed.Contains(p), (Privilege)(-1)) is var bad && bad != (Privilege)(-1))
                return new Error("postgres.unsupported", $"Scope {scope.Name} asks for {Word(bad)} on {rule.On}{(rule.Columns.Count > 0 ? " by column" : "")}, which PostgreSQL does not have.");
            if (major < 17 && rule.Allow.Contains(Privilege.Maintain))
                return new Error("postgres.unsupported", $"Scope {scope.Name} asks for maintain on {rule.On}, which PostgreSQL has from version 17 on; this server is {major}.");
        }
        return null;
    }

    /// <summary>The rules as <see cref="RoleStatements.Differences"/> reads them.</summary>
    public static string RulesAsJson(PrivilegeScope scope) => JsonSerializer.Serialize(
        scope.Privileges.Select((rule, n) => new
        {
            n,
            kind = Word(rule.On.Kind),
            nsp = rule.On.Schema,
            name = rule.On.Name,
            cols = rule.Columns.Count == 0 ? null : rule.Columns,
            privs = rule.On.Kind == ObjectKind.Schema ? [] : rule.Allow.Select(p => p.ToString().ToUpperInvariant()),
        }),
        Json);

    private static readonly JsonSerializerOptions Json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static async Task<List<ScopeDifference>> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        List<ScopeDifference> differences = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            differences.Add(new ScopeDifference(
                reader.GetString(0), reader.GetString(1), Text(reader, 2) ?? "(unnamed)", Text(reader, 3), Text(reader, 4), Text(reader, 5), !reader.IsDBNull(6) && reader.GetBoolean(6), Text(reader, 7)));
        }
        return differences;
    }

    /// <summary>Why the differences cannot be mended by us, with the statements that do. Null when they can.</summary>
    public static Error? CannotMend(List<ScopeDifference> differences, RoleOrder order, string scopeIdent, string administrator)
    {
        var absent = differences.Where(d => d.What == "absent").Select(d => d.Ident).ToList();
        if (absent.Count > 0)
        {
            return new Error("postgres.missing_object",
                $"Database {order.Target.Name} has no {Some(absent)}, which scope {order.Scope.Name} names. Create it there or mend the scope in the policy file.");
        }

        var ungrantable = differences.Where(d => d.What == "missing" && !d.CanChange).ToList();
        if (ungrantable.Count > 0)
        {
            var lines = ungrantable.Select(d => $"{d.Privilege!.ToLowerInvariant()} on {Thing(d)} (owner {d.Owner})");
            var owners = ungrantable.Select(d => d.Owner!).Distinct(StringComparer.Ordinal).ToList();
            return new Error("postgres.cannot_grant",
                $"The administrator {administrator} cannot give {Some(lines)}. "
                + $"To mend it, let a superuser or that owner run: GRANT {QuoteForPeople(owners[0])} TO {QuoteForPeople(administrator)}; or, for this privilege only: "
                + $"{Statement("GRANT", [ungrantable[0]], QuoteForPeople(administrator))} WITH GRANT OPTION;");
        }

        var stuck = differences.Where(d => d.What is "spurious" or "grantable" or "default-spurious" && !d.CanChange).ToList();
        if (stuck.Count > 0)
        {
            return new Error("postgres.spurious_privilege",
                $"The scope role {scopeIdent} has more than scope {order.Scope.Name} says, and the administrator {administrator} cannot take it back: "
                + $"{Some(stuck.Select(d => $"{d.Privilege!.ToLowerInvariant()} on {Thing(d)} (given by {d.Grantor ?? d.Owner})"))}. "
                + $"Let {stuck[0].Grantor ?? stuck[0].Owner} run: {(stuck[0].What.StartsWith("default", StringComparison.Ordinal) ? DefaultStatement(stuck[0], scopeIdent) : Statement("REVOKE", [stuck[0]], scopeIdent))};");
        }

        var foreign = differences.Where(d => d.What == "foreign").Select(d => d.Ident).ToList();
        return foreign.Count == 0
            ? null
            : new Error("postgres.spurious_privilege",
                $"The scope role {scopeIdent} has a privilege that no scope gives, on {Some(foreign)}. Let whoever gave it take it back.");
    }

    /// <summary>Sees to it that the scope role gives what the scope says, no more and no less. Answers why it cannot be, or null. Writes nothing when nothing differs.</summary>
    public async Task<Error?> EnsureAsync(ClusterConnection cluster, RoleOrder order, RoleLook look, RolePreparation state, string mark, CancellationToken cancellationToken)
    {
        if (state.ScopeFault(order) is { } fault) return fault;

        var key = (order.Target.Cluster, NameFor(order).Value);
        if (state.ScopeOid is not null && _inLine.TryGetValue(key, out var known) && known.Mark == mark && clock.GetElapsedTime(known.At) < MarkLifetime) return null;

        var at = clock.GetTimestamp();
        var differences = await look.CompareAsync(cluster.Connection, cancellationToken);
        if (CannotMend(differences, order, state.ScopeIdent, cluster.Credential.Username) is { } why) return why;
        if (state.ScopeOid is null || differences.Count > 0) return await BringInLineAsync(cluster, order, look, cancellationToken);

        // The mark was read before the comparison: a change in between makes the next one differ.
        _inLine[key] = (mark, at);
        return null;
    }

    /// <summary>
    /// Makes the scope role if need be and applies the differences, all or nothing; looks again before it commits, since the success of a GRANT
    /// proves nothing. Answers why it cannot be, or null.
    /// </summary>
    private async Task<Error?> BringInLineAsync(ClusterConnection cluster, RoleOrder order, RoleLook look, CancellationToken cancellationToken)
    {
        var connection = cluster.Connection;
        var scopeRole = NameFor(order).Value;
        var started = clock.GetTimestamp();
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);

        for (var attempt = 0; attempt < LockAttempts; attempt++)
        {
            await using var tryLock = new NpgsqlCommand(RoleStatements.TryScopeLock, connection) { Parameters = { new NpgsqlParameter<string> { TypedValue = scopeRole } } };
            if ((bool)(await tryLock.ExecuteScalarAsync(cancellationToken))!) break;
            await Task.Delay(TimeSpan.FromMilliseconds(25), clock, cancellationToken);
        }

        var (state, _) = await look.LookAsync(connection, cancellationToken);
        var differences = await look.CompareAsync(connection, cancellationToken);
        if (state.ScopeFault(order) is { } fault) return fault;
        if (CannotMend(differences, order, state.ScopeIdent, cluster.Credential.Username) is { } before) return before;

        List<string> statements = [];
        if (state.ScopeOid is null)
        {
            await using var create = new NpgsqlCommand(RoleStatements.CreateScopeRole, connection)
            {
                Parameters = { new NpgsqlParameter<string> { TypedValue = scopeRole }, new NpgsqlParameter<string> { TypedValue = TagFor(order) } },
            };
            await using var reader = await create.ExecuteReaderAsync(cancellationToken);
            await reader.ReadAsync(cancellationToken);
            statements.AddRange([reader.GetString(0), reader.GetString(1)]);
        }
        statements.AddRange(StatementsFor(differences, state.ScopeIdent));

        await using (var batch = new NpgsqlBatch(connection, transaction))
        {
            foreach (var statement in statements) batch.BatchCommands.Add(new NpgsqlBatchCommand(statement));
            if (batch.BatchCommands.Count > 0) await batch.ExecuteNonQueryAsync(cancellationToken);
        }

        var (stateAfter, _) = await look.LookAsync(connection, cancellationToken);
        var left = await look.CompareAsync(connection, cancellationToken);
        if (stateAfter.ScopeFault(order) is { } faultAfter) return faultAfter;
        if (left.Count > 0)
        {
            // Nothing is kept: the transaction goes when it is disposed of.
            return CannotMend([.. left.Select(d => d with { CanChange = false })], order, state.ScopeIdent, cluster.Credential.Username)
                ?? new Error("postgres.cannot_grant", $"The server took our statements and gave nothing: {Some(left.Select(d => $"{d.What} {d.Privilege} on {Thing(d)}"))}.");
        }

        await transaction.CommitAsync(cancellationToken);
        logger.LogInformation("Scope role {Role} on {Database}: {Missing} privileges given, {Spurious} taken back, {Ms:0} ms",
            scopeRole, order.Target.Name, differences.Count(d => d.What.EndsWith("missing", StringComparison.Ordinal)),
            differences.Count(d => !d.What.EndsWith("missing", StringComparison.Ordinal)), clock.GetElapsedTime(started).TotalMilliseconds);
        return null;
    }

    internal static IEnumerable<string> StatementsFor(IReadOnlyCollection<ScopeDifference> differences, string scopeIdent)
    {
        // Take first, then give: the other way round a statement that takes a whole table's privilege would take its columns' too.
        foreach (var (what, verb) in ((string, string)[])[("spurious", "REVOKE"), ("grantable", "REVOKE GRANT OPTION FOR"), ("missing", "GRANT")])
        {
            var whole = differences.Where(d => d.What == what && d.Kind != "column")
                .GroupBy(d => (d.Kind, d.Ident)).Select(o => (o.Key.Kind, o.Key.Ident, Privileges: string.Join(", ", o.Select(d => d.Privilege!).Distinct().Order(StringComparer.Ordinal))))
                .GroupBy(o => (o.Kind, o.Privileges));
            foreach (var group in whole)
            {
                // Long lists are cut: a statement of a megabyte helps nobody.
                foreach (var chunk in group.Chunk(500))
                    yield return $"{verb} {group.Key.Privileges} ON {Target(group.Key.Kind)} {string.Join(", ", chunk.Select(o => o.Ident))} {(verb == "GRANT" ? "TO" : "FROM")} {scopeIdent}{(verb == "GRANT" ? "" : " CASCADE")}";
            }
            foreach (var table in differences.Where(d => d.What == what && d.Kind == "column").GroupBy(d => d.Ident, StringComparer.Ordinal))
                yield return Statement(verb, [.. table], scopeIdent);
        }
        foreach (var difference in differences.Where(d => d.What.StartsWith("default", StringComparison.Ordinal))) yield return DefaultStatement(difference, scopeIdent);
    }

    private static string Statement(string verb, IReadOnlyCollection<ScopeDifference> differences, string grantee)
    {
        var first = differences.First();
        var privileges = first.Kind == "column"
            ? string.Join(", ", differences.GroupBy(d => d.Privilege!, StringComparer.Ordinal).Select(g => $"{g.Key} ({string.Join(", ", g.Select(d => d.Column))})"))
            : first.Privilege;
        return $"{verb} {privileges} ON {Target(first.Kind)} {first.Ident} {(verb == "GRANT" ? "TO" : "FROM")} {grantee}{(verb == "GRANT" ? "" : " CASCADE")}";
    }

    private static string DefaultStatement(ScopeDifference d, string scopeIdent)
    {
        var objects = d.Kind switch { "r" => "TABLES", "S" => "SEQUENCES", "f" => "ROUTINES", "T" => "TYPES", _ => "SCHEMAS" };
        var place = d.Ident == "(unnamed)" ? "" : $" IN SCHEMA {d.Ident}";
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
        "r" or "S" or "f" or "T" or "n" => $"everything made later in {d.Ident}",
        _ => $"{d.Kind} {d.Ident}",
    };

    /// <summary>The first few, and how many more.</summary>
    private static string Some(IEnumerable<string> things)
    {
        var all = things.Distinct(StringComparer.Ordinal).ToList();
        return all.Count <= 5 ? string.Join("; ", all) : $"{string.Join("; ", all.Take(5))} and {all.Count - 5} more";
    }

    /// <summary>For sentences only; what is sent is quoted by the server.</summary>
    private static string QuoteForPeople(string name) => $"\"{name.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string Word(Privilege privilege) => privilege.ToString().ToLowerInvariant();

    private static string Word(ObjectKind kind) => kind.ToString().ToLowerInvariant();

    private static string? Text(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
}
