using DbAccess.Application.Ports;
using DbAccess.Domain.Databases;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Making;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.Logging;
using Npgsql;
using static DbAccess.Infrastructure.Postgres.Doctor.Checks;

namespace DbAccess.Infrastructure.Postgres.Doctor;

/// <summary>What is checked of a database and the scopes that may be asked for on it.</summary>
internal sealed class DatabaseExamination(ClusterConnections connections, TimeProvider clock, ILogger logger, DoctorLimits limits)
{
    /// <summary>Of its own: what it looks at is not what others believe to be there.</summary>
    private readonly ScopeRoles _scopes = new(clock, logger);

    public async Task ExamineAsync(ClusterName cluster, string installation, DatabaseToExamine database, string place, List<Check> checks,
        CancellationToken cancellationToken)
    {
        var name = database.Target.Also.Count == 0 ? database.Target.Name.Value : $"{database.Target.Name} ({place})";
        try
        {
            await using var connection = await connections.OpenAsync(cluster, place, cancellationToken);
            checks.Add(Ok(cluster, "database", $"{name}: the administrator may connect."));
            foreach (var part in database.Scopes.SelectMany(scope => ScopePart.Of(installation, database.Target, scope))
                .Where(part => part.Database == place))
                checks.Add(await ScopeAsync(cluster, installation, connection, part, cancellationToken));
            await PublicAsync(cluster, name, database.Target.AllowPublicCreate, connection, checks, cancellationToken);

            checks.Add(await TriggersAsync(cluster, name, connection, cancellationToken));

            var (table, entries) = (await connection.RowsAsync(
                DoctorStatements.LongestAcl, [], row => (row.GetString(0), row.GetInt64(1)), cancellationToken)).FirstOrDefault(("", 0L));
            checks.Add(entries > limits.AclEntries
                ? Warn(cluster, "acl",
                    $"{name}: table {table} has {entries} entries in its list of privileges; at about 2,400 nothing more can be granted " +
                    "on it.", $"Take back what nobody needs: see \\dp {table}")
                : Ok(cluster, "acl", entries == 0 ? $"{name}: no table has a list of privileges of its own."
                    : $"{name}: the longest list of privileges has {entries} entries ({table})."));
        }
        catch (Exception failure) when (failure is ClusterFault or NpgsqlException)
        {
            checks.Add(Fault(cluster, "database", failure, place, $"{name}: "));
        }
    }

    private async Task<Check> ScopeAsync(
            ClusterName cluster, string installation, ClusterConnection connection, ScopePart part, CancellationToken cancellationToken)
    {
        var about = $"{part.Place}, scope {part.Scope.Name}";
        if (ScopeSupport.Lack(part.Scope, connection.Major) is { } unsupported)
            return Bad(cluster, "scope", $"{about}: {unsupported.Message}", "Mend the scope in the policy file.");

        try
        {
            var look = RoleLook.WithoutRole(installation, part, clock.GetUtcNow());
            var (state, mark) = await look.LookAsync(connection, cancellationToken);
            if (part.Scope.RunAs is { } owner
                && (await OwnerToActAs.FindAsync(connection, part.Target, part.Scope, owner, "nobody", cancellationToken)).Why is { } unfit)
                return Bad(cluster, "scope", about, unfit);

            var scope = await _scopes.EnsureAsync(connection, look, state, mark, cancellationToken, onlyLook: true);
            if (scope.Why is { } cannot) return Bad(cluster, "scope", about, cannot);
            if (scope.Odd.Count > 0)
                return Warn(cluster, "scope",
                    $"{about}: nobody is kept out for it, but {string.Join(" ", scope.Odd.Select(odd => odd.Message))}", null,
                    scope.Odd[0].Remedy);
            var differences = (await scope.Look.CompareAsync(connection, cancellationToken)).All;
            if (part.Scope.Privileges.Count > 0)
            {
                var plan = await PlanReader.ReadAsync(connection, part, sizes: false, cancellationToken);
                var makers = plan.Later.Where(later => later.Privileges.Count == 0).Select(later => later.Owner)
                    .Distinct(StringComparer.Ordinal).ToList();
                if (makers.Count > 0)
                {
                    return Warn(cluster, "scope",
                        $"{about}: the administrator can give what is there, but not what {Some(makers)} will make there: it is no " +
                        "member of them, and holders see such things only with their next grant.",
                        "Make the administrator a member of them; where one is a superuser, have another role make tables there.");
                }
                if (plan.Remarks.Count > 0)
                {
                    return Warn(cluster, "scope",
                        $"{about}: the administrator can give all of it, and its holders are told that it is not all there is to it. " +
                        string.Join(". ", plan.Remarks.Take(5)) +
                        $"{(plan.Remarks.Count > 5 ? $"; and {plan.Remarks.Count - 5} more" : "")}.",
                        "Where they are to see or do it: a policy for PUBLIC, or what the view reads and calls in the scope too.");
                }
            }
            var left = differences.Count == 0
                ? "" : $" ({differences.Count} privileges are still to be given or taken back, with the next grant)";
            return Ok(cluster, "scope", $"{about}: the administrator can give all of it{left}.");
        }
        catch (PostgresException refused) when (!ClusterFault.IsLostConnection(refused))
        {
            // No secret in these statements.
            return Bad(cluster, "scope",
                $"{about}: it cannot be compared with the database: {refused.MessageText} (SQLSTATE {refused.SqlState}).", mend: null);
        }
    }

    private static async Task PublicAsync(
            ClusterName cluster, string name, bool mayCreate, ClusterConnection connection, List<Check> checks,
            CancellationToken cancellationToken)
    {
        var leaks = await connection.RowsAsync(DoctorStatements.Public, [],
            row => (Kind: row.GetString(0), What: row.GetString(1), Statement: row.GetString(2)), cancellationToken);

        // Everybody, so every temporary role, has these whatever the scope says.
        foreach (var group in leaks.GroupBy(leak => leak.Kind, StringComparer.Ordinal))
        {
            var all = group.ToList();
            var what = Some(all.Select(leak => leak.What));
            var words = group.Key switch
            {
                "create" => $"everybody may make tables in schema {what}: a holder can leave things behind, and put functions in other " +
                    "people's way",
                "temp" => "everybody may make temporary tables",
                "connect" => "everybody who can log in to the cluster may connect, the holders of other databases' roles included",
                "system" => $"everybody has what the server keeps to itself when it is set up, on {what}",
                _ => $"everybody who may enter its schema, as by a scope, may run {all.Count} function{(all.Count == 1 ? "" : "s")} with " +
                    $"the owner's rights (SECURITY DEFINER): {what}",
            };
            // Taken from everybody, it is taken from who rests on it too.
            var first = group.Key switch
            {
                "create" => "Give who is to go on making things there the right by name (GRANT CREATE ON SCHEMA … TO …), and then, as",
                "temp" => "Give who works with temporary tables the right by name (GRANT TEMPORARY ON DATABASE … TO …), " +
                    "and then, as",
                "connect" => "Give who is to go on connecting the right by name (GRANT CONNECT ON DATABASE … TO …), and then, as",
                "definer" or "system" => "Give who calls it the right by name (GRANT … TO …), and then, as",
                _ => "As",
            };
            var mend = $"{first} {(group.Key == "create" ? "a superuser" : "the owner")}, " +
                $"in {name}: {string.Join(" ", all.Take(5).Select(leak => leak.Statement + ";"))}";
            checks.Add(group.Key == "create" && !mayCreate
                ? Bad(cluster, "public.create", $"{name}: {words}. No role is made here until that is taken back, or the policy says " +
                    "allow_public_create: true for this database.", mend)
                : Warn(cluster, $"public.{group.Key}", $"{name}: {words}. Scopes cannot take that away.", mend));
        }
        if (leaks.Count == 0) checks.Add(Ok(cluster, "public", $"{name}: PUBLIC has nothing that scopes do not say."));
    }

    /// <summary>Whatever fails in one of these fails our statements with it.</summary>
    private static async Task<Check> TriggersAsync(
            ClusterName cluster, string name, ClusterConnection connection, CancellationToken cancellationToken)
    {
        var triggers = await EventTrigger.ListAsync(connection, cancellationToken);
        return triggers.Count == 0
            ? Ok(cluster, "triggers", $"{name}: no event trigger is enabled.")
            : Warn(cluster, "triggers",
                $"{name}: somebody's code runs inside our statements here: {EventTrigger.Named(triggers)}. If it fails, nobody gets " +
                "access.",
                "See that each of these functions works for our administrator, whose search_path is pg_catalog alone (SET search_path " +
                "on the function).");
    }
}
