using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Domain.Scopes;
using DbAccess.Infrastructure.Postgres.Connections;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>
/// The owner that the sessions of a scope act as (<c>run_as</c>), and the statements that let a role do so. The columns stand in the
/// record's order.
/// </summary>
/// <param name="IsTooStrong">It has, or is a member of what has, a power that no scope may lend.</param>
/// <param name="MayHandOn">Whether the administrator may make others members of it.</param>
/// <param name="Membership">The statement that does.</param>
/// <param name="Setting">Makes each new session the owner's.</param>
/// <param name="Connects">Lets a role in that inherits nothing (until PostgreSQL 15).</param>
/// <param name="Direct">What of it the role has directly, as the server describes it.</param>
/// <param name="LeaveIam">See <see cref="RdsIam"/>; empty when it is no member of rds_iam.</param>
/// <param name="CanLogIn">Who acts as it could set its password, and keep it beyond their end.</param>
internal sealed record OwnerToActAs(
    bool Exists, bool IsTooStrong, bool MayHandOn, string Membership, string Setting, string Ident, string Administrator,
    string[] Connects, string[] Direct, bool CanLogIn, string[] LeaveIam)
{
    public string[] Grants => [Membership, .. Connects];

    /// <summary>Refuses an owner that is not there, that has powers no scope may lend, or that the administrator cannot hand on.</summary>
    public static async Task<(Error? Why, OwnerToActAs Owner)> FindAsync(
        ClusterConnection cluster, DatabaseTarget target, PrivilegeScope scope, string owner, string role,
            CancellationToken cancellationToken)
    {
        var found = await cluster.FirstAsync(
            Statement(cluster.Major), [owner, role, (string[])[.. scope.DatabasesOf(target)]], Read, cancellationToken);
        var why = found switch
        {
            { Exists: false } => OwnerWords.NotThere(found.Ident, scope, target.Cluster),
            { IsTooStrong: true } => OwnerWords.TooStrong(found.Ident, scope),
            { CanLogIn: true } => OwnerWords.CanLogIn(found.Ident, scope),
            { LeaveIam.Length: > 0 } => OwnerWords.Iam(found.Ident, scope, found.LeaveIam),
            { MayHandOn: false } => OwnerWords.NotHandedOn(found.Ident, scope, found.Administrator),
            _ => null,
        };
        return (why, found);
    }

    /// <summary>
    /// Parameters: 1 the owner, 2 the temporary role, 3 the databases. From 16 on the owner is not inherited, before that nothing is: the
    /// session is the owner or nothing, so that what it makes is never the temporary role's.
    /// </summary>
    private static string Statement(int major) => $"""
        SELECT o.oid IS NOT NULL,
               EXISTS (SELECT FROM pg_roles r WHERE (r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls
                   OR r.rolname = 'rds_superuser' OR left(r.rolname, 3) = 'pg_' AND r.rolname <> 'pg_database_owner')
                          AND pg_has_role(o.oid, r.oid, 'MEMBER')),
               {(major >= 16 ? "coalesce(pg_has_role(o.oid, 'MEMBER WITH ADMIN OPTION'), false)" : "true")},
               format('GRANT %I TO %I{(major >= 16 ? " WITH INHERIT FALSE, SET TRUE" : "")}', $1, $2),
               format('ALTER ROLE %I SET role = %L', $2, $1),
               quote_ident($1), quote_ident(current_user),
               ARRAY(SELECT format('GRANT CONNECT ON DATABASE %I TO %I', b.datname, $2) FROM pg_database b
                      WHERE {Closed(major)} ORDER BY b.datname),
               ARRAY(SELECT pg_describe_object('pg_database'::regclass, b.oid, 0) FROM pg_database b
                      WHERE {Closed(major)} ORDER BY b.datname),
               coalesce(o.rolcanlogin, false),
               {RdsIam.Leave("o")}
          FROM (SELECT) AS one LEFT JOIN pg_roles o ON o.rolname = $1
        """;

    /// <summary>The databases, where nobody inherits anything, that not everybody may connect to.</summary>
    private static string Closed(int major) =>
        major >= 16 ? "$3 IS NULL" : "b.datname = ANY ($3) AND NOT has_database_privilege('public', b.oid, 'CONNECT')";

    private static OwnerToActAs Read(NpgsqlDataReader row) => new(
        row.GetBoolean(0), row.GetBoolean(1), row.GetBoolean(2), row.GetString(3), row.GetString(4), row.GetString(5), row.GetString(6),
        row.GetFieldValue<string[]>(7), row.GetFieldValue<string[]>(8), row.GetBoolean(9),
        row.GetFieldValue<string[]>(10));
}
