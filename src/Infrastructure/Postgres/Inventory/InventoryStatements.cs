using DbAccess.Application.Grants;
using DbAccess.Infrastructure.Postgres.Making;
using DbAccess.Infrastructure.Postgres.Scopes;
using Npgsql;

namespace DbAccess.Infrastructure.Postgres.Inventory;

/// <summary>The SQL of the inventory; see <see cref="MakingStatements"/> for how values and names get into statements.</summary>
internal static class InventoryStatements
{
    /// <summary>
    /// Every role with our prefix, with a tag of this product, or with an OID that is asked for. Parameters: 1 prefix, 2 how tags begin, 3
    /// OIDs. <c>LIKE</c> would take the underscores of the prefix for any letter; <c>left</c> fails (22021) on a stranger's name or comment
    /// that was written in a database of another encoding.
    /// </summary>
    public const string Roles = """
        SELECT r.oid, r.rolname::text, starts_with(r.rolname::text, $1), CASE WHEN starts_with(d.description, $2) THEN d.description
            END, r.rolcanlogin,
               r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls,
               ARRAY(SELECT m.member::bigint FROM pg_auth_members m WHERE m.roleid = r.oid ORDER BY m.member, m.grantor),
               ARRAY(SELECT pg_get_userbyid(m.member)::text FROM pg_auth_members m WHERE m.roleid = r.oid ORDER BY m.member, m.grantor),
               ARRAY(SELECT pg_get_userbyid(m.grantor)::text FROM pg_auth_members m WHERE m.roleid = r.oid ORDER BY m.member, m.grantor),
               ARRAY(SELECT m.roleid::bigint FROM pg_auth_members m WHERE m.member = r.oid ORDER BY m.roleid, m.grantor),
               ARRAY(SELECT pg_get_userbyid(m.roleid)::text FROM pg_auth_members m WHERE m.member = r.oid ORDER BY m.roleid, m.grantor),
               ARRAY(SELECT pg_get_userbyid(m.grantor)::text FROM pg_auth_members m WHERE m.member = r.oid ORDER BY m.roleid, m.grantor),
               ARRAY(SELECT DISTINCT coalesce('database ' || b.datname, 'the whole cluster') FROM pg_shdepend s LEFT JOIN pg_database b
                   ON b.oid = s.dbid
                      WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND s.deptype = 'o'
                          AND s.classid NOT IN ('pg_auth_members'::regclass, 'pg_default_acl'::regclass)),
               -- A scope role has thousands of these, and is compared with its scope elsewhere.
               CASE WHEN r.rolcanlogin THEN ARRAY(SELECT DISTINCT coalesce('database ' || b.datname, 'the whole cluster') FROM pg_shdepend s
                   LEFT JOIN pg_database b ON b.oid = s.dbid
                      WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND s.deptype = 'a') ELSE '{}' END,
               CASE WHEN isfinite(r.rolvaliduntil) THEN r.rolvaliduntil END, r.rolconnlimit,
               -- A holder's own are the holder's business, and go with the role.
               CASE WHEN r.rolcanlogin THEN '{}' ELSE ARRAY(SELECT DISTINCT 'database ' || b.datname FROM pg_shdepend s JOIN pg_database b
                   ON b.oid = s.dbid
                      WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND s.deptype = 'o'
                          AND s.classid = 'pg_default_acl'::regclass) END,
               EXISTS (SELECT FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND s.deptype = 'a')
          FROM pg_roles r LEFT JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
         WHERE starts_with(r.rolname::text, $1) OR starts_with(d.description, $2) OR r.oid::bigint = ANY ($3)
         ORDER BY r.rolname
        """;

    public const string Where = "SELECT current_setting('transaction_read_only') = 'on', current_user::text, clock_timestamp(), " +
        "has_column_privilege('pg_authid', 'rolpassword', 'SELECT')";

    /// <summary>Parameter: a role's name.</summary>
    public const string Oid = "SELECT oid FROM pg_roles WHERE rolname = $1";

    /// <summary>Who has a password; only for those who may see that. The verifier itself is never asked for. Parameter: OIDs.</summary>
    public const string Passwords = "SELECT oid::bigint FROM pg_authid WHERE oid::bigint = ANY ($1) AND rolpassword IS NOT NULL";

    /// <summary>A role by OID, if its comment still is what it was. Parameters: 1 OID, 2 how the comment must begin.</summary>
    private const string Ours = """
          FROM pg_roles r JOIN pg_shdescription d ON d.objoid = r.oid AND d.classoid = 'pg_authid'::regclass
         WHERE r.oid = $1::text::oid AND starts_with(d.description, $2)
        """;

    public const string Lock =
        $"SELECT format('ALTER ROLE %I NOLOGIN', r.rolname), format('ALTER ROLE %I PASSWORD NULL', r.rolname) {Ours}";

    public const string CanLogIn = $"SELECT r.rolcanlogin {Ours}";

    /// <summary>Further parameters: 3 the member's OID, 4 the grantor's name.</summary>
    public static string Revoke(int major) =>
        // Until 15 a membership knows its grantor and does not care; from 16 on there is one for each.
        $"SELECT format('REVOKE %I FROM %I{(major >= 16 ? " GRANTED BY %I" : "")} CASCADE', r.rolname, " +
            $"m.rolname{(major >= 16 ? ", $4" : "")}), $4 " +
            $"{Ours.Replace("WHERE", "CROSS JOIN pg_roles m WHERE m.oid = $3::text::oid AND", StringComparison.Ordinal)}";

    /// <summary>Parameters: 1 the role's OID, 2 the member's, 3 the grantor's name.</summary>
    public const string IsMember = "SELECT EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = $1::text::oid AND m.member = " +
        "$2::text::oid AND pg_get_userbyid(m.grantor) = $3)";

    /// <summary>Transactions that give or take memberships at this moment: until their end what they do is seen by nobody else.</summary>
    public const string GivingMemberships = """
        SELECT l.virtualtransaction FROM pg_locks l
         WHERE l.locktype = 'relation' AND l.relation = 'pg_auth_members'::regclass AND l.mode = 'RowExclusiveLock' AND l.granted
             AND l.pid <> pg_backend_pid()
        """;

    /// <summary>
    /// The statement that drops a scope role, and what speaks against it: members other than us, things of its own, and whether a member is
    /// a temporary role of ours. Further parameter: 3 how the tags of those begin.
    /// </summary>
    public const string Drop = $"""
        SELECT r.rolname::text, quote_ident(r.rolname), format('DROP ROLE %I', r.rolname),
            format('REVOKE ALL ON DATABASE %I FROM %I', current_database(), r.rolname),
               ARRAY(SELECT quote_ident(h.rolname) FROM pg_auth_members m JOIN pg_roles h ON h.oid = m.member WHERE m.roleid = r.oid
                   AND h.rolname <> current_user),
               (SELECT count(*) FROM pg_shdepend s WHERE s.refclassid = 'pg_authid'::regclass AND s.refobjid = r.oid AND s.deptype = 'o'
                   AND s.classid <> 'pg_auth_members'::regclass),
               EXISTS (SELECT FROM pg_auth_members m JOIN pg_shdescription t ON t.objoid = m.member AND t.classoid = 'pg_authid'::regclass
                   WHERE m.roleid = r.oid AND starts_with(t.description, $3))
        {Ours}
        """;

    /// <summary>
    /// Which of some tables and views there are; where one is not, those of its schema as well whose names are about as long, of which at
    /// most four thousand are looked at. Parameters: 1 schemas, 2 names, pair by pair.
    /// </summary>
    public const string Tables = """
        WITH wanted AS MATERIALIZED (
            SELECT n.oid AS nspoid, w.nsp, w.name,
                   EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = n.oid AND c.relname = w.name::name
                              AND c.relkind IN ('r', 'p', 'v', 'm', 'f')) AS there
              FROM unnest($1::text[], $2::text[]) AS w(nsp, name) JOIN pg_namespace n ON n.nspname = w.nsp)
        SELECT nsp, name FROM wanted WHERE there
        UNION
        (SELECT w.nsp, c.relname::text FROM wanted w JOIN pg_class c ON c.relnamespace = w.nspoid
          WHERE NOT w.there AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND abs(length(c.relname::text) - length(w.name)) <= 2 LIMIT 4000)
        """;

    /// <summary>Parameters: 1 schemas, 2 how many at most, 3 what the names of further schemas are like.</summary>
    public const string TablesOf = $"""
        SELECT n.nspname::text, c.relname::text FROM pg_namespace n JOIN pg_class c ON c.relnamespace = n.oid
         WHERE (n.nspname = ANY ($1::text[]) OR n.nspname LIKE ANY ($3::text[]) AND {ScopeStatements.IsForPatterns})
           AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition
         ORDER BY 1, 2 LIMIT $2
        """;

    /// <summary>What a role has or owns anywhere, in words; only what is here has a name. At most twenty. Parameter: its OID.</summary>
    public const string KeptBy = """
        SELECT DISTINCT CASE WHEN d.dbid IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
                             THEN coalesce(pg_describe_object(d.classid, d.objid, d.objsubid), 'something')
                                 ELSE format('something in database %I', b.datname) END
          FROM pg_shdepend d LEFT JOIN pg_database b ON b.oid = d.dbid
         WHERE d.refclassid = 'pg_authid'::regclass AND d.refobjid = $1::text::oid
         ORDER BY 1 LIMIT 20
        """;
}

/// <summary>The statements that shut a scope role. See <see cref="InventoryStatements.Lock"/>.</summary>
internal sealed record RoleLock(string NoLogin, string NoPassword)
{
    public static RoleLock Read(NpgsqlDataReader row) => new(row.GetString(0), row.GetString(1));
}

/// <summary>A scope role that is to be dropped. See <see cref="InventoryStatements.Drop"/>.</summary>
/// <param name="Drop">The statement.</param>
/// <param name="Database">The statement that takes back what it has on this database.</param>
/// <param name="Members">Others than us, quoted.</param>
/// <param name="Owns">How many things.</param>
/// <param name="InUse">A temporary role of ours is among the members.</param>
internal sealed record ScopeRoleToDrop(
    string Name, string Ident, string Drop, string Database, IReadOnlyList<string> Members, long Owns, bool InUse)
{
    public static ScopeRoleToDrop Read(NpgsqlDataReader row) => new(
        row.GetString(0), row.GetString(1), row.GetString(2), row.GetString(3), row.GetFieldValue<string[]>(4), row.GetInt64(5),
        row.GetBoolean(6));
}
