using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Roles;
using DbAccess.Infrastructure.Postgres.Scopes;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Removing;

/// <summary>A role that left something, and the statements about it, quoted by the server.</summary>
internal sealed record LeftoverRole(string Ident, string Administrator, string Hold, string BeMember, string BeNoMember,
    string DropOwned, string NoPassword)
{
    public required string Oid { get; init; }

    /// <summary>A scope role keeps the privileges on which live grants rest.</summary>
    public required bool IsScope { get; init; }

    /// <summary>What takes back the settings it has; empty mostly.</summary>
    public required IReadOnlyList<string> ResetSettings { get; init; }

    /// <summary>
    /// Which kinds of dependency are too much: a temporary role has nothing of its own, a scope role owns nothing.
    /// </summary>
    public string[] Kinds => IsScope ? ["o"] : ["o", "a", "r", "i", "t"];

    public string ReassignTo(string heir) => $"REASSIGN OWNED BY {Ident} TO {heir}";

    /// <summary>Null when there is no such role any more.</summary>
    public static Task<LeftoverRole?> FindAsync(
        ClusterConnection cluster, string oid, bool isScope, CancellationToken cancellationToken) =>
        cluster.RowAsync(Sql(cluster.Major), [oid], row => new LeftoverRole(row.GetString(0), row.GetString(1), row.GetString(2),
            row.GetString(3), row.GetString(4), row.GetString(5), row.GetString(6))
        {
            Oid = oid,
            IsScope = isScope,
            ResetSettings = row.GetFieldValue<string[]>(7),
        }, cancellationToken);

    /// <summary>In the order of the record. Parameter: the role's OID.</summary>
    private static string Sql(int major) => $"""
        SELECT quote_ident(r.rolname), quote_ident(current_user), {RoleStatements.Hold},
               format('GRANT %I TO CURRENT_USER{EscrowRole.Options(major)}', r.rolname),
               CASE WHEN pg_has_role(r.oid, 'MEMBER') THEN 'SELECT 1' ELSE format('REVOKE %I FROM CURRENT_USER', r.rolname) END,
               format('DROP OWNED BY %I', r.rolname),
               format('ALTER ROLE %I PASSWORD NULL', r.rolname),
               ARRAY(SELECT CASE WHEN c.setdatabase = 0 THEN format('ALTER ROLE %I RESET ALL', r.rolname)
                   ELSE format('ALTER ROLE %I IN DATABASE %I RESET ALL', r.rolname, b.datname) END
                       FROM pg_db_role_setting c LEFT JOIN pg_database b ON b.oid = c.setdatabase WHERE c.setrole = r.oid)
          FROM pg_roles r WHERE r.oid = $1::text::oid
        """;
}

/// <summary>The powerless role that keeps what temporary roles leave.</summary>
/// <param name="IsOurs">It has our tag and no power, we may use it, and nobody else has it by their own doing. A look-alike gets
/// nothing.</param>
/// <param name="Major">Of the server.</param>
internal sealed record EscrowRole(string Ident, bool Exists, bool IsOurs, bool IsMember, int Major)
{
    public static string Options(int major) => major >= 16 ? " WITH INHERIT TRUE, SET TRUE" : "";

    public string Lend(LeftoverRole subject) => $"GRANT {subject.Ident} TO {Ident}{Options(Major)}";

    public string Revoke(LeftoverRole subject) => $"REVOKE {subject.Ident} FROM {Ident}";

    /// <summary>Makes it where there is none, and us a member of it; tells when another has its name.</summary>
    public static async Task<EscrowRole> PrepareAsync(
        ClusterConnection cluster, string installation, ILogger logger, CancellationToken cancellationToken)
    {
        var found = await FindAsync(cluster, installation, cancellationToken);
        if (!found.Role.Exists)
        {
            try
            {
                await cluster.BatchAsync([.. found.Make.Select(statement => new Asked(statement))], _ => Task.FromResult(true),
                    cancellationToken);
            }
            catch (PostgresException there) when (there.SqlState == PostgresErrorCodes.DuplicateObject)
            {
                // Another worker was quicker.
            }
            found = await FindAsync(cluster, installation, cancellationToken);
        }
        else if (found.Role is { IsOurs: true, IsMember: false })
        {
            try
            {
                await cluster.RunAsync(found.Make[^1], cancellationToken);
            }
            catch (PostgresException refused) when (refused.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                // From 16 on that of another administrator: not ours to use.
                found = found with { Role = found.Role with { IsOurs = false } };
            }
        }
        if (!found.Role.IsOurs)
            logger.LogWarning("The role {Escrow} has the name of our escrow role but is not it, or is another's or in others' hands; " +
                "what roles leave goes to the administrator, disarmed", RoleName.ForEscrow(installation).Value);
        return found.Role;
    }

    private static Task<Found> FindAsync(ClusterConnection cluster, string installation, CancellationToken cancellationToken) =>
        cluster.FirstAsync(Sql(cluster.Major), [RoleName.ForEscrow(installation).Value, RoleTag.Escrow(installation)],
            row => new Found(
                new EscrowRole(row.GetString(0), row.GetBoolean(1), row.GetBoolean(2), row.GetBoolean(3), cluster.Major),
                row.GetFieldValue<string[]>(4)),
            cancellationToken);

    private sealed record Found(EscrowRole Role, string[] Make);

    /// <summary>
    /// The role, and the statements that make it, the last of which makes us its member. Parameters: 1 its name, 2 its tag.
    /// </summary>
    private static string Sql(int major) => $"""
        SELECT quote_ident($1), e.oid IS NOT NULL,
               coalesce(shobj_description(e.oid, 'pg_authid') = $2 AND NOT e.rolcanlogin AND NOT e.rolsuper
                   AND cardinality({ScopeHands.Others("e.oid")}) = 0, false),
               coalesce(pg_has_role(e.oid, 'USAGE'), false),
               ARRAY[format('CREATE ROLE %I NOLOGIN NOCREATEDB NOCREATEROLE', $1), format('COMMENT ON ROLE %I IS %L', $1, $2),
                     format('GRANT %I TO CURRENT_USER{Options(major)}', $1)]
          FROM (SELECT) AS one LEFT JOIN pg_roles e ON e.rolname = $1
        """;
}
