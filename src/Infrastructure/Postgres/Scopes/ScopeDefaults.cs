using DbAccess.Domain;
using DbAccess.Domain.Databases;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Roles;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Scopes;

/// <summary>
/// Default privileges in the name of a scope role. A scope role makes nothing and has none of its own; but whoever has its privileges may
/// set them (<c>ALTER DEFAULT PRIVILEGES FOR ROLE</c>), on every version: until 15 any member, from 16 on any member by inheritance, which
/// is how a holder gets what a scope gives. They are taken back by the statements that the holder could have used, and not by
/// <c>DROP OWNED</c>, which would take what live grants rest on.
/// </summary>
internal sealed class ScopeDefaults(ClusterConnections connections, ClusterName cluster)
{
    /// <summary>What was taken back, in words, and what could not be, each with what mends it.</summary>
    internal sealed record Outcome(IReadOnlyList<string> TakenBack, IReadOnlyList<string> Left);

    /// <summary>In every database where there are any. Writes nothing where there are none; may be repeated.</summary>
    /// <param name="oid">The scope role's.</param>
    /// <exception cref="ClusterFault">The cluster cannot be asked. A single database that cannot is among what is left.</exception>
    public async Task<Outcome> RevokeAsync(string oid, CancellationToken cancellationToken)
    {
        List<string> databases;
        await using (var any = await connections.OpenAsync(cluster, null, cancellationToken))
            databases = await any.RowsAsync(Databases, [oid], row => row.GetString(0), cancellationToken);

        List<string> taken = [];
        List<string> left = [];
        foreach (var database in databases)
        {
            List<Entry> entries = [];
            try
            {
                await using var there = await connections.OpenAsync(cluster, database, cancellationToken, pooled: false);
                entries = await there.RowsAsync(Entries, [oid], Entry.Read, cancellationToken);
                if (entries.Count == 0) continue;

                await RevokeAsync(there, oid, entries, cancellationToken);
                taken.AddRange(entries.Select(entry => $"{entry.Words} (database {database})"));
            }
            catch (PostgresException refused) when (Attempts.Classify(refused) == Passing.Never)
            {
                // No secret in these statements, so the server may speak for itself.
                left.Add($"{string.Join("; ", entries.Select(entry => entry.Words))} in database {database} could not be taken back " +
                    $"({refused.MessageText}, SQLSTATE {refused.SqlState}). " +
                    new Remedy("a superuser", "there", [.. entries.SelectMany(entry => entry.Statements)]));
            }
            catch (ClusterFault closed) when (closed.SqlState is not null)
            {
                left.Add($"default privileges of a scope role in database {database} could not be looked at: {closed.Error.Message}");
            }
        }
        return new Outcome(taken, left);
    }

    /// <summary>
    /// The same in the database of a connection. One transaction: we are a member for its length only, since a member may read what the
    /// scope gives.
    /// </summary>
    /// <returns>What was taken back, in words.</returns>
    public static async Task<IReadOnlyList<string>> RevokeAsync(
        ClusterConnection cluster, string oid, CancellationToken cancellationToken)
    {
        var entries = await cluster.RowsAsync(Entries, [oid], Entry.Read, cancellationToken);
        if (entries.Count > 0) await RevokeAsync(cluster, oid, entries, cancellationToken);
        return [.. entries.Select(entry => entry.Words)];
    }

    private static async Task RevokeAsync(
        ClusterConnection cluster, string oid, IReadOnlyList<Entry> entries, CancellationToken cancellationToken)
    {
        if (await cluster.RowAsync(Joining(cluster.Major), [oid], Membership.Read, cancellationToken) is not { } membership) return;

        await cluster.BatchAsync(
            [
                .. membership.Begin.Select(statement => new Asked(statement)),
                .. entries.SelectMany(entry => entry.Statements).Select(statement => new Asked(statement)),
                .. membership.End.Select(statement => new Asked(statement)),
            ],
            _ => Task.FromResult(true), cancellationToken);
    }

    /// <summary>One entry of <c>pg_default_acl</c>, and what brings it back to what there is without any.</summary>
    private sealed record Entry(string Words, IReadOnlyList<string> Statements)
    {
        public static Entry Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetFieldValue<string[]>(1));
    }

    /// <summary>What makes us a member, and what ends that; empty where we are one anyway.</summary>
    private sealed record Membership(IReadOnlyList<string> Begin, IReadOnlyList<string> End)
    {
        public static Membership Read(NpgsqlDataReader row) => new(row.GetFieldValue<string[]>(0), row.GetFieldValue<string[]>(1));
    }

    /// <summary>The databases that have any and can be entered. Parameter: the role's OID.</summary>
    private const string Databases = """
        SELECT DISTINCT b.datname::text FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid AND d.classid = 'pg_default_acl'::regclass
           AND d.deptype = 'o'
         ORDER BY 1
        """;

    /// <summary>
    /// In this database. What stands for every schema replaces what PostgreSQL gives by itself (all to the owner, to everybody EXECUTE on
    /// functions and USAGE on types), so that this is given anew. Parameter: the role's OID.
    /// </summary>
    private const string Entries = """
        SELECT format('default privileges of %s%s on %s for %s', pg_get_userbyid(k.role), k.place, k.kind, k.grantees),
               ARRAY(SELECT format('ALTER DEFAULT PRIVILEGES FOR ROLE %I%s REVOKE ALL ON %s FROM %s CASCADE', pg_get_userbyid(k.role),
                         k.place, k.kind, g.who) FROM unnest(k.idents) g(who))
               || CASE WHEN k.nsp = 0 THEN ARRAY[format('ALTER DEFAULT PRIVILEGES FOR ROLE %1$I GRANT ALL ON %2$s TO %1$I',
                      pg_get_userbyid(k.role), k.kind)]
                  || CASE k.type WHEN 'f' THEN ARRAY[format('ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT EXECUTE ON ROUTINES TO PUBLIC',
                                                    pg_get_userbyid(k.role))]
                                 WHEN 'T' THEN ARRAY[format('ALTER DEFAULT PRIVILEGES FOR ROLE %I GRANT USAGE ON TYPES TO PUBLIC',
                                                    pg_get_userbyid(k.role))] ELSE '{}' END
                  ELSE '{}' END
          FROM (SELECT d.defaclrole AS role, d.defaclnamespace AS nsp, d.defaclobjtype AS type,
                       CASE WHEN d.defaclnamespace = 0 THEN ''
                           ELSE format(' IN SCHEMA %I', (SELECT n.nspname FROM pg_namespace n WHERE n.oid = d.defaclnamespace))
                           END AS place,
                       CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'ROUTINES' WHEN 'T'
                           THEN 'TYPES' WHEN 'n' THEN 'SCHEMAS' ELSE 'LARGE OBJECTS' END AS kind,
                       (SELECT string_agg(DISTINCT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(e.grantee)::text END, ', ')
                          FROM aclexplode(d.defaclacl) e) AS grantees,
                       ARRAY(SELECT DISTINCT CASE e.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(e.grantee)) END
                          FROM aclexplode(d.defaclacl) e) AS idents
                  FROM pg_default_acl d WHERE d.defaclrole = $1::text::oid) k
         ORDER BY 1
        """;

    /// <summary>
    /// From 16 on an administrator is a member of what it made, but has not its privileges before it gives them to itself. See
    /// <see cref="RoleStatements.Hold"/>. Parameter: the role's OID.
    /// </summary>
    private static string Joining(int major) => $"""
        SELECT CASE WHEN pg_has_role(r.oid, '{(major >= 16 ? "USAGE" : "MEMBER")}') THEN '{"{}"}'
                    ELSE ARRAY[{RoleStatements.Hold},
                               format('GRANT %I TO CURRENT_USER{(major >= 16 ? " WITH INHERIT TRUE" : "")}', r.rolname)] END,
               CASE WHEN pg_has_role(r.oid, '{(major >= 16 ? "USAGE" : "MEMBER")}') THEN '{"{}"}'
                    ELSE ARRAY[format('REVOKE %I FROM CURRENT_USER{(major >= 16 ? " GRANTED BY CURRENT_USER" : "")}', r.rolname)] END
          FROM pg_roles r WHERE r.oid = $1::text::oid
        """;
}
