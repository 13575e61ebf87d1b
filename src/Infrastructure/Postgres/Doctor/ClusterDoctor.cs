using System.Globalization;
using System.Net;
using DbAccess.Application.Grants;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Inventory;
using DbAccess.Infrastructure.Postgres.Making;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Doctor;

/// <summary>From where on something is told.</summary>
/// <param name="Skew">Warned of; the server lets a role in by its own clock.</param>
/// <param name="BadSkew">With more than this, roles end at a wrong time.</param>
/// <param name="LiveRoles">From 16 on every role that an administrator made is a membership of it, and looking them through takes longer
/// with thousands.</param>
/// <param name="AclEntries">A table's list of privileges overflows at about 2,440.</param>
internal sealed record DoctorLimits(TimeSpan Skew, TimeSpan BadSkew, int LiveRoles, int AclEntries)
{
    public static DoctorLimits Default { get; } = new(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(30), 2_000, 1_000);
}

/// <summary>Examines a cluster over the same connections that make and remove roles, so that what works here works there.</summary>
internal sealed class ClusterDoctor(
        ClusterConnections connections, TimeProvider clock, ILogger<ClusterDoctor> logger, DoctorLimits? limits = null) : IClusterDoctor
{
    private const int Oldest = 14;
    private const int Newest = 18;

    private readonly DoctorLimits _limits = limits ?? DoctorLimits.Default;

    public async Task<IReadOnlyList<Check>> ExamineAsync(
            ClusterName cluster, string installation, IReadOnlyList<DatabaseToExamine> databases, CancellationToken cancellationToken)
    {
        var checks = new List<Check>();
        try
        {
            // Given back before the next is asked for: see OpenAsync.
            await using var connection = await connections.OpenAsync(cluster, null, cancellationToken);
            checks.Add(Ok(cluster, "reachable", $"{connection.Credential.Host}:{connection.Credential.Port} answers."));
            await ServerAsync(cluster, installation, connection, checks, cancellationToken);
        }
        catch (Exception failure) when (failure is ClusterFault or NpgsqlException)
        {
            checks.Add(Fault(cluster, "reachable", failure, ""));
            // Nothing else can be told of a cluster that does not answer.
            return checks;
        }

        foreach (var database in databases)
        {
            foreach (var place in database.Target.All())
                await DatabaseAsync(cluster, installation, database, place, checks, cancellationToken);
        }
        await ReadersAsync(cluster, checks, cancellationToken);
        return checks;
    }

    private async Task ServerAsync(
            ClusterName cluster, string installation, ClusterConnection connection, List<Check> checks, CancellationToken cancellationToken)
    {
        var sslMode = connection.Credential.SslMode;
        bool super, createRole, signal, restricted, password, readOnly, encrypted;
        string name, version;
        long roles;
        await using (var ask = new NpgsqlCommand(DoctorStatements.Administrator, connection.Connection))
        {
            await using var row = await ask.ExecuteReaderAsync(cancellationToken);
            if (!await row.ReadAsync(cancellationToken))
            {
                checks.Add(Bad(cluster, "administrator", "The administrator was renamed or dropped while it was logged in.",
                    "Mend the administrator credentials."));
                return;
            }
            (super, createRole, signal, restricted, password) =
                (row.GetBoolean(0), row.GetBoolean(1), row.GetBoolean(2), row.GetBoolean(3), row.GetBoolean(4));
            (name, readOnly, encrypted, version, roles) =
                (row.GetString(5), row.GetBoolean(6), row.GetBoolean(7), row.GetString(8), row.GetInt64(9));
        }

        checks.Add(Tls(cluster, sslMode, encrypted, connection.Credential.Host));
        checks.Add(connection.Major switch
        {
            < Oldest => Bad(cluster, "version",
                $"PostgreSQL {version} is older than {Oldest}: roles behave differently there and nothing was tried.",
                "Upgrade the cluster."),
            > Newest => Warn(cluster, "version", $"PostgreSQL {version} is newer than {Newest}, the newest that was tried."),
            _ => Ok(cluster, "version", $"PostgreSQL {version}."),
        });
        checks.Add(readOnly
            ? Bad(cluster, "writer", "This instance only reads: no role can be made or removed through it.",
                "Let host in the administrator credentials name the writer.")
            : Ok(cluster, "writer", "This instance takes writes."));

        checks.Add(super
            ? Warn(cluster, "administrator.superuser",
                $"The administrator {name} is a superuser, which is far more than is needed: whoever has its password has everything.",
                $"Make an administrator with CREATEROLE only, or run: ALTER ROLE {name} NOSUPERUSER;")
            : Ok(cluster, "administrator.superuser", $"The administrator {name} is not a superuser."));
        checks.Add(createRole || super
            ? Ok(cluster, "administrator.createrole", $"{name} may make roles.")
            : Bad(cluster, "administrator.createrole", $"{name} may neither make nor remove roles.", $"ALTER ROLE {name} CREATEROLE;"));
        checks.Add(signal || super
            ? Ok(cluster, "administrator.signal", $"{name} may end sessions.")
            : Bad(cluster, "administrator.signal",
                $"{name} is not a member of pg_signal_backend: sessions that outlive their role could not be ended.",
                $"GRANT pg_signal_backend TO {name};"));
        if (restricted)
        {
            checks.Add(password || super
                ? Ok(cluster, "administrator.password",
                    $"Passwords are reserved to rds_password here (rds.restrict_password_commands), and {name} is a member.")
                : Bad(cluster, "administrator.password",
                    $"Passwords are reserved to members of rds_password here (rds.restrict_password_commands), and {name} is none: no " +
                    "role can be made.", $"GRANT rds_password TO {name};"));
        }
        if (connection.Major >= 16) await AdminOptionAsync(cluster, installation, connection, checks, cancellationToken);

        checks.Add(connection.Major >= 16 && roles > _limits.LiveRoles
            ? Warn(cluster, "roles",
                $"{name} holds {roles} memberships; from PostgreSQL 16 on each role it made is one, and making and removing roles slows " +
                "down with thousands.",
                "Spread the grants over several installations with administrators of their own, or shorten lifetimes.")
            : Ok(cluster, "roles", $"{name} holds {roles} memberships."));
        checks.Add(await SkewAsync(cluster, connection, cancellationToken));
    }

    private static Check Tls(ClusterName cluster, string sslMode, bool encrypted, string host)
    {
        const string mend =
            "Set \"sslmode\":\"verify-full\" in the administrator credentials, and PGSSLROOTCERT to the authority's certificate.";
        var local = host.StartsWith('/') || (IPAddress.TryParse(host, out var address) && IPAddress.IsLoopback(address));
        return (encrypted, sslMode) switch
        {
            (true, "" or "verify-full") => Ok(cluster, "tls", "Encrypted; certificate and host name are verified."),
            (true, "verify-ca") =>
                Warn(cluster, "tls", "Encrypted, and the certificate's authority is verified, but not that it is for this host.", mend),
            (true, _) => Warn(cluster, "tls",
                $"Encrypted, but with sslmode {sslMode} nobody verifies who answers: the administrator's login can be taken on the way.",
                mend),
            (false, _) when local => Ok(cluster, "tls", "Not encrypted; the connection does not leave this machine."),
            _ => Warn(cluster, "tls", "Not encrypted: whoever is on the way sees what goes by.", mend),
        };
    }

    private async Task<Check> SkewAsync(ClusterName cluster, ClusterConnection connection, CancellationToken cancellationToken)
    {
        await using var ask = new NpgsqlCommand(DoctorStatements.Clock, connection.Connection);
        var (before, started) = (clock.GetUtcNow(), clock.GetTimestamp());
        var server = new DateTimeOffset((DateTime)(await ask.ExecuteScalarAsync(cancellationToken))!, TimeSpan.Zero);
        var half = clock.GetElapsedTime(started) / 2;
        var skew = server - (before + half);

        // What the way there and back may account for does not count.
        var certain = skew.Duration() - half;
        var words = string.Create(CultureInfo.InvariantCulture,
            $"The server's clock is {skew.Duration().TotalSeconds:0.0} s {(skew < TimeSpan.Zero ? "behind" : "ahead of")} ours");
        return certain > _limits.BadSkew ? Bad(
            cluster, "clock", $"{words}: roles stop being taken at the wrong time.", "Have both clocks set by the same time service (NTP).")
            : certain > _limits.Skew ? Warn(cluster, "clock", $"{words}.", "Have both clocks set by the same time service (NTP).")
            : Ok(cluster, "clock", $"{words}.");
    }

    private static async Task AdminOptionAsync(
            ClusterName cluster, string installation, ClusterConnection connection, List<Check> checks, CancellationToken cancellationToken)
    {
        List<string> without = [];
        var administrator = "";
        await using var ask = new NpgsqlCommand(DoctorStatements.WithoutAdmin, connection.Connection);
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = RoleTag.ScopePrefix(installation) });
        ask.Parameters.Add(new NpgsqlParameter<string> { TypedValue = RoleTag.Escrow(installation) });
        await using var row = await ask.ExecuteReaderAsync(cancellationToken);
        while (await row.ReadAsync(cancellationToken)) (administrator, _) = (row.GetString(1), Add(without, row.GetString(0)));

        checks.Add(without.Count == 0
            ? Ok(cluster, "administrator.scopes", "The administrator may hand on all of our scope roles and the escrow role.")
            : Bad(cluster, "administrator.scopes",
                $"{without.Count} of our scope and escrow roles were made by another administrator, and this one may not hand them on: " +
                $"{Some(without)}.", $"GRANT {string.Join(", ", without.Take(20))} TO {administrator} WITH ADMIN OPTION;"));

        static bool Add(List<string> list, string name)
        {
            list.Add(name);
            return true;
        }
    }

    private async Task DatabaseAsync(ClusterName cluster, string installation, DatabaseToExamine database, string place, List<Check> checks,
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
            await PublicAsync(cluster, name, connection, checks, cancellationToken);

            await using var longest = new NpgsqlCommand(DoctorStatements.LongestAcl, connection.Connection);
            await using var row = await longest.ExecuteReaderAsync(cancellationToken);
            var (table, entries) = await row.ReadAsync(cancellationToken) ? (row.GetString(0), row.GetInt64(1)) : ("", 0);
            checks.Add(entries > _limits.AclEntries
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
        if (ScopeRoles.Unsupported(part.Scope, connection.Major) is { } unsupported)
            return Bad(cluster, "scope", $"{about}: {unsupported.Message}", "Mend the scope in the policy file.");

        try
        {
            var look = RoleLook.WithoutRole(installation, part, clock.GetUtcNow());
            var (state, _) = await look.LookAsync(connection.Connection, cancellationToken);
            if (state.ScopeFault(part) is { } fault) return Bad(cluster, "scope", $"{about}: {fault.Message}", Statement(fault.Message));

            if (part.Scope.RunAs is { } owner
                && (await OwnerToActAs.FindAsync(connection, part.Target, part.Scope, owner, "nobody", cancellationToken)).Why is { } unfit)
                return Bad(cluster, "scope", $"{about}: {unfit.Message}", Statement(unfit.Message));

            var differences = await look.CompareAsync(connection.Connection, cancellationToken);
            if (ScopeRoles.CannotMend(differences, part, state.ScopeIdent, connection.Credential.Username) is { } cannot)
                return Bad(cluster, "scope", $"{about}: {cannot.Message}", Statement(cannot.Message));
            if (part.Scope.Privileges.Count > 0)
            {
                var plan = await PlanReader.ReadAsync(connection.Connection, part, sizes: false, cancellationToken);
                var makers = plan.Later.Where(later => later.Privileges.Count == 0).Select(later => later.Owner)
                    .Distinct(StringComparer.Ordinal).ToList();
                if (makers.Count > 0)
                {
                    return Warn(cluster, "scope",
                        $"{about}: the administrator can give what is there, but not what {Some(makers)} will make there: it is no " +
                        "member of them, and holders see such things only with their next grant.",
                        "Make the administrator a member of them; where one is a superuser, have another role make tables there.");
                }
            }
            return Ok(cluster, "scope",
                $"{about}: the administrator can give all of " +
                $"it{(differences.Count == 0 ? "" : $" ({differences.Count} privileges are still to be given or taken back, with the next grant)")}.");
        }
        catch (PostgresException refused) when (!ClusterFault.IsLostConnection(refused))
        {
            // No secret in these statements.
            return Bad(cluster, "scope",
                $"{about}: it cannot be compared with the database: {refused.MessageText} (SQLSTATE {refused.SqlState}).", null);
        }
    }

    /// <summary>The texts of refusals end with the statement that mends them.</summary>
    private static string? Statement(string message)
    {
        var at = message.LastIndexOf("run: ", StringComparison.OrdinalIgnoreCase) is >= 0 and var first
            ? first + 5 : message.LastIndexOf("run ", StringComparison.OrdinalIgnoreCase) is >= 0 and var second ? second + 4 : -1;
        return at < 0 ? null : message[at..].TrimEnd('.');
    }

    private static async Task PublicAsync(
            ClusterName cluster, string name, ClusterConnection connection, List<Check> checks, CancellationToken cancellationToken)
    {
        List<(string Kind, string What, string Statement)> leaks = [];
        await using (var ask = new NpgsqlCommand(DoctorStatements.Public, connection.Connection))
        {
            await using var row = await ask.ExecuteReaderAsync(cancellationToken);
            while (await row.ReadAsync(cancellationToken)) leaks.Add((row.GetString(0), row.GetString(1), row.GetString(2)));
        }

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
            checks.Add(Warn(cluster, $"public.{group.Key}", $"{name}: {words}. Scopes cannot take that away.",
                $"As the owner, in {name}: {string.Join(" ", all.Take(5).Select(leak => leak.Statement + ";"))}"));
        }
        if (leaks.Count == 0) checks.Add(Ok(cluster, "public", $"{name}: PUBLIC has nothing that scopes do not say."));
    }

    private async Task ReadersAsync(ClusterName cluster, List<Check> checks, CancellationToken cancellationToken)
    {
        IReadOnlyList<string> readers;
        try
        {
            readers = (await connections.CredentialAsync(cluster, cancellationToken)).Readers;
        }
        catch (ClusterFault failure)
        {
            checks.Add(Fault(cluster, "readers", failure, ""));
            return;
        }

        foreach (var reader in readers)
        {
            try
            {
                await using var connection = await connections.OpenAsync(cluster, null, cancellationToken, reader);
                await using var ask = new NpgsqlCommand(DoctorStatements.Recovery, connection.Connection);
                await using var row = await ask.ExecuteReaderAsync(cancellationToken);
                await row.ReadAsync(cancellationToken);
                var (recovers, name, signal) = (row.GetBoolean(0), row.GetString(1), row.GetBoolean(2));
                checks.Add(!signal
                    ? Bad(cluster, "reader", $"{reader}: {name} may not end sessions there.",
                    $"On the writer: GRANT pg_signal_backend TO {name};")
                    : recovers ? Ok(cluster, "reader", $"{reader} answers.")
                    : Warn(cluster, "reader", $"{reader} answers and is no reader: it takes writes.",
                        "List only readers under \"readers\" in the administrator credentials."));
            }
            catch (Exception failure) when (failure is ClusterFault or NpgsqlException)
            {
                logger.LogWarning("Reader {Reader} of {Cluster} does not answer", reader, cluster.Value);
                checks.Add(Bad(cluster, "reader",
                    $"{reader} does not answer: no removal can be proved while a role may have a session there. " +
                    $"{ClusterFault.From(failure, cluster, "").Error.Message}",
                    "Mend the reader, or take it out of \"readers\" in the administrator credentials."));
            }
        }
    }

    private static Check Fault(ClusterName cluster, string check, Exception failure, string database, string lead = "")
    {
        var fault = ClusterFault.From(failure, cluster, database);
        var mend = fault.SqlState switch
        {
            "42501" => $"Let the database's owner run: GRANT CONNECT ON DATABASE {Show.Identifier(database)} TO the administrator;",
            "3D000" => "Mend the database's name in the policy file, or make the database.",
            "28P01" or "28000" => "Put the right user name and password into the administrator credentials.",
            _ => null,
        };
        return Bad(cluster, check, lead + fault.Error.Message, mend);
    }

    private static Check Ok(ClusterName cluster, string name, string what) => new(cluster.Value, name, Health.Ok, what);

    private static Check Warn(ClusterName cluster, string name, string what, string? mend = null) =>
        new(cluster.Value, name, Health.Warn, what, mend);

    private static Check Bad(ClusterName cluster, string name, string what, string? mend) =>
        new(cluster.Value, name, Health.Fail, what, mend);

    private static string Some(IEnumerable<string> things)
    {
        var all = things.ToList();
        return all.Count <= 5 ? string.Join(", ", all) : $"{string.Join(", ", all.Take(5))} and {all.Count - 5} more";
    }
}
