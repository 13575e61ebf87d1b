using DbAccess.Application.Ports;
using DbAccess.Domain.Grants;
using DbAccess.Infrastructure.Postgres.Connections;
using DbAccess.Infrastructure.Postgres.Roles;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Making;

/// <summary>
/// What a holder who acts as an owner could leave in the owner's name, which the owner's own things are not told from afterwards: its
/// settings, its memberships, its default privileges, what others may do with its things, functions that run with its rights, extensions,
/// what runs, or is left out, when others use its tables. A digest of them, one for each of the grant's databases, is kept in the tag of
/// the role when it is made; where it differs at the end, the receipt says in what.
/// </summary>
internal static class OwnerChanges
{
    private const int MostNames = 10;

    /// <summary>The first kinds, which are the whole cluster's: told of once, however many databases there are.</summary>
    private const int OfCluster = 2;

    private const char BetweenDatabases = '|';

    private static readonly string[] Kinds =
    [
        "settings", "memberships", "default privileges", "privileges of others on its things",
        "functions that run with its rights (SECURITY DEFINER)", "extensions", "triggers, rules and row security",
    ];

    /// <summary>
    /// Digests when the role was made, in the order of the target's databases (only the first one's where an earlier version made it), and
    /// the transaction that made it.
    /// </summary>
    public sealed record Remembered(IReadOnlyList<string> Digests, string Transaction)
    {
        public static Remembered Read(NpgsqlDataReader row) => new(row.GetString(0).Split(BetweenDatabases), row.GetString(1));
    }

    /// <summary>One for each kind, in their order.</summary>
    public static Task<string> DigestAsync(ClusterConnection cluster, string owner, CancellationToken cancellationToken) =>
        cluster.FirstAsync(Digest, [owner, RoleTagReader.Beginning], row => row.GetString(0), cancellationToken);

    /// <summary>The comment with the digests in it. The tag is JSON, in which no quote stands as it is.</summary>
    public static string InComment(string comment, IEnumerable<string> digests) =>
        $"{comment[..^2]},\"o\":\"{string.Join(BetweenDatabases, digests)}\"}}'";

    /// <summary>What is known of an owner from before. Null when nothing is: an earlier version made the role, or it is gone.</summary>
    public static async Task<Remembered?> RecallAsync(
            ClusterConnections connections, RoleToRemove role, CancellationToken cancellationToken)
    {
        try
        {
            await using var cluster = await connections.OpenAsync(role.Target.Cluster, role.Target.Database, cancellationToken);
            return await cluster.RowAsync(
                Recall, [role.Role.Value, RoleTag.LoginPrefix(role.Installation, role.Grant)], Remembered.Read, cancellationToken);
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            // The removal is what matters, and says by itself what is wrong.
            return null;
        }
    }

    /// <summary>The receipt with what changed. Asked when nobody acts as the owner any more.</summary>
    public static async Task<RemovalReceipt> TellAsync(ClusterConnections connections, RoleToRemove role, string owner,
        Remembered before, RemovalReceipt receipt, CancellationToken cancellationToken)
    {
        List<string> remarks = [.. receipt.Remarks];
        foreach (var (n, database) in role.Target.All().Take(before.Digests.Count).Index())
            remarks.AddRange(await ChangesAsync(connections, role, owner, before, n, database, cancellationToken));
        return receipt with { Remarks = remarks };
    }

    private static async Task<IEnumerable<string>> ChangesAsync(ClusterConnections connections, RoleToRemove role, string owner,
        Remembered before, int n, string database, CancellationToken cancellationToken)
    {
        var place = role.Target.Also.Count == 0 ? "" : $" in database {database}";
        try
        {
            await using var cluster = await connections.OpenAsync(role.Target.Cluster, database, cancellationToken);
            var (then, now) = (before.Digests[n].Split('.'), (await DigestAsync(cluster, owner, cancellationToken)).Split('.'));
            if (then.Length != now.Length || then.SequenceEqual(now, StringComparer.Ordinal)) return [];

            var names = await cluster.RowsAsync(Newer, [owner, RoleTagReader.Beginning, before.Transaction],
                row => (Kind: row.GetInt32(0), Name: row.GetString(1)), cancellationToken);
            return Kinds.Index().Where(kind => then[kind.Index] != now[kind.Index] && (n == 0 || kind.Index >= OfCluster)).Select(kind =>
                Words(kind.Item + (kind.Index < OfCluster ? "" : place), owner,
                    [.. names.Where(name => name.Kind == kind.Index).Select(name => name.Name)])).ToList();
        }
        catch (Exception failure) when (ClusterFault.IsOfConnection(failure))
        {
            return [$"whether anything of {owner} changed meanwhile{place} could not be looked at"];
        }
    }

    private static string Words(string kind, string owner, List<string> names) =>
        $"while the role was live, the {kind} of {owner}, as whom its sessions acted, changed (by whomever); " +
        (names.Count == 0 ? "something was taken away" : "written since: " + string.Join("; ", names.Take(MostNames))) +
        (names.Count > MostNames ? $"; and {names.Count - MostNames} more" : "");

    /// <summary>Parameters: 1 the owner, 2 how our tags begin: what our own roles have is not the owner's doing.</summary>
    private const string Things = """
        WITH o AS MATERIALIZED (SELECT oid, rolname FROM pg_roles WHERE rolname = $1),
        ours AS MATERIALIZED (
            SELECT d.objoid FROM pg_shdescription d WHERE d.classoid = 'pg_authid'::regclass AND starts_with(d.description, $2)),
        acl AS (
            SELECT c.oid::regclass::text AS name, c.relacl AS acl, c.xmin FROM pg_class c, o WHERE c.relowner = o.oid
            UNION ALL SELECT format('%s (%I)', a.attrelid::regclass, a.attname), a.attacl, a.xmin
              FROM o, pg_class c JOIN pg_attribute a ON a.attrelid = c.oid WHERE c.relowner = o.oid AND a.attacl IS NOT NULL
            UNION ALL SELECT format('schema %I', n.nspname), n.nspacl, n.xmin FROM pg_namespace n, o WHERE n.nspowner = o.oid
            UNION ALL SELECT p.oid::regprocedure::text, p.proacl, p.xmin FROM pg_proc p, o WHERE p.proowner = o.oid
            UNION ALL SELECT format('database %I', b.datname), b.datacl, b.xmin FROM pg_database b, o
               WHERE b.datdba = o.oid AND b.datname = current_database()
            UNION ALL SELECT format('type %s', t.oid::regtype), t.typacl, t.xmin FROM pg_type t, o
               WHERE t.typowner = o.oid AND t.typacl IS NOT NULL
            UNION ALL SELECT format('large object %s', l.oid), l.lomacl, l.xmin FROM pg_largeobject_metadata l, o
               WHERE l.lomowner = o.oid AND l.lomacl IS NOT NULL
            UNION ALL SELECT format('server %I', s.srvname), s.srvacl, s.xmin FROM pg_foreign_server s, o WHERE s.srvowner = o.oid),
        thing AS (
            SELECT 0 AS n, CASE WHEN b.oid IS NULL THEN 'everywhere' ELSE format('in database %I', b.datname) END AS name,
                   array_to_string(s.setconfig, ', ') AS content, s.xmin
              FROM o JOIN pg_db_role_setting s ON s.setrole = o.oid LEFT JOIN pg_database b ON b.oid = s.setdatabase
            UNION ALL
            SELECT 1, format('%I is a member of %I', pg_get_userbyid(m.member), pg_get_userbyid(m.roleid)), m.admin_option::text, m.xmin
              FROM pg_auth_members m, o WHERE o.oid IN (m.roleid, m.member)
               AND m.roleid NOT IN (SELECT objoid FROM ours) AND m.member NOT IN (SELECT objoid FROM ours)
            UNION ALL
            SELECT 2, format('on %s%s', CASE a.defaclobjtype WHEN 'r' THEN 'tables' WHEN 'S' THEN 'sequences' WHEN 'f' THEN 'functions'
                                                             WHEN 'T' THEN 'types' WHEN 'n' THEN 'schemas' ELSE 'large objects' END,
                             CASE WHEN a.defaclnamespace = 0 THEN '' ELSE format(' in schema %I', n.nspname) END),
                   (SELECT string_agg(format('%s %s', e.grantee, e.privilege_type), ', ' ORDER BY e.grantee, e.privilege_type)
                      FROM aclexplode(a.defaclacl) e WHERE e.grantee NOT IN (SELECT objoid FROM ours)), a.xmin
              FROM o JOIN pg_default_acl a ON a.defaclrole = o.oid LEFT JOIN pg_namespace n ON n.oid = a.defaclnamespace
            UNION ALL
            SELECT 3, acl.name, x.content, acl.xmin
              FROM o, acl CROSS JOIN LATERAL (
                SELECT string_agg(format('%s %s', e.grantee, e.privilege_type), ', ' ORDER BY e.grantee, e.privilege_type) AS content
                  FROM aclexplode(acl.acl) e WHERE e.grantee <> o.oid AND e.grantee NOT IN (SELECT objoid FROM ours)) x
             WHERE x.content IS NOT NULL
            UNION ALL
            SELECT 4, p.oid::regprocedure::text, concat_ws(', ', p.prosrc, p.probin, p.proconfig::text), p.xmin
              FROM pg_proc p, o WHERE p.proowner = o.oid AND p.prosecdef
            UNION ALL
            SELECT 5, quote_ident(e.extname), e.extversion, e.xmin FROM pg_extension e, o WHERE e.extowner = o.oid
            UNION ALL
            SELECT 6, format('trigger %I on %s', t.tgname, c.oid::regclass), concat_ws(', ', t.tgenabled, pg_get_triggerdef(t.oid)), t.xmin
              FROM o, pg_class c JOIN pg_trigger t ON t.tgrelid = c.oid WHERE c.relowner = o.oid AND NOT t.tgisinternal
            UNION ALL
            SELECT 6, format('function %s, for triggers', p.oid::regprocedure), concat_ws(', ', p.prosrc, p.probin, p.proconfig::text),
                   p.xmin
              FROM pg_proc p, o WHERE p.proowner = o.oid AND p.prorettype = 'trigger'::regtype
            UNION ALL
            SELECT 6, format('rule %I on %s', r.rulename, c.oid::regclass), concat_ws(', ', r.ev_enabled, pg_get_ruledef(r.oid)), r.xmin
              FROM o, pg_class c JOIN pg_rewrite r ON r.ev_class = c.oid WHERE c.relowner = o.oid AND r.rulename <> '_RETURN'
            UNION ALL
            SELECT 6, format('policy %I on %s', p.polname, c.oid::regclass), concat_ws(', ', p.polcmd, p.polpermissive, p.polroles::text,
                   pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid)), p.xmin
              FROM o, pg_class c JOIN pg_policy p ON p.polrelid = c.oid WHERE c.relowner = o.oid
            UNION ALL
            SELECT 6, format('row security of %s', c.oid::regclass), concat_ws(', ', c.relrowsecurity, c.relforcerowsecurity), c.xmin
              FROM pg_class c, o WHERE c.relowner = o.oid AND (c.relrowsecurity OR c.relforcerowsecurity))
        """;

    private const string Digest = $"""
        {Things}
        SELECT string_agg(d, '.' ORDER BY n) FROM (
            SELECT g.n, to_hex(hashtextextended(coalesce(string_agg(format('%s=%s', t.name, t.content), E'\n'
                       ORDER BY t.name COLLATE "C", t.content COLLATE "C"), ''), 0)) AS d
              FROM generate_series(0, 6) AS g(n) LEFT JOIN thing t ON t.n = g.n GROUP BY g.n) x
        """;

    /// <summary>What was written since a transaction. Parameter 3: it.</summary>
    private const string Newer = $"""
        {Things}
        SELECT n, name FROM thing WHERE age(xmin) < age($3::text::xid) ORDER BY n, name LIMIT 200
        """;

    /// <summary>Parameters: 1 the role, 2 how its tag begins.</summary>
    private const string Recall = """
        SELECT substring(d.description FROM '"o":"([0-9a-f.|]+)"'), d.xmin::text
          FROM pg_roles r JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
         WHERE r.rolname = $1 AND starts_with(d.description, $2) AND d.description ~ '"o":"[0-9a-f.|]+"'
        """;
}
