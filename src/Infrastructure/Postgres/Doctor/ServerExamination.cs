using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using DbAccess.Application.Ports;
using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Making;
using DbAccess.Infrastructure.Postgres.Roles;
using Npgsql;
using static DbAccess.Infrastructure.Postgres.Doctor.Checks;

namespace DbAccess.Infrastructure.Postgres.Doctor;

/// <summary>What is checked of a server and its administrator.</summary>
internal sealed class ServerExamination(TimeProvider clock, DoctorLimits limits)
{
    private const int Oldest = 14;
    private const int Newest = 18;

    public async Task ExamineAsync(
            ClusterName cluster, string installation, ClusterConnection connection, List<Check> checks, CancellationToken cancellationToken)
    {
        var sslMode = connection.Credential.SslMode;
        if (await connection.RowAsync(Administrator.Statement, [], Administrator.Read, cancellationToken) is not { } admin)
        {
            checks.Add(Bad(cluster, "administrator", "The administrator was renamed or dropped while it was logged in.",
                "Mend the administrator credentials."));
            return;
        }
        var (super, createRole, _, _, _, name, readOnly, encrypted, version, roles, _) = admin;

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

        checks.AddRange(Powers(cluster, admin));
        if (connection.Major >= 16) await AdminOptionAsync(cluster, installation, connection, checks, cancellationToken);

        checks.Add(connection.Major >= 16 && roles > limits.LiveRoles
            ? Warn(cluster, "roles",
                $"{name} holds {roles} memberships; from PostgreSQL 16 on each role it made is one, and making and removing roles slows " +
                "down with thousands.",
                "Spread the grants over several installations with administrators of their own, or shorten lifetimes.")
            : Ok(cluster, "roles", $"{name} holds {roles} memberships."));
        checks.Add(await SkewAsync(cluster, connection, cancellationToken));
        if (!readOnly && (createRole || super)) checks.Add(await ProbeAsync(cluster, installation, connection, cancellationToken));
    }

    /// <summary>What the administrator may do: what is needed, and not more.</summary>
    private static IEnumerable<Check> Powers(ClusterName cluster, Administrator admin)
    {
        var (super, createRole, signal, restricted, password, name, _, _, _, _, leaveIam) = admin;
        yield return super
            ? Warn(cluster, "administrator.superuser",
                $"The administrator {name} is a superuser, which is far more than is needed: whoever has its password has everything.",
                $"Make an administrator with CREATEROLE only, or run: ALTER ROLE {name} NOSUPERUSER;")
            : Ok(cluster, "administrator.superuser", $"The administrator {name} is not a superuser.");
        yield return createRole || super
            ? Ok(cluster, "administrator.createrole", $"{name} may make roles.")
            : Bad(cluster, "administrator.createrole", $"{name} may neither make nor remove roles.",
                Stronger($"ALTER ROLE {name} CREATEROLE"));
        yield return signal || super
            ? Ok(cluster, "administrator.signal", $"{name} may end sessions.")
            : Bad(cluster, "administrator.signal",
                $"{name} is not a member of pg_signal_backend: sessions that outlive their role could not be ended.",
                Stronger($"GRANT pg_signal_backend TO {name}"));
        if (restricted)
        {
            yield return password || super
                ? Ok(cluster, "administrator.password",
                    $"Passwords are reserved to rds_password here (rds.restrict_password_commands), and {name} is a member.")
                : Bad(cluster, "administrator.password",
                    $"Passwords are reserved to members of rds_password here (rds.restrict_password_commands), and {name} is none: no " +
                    "role can be made.", Stronger($"GRANT rds_password TO {name}"));
        }
        if (leaveIam.Count > 0) yield return Bad(cluster, "administrator.iam", DoctorWords.Iam(name), Stronger([.. leaveIam]));
    }

    private static Remedy Stronger(params string[] statements) => new("a stronger role", "", statements);

    /// <summary>
    /// A role made and dropped in one transaction: what would be in the way of everybody's is found here, before anybody asks.
    /// </summary>
    private static async Task<Check> ProbeAsync(
            ClusterName cluster, string installation, ClusterConnection connection, CancellationToken cancellationToken)
    {
        // Names that we build need no quotes.
        var role = RoleName.ForGrant(installation, GrantId.New(), "doctor");
        var verifier = ScramVerifier.For(new Secret(Convert.ToHexString(RandomNumberGenerator.GetBytes(24))));
        try
        {
            await connection.RunAllAsync(
                [$"CREATE ROLE {role} LOGIN NOCREATEDB NOCREATEROLE CONNECTION LIMIT 1 VALID UNTIL '1970-01-01Z' PASSWORD '{verifier}'",
                    $"COMMENT ON ROLE {role} IS 'probe'", $"DROP ROLE {role}"], cancellationToken);
            return Ok(cluster, "administrator.probe", "A role was made and dropped again.");
        }
        catch (PostgresException refused) when (!ClusterFault.IsLostConnection(refused))
        {
            var why = await EventTrigger.ExplainAsync(
                connection, refused, "A role that was made to be dropped again was refused", cancellationToken);
            return Bad(cluster, "administrator.probe", why.Message, "Mend what refused it: nobody can be given a role until then.");
        }
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
        var (before, started) = (clock.GetUtcNow(), clock.GetTimestamp());
        var server = await connection.FirstAsync(
            DoctorStatements.Clock, [], row => new DateTimeOffset(row.GetDateTime(0), TimeSpan.Zero), cancellationToken);
        var half = clock.GetElapsedTime(started) / 2;
        var skew = server - (before + half);

        // What the way there and back may account for does not count.
        var certain = skew.Duration() - half;
        var words = string.Create(CultureInfo.InvariantCulture,
            $"The server's clock is {skew.Duration().TotalSeconds:0.0} s {(skew < TimeSpan.Zero ? "behind" : "ahead of")} ours");
        return certain > limits.BadSkew ? Bad(
            cluster, "clock", $"{words}: roles stop being taken at the wrong time.", "Have both clocks set by the same time service (NTP).")
            : certain > limits.Skew ? Warn(cluster, "clock", $"{words}.", "Have both clocks set by the same time service (NTP).")
            : Ok(cluster, "clock", $"{words}.");
    }

    private static async Task AdminOptionAsync(
            ClusterName cluster, string installation, ClusterConnection connection, List<Check> checks, CancellationToken cancellationToken)
    {
        var rows = await connection.RowsAsync(DoctorStatements.WithoutAdmin,
            [RoleTag.ScopePrefix(installation), RoleTag.Escrow(installation)],
            row => (Role: row.GetString(0), Administrator: row.GetString(1), IsEscrow: row.GetBoolean(2)), cancellationToken);
        var aside = rows.Where(row => !row.IsEscrow).Select(row => row.Role).ToList();
        var (without, administrator) = (rows.Where(row => row.IsEscrow).Select(row => row.Role).ToList(),
            rows.Select(row => row.Administrator).FirstOrDefault(""));
        checks.Add(without.Count > 0
            ? Bad(cluster, "administrator.scopes",
                $"Our escrow role was made by another administrator, and this one may not hand it on: {Some(without)}.",
                $"GRANT {string.Join(", ", without.Take(20))} TO {administrator} WITH ADMIN OPTION;")
            : aside.Count > 0
            ? Warn(cluster, "administrator.scopes",
                $"{aside.Count} of our scope roles were made by another administrator: {Some(aside)}. They are put aside, and others are " +
                "made in their place; each is dropped by whoever made it when it has no members any more.")
            : Ok(cluster, "administrator.scopes", "The administrator may hand on all of our scope roles and the escrow role."));
    }
}
